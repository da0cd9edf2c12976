import Core
import Glibc

/// A file that is there whole or not at all, also after a power cut.
package enum WholeFile {
  /// Written aside, flushed, renamed, and the rename flushed.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SystemFault) {
    try replace(path, with: bytes, mode: mode)
    try flushFolder(of: path)
  }

  /// Written aside, flushed and renamed: after a power cut it may be the old one.
  package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemFault) {
    let aside = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let file = try Syscalls.retry("open", aside) {
      open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    }
    do throws(SystemFault) {
      defer { close(file) }
      try Syscalls.writeAll(bytes, to: file, path: aside)
      try Syscalls.sync(file, path: aside)
      guard rename(aside, path) == 0 else { throw SystemFault("rename", errno, path) }
    } catch {
      unlink(aside)
      throw error
    }
  }

  /// What killed writers left of a file, and of files whose names begin with its: who writes has the process's number in
  /// the name.
  static func removeScraps(of path: String) {
    let folder = path.throughLastSlash
    let prefix = Array(path.utf8.dropFirst(folder.utf8.count)) + [UInt8(ascii: ".")]
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard var listing = try? Listing(descriptor, path: folder) else { return }
    while let entry = try? listing.next() {
      let name = String(decoding: entry.name.bytes, as: UTF8.self)
      guard entry.name.bytes.starts(with: prefix), let mark = name.pieces(at: ".").last?.halves(at: "-"),
        let writer = pid_t(mark.before), UInt32(mark.behind) != nil, kill(writer, 0) != 0, errno == ESRCH
      else { continue }
      _ = try? Syscalls.remove(entry.name, in: descriptor, path: folder)
    }
  }

  /// What is gone already is no trouble.
  static func remove(_ path: String) throws(SystemFault) {
    guard unlink(path) == 0 || errno == ENOENT else { throw SystemFault("unlink", errno, path) }
    try flushFolder(of: path)
  }

  private static func flushFolder(of path: String) throws(SystemFault) {
    let folder = path.throughLastSlash
    let name = folder.isEmpty ? "." : folder
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.retry("open", name) { open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    } catch {
      if error.number == ENOENT { return }
      throw error
    }
    defer { close(descriptor) }
    try Syscalls.sync(descriptor, path: name)
  }
}
