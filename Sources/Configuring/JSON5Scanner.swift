import Core

/// Reads the one value of a JSON5 text (https://spec.json5.org), strictly: UTF-8 valid, surrogates paired, keys not
/// repeated, depth bounded, nothing behind it.
///
/// Its own scanner because an operator needs the line of a slip, and because a repeated key must be an error rather than
/// a guess; `JSONDecoder` offers neither on Linux. A fault shows one character or a key at the most: where a quote was
/// forgotten, anything may be a secret.
struct JSON5Scanner {
  private let file: String
  private let text: String.UnicodeScalarView
  /// Where the next character is read.
  private var index: String.Index

  private init(_ text: String, file: String) {
    self.file = file
    self.text = text.unicodeScalars
    index = text.startIndex
  }

  /// - Parameter file: what faults call the text: `config.json`.
  static func value(of bytes: [UInt8], file: String) throws(ConfigurationFault) -> JSON {
    // Editors don't count the byte order mark as a column.
    let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    guard let text = String(validating: bytes, as: UTF8.self) else { throw notText(bytes, file) }
    var scanner = JSON5Scanner(text, file: file)
    let value = try scanner.value(depth: 0)
    try scanner.skipSpace()
    guard scanner.next == nil else { throw scanner.unexpected("the end of the file") }
    return value
  }

  private static func notText(_ bytes: ArraySlice<UInt8>, _ file: String) -> ConfigurationFault {
    var parser = Unicode.UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var count = 0
    while case .valid(let scalar) = parser.parseScalar(from: &rest) { count += scalar.count }
    let before = JSON5Scanner(String(decoding: bytes.prefix(count), as: UTF8.self), file: file)
    let byte = bytes.dropFirst(count).first.map { "the byte 0x\(String($0, radix: 16))" } ?? "bytes"
    return before.fault(
      before.text.endIndex, "found \(byte) in no character; expected UTF-8 text", hint: "save it as UTF-8")
  }

  private mutating func value(depth: Int) throws(ConfigurationFault) -> JSON {
    try skipSpace()
    guard let next else { throw unexpected("a value") }
    switch next {
    case "{": return try object(depth: depth + 1)
    case "[": return try array(depth: depth + 1)
    case "\"", "'": return .string(try string(next))
    case "+", "-", ".", "0"..."9": return .number(try number())
    default: return try word()
    }
  }

  // MARK: Containers

