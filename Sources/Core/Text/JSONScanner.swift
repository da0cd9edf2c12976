/// Reads one JSON value (RFC 8259) from bytes, strictly: UTF-8 valid, surrogates paired, keys not repeated, depth bounded.
///
/// Its own scanner because a message file is one value followed by history lines, and because a repeated key in a
/// message ("to" twice) must be an error rather than a guess; `JSONDecoder` offers neither.
package struct JSONScanner {
  /// Deeper nesting than any honest message has; protects the stack.
  package static let maximumDepth = 128

  private let bytes: UnsafeBufferPointer<UInt8>
  /// Where the next byte is read; after `value()`, the first byte behind the value.
  package private(set) var offset: Int
  private var nodes: [JSONTape.Node] = []

  package init(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The value of a text that holds nothing else.
  package static func value(of bytes: [UInt8]) throws(JSONFault) -> JSON { try JSONText(bytes).root.json }

  package var isAtEnd: Bool { offset >= bytes.count }

  package mutating func skipSpace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x0A, 0x0D, 0x09: offset += 1
      default: return
      }
    }
  }

  /// The next value, white space before it skipped.
  package mutating func value() throws(JSONFault) -> JSON { try tape().json(at: 0, in: bytes) }

  /// The next value, read and checked whole, and nothing of it copied.
  package mutating func tape() throws(JSONFault) -> JSONTape {
    guard bytes.count <= UInt32.max else { throw fault("the text has more than 4 gigabytes") }
    nodes = []
    nodes.reserveCapacity(min(64, bytes.count - offset))
    try scan(depth: 0)
    return JSONTape(nodes)
  }

  private mutating func scan(depth: Int) throws(JSONFault) {
    skipSpace()
    guard offset < bytes.count else { throw fault("the text ends where a value is expected") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): try object(depth: depth + 1)
    case UInt8(ascii: "["): try array(depth: depth + 1)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try word("true", .true)
    case UInt8(ascii: "f"): try word("false", .false)
    case UInt8(ascii: "n"): try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
    default: throw fault("a value is expected here, found \(found)")
    }
  }

  private mutating func note(_ kind: JSONTape.Kind, from start: Int) {
    nodes.append(.init(kind, start, offset, next: nodes.count + 1))
  }

  // MARK: Containers

  private mutating func object(depth: Int) throws(JSONFault) {
    let container = try enter(depth, .object)
    var seen = SeenKeys()
    skipSpace()
    if take(UInt8(ascii: "}")) { return leave(container) }
    while true {
      skipSpace()
      let start = offset
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
        throw fault("a key in double quotes is expected here, found \(found)")
      }
      let key = nodes.count
      try string()
      guard isNew(key, in: container, &seen) else {
        let name = JSONTape.string(nodes[key], in: bytes)
        throw JSONFault(offset: start, problem: "the key \"\(name.shortened)\" stands here for the second time")
      }
      skipSpace()
      guard take(UInt8(ascii: ":")) else {
        let name = JSONTape.string(nodes[key], in: bytes)
        throw fault("a colon is expected after the key \"\(name.shortened)\", found \(found)")
      }
      try scan(depth: depth)
      skipSpace()
      if take(UInt8(ascii: "}")) { return leave(container) }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma or } is expected here, found \(found)") }
    }
  }

  /// Linear for the few keys that messages have, a set for the many that an attack has. Keys are compared by their bytes
  /// (RFC 8259, section 8.3): Swift's own equality takes é in one scalar and in two for the same, and an attack can make
  /// it sort thousands of accents.
  private func isNew(_ key: Int, in container: Int, _ seen: inout SeenKeys) -> Bool {
    seen.count += 1
    guard seen.count > 24 else { return seen.marks.insert(nodes[key], in: bytes) || !repeats(key, in: container) }
    if seen.many.isEmpty {
      var earlier = container + 1
      while earlier < key {
        seen.many.insert(JSONTape.unescaped(nodes[earlier], in: bytes))
        earlier = nodes[earlier + 1].next
      }
    }
    return seen.many.insert(JSONTape.unescaped(nodes[key], in: bytes)).inserted
  }

  /// Whether an earlier member of the object has the key.
  private func repeats(_ key: Int, in container: Int) -> Bool {
    var earlier = container + 1
    while earlier < key {
      if JSONTape.areEqual(nodes[earlier], nodes[key], in: bytes) { return true }
      earlier = nodes[earlier + 1].next
    }
    return false
  }

  private struct SeenKeys {
    var count = 0
    var marks = Marks()
    var many: Set<[UInt8]> = []
  }

  /// One bit of 64 for each key, by its length and its ends: most new keys are known for new without a comparison.
  private struct Marks {
    private var bits: UInt64 = 0

    /// True when the key is certainly new.
    mutating func insert(_ key: JSONTape.Node, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
      // What has escapes may be any other key.
      guard key.kind == .string else {
        bits = .max
        return false
      }
      let (start, end) = (Int(key.start), Int(key.end))
      let ends = start < end ? Int(bytes[start]) &* 7 &+ Int(bytes[end - 1]) &* 3 : 0
      let bit: UInt64 = 1 << UInt64((ends &+ end &- start) & 63)
      defer { bits |= bit }
      return bits & bit == 0
    }
  }

  private mutating func array(depth: Int) throws(JSONFault) {
    let container = try enter(depth, .array)
    skipSpace()
    if take(UInt8(ascii: "]")) { return leave(container) }
    while true {
      try scan(depth: depth)
      skipSpace()
      if take(UInt8(ascii: "]")) { return leave(container) }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma or ] is expected here, found \(found)") }
    }
  }

  /// - Returns: the container's node, which `leave` completes.
  private mutating func enter(_ depth: Int, _ kind: JSONTape.Kind) throws(JSONFault) -> Int {
    guard depth <= JSONScanner.maximumDepth else {
      throw fault("nested deeper than \(JSONScanner.maximumDepth) levels")
    }
    note(kind, from: offset)
    offset += 1
    return nodes.count - 1
  }

  private mutating func leave(_ container: Int) {
    nodes[container] = .init(nodes[container].kind, Int(nodes[container].start), offset, next: nodes.count)
  }

  // MARK: Scalars

  private mutating func word(_ word: StaticString, _ kind: JSONTape.Kind) throws(JSONFault) {
    let (start, end) = (offset, offset + word.utf8CodeUnitCount)
    let matches =
      end <= bytes.count
      && UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount).elementsEqual(bytes[offset..<end])
    guard matches else { throw fault("a value is expected here, found \(found)") }
    offset = end
    note(kind, from: start)
  }

  private mutating func number() throws(JSONFault) {
    let start = offset
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if offset < bytes.count, isDigit(bytes[offset]) { throw fault("a number must not start with 0") }
    } else {
      try digits()
    }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    note(.number, from: start)
  }

  private mutating func digits() throws(JSONFault) {
    guard offset < bytes.count, isDigit(bytes[offset]) else { throw fault("a digit is expected here, found \(found)") }
    while offset < bytes.count, isDigit(bytes[offset]) { offset += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// A string; the opening quote is at `offset`.
  private mutating func string() throws(JSONFault) {
    let start = offset + 1
    var place = start
    var all: UInt8 = 0
    while place < bytes.count {
      let byte = bytes[place]
      if byte == UInt8(ascii: "\"") {
        offset = place
        // ASCII needs no second look.
        if all >= 0x80 { try check(UnsafeBufferPointer(rebasing: bytes[start..<place]).span, at: start) }
        note(.string, from: start)
        offset += 1
        return
      }
      guard byte >= 0x20, byte != UInt8(ascii: "\\") else { break }
      all |= byte
      place += 1
    }
    offset = place
    guard place < bytes.count else {
      throw JSONFault(offset: start - 1, problem: "a string begins here and does not end")
    }
    let unescaped = try unescape(from: start)
    try check(unescaped.span, at: start)
    note(.escaped, from: start)
    offset += 1
  }

  /// What a string says that stood, until an escape or what must not be there at `offset`, for itself; then its closing
  /// quote is at `offset`.
  mutating func unescape(from start: Int) throws(JSONFault) -> [UInt8] {
    var unescaped = Array(bytes[start..<offset])
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") { return unescaped }
      guard byte >= 0x20 else { throw fault("a control character must be escaped in a string, found \(found)") }
      offset += 1
      if byte == UInt8(ascii: "\\") {
        try escape(into: &unescaped)
      } else {
        unescaped.append(byte)
      }
    }
    throw JSONFault(offset: start - 1, problem: "a string begins here and does not end")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONFault) {
    guard offset < bytes.count else { throw fault("a string ends in the middle of an escape") }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
    default:
      offset -= 2
      throw fault("\\\(Unicode.Scalar(byte).escaped(asASCII: true)) is no escape of JSON")
    }
  }

  /// The character of `\uXXXX`, or of two such escapes that make a surrogate pair; `offset` is behind the first u.
  private mutating func scalar() throws(JSONFault) -> Character {
    let start = offset - 2
    let first = try hexadecimal()
    var code = UInt32(first)
    if UTF16.isLeadSurrogate(first) {
      guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
        throw JSONFault(offset: start, problem: "a lone surrogate is no character")
      }
      let second = try hexadecimal()
      guard UTF16.isTrailSurrogate(second) else {
        throw JSONFault(offset: start, problem: "a lone surrogate is no character")
      }
      code = 0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONFault(offset: start, problem: "a lone surrogate is no character")
    }
    return Character(scalar)
  }

  private mutating func hexadecimal() throws(JSONFault) -> UInt16 {
    guard offset + 4 <= bytes.count else { throw fault("four hexadecimal digits are expected after \\u") }
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue, bytes[offset] < 0x80 else {
        throw fault("four hexadecimal digits are expected after \\u, found \(found)")
      }
      value = value << 4 | UInt16(digit)
      offset += 1
    }
    return value
  }

  private func check(_ text: Span<UInt8>, at start: Int) throws(JSONFault) {
    guard let utf8 = try? UTF8Span(validating: text) else {
      throw JSONFault(offset: start, problem: "the string that begins here is not valid UTF-8")
    }
    guard text.count <= String.mostAccents || !String(copying: utf8).hasHeapOfAccents else {
      throw JSONFault(offset: start, problem: "the string that begins here heaps up hundreds of accents")
    }
  }

  // MARK: Reading and complaining

  private mutating func take(_ byte: UInt8) -> Bool {
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  private func fault(_ problem: String) -> JSONFault { JSONFault(offset: offset, problem: problem) }

  /// The byte at hand as an error shows it.
  private var found: String {
    guard offset < bytes.count else { return "the end" }
    let byte = bytes[offset]
    let digits = String(byte, radix: 16)
    return byte > 0x20 && byte < 0x7F
      ? "'\(Unicode.Scalar(byte))'" : "byte 0x\(digits.count < 2 ? "0" : "")\(digits)"
  }
}

/// Why a text is not JSON, and where.
package struct JSONFault: Error, Sendable, Hashable {
  /// Byte offset in the text.
  package var offset: Int
  package var problem: String

  package init(offset: Int, problem: String) {
    self.offset = offset
    self.problem = problem
  }
}

extension String {
  /// In a text with no more bytes they may be sorted.
  fileprivate static let mostAccents = 1000

  /// Comparing and hashing strings sorts accents that follow each other, in quadratic time: a key of 160 kB takes ten
  /// seconds, one of 16 MB hours. No language has more than a handful in a row.
  package var hasHeapOfAccents: Bool {
    guard utf8.count > String.mostAccents, utf8.contains(where: { $0 >= 0xCC }) else { return false }
    var run = 0
    for scalar in unicodeScalars {
      // Latin letters, Chinese characters and Hangul: nearly all of nearly all texts.
      let isOrdinary =
        scalar.value < 0x300 || (0x3100...0xA66E).contains(scalar.value) || (0xAC00...0xD7FF) ~= scalar.value
      if isOrdinary || scalar.properties.canonicalCombiningClass == .notReordered {
        run = 0
      } else {
        run += 1
        if run > 300 { return true }
      }
    }
    return false
  }
}
