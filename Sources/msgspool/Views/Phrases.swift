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
func counted(_ count: Int, _ thing: String) -> String {
  guard Language.current == .chinese, let word = Chinese.things[thing] else { return Columns.count(count, thing) }
  return "\(count) \(word)"
}

extension Guide {
  /// Its line in the overview, as whoever reads it has it.
  var shownSummary: String { Language.current == .chinese ? Chinese.commands[name] ?? summary : summary }
}

/// How phrases are put together, and errors, which are made in English wherever something goes wrong, are translated.
enum Phrases {
  static func filled(_ text: String, _ values: [String]) -> String {
    // A mistake in a phrase must not keep the rest from being said.
    guard text.utf8.contains(UInt8(ascii: "{")), let pieces = try? Places.pieces(of: text) else { return text }
    return pieces.map { piece in
      switch piece {
      case .fixed(let text): text
      case .place(let name): Int(name).flatMap { values.indices.contains($0 - 1) ? values[$0 - 1] : nil } ?? ""
      }
    }.joined()
  }

  /// An error or a hint, which is known by its fixed parts; as it is where it is not known.
  static func error(_ english: String) -> String {
    Language.current == .chinese ? translated(english, by: Chinese.errors) : english
  }

  static func translated(_ english: String, by table: KeyValuePairs<String, String>) -> String {
    let text = Array(english.utf8)
    for (pattern, translation) in table {
      guard let pieces = try? Places.pieces(of: pattern), let values = values(of: pieces, in: text) else { continue }
      return filled(translation, values)
    }
    return english
  }

  /// What stands in the places of a pattern; nil where the text is another. Places are `{1}`, `{2}` and so on, in this order.
  private static func values(of pieces: [Places.Piece], in text: [UInt8]) -> [String]? {
    var values: [String] = []
    var rest = text[...]
    var begin: Int?
    for (index, piece) in pieces.enumerated() {
      guard case .fixed(let fixed) = piece else {
        begin = rest.startIndex
        continue
      }
      let bytes = Array(fixed.utf8)
      // The last part is the text's end, wherever else the same words stand.
      let range =
        index == pieces.count - 1 && rest.count >= bytes.count && rest.suffix(bytes.count).elementsEqual(bytes)
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
