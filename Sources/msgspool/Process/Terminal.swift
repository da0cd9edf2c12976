import Glibc

/// What a person types, line by line, with an end to waiting for it.
enum Terminal {
  enum Input {
    case line(String)
    /// Nothing more will come.
    case ended
    case timeout
  }

  /// The next line of standard input.
  /// - Parameter seconds: how long to wait for it.
  static func line(within seconds: Double) -> Input {
    var bytes: [UInt8] = []
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let deadline = Double(end.tv_sec) + Double(end.tv_nsec) / 1e9 + seconds
    while true {
      var now = timespec()
      clock_gettime(CLOCK_MONOTONIC, &now)
      let rest = deadline - (Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)
      if rest <= 0 { return .timeout }
      var polled = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      let found = poll(&polled, 1, Int32(min(rest * 1000 + 1, 1e9)))
      if found <= 0 { continue }
      var byte: UInt8 = 0
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      if count <= 0 { return bytes.isEmpty ? .ended : .line(String(decoding: bytes, as: UTF8.self)) }
      if byte == UInt8(ascii: "\n") { return .line(String(decoding: bytes, as: UTF8.self)) }
      if bytes.count < 1_000 { bytes.append(byte) }
    }
  }
}
