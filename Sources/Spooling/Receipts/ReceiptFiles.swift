import CSystem
import Core
import FoundationEssentials
import Glibc

/// A file that a call was for, as the ledger knows it.
package struct WantedFile: Sendable, Hashable {
  package var call: Verbatim
  /// `FileName.display`, as the call's members have it.
  package var file: Verbatim
  /// The name that it was settled under, where that is another and the ledger was told.
  package var name: String?
  /// One of those whom the call was for because of that file.
  package var to: Verbatim

  package init(call: String, file: String, name: String? = nil, to: String) {
    self.call = Verbatim(call)
    self.file = Verbatim(file)
    self.name = name
    self.to = Verbatim(to)
  }
}

/// Where a settled or deferred message lies.
package struct FilePlace: Sendable, Hashable {
  package var folder: Folder
  package var name: FileName
  var inode: UInt64
}

/// Finds messages by what their own history says of their calls: producers use a name again and again, and a folder in which
/// it is taken gives it a number.
///
/// A file is looked for under the name that the ledger knows, and under the one that its calls know; those that are under
/// neither are looked for together, by one look through the folders for all of them. What was found is remembered.
package final class ReceiptFiles {
  package enum Place: Sendable, Hashable {
    case settled(FilePlace)
    /// Waiting, or in somebody's hand.
    case waiting
    /// There is no such file any more.
    case nowhere
  }

  /// Calls whose files are remembered; beyond, all are forgotten.
  private static let remembered = 100_000

  private struct Key: Hashable {
    var file: Verbatim
    var call: Verbatim
  }

  private let spool: Spool
  private let limit: Int
  private var known: [Key: FilePlace] = [:]

  /// - Parameter limit: `max_message_bytes`.
  package init(_ spool: Spool, limit: Int) {
    self.spool = spool
    self.limit = limit
  }

  /// Where these are now.
  package func places(of wanted: Set<WantedFile>) throws(SystemFault) -> [WantedFile: Place] {
    var places: [WantedFile: Place] = [:]
    var missing: [WantedFile] = []
    for file in wanted {
      var place = remembered(file)
      if place == nil { place = try byName(file) }
      if let place {
        places[file] = .settled(place)
      } else {
        missing.append(file)
      }
    }
    if missing.isEmpty { return places }
    // One that is settled meanwhile is in cur/ now or in its folder later, and not missed between the two.
    let inHand = try inHand(Family(missing))
    for file in missing where inHand.contains(file.file) { places[file] = .waiting }
    let rest = missing.filter { places[$0] == nil }
    if !rest.isEmpty { places.merge(try search(for: rest)) { $1 } }
    return places
  }

  // MARK: By name

  private func remembered(_ wanted: WantedFile) -> FilePlace? {
    guard let place = known[Key(file: wanted.file, call: wanted.call)],
      let facts = spool.facts(of: place.name, in: place.folder), facts.inode == place.inode
    else { return nil }
    return place
  }

  private func byName(_ wanted: WantedFile) throws(SystemFault) -> FilePlace? {
    let own = FileName(display: wanted.file.text)
    let names = wanted.name.map { [FileName(display: $0), own] } ?? [own]
    for name in names {
      for folder in [Folder.done, .failed, .deferred] {
        let found = try look(name, in: folder) { $0 == wanted.call ? [wanted] : [] }
        if let place = found[wanted] { return place }
      }
    }
    return nil
  }

  /// Those whose file that is, by what stands in it.
  /// - Parameter wanted: files that are looked for, by their call.
  private func look(
    _ name: FileName, in folder: Folder, for wanted: (_ call: Verbatim) -> [WantedFile]
  ) throws(SystemFault) -> [WantedFile: FilePlace] {
    guard let file = try OpenFile(name, in: folder, of: spool, limit: limit) else { return [:] }
    defer { file.close() }
    let entries = try file.entries(limit: limit)
    let calls = ReceiptFiles.calls(in: entries)
    let place = FilePlace(folder: folder, name: name, inode: file.inode)
    var found: [WantedFile: FilePlace] = [:]
    for call in calls {
      for file in wanted(call) where ReceiptFiles.names(file, entries) {
        remember(file.file, place, calls)
        found[file] = place
      }
    }
    return found
  }

  private func remember(_ file: Verbatim, _ place: FilePlace, _ calls: Set<Verbatim>) {
    if known.count + calls.count > ReceiptFiles.remembered { known.removeAll() }
    for call in calls { known[Key(file: file, call: call)] = place }
  }

  private static func calls(in entries: [HistoryEntry]) -> Set<Verbatim> {
    var calls: Set<Verbatim> = []
    for case .line(let line) in entries {
      calls.formUnion(line.calls.map(Verbatim.init(_:)))
      calls.formUnion(line.results.compactMap { $0.call.map(Verbatim.init(_:)) })
    }
    return calls
  }

  /// Whether one of the call's lines tells of the recipient: a call may be for several files.
  private static func names(_ wanted: WantedFile, _ entries: [HistoryEntry]) -> Bool {
    entries.contains { entry in
      guard case .line(let line) = entry else { return false }
      let isOfCall = line.calls.contains { Verbatim($0) == wanted.call }
      return line.results.contains { result in
        Verbatim(result.to) == wanted.to && (isOfCall || result.call.map { Verbatim($0) == wanted.call } ?? false)
      }
    }
  }

  // MARK: By looking through the folders

  /// The names that files may have now, by the one that they had in hand: with a number behind it, or several.
  private struct Family {
    /// By name in hand; and by what is left of a long one, which makes room for its number.
    private var files: [FileName: Set<Verbatim>] = [:]

    init(_ wanted: [WantedFile]) {
      for file in wanted {
        let name = FileName(display: file.file.text)
        files[name, default: []].insert(file.file)
        if name.mayBeCut { files[name.cutForNumber, default: []].insert(file.file) }
      }
    }

    /// The files that one of that name may be.
    func members(_ name: FileName) -> Set<Verbatim> {
      var found: Set<Verbatim> = []
      for name in name.family { if let files = files[name] { found.formUnion(files) } }
      return found
    }
  }

  private func inHand(_ family: Family) throws(SystemFault) -> Set<Verbatim> {
    var found: Set<Verbatim> = []
    var walk = try Walk(.cur, of: spool)
    while let file = try walk.next() { found.formUnion(family.members(file.name)) }
    return found
  }

  private func search(for wanted: [WantedFile]) throws(SystemFault) -> [WantedFile: Place] {
    let family = Family(wanted)
    var candidates: [(name: FileName, folder: Folder, files: Set<Verbatim>)] = []
    for folder in [Folder.done, .failed, .deferred, .new, .hold] where spool.has(folder) {
      var walk = try Walk(folder, of: spool)
      while let file = try walk.next() {
        let files = file.isOdd ? [] : family.members(file.name)
        if !files.isEmpty { candidates.append((file.name, folder, files)) }
      }
    }
    var places: [WantedFile: Place] = [:]
    var left = Dictionary(grouping: wanted, by: \.file).mapValues { Dictionary(grouping: $0, by: \.call) }
    // The newest have the highest numbers, and are the likeliest to be awaited.
    for candidate in candidates.sorted(by: { $1.name.isNumberedBefore($0.name) }) {
      let files = candidate.files.filter { left[$0]?.isEmpty == false }
      if files.isEmpty { continue }
      let found = try look(candidate.name, in: candidate.folder) { call in files.flatMap { left[$0]?[call] ?? [] } }
      for (file, place) in found {
        let isSettled = candidate.folder != .new && candidate.folder != .hold
        places[file] = isSettled ? .settled(place) : .waiting
        left[file.file]?[file.call]?.removeAll { $0 == file }
        if left[file.file]?[file.call]?.isEmpty == true { left[file.file]?[file.call] = nil }
      }
    }
    for file in wanted where places[file] == nil { places[file] = .nowhere }
    return places
  }
}

