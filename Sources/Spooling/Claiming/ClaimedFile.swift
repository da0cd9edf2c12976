import CSystem
import Core
import FoundationEssentials
import Glibc

/// A message file in cur/SWEEP. Immutable; whoever settles it appends and renames.
package final class ClaimedFile: Sendable {
  package let name: FileName
  package let origin: Folder
  /// Open for reading and appending; -1 when descriptors are short and settling opens it again.
  package let descriptor: Int32
  package let inode: UInt64
  /// When the file was last written, or what its producer's copy kept: says nothing of how long it has been here.
  package let modified: Date
  package let size: Int
  package let endsWithNewline: Bool

  init(
    name: FileName, origin: Folder, descriptor: Int32, status: stat, endsWithNewline: Bool
  ) {
    self.name = name
    self.origin = origin
    self.descriptor = descriptor
    inode = UInt64(status.st_ino)
    modified = status.modified
    size = Int(status.st_size)
    self.endsWithNewline = endsWithNewline
  }

  /// A file that is not open: settling opens it by its name.
  package init(
    name: FileName, origin: Folder, inode: UInt64, modified: Date, size: Int, endsWithNewline: Bool
  ) {
    self.name = name
    self.origin = origin
    descriptor = -1
    self.inode = inode
    self.modified = modified
    self.size = size
    self.endsWithNewline = endsWithNewline
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// What the ledger knows the file by while it waits without history (`Ledger.seen`).
  package var identity: UInt64 { name.identity(inode: inode) }
}

extension stat {
  package var modified: Date {
    Date(timeIntervalSince1970: Double(st_mtim.tv_sec) + Double(st_mtim.tv_nsec) / 1e9)
  }

  package var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
}

/// What opening and reading a claimed file came to.
package enum Claim: Sendable {
  case message(ClaimedFile, MessageFile)
  /// Not a message: settle it as invalid.
  case invalid(ClaimedFile, Fault)
  /// Not to be touched now. It stays where it is until the sweep ends and returns it, as putting it back at once would
  /// show it to the same listing again. `notice` is what to report, if anything.
  case left(FileName, notice: String?)
}

/// Opens, checks and reads claimed files, with one buffer for all. Producers are not trusted: what a name leads to is
/// opened without following links, without blocking on a FIFO, and used only if it is a plain file with one name.
package struct ClaimReader: ~Copyable {
  /// A careless producer that writes straight into new/ gets this long to finish.
  package static let grace = 5.0
  /// A file with two names for longer than this isn't a producer between link and unlink.
  package static let linkGrace = 60.0
  /// Why such a file is left alone. Two names may be two messages, and what is written to one is in the other.
  package static let secondLink =
    "has a second hard link, and is not sent while another name of the same file exists somewhere "
    + "(a backup by cp -al makes such names: use cp -a); remove that name"
  /// Common file systems let files grow to 4 or 16 TiB, and appending to one of these fails like appending on a full disk,
  /// which stops the sweep. Below this a file can be settled as too large.
  package static let largest = 2 << 40

  private let folder: SweepFolder
  private let limit: Int
  private let keepsOpen: Bool
  private let user = geteuid()
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

  /// - Parameters:
  ///   - limit: `max_message_bytes`.
  ///   - keepsOpen: keep descriptors open until the message is settled.
  package init(_ folder: SweepFolder, limit: Int, keepsOpen: Bool = true) {
    self.folder = folder
    self.limit = limit
    self.keepsOpen = keepsOpen
  }

  deinit { buffer.deallocate() }

  package mutating func read(_ name: FileName, from origin: Folder, now: Date) throws(SystemFault) -> Claim {
    try read(name, from: origin, now: now, isCopy: false)
  }

  /// - Parameter isCopy: the name holds our own copy, whosever the file system says it is.
  private mutating func read(
    _ name: FileName, from origin: Folder, now: Date, isCopy: Bool
  ) throws(SystemFault) -> Claim {
    var descriptor = Int32(-1)
    do throws(SystemFault) {
      descriptor = try openForAppending(name)
    } catch {
      return try refusal(of: name, from: origin, error, now: now)
    }
    let status = try Syscalls.status(descriptor, path: "\(folder.path)/\(name.display)")
    if let notice = oddity(status, now: now) {
      close(descriptor)
      return .left(name, notice: notice)
    }
    do throws(SystemFault) {
      // A deferral sets the file's time, which only its owner may do, whatever its mode allows.
      guard !isCopy, status.st_uid != user, !giveToRoot(descriptor), case .replaced = try replaceByCopy(name, now: now)
      else {
        return try decode(name, from: origin, descriptor, status, now: now)
      }
    } catch {
      close(descriptor)
      throw error
    }
    close(descriptor)
    return try read(name, from: origin, now: now, isCopy: true)
  }

  /// Root, whose spool it is, needs no copy: what is claimed is the owner's from now on.
  private func giveToRoot(_ descriptor: Int32) -> Bool {
    guard user == 0 else { return false }
    _ = fchown(descriptor, 0, gid_t.max)
    return true
  }

  /// Whether a sweep does not take such a file, however old it is.
  package static func isLeftAlone(_ facts: FileFacts) -> Bool {
    !facts.isRegular || facts.size > largest || facts.links != 1
  }

  /// Why the file must be left alone; an inner nil is a reason that needs no report yet.
  private func oddity(_ status: stat, now: Date) -> String?? {
    guard status.isRegularFile else { return "is no plain file; move it out of the spool" }
    // A hole of that size costs its producer nothing, and no line may fit behind it.
    guard status.st_size <= ClaimReader.largest else { return "is larger than any message; move it out of the spool" }
    guard status.st_nlink == 1 else {
      let isOld = now.timeIntervalSince(status.modified) > ClaimReader.linkGrace
      return isOld ? ClaimReader.secondLink : .some(nil)
    }
    return nil
  }

  private mutating func decode(
    _ name: FileName, from origin: Folder, _ descriptor: Int32, _ status: stat, now: Date
  ) throws(SystemFault) -> Claim {
    let size = Int(status.st_size)
    // The history may be longer than the message may: a large file is read whole if a message is in front, and up to
    // where no history comes, as a hole of a terabyte costs its producer nothing.
    var wanted = size > limit * 4 ? limit + 1 : size
    var bytes = try fill(wanted, descriptor, name)
    if wanted < size, size <= MessageFile.mostBytes(limit), MessageFile.beginsWithValue(bytes) {
      wanted = size
      bytes = try fill(wanted, descriptor, name)
    }
    let endsWithNewline =
      try wanted == size
      ? bytes.last == UInt8(ascii: "\n") : lastByte(descriptor, name) == UInt8(ascii: "\n")

    let decoded: Result<MessageFile, Fault>
    do throws(Fault) {
      guard wanted == size else { throw Fault(.message, MessageFile.overLimit(limit)) }
      decoded = .success(try MessageFile(bytes, limit: limit, templates: folder.spool.templates))
    } catch {
      decoded = .failure(error)
    }
    if case .failure = decoded, origin == .new, abs(now.timeIntervalSince(status.modified)) < ClaimReader.grace,
      !MessageFile.beginsWithValue(bytes), MessageFile.history(in: bytes, limit: limit).isEmpty
    {
      close(descriptor)
      return .left(name, notice: nil)
    }
    let file = ClaimedFile(
      name: name, origin: origin, descriptor: keepsOpen ? descriptor : -1, status: status,
      endsWithNewline: endsWithNewline)
    if !keepsOpen { close(descriptor) }
    switch decoded {
    case .success(let message): return .message(file, message)
    case .failure(let fault): return .invalid(file, fault)
    }
  }

  /// The first `wanted` bytes, as far as there are so many; valid until the next call.
  private mutating func fill(
    _ wanted: Int, _ descriptor: Int32, _ name: FileName
  ) throws(SystemFault) -> UnsafeBufferPointer<UInt8> {
    if buffer.count < wanted {
      buffer.deallocate()
      buffer = .allocate(byteCount: wanted + wanted / 2, alignment: 16)
    }
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
    let count = try Syscalls.readAll(descriptor, into: target, path: "\(folder.path)/\(name.display)")
    return UnsafeBufferPointer(start: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: count)
  }

  private func lastByte(_ descriptor: Int32, _ name: FileName) throws(SystemFault) -> UInt8? {
    var byte: UInt8 = 0
    let size = try Syscalls.status(descriptor, path: name.display).st_size
    let count = try Syscalls.retry("read", name.display) { pread(descriptor, &byte, 1, size - 1) }
    return count == 1 ? byte : nil
  }

  // MARK: Opening

  private func openForAppending(_ name: FileName) throws(SystemFault) -> Int32 {
    try Syscalls.retry("open", "\(folder.path)/\(name.display)") {
      name.withPointer {
        openat(folder.descriptor, $0, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
      }
    }
  }

  /// A file that may not be written is replaced by our own copy; whatever else can't be opened goes back.
  private mutating func refusal(
    of name: FileName, from origin: Folder, _ fault: SystemFault, now: Date
  ) throws(SystemFault) -> Claim {
    switch fault.number {
    case EACCES, EPERM:
      switch try replaceByCopy(name, now: now) {
      case .replaced: return try read(name, from: origin, now: now, isCopy: true)
      case .left(let notice): return .left(name, notice: notice)
      }
    case ELOOP: return .left(name, notice: "is a symbolic link; drop a plain file instead")
    case ENXIO, ENODEV, EISDIR: return .left(name, notice: "is no plain file; move it out of the spool")
    case ENOENT: return .left(name, notice: nil)
    default:
      // The disk's trouble stops the sweep; one file's doesn't.
      if fault.isDiskTrouble { throw fault }
      return .left(name, notice: "can't be opened: \(String(cString: strerror(fault.number)))")
    }
  }

  private enum Copying {
    case replaced
    case left(notice: String?)
  }

  /// Written aside, flushed, renamed over: whatever is killed when, the name holds one whole message.
  private func replaceByCopy(_ name: FileName, now: Date) throws(SystemFault) -> Copying {
    let path = "\(folder.path)/\(name.display)"
    let source: Int32
    do throws(SystemFault) {
      source = try Syscalls.openToRead(name, in: folder.descriptor, path: path)
    } catch {
      guard error.number == EACCES || error.number == EPERM else { throw error }
      return .left(
        notice: "may not be read by the sweeper; let the producer write it with a readable mode (umask 022)")
    }
    defer { close(source) }
    let status = try Syscalls.status(source, path: path)
    if let notice = oddity(status, now: now) { return .left(notice: notice) }
    guard status.st_size <= MessageFile.mostBytes(limit) else {
      return .left(notice: "belongs to another user and is far beyond max_message_bytes; move it out of the spool")
    }
    let aside = FileName(".copy-\(status.st_ino)")
    _ = aside.withPointer { unlinkat(folder.descriptor, $0, 0) }
    let copy = try Syscalls.retry("open", path) {
      aside.withPointer { openat(folder.descriptor, $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640) }
    }
    defer { close(copy) }
    do throws(SystemFault) {
      try fill(copy, from: source, status, path)
      try Syscalls.retry("rename", path) {
        aside.withPointer { from in name.withPointer { renameat(folder.descriptor, from, folder.descriptor, $0) } }
      }
    } catch {
      // Half a copy must not go back to new/ with what is returned.
      _ = aside.withPointer { unlinkat(folder.descriptor, $0, 0) }
      throw error
    }
    return .replaced
  }

  /// The source's bytes and times, flushed.
  private func fill(_ copy: Int32, from source: Int32, _ status: stat, _ path: String) throws(SystemFault) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 16)
    defer { bytes.deallocate() }
    let count = try Syscalls.readAll(source, into: bytes, path: path)
    try Syscalls.writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: copy, path: path)
    let times = [status.st_atim, status.st_mtim]
    try Syscalls.retry("futimens", path) { futimens(copy, times) }
    try Syscalls.sync(copy, path: path)
  }
}
