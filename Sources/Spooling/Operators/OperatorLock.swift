/// Held by retry, prune and check --repair: one operator command at a time. It is on the spool's folder itself, as no file
/// can be made for it on the full disk that `prune` is to make room on.
package struct OperatorLock: ~Copyable {
  private let lock: HeldLock

  /// Nil when another command holds it.
  package init?(_ spool: Spool) throws(SystemFault) {
    guard let lock = try HeldLock(folder: spool.rootDescriptor, path: spool.path) else { return nil }
    self.lock = lock
  }
}
