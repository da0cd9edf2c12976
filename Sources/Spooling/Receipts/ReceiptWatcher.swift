import CSystem
import Glibc

/// Waits until something is dropped into receipts/new, or for a while.
package final class ReceiptWatcher: Sendable {
  private let notifications: Int32
  private let wakeReader: Int32
  private let wakeWriter: Int32

  package init(_ folder: ReceiptFolder) throws(SystemFault) {
    let notifications = try Syscalls.retry("inotify_init1", folder.path) {
      inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    }
    var ends: [Int32] = [-1, -1]
    do throws(SystemFault) {
      // Through the open descriptor, as what is watched is what is open; by its path where /proc is not there.
      let mask = UInt32(IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR)
      if inotify_add_watch(notifications, "/proc/self/fd/\(folder.arrivals)", mask) < 0 {
        try Syscalls.retry("inotify_add_watch", folder.path) {
          inotify_add_watch(notifications, folder.arrivalsPath, mask)
        }
      }
      try Syscalls.retry("pipe", folder.path) { msgspool_pipe(&ends) }
    } catch {
      close(notifications)
      throw error
    }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    self.notifications = notifications
    (wakeReader, wakeWriter) = (ends[0], ends[1])
  }

  deinit { for descriptor in [notifications, wakeReader, wakeWriter] { close(descriptor) } }

  /// Ends a `wait`, or the next one; from any thread.
  package func wake() {
    var byte: UInt8 = 0
    _ = write(wakeWriter, &byte, 1)
  }

  /// Returns when something was dropped, when woken, or after so many seconds; nil is for ever.
  package func wait(seconds: Double?) {
    var polled = [wakeReader, notifications].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let milliseconds = seconds.map { Int32(min(max(0, ($0 * 1000).rounded(.up)), 3_600_000)) } ?? -1
    _ = poll(&polled, nfds_t(polled.count), milliseconds)
    var bytes = [UInt8](repeating: 0, count: 4096)
    for descriptor in [wakeReader, notifications] { while read(descriptor, &bytes, bytes.count) > 0 {} }
  }
}
