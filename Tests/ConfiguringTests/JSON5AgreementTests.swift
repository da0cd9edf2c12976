import Core
import Foundation
import TestSupport
import Testing

@testable import Configuring

/// What others take a text for: JSON's public cases, the scanner of messages, Foundation; and texts of nobody's.
@Suite struct JSON5AgreementTests {
  // MARK: JSON

  /// The public cases (nst/JSONTestSuite); their names say what a parser of JSON must do.
  private static let cases: [(name: String, bytes: [UInt8])] = {
    let folder = Repository.file("Tests/Fixtures/json-parsing/test_parsing")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: folder.appending(path: name))).map { (name, Array($0)) }
    }
  }()

  @Test func whatIsJSONIsJSON5OfTheSameValue() throws {
    #expect(Self.cases.count == 318)
    for item in Self.cases where item.name.hasPrefix("y_") {
      // Our own strictness, here as in messages.
      if item.name.contains("duplicated_key") {
        #expect(throws: ConfigurationFault.self, "\(item.name)") { try scan(item.bytes) }
      } else {
        let ours = try scan(item.bytes)
        #expect(ours.means(try JSONScanner.value(of: item.bytes)), "\(item.name): \(ours.text)")
      }
    }
  }

  /// Those of the cases that JSON5 allows.
  private static let allowed: Set<String> = [
    "array_extra_comma", "array_number_and_comma", "number_+1", "number_-2.", "number_.2e-3", "number_0.e1",
    "number_2.e+3", "number_2.e-3", "number_2.e3", "number_hex_1_digit", "number_hex_2_digits",
    "number_neg_real_without_int_part", "number_real_without_fractional_part", "number_starting_with_dot",
    "object_key_with_single_quotes", "object_single_quote", "object_trailing_comma", "object_trailing_comment",
    "object_trailing_comment_slash_open", "object_unquoted_key", "string_backslash_00", "string_escape_x",
    "string_escaped_ctrl_char_tab", "string_escaped_emoji", "string_invalid_backslash_esc", "string_single_quote",
    "string_unescaped_ctrl_char", "string_unescaped_tab", "string_unicode_CapitalU", "structure_object_with_comment",
    "structure_whitespace_formfeed",
  ]

  @Test func whatIsNotJSONIsRefusedUnlessJSON5AllowsIt() {
    for item in Self.cases where item.name.hasPrefix("n_") {
      let isTaken = (try? scan(item.bytes)) != nil
      #expect(isTaken == Self.allowed.contains(String(item.name.dropFirst(2).dropLast(5))), "\(item.name): \(isTaken)")
    }
  }

  @Test func whereParsersMayDifferItIsOneWayOrTheOther() {
    for item in Self.cases where item.name.hasPrefix("i_") {
      guard let ours = try? scan(item.bytes) else { continue }
      #expect((try? JSONScanner.value(of: Array(item.bytes.trimmingMark))).map(ours.means) == true, "\(item.name)")
    }
  }

  // MARK: Foundation

  /// The value that Foundation's reader of JSON5 makes of a text.
  private struct Tree: Decodable {
    var value: JSON

    private struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      if let object = try? decoder.container(keyedBy: Key.self) {
        value = .object(
          try object.allKeys.map { JSON.Member($0.stringValue, try object.decode(Tree.self, forKey: $0).value) })
      } else if var array = try? decoder.unkeyedContainer() {
        var values: [JSON] = []
        while !array.isAtEnd { values.append(try array.decode(Tree.self).value) }
        value = .array(values)
      } else {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
          value = .null
        } else if let flag = try? single.decode(Bool.self) {
          value = .boolean(flag)
        } else if let number = try? single.decode(Double.self) {
          value = .number(String(number))
        } else {
          value = .string(try single.decode(String.self))
        }
      }
    }

    static func value(of bytes: [UInt8]) throws -> JSON {
      let decoder = JSONDecoder()
      decoder.allowsJSON5 = true
      // It traps on a number that ends with the text.
      return try decoder.decode(Tree.self, from: Data(bytes + [0x0A])).value
    }
  }

  @Test func foundationAgreesWhereItReadsJSON5() throws {
    var writer = JSON5Writer(seed: 5, forFoundation: true)
    for _ in 0..<1500 {
      let text = writer.text(writer.value(depth: 4))
      let ours = try #require(try? scan(text), "\(text)")
      #expect(ours.means(try Tree.value(of: Array(text.utf8))), "\(text)")
    }
  }

  @Test func whateverIsWrittenIsReadTheSame() throws {
    var writer = JSON5Writer(seed: 4)
    for _ in 0..<2500 {
      let value = writer.value(depth: 4)
      let text = writer.text(value)
      #expect(try scan(text).means(value), "\(text)")
    }
  }

  // MARK: Anything

  @Test func noTextCrashesItAndFaultsStayShort() {
    var writer = JSON5Writer(seed: 6)
    var mutator = Mutator(7)
    var (taken, refused) = (0, 0)
    let spice = Array("{}[]'\",:\\ux0123e+-.IN/*\r\n $_".utf8) + [0x00, 0x80, 0xC3, 0xE2, 0xA8, 0xFF]
    for _ in 0..<5000 {
      var bytes = Array(writer.text(writer.value(depth: 3)).utf8)
      for _ in 0..<Int.random(in: 1...3, using: &mutator.random) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &mutator.random)
        switch Int.random(in: 0..<4, using: &mutator.random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(mutator.pick(spice), at: index)
        case 2: bytes[index] = mutator.pick(spice)
        default: bytes = mutator.damaged(bytes)
        }
      }
      do throws(ConfigurationFault) {
        let value = try scan(bytes)
        taken += 1
        // Whatever comes out is a value that JSON can hold.
        #expect((try? JSONScanner.value(of: value.bytes)) == value, "\(value.text)")
      } catch {
        refused += 1
        #expect(error.message.utf8.count < 250 && error.message.hasPrefix("c.json:"), "\(error.message)")
      }
    }
    #expect(taken > 500 && refused > 1000, "\(taken) taken, \(refused) refused")
  }

  // MARK: Time

  /// Texts of about so many bytes, of one thing each.
  private static let kinds: [(name: String, make: @Sendable (Int) -> String)] = [
    ("a string", { "'" + String(repeating: "a", count: $0) + "'" }),
    ("escapes", { "'" + String(repeating: "\\x41", count: $0 / 4) + "'" }),
    ("continued lines", { "'" + String(repeating: "\\\n", count: $0 / 2) + "'" }),
    ("a string without an end", { "'" + String(repeating: "\\'", count: $0 / 2) }),
    ("strings without an end", { String(repeating: "'a\n", count: $0 / 3) }),
    ("digits", { String(repeating: "1", count: $0) }), ("hexadecimal", { "0x" + String(repeating: "f", count: $0) }),
    ("a long fraction", { "." + String(repeating: "1", count: $0) }),
    ("a long exponent", { "1e" + String(repeating: "0", count: $0) }),
    ("spaces", { String(repeating: " ", count: $0) }), ("lines", { String(repeating: "\r\n", count: $0 / 2) + "x" }),
    ("comments", { String(repeating: "/**/", count: $0 / 4) }), ("slashes", { String(repeating: "/", count: $0) }),
    ("a comment without an end", { "/" + String(repeating: "*", count: $0) }),
    ("comments of lines", { String(repeating: "//\n", count: $0 / 3) + "x" }),
    ("open arrays", { String(repeating: "[", count: $0) }),
    ("arrays", { "[" + String(repeating: "[],", count: $0 / 3) }),
    ("commas", { "[" + String(repeating: "0,", count: $0 / 2) + "]" }),
    ("a word", { String(repeating: "n", count: $0) }),
    ("a key", { "{" + String(repeating: "k", count: $0) }),
    ("accents in a key", { "{a" + String(repeating: "\u{301}\u{316}", count: $0 / 4) }),
    ("points in a word", { "a" + String(repeating: "\u{5B0}\u{5B1}", count: $0 / 4) }),
    ("keys", { "{" + (0..<$0 / 10).map { "k\(1_000_000 + $0):0" }.joined(separator: ",") + "}" }),
    (
      "huge keys",
      { size in "{" + (0..<30).map { String(repeating: "é", count: size / 60) + "\($0):0" }.joined(separator: ",") + "}"
      }
    ),
    ("flags", { "[" + String(repeating: "🇨🇳", count: $0 / 8) }),
    ("objects", { "[" + String(repeating: "{a:1},", count: $0 / 6) }),
  ]

  @Test(arguments: kinds.indices) func timeGrowsWithTheTextAndNotFaster(index: Int) {
    let kind = Self.kinds[index]
    let texts = [16 << 10, 64 << 10].map { ($0, Array(kind.make($0).utf8)) }
    let growth = growth(16 << 10) { size in
      for text in texts where text.0 == size { _ = try? scan(text.1) }
    }
    // Four times the text; quadratic work would take sixteen times as long.
    #expect(growth < 10, "\(kind.name): \(growth)")
  }
}

