import Core
import FoundationEssentials
import Glibc

/// A folder whose files are looked at: one of the spool's, or a sweep's in cur/.
package final class Place: Sendable {
  package let folder: Folder
  /// In cur/: whose it is.
  package let sweep: String?
  /// -1 where this user may not look, or where there is nothing (`hold/` of most spools).
  package let descriptor: Int32
  package let path: String
  private let isOwned: Bool

  init(_ folder: Folder, in spool: Spool) {
    self.folder = folder
    sweep = nil
    descriptor = spool.descriptor(folder)
    path = spool.path(folder)
    isOwned = false
  }

  private init(sweep: String, path: String, descriptor: Int32) {
    folder = .cur
    self.sweep = sweep
    self.path = path
    self.descriptor = descriptor
    isOwned = descriptor >= 0
  }

  /// Nil for what is no folder, or has just gone.
  package static func of(sweep: FileName, in spool: Spool) throws(SystemFault) -> Place? {
    let name = String(decoding: sweep.bytes, as: UTF8.self)
    let path = "\(spool.path(.cur))/\(sweep.display)"
    do throws(SystemFault) {
      let descriptor = try Syscalls.openFolder(name, in: spool.descriptor(.cur), path: path)
      return Place(sweep: name, path: path, descriptor: descriptor)
    } catch {
      if error.isRefusal { return Place(sweep: name, path: path, descriptor: -1) }
      guard [ENOENT, ENOTDIR, ELOOP].contains(error.number) else { throw error }
      return nil
    }
  }

  deinit {
    if isOwned { close(descriptor) }
  }

  /// This user may not look into it.
  package var isClosed: Bool { sweep != nil && descriptor < 0 }

  /// As people see it: `failed`, `cur/SWEEP`.
  package var label: String { sweep.map { "cur/\($0.displayText)" } ?? folder.rawValue }
}

/// What is in a folder, streamed: however long a backlog, it takes no memory. For cur/ what is in the sweeps' folders.
package struct Walk: ~Copyable {
  package struct Found: Sendable {
    package var name: FileName
    package var place: Place
    /// A symbolic link, a FIFO, a device or a folder: never to be followed, opened or moved.
    package var isOdd: Bool
  }

  /// Places that this user may not look into, as far as the walk has come.
  package private(set) var closed: [Place] = []
  private let includesIgnored: Bool
  private var places: [Place]
  private var place: Place?
  private var listing: Listing?

  /// - Parameter includesIgnored: also names that a sweep does not look at.
  package init(_ folder: Folder, of spool: Spool, includesIgnored: Bool = false) throws(SystemFault) {
    self.includesIgnored = includesIgnored
    places = try spool.places(folder).reversed()
  }

  package mutating func next() throws(SystemFault) -> Found? {
    while true {
      guard let place else {
        guard let next = places.popLast() else { return nil }
        if next.isClosed {
          closed.append(next)
          continue
        }
        place = next
        listing = try Listing(next.descriptor, path: next.path)
        continue
      }
      guard let entry = try listing?.next() else {
        self.place = nil
        listing = nil
        continue
      }
      if !includesIgnored, SpoolLayout.isIgnored(entry.name) { continue }
      if entry.kind == .file { return Found(name: entry.name, place: place, isOdd: false) }
      // A file system that does not tell kinds in its listings is asked for each.
      guard let status = try? Syscalls.status(of: entry.name, in: place.descriptor) else { continue }
      return Found(name: entry.name, place: place, isOdd: !status.isRegularFile)
    }
  }
}

