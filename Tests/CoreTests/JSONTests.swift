import Core
import TestSupport
import Testing

@Suite struct JSONTests {
  @Test func controlCharactersAreEscapedSoThatALineStaysOneLine() {
    #expect(JSON.string("a\u{1B}[31m\n\"\\/é🚀").text == #""a\u001b[31m\n\"\\/é🚀""#)
  }

  @Test func everyControlCharacterIsEscaped() throws {
    for code in Array(UInt32(0)...0x1F) + Array(UInt32(0x7F)...0x9F) {
      let scalar = Unicode.Scalar(code).map(String.init) ?? ""
      let text = JSON.string("a\(scalar)b").text
      #expect(
        !text.unicodeScalars.contains { $0.properties.generalCategory == .control }, "U+\(String(code, radix: 16))")
      #expect(try JSONScanner.value(of: Array(text.utf8)) == .string("a\(scalar)b"))
    }
  }

  @Test func whatOnlyLooksLikeAControlCharacterIsKept() {
    // The bytes 80 to 9F are the ends of ordinary characters too, and C2 begins others.
    for text in ["À", "é", "中", "\u{A0}", "¿", "😀", "\u{2028}"] { #expect(JSON.string(text).text == "\"\(text)\"") }
  }

  @Test func membersKeepTheirOrderAndNumbersTheirDigits() {
    let value = JSON.object([
      .init("z", .number("1.50")), .init("a", .integer(-3)), .init("m", .strings(["x", "y"])), .init("n", .null),
      .init("t", .array([.boolean(true), .boolean(false)])),
    ])
    #expect(value.text == #"{"z":1.50,"a":-3,"m":["x","y"],"n":null,"t":[true,false]}"#)
  }

  @Test func keysAreEscapedLikeValues() {
    #expect(JSON.object([.init("a\"\n", .null)]).text == #"{"a\"\n":null}"#)
  }

  @Test func aValueIsOfItsKindOrOfNone() {
    let values: [(JSON, [ValueKind])] = [
      (.null, []), (.boolean(true), [.boolean]), (.number("1"), [.string, .identifier, .integer, .number, .strings]),
      (.string("1"), [.string, .identifier, .strings]), (.strings(["a"]), [.strings, .structure]),
      (.object([]), [.object, .structure]),
    ]
    let all: [ValueKind] = [.string, .identifier, .integer, .number, .boolean, .strings, .object, .structure]
    for (value, kinds) in values {
      for kind in all {
        #expect((kind.value(of: value) != nil) == kinds.contains(kind), "\(value) as \(kind)")
      }
    }
    #expect(ValueKind.number.value(of: .number("1.5")) != nil && ValueKind.integer.value(of: .number("1.5")) == nil)
    #expect(ValueKind.strings.value(of: .array([.string("a"), .null])) == nil)
    #expect(ValueKind.strings.value(of: .array([])) == .array([]))
  }

  @Test func bracketsAroundOneAndQuotesAroundDigitsMayBeLeftOut() {
    #expect(ValueKind.strings.value(of: .string("phone")) == .strings(["phone"]))
    #expect(
      ValueKind.strings.value(of: .array([.number("13800138000"), .string("x")])) == .strings(["13800138000", "x"]))
    #expect(ValueKind.string.value(of: .number("9")) == .string("9"))
    #expect(ValueKind.string.value(of: .number("0.10")) == .string("0.10"), "as it was written")
  }

  @Test func aMemberIsFoundInObjectsOnly() {
    let value = JSON.object([.init("a", .integer(1))])
    #expect(value["a"]?.integer == 1)
    #expect(value["b"] == nil)
    #expect(JSON.array([value])["a"] == nil)
    #expect(JSON.string("a")["a"] == nil)
  }

  @Test func integersAreExact() {
    #expect(JSON.number("9223372036854775807").integer == .max)
    #expect(JSON.number("9223372036854775808").integer == nil)
    #expect(JSON.number("1.0").integer == nil)
    #expect(JSON.number("1e2").number == 100)
  }
}
