import Core

/// Texts as the web protocol writes them: HTML escapes, `<br/>` for line breaks, and spans for the faces that the service
/// draws itself. Each sign is read once, so that an escape in what a person typed is not undone twice.
enum WeChatMarkup {
  /// As a person typed it.
  static func plain(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "&") }) else { return text }
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      if byte == UInt8(ascii: "<"), let tag = Tag(rest) {
        out += tag.meaning
        rest = rest.dropFirst(tag.length)
      } else if byte == UInt8(ascii: "&"), let entity = entity(rest) {
        out += Array(String(entity.scalar).utf8)
        rest = rest.dropFirst(entity.length)
      } else {
        out.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// A name: the same, without space around it.
  static func name(_ value: JSON?) -> String { ContactBook.trimmed(plain(value?.string ?? "")) }

  /// For XML.
  static func escaped(_ text: String) -> String {
    text.replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&apos;"])
  }

  /// What stands in the first element of this name, or in its CDATA; nil where there is none.
  static func element(_ name: String, in xml: String) -> String? {
    let bytes = Array(xml.utf8)
    guard let start = bytes.firstRange(of: Array("<\(name)>".utf8)),
      let end = bytes[start.upperBound...].firstRange(of: Array("</\(name)>".utf8))
    else { return nil }
    let inside = String(decoding: bytes[start.upperBound..<end.lowerBound], as: UTF8.self)
    guard let data = inside.behind("<![CDATA[") else { return plain(inside) }
    return data.hasSuffix("]]>") ? String(data.dropLast(3)) : data
  }

  // MARK: Pieces

  private struct Tag {
    /// Bytes.
    var length: Int
    var meaning: [UInt8]

    /// Nil where no tag that the service writes begins here.
    init?(_ bytes: ArraySlice<UInt8>) {
      let head = bytes.prefix(200)
      guard let end = head.firstIndex(of: UInt8(ascii: ">")) else { return nil }
      let tag = String(decoding: head[...end], as: UTF8.self)
      length = tag.utf8.count
      if ["<br/>", "<br>", "<br />"].contains(tag) {
        meaning = [0x0A]
        return
      }
      guard tag.begins(with: "<span class=\"") else { return nil }
      if head[(end + 1)...].starts(with: "</span>".utf8) { length += "</span>".utf8.count }
      meaning = Array(Tag.face(tag).utf8)
    }

    /// `<span class="emoji emoji1f604">`: code points in hexadecimal, sometimes two in a row. Nothing for the service's own
    /// faces, which no code point stands for.
    private static func face(_ tag: String) -> String {
      guard let name = tag.pieces(at: "\"").dropFirst().first?.pieces(at: " ").last,
        let digits = name.behind("emoji"), digits.utf8.allSatisfy({ isHexadecimal($0) })
      else { return "" }
      let widths: [Int] =
        switch digits.utf8.count {
        case 4, 5: [digits.utf8.count]
        case 6: [2, 4]
        case 8: [4, 4]
        case 9: [5, 4]
        case 10: [5, 5]
        default: []
        }
      var rest = digits[...]
      var scalars = String.UnicodeScalarView()
      for width in widths {
        guard let value = UInt32(rest.prefix(width), radix: 16), let scalar = Unicode.Scalar(value) else { return "" }
        scalars.append(scalar)
        rest = rest.dropFirst(width)
      }
      return String(scalars)
    }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  private static let entities: KeyValuePairs<StaticString, Unicode.Scalar> = [
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "\"", "&apos;": "'", "&nbsp;": " ",
  ]

  /// At the beginning of the bytes.
  private static func entity(_ bytes: ArraySlice<UInt8>) -> (scalar: Unicode.Scalar, length: Int)? {
    let head = bytes.prefix(10)
    guard let end = head.firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let text = String(decoding: head[...end], as: UTF8.self)
    if let known = entities.first(where: { text.begins(with: $0.key) }) { return (known.value, text.utf8.count) }
    guard let number = text.behind("&#")?.dropLast() else { return nil }
    let value = number.first == "x" ? UInt32(number.dropFirst(), radix: 16) : UInt32(number)
    guard let scalar = value.flatMap(Unicode.Scalar.init) else { return nil }
    return (scalar, text.utf8.count)
  }
}
