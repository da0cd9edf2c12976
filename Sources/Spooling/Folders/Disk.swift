import Core
import FoundationEssentials
import Glibc

/// The disk as a sweep uses it: names, moves and flushes, and nothing else. `Spool` is the real one; tests have one that
/// loses power.
package protocol SpoolDisk: AnyObject, Sendable {
  var path: String { get }
  func names(in folder: Folder) throws(SystemFault) -> any NameCursor
  /// Nil when the file is gone. Never follows a symbolic link.
  func facts(of name: FileName, in folder: Folder) -> FileFacts?
  /// The file as it stands, read without claiming it; nil when it is gone.
  func peek(_ name: FileName, in folder: Folder, limit: Int) -> Peek?
  func isWritable(_ folder: Folder) -> Bool
  /// Flushes a folder's renames.
  func flush(_ folder: Folder) throws(SystemFault)
  /// Flushes everything of the spool's file system.
  func flushAll() throws(SystemFault)
  /// Free bytes for this user.
  func room() throws(SystemFault) -> Int
  /// Makes cur/SWEEP and locks it.
  func begin(_ sweep: String) throws(SystemFault) -> any SweepDisk
  /// Locks an existing cur/SWEEP; nil when its sweeper lives, or it has just gone.
  func take(_ sweep: String) throws(SystemFault) -> (any SweepDisk)?
}

/// cur/SWEEP as the sweeper that holds its lock uses it. The lock goes with the last reference.
package protocol SweepDisk: AnyObject, Sendable {
  var id: String { get }
  var path: String { get }
  /// Renames a file into cur/SWEEP; the name it got, or nil when somebody else won.
  func claim(_ name: FileName, from folder: Folder) throws(SystemFault) -> FileName?
  /// Renames files out of cur/SWEEP; the names they got in their order, nil where somebody else has taken one away.
  /// - Throws: at the first that can't be renamed; those before it are there.
  @discardableResult
  func put(_ names: [FileName], into folder: Folder) throws(SystemFault) -> [FileName?]
  func names() throws(SystemFault) -> any NameCursor
  func isEmpty() throws(SystemFault) -> Bool
  func modified() throws(SystemFault) -> Date
  /// Flushes the renames into and out of cur/SWEEP.
  func flush() throws(SystemFault)
  /// Removes a file of our own (a copy that was not finished).
  func remove(_ name: FileName)
  /// Takes the name out of cur/SWEEP if the file is in another folder already: its move there was cut short between two
  /// steps (`Renaming`).
  func finishMove(of name: FileName) -> Bool
  /// Removes cur/SWEEP if it is empty.
  func end()
  /// - Parameter limit: `max_message_bytes`.
  func reader(limit: Int) -> any MessageReader
  /// Appends to a claimed file; takes half a line back when the disk does not take it whole.
  /// - Parameters:
  ///   - due: the file's new time, for a deferred message: a listing with these is all the queue there is.
  ///   - flush: whether the file itself is flushed here.
  func append(_ bytes: [UInt8], to file: ClaimedFile, due: Date?, flush: Bool) throws(SystemFault)
}

extension SweepDisk {
  @discardableResult
  package func put(_ name: FileName, into folder: Folder) throws(SystemFault) -> FileName? {
    try put([name], into: folder)[0]
  }

  /// Of a disk whose renames are one step.
  package func finishMove(of name: FileName) -> Bool { false }
}

/// A folder's names, one after the other; what is added or renamed away meanwhile may or may not show up.
package protocol NameCursor: AnyObject {
  func next() throws(SystemFault) -> Listing.Entry?
}

/// Opens, checks and reads claimed files, with one buffer for all.
package protocol MessageReader: AnyObject {
  func read(_ name: FileName, from origin: Folder, now: Date) throws(SystemFault) -> Claim
}

// MARK: - The real one

extension Spool: SpoolDisk {
  package func names(in folder: Folder) throws(SystemFault) -> any NameCursor { FolderCursor(try list(folder)) }