/// How much is where, as far as this user may see it.
package struct Census: Sendable {
  /// None for a folder that may not be read.
  package private(set) var counts: [Folder: Int] = [:]
  /// When the oldest message in new/ was dropped.
  package private(set) var oldestNew: Date?
  /// Messages in failed/ of which nobody knows whether they arrived.
  package private(set) var unconfirmed = 0
  /// Files in failed/ that could not be looked into.
  package private(set) var unreadable = 0
  /// What lies there and is no plain file: no command sends or moves it.
  package private(set) var strays: [Folder: Int] = [:]
  /// Sweeps' folders that could not be looked into; none of those that may not be seen at all.
  package private(set) var closed: [Place] = []

  /// Messages that move meanwhile may be counted twice or not at all; nothing is locked.
  package init(_ spool: Spool) throws(SystemFault) {
    for folder in [Folder.new, .cur, .deferred, .done, .failed, .hold] where !spool.closed.contains(folder) {
      var count = 0
      var reader = TailReader()
      var walk = try Walk(folder, of: spool)
      while let found = try walk.next() {
        if found.isOdd {
          strays[folder, default: 0] += 1
          continue
        }
        count += 1
        switch folder {
        case .new: note(try? FileFacts(of: found.name, in: found.place.descriptor))
        case .failed: note(reader.read(found.name, in: found.place.descriptor, path: found.place.path))
        default: break
        }
      }
      closed += walk.closed
      counts[folder] = count
    }
  }

  private mutating func note(_ facts: FileFacts?) {
    guard let facts else { return }
    oldestNew = min(oldestNew ?? .distantFuture, facts.modified)
  }

  private mutating func note(_ peek: TailPeek?) {
    switch peek {
    case .tail(let tail)?: if tail.last?.state == .unconfirmed { unconfirmed += 1 }
    case .unreadable?: unreadable += 1
    case .odd?, nil: break
    }
  }
}

extension Spool {
  /// The folder itself; for cur/ the folders of its sweeps, also those that are closed to this user.
  package func places(_ folder: Folder) throws(SystemFault) -> [Place] {
    if closed.contains(folder) { throw SystemFault("open", EACCES, path(folder)) }
    guard folder == .cur else { return [Place(folder, in: self)] }
    var sweeps: [FileName] = []
    var listing = try list(.cur)
    while let entry = try listing.next() { sweeps.append(entry.name) }
    var places: [Place] = []
    for sweep in sweeps.sorted() {
      if let place = try Place.of(sweep: sweep, in: self) { places.append(place) }
    }
    return places
  }

  /// What looking for a file came to.
  package struct Search: Sendable {
    /// Every place that has a file of that name, folder by folder.
    package var found: [Walk.Found] = []
    /// Where it may be as well, as this user may not look there: `failed`, `cur/SWEEP`.
    package var closed: [String] = []

    package init() {}
  }

  package func find(_ name: FileName, in folders: [Folder]) throws(SystemFault) -> Search {
    var search = Search()
    // A name is one component, and no folder of ours.
    guard !name.bytes.isEmpty, !name.bytes.contains(UInt8(ascii: "/")), name != FileName("."), name != FileName("..")
    else { return search }
    for folder in folders {
      if closed.contains(folder) {
        search.closed.append(folder.rawValue)
        continue
      }
      for place in try places(folder) {
        do throws(SystemFault) {
          if place.isClosed { throw SystemFault("open", EACCES, place.path) }
          let status = try Syscalls.status(of: name, in: place.descriptor)
          search.found.append(Walk.Found(name: name, place: place, isOdd: !status.isRegularFile))
        } catch {
          // A folder that may be listed and not passed through tells no more than a closed one.
          if error.isRefusal { search.closed.append(place.label) }
        }
      }
    }
    return search
  }

  /// The name in these folders that a mistyped one most likely meant.
  package func nearest(to name: FileName, in folders: [Folder]) throws(SystemFault) -> FileName? {
    let word = name.display
    var best: String?
    for folder in folders where !closed.contains(folder) {
      var chunk: [String] = []
      var walk = try Walk(folder, of: self)
      while let found = try walk.next() {
        chunk.append(found.name.display)
        if chunk.count < 1000 { continue }
        best = Suggestion.nearest(to: word, among: chunk + [best].compactMap { $0 })
        chunk.removeAll(keepingCapacity: true)
      }
      best = Suggestion.nearest(to: word, among: chunk + [best].compactMap { $0 })
    }
    return best.map { FileName(display: $0) }
  }
}
