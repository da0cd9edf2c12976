/// JSON as it came over the wire: numbers keep their text, members keep their order, so that a type that a provider
/// would refuse ("5" for 5, 1.5 for 1) can be refused here too, and a record shows what was really said.
/// A scanner of its own because a body with 2000 recipients must cost microseconds, not milliseconds.
package enum WireJSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([WireJSON])
  case object([WireMember])
}

/// One member of an object. Names may repeat; `WireJSON.subscript` answers the last one, as Java's parsers do.
package struct WireMember: Sendable, Equatable {
  package var name: String
  package var value: WireJSON

  package init(_ name: String, _ value: WireJSON) {
    self.name = name
    self.value = value
  }
}

extension WireJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .number(String(value)) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: WireJSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, WireJSON)...) {
    self = .object(elements.map { WireMember($0, $1) })
  }

  static func int(_ value: Int) -> WireJSON { .number(String(value)) }
  static func strings(_ values: [String]) -> WireJSON { .array(values.map { .string($0) }) }
}

extension WireJSON {
  package subscript(name: String) -> WireJSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  package var int: Int? {
    if case .number(let text) = self { Int(text) } else { nil }
  }

  package var array: [WireJSON]? {
    if case .array(let values) = self { values } else { nil }
  }

  /// The strings of an array that holds nothing else.
  package var strings: [String]? {
    guard case .array(let values) = self else { return nil }
    let strings = values.compactMap(\.string)
    return strings.count == values.count ? strings : nil
  }
}

// MARK: - Writing

extension WireJSON {
  /// On one line, control characters escaped, so that a record stays a line.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  var bytes: [UInt8] {
    var out: [UInt8] = []
    write(to: &out)
    return out
  }

  func write(to out: inout [UInt8]) {
    switch self {
    case .null: out.append(contentsOf: "null".utf8)
    case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let text): out.append(contentsOf: text.utf8)
    case .string(let text): Self.write(text, to: &out)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        value.write(to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        Self.write(member.name, to: &out)
        out.append(UInt8(ascii: ":"))
        member.value.write(to: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  /// A number from 0 up, without a String in between.
  static func write(_ number: Int, to out: inout [UInt8]) {
    let start = out.count
    var rest = number
    repeat {
      out.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    out[start...].reverse()
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  static func write(_ text: String, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      // Whole runs, since almost every text is one.
      var start = 0
      for index in bytes.indices where mustBeEscaped(bytes[index]) {
        out.append(contentsOf: bytes[start..<index])
        escape(bytes[index], to: &out)
        start = index + 1
      }
      out.append(contentsOf: bytes[start...])
    }
    out.append(UInt8(ascii: "\""))
  }
  private static func mustBeEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func escape(_ byte: UInt8, to out: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
    case 0x0A: out.append(contentsOf: "\\n".utf8)
    default:
      out.append(contentsOf: "\\u00".utf8)
      out.append(contentsOf: [hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]])
    }
  }
}
