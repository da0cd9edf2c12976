import Glibc

/// A thread of its own for work that blocks, and the wait for its end.
package final class Worker: Sendable {
  private let thread: pthread_t

  /// Nil when the system has no room for another thread.
  package init?(_ body: @escaping @Sendable () -> Void) {
    guard let thread = startQuietThread(body) else { return nil }
    self.thread = thread
  }

  package func join() { pthread_join(thread, nil) }
}
