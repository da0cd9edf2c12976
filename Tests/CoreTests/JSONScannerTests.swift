import Core
import Foundation
import TestSupport
import Testing

/// A case of the public corpus (nst/JSONTestSuite, Tests/Fixtures/json-parsing); its name says what a parser must do.
struct CorpusCase: CustomTestStringConvertible {
  var name: String
  var bytes: [UInt8]

  var testDescription: String { name }

  static let all: [CorpusCase] = {
    let folder = Repository.file("Tests/Fixtures/json-parsing/test_parsing")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
      (try? Data(contentsOf: folder.appending(path: name))).map { CorpusCase(name: name, bytes: Array($0)) }
    }
  }()
}

private func scan(_ text: String) throws(JSONFault) -> JSON { try JSONScanner.value(of: Array(text.utf8)) }

private func problem(_ text: String) -> String? { problem(Array(text.utf8)) }

private func problem(_ bytes: [UInt8]) -> String? {
  do throws(JSONFault) {
    _ = try JSONScanner.value(of: bytes)
    return nil
  } catch {
    return error.problem
  }
}

@Suite struct JSONScannerTests {
  // MARK: The corpus

  @Test func theCorpusIsThere() {
    #expect(CorpusCase.all.count == 318)
  }

  @Test func everyTextOfTheCorpusThatIsJSONIsAccepted() {
    for item in CorpusCase.all where item.name.hasPrefix("y_") {
      // Our own strictness: a repeated key is an error rather than a guess.
      if item.name.contains("duplicated_key") { continue }
      #expect(problem(item.bytes) == nil, "\(item.name)")
    }
  }

  @Test func everyTextOfTheCorpusThatIsNotJSONIsRefused() {
    for item in CorpusCase.all where item.name.hasPrefix("n_") {
      #expect(problem(item.bytes) != nil, "\(item.name)")
    }
  }

  @Test func theUndecidedTextsOfTheCorpusAreAcceptedOnlyWhenTheyComeBackTheSame() throws {
    for item in CorpusCase.all where item.name.hasPrefix("i_") {
      guard let value = try? JSONScanner.value(of: item.bytes) else { continue }
      #expect(try JSONScanner.value(of: value.bytes) == value, "\(item.name)")
    }
  }