// MARK: - Values, and how people may write them

/// Writes values in all the ways that JSON5 has, by chance.
private struct JSON5Writer {
  private var mutator: Mutator
  /// Without what Foundation refuses or misreads: escapes beyond JSON's, continued lines, tabs and controls in strings,
  /// escapes in keys, and spaces beyond ASCII.
  private let isForFoundation: Bool

  init(seed: UInt64, forFoundation: Bool = false) {
    mutator = Mutator(seed)
    isForFoundation = forFoundation
  }

  mutating func value(depth: Int) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &mutator.random) {
    case 0: return .null
    case 1: return .boolean(mutator.chance(50))
    case 2: return .integer(Int.random(in: -70_000...70_000, using: &mutator.random))
    case 3: return .number(String(Double(Int.random(in: -9999...9999, using: &mutator.random)) / 64))
    case 4: return .string(text())
    case 5: return .array((0..<mutator.pick([0, 1, 3])).map { _ in value(depth: depth - 1) })
    default:
      return .object((0..<mutator.pick([0, 1, 4])).map { .init("\(text())\($0)", value(depth: depth - 1)) })
    }
  }

  private mutating func text() -> String {
    let characters = [
      "a", "Z", "_", "$", "é", "中", "😀", " ", "\"", "'", "\\", "/", "\n", "\r\n", "\t", "\u{2028}", "\u{B}",
    ]
    return (0..<mutator.pick([0, 1, 3, 6])).map { _ in mutator.pick(characters) }.joined()
  }

  mutating func text(_ value: JSON) -> String { space() + written(value) + space() }

  private mutating func written(_ value: JSON) -> String {
    switch value {
    case .null, .boolean: return value.text
    case .number(let digits): return number(digits)
    case .string(let text): return string(text)
    case .array(let values):
      let all = values.map { text($0) }.joined(separator: ",")
      return "[\(all)\(values.isEmpty || mutator.chance(50) ? "" : ",")\(space())]"
    case .object(let members):
      let all = members.map { "\(space())\(key($0.key))\(space()):\(text($0.value))" }.joined(separator: ",")
      return "{\(all)\(members.isEmpty || mutator.chance(50) ? "" : ",")\(space())}"
    }
  }

  private mutating func space() -> String {
    guard mutator.chance(40) else { return "" }
    let all = [" ", "\n", "\r\n", "\t", "// it's a comment: {[\n", "/* \" * / \n */", "/**/"]
    return mutator.pick(
      isForFoundation ? all : all + ["\u{A0}", "\u{FEFF}", "\u{2028}", "//\u{2029}", "\u{3000}\u{C}"])
  }

  private mutating func number(_ digits: String) -> String {
    let sign = digits.hasPrefix("-") ? "-" : mutator.pick(["", "+"])
    let size = digits.hasPrefix("-") ? String(digits.dropFirst()) : digits
    if let whole = Int(size) {
      return sign
        + mutator.pick([
          size, "0x\(String(whole, radix: 16))", "0X\(String(whole, radix: 16, uppercase: true))", size + ".",
          size + "e0",
        ])
    }
    return sign + (size.hasPrefix("0.") ? mutator.pick([size, String(size.dropFirst())]) : size)
      + mutator.pick(["", "e+0", "E0"])
  }

  private mutating func key(_ key: String) -> String {
    let isName = key.unicodeScalars.first.map { !("0"..."9").contains($0) } ?? false
    let isPlain = key.unicodeScalars.allSatisfy {
      $0 == "$" || $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0)
    }
    return isName && isPlain && mutator.chance(70) ? name(key) : string(key)
  }

  private mutating func name(_ key: String) -> String {
    guard !isForFoundation, mutator.chance(20) else { return key }
    return key.utf16.map { String(format: "\\u%04X", Int($0)) }.joined()
  }

  private mutating func string(_ text: String) -> String {
    let quote: Unicode.Scalar = mutator.chance(50) ? "'" : "\""
    var written = String(quote)
    for scalar in text.unicodeScalars {
      if !isForFoundation, mutator.chance(5) { written += mutator.pick(["\\\n", "\\\r\n", "\\\r", "\\\u{2029}"]) }
      switch scalar {
      case quote, "\\": written += "\\\(scalar)"
      case "\n": written += mutator.pick(["\\n", "\\x0a", "\\u000A"])
      case "\r": written += "\\r"
      case "\t" where isForFoundation: written += "\\t"
      case "\u{B}": written += isForFoundation ? "\\u000b" : mutator.pick(["\\v", "\\x0B", "\u{B}"])
      case "Z", "é", "😀": written += isForFoundation || mutator.chance(50) ? "\(scalar)" : "\\\(scalar)"
      case _ where mutator.chance(10):
        written += String(scalar).utf16.map { String(format: "\\u%04x", Int($0)) }.joined()
      default: written.unicodeScalars.append(scalar)
      }
    }
    return written + String(quote)
  }
}

extension [UInt8] {
  fileprivate var trimmingMark: ArraySlice<UInt8> { starts(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self[...] }
}

extension JSON {
  /// The same value: numbers by what they amount to, members in any order.
  fileprivate func means(_ other: JSON) -> Bool {
    switch (self, other) {
    case (.number(let one), .number(let two)): one == two || Double(one) == Double(two)
    case (.string(let one), .string(let two)): one.hasSameBytes(as: two)
    case (.array(let one), .array(let two)): one.count == two.count && zip(one, two).allSatisfy { $0.means($1) }
    case (.object(let one), .object(let two)):
      one.count == two.count
        && zip(one.sorted { $0.key < $1.key }, two.sorted { $0.key < $1.key }).allSatisfy {
          $0.key.hasSameBytes(as: $1.key) && $0.value.means($1.value)
        }
    default: self == other
    }
  }
}
