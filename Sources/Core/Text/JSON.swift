/// A JSON value (RFC 8259) with its members in the order they were written. Used where order, exactness and repeated
/// keys matter: message files, history lines, requests' bodies, and what providers answer.
package enum JSON: Sendable, Hashable {
  case null
  case boolean(Bool)
  /// As written: `1e3`, `0.10` and 20-digit integers survive.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  package struct Member: Sendable, Hashable {
    package var key: String
    package var value: JSON

    package init(_ key: String, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  package static func integer(_ value: Int) -> JSON { .number(String(value)) }
  package static func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  package var integer: Int? { if case .number(let digits) = self { Int(digits) } else { nil } }
  package var number: Double? { if case .number(let digits) = self { Double(digits) } else { nil } }
  package var array: [JSON]? { if case .array(let values) = self { values } else { nil } }
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }

  /// The value of a member; nil for absent ones and for anything that is no object.
  package subscript(key: String) -> JSON? {
    members?.first { $0.key == key }?.value
  }

  /// What an error message calls it: "a number", "a string"...
  package var kindForPeople: String {
    switch self {
    case .null: "null"
    case .boolean: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// MARK: - Writing

extension JSON {
  /// Compact, raw UTF-8; only `"`, `\` and control characters (C0, DEL and C1) are escaped.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return bytes
  }

  package func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let digits): bytes.append(contentsOf: digits.utf8)
    case .string(let value): JSON.write(value, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSON.write(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// A string in quotes. Control characters become `\u00XX`, so a line of JSON stays one line and says nothing to a terminal.
  package static func write(_ string: String, to bytes: inout [UInt8]) {
    var string = string
    string.withUTF8 { write(utf8: $0, to: &bytes) }
  }

  /// - Parameter utf8: of a whole string.
  package static func write(utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var plain = 0
    for index in utf8.indices {
      let byte = utf8[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F {
        bytes.append(contentsOf: utf8[plain..<index])
        plain = index + 1
        escape(byte, to: &bytes)
      } else if byte == 0xC2, utf8[index + 1] < 0xA0 {
        // C1: C2 80 to C2 9F, which terminals obey as well (9B is their CSI). A string's UTF-8 is whole: C2 is never last.
        bytes.append(contentsOf: utf8[plain..<index])
        plain = index + 2
        escape(utf8[index + 1], to: &bytes)
      }
    }
    bytes.append(contentsOf: utf8[plain...])
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(_ byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x22, 0x5C: bytes.append(byte)
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    default:
      let hex = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(hex[Int(byte >> 4)])
      bytes.append(hex[Int(byte & 15)])
    }
  }
}
