import Core
import Foundation
import Spooling
import TestSupport

/// A disk in memory that can lose power: renames count once a folder that they touch was flushed, bytes once their file or
/// everything was. Touched by one thread, the simulation's.
final class SimDisk: @unchecked Sendable {
  enum Place: Hashable {
    case folder(Folder)
    case sweep(String)
  }

  /// One file's bytes and where it is, with what the disk would still know of it after a power cut.
  private final class File {
    var name: FileName
    var bytes: [UInt8]
    var place: Place
    var modified: Date
    var changed: Date
    /// Where it has been since its place was flushed, oldest first, without where it is.
    var unflushedPlaces: [(place: Place, name: FileName)] = []
    var flushedBytes: Int
    var flushedModified: Date
    let inode: UInt64

    init(_ name: FileName, _ bytes: [UInt8], _ place: Place, _ now: Date, inode: UInt64) {
      self.name = name
      self.bytes = bytes
      self.place = place
      modified = now
      changed = now
      flushedBytes = bytes.count
      flushedModified = now
      self.inode = inode
    }
  }

  private struct Spot: Hashable {
    var place: Place
    var name: FileName
  }

  private var files: [Spot: File] = [:]
  private var inodes: UInt64 = 100
  /// Sweep folders, and whether somebody holds the lock.
  private(set) var sweeps: [String: SimProcess?] = [:]
  /// Who is told what the kernel would tell.
  var watchers: [String: (Watcher.Sight) -> Void] = [:]
  let clock: ManualClock

  init(_ clock: ManualClock) { self.clock = clock }

  private func tell(_ place: Place, _ name: FileName) {
    let sight: Watcher.Sight? =
      switch place {
      case .folder(.new): .arrived(name)
      case .folder(.deferred): .deferred(name)
      default: nil
      }
    if let sight { for name in watchers.keys.sorted() { watchers[name]?(sight) } }
  }

  // MARK: As a test sees it

  /// Drops a message the right way: flushed.
  func drop(_ text: String, as name: String) {
    inodes += 1
    let spot = Spot(place: .folder(.new), name: FileName(name))
    files[spot] = File(spot.name, Array(text.utf8), spot.place, clock.now.date, inode: inodes)
    tell(spot.place, spot.name)
  }

  /// An operator's `flush`.
  func makeDue(_ name: FileName, at due: Date) {
    files[Spot(place: .folder(.deferred), name: name)]?.modified = due
    tell(.folder(.deferred), name)
  }

  func names(in place: Place) -> [FileName] { files.keys.filter { $0.place == place }.map(\.name).sorted() }

  /// Every file: where it is, its name, and its text.
  var everything: [(place: Place, name: FileName, text: String)] {
    files.values.map { ($0.place, $0.name, String(decoding: $0.bytes, as: UTF8.self)) }
      .sorted { $0.1 < $1.1 }
  }

  /// The power fails. Of what was not flushed the disk has some: of each file's renames a beginning, of each append a
  /// beginning.
  func losePower(_ random: inout SeededGenerator) {
    let all = files.values.sorted { $0.inode < $1.inode }
    files.removeAll()
    for file in all {
      if !file.unflushedPlaces.isEmpty {
        let way = file.unflushedPlaces + [(file.place, file.name)]
        (file.place, file.name) = way[Int.random(in: 0..<way.count, using: &random)]
        file.unflushedPlaces.removeAll()
      }
      if file.bytes.count > file.flushedBytes {
        file.bytes.removeLast(Int.random(in: 0...(file.bytes.count - file.flushedBytes), using: &random))
        file.flushedBytes = file.bytes.count
        if Bool.random(using: &random) { file.modified = file.flushedModified }
      }
      if case .sweep(let id) = file.place, sweeps[id] == nil { sweeps[id] = .some(nil) }
      files[Spot(place: file.place, name: file.name)] = file
    }
    for id in Array(sweeps.keys) { sweeps[id] = .some(nil) }
  }

  // MARK: As a process uses it

  fileprivate func isHeld(_ sweep: String) -> Bool { sweeps[sweep]??.isAlive ?? false }

