import CSystem
import Core
import Glibc

/// Says when something arrives in new/ (inotify), and wakes up for other reasons too.
package final class Watcher: Sendable {
  package enum Wake: Sendable {
    /// Files with these names arrived; nil when there were too many to say.
    case arrived([FileName]?)
    case woken
    case timeout
  }

  private let notifications: Int32
  private let wakeReader: Int32
  private let wakeWriter: Int32

  package init(_ spool: Spool) throws(SystemFault) {
    let notifications = try Syscalls.retry("inotify_init1", spool.path) {
      inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    }
    // Renames and links into the folder, and careless writers that close there.
    let events = UInt32(IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE)
    try Syscalls.retry("inotify_add_watch", spool.path(.new)) {
      inotify_add_watch(notifications, spool.path(.new), events | UInt32(IN_ONLYDIR))
    }
    self.notifications = notifications
    var ends: [Int32] = [0, 0]
    try Syscalls.retry("pipe", spool.path) { pipe(&ends) }
    (wakeReader, wakeWriter) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    for descriptor in [notifications, wakeReader, wakeWriter] { close(descriptor) }
  }

  /// Ends a `wait`, or the next one; from any thread.
  package func wake() {
    var byte: UInt8 = 0
    _ = write(wakeWriter, &byte, 1)
  }

  /// - Parameter seconds: at the most; nil waits for ever.
  package func wait(seconds: Double?) -> Wake {
    var polled = [
      pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
      pollfd(fd: notifications, events: Int16(POLLIN), revents: 0),
    ]
    let milliseconds = seconds.map { Int32(max(0, min($0 * 1000 + 1, 86_400_000))) } ?? -1
    guard poll(&polled, 2, milliseconds) > 0 else { return .timeout }
    if polled[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 64)
      while read(wakeReader, &bytes, bytes.count) > 0 {}
      return .woken
    }
    return .arrived(arrivals())
  }

  /// The names of everything that arrived so far.
  package func arrivals() -> [FileName]? {
    var names: [FileName] = []
    var isComplete = true
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { buffer.deallocate() }
    while true {
      let count = read(notifications, buffer.baseAddress, buffer.count)
      if count <= 0 { return isComplete ? names : nil }
      var position = 0
      while position + MemoryLayout<inotify_event>.size <= count {
        let event = buffer.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
        let start = position + MemoryLayout<inotify_event>.size
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { isComplete = false }
        names.append(FileName(bytes: buffer[start..<start + Int(event.len)].prefix { $0 != 0 }))
        position = start + Int(event.len)
      }
    }
  }
}
