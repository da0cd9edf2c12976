/// A text compared and hashed byte by byte: for addresses, and whatever else another system takes as it was written.
///
/// Swift's own equality takes é in one scalar and in two for the same, so that of two recipients whose addresses differ
/// in nothing else one would get nothing. Hashing bytes is also much cheaper than hashing what Unicode makes of them.
package struct Verbatim: Sendable, Hashable, ExpressibleByStringLiteral {
  package var text: String

  package init(_ text: String) { self.text = text }
  package init(stringLiteral text: String) { self.text = text }

  package static func == (one: Verbatim, other: Verbatim) -> Bool { one.text.hasSameBytes(as: other.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(0xFF as UInt8)
  }
}

/// Looking into a text by its bytes. In Swift's characters a mark merges with the sign before it, so that a quote or a
/// comma with an accent behind it is no quote and no comma any more; to everybody else it still is.
extension StringProtocol {
  /// Whether the text holds the sign, which is ASCII.
  package func holds(_ sign: Unicode.Scalar) -> Bool { utf8.contains { $0 == UInt8(ascii: sign) } }

  /// What follows the prefix; nil where the text does not begin with it.
  package func behind(_ prefix: StaticString) -> String? {
    guard begins(with: prefix) else { return nil }
    return String(decoding: utf8.dropFirst(prefix.utf8CodeUnitCount), as: UTF8.self)
  }

  package func begins(with prefix: StaticString) -> Bool {
    let bytes = UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
    // Byte by byte an iterator costs more than the rest of an address's check.
    return utf8.withContiguousStorageIfAvailable { $0.prefix(bytes.count).elementsEqual(bytes) }
      ?? utf8.starts(with: bytes)
  }

  /// What stands between the signs, which are ASCII; empty pieces, too.
  package func pieces(at sign: Unicode.Scalar) -> [String] {
    utf8.split(separator: UInt8(ascii: sign), omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// What stands before the first such sign, which is ASCII, and behind it; nil where there is none.
  package func halves(at sign: Unicode.Scalar) -> (before: String, behind: String)? {
    guard let index = utf8.firstIndex(of: UInt8(ascii: sign)) else { return nil }
    let before = String(decoding: utf8[..<index], as: UTF8.self)
    return (before, String(decoding: utf8[index...].dropFirst(), as: UTF8.self))
  }

  /// Its lines, however they end (CR LF, CR, LF, and Unicode's own); empty ones, too.
  package var lines: [String] {
    var lines: [String] = []
    var line = String.UnicodeScalarView()
    var last: Unicode.Scalar?
    for scalar in unicodeScalars {
      defer { last = scalar }
      if last == "\r", scalar == "\n" { continue }
      guard Character(scalar).isNewline else {
        line.append(scalar)
        continue
      }
      lines.append(String(line))
      line = String.UnicodeScalarView()
    }
    return lines + [String(line)]
  }

  /// As it stands in HTML or XML, in an attribute's quotes too, and is nothing but text there.
  package var escapedForHTML: String {
    replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;"])
  }

  /// With another text for each of some signs, which are ASCII.
  package func replacing(_ texts: KeyValuePairs<Unicode.Scalar, String>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count)
    for byte in utf8 {
      if let text = texts.first(where: { $0.key.value == UInt32(byte) })?.value {
        bytes += text.utf8
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension UInt8 {
  /// Of ASCII.
  package var isLetterOrDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}

extension String {
  /// Whitespace of any kind and control characters as single blanks: a header's text can't bring in another line.
  package var oneLine: String {
    var line = String.UnicodeScalarView()
    var isBlank = true
    for scalar in unicodeScalars {
      if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
        if !isBlank { line.append(" ") }
        isBlank = true
      } else {
        line.append(scalar)
        isBlank = false
      }
    }
    if line.last == " " { line.removeLast() }
    return String(line)
  }
}

extension String {
  /// A path up to its last slash, and with it; empty where it has none.
  package var throughLastSlash: String {
    let end = utf8.lastIndex(of: UInt8(ascii: "/")).map { utf8.index(after: $0) } ?? utf8.startIndex
    return String(decoding: utf8[..<end], as: UTF8.self)
  }
}
