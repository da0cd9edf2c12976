import Core
import Spooling

/// What a command takes: read by the parser and printed as help.
struct Guide {
  var name: String
  /// One line for the overview.
  var summary: String
  /// What follows the name in the usage line, without options.
  var operands = ""
  /// How many operands may stand there.
  var operandCount = 0...0
  /// What operands may be.
  var operandWords = Words.free
  var options: [Option] = []
  /// Options are single letters, as getopt has them (-oem, -f FROM, -fFROM, -ti), because other programs say so.
  var letters: Letters?
  /// A few lines, when the summary is not enough.
  var details = ""
  var examples: [(line: String, summary: String)]

  struct Option {
    /// With its dashes.
    var name: String
    /// What its value is called; nil for a flag.
    var value: String?
    var summary: String
    var repeats = false
    /// What its value may be.
    var words = Words.free

    init(
      _ name: String, _ value: String? = nil, _ summary: String, repeats: Bool = false, _ words: Words = .free
    ) {
      self.name = name
      self.value = value
      self.summary = summary
      self.repeats = repeats
      self.words = words
    }

    /// Whether a word of the command line is this option, with its value behind `=` or without.
    func isMeant(by word: String) -> Bool {
      let name = word.halves(at: "=")?.before ?? word
      return (Option.short[name] ?? name) == self.name
    }

    static let short = ["-h": "--help", "-v": "--verbose", "-q": "--quiet"]
  }

  /// Letters that mean something to other programs of the name, and nothing here.
  struct Letters: Sendable {
    var ignoredFlags: String
    var ignoredValues: String
    /// A value of these, if any, stands behind the letter without a blank.
    var attached: String
  }

  /// What an operand or a value may be, as far as a shell can complete it.
  enum Words: Sendable {
    case free
    case file, folder
    case channels, providers
    /// Providers, and presets of them.
    case services
    /// Names in the address book of the channel that is named, else of the default one.
    case recipients
    /// Names of messages in these folders.
    case messages([Folder])
    case oneOf([String])
  }

  /// What every command takes.
  static let common: [Option] = [
    Option("--spool", "DIR", "the spool (else $MSGSPOOL_DIR, ./spool, /var/spool/msgspool)", .folder),
    Option(
      "--config", "FILE", "the configuration (else $MSGSPOOL_CONFIG, DIR/config.json, /etc/msgspool/config.json)", .file
    ),
    Option("--json", nil, "print JSON instead of text"),
    Option("--verbose", nil, "say more"),
    Option("--quiet", nil, "say less"),
    Option("--help", nil, "this help"),
  ]

  var allOptions: [Option] { options + Guide.common }

  var usage: String {
    "msgspool \(name)\(options.isEmpty ? "" : " [options]")\(operands.isEmpty ? "" : " \(operands)")"
  }
}

/// A word of the command line: bytes, which are UTF-8 in all that is no file's name.
struct Word {
  let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }
  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Nil for what is no text.
  var text: String? { String(validating: bytes, as: UTF8.self) }
  /// As it may be shown.
  var display: String { bytes.displayText }
}

/// A command's words, sorted into options and operands.
struct Arguments {
  /// The command's name.
  let command: String
  private var values: [String: [String]] = [:]
  private(set) var operands: [String] = []
  /// The operands of a command whose guide says that they are messages: names of files, which may be any bytes.
  private(set) var names: [MessageName] = []

  init(_ words: [Word], _ guide: Guide) throws(Failure) {
    command = guide.name
    var rest = words[...]
    var isRaw = false
    while let next = rest.popFirst() {
      let isOption = !isRaw && next.bytes.first == UInt8(ascii: "-") && next.bytes.count > 1
      if !isOption, case .messages = guide.operandWords {
        operands.append(next.display)
        names.append(MessageName(next.bytes))
        continue
      }
      let word = try Arguments.text(next)
      if !isOption {
        operands.append(word)
      } else if word == "--" {
        isRaw = true
      } else if let letters = guide.letters, !word.hasPrefix("--") {
        try take(letters: word, &rest, guide, letters)
      } else {
        try take(word, &rest, guide)
      }
    }
    if has("--help") { return }
    guard guide.operandCount.contains(operands.count) else {
      let problem =
        operands.count < guide.operandCount.lowerBound ? "is missing something" : "takes no \"\(operands.last ?? "")\""
      throw Failure(.usage, "msgspool \(guide.name) \(problem)", hint: "usage: \(guide.usage)")
    }
  }

  /// Options and texts are UTF-8, whatever the locale says.
  static func text(_ word: Word) throws(Failure) -> String {
    if let text = word.text { return text }
    throw Failure(
      .usage, "\(word.display) is not valid UTF-8", hint: "only names of messages may hold any bytes; convert it first")
  }