  @Test(arguments: ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"])
  func aRepeatedKeyIsRefusedThoughTheCorpusLetsItPass(name: String) throws {
    let item = try #require(CorpusCase.all.first { $0.name == name })
    #expect(problem(item.bytes)?.contains("second time") == true)
  }

  // MARK: Strictness

  @Test(arguments: [
    "", " ", "nul", "nullx", "true1", "TRUE", "'a'", "{a:1}", "{\"a\":1,}", "[1,]", "[,1]", "[1 2]", "01", "-", "-01",
    "1.", ".5", "+1", "1e", "1e+", "0x1", "1_0", "NaN", "Infinity", "\"\t\"", "\"\n\"", "\"\\x41\"", "\"\\u12\"",
    "\"\\u12G4\"", "\"\\u+123\"", "\"\\U0041\"", "// c\n1", "/* c */1", "[1]//", "{\"a\" 1}", "{\"a\":}", "{:1}",
    "{1:1}",
    "1 2", "\u{FEFF}1", "\u{A0}1", "\u{2028}1", "\u{C}1", "[1\u{B},2]", "\"\\\u{0}\"", "\"abc", "\"abc\\", "\"abc\\\"",
    "{\"a\":1", "[1", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1,", "[1,", "\"\\ud800\"", "\"\\udc00\"",
    "\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\udc00\\ud800\"", "\"\\ud83d",
    "\"\\ud83d\\", "\"\\ud83d\\u", "\"\\ud83d\\ude0\"", "\u{FF11}", "\"\\u\u{FF11}\u{FF11}\u{FF11}\u{FF11}\"",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    #expect(problem(text) != nil)
  }

  @Test(arguments: [
    ("0", JSON.number("0")), ("-0", .number("-0")), ("-0.0e-0", .number("-0.0e-0")), ("1E400", .number("1E400")),
    ("123456789012345678901234567890", .number("123456789012345678901234567890")), (" \t\r\n null \t\r\n ", .null),
    ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", .string("\"\\/\u{8}\u{C}\n\r\t")), ("\"\\u0000\"", .string("\u{0}")),
    ("\"\\ud83d\\ude00\"", .string("😀")), ("\"\\uD83D\\uDE00\"", .string("😀")), ("\"\\uffff\"", .string("\u{FFFF}")),
    ("\"\u{7F}\"", .string("\u{7F}")),
    ("\"a\u{FEFF}b\"", .string("a\u{FEFF}b")), ("\"/\"", .string("/")), ("[]", .array([])), ("{ }", .object([])),
    ("{\"\":[{}]}", .object([.init("", .array([.object([])]))])), ("\"\\u00e9\"", .string("é")),
  ])
  func oddButHonestJSONIsReadExactly(text: String, value: JSON) throws {
    #expect(try scan(text) == value)
  }

  @Test func invalidUTF8IsRefusedInValuesAndInKeys() {
    let sequences: [[UInt8]] = [
      [0x80], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ]
    for sequence in sequences {
      let quoted = [0x22] + sequence + [0x22]
      #expect(problem(quoted)?.contains("UTF-8") == true, "\(sequence)")
      #expect(problem([0x7B] + quoted + Array(":1}".utf8)) != nil, "\(sequence)")
      // The same behind an escape, which takes another path.
      #expect(problem([0x22, 0x5C, 0x6E] + sequence + [0x22])?.contains("UTF-8") == true, "\(sequence)")
    }
  }

  @Test func anEscapeCannotHealABrokenCharacter() {
    // C3 A9 is é; an escape between its bytes must not let the parts join up.
    #expect(problem([0x22, 0xC3, 0x5C, 0x6E, 0xA9, 0x22]) != nil)
  }

  @Test func keysAreTheSameOnlyWhenTheirBytesAre() throws {
    #expect(problem("{\"a\":1,\"\\u0061\":2}")?.contains("second time") == true)
    // RFC 8259, section 8.3: compared code unit by code unit. é in one scalar and in two are two keys.
    let value = try scan("{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value.members?.count == 2)
  }

  @Test func repeatedKeysAreFoundAmongManyToo() throws {
    let keys = (0..<100).map { "\"k\($0)\":\($0)" }
    #expect(try scan("{\(keys.joined(separator: ","))}").members?.count == 100)
    for again in [0, 22, 23, 24, 25, 99] {
      #expect(problem("{\(keys.joined(separator: ",")),\"k\(again)\":1}")?.contains("\"k\(again)\"") == true)
    }
    let accents = (0..<30).map { "\"k\($0)\":0" } + ["\"\u{E9}\":1", "\"e\u{301}\":2"]
    #expect(try scan("{\(accents.joined(separator: ","))}").members?.count == 32)
  }

  @Test func theSameKeyInDifferentObjectsIsFine() throws {
    #expect(try scan("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}").members?.count == 2)
  }

  @Test(.timeLimit(.minutes(1))) func heapsOfAccentsAreRefusedBeforeAnybodySortsThem() throws {
    let heap = "a" + String(repeating: "\u{301}\u{316}", count: 200_000)
    #expect(problem("{\"\(heap)\":1}")?.contains("accents") == true)
    #expect(problem("[\"\(String(repeating: "\\u0301\\u0316", count: 1000))\"]")?.contains("accents") == true)
    // What people write: accents on every letter, Chinese, Hangul, flags, families.
    for text in ["e\u{301}\u{323}", "数据", "한국", "🇨🇳", "👩‍👩‍👧‍👦", "שָׁלוֹם", "नमस्ते", "ก็ก้"] {
      let long = String(repeating: text, count: 2000)
      #expect(try scan("\"\(long)\"") == .string(long))
    }
  }

  // MARK: Depth

  @Test func nestingIsBoundedAtExactlyTheMaximum() {
    let deepest = JSONScanner.maximumDepth
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let core = open == "[" ? "" : "1"
      let fits = String(repeating: open, count: deepest) + core + String(repeating: close, count: deepest)
      #expect(problem(fits) == nil)
      #expect(problem(open + (core.isEmpty ? "" : "") + fits + close)?.contains("nested deeper") == true)
    }
  }

  @Test func siblingsDoNotCountAsDepth() {
    #expect(problem("[" + String(repeating: "[],", count: 1000) + "[]]") == nil)
  }

  // MARK: Where it stops, where it complains

  @Test func theScannerStopsBehindTheValue() throws {
    let bytes = Array("  {\"a\":1}\n{\"msgspool\":1}".utf8)
    bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(buffer)
      #expect((try? scanner.value()) == .object([.init("a", .number("1"))]))
      #expect(scanner.offset == 9)
      #expect(!scanner.isAtEnd)
      scanner.skipSpace()
      #expect((try? scanner.value())?["msgspool"]?.integer == 1)
      #expect(scanner.isAtEnd)
    }
  }

  @Test(arguments: [
    ("[1,}", 3), ("{\"a\":1,\"a\":2}", 7), ("\"abc", 0), ("  x", 2), ("[\"a\u{1}\"]", 3), ("1 1", 2), ("[\"\\q\"]", 2),
    ("[\"\\ud800\"]", 2), ("{\"a\"}", 4), ("", 0), ("[01]", 2),
  ])
  func aComplaintNamesThePlace(text: String, offset: Int) {
    let fault = #expect(throws: JSONFault.self) { try scan(text) }
    #expect(fault?.offset == offset, "\(fault?.problem ?? "")")
  }

