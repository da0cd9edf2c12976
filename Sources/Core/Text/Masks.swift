/// A channel's secrets, and how to find them in what a provider says.
///
/// A far end repeats what it got in whatever form it has it: as it is, percent-encoded as in a path or a form (wholly, in
/// part, or twice, as in the text that a signature covers), escaped as JSON does or as a page and XML do, and inside
/// base64, as HTTP's Basic has it. So texts are read in all these ways at once, rather than searched for each form that
/// there could be.
struct Masks: Sendable {
  private struct Word: Sendable {
    var bytes: [UInt8]
    /// A piece of base64, whose neighbours hold the rest of what it was made of.
    var isBase64 = false
  }

  private var words: [Word] = []
  /// Which of them begin with that byte.
  private var begins = [[Int]](repeating: [], count: 256)
  /// Where one of them may begin: with its own first byte, or with an escape for it.
  private var mayBegin = (0...255).map { Masks.isEscape($0) }
  /// The bytes that the longest may take in a text.
  private(set) var longest = 0

  init(_ secrets: [String] = []) {
    for secret in Set(secrets.map(Verbatim.init(_:))) {
      let bytes = Array(secret.text.utf8)
      // Shorter ones are in every word.
      guard bytes.count >= Masks.shortest else { continue }
      words.append(Word(bytes: bytes))
      words += Masks.base64(of: bytes).map { Word(bytes: $0, isBase64: true) }
    }
    for index in words.indices {
      begins[Int(words[index].bytes[0])].append(index)
      mayBegin[Int(words[index].bytes[0])] = true
    }
    // `&#x0041;` is longer than `\u0041` with its backslash escaped once more.
    longest = 11 * (words.map(\.bytes.count).max() ?? 0)
  }

  private static let shortest = 4

  /// `text` with `***` for each secret.
  func masked(_ text: String) -> String {
    if words.isEmpty { return text }
    // Every id and every word of an answer comes by here, and hardly any holds a secret.
    var text = text
    let ranges = text.withUTF8(ranges)
    guard !ranges.isEmpty else { return text }
    let bytes = Array(text.utf8)
    var masked: [UInt8] = []
    var plain = 0
    for range in ranges {
      masked += bytes[plain..<range.lowerBound] + Array("***".utf8)
      plain = range.upperBound
    }
    return String(decoding: masked + bytes[plain...], as: UTF8.self)
  }

  /// Where secrets stand, one after the other; what overlaps is one.
  private func ranges(_ text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for start in text.indices where mayBegin[Int(text[start])] {
      let meanings = Masks.isEscape(text[start]) ? Masks.readings(text, at: start).map { $0.meaning[0] } : [text[start]]
      for word in meanings.flatMap({ begins[Int($0)] }).map({ words[$0] }) {
        guard var end = Masks.end(of: word.bytes[...], in: text, at: start) else { continue }
        var begin = start
        if word.isBase64 {
          while begin > 0, Masks.isBase64(text[begin - 1]) { begin -= 1 }
          while end < text.count, Masks.isBase64(text[end]) || text[end] == UInt8(ascii: "=") { end += 1 }
        }
        while let last = ranges.last, begin < last.upperBound {
          (begin, end) = (min(begin, last.lowerBound), max(end, last.upperBound))
          ranges.removeLast()
        }
        ranges.append(begin..<end)
      }
    }
    return ranges
  }

  // MARK: Reading