  private mutating func take(_ word: String, _ rest: inout ArraySlice<Word>, _ guide: Guide) throws(Failure) {
    let parts = word.halves(at: "=").map { [$0.before, $0.behind] } ?? [word]
    let name = Guide.Option.short[parts[0]] ?? parts[0]
    guard let option = guide.allOptions.first(where: { $0.name == name }) else {
      throw .usage("msgspool \(guide.name) has no option \(name)", known: guide.allOptions.map(\.name), found: name)
    }
    if values[name] != nil, !option.repeats, option.value != nil {
      throw Failure(.usage, "\(name) is given twice", hint: "msgspool \(guide.name) --help")
    }
    guard let value = option.value else {
      if parts.count > 1 { throw Failure(.usage, "\(name) takes no value", hint: "msgspool \(guide.name) --help") }
      values[name] = []
      return
    }
    // An option's name is no value of the option before it: `--channel --json` has forgotten the channel.
    let isForgotten = parts.count == 1 && guide.allOptions.contains { $0.name == rest.first?.text }
    guard !isForgotten, let next = parts.count > 1 ? Word(parts[1]) : rest.popFirst() else {
      throw Failure(.usage, "\(name) needs a value (\(value))", hint: "msgspool \(guide.name) --help")
    }
    values[name, default: []].append(try Arguments.text(next))
  }

  /// Of letters given twice the last one counts.
  private mutating func take(
    letters word: String, _ rest: inout ArraySlice<Word>, _ guide: Guide, _ letters: Guide.Letters
  ) throws(Failure) {
    var behind = word.dropFirst()
    while let letter = behind.popFirst() {
      let name = "-\(letter)"
      let option = guide.options.first { $0.name == name }
      if letters.attached.contains(letter) {
        values[name] = [String(behind)]
        return
      }
      if option.map({ $0.value == nil }) ?? letters.ignoredFlags.contains(letter) {
        values[name] = []
      } else if option != nil || letters.ignoredValues.contains(letter) {
        guard let value = behind.isEmpty ? rest.popFirst() : Word(String(behind)) else {
          throw Failure(.usage, "\(name) needs a value", hint: "msgspool \(guide.name) --help")
        }
        values[name, default: []].append(try Arguments.text(value))
        return
      } else {
        throw Failure(.usage, "msgspool \(guide.name) has no option \(name)", hint: "msgspool \(guide.name) --help")
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }
  subscript(name: String) -> String? { values[name]?.last }
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// One of a few words; a usage error, with the nearest, for anything else.
  func choice<Choice: RawRepresentable<String>>(
    _ name: String, _ choices: [Choice], also words: [String] = []
  ) throws(Failure) -> Choice? {
    guard let word = self[name] else { return nil }
    if let choice = choices.first(where: { $0.rawValue == word }) { return choice }
    let known = choices.map(\.rawValue) + words
    let nearest = Suggestion.nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
    throw Failure(
      .usage, "\(name): found \"\(word)\"; expected one of \(known.joined(separator: ", "))", hint: nearest)
  }

  /// A whole number; a usage error for anything else.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw Failure(
        .usage, "\(name): found \"\(text)\"; expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

extension Failure {
  /// A wrong word, with the nearest right one.
  static func usage(_ message: String, known: [String], found: String) -> Failure {
    let nearest = Suggestion.nearest(to: found, among: known).map { "did you mean \"\($0)\"?" }
    return Failure(.usage, message, hint: nearest ?? "see: msgspool help")
  }
}

/// Help as text, made from the guides; at most 80 columns.
enum Help {
  static func overview(_ commands: [any Command.Type]) -> String {
    var text = phrase("msgspool: drop a JSON file into a directory, and it is sent") + "\n\n"
    text += phrase("usage: {1}", "msgspool \(phrase("COMMAND [options]"))") + "\n\n"
    for command in commands { text += row(command.guide.name, command.guide.shownSummary, indent: 12) }
    return text + "\n" + phrase(after) + "\n"
  }

  private static let after = """
    msgspool help COMMAND tells more about each. What every command takes
    (--spool DIR, --config FILE, --json, --verbose, --quiet) may also stand before
    its name.
    """

  static func text(_ guide: Guide) -> String {
    let operands = guide.operands.isEmpty ? "" : " \(guide.operands)"
    var text = "msgspool \(guide.name)\(phrase(": "))\(guide.shownSummary)\n\n"
    text += phrase("usage: {1}", "msgspool \(guide.name) \(phrase("[options]"))\(operands)") + "\n"
    if !guide.details.isEmpty { text += "\n\(guide.shownDetails)\n" }
    text += "\n\(phrase("options"))\n"
    for option in guide.allOptions {
      let name = [option.name, option.value].compactMap { $0 }.joined(separator: " ")
      text += row(name, Guide.shown(option: option.summary), indent: 22)
    }
    text += "\n\(phrase("examples"))\n"
    for example in guide.examples {
      text += "  \(example.line)\n" + Columns.wrapped(Guide.shown(caption: example.summary), indent: 6)
    }
    return text
  }

  private static func row(_ name: String, _ summary: String, indent: Int) -> String {
    let head = "  " + name + String(repeating: " ", count: max(1, indent - name.count))
    return Columns.hanging(head, summary, indent: indent + 2)
  }
}
