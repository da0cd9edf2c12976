import Glibc

/// Waits until something is dropped into receipts/new, or for a while.
package final class ReceiptWatcher: Sendable {
  private let notifications: Int32
  private let waking: WakePipe

  package init(_ folder: ReceiptFolder) throws(SystemFault) {
    waking = try WakePipe(folder.path)
    notifications = try Notifications.open(for: folder.path)
    do throws(SystemFault) {
      try Notifications.watch(
        folder.arrivals, folder.arrivalsPath, for: IN_MOVED_TO | IN_CLOSE_WRITE, in: notifications)
    } catch {
      close(notifications)
      throw error
    }
  }

  deinit { close(notifications) }

  /// Ends a `wait`, or the next one; from any thread.
  package func wake() { waking.wake() }

  /// Returns when something was dropped, when woken, or after so many seconds; nil is for ever.
  package func wait(seconds: Double?) {
    var polled = [waking.reader, notifications].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let milliseconds = seconds.map { Int32(min(max(0, ($0 * 1000).rounded(.up)), 3_600_000)) } ?? -1
    _ = poll(&polled, nfds_t(polled.count), milliseconds)
    waking.drain()
    Notifications.drain(notifications) { _, _ in }
  }
}
