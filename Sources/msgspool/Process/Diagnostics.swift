import Glibc
import Threading
import Transports

/// Standard error, written by a thread of its own: a pipe that nobody reads must hold up nobody who has something to say.
/// What does not fit meanwhile is counted, and said once somebody reads again.
final class Diagnostics: @unchecked Sendable {
  // Unchecked: what varies is touched with the monitor's lock held, and by nobody else.
  private let monitor = Monitor()
  private let descriptor: Int32
  /// A file takes everything at once, and what is said just before a kill is in it.
  private let isFile: Bool
  /// Bytes that may wait.
  private let limit: Int
  private let confession: @Sendable (_ lostLines: Int) -> String

  private var waiting: [UInt8] = []
  private var lost = 0
  private var hasThread = false
  private var isWriting = false
  /// Somebody waited for the reader in vain: nobody waits again before it has moved on.
  private var isStuck = false

  init(_ descriptor: Int32, limit: Int, confession: @escaping @Sendable (_ lostLines: Int) -> String) {
    self.descriptor = descriptor
    self.limit = limit
    self.confession = confession
    var status = stat()
    isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Never waits for a reader.
  func write(_ text: String) {
    if isFile {
      _ = Diagnostics.write(Array(text.utf8), to: descriptor)
      return
    }
    monitor.lock()
    defer { monitor.unlock() }
    // The thread is there from the first word on, and for good; without one, better late than never.
    if !hasThread { hasThread = startQuietThread { [self] in run() } != nil }
    guard hasThread else {
      _ = Diagnostics.write(Array(text.utf8), to: descriptor)
      return
    }
    if waiting.count + text.utf8.count > limit {
      lost += text.utf8.count { $0 == UInt8(ascii: "\n") }
    } else {
      waiting.append(contentsOf: text.utf8)
      monitor.broadcast()
    }
  }

  /// Waits until everything is written, for so many seconds at the most.
  func drain(within seconds: Double) {
    if isFile { return }
    let deadline = Monitor.Deadline(after: seconds)
    monitor.lock()
    defer { monitor.unlock() }
    while hasThread, !isStuck, isWriting || !waiting.isEmpty || lost > 0 {
      if !monitor.wait(until: deadline) { isStuck = true }
    }
  }

  private func run() {
    monitor.lock()
    while true {
      while waiting.isEmpty && lost == 0 { monitor.wait() }
      var bytes = waiting
      if lost > 0 { bytes += Array(confession(lost).utf8) }
      waiting.removeAll(keepingCapacity: true)
      lost = 0
      isWriting = true
      monitor.unlock()
      _ = Diagnostics.write(bytes, to: descriptor)
      monitor.lock()
      isWriting = false
      isStuck = false
      monitor.broadcast()
    }
  }

  /// Writes all of it.
  /// - Returns: 0, or why the rest could not be written (errno).
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EAGAIN {
        // Somebody made it non-blocking for us all.
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&polled, 1, -1)
        continue
      }
      if count < 0, errno == EINTR { continue }
      if count < 0 { return errno }
      rest = rest.dropFirst(count)
    }
    return 0
  }
}