  /// Where the word ends that begins at `start`; nil where none does.
  private static func end(
    of word: ArraySlice<UInt8>, in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> Int? {
    var (rest, place) = (word, start)
    while let byte = rest.first {
      guard place < text.count else { return nil }
      if isEscape(text[place]) {
        for (length, meaning) in readings(text, at: place) where rest.starts(with: meaning) {
          if let end = end(of: rest.dropFirst(meaning.count), in: text, at: place + length) { return end }
        }
        return nil
      }
      guard text[place] == byte else { return nil }
      rest.removeFirst()
      place += 1
    }
    return place
  }

  private static func isEscape(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: "+"), UInt8(ascii: "&"): true
    default: false
    }
  }

  /// What a sign that may begin an escape can mean, and how much of the text is read for that.
  private static func readings(
    _ text: UnsafeBufferPointer<UInt8>, at place: Int
  ) -> [(length: Int, meaning: [UInt8])] {
    let sign = text[place]
    var readings = [(length: 1, meaning: [sign])]
    switch sign {
    case UInt8(ascii: "+"): readings.append((1, [0x20]))
    case UInt8(ascii: "&"): if let entity = entity(text, at: place) { readings.append(entity) }
    case UInt8(ascii: "%"):
      // A percent sign that was encoded again is `%25`.
      var next = place + 1
      while let byte = hex(text, next, digits: 2) {
        readings.append((next + 2 - place, [UInt8(byte)]))
        guard byte == 0x25 else { break }
        next += 2
      }
    default:
      // Text within a text has its backslashes doubled.
      var next = place
      while next < text.count, text[next] == sign { next += 1 }
      for length in [2, 4] where place + length <= next { readings.append((length, [sign])) }
      if let (length, meaning) = escape(text, at: next) { readings.append((next + length - place, meaning)) }
    }
    return readings
  }

  /// `&amp;`, `&#38;` or `&#x26;`.
  private static func entity(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> (length: Int, meaning: [UInt8])? {
    // None is longer than `&#x10FFFF;`.
    let behind = text[place...].prefix(11)
    guard let end = behind.firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let name = String(decoding: behind[(place + 1)..<end], as: UTF8.self)
    let meaning: Unicode.Scalar? =
      switch name {
      case "amp": "&"
      case "lt": "<"
      case "gt": ">"
      case "quot": "\""
      case "apos": "'"
      default:
        name.behind("#").flatMap { digits in
          digits.utf8.first == UInt8(ascii: "x") || digits.utf8.first == UInt8(ascii: "X")
            ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        }.flatMap(Unicode.Scalar.init(_:))
      }
    return meaning.map { (end + 1 - place, Array(String($0).utf8)) }
  }

  /// What follows JSON's backslash.
  private static func escape(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> (length: Int, meaning: [UInt8])? {
    guard place < text.count else { return nil }
    switch text[place] {
    case UInt8(ascii: "/"), UInt8(ascii: "\""): return (1, [text[place]])
    case UInt8(ascii: "n"): return (1, [0x0A])
    case UInt8(ascii: "r"): return (1, [0x0D])
    case UInt8(ascii: "t"): return (1, [0x09])
    case UInt8(ascii: "b"): return (1, [0x08])
    case UInt8(ascii: "f"): return (1, [0x0C])
    case UInt8(ascii: "u"):
      guard let unit = hex(text, place + 1, digits: 4) else { return nil }
      if let scalar = Unicode.Scalar(unit) { return (5, Array(String(scalar).utf8)) }
      // Half of a pair: the other half has an escape of its own.
      var next = place + 5
      while next < text.count, text[next] == UInt8(ascii: "\\") { next += 1 }
      guard next > place + 5, next < text.count, text[next] == UInt8(ascii: "u"),
        let second = hex(text, next + 1, digits: 4), (0xD800...0xDBFF).contains(unit),
        (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + second - 0xDC00)
      else { return nil }
      return (next + 5 - place, Array(String(scalar).utf8))
    default: return nil
    }
  }

  private static func hex(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, digits: Int) -> UInt32? {
    guard place + digits <= text.count else { return nil }
    var value: UInt32 = 0
    for byte in text[place..<place + digits] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 0x37)
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 0x57)
      default: return nil
      }
    }
    return value
  }

  // MARK: Base64

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    // Its own signs, and those that escape them.
    default: "+/-_%\\".utf8.contains(byte)
    }
  }

  /// The letters that `bytes` alone decide, wherever in a base64 text they stand: one text for each place in a group of
  /// three, and both alphabets where it makes a difference.
  private static func base64(of bytes: [UInt8]) -> [[UInt8]] {
    (0..<3).flatMap { before -> [[UInt8]] in
      let bits = 8 * (before + bytes.count)
      let letters = (8 * before + 5) / 6..<bits / 6
      let padded = [UInt8](repeating: 0, count: before) + bytes
      let values = letters.map { letter -> Int in
        let (index, shift) = (letter * 6 / 8, letter * 6 % 8)
        let pair = Int(padded[index]) << 8 | (index + 1 < padded.count ? Int(padded[index + 1]) : 0)
        return pair >> (10 - shift) & 63
      }
      guard values.count >= shortest else { return [] }
      let alphabets = values.contains { $0 >= 62 } ? ["+/", "-_"] : ["+/"]
      return alphabets.map { signs in values.map { letter($0, Array(signs.utf8)) } }
    }
  }

  private static func letter(_ value: Int, _ signs: [UInt8]) -> UInt8 {
    switch value {
    case ..<26: UInt8(0x41 + value)
    case ..<52: UInt8(0x61 + value - 26)
    case ..<62: UInt8(0x30 + value - 52)
    default: signs[value - 62]
    }
  }
}
