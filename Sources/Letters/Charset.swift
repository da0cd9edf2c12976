import Core
import Glibc

/// Bytes in a named charset to text, by the C library's iconv.
enum Charset {
  /// Whatever the bytes are: what is not of that charset becomes U+FFFD, and an unknown charset is guessed.
  static func text(_ bytes: some Collection<UInt8>, _ name: String?) -> String {
    let name = usual(name)
    if name == "UTF-8" || name == nil {
      if let text = String(validating: bytes, as: UTF8.self) { return text }
      // Programs that name none, or a wrong one, mostly mean what Windows calls Western.
      return name == nil ? converted(Array(bytes), "WINDOWS-1252") ?? replaced(bytes) : replaced(bytes)
    }
    return name.flatMap { converted(Array(bytes), $0) } ?? text(bytes, nil)
  }

  private static func replaced(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  /// The name as iconv has it; charsets that are sent under the name of a smaller one by that of the larger.
  private static func usual(_ name: String?) -> String? {
    // RFC 2231: a language may follow the charset.
    guard let name = name?.pieces(at: "*").first?.uppercased(), !name.isEmpty,
      name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ",") })
    else { return nil }
    switch name {
    case "UTF-8", "UTF8": return "UTF-8"
    case "US-ASCII", "ASCII", "ANSI_X3.4-1968", "UNKNOWN-8BIT", "X-UNKNOWN": return nil
    case "ISO-8859-1", "LATIN1": return "WINDOWS-1252"
    case "GB2312", "GBK", "CP936", "EUC-CN": return "GB18030"
    case "KS_C_5601-1987", "EUC-KR": return "CP949"
    case "SHIFT_JIS", "SHIFT-JIS", "X-SJIS": return "CP932"
    default: return name
    }
  }

  /// Nil where iconv does not know the charset.
  private static func converted(_ bytes: [UInt8], _ charset: String) -> String? {
    guard let converter = iconv_open("UTF-8", charset), Int(bitPattern: converter) != -1 else { return nil }
    defer { iconv_close(converter) }
    var output: [UInt8] = []
    var chunk = [CChar](repeating: 0, count: 4096)
    var input = bytes.map { CChar(bitPattern: $0) }
    let total = input.count
    var done = 0
    while true {
      let (result, number, used, made) = input.withUnsafeMutableBufferPointer { input -> (Int, Int32, Int, Int) in
        chunk.withUnsafeMutableBufferPointer { chunk in
          var from = input.baseAddress.map { $0 + done }
          var left = total - done
          var to = chunk.baseAddress
          var room = chunk.count
          let result = left > 0 ? iconv(converter, &from, &left, &to, &room) : iconv(converter, nil, nil, &to, &room)
          return (result, errno, total - done - left, chunk.count - room)
        }
      }
      output += chunk[..<made].map { UInt8(bitPattern: $0) }
      let wasFlush = done == total
      done += used
      if result == -1, number == EILSEQ || number == EINVAL {
        output += "\u{FFFD}".utf8
        // A piece of a sign at the end, or a byte that is none.
        done = number == EINVAL ? total : min(done + 1, total)
      } else if wasFlush {
        return String(decoding: output, as: UTF8.self)
      } else if result == -1, number != E2BIG {
        return nil
      }
    }
  }
}
