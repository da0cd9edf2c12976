import CSystem
import Core
import Glibc

/// Hears from the kernel which files are moved into done/ and failed/: for whoever waits for what becomes of a message.
/// What happened before it was made is not told; look once after making it.
package final class SettlingWatch: Sendable {
  private let notifications: Int32

  /// - Parameter spool: with both folders open to be read (`Spool.closed`).
  package init(_ spool: Spool) throws(SystemFault) {
    notifications = try Syscalls.retry("inotify_init1", spool.path) { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }
    for folder in [Folder.done, .failed] {
      let path = "/proc/self/fd/\(spool.descriptor(folder))"
      try Syscalls.retry("inotify_add_watch", spool.path(folder)) {
        inotify_add_watch(notifications, path, UInt32(IN_MOVED_TO | IN_CREATE | IN_ONLYDIR))
      }
    }
  }

  deinit { close(notifications) }

  /// Names that arrived since the last call; waits for one, for so many seconds at the most. Nil when more happened than
  /// the kernel could note: then everything has to be looked for.
  package func wait(within seconds: Double) -> Set<FileName>? {
    var polled = pollfd(fd: notifications, events: Int16(POLLIN), revents: 0)
    _ = poll(&polled, 1, Int32(max(0, min(seconds, 3600)) * 1000))
    var names: Set<FileName> = []
    var hasLost = false
    Notifications.drain(notifications) { event, name in
      if Int32(bitPattern: event.mask) & IN_Q_OVERFLOW != 0 { hasLost = true } else { names.insert(name) }
    }
    return hasLost ? nil : names
  }
}