  private mutating func object(depth: Int) throws(ConfigurationFault) -> JSON {
    let opening = try enter(depth)
    var members: [JSON.Member] = []
    // By their bytes, as the messages' keys are (RFC 8259, section 8.3).
    var places: [[UInt8]: String.Index] = [:]
    try skipSpace()
    while !take("}") {
      let start = index
      let key = try key()
      if let first = places.updateValue(start, forKey: Array(key.utf8)) {
        throw fault(
          start,
          "the key \(JSON.string(key.shortened).text) stands here for the second time; the first is at \(position(first))",
          hint: "keep one of the two")
      }
      try skipSpace()
      guard take(":") else { throw unexpected("\":\" after the key") }
      members.append(JSON.Member(key, try value(depth: depth)))
      try separate("}", opening)
    }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(ConfigurationFault) -> JSON {
    let opening = try enter(depth)
    var values: [JSON] = []
    try skipSpace()
    while !take("]") {
      values.append(try value(depth: depth))
      try separate("]", opening)
    }
    return .array(values)
  }

  /// Steps over the bracket and says where it stands.
  private mutating func enter(_ depth: Int) throws(ConfigurationFault) -> String.Index {
    let opening = index
    // Protects the stack.
    guard depth <= JSONScanner.maximumDepth else {
      throw fault(opening, "nested deeper than \(JSONScanner.maximumDepth) levels")
    }
    step()
    return opening
  }

  /// A comma, which may be the last there is in a container, or what closes that, which stays.
  private mutating func separate(_ closing: Unicode.Scalar, _ opening: String.Index) throws(ConfigurationFault) {
    try skipSpace()
    if take(",") { return try skipSpace() }
    guard let next else {
      throw unexpected("\",\" or \"\(closing)\" for the \"\(text[opening])\" at \(position(opening))")
    }
    guard next == closing else { throw unexpected("\",\" or \"\(closing)\"") }
  }

  // MARK: Keys

  private mutating func key() throws(ConfigurationFault) -> String {
    guard let next else { throw unexpected("a key or \"}\"") }
    if next == "\"" || next == "'" { return try string(next) }
    let start = index
    var key = String.UnicodeScalarView()
    while var letter = self.next {
      let place = index
      let isEscaped = take("\\")
      if isEscaped {
        guard take("u") else { throw unexpected("u and four hexadecimal digits") }
        letter = try escapedCharacter(from: place)
      }
      guard letter.isLetterOfKeys || (!key.isEmpty && letter.isFurtherInKeys) else {
        if isEscaped { throw fault(place, "found an escape for what a key without quotes can't have; expected quotes") }
        break
      }
      if !isEscaped { step() }
      key.append(letter)
    }
    guard !key.isEmpty else { throw unexpected("a key or \"}\"") }
    return try checked(key, from: start)
  }

  // MARK: Words and numbers

  private mutating func word() throws(ConfigurationFault) -> JSON {
    let start = index
    while let next, ("a"..."z").contains(next) || ("A"..."Z").contains(next) { step() }
    switch String(text[start..<index]) {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "null": return .null
    // JSON5 has them; no setting does, and what is sent on could not be JSON.
    case "Infinity": throw fault(start, "found Infinity; expected a number that has digits")
    case "NaN": throw fault(start, "found NaN; expected a number that has digits")
    default:
      index = start
      throw unexpected(next?.properties.isAlphabetic == true ? "a value (a text needs quotes)" : "a value")
    }
  }

  /// As JSON writes it. Whole numbers keep all their digits: they may be names.
  private mutating func number() throws(ConfigurationFault) -> String {
    let start = index
    let sign = take("-") ? "-" : ""
    if sign.isEmpty { _ = take("+") }
    // Of these words only Infinity and NaN are numbers, and they aren't taken.
    if next == "I" || next == "N" { return try word().text }
    let second = index
    let whole = digits()
    if whole == "0", take("x") || take("X") { return try hexadecimalNumber(sign, from: start) }
    guard whole.count < 2 || whole.first != "0" else {
      index = text.index(after: second)
      throw unexpected("no digit behind a 0 that begins a number")
    }
    let hasPoint = take(".")
    let fraction = hasPoint ? digits() : ""
    guard !whole.isEmpty || !fraction.isEmpty else { throw unexpected("a digit") }
    let exponent = try exponent()
    let number = sign + (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction) + exponent
    let value = try finite(Double(number), from: start)
    if !hasPoint && exponent.isEmpty { return number }
    return Int(exactly: value).map(String.init) ?? String(value)
  }

  private mutating func exponent() throws(ConfigurationFault) -> String {
    guard take("e") || take("E") else { return "" }
    let sign = take("-") ? "-" : ""
    if sign.isEmpty { _ = take("+") }
    let digits = digits()
    guard !digits.isEmpty else { throw unexpected("a digit") }
    return "e" + sign + digits
  }

  private mutating func hexadecimalNumber(
    _ sign: String, from start: String.Index
  ) throws(ConfigurationFault) -> String {
    let first = index
    while next?.hexadecimal != nil { step() }
    let digits = String(text[first..<index])
    guard !digits.isEmpty else { throw unexpected("a hexadecimal digit") }
    if let whole = Int(sign + digits, radix: 16) { return String(whole) }
    return String(try finite(Double("\(sign)0x\(digits)"), from: start))
  }

  private mutating func digits() -> String {
    let start = index
    while let next, ("0"..."9").contains(next) { step() }
    return String(text[start..<index])
  }

  private func finite(_ value: Double?, from start: String.Index) throws(ConfigurationFault) -> Double {
    guard let value, value.isFinite else { throw fault(start, "found a number too large; expected one below 1e308") }
    return value
  }

  // MARK: Strings

  private mutating func string(_ quote: Unicode.Scalar) throws(ConfigurationFault) -> String {
    let opening = index
    var characters = String.UnicodeScalarView()
    step()
    while let next {
      let place = index
      switch next {
      case quote:
        step()
        return try checked(characters, from: opening)
      case "\n", "\r":
        throw fault(opening, "a string begins here and does not end on its line; expected \(quote)")
      case "\\":
        step()
        try escape(into: &characters, from: place)
      default:
        step()
        characters.append(next)
      }
    }
    throw fault(opening, "a string begins here and does not end; expected \(quote)")
  }

  /// The text, unless it would keep whoever compares it busy for hours.
  private func checked(_ text: String.UnicodeScalarView, from start: String.Index) throws(ConfigurationFault) -> String
  {
    let text = String(text)
    guard !text.hasHeapOfAccents else {
      throw fault(start, "found hundreds of accents in a row; expected a few on each letter")
    }
    return text
  }

  /// What follows a backslash that stands at `place`.
  private mutating func escape(
    into characters: inout String.UnicodeScalarView, from place: String.Index
  ) throws(ConfigurationFault) {
    // The string says that it does not end.
    guard let escaped = next else { return }
    step()
    switch escaped {
    case "b": characters.append("\u{8}")
    case "f": characters.append("\u{C}")
    case "n": characters.append("\n")
    case "r": characters.append("\r")
    case "t": characters.append("\t")
    case "v": characters.append("\u{B}")
    case "0"..."9":
      if let next, escaped == "0", !("0"..."9").contains(next) { return characters.append("\0") }
      throw fault(place, "found an escaped digit; expected \\0 alone, or \\x and two hexadecimal digits")
    case "x": characters.append(Unicode.Scalar(UInt8(truncatingIfNeeded: try hexadecimal(2))))
    case "u": characters.append(try escapedCharacter(from: place))
    // The line goes on.
    case "\r": _ = take("\n")
    case "\n", "\u{2028}", "\u{2029}": break
    default: characters.append(escaped)
    }
  }

  /// The character of `\uXXXX`, or of two such escapes that make a surrogate pair; the first u is taken.
  private mutating func escapedCharacter(from place: String.Index) throws(ConfigurationFault) -> Unicode.Scalar {
    var code = try hexadecimal(4)
    if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
      let trail = try hexadecimal(4)
      // Anything else stays what it is: no character.
      if (0xDC00..<0xE000).contains(trail) { code = 0x10000 + (code - 0xD800) << 10 + (trail - 0xDC00) }
    }
    guard let character = Unicode.Scalar(code) else {
      throw fault(place, "found half of a surrogate pair; expected both, such as \\ud83d\\ude00")
    }
    return character
  }