  @Test func aComplaintAboutAHugeKeyIsShort() throws {
    let key = String(repeating: "k", count: 100_000)
    for text in ["{\"\(key)\":1,\"\(key)\":2}", "{\"\(key)\" 1}"] {
      let complaint = try #require(problem(text))
      #expect(complaint.utf8.count < 300)
    }
  }

  // MARK: Round trips

  @Test func whateverIsWrittenIsReadBackTheSame() throws {
    var random = SeededGenerator(1)
    for _ in 0..<2000 {
      let value = JSON.random(depth: 4, &random)
      #expect(try JSONScanner.value(of: value.bytes) == value, "\(value.text)")
    }
  }

  // MARK: Against Foundation

  @Test func foundationAgreesOnMutatedTexts() {
    var random = SeededGenerator(2)
    var accepted = 0
    var refused = 0
    for _ in 0..<6000 {
      var bytes = JSON.random(depth: 3, &random).bytes
      for _ in 0..<Int.random(in: 0...2, using: &random) where !bytes.isEmpty { mutate(&bytes, &random) }
      let ours = Result { () throws(JSONFault) in try JSONScanner.value(of: bytes) }
      let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      let text = String(decoding: bytes, as: UTF8.self)
      switch ours {
      case .success(let value):
        accepted += 1
        guard let theirs else {
          // Numbers beyond a Double are kept as written by us and refused there.
          #expect(value.hasHugeNumber, "only we accept \(text)")
          continue
        }
        #expect(value.equals(theirs), "\(text)")
      case .failure(let fault):
        refused += 1
        guard theirs != nil else { continue }
        let isOurStrictness =
          fault.problem.contains("second time") || fault.problem.contains("surrogate")
          || fault.problem.contains("nested deeper") || fault.problem.contains("UTF-8") || bytes.contains(0)
        #expect(isOurStrictness, "only Foundation accepts \(text): \(fault.problem)")
      }
    }
    #expect(accepted > 1000 && refused > 1000)
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let spice =
      Array("{}[]\",:\\u0123456789abcdefABCDEF+-.eE \n\ttruefalsn/".utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC3, 0xFF]
    let index = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes.remove(at: index)
    case 1: bytes.insert(spice.randomElement(using: &random) ?? 0, at: index)
    case 2: bytes[index] = spice.randomElement(using: &random) ?? 0
    case 3: bytes.removeSubrange(index...)
    default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
    }
  }

  @Test func noBytesAtAllCrashIt() {
    var random = SeededGenerator(3)
    for _ in 0..<5000 {
      let count = Int.random(in: 0...24, using: &random)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Random bytes are hardly ever JSON; when they are, they come back the same.
      if let value = try? JSONScanner.value(of: bytes) {
        #expect((try? JSONScanner.value(of: value.bytes)) == value)
      }
    }
  }

  // MARK: Time

  /// Hostile texts of about so many bytes.
  private static let kinds: [(name: String, make: @Sendable (Int) -> String)] = [
    ("one string", { "\"" + String(repeating: "a", count: $0) + "\"" }),
    ("escapes", { "\"" + String(repeating: "\\u0041", count: $0 / 6) + "\"" }),
    ("surrogates", { "\"" + String(repeating: "\\ud83d\\ude00", count: $0 / 12) + "\"" }),
    ("quotes", { "\"" + String(repeating: "\\\"", count: $0 / 2) + "\"" }),
    ("a string without an end", { "\"" + String(repeating: "\\n", count: $0 / 2) }),
    ("digits", { String(repeating: "1", count: $0) }),
    ("spaces", { String(repeating: " ", count: $0) + "1" }),
    ("zeros", { "[" + String(repeating: "0,", count: $0 / 2) + "0]" }),
    ("empty arrays", { "[" + String(repeating: "[],", count: $0 / 3) + "0]" }),
    ("empty objects", { "[" + String(repeating: "{},", count: $0 / 3) + "0]" }),
    ("open arrays", { String(repeating: "[", count: $0) }),
    (
      "deep arrays",
      {
        "["
          + String(
            repeating: String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + ",", count: $0 / 201)
          + "0]"
      }
    ),
    ("many keys", { "{" + (0..<$0 / 12).map { "\"k\(1_000_000 + $0)\":0" }.joined(separator: ",") + "}" }),
    (
      "many long keys alike",
      { size in
        let prefix = String(repeating: "p", count: 200)
        return "{" + (0..<size / 214).map { "\"\(prefix)\(1_000_000 + $0)\":0" }.joined(separator: ",") + "}"
      }
    ),
    (
      "few huge keys",
      { size in
        let prefix = String(repeating: "é", count: size / 60)
        return "{" + (0..<30).map { "\"\(prefix)\($0)\":0" }.joined(separator: ",") + "}"
      }
    ),
    (
      "keys of accents",
      { size in
        // One character with thousands of marks in an order that Unicode wants sorted.
        let marks = String(repeating: "\u{301}\u{316}", count: size / 240)
        return "{" + (0..<60).map { "\"a\(marks)\($0)\":0" }.joined(separator: ",") + "}"
      }
    ),
    ("a string of accents", { "\"a" + String(repeating: "\u{301}\u{316}", count: $0 / 4) + "\"" }),
    ("strings", { "[" + String(repeating: "\"ab\",", count: $0 / 5) + "0]" }),
    ("objects", { "[" + String(repeating: "{\"a\":1},", count: $0 / 8) + "0]" }),
  ]

  @Test(arguments: kinds.indices)
  func timeGrowsWithTheTextAndNotFaster(index: Int) {
    let kind = Self.kinds[index]
    let small = Array(kind.make(16 << 10).utf8)
    let large = Array(kind.make(128 << 10).utf8)
    // The least of a few: whatever else the machine does only makes it more.
    let one = (0..<3).map { _ in processorSeconds { _ = problem(small) } }.min() ?? 0
    let eight = (0..<3).map { _ in processorSeconds { _ = problem(large) } }.min() ?? 0
    // Eight times the text; quadratic work would take 64 times as long.
    #expect(eight < max(one, 0.001) * 28, "\(kind.name): \(one) s, then \(eight) s")
  }
}

