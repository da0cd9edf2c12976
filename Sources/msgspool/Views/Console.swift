import Core
import Glibc
import Spooling
import Synchronization

/// The one door to standard output and standard error. Results go out on the first, everything else on the second. What
/// comes from files, providers or people is escaped before it gets to a terminal.
enum Console {
  private struct State {
    var quiet = false
    var verbose = false
    var showsProgress = false
    var logsJSON = false
    var lastWords: (@Sendable () -> Void)?
    /// Why standard output could not be written (errno); 0 while it can.
    var outputFault: Int32 = 0
  }

  private static let state = Mutex(State())

  static var isQuiet: Bool {
    get { state.withLock { $0.quiet } }
    set { state.withLock { $0.quiet = newValue } }
  }

  static var isVerbose: Bool {
    get { state.withLock { $0.verbose } }
    set { state.withLock { $0.verbose = newValue } }
  }

  /// Standard error is for a program to read, line by line.
  static var logsJSON: Bool {
    get { state.withLock { $0.logsJSON } }
    set { state.withLock { $0.logsJSON = newValue } }
  }

  static let outputIsTerminal = isatty(1) == 1
  static let errorIsTerminal = isatty(2) == 1
  /// How wide standard output's terminal is; nil when it is none, and nothing needs to be cut.
  static let outputColumns = columns(of: 1)

