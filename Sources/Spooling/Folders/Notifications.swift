import CSystem
import Glibc

/// What inotify has to tell, as the kernel packs it.
enum Notifications {
  static func open(for path: String) throws(SystemFault) -> Int32 {
    try Syscalls.retry("inotify_init1", path) { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }
  }

  /// Begins to watch a folder that is open. Through its descriptor: what is watched is what is open, whatever its path leads
  /// to meanwhile; by the path where /proc is not there.
  /// - Returns: what notifications call it.
  @discardableResult
  static func watch(
    _ folder: Int32, _ path: String, for events: Int32, in notifications: Int32
  ) throws(SystemFault) -> Int32 {
    let mask = UInt32(events | IN_ONLYDIR)
    let number = inotify_add_watch(notifications, "/proc/self/fd/\(folder)", mask)
    if number >= 0 { return number }
    return try Syscalls.retry("inotify_add_watch", path) { inotify_add_watch(notifications, path, mask) }
  }

  /// Hands over everything there is, without waiting.
  static func drain(_ descriptor: Int32, _ visit: (inotify_event, FileName) -> Void) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count <= 0 { return }
      var position = 0
      while position + MemoryLayout<inotify_event>.size <= count {
        let event = buffer.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
        let start = position + MemoryLayout<inotify_event>.size
        visit(event, FileName(bytes: buffer[start..<start + Int(event.len)].prefix { $0 != 0 }))
        position = start + Int(event.len)
      }
    }
  }
}

/// A pipe by which one thread ends another's wait for something else.
final class WakePipe: Sendable {
  /// To be polled beside what is waited for.
  let reader: Int32
  private let writer: Int32

  init(_ path: String) throws(SystemFault) {
    var ends: [Int32] = [-1, -1]
    try Syscalls.retry("pipe", path) { msgspool_pipe(&ends) }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    (reader, writer) = (ends[0], ends[1])
  }

  deinit { for end in [reader, writer] { close(end) } }

  /// Ends a wait, or the next one; from any thread.
  func wake() {
    var byte: UInt8 = 0
    _ = write(writer, &byte, 1)
  }

  /// The next wait waits again.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(reader, &bytes, bytes.count) > 0 {}
  }
}
