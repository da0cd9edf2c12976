import Core

/// A manual page in the mdoc language, written so that `mandoc -Tlint` has nothing to say: sentences on lines of their
/// own, lines of at most 78 columns, and nothing of the text taken for a macro.
struct Mdoc {
  private(set) var text: String

  init(_ name: String, section: String, date: String, summary: String) {
    text = ".Dd \(date)\n.Dt \(name.uppercased()) \(section)\n.Os\n.Sh NAME\n.Nm \(name)\n"
    text += ".Nd \(Mdoc.arguments(summary))\n"
  }

  mutating func section(_ title: String) { text += ".Sh \(title)\n" }
  mutating func subsection(_ title: String) { text += ".Ss \(Mdoc.arguments(title))\n" }
  mutating func macro(_ line: String) { text += line + "\n" }

  mutating func paragraph(_ words: String) {
    text += ".Pp\n"
    prose(words)
  }

  /// Filled text; empty lines part paragraphs.
  mutating func prose(_ words: String) {
    for (index, paragraph) in words.components(at: "\n\n").enumerated() {
      if index > 0 { text += ".Pp\n" }
      for line in Mdoc.filled(paragraph) { text += line + "\n" }
    }
  }

  /// A command's own line: `msgspool retry [options] [NAME]...`.
  mutating func usage(_ guide: Guide) {
    var line = ".D1 Nm msgspool Cm \(Mdoc.arguments(guide.name)) Op Ar options"
    for operand in guide.operands.split(separator: " ") {
      let name = operand.filter { !"[].".contains($0) }
      let word = "Ar \(Mdoc.arguments(name))\(operand.hasSuffix("...") ? " ..." : "")"
      line += operand.hasPrefix("[") ? " Op \(word)" : " \(word)"
    }
    text += line + "\n"
  }

  /// As it stands.
  mutating func literal(_ lines: String) {
    text += ".Bd -literal -offset indent\n"
    for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
      text += Mdoc.protected(String(line)) + "\n"
    }
    text += ".Ed\n"
  }

  mutating func list(_ items: [(head: String, text: String)]) {
    guard !items.isEmpty else { return }
    text += ".Bl -tag -width Ds\n"
    for item in items {
      text += ".It \(item.head)\n"
      prose(item.text)
    }
    text += ".El\n"
  }

  // MARK: Words

  /// An option and its value as a list's head.
  static func head(_ option: Guide.Option) -> String {
    // `Fl` puts the first dash itself.
    let flag = "Fl \(arguments(String(option.name.dropFirst())))"
    return option.value.map { "\(flag) Ar \(arguments($0))" } ?? flag
  }

  /// Words behind a macro: none of them is taken for another.
  static func arguments(_ words: String) -> String {
    words.split(separator: " ").map { word in
      let escaped = escaped(String(word)).replacing(["\"": "\\(dq"])
      // Macros have two letters, or three; a word of one sign may be punctuation.
      return escaped.utf8.count <= 3 ? "\\&" + escaped : escaped
    }.joined(separator: " ")
  }

  static func escaped(_ words: String) -> String {
    var text = ""
    for scalar in words.unicodeScalars {
      switch scalar {
      case "\\": text += "\\e"
      case "-": text += "\\-"
      case _ where scalar.value > 0x7E:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        text += "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// A line that begins with a sign of the language begins with nothing instead.
  private static func protected(_ line: String) -> String {
    let escaped = escaped(line)
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }

  /// Lines of at most 78 bytes, and a new one behind each sentence.
  private static func filled(_ words: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in words.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      let word = escaped(String(word))
      if !line.isEmpty, line.utf8.count + word.utf8.count >= 78 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? word : " " + word
      if word.trimmingClosers.utf8.last.map({ Array(".?!".utf8).contains($0) }) == true {
        lines.append(line)
        line = ""
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines.map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&" + $0 : $0 }
  }
}

extension String {
  /// What stands between two texts; the mark itself has no accents to merge with.
  fileprivate func components(at mark: String) -> [String] {
    var (parts, rest) = ([String](), self[...])
    while let range = rest.firstRange(of: mark) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }

  /// Without brackets and quotes at the end, behind which a sentence may end too.
  fileprivate var trimmingClosers: Substring {
    var rest = self[...]
    while let last = rest.last, ")]\"'".contains(last) { rest = rest.dropLast() }
    return rest
  }
}
