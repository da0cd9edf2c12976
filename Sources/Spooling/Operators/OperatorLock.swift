import Glibc

/// Held by retry, prune and check --repair: one operator command at a time. The kernel lets go of it with the process. It
/// is on the spool's folder itself, as no file can be made for it on the full disk that `prune` is to make room on.
package struct OperatorLock: ~Copyable {
  private let descriptor: Int32

  /// Nil when another command holds it.
  package init?(_ spool: Spool) throws(SystemFault) {
    // Opened anew: a lock belongs to an opening, and the spool's own serves all of the process.
    let descriptor = try Syscalls.openFolder(".", in: spool.rootDescriptor, path: spool.path)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      close(descriptor)
      if number == EWOULDBLOCK { return nil }
      throw SystemFault("flock", number, spool.path)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
