import Glibc
import Spooling

/// Standard input, to its end.
enum StandardInput {
  /// - Parameter limit: bytes that are wanted at the most; of what is longer, one more is read.
  static func bytes(limit: Int = .max) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      let count = read(0, &buffer, buffer.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure(SystemFault("read", errno, "standard input"))
      }
      bytes += buffer[..<count]
    }
    return bytes
  }

  /// As text, without the newline that `echo` adds.
  static func text() throws(Failure) -> String {
    var bytes = try bytes()
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "standard input is not valid UTF-8", hint: "convert it first, for example with iconv")
    }
    return text
  }
}