  package func facts(of name: FileName, in folder: Folder) -> FileFacts? {
    try? FileFacts(of: name, in: descriptor(folder))
  }

  package func begin(_ sweep: String) throws(SystemFault) -> any SweepDisk {
    try SweepFolder.begin(sweep, in: self)
  }

  package func take(_ sweep: String) throws(SystemFault) -> (any SweepDisk)? {
    try SweepFolder.take(sweep, in: self)
  }
}

extension SweepFolder: SweepDisk {
  package func claim(_ name: FileName, from folder: Folder) throws(SystemFault) -> FileName? {
    try Spool.move(name, from: spool.descriptor(folder), to: descriptor, path: path)
  }

  package func put(_ names: [FileName], into folder: Folder) throws(SystemFault) -> [FileName?] {
    let path = spool.path(folder)
    if spool.isInPlace(folder) { return try move(names, to: spool.descriptor(folder), path) }
    // Somebody has put another folder in its place, and what goes back belongs there, not to what was moved aside. Where
    // there is none, the files stay here for the next sweep's rescue.
    let present: Int32
    do throws(SystemFault) {
      present = try Syscalls.openFolder(folder.rawValue, in: spool.rootDescriptor, path: path)
    } catch {
      // What is no folder has not taken its place.
      guard [ELOOP, ENOTDIR].contains(error.number) else { throw error }
      return try move(names, to: spool.descriptor(folder), path)
    }
    defer { close(present) }
    return try move(names, to: present, path)
  }

  private func move(_ names: [FileName], to target: Int32, _ path: String) throws(SystemFault) -> [FileName?] {
    var moved: [FileName?] = []
    moved.reserveCapacity(names.count)
    for name in names { moved.append(try Spool.move(name, from: descriptor, to: target, path: path)) }
    return moved
  }

  package func finishMove(of name: FileName) -> Bool {
    guard let facts = try? FileFacts(of: name, in: descriptor), facts.isRegular, facts.links > 1,
      spool.twin(of: name, facts, in: [.new, .deferred, .done, .failed]) != nil
    else { return false }
    remove(name)
    return true
  }

  package func names() throws(SystemFault) -> any NameCursor { FolderCursor(try list()) }

  package func reader(limit: Int) -> any MessageReader { FolderReader(self, limit) }

  package func append(
    _ bytes: [UInt8], to file: ClaimedFile, due: Date?, flush: Bool
  ) throws(SystemFault) {
    func path() -> String { "\(self.path)/\(file.name.display)" }
    var descriptor = file.descriptor
    if descriptor < 0 {
      descriptor = try Syscalls.retry("open", path()) {
        file.name.withPointer {
          openat(self.descriptor, $0, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
      }
    }
    defer { if file.descriptor < 0 { close(descriptor) } }
    do throws(SystemFault) {
      try Syscalls.writeAll(bytes, to: descriptor, path: path())
      if let due { try setModified(due, descriptor, path()) }
      if flush { try Syscalls.sync(descriptor, path: path()) }
    } catch {
      // Half a line on a full disk: taken back, so that the next try finds the file as it was.
      _ = ftruncate(descriptor, off_t(file.size))
      throw error
    }
  }

  private func setModified(_ date: Date, _ descriptor: Int32, _ path: String) throws(SystemFault) {
    let times = Syscalls.times(date)
    try Syscalls.retry("futimens", path) { futimens(descriptor, times) }
  }
}

private final class FolderCursor: NameCursor {
  private var listing: Listing

  init(_ listing: consuming Listing) { self.listing = listing }

  func next() throws(SystemFault) -> Listing.Entry? { try listing.next() }
}

private final class FolderReader: MessageReader {
  private var reader: ClaimReader

  init(_ folder: SweepFolder, _ limit: Int) { reader = ClaimReader(folder, limit: limit) }

  func read(_ name: FileName, from origin: Folder, now: Date) throws(SystemFault) -> Claim {
    try reader.read(name, from: origin, now: now)
  }
}