  fileprivate func lock(_ sweep: String, _ process: SimProcess) { sweeps[sweep] = process }

  fileprivate func removeIfEmpty(_ sweep: String) {
    if names(in: .sweep(sweep)).isEmpty { sweeps[sweep] = nil }
  }

  fileprivate func exists(_ sweep: String) -> Bool { sweeps.keys.contains(sweep) }

  fileprivate func move(_ name: FileName, from source: Place, to target: Place) -> FileName? {
    guard let file = files.removeValue(forKey: Spot(place: source, name: name)) else { return nil }
    var number = 1
    while files[Spot(place: target, name: name.numbered(number))] != nil { number += 1 }
    file.unflushedPlaces.append((file.place, file.name))
    (file.place, file.name) = (target, name.numbered(number))
    file.changed = clock.now.date
    files[Spot(place: target, name: file.name)] = file
    tell(target, file.name)
    return file.name
  }

  /// Renames into and out of the place are on the disk from here on, with all that the file went through before.
  fileprivate func flush(_ place: Place) {
    for file in files.values {
      if file.place == place || file.unflushedPlaces.contains(where: { $0.place == place }) {
        file.unflushedPlaces.removeAll()
      }
    }
  }

  fileprivate func flushAll() {
    for file in files.values {
      file.unflushedPlaces.removeAll()
      flushBytes(file)
    }
  }

  private func flushBytes(_ file: File) {
    file.flushedBytes = file.bytes.count
    file.flushedModified = file.modified
  }

  func remove(_ name: FileName, from place: Place) { files[Spot(place: place, name: name)] = nil }

  fileprivate func facts(_ name: FileName, in place: Place) -> FileFacts? {
    files[Spot(place: place, name: name)].map {
      FileFacts(plainFileOf: $0.bytes.count, modified: $0.modified, changed: $0.changed, inode: $0.inode)
    }
  }

  fileprivate func bytes(of name: FileName, in place: Place) -> [UInt8]? {
    files[Spot(place: place, name: name)]?.bytes
  }

  fileprivate func append(_ bytes: [UInt8], to name: FileName, in place: Place, due: Date?, flush: Bool) {
    guard let file = files[Spot(place: place, name: name)] else { return }
    if !bytes.isEmpty {
      file.bytes += bytes
      file.modified = due ?? clock.now.date
      file.changed = clock.now.date
    }
    if flush { flushBytes(file) }
  }
}

/// One process on the simulated machine. It may die at any call that changes something: from then on nothing that it does
/// has an effect.
final class SimProcess: @unchecked Sendable {
  let name: String
  private(set) var isAlive = true
  /// Calls that change something, until it dies; nil lives on.
  var fuse: Int?

  init(_ name: String) { self.name = name }

  func die() { isAlive = false }

  /// Whether a call takes effect; burns the fuse.
  func acts() -> Bool {
    guard isAlive else { return false }
    if let left = fuse {
      fuse = left - 1
      if left <= 0 { isAlive = false }
    }
    return isAlive
  }
}

/// The spool on the simulated disk, as one process uses it.
final class SimSpool: SpoolDisk, @unchecked Sendable {
  let disk: SimDisk
  let process: SimProcess
  var path: String { "sim" }
  /// For tests that break it.
  var breaksClaimFlush = false
  var breaksFence = false

  init(_ disk: SimDisk, _ process: SimProcess) {
    self.disk = disk
    self.process = process
  }

  func names(in folder: Folder) throws(SystemFault) -> any NameCursor {
    if folder == .cur {
      return Names(disk.sweeps.keys.sorted().map { .init(name: FileName($0), kind: .folder) })
    }
    return Names(disk.names(in: .folder(folder)).map { .init(name: $0, kind: .file) })
  }

  func facts(of name: FileName, in folder: Folder) -> FileFacts? { disk.facts(name, in: .folder(folder)) }

