import CSystem
import Core
import FoundationEssentials
import Glibc

/// receipts/ in a spool: a maildir as new/ is, into which anything drops what services call back with. `new` holds what
/// waits, `unknown` what could not be taken. Who holds the kernel's lock on the folder applies what is in it; the lock goes
/// with the process, however that ends.
package final class ReceiptFolder: Sendable {
  package static let name = "receipts"
  private static let subfolders = ["tmp", "new", "unknown"]
  /// A callback's bytes are kilobytes. What is larger is none, and is not read.
  package static let largest = 16 << 20

  package let path: String
  private let folder: Int32
  private let tmp: Int32
  private let new: Int32
  private let unknown: Int32

  /// Opens it, and makes what is missing.
  package init(_ spool: Spool) throws(SystemFault) {
    path = "\(spool.path)/\(ReceiptFolder.name)"
    try ReceiptFolder.make(in: spool.rootDescriptor, spool.path)
    var opened: [Int32] = []
    do throws(SystemFault) {
      opened.append(try Syscalls.openFolder(ReceiptFolder.name, in: spool.rootDescriptor, path: path))
      for name in ReceiptFolder.subfolders {
        opened.append(try Syscalls.openFolder(name, in: opened[0], path: "\(path)/\(name)"))
      }
    } catch {
      for descriptor in opened { close(descriptor) }
      throw error
    }
    (folder, tmp, new, unknown) = (opened[0], opened[1], opened[2], opened[3])
  }

  deinit { for descriptor in [folder, tmp, new, unknown] { close(descriptor) } }

  /// Makes receipts/ and what belongs into it; what is there is left as it is. Producers of other users write in tmp/ and
  /// new/ where the spool's owner lets them, as in the spool's own.
  package static func make(in root: Int32, _ spoolPath: String) throws(SystemFault) {
    func make(_ name: String, in parent: Int32, _ path: String, _ mode: mode_t) throws(SystemFault) {
      if mkdirat(parent, name, mode) != 0, errno != EEXIST { throw SystemFault("mkdir", errno, path) }
    }
    let path = "\(spoolPath)/\(name)"
    try make(name, in: root, path, SpoolLayout.folderMode)
    let folder = try Syscalls.openFolder(name, in: root, path: path)
    defer { close(folder) }
    for name in subfolders {
      let mode = name == "unknown" ? SpoolLayout.privateFolderMode : SpoolLayout.folderMode
      try make(name, in: folder, "\(path)/\(name)", mode)
    }
  }

  /// Makes it in a spool that is being made.
  package static func make(_ spoolPath: String) throws(SystemFault) {
    let root = try Syscalls.retry("open", spoolPath) { open(spoolPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(root) }
    try make(in: root, spoolPath)
    try Syscalls.sync(root, path: spoolPath)
  }

  /// Of its folders those that are there and that this user may not work in.
  package static func closed(in spool: Spool) -> [String] {
    ([""] + subfolders.map { "/\($0)" }).map { name + $0 }.filter { path in
      faccessat(spool.rootDescriptor, path, R_OK | W_OK | X_OK, AT_EACCESS) != 0 && errno != ENOENT
    }
  }

  /// The descriptor to watch for arrivals.
  package var arrivals: Int32 { new }
  package var arrivalsPath: String { "\(path)/new" }

  // MARK: The lock

  /// Held while receipts are applied, by one process at a time; nil while another holds it.
  package func lock() throws(SystemFault) -> HeldLock? { try HeldLock(folder: folder, path: path) }

  // MARK: What was dropped

  /// A file that was dropped.
  package enum Read: Sendable {
    case bytes([UInt8], modified: Date)
    /// Not a plain file, or one that may not be read; what to tell.
    case odd(String)
    case tooLarge(modified: Date)
  }

  package func list() throws(SystemFault) -> Listing { try Listing(new, path: "\(path)/new") }

  /// Nil when it is gone. Whoever dropped it is not trusted: nothing is followed, and nothing waited for.
  package func read(_ name: FileName) throws(SystemFault) -> Read? {
    let path = "\(path)/new/\(name.display)"
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.openToRead(name, in: new, path: path)
    } catch {
      switch error.number {
      case ENOENT: return nil
      case ELOOP, ENXIO, ENODEV, EISDIR: return .odd("is no plain file, and was left alone")
      case EACCES, EPERM: return .odd("may not be read by the sweeper; let it be written with a readable mode")
      default: throw error
      }
    }
    defer { close(descriptor) }
    let status = try Syscalls.status(descriptor, path: path)
    guard status.isRegularFile else { return .odd("is no plain file, and was left alone") }
    guard status.st_size <= ReceiptFolder.largest else { return .tooLarge(modified: status.modified) }
    let size = Int(status.st_size)
    var fault: SystemFault?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      do throws(SystemFault) {
        count = try Syscalls.readAll(descriptor, into: UnsafeMutableRawBufferPointer(buffer), path: path)
      } catch {
        fault = error
      }
    }
    if let fault { throw fault }
    // As it was, where somebody moved it back from unknown/.
    return .bytes(ReceiptCoding.withoutReason(bytes), modified: status.modified)
  }

  /// Drops what waits for its call, as a callback would have been: flushed when it returns.
  package func drop(_ bytes: [UInt8], as name: FileName) throws(SystemFault) {
    try write(bytes, to: name)
    try Renaming.rename(name, in: tmp, toUnique: name, in: new, path: "\(path)/new/\(name.display)")
    try Syscalls.sync(new, path: "\(path)/new")
  }

  /// What was applied goes.
  package func remove(_ name: FileName) throws(SystemFault) {
    try Syscalls.remove(name, in: new, path: "\(path)/new/\(name.display)")
  }

  /// Keeps bytes in unknown/, with the reason behind them. What is there already under that name with the same bytes is the
  /// same, from before a crash; another's is not touched. A name that has no room for a number is cut.
  package func keep(_ bytes: [UInt8], as name: FileName, _ reason: String, at now: Date) throws(SystemFault) {
    var content = bytes
    if content.last != UInt8(ascii: "\n") { content.append(UInt8(ascii: "\n")) }
    let start = content.count
    ReceiptCoding.writeUnknown(reason, at: now, to: &content)
    let aside = FileName(".unknown-\(getpid())")
    _ = aside.withPointer { unlinkat(tmp, $0, 0) }
    try write(content, to: aside)
    for number in 1... {
      let target = number < 2 ? name : name.with("~\(number)")
      do throws(SystemFault) {
        try Renaming.rename(aside, in: tmp, to: target, in: unknown, path: "\(path)/unknown/\(target.display)")
        break
      } catch {
        guard error.number == EEXIST else { throw error }
        guard begins(target, with: content[..<start]) else { continue }
        _ = aside.withPointer { unlinkat(tmp, $0, 0) }
        break
      }
    }
    try Syscalls.sync(unknown, path: "\(path)/unknown")
  }

  /// A file that is too large to be looked at goes as it is, the reason behind it where it is ours to write to.
  package func moveAway(_ name: FileName, _ reason: String, at now: Date) throws(SystemFault) {
    guard let moved = try Spool.move(name, from: new, to: unknown, path: "\(path)/unknown") else { return }
    try Syscalls.sync(unknown, path: "\(path)/unknown")
    let path = "\(path)/unknown/\(moved.display)"
    guard let file = try? Syscalls.openToAppend(moved, in: unknown, path: path) else { return }
    defer { close(file) }
    var line = try Syscalls.lineEnd(of: file, try Syscalls.status(file, path: path), path: path)
    ReceiptCoding.writeUnknown(reason, at: now, to: &line)
    try Syscalls.writeAll(line, to: file, path: path)
    try Syscalls.sync(file, path: path)
  }

  private func begins(_ name: FileName, with content: ArraySlice<UInt8>) -> Bool {
    guard let descriptor = try? Syscalls.openToRead(name, in: unknown, path: "") else { return false }
    defer { close(descriptor) }
    let found = [UInt8](unsafeUninitializedCapacity: content.count) { buffer, count in
      count = (try? Syscalls.readAll(descriptor, into: UnsafeMutableRawBufferPointer(buffer), path: "")) ?? 0
    }
    return found.elementsEqual(content)
  }

  private func write(_ bytes: [UInt8], to name: FileName) throws(SystemFault) {
    let path = "\(path)/tmp/\(name.display)"
    let file = try Syscalls.retry("open", path) {
      name.withPointer { openat(tmp, $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640) }
    }
    defer { close(file) }
    try Syscalls.writeAll(bytes, to: file, path: path)
    try Syscalls.sync(file, path: path)
  }
}
