import Glibc

/// Held by retry, prune and check --repair: one operator command at a time. The kernel lets go of it with the process.
package struct OperatorLock: ~Copyable {
  private let descriptor: Int32

  /// Nil when another command holds it.
  package init?(_ spool: Spool) throws(SystemFault) {
    let path = "\(spool.path)/\(SpoolLayout.operatorLock)"
    let descriptor = try Syscalls.retry("open", path) {
      openat(
        spool.rootDescriptor, SpoolLayout.operatorLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o640)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      close(descriptor)
      if number == EWOULDBLOCK { return nil }
      throw SystemFault("flock", number, path)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
