/// The text of a mail that has only HTML: what stands between the tags, with the line breaks that a browser would make.
/// No HTML reader; whatever it gets, it gives plain text.
package enum HTMLText {
  /// What these hold is nobody's text.
  private static let silent: Set<String> = ["script", "style", "head", "title", "template"]
  private static let breaking: Set<String> = [
    "br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "pre",
    "section", "article", "header", "footer", "dt", "dd", "address",
  ]
  private static let parting: Set<String> = [
    "p", "table", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
  ]

  package static func text(_ html: String) -> String {
    var lines = Lines()
    var rest = html.unicodeScalars[...]
    var silence: String?
    while let scalar = rest.popFirst() {
      guard scalar == "<" else {
        if silence == nil { lines.add(scalar == "&" ? entity(&rest) : String(scalar)) }
        continue
      }
      if rest.starts(with: "!--".unicodeScalars) {
        skipComment(&rest)
        continue
      }
      let (name, isEnd, link) = tag(&rest)
      if let silenced = silence {
        if isEnd, name == silenced { silence = nil }
      } else if !isEnd, silent.contains(name) {
        silence = name
      } else {
        lines.meet(name, isEnd: isEnd, link: link, breaks: breaking.contains(name), parts: parting.contains(name))
      }
    }
    return lines.text
  }

  /// Lines as they grow: blanks are one, and no more than one line in a row is empty.
  private struct Lines {
    private var done: [String] = []
    private var line = ""
    private var isBlank = true
    private var links: [String] = []

    mutating func add(_ text: String) {
      for scalar in text.unicodeScalars {
        if scalar.properties.isWhitespace, scalar != "\u{A0}" {
          if !isBlank { line.unicodeScalars.append(" ") }
          isBlank = true
        } else {
          line.unicodeScalars.append(scalar == "\u{A0}" ? " " : scalar)
          isBlank = false
        }
      }
    }

    mutating func meet(_ name: String, isEnd: Bool, link: String?, breaks: Bool, parts: Bool) {
      switch name {
      case "a" where !isEnd: links.append(link ?? "")
      case "a":
        // Where it leads, unless the text says so already.
        if let link = links.popLast(), link.utf8.starts(with: "http".utf8),
          !String(line.unicodeScalars.suffix(500)).contains(link)
        {
          add(" <\(link)>")
        }
      case "td", "th": add(" ")
      default: if breaks { end(isParted: parts) }
      }
      if name == "li", !isEnd { add("- ") }
    }

    mutating func end(isParted: Bool = false) {
      let text = String(line.unicodeScalars.reversed().drop { $0 == " " }.reversed().map(Character.init))
      if !text.isEmpty { done.append(text) }
      if isParted, done.last?.isEmpty == false { done.append("") }
      (line, isBlank) = ("", true)
    }

    var text: String {
      mutating get {
        end()
        while done.last?.isEmpty == true { done.removeLast() }
        return done.joined(separator: "\n")
      }
    }
  }

  private static func skipComment(_ rest: inout Substring.UnicodeScalarView) {
    var dashes = 0
    while let scalar = rest.popFirst() {
      if scalar == ">", dashes >= 2 { return }
      dashes = scalar == "-" ? dashes + 1 : 0
    }
  }

  /// Behind a <: the name, whether it is an end, and where a link leads.
  private static func tag(_ rest: inout Substring.UnicodeScalarView) -> (name: String, isEnd: Bool, link: String?) {
    var inside = String.UnicodeScalarView()
    var quote: Unicode.Scalar?
    while let scalar = rest.popFirst() {
      if scalar == quote {
        quote = nil
      } else if quote == nil, scalar == "\"" || scalar == "'" {
        quote = scalar
      } else if quote == nil, scalar == ">" {
        break
      }
      if inside.count < 4096 { inside.append(scalar) }
    }
    let isEnd = inside.first == "/"
    let name = String(
      String.UnicodeScalarView(
        inside.drop { $0 == "/" }.prefix { $0.properties.isAlphabetic || ("0"..."9").contains($0) }))
    return (name.lowercased(), isEnd, attribute("href", String(inside)))
  }

  private static func attribute(_ name: String, _ tag: String) -> String? {
    guard let range = tag.firstRange(of: "\(name)=") ?? tag.firstRange(of: "\(name.uppercased())=") else { return nil }
    let behind = tag[range.upperBound...].unicodeScalars
    guard let first = behind.first else { return nil }
    let isQuoted = first == "\"" || first == "'"
    let value = isQuoted ? behind.dropFirst().prefix { $0 != first } : behind.prefix { !$0.properties.isWhitespace }
    return decoded(String(value)).oneLine
  }

  private static func decoded(_ text: String) -> String {
    var (result, rest) = ("", text.unicodeScalars[...])
    while let scalar = rest.popFirst() { result += scalar == "&" ? entity(&rest) : String(scalar) }
    return result
  }

  private static let entities = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}", "copy": "©", "reg": "®", "euro": "€",
    "hellip": "…", "mdash": "—", "ndash": "–", "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "bull": "•",
    "middot": "·", "laquo": "«", "raquo": "»", "times": "×", "deg": "°", "auml": "ä", "ouml": "ö", "uuml": "ü",
    "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü", "szlig": "ß", "eacute": "é", "egrave": "è", "agrave": "à", "ccedil": "ç",
    "zwnj": "", "shy": "",
  ]

  /// Behind an &.
  private static func entity(_ rest: inout Substring.UnicodeScalarView) -> String {
    let word = rest.prefix(12).prefix {
      $0 == "#" || ($0.value < 0x80 && ($0.properties.isAlphabetic || ("0"..."9").contains($0)))
    }
    let name = String(String.UnicodeScalarView(word))
    guard !name.isEmpty else { return "&" }
    var text = entities[name]
    if text == nil, let digits = name.behind("#") {
      let number =
        digits.behind("x").flatMap { UInt32($0, radix: 16) } ?? digits.behind("X").flatMap { UInt32($0, radix: 16) }
      text = (number ?? UInt32(digits)).flatMap(Unicode.Scalar.init).map { $0.value == 0 ? "\u{FFFD}" : String($0) }
    }
    guard let text else { return "&" }
    rest = rest.dropFirst(word.count)
    if rest.first == ";" { rest.removeFirst() }
    return text
  }
}
