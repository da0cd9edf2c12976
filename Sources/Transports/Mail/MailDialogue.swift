import Core

/// Which answer of a mail server belongs to what (RFC 5321, section 3).
///
/// libcurl tells of every command it sends and every line it gets, and goes in lockstep: one command, one answer. It
/// reports only the last error itself; who was accepted and who was not is found out here.
struct MailDialogue {
  private enum Stage: Equatable {
    /// The greeting, EHLO, HELO, STARTTLS.
    case opening
    case login
    case sender
    case recipient(Int)
    case data
    /// 354 has come: what is sent is the message, and the next answer is to all of it.
    case message
    case over
  }

  /// The answer to each RCPT.
  private(set) var recipients: [MailResponse.Line?]
  /// The answer to the final dot.
  private(set) var final: MailResponse.Line?
  /// The newest answer outside RCPT, where it was a refusal, and any 421: the server hangs up after it.
  private(set) var refusal: MailResponse.Line?
  /// The most recipients of a mail that the server's newest EHLO offers to take (`LIMITS RCPTMAX=n`, RFC 9422).
  private(set) var offered: Int?
  /// An EHLO was answered: there was no kept connection, on which the offer of its first dialogue holds.
  private(set) var isNewConnection = false
  /// How many recipients are named to the server, the first ones.
  private(set) var named: Int
  /// What the server said that it has, in its answer to EHLO or HELO; nil until that is whole.
  private var extensions: Set<String>?
  /// The first lines of that answer.
  private var greeting: Set<String>?
  private var isSecured = false
  /// What came so far of an answer of several lines.
  private var pending = ""
  private var stage = Stage.opening
  private var asked = 0
  private var isLoginUnderWay = false
  private var unsent: Int

  /// - Parameter size: of the message, as it goes on the wire.
  init(recipients: Int, size: Int) {
    self.recipients = Array(repeating: nil, count: recipients)
    named = recipients
    unsent = size
  }

  /// The last byte before the final dot has been sent, so the dot may have been, too: libcurl sends it at once.
  var mayHaveEnded: Bool { stage == .message && unsent <= 0 }

  /// Nobody was named to the server yet: whatever happened, the dialogue may be begun again.
  var isWithoutRecipients: Bool { asked == 0 }

  /// The recipients may still be fewer: MAIL is said, and nobody is named yet.
  var mayNameFewer: Bool { stage == .sender }

  mutating func name(atMost limit: Int) {
    named = min(named, limit)
  }

  /// Takes a command, or as much of one as the connection took at once.
  mutating func sent(_ command: UnsafeRawBufferPointer) {
    // What a login says is base64, and can look like anything.
    if isLoginUnderWay { return }
    func `is`(_ word: StaticString) -> Bool {
      command.starts(with: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }
    // Said after a dot without an answer, too: the next answer is still the dot's.
    if `is`("QUIT"), stage != .message {
      stage = .over
      return
    }
    switch stage {
    case .sender, .recipient, .data:
      // After MAIL the order is fixed. Commands are counted, not read: a full socket may have taken none of this one.
      if asked < named {
        stage = .recipient(asked)
        asked += 1
      } else {
        stage = stage == .data ? .over : .data
      }
    case .message: break
    case .opening, .login, .over:
      // What was offered before STARTTLS does not hold behind it.
      if `is`("EHLO") || `is`("HELO") { (offered, greeting, extensions) = (nil, [], nil) }
      isSecured = isSecured || `is`("STARTTLS")
      if `is`("MAIL") { stage = .sender } else if `is`("AUTH") { (stage, isLoginUnderWay) = (.login, true) }
    }
  }

  /// The server is known to have no SMTPUTF8 (RFC 6531): not while it may have more to say behind STARTTLS.
  func lacksUTF8(_ security: MailRequest.Security) -> Bool {
    guard let extensions, !extensions.contains("SMTPUTF8") else { return false }
    return security == .none || isSecured || !extensions.contains("STARTTLS")
  }

  mutating func sentMessage(_ count: Int) {
    unsent -= count
  }

  /// Takes one line, with its end.
  mutating func received(_ line: UnsafeRawBufferPointer) {
    let digits = line.prefix(3)
    guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return }
    let code = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    if stage == .opening, code == 250 { take(capability: String(decoding: line.dropFirst(4), as: UTF8.self)) }
    // Long enough for any reason, short enough for a history line.
    if pending.utf8.count < 500 {
      let text = line.dropFirst(4).prefix(500).filter { $0 != 0x0D && $0 != 0x0A }
      pending += (pending.isEmpty ? "" : " ") + String(decoding: text, as: UTF8.self)
    }
    // In upper case, as libcurl knows them: what it does not see, it does not use.
    greeting?.insert(String(decoding: line.dropFirst(4).prefix { $0 > 0x20 }, as: UTF8.self))
    if line.count > 3, line[3] == UInt8(ascii: "-") { return }
    if let greeting { (self.greeting, extensions) = (nil, code == 250 ? greeting : nil) }
    take(MailResponse.Line(code: code, text: pending))
    pending = ""
  }

  private mutating func take(capability: String) {
    isNewConnection = true
    let words = capability.uppercased().split { $0.isWhitespace }
    guard words.first == "LIMITS" else { return }
    for word in words where word.hasPrefix("RCPTMAX=") {
      offered = Int(word.dropFirst("RCPTMAX=".count)).flatMap { $0 > 0 ? $0 : nil }
    }
  }

  private mutating func take(_ answer: MailResponse.Line) {
    isLoginUnderWay = isLoginUnderWay && (300..<400).contains(answer.code)
    // Whatever was missed before: only DATA is answered so, and what follows must never pass for unsent.
    if answer.code == 354, !isLoginUnderWay, stage != .over {
      (stage, refusal) = (.message, nil)
      return
    }
    switch stage {
    case .recipient(let index):
      recipients[index] = answer
      if answer.code == 421 { refusal = answer }
    case .message:
      if unsent > 0 { refusal = answer } else { final = answer }
      stage = .over
    case .opening, .login:
      refusal = answer.code >= 400 ? answer : nil
    case .sender, .data:
      if answer.code >= 300 { (stage, refusal) = (.over, answer) }
    case .over: break
    }
  }
}
