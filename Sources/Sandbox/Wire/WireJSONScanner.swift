/// Why a body is no JSON; the offset is in bytes.
package struct WireJSONError: Error, Equatable {
  package var problem: String
  package var offset: Int
}

extension WireJSON {
  /// RFC 8259, strictly; nothing but white space may follow the value.
  package init(parsing bytes: [UInt8]) throws(WireJSONError) {
    var scanner = WireJSONScanner(bytes)
    let value = try scanner.value(depth: 0)
    scanner.skipSpace()
    guard scanner.atEnd else { throw scanner.error("trailing text") }
    self = value
  }

  package init(parsing text: String) throws(WireJSONError) {
    try self.init(parsing: Array(text.utf8))
  }
}

private struct WireJSONScanner {
  /// Deeper than any provider's body; keeps a hostile one from using up the stack.
  static let deepest = 128

  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var atEnd: Bool { at == bytes.count }

  /// The byte at the cursor, 0 past the end: no rule below accepts a NUL, so the end needs no case of its own.
  private var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

  func error(_ problem: String) -> WireJSONError { WireJSONError(problem: problem, offset: at) }

  mutating func skipSpace() {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }

  mutating func value(depth: Int) throws(WireJSONError) -> WireJSON {
    guard depth < Self.deepest else { throw error("nested too deep") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return try number()
    }
  }

  private mutating func literal(_ text: StaticString, _ value: WireJSON) throws(WireJSONError) -> WireJSON {
    let end = at + text.utf8CodeUnitCount
    let same = end <= bytes.count && text.withUTF8Buffer { $0.elementsEqual(bytes[at..<end]) }
    guard same else { throw error("expected \(text)") }
    at = end
    return value
  }

  private mutating func object(depth: Int) throws(WireJSONError) -> WireJSON {
    at += 1
    var members: [WireMember] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("expected a member name") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("expected ':'") }
      members.append(WireMember(name, try value(depth: depth + 1)))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(WireJSONError) -> WireJSON {
    at += 1
    var values: [WireJSON] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array([]) }
    repeat {
      values.append(try value(depth: depth + 1))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
    return .array(values)
  }

  private mutating func digits() throws(WireJSONError) {
    let start = at
    while next >= UInt8(ascii: "0"), next <= UInt8(ascii: "9") { at += 1 }
    guard at > start else { throw error("expected a value") }
  }

  private mutating func number() throws(WireJSONError) -> WireJSON {
    let start = at
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits() }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    return .number(String(decoding: bytes[start..<at], as: UTF8.self))
  }

  private mutating func string() throws(WireJSONError) -> String {
    at += 1
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 {
      at += 1
    }
    if next == UInt8(ascii: "\"") {
      at += 1
      return try text(bytes[start..<at - 1])
    }
    var out = Array(bytes[start..<at])
    while true {
      guard at < bytes.count else { throw error("unterminated string") }
      let byte = bytes[at]
      guard byte >= 0x20 else { throw error("control character in a string") }
      at += 1
      if byte == UInt8(ascii: "\"") { return try text(out[...]) }
      if byte == UInt8(ascii: "\\") { try escape(into: &out) } else { out.append(byte) }
    }
  }

  private func text(_ utf8: ArraySlice<UInt8>) throws(WireJSONError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else { throw error("invalid UTF-8") }
    return text
  }

  private mutating func escape(into out: inout [UInt8]) throws(WireJSONError) {
    let byte = next
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if 0xD800..<0xDC00 ~= code, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let low = try hexadecimal()
        guard 0xDC00..<0xE000 ~= low else { throw error("lone surrogate") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("lone surrogate") }
      out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("unknown escape")
    }
  }

  private mutating func hexadecimal() throws(WireJSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexadecimalValue(next) else { throw error("expected four hexadecimal digits") }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}

/// 0...15, or nil for what is no hexadecimal digit.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
