/// Text and bytes in the forms that any mail server takes: ASCII, short lines (RFC 2045), and no line that begins with
/// a dot. So libcurl never has to double one (RFC 5321, section 4.5.2), the announced SIZE is exact, and nothing that a
/// message says can look like the end of the data.
enum MailEncoding: String {
  case sevenBit = "7bit"
  case quotedPrintable = "quoted-printable"
  case base64

  /// The most readable form that is safe.
  init(for lines: [ArraySlice<UInt8>]) {
    var count = 0
    var odd = 0
    var isPlain = true
    for line in lines {
      count += line.count
      odd += line.reduce(0) { MailEncoding.isLiteral($1) ? $0 : $0 + 1 }
      isPlain = isPlain && line.count <= 78 && !MailEncoding.isDelicate(line)
    }
    self = isPlain && odd == 0 ? .sevenBit : odd * 6 <= count ? .quotedPrintable : .base64
  }

  /// Lines that gateways change or that mean something: a dot, mbox's `From `, a boundary's dashes, blanks at the end.
  private static func isDelicate(_ line: ArraySlice<UInt8>) -> Bool {
    if line.last == 0x20 || line.last == 0x09 || line.first == UInt8(ascii: ".") { return true }
    return line.starts(with: "From ".utf8) || line.starts(with: "--".utf8)
  }

  private static func isLiteral(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) || byte == 0x09 }

  // MARK: Text

  /// Any of CR LF, CR and LF ends a line (RFC 2046, section 4.1.1, wants CR LF on the wire).
  static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == 0x0D || byte == 0x0A {
        lines.append(text[start..<index])
        if byte == 0x0D, index + 1 < text.count, text[index + 1] == 0x0A { index += 1 }
        start = index + 1
      }
      index += 1
    }
    if start < text.count { lines.append(text[start...]) }
    return lines
  }

  /// The whole text, its last line ended.
  func encode(_ lines: [ArraySlice<UInt8>]) -> [UInt8] {
    var wire: [UInt8] = []
    switch self {
    case .sevenBit:
      for line in lines { wire += line + MailEncoding.end }
    case .quotedPrintable:
      for line in lines { MailEncoding.quote(line, to: &wire) }
    case .base64:
      var bytes: [UInt8] = []
      for line in lines { bytes += line + MailEncoding.end }
      MailEncoding.encodeBase64(bytes[...], to: &wire)
    }
    return wire
  }

  /// RFC 2045, section 6.7: at most 76 characters a line, the soft line break's `=` included.
  private static func quote(_ line: ArraySlice<UInt8>, to wire: inout [UInt8]) {
    var column = 0
    for index in line.indices {
      let byte = line[index]
      let isLast = index == line.endIndex - 1
      let isBlank = byte == 0x20 || byte == 0x09
      let room = isLast ? 76 : 75
      // What it takes depends on the column, which a soft break changes.
      func isQuoted(at column: Int) -> Bool {
        !isLiteral(byte) || byte == UInt8(ascii: "=") || (isLast && isBlank)
          || (column == 0 && isDelicate(line[index...]))
      }
      if column + (isQuoted(at: column) ? 3 : 1) > room {
        wire += [UInt8(ascii: "=")] + end
        column = 0
      }
      if isQuoted(at: column) {
        wire += [UInt8(ascii: "="), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
        column += 3
      } else {
        wire.append(byte)
        column += 1
      }
    }
    wire += end
  }

  // MARK: Base64

  /// Bytes to a line of 76 characters.
  static let base64Line = 57

  static func base64Size(of count: Int) -> Int {
    let rest = count % base64Line
    return count / base64Line * 78 + (rest == 0 ? 0 : (rest + 2) / 3 * 4 + 2)
  }

  /// Only the last piece of a whole may have a size that `base64Line` does not divide.
  static func encodeBase64(_ bytes: ArraySlice<UInt8>, to wire: inout [UInt8]) {
    wire.reserveCapacity(wire.count + base64Size(of: bytes.count))
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let stop = min(start + base64Line, bytes.endIndex)
      while start < stop {
        let some = bytes[start..<min(start + 3, stop)]
        let bits = some.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - some.count))
        for place in 0..<4 {
          wire.append(place <= some.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
        }
        start += 3
      }
      start = stop
      wire += end
    }
  }

  static let end: [UInt8] = [0x0D, 0x0A]
  static let hex = Array("0123456789ABCDEF".utf8)
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