  private static func columns(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// A terminal that obeys no escapes shows them.
  static let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? false
  /// https://no-color.org
  private static let allowsColor = !isDumb && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

  // MARK: Results

  static func output(_ text: String) {
    guard !outputHasEnded else { return }
    // In the order in which they were said, where both are one terminal.
    diagnostics.drain(within: 1)
    let fault = Diagnostics.write(Array(text.utf8), to: 1)
    if fault != 0 { state.withLock { $0.outputFault = fault } }
  }

  /// One JSON value on a line of its own.
  static func output(_ json: JSON) { output(json.text + "\n") }

  /// Nobody can be told any more: a reader that went away, or a full disk. Whoever has much to tell may stop.
  static var outputHasEnded: Bool { state.withLock { $0.outputFault != 0 } }

  /// What kept results from being written; nil also when their reader just had enough (`| head`).
  static var outputFailure: Failure? {
    let fault = state.withLock { $0.outputFault }
    guard fault != 0, fault != EPIPE else { return nil }
    return Failure(
      .ioError, "standard output cannot be written: \(String(cString: strerror(fault)))",
      hint: "the command did its work; what it had to tell is lost")
  }

  /// What is still to be said when the command has ended, however it did.
  static func atEnd(_ say: @escaping @Sendable () -> Void) { state.withLock { $0.lastWords = say } }

  /// At the end: standard error gets a moment to take what waits.
  static func conclude() {
    state.withLock { $0.lastWords }?()
    diagnostics.drain(within: 1)
  }

  // MARK: Everything else

  /// As syslog and systemd's journal number them.
  enum Priority: Int { case error = 3, warning, notice, info, debug }

  private static let diagnostics = Diagnostics(2, limit: 4 << 20) { lost in
    logsJSON
      ? marked(JSON.object([.init("event", .string("lost")), .init("lines", .integer(lost))]).text + "\n", .warning)
      : marked(
        "msgspool: " + phrase("{1} could not be said in time, as nobody read them", counted(lost, "line")) + "\n",
        .warning)
  }

  static func error(_ text: String, _ priority: Priority = .error) {
    clearProgress()
    diagnostics.write(marked(text, priority))
  }

  /// Under systemd each line tells its priority, if standard error is the journal indeed and not a file or pipe that
  /// the unit's program put there (systemd.exec(5), $JOURNAL_STREAM).
  static let errorIsJournal: Bool = {
    guard let stream = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
    var status = stat()
    return fstat(2, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
  }()

  private static func marked(_ text: String, _ priority: Priority) -> String {
    guard errorIsJournal else { return text }
    return text.split(separator: "\n").map { "<\(priority.rawValue)>\($0)\n" }.joined()
  }

  /// Something a person should know; `--quiet` doesn't silence it.
  static func warn(_ subject: String, _ message: String, hint: String? = nil) {
    var text = "msgspool: \(styled(subject.safeText, .bold, on: errorIsTerminal)): \(Phrases.error(message).safeText)\n"
    if let hint { text += hintLine(hint) }
    error(text, .warning)
  }

  /// A line that a person should see, whatever was asked for.
  static func say(_ message: String, _ priority: Priority) { error("msgspool: \(message.safeText)\n", priority) }

  static func note(_ message: String) {
    if !isQuiet { say(message, .info) }
  }

  static func detail(_ message: String) {
    if isVerbose { say(message, .debug) }
  }

  static func report(_ failure: Failure) {
    var text = "msgspool: " + styled(phrase("error"), .red, on: errorIsTerminal) + phrase(": ")
    text += "\(Phrases.error(failure.message).safeText)\n"
    if let hint = failure.hint { text += hintLine(hint) }
    error(text)
  }

  private static func hintLine(_ hint: String) -> String {
    "  \(phrase("hint: {1}", Phrases.error(hint).safeText))\n"
  }

  // MARK: Style

  enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// Whether standard output may hold escape sequences.
  static var outputIsColored: Bool { outputIsTerminal && allowsColor }

  /// Colour on a terminal, plain elsewhere.
  static func styled(_ text: String, _ style: Style, on isTerminal: Bool = outputIsTerminal) -> String {
    isTerminal && allowsColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  // MARK: Progress

  /// Whether there is somebody to watch it, on a terminal that can overwrite a line.
  static var showsProgress: Bool { errorIsTerminal && !isDumb && !isQuiet }

  /// Replaces the progress line, cut to the terminal as it is now: a window may have been made narrower.
  static func progress(_ text: String) {
    guard showsProgress, let columns = columns(of: 2) else { return }
    diagnostics.write("\r\(Columns.cut(text, columns - 1))\u{1B}[K")
    state.withLock { $0.showsProgress = true }
  }

  static func clearProgress() {
    let isShown = state.withLock { state in
      defer { state.showsProgress = false }
      return state.showsProgress
    }
    if isShown { diagnostics.write("\r\u{1B}[K") }
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

  /// 12,345
  static func grouped(_ number: Int) -> String {
    var digits = String(number)
    var position = digits.count - 3
    while position > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
      position -= 3
    }
    return digits
  }

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

  /// Words, and of some of them the pieces: between Chinese characters a line may end anywhere. In English only a word that
  /// is wider than a line is parted: names and addresses stay whole, as they are handles.
  private static func pieces(of text: String, within columns: Int) -> [(text: Substring, isApart: Bool)] {
    text.split(separator: " ").flatMap { word -> [(text: Substring, isApart: Bool)] in
      let isParted = Language.current == .chinese || width(String(word)) > columns
      guard isParted, word.contains(where: { width($0) == 2 }) else { return [(word, true)] }
      var pieces: [(text: Substring, isApart: Bool)] = []
      var start = word.startIndex
      var isBehindWide = false
      var isBehindOpening = false
      for index in word.indices {
        let isWide = width(word[index]) == 2
        // What closes a clause does not begin a line, and what opens one does not end it.
        let isClosing = "，。；：！？、）》”…".contains(word[index])
        if index > start, isWide || isBehindWide, !isClosing, !isBehindOpening {
          pieces.append((word[start..<index], start == word.startIndex))
          start = index
        }
        isBehindWide = isWide
        isBehindOpening = "（《“".contains(word[index])
      }
      return pieces + [(word[start...], start == word.startIndex)]
    }
  }

  /// The text's words in lines of so many columns at most, indented.
  static func wrapped(_ text: String, indent: Int, columns: Int = 79) -> String {
    hanging(String(repeating: " ", count: indent), text, indent: indent, columns: columns)
  }

  /// The same behind a head, which the text's other lines stand beside.
  static func hanging(_ head: String, _ text: String, indent: Int, columns: Int = 79) -> String {
    var lines = [head]
    var hasWord = false
    var isEmpty = trimmed(head).isEmpty
    for piece in pieces(of: text, within: columns - indent) {
      let blank = hasWord && piece.isApart ? " " : ""
      let used = width(lines[lines.count - 1]) + width(blank)
      if used + width(String(piece.text)) > columns, !isEmpty {
        lines.append(String(repeating: " ", count: indent) + piece.text)
      } else {
        lines[lines.count - 1] += blank + piece.text
      }
      (hasWord, isEmpty) = (true, false)
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