// MARK: - Random values, and what Foundation makes of them

extension JSON {
  static func random(depth: Int, _ random: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
    case 0: return .null
    case 1: return .boolean(.random(using: &random))
    case 2: return .number(randomNumber(&random))
    case 3, 4: return .string(randomText(&random))
    case 5: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in .random(depth: depth - 1, &random) })
    default:
      var keys: Set<String> = []
      for _ in 0..<Int.random(in: 0...5, using: &random) { keys.insert(randomText(&random)) }
      return .object(keys.sorted().map { JSON.Member($0, .random(depth: depth - 1, &random)) })
    }
  }

  private static func randomNumber(_ random: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return String(Int.random(in: -1000...1000, using: &random))
    case 1: return String(Int64.random(in: .min ... .max, using: &random))
    case 2: return String(Double.random(in: -1e6...1e6, using: &random))
    default: return "\(Int.random(in: 0...9, using: &random)).5e\(Int.random(in: -20...20, using: &random))"
    }
  }

  static func randomText(_ random: inout SeededGenerator) -> String {
    let alphabet: [Unicode.Scalar] = [
      "a", "b", "Z", "0", "\"", "\\", "/", "\n", "\u{0}", "\u{1B}", "\u{7F}", "\u{9B}", "é", "\u{301}", "中", "😀",
      "\u{2028}",
      "\u{FFFF}", "\u{10FFFF}", " ", "{", "}", ":", ",",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...8, using: &random) {
      text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? "a")
    }
    return text
  }

  /// A number so large, or with so many digits, that Foundation may give up on it.
  var hasHugeNumber: Bool {
    switch self {
    case .number(let digits):
      guard let value = Double(digits) else { return true }
      return !value.isFinite || digits.count > 18 || (value != 0 && (abs(value) > 1e100 || abs(value) < 1e-100))
    case .array(let values): return values.contains(where: \.hasHugeNumber)
    case .object(let members): return members.contains { $0.value.hasHugeNumber }
    default: return false
    }
  }

  func equals(_ other: Any) -> Bool {
    switch self {
    case .null: return other is NSNull
    case .boolean(let value): return (other as? NSNumber)?.boolValue == value
    case .number(let digits):
      guard let theirs = (other as? NSNumber)?.doubleValue, let ours = Double(digits) else { return false }
      return abs(theirs - ours) <= abs(ours) * 1e-12
    case .string(let text): return (other as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
    case .array(let values):
      guard let theirs = other as? [Any], theirs.count == values.count else { return false }
      return zip(values, theirs).allSatisfy { $0.equals($1) }
    case .object(let members):
      guard let theirs = other as? [String: Any] else { return false }
      // Foundation's keys are compared as text: é in one scalar and in two are one key there.
      guard theirs.count == Set(members.map(\.key)).count else { return false }
      return theirs.count < members.count
        || members.allSatisfy { member in theirs[member.key].map { member.value.equals($0) } ?? false }
    }
  }
}
