import Core
import Glibc
import Spooling
import Synchronization

/// The one door to standard output and standard error. Results go out on the first, everything else on the second. What
/// comes from files, providers or people is escaped before it gets to a terminal.
enum Console {
  private static let flags = Mutex((quiet: false, verbose: false, progress: 0))

  static var isQuiet: Bool {
    get { flags.withLock { $0.quiet } }
    set { flags.withLock { $0.quiet = newValue } }
  }

  static var isVerbose: Bool {
    get { flags.withLock { $0.verbose } }
    set { flags.withLock { $0.verbose = newValue } }
  }

  static let outputIsTerminal = isatty(1) == 1
  static let errorIsTerminal = isatty(2) == 1
  /// How wide standard output's terminal is; nil when it is none, and nothing needs to be cut.
  static let outputColumns: Int? = {
    guard outputIsTerminal else { return nil }
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }()

  /// https://no-color.org
  private static let allowsColor = getenv("NO_COLOR").map { $0.pointee == 0 } ?? true

  // MARK: Writing

  static func output(_ text: String) { write(text, to: 1) }

  /// One JSON value on a line of its own.
  static func output(_ json: JSON) { write(json.text + "\n", to: 1) }

  static func error(_ text: String) {
    clearProgress()
    write(text, to: 2)
  }

  /// Something a person should know; `--quiet` doesn't silence it.
  static func warn(_ subject: String, _ message: String, hint: String? = nil) {
    var text = "msgspool: \(styled(subject.safeText, .bold, on: errorIsTerminal)): \(message.safeText)\n"
    if let hint { text += "  hint: \(hint.safeText)\n" }
    error(text)
  }

  static func note(_ message: String) {
    if !isQuiet { error("msgspool: \(message.safeText)\n") }
  }

  static func detail(_ message: String) {
    if isVerbose { error("msgspool: \(message.safeText)\n") }
  }

  static func report(_ failure: Failure) {
    var text = "msgspool: \(styled("error", .red, on: errorIsTerminal)): \(failure.message.safeText)\n"
    if let hint = failure.hint { text += "  hint: \(hint.safeText)\n" }
    error(text)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        // Nobody reads any more, or the disk is full: nothing can be said about it.
        if count <= 0 { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  // MARK: Style

  enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// Colour on a terminal, plain elsewhere.
  static func styled(_ text: String, _ style: Style, on isTerminal: Bool = outputIsTerminal) -> String {
    isTerminal && allowsColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  // MARK: Progress

  /// Replaces the progress line; only on a terminal.
  static func progress(_ text: String) {
    guard errorIsTerminal, !isQuiet else { return }
    write("\r\(text)\u{1B}[K", to: 2)
    flags.withLock { $0.progress = 1 }
  }

  static func clearProgress() {
    let isShown = flags.withLock { flags in
      defer { flags.progress = 0 }
      return flags.progress != 0
    }
    if isShown { write("\r\u{1B}[K", to: 2) }
  }
}

extension String {
  /// The text with everything escaped that a terminal obeys. Backslashes stay: in the names that are part of it they
  /// are escapes already, and a name that is shown must be one that can be given back.
  var safeText: String {
    split(separator: "\\", omittingEmptySubsequences: false).map { String($0).displayText }.joined(separator: "\\")
  }
}

/// Text in columns: what a terminal shows of it, where Chinese characters and emoji are two columns wide.
enum Columns {
  /// "1 call", "2 calls".
  static func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }

  static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if character.unicodeScalars.contains(where: { $0.properties.isEmojiPresentation || $0 == "\u{FE0F}" }) { return 2 }
    switch scalar.value {
    // East Asian Wide and Fullwidth (Unicode Standard Annex 11), by block.
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
      0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// At least so many columns.
  static func pad(_ text: String, _ columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - width(text)))
  }

  /// At most so many columns, cut with an ellipsis.
  static func cut(_ text: String, _ columns: Int) -> String { width(text) <= columns ? text : fit(text, columns) }

  /// Without spaces at the end.
  static func trimmed(_ text: String) -> String { String(text.reversed().drop { $0 == " " }.reversed()) }

  /// The text's words in lines of at most 79 columns, indented.
  static func wrapped(_ text: String, indent: Int) -> String {
    var lines = [String(repeating: " ", count: indent)]
    for word in text.split(separator: " ") {
      if width(lines[lines.count - 1]) + width(String(word)) > 79, lines[lines.count - 1].contains(where: { $0 != " " })
      {
        lines.append(String(repeating: " ", count: indent))
      }
      lines[lines.count - 1] += word + " "
    }
    return lines.map { trimmed($0) + "\n" }.joined()
  }

  /// Exactly so many columns: padded with spaces, or cut with an ellipsis.
  static func fit(_ text: String, _ columns: Int) -> String {
    let all = width(text)
    if all <= columns { return text + String(repeating: " ", count: columns - all) }
    var result = ""
    var used = 0
    for character in text {
      if used + width(character) > columns - 1 { break }
      result.append(character)
      used += width(character)
    }
    return result + "…" + String(repeating: " ", count: max(0, columns - 1 - used))
  }
}
