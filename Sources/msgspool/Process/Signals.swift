import Glibc

/// Signals as calls on a thread of their own. The signals are blocked everywhere, so that no system call of the sweep is
/// interrupted by them.
enum Signals {
  /// Calls `handle` for each of these signals that arrives, until the process ends. Call before other threads start.
  static func handle(_ signals: [Int32], _ handle: @escaping @Sendable (Int32) -> Void) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let waiting = set
    let box = Unmanaged.passRetained(Waiter(set: waiting, handle: handle))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        // Always the waiter that was passed below.
        let waiter = Unmanaged<Waiter>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
        var set = waiter.set
        var number: Int32 = 0
        while sigwait(&set, &number) == 0 { waiter.handle(number) }
        return nil
      }, box.toOpaque())
    if code == 0 { pthread_detach(thread) } else { box.release() }
  }

  private final class Waiter: Sendable {
    let set: sigset_t
    let handle: @Sendable (Int32) -> Void

    init(set: sigset_t, handle: @escaping @Sendable (Int32) -> Void) {
      self.set = set
      self.handle = handle
    }
  }
}
