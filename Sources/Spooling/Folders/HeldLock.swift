import Glibc

/// A kernel lock, held as long as this is: it goes with the process, however that ends.
package final class HeldLock: Sendable {
  private let descriptor: Int32

  /// Nil while somebody else holds it in a way that excludes this one.
  /// - Parameter descriptor: an opening of its own, as a lock belongs to an opening; closed with this.
  private init?(_ descriptor: Int32, shared: Bool, path: String) throws(SystemFault) {
    guard flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      let number = errno
      close(descriptor)
      if number == EWOULDBLOCK { return nil }
      throw SystemFault("flock", number, path)
    }
    self.descriptor = descriptor
  }

  /// On a file, which is made where there is none.
  convenience init?(_ path: String, shared: Bool) throws(SystemFault) {
    let descriptor = try Syscalls.retry("open", path) {
      open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    }
    try self.init(descriptor, shared: shared, path: path)
  }

  /// On a folder itself, alone.
  convenience init?(folder: Int32, path: String) throws(SystemFault) {
    try self.init(try Syscalls.openFolder(".", in: folder, path: path), shared: false, path: path)
  }

  deinit { close(descriptor) }
}
