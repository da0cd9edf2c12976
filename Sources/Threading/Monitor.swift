import Glibc

/// A lock, and a change that threads wait for with the lock held. They wait by the monotonic clock: a wall clock that is
/// set must not stretch a wait.
package final class Monitor: Sendable {
  // Of the kernel's own making, used by its calls alone, and freed when nobody can wait any more.
  nonisolated(unsafe) private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  nonisolated(unsafe) private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// A moment of the monotonic clock.
  package struct Deadline {
    fileprivate var time = timespec()

    /// - Parameter seconds: from now; a day at the most.
    package init(after seconds: Double) {
      clock_gettime(CLOCK_MONOTONIC, &time)
      let nanoseconds = time.tv_nsec + Int(max(0, min(seconds, 86_400)) * 1e9)
      time = timespec(tv_sec: time.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }
  }

  package init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(change, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(change)
    pthread_mutex_destroy(mutex)
    change.deallocate()
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }

  package func locked<Result>(_ body: () -> Result) -> Result {
    lock()
    defer { unlock() }
    return body()
  }

  /// Wakes one of those who wait.
  package func signal() { pthread_cond_signal(change) }
  /// Wakes all of them.
  package func broadcast() { pthread_cond_broadcast(change) }

  /// Gives the lock away until there is a change, and perhaps without one: whoever waits looks whether it is the right one.
  package func wait() { pthread_cond_wait(change, mutex) }

  /// The same until a moment at the most.
  /// - Returns: whether that is still to come.
  package func wait(until deadline: Deadline) -> Bool {
    var time = deadline.time
    return pthread_cond_timedwait(change, mutex, &time) != ETIMEDOUT
  }
}
