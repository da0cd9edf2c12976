import FoundationEssentials
import Glibc

/// A mailbox between threads: anybody posts, one thread takes everything there is.
package final class Inbox<Element: Sendable>: @unchecked Sendable {
  // Unchecked: `waiting` and `isOver` are touched with `mutex` held, and by nobody else.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [Element] = []
  private var isOver = false

  package init() {
    pthread_mutex_init(mutex, nil)
    // The monotonic clock: a wall clock that is set must not stretch a wait.
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(arrival, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(arrival)
    pthread_mutex_destroy(mutex)
    arrival.deallocate()
    mutex.deallocate()
  }

  package func post(_ element: Element) {
    pthread_mutex_lock(mutex)
    waiting.append(element)
    pthread_cond_signal(arrival)
    pthread_mutex_unlock(mutex)
  }

  /// Nothing more will be posted: whoever waits gets the rest, then nothing.
  package func close() {
    pthread_mutex_lock(mutex)
    isOver = true
    pthread_cond_broadcast(arrival)
    pthread_mutex_unlock(mutex)
  }

  package var isClosed: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return isOver
  }

  package var isEmpty: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return waiting.isEmpty
  }

  /// Everything there is, without waiting.
  package func takeNow() -> [Element] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return takeWaiting()
  }

  /// Everything there is; waits until there is something, for so many seconds at the most. Empty after a timeout, or for
  /// good once closed.
  package func takeAll(within seconds: Double? = nil) -> [Element] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    let deadline = seconds.map { Inbox.deadline(after: $0) }
    while waiting.isEmpty, !isOver {
      if var deadline {
        if pthread_cond_timedwait(arrival, mutex, &deadline) == ETIMEDOUT { break }
      } else {
        pthread_cond_wait(arrival, mutex)
      }
    }
    return takeWaiting()
  }

  private func takeWaiting() -> [Element] {
    defer { waiting.removeAll(keepingCapacity: waiting.count < 4096) }
    return waiting
  }

  private static func deadline(after seconds: Double) -> timespec {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let nanoseconds = now.tv_nsec + Int(max(0, min(seconds, 86400)) * 1e9)
    return timespec(tv_sec: now.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
  }
}