extension FileName {
  /// The name, and what it was before it got a number, and before that: files keep their number when they move on.
  package var family: [FileName] {
    var names = [self]
    while let shorter = names[names.count - 1].withoutNumber { names.append(shorter) }
    return names
  }

  /// Of two names of one family whether this is the one with the lower number.
  fileprivate func isNumberedBefore(_ other: FileName) -> Bool {
    bytes.count == other.bytes.count ? self < other : bytes.count < other.bytes.count
  }
}

/// A message's file that is written behind without being claimed, open.
struct OpenFile {
  let descriptor: Int32
  let status: stat
  let path: String

  /// Nil where there is none, and for what is no plain file, may not be written, or is too large: that is somebody else's.
  init?(_ name: FileName, in folder: Folder, of spool: Spool, limit: Int) throws(SystemFault) {
    path = "\(spool.path(folder))/\(name.display)"
    do throws(SystemFault) {
      descriptor = try Syscalls.openToAppend(name, in: spool.descriptor(folder), path: path)
    } catch {
      if [ENOENT, ELOOP, ENXIO, ENODEV, EISDIR, EACCES, EPERM, ENAMETOOLONG].contains(error.number) { return nil }
      throw error
    }
    status = try Syscalls.status(descriptor, path: path)
    guard status.isRegularFile, status.st_size <= MessageFile.mostBytes(limit) else {
      close()
      return nil
    }
  }

  var inode: UInt64 { UInt64(status.st_ino) }

  func close() { Glibc.close(descriptor) }

  func entries(limit: Int) throws(SystemFault) -> [HistoryEntry] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 16)
    defer { buffer.deallocate() }
    let count = try Syscalls.readAll(descriptor, into: buffer, path: path)
    return MessageFile.entries(
      in: UnsafeBufferPointer(start: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: count),
      limit: limit)
  }
}