  private mutating func hexadecimal(_ count: Int) throws(ConfigurationFault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = next?.hexadecimal else { throw unexpected("a hexadecimal digit") }
      value = value << 4 | digit
      step()
    }
    return value
  }

  // MARK: Space and comments

  private mutating func skipSpace() throws(ConfigurationFault) {
    while let next {
      if next.isSpaceOfJSON5 {
        step()
      } else if next == "/" {
        guard try skipComment() else { return }
      } else {
        return
      }
    }
  }

  /// False, and nothing skipped, where a slash begins none.
  private mutating func skipComment() throws(ConfigurationFault) -> Bool {
    let start = index
    step()
    if take("/") {
      while let next, !next.endsLine { step() }
      return true
    }
    guard take("*") else {
      index = start
      return false
    }
    while next != nil {
      if take("*") {
        if take("/") { return true }
      } else {
        step()
      }
    }
    throw fault(start, "a comment begins here and does not end; expected */")
  }

  // MARK: Reading and complaining

  private var next: Unicode.Scalar? { index < text.endIndex ? text[index] : nil }

  private mutating func step() { index = text.index(after: index) }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == character else { return false }
    step()
    return true
  }

  private func unexpected(_ expected: String) -> ConfigurationFault {
    fault(index, "found \(next?.shown ?? "the end of the file"); expected \(expected)")
  }

  private func fault(
    _ place: String.Index, _ problem: String,
    hint: String = "the file is JSON5: JSON that may have comments, commas at the end and keys without quotes"
  ) -> ConfigurationFault {
    ConfigurationFault("", "\(file):\(position(place)): \(problem)", hint: hint)
  }

  /// Line and column from 1, as editors count: a line ends with LF, CR or both; a column is a character.
  private func position(_ place: String.Index) -> String {
    var line = 1
    var start = text.startIndex
    var before: Unicode.Scalar?
    var current = text.startIndex
    while current < place {
      let scalar = text[current]
      current = text.index(after: current)
      if scalar == "\n" || scalar == "\r" {
        if scalar == "\r" || before != "\r" { line += 1 }
        start = current
      }
      before = scalar
    }
    return "\(line):\(String(text[start..<place]).count + 1)"
  }
}