  func peek(_ name: FileName, in folder: Folder, limit: Int) -> Peek? {
    guard let bytes = disk.bytes(of: name, in: .folder(folder)) else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in
      do throws(Fault) { return .message(try MessageFile(buffer, limit: limit)) } catch {
        return .invalid(error, Remains(lines: [], isWhole: false))
      }
    }
  }

  func isWritable(_ folder: Folder) -> Bool { true }

  func flush(_ folder: Folder) throws(SystemFault) {
    if process.acts(), !breaksClaimFlush { disk.flush(.folder(folder)) }
  }

  func flushAll() throws(SystemFault) { if process.acts() { disk.flushAll() } }
  func room() throws(SystemFault) -> Int { 1 << 40 }

  func begin(_ sweep: String) throws(SystemFault) -> any SweepDisk {
    if process.acts() { disk.lock(sweep, process) }
    return SimSweep(sweep, self)
  }

  func take(_ sweep: String) throws(SystemFault) -> (any SweepDisk)? {
    guard disk.exists(sweep), breaksFence || !disk.isHeld(sweep), process.acts() else { return nil }
    disk.lock(sweep, process)
    return SimSweep(sweep, self)
  }
}

final class SimSweep: SweepDisk, @unchecked Sendable {
  let id: String
  private let spool: SimSpool
  private var disk: SimDisk { spool.disk }
  private var place: SimDisk.Place { .sweep(id) }

  init(_ id: String, _ spool: SimSpool) {
    self.id = id
    self.spool = spool
  }

  var path: String { "sim/cur/\(id)" }

  func claim(_ name: FileName, from folder: Folder) throws(SystemFault) -> FileName? {
    spool.process.acts() ? disk.move(name, from: .folder(folder), to: place) : nil
  }

  func put(_ names: [FileName], into folder: Folder) throws(SystemFault) -> [FileName?] {
    names.map { spool.process.acts() ? disk.move($0, from: place, to: .folder(folder)) : nil }
  }

  func names() throws(SystemFault) -> any NameCursor {
    Names(disk.names(in: place).map { .init(name: $0, kind: .file) })
  }

  func isEmpty() throws(SystemFault) -> Bool { disk.names(in: place).isEmpty }
  func modified() throws(SystemFault) -> Date { disk.clock.now.date }
  func flush() throws(SystemFault) { if spool.process.acts(), !spool.breaksClaimFlush { disk.flush(place) } }
  func remove(_ name: FileName) { if spool.process.acts() { disk.remove(name, from: place) } }
  func end() { if spool.process.acts() { disk.removeIfEmpty(id) } }
  func reader(limit: Int) -> any MessageReader { SimReader(self, limit) }

  func append(_ bytes: [UInt8], to file: ClaimedFile, due: Date?, flush: Bool) throws(SystemFault) {
    if spool.process.acts() { disk.append(bytes, to: file.name, in: place, due: due, flush: flush) }
  }

  fileprivate func read(_ name: FileName, from origin: Folder, limit: Int) -> Claim {
    guard let facts = disk.facts(name, in: place), let bytes = disk.bytes(of: name, in: place) else {
      return .left(name, notice: nil)
    }
    let file = ClaimedFile(
      name: name, origin: origin, inode: facts.inode, modified: facts.modified, size: bytes.count,
      endsWithNewline: bytes.last == UInt8(ascii: "\n"))
    return bytes.withUnsafeBufferPointer { buffer in
      do throws(Fault) { return .message(file, try MessageFile(buffer, limit: limit)) } catch {
        return .invalid(file, error)
      }
    }
  }
}

private final class SimReader: MessageReader {
  private let sweep: SimSweep
  private let limit: Int

  init(_ sweep: SimSweep, _ limit: Int) {
    self.sweep = sweep
    self.limit = limit
  }

  func read(_ name: FileName, from origin: Folder, now: Date) throws(SystemFault) -> Claim {
    sweep.read(name, from: origin, limit: limit)
  }
}

/// A listing as it was when it began.
private final class Names: NameCursor {
  private var entries: ArraySlice<Listing.Entry>
  init(_ entries: [Listing.Entry]) { self.entries = entries[...] }
  func next() throws(SystemFault) -> Listing.Entry? { entries.popFirst() }
}
