import Core

/// The language of what people read on a terminal. What programs read (JSON, the log, history lines, names of states and
/// folders) and exit statuses are the same in all of them.
enum Language {
  case english, chinese

  /// Standard error that is the journal is a log, whoever reads it.
  static let current: Language = Console.errorIsJournal ? .english : named(by: Surroundings.variable)

  /// `MSGSPOOL_LANG`, else what the C library would go by: LC_ALL, LC_MESSAGES, LANG, the first that is set. A locale that
  /// names another encoding than UTF-8 has a terminal that could not show it.
  static func named(by variable: (String) -> String?) -> Language {
    let names = ["MSGSPOOL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
    guard let locale = names.lazy.compactMap(variable).first?.lowercased() else { return .english }
    let encoding = locale.halves(at: ".").map { $0.behind.prefix { $0 != "@" } } ?? "utf-8"
    let language = locale.prefix { $0.isASCII && $0.isLetter }
    return language == "zh" && ["utf-8", "utf8"].contains(encoding) ? .chinese : .english
  }
}

/// A phrase in the language of whoever reads it.
/// - Parameters:
///   - english: what Chinese.swift knows it by, with `{1}`, `{2}` for what differs; a brace of its own is doubled.
///   - values: shown as they are.
func phrase(_ english: String, _ values: String...) -> String {
  Phrases.filled(Language.current == .chinese ? Chinese.phrases[english] ?? english : english, values)
}

/// So many of something: "1 call", "2 calls".
/// - Parameter isGrouped: large numbers have commas.
func counted(_ count: Int, _ thing: String, isGrouped: Bool = false) -> String {
  let number = isGrouped ? Columns.grouped(count) : String(count)
  guard Language.current == .chinese, let word = Chinese.things[thing] else {
    return "\(number) \(thing)\(count == 1 ? "" : "s")"
  }
  return "\(number) \(word)"
}

extension Guide {
  /// What its help says, as whoever reads it has it.
  var shownSummary: String { Language.current == .chinese ? Chinese.commands[name] ?? summary : summary }

  /// The lines of an English text are as they are written; a Chinese one has paragraphs, broken here, and tables, whose
  /// lines begin with a blank.
  var shownDetails: String {
    guard Language.current == .chinese, let text = Chinese.details[name] else { return details }
    let lines = text.lines.map {
      $0.isEmpty || $0.hasPrefix(" ") ? $0 : String(Columns.wrapped($0, indent: 0).dropLast())
    }
    return lines.joined(separator: "\n")
  }

  static func shown(option summary: String) -> String {
    Language.current == .chinese ? Chinese.options[summary] ?? summary : summary
  }

  static func shown(caption: String) -> String {
    Language.current == .chinese ? Chinese.captions[caption] ?? caption : caption
  }
}

extension Fault {
  /// `words` for people: what we say ourselves in their language, what a provider said as it is.
  var shownWords: String {
    let (all, end) = (Array(words.utf8), Array(message.utf8))
    guard all.suffix(end.count).elementsEqual(end) else { return words }
    return String(decoding: all.dropLast(end.count), as: UTF8.self) + Phrases.error(message)
  }
}

/// How phrases are put together, and errors, which are made in English wherever something goes wrong, are translated.
enum Phrases {
  static func filled(_ text: String, _ values: [String]) -> String {
    // A mistake in a phrase must not keep the rest from being said.
    guard text.utf8.contains(UInt8(ascii: "{")), let pieces = try? Places.pieces(of: text) else { return text }
    return pieces.map { piece in
      switch piece {
      case .fixed(let text): text
      case .place(let name): value(of: name, values)
      }
    }.joined()
  }

  /// - Parameter place: `1`, or `1+` for what is an error or a part of one itself.
  private static func value(of place: String, _ values: [String]) -> String {
    let isError = place.utf8.last == UInt8(ascii: "+")
    guard let number = Int(isError ? String(place.dropLast()) : place), values.indices.contains(number - 1) else {
      return ""
    }
    let value = values[number - 1]
    return isError ? translated(value) ?? value : value
  }

  /// An error or a hint, which is known by its fixed parts; as it is where it is not known.
  static func error(_ english: String) -> String {
    Language.current == .chinese ? translated(english) ?? english : english
  }

  /// Nil where nothing of it is known. Errors are made of parts: where, what, and what to do about it.
  static func translated(_ english: String, by patterns: Patterns = .chinese) -> String? {
    // What a setting is about stands in errors, too.
    if let line = Chinese.cards[english] { return line }
    if let whole = patterns.translation(of: english) { return whole }
    // `/etc/msgspool/config.json: channels.a.rate: found "x"`
    let place = halves(english, at: ": ")
    if let place, !place.0.contains(" "), let known = translated(place.1, by: patterns) {
      return place.0 + "：" + known
    }
    // `no such file; nothing was dropped`
    if let (left, right) = halves(english, at: "; ") {
      let parts = (translated(left, by: patterns), translated(right, by: patterns))
      if parts.0 != nil || parts.1 != nil { return (parts.0 ?? left) + "；" + (parts.1 ?? right) }
    }
    // `the quota or balance is used up (44001)`
    if english.hasSuffix(")"), let (left, right) = halves(english, at: " ("),
      let known = translated(left, by: patterns)
    {
      let inside = String(right.dropLast())
      return known + "（" + (translated(inside, by: patterns) ?? inside) + "）"
    }
    // A place may be a path with a blank.
    return place.flatMap { place in translated(place.1, by: patterns).map { place.0 + "：" + $0 } }
  }

  /// What stands before the first such mark that is in no quotes, and behind it.
  static func halves(_ text: String, at mark: String) -> (String, String)? {
    let (bytes, mark) = (Array(text.utf8), Array(mark.utf8))
    var isQuoted = false
    for index in bytes.indices {
      if bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
      guard !isQuoted, bytes[index...].starts(with: mark) else { continue }
      let behind = bytes[(index + mark.count)...]
      return (String(decoding: bytes[..<index], as: UTF8.self), String(decoding: behind, as: UTF8.self))
    }
    return nil
  }
}

/// Errors by their fixed parts, ready to be compared.
struct Patterns: Sendable {
  private struct Pattern {
    /// Nil for a place.
    var parts: [[UInt8]?]
    var translation: String
    /// Places of what is an error itself, or stands in quotes, from 0: they may hold any marks.
    var free: Set<Int>

    init?(_ english: String, _ translation: String) {
      guard let pieces = try? Places.pieces(of: english), let shown = try? Places.pieces(of: translation) else {
        return nil
      }
      parts = pieces.map { if case .fixed(let text) = $0 { Array(text.utf8) } else { nil } }
      self.translation = translation
      let places = shown.compactMap { if case .place(let name) = $0 { name } else { nil } }
      free = Set(places.filter { $0.hasSuffix("+") }.compactMap { Int($0.dropLast()).map { $0 - 1 } })
      let marks = parts.indices.filter { parts[$0] == nil }
      for (place, index) in marks.enumerated() where index > 0 && index + 1 < parts.count {
        let quote = UInt8(ascii: "\"")
        if parts[index - 1]?.last == quote, parts[index + 1]?.first == quote { free.insert(place) }
      }
    }

    /// How much of a text it says itself.
    var weight: Int { parts.reduce(0) { $0 + ($1?.count ?? 0) } }
  }

  private let all: [Pattern]

  /// Read once, where somebody reads Chinese.
  static let chinese = Patterns(Chinese.errors)

  init(_ table: [(key: String, value: String)]) {
    let weighed = table.compactMap { Pattern($0.key, $0.value) }.map { (pattern: $0, weight: $0.weight) }
    all = weighed.sorted { $0.weight > $1.weight }.map(\.pattern)
  }

  /// By the pattern that says most of it itself.
  func translation(of english: String) -> String? {
    let text = Array(english.utf8)
    for pattern in all {
      guard let values = Patterns.values(of: pattern.parts, in: text) else { continue }
      // What goes over as it is holds no other clause, which would be a part of its own.
      let isSplit = values.indices.contains {
        !pattern.free.contains($0) && Phrases.halves(values[$0], at: "; ") != nil
      }
      if !isSplit { return Phrases.filled(pattern.translation, values) }
    }
    return nil
  }

  /// What stands in the places of a pattern; nil where the text is another. Places are `{1}`, `{2}` and so on, in this order.
  private static func values(of parts: [[UInt8]?], in text: [UInt8]) -> [String]? {
    var values: [String] = []
    var rest = text[...]
    var begin: Int?
    for (index, part) in parts.enumerated() {
      guard let bytes = part else {
        begin = rest.startIndex
        continue
      }
      // The last part is the text's end, wherever else the same words stand.
      let range =
        index == parts.count - 1 && rest.count >= bytes.count && rest.suffix(bytes.count).elementsEqual(bytes)
        ? rest.endIndex - bytes.count..<rest.endIndex : rest.firstRange(of: bytes)
      guard let range, begin != nil || range.lowerBound == rest.startIndex else { return nil }
      if let start = begin { values.append(String(decoding: text[start..<range.lowerBound], as: UTF8.self)) }
      begin = nil
      rest = text[range.upperBound...]
    }
    if let begin {
      values.append(String(decoding: text[begin...], as: UTF8.self))
    } else if !rest.isEmpty {
      return nil
    }
    return values
  }
}
