import Core

/// What one answer of a mail server means, by where in the dialogue it came: section 3 of providers/email.md.
///
/// Servers say at RCPT what they hold against the client, its HELO or the sender: Postfix delays such refusals by default.
/// The enhanced code (RFC 3463) tells whose trouble it is; where it does not, the words do. They are those of Postfix,
/// Sendmail, Exim, qmail, Exchange, Gmail, Amazon SES, QQ and 163.
extension MailResponse.Line {
  enum Stage {
    /// Greeting, EHLO, STARTTLS, AUTH or MAIL: the same for everybody.
    case opening
    /// RCPT.
    case recipient
    /// DATA and the final dot.
    case message
  }

  func verdict(at stage: Stage) -> AnswerClass {
    guard (400..<600).contains(code) else { return .fewTimes }
    let words = Words(text)
    if isDailyLimit(words) { return .quotaOfTheDay }
    return switch stage {
    case .opening: opening(words)
    case .recipient: code < 500 ? passing(words) : recipient(words)
    case .message: code < 500 ? passing(words) : message(words)
    }
  }

  /// More recipients than the server takes at a time (RFC 3463, X.5.3).
  var isTooManyRecipients: Bool {
    subject == 5 && detail == 3 || (subject ?? 5) == 5 && Words(text).say(Words.tooMany)
  }

  /// The same in the old way, by a code that may mean a full disk as well (RFC 5321, section 4.5.3.1.10): what the others
  /// heard must tell.
  var isPerhapsTooManyRecipients: Bool {
    [452, 552].contains(code) && enhanced == nil && !Words(text).say(Words.room)
  }

  // MARK: Stages

  private func opening(_ words: Words) -> AnswerClass {
    if code < 500 {
      if isRateLimit(words) { return .throttled }
      return isOfSender(words) && !words.say(Words.greylisted) ? .credentials : .later
    }
    if code == 552 || isOfContent { return .message }
    // Nobody was named yet: what is refused is the login, the sender or the client, whatever the code.
    return .credentials
  }

  /// 4yz, after MAIL.
  private func passing(_ words: Words) -> AnswerClass {
    if isOfAddress || words.say(Words.greylisted) { return .later }
    if isRateLimit(words) { return .throttled }
    if subject == 2 { return .later }
    // Not surely anybody's: a name that could not be resolved may be resolved the next time.
    return isOfRestriction(words) || isOfSender(words) ? .credentialsPerhaps : .later
  }

  /// What is said of the sender at one recipient stops nobody else, until a second one hears the same.
  private func recipient(_ words: Words) -> AnswerClass {
    if code == 530 { return .credentials }
    if isOfAddress { return .recipient }
    if isOfRestriction(words) { return .credentialsPerhaps }
    if isRateLimit(words) { return .throttled }
    if isOfClient(words) { return .credentials }
    if isOfSender(words) { return .credentialsPerhaps }
    if subject == 2 || words.say(Words.unknown) { return .recipient }
    if isOfContent { return .message }
    if words.say(["recipient address rejected", "mailbox unavailable"]) { return .recipientPerhaps }
    return subject == 7 || words.say(Words.policy) ? .credentialsPerhaps : .recipientPerhaps
  }

  private func message(_ words: Words) -> AnswerClass {
    if code == 530 { return .credentials }
    if isOfAddress { return .recipient }
    if isOfRestriction(words) { return .credentialsPerhaps }
    if isRateLimit(words) { return .throttled }
    if isOfSender(words) { return .credentials }
    if subject == 2 { return .recipient }
    // Any other policy may mean this one message, which must not hold up the channel.
    return subject == 7 ? .policy : .message
  }

  // MARK: Whose trouble

  /// X.1.x is the recipient's address, whatever words follow; but for 7 and 8, which are the sender's, and 0, which is
  /// anybody's.
  private var isOfAddress: Bool { subject == 1 && ![0, 7, 8].contains(detail ?? 0) }

  /// The mail's size, or what is in it: a script that the server does not know.
  private var isOfContent: Bool { subject == 6 || (subject == 3 && detail == 4) }

  /// Not to this domain, or not to an address that the account has not verified; to others perhaps.
  private func isOfRestriction(_ words: Words) -> Bool {
    if subject == 7, [54, 64].contains(detail ?? 0) { return true }
    return words.say(Words.restriction) && !words.say(["relay recipient"] + Words.unknown)
  }

  /// Surely the sender's, the client's or its HELO's: no other recipient would fare better.
  private func isOfSender(_ words: Words) -> Bool {
    switch (subject ?? 0, detail ?? 0) {
    case (1, 7), (1, 8): true
    // A login is missing or wrong (RFC 4954); SPF, DKIM, DMARC and reverse names (RFC 7372, section 3; RFC 7505); Exchange's
    // not permitted to send as this sender.
    case (7, 8), (7, 9), (7, 20...29), (7, 57), (7, 60), (2, 252): true
    default: words.say(Words.sender) || words.say(Words.client)
    }
  }

  /// Surely the client's or its HELO's: no recipient has anything to do with it.
  private func isOfClient(_ words: Words) -> Bool { (subject, detail) == (7, 25) || words.say(Words.client) }

  /// What may be sent in a day was sent. X.4.5 is congestion, where it is passing; for good, it is Gmail's limit.
  private func isDailyLimit(_ words: Words) -> Bool {
    switch (subject ?? 0, detail ?? 0) {
    case (4, 5) where code >= 500: true
    case (1, 90), (7, 232), (7, 233): true
    // A mailbox that takes no more today is its owner's affair.
    case (1, _), (2, _): false
    default: words.say(Words.day) && words.say(Words.limit)
    }
  }

  /// 4.7.x is policy, which is greylisting as often as a rate: only its word tells.
  private func isRateLimit(_ words: Words) -> Bool {
    if subject != 2, words.say(Words.rate) { return true }
    guard code < 500, subject == 7 || (subject == 2 && detail == 1) || (subject == 4 && detail == 5) else {
      return false
    }
    return words.say([" rate", "too many", "too fast", "throttl", "limit"])
  }
}

extension AnswerClass {
  /// A policy, nobody knows against what: this message, or all of the account's.
  fileprivate static let policy = AnswerClass(state: .deferred, kind: .credentials, blame: .account)
}

/// A server's words in lower case, without the addresses that it repeats: a name may hold any word.
private struct Words {
  private let text: String

  init(_ text: String) {
    let words = text.lowercased().replacing(/<[^>]*>/, with: " ").split(separator: " ")
    self.text = words.filter { !$0.contains("@") }.joined(separator: " ")
  }

  func say(_ phrases: [String]) -> Bool { phrases.contains { text.contains($0) } }

  static let tooMany = [
    "too many recipients", "too many rcpt", "too much recipient", "recipients limit", "recipient limit", "reciplimit",
    "number of recipients", "rp:rcl", "rp:drc",
  ]
  static let room = ["mailbox", "quota", "storage", "space", "full", "size", "disk"]
  static let day = ["daily", "per day", "a day", "24 hours", "24-hour", "24h", "today", "当天", "当日", "rp:trc", "mi:stc"]
  static let limit = ["limit", "quota", "exceed", "maximum", "too many", "限", "rp:trc", "mi:stc"]
  static let rate = [
    "rate limit", "ratelimit", "rate exceeded", "sending rate", "frequency limited", "per hour", "hourly",
    "too much mail", "too many messages", "too many emails", "rp:qrc", "mi:dmc",
  ]
  static let greylisted = ["greylist", "graylist", "grey list", "gray list"]
  static let restriction = [
    "relay", "rcpthosts", "rp:frl", "local user only", "non-accepted domain", "not verified", "sandbox",
    "test purposes", "authorized recipient",
  ]
  static let unknown = [
    "user unknown", "unknown user", "no such", "unknown recipient", "recipient unknown", "unknown mailbox",
    "mailbox unknown", "mailbox not found", "user not found", "recipient not found", "address unknown",
    "unknown address", "does not exist", "doesn't exist", "non-existent", "nonexistent", "not exist",
    "invalid recipient", "invalid mailbox", "invalid user", "user suspended", "mailbox disabled", "account disabled",
    "account is disabled", "mailbox full", "mailbox is full", "over quota", "unrouteable", "unroutable",
    "undeliverable", "no mailbox", "bad recipient", "recipient address rejected: need fully-qualified", "null mx",
  ]
  static let client = [
    "helo", "ehlo", "client host", "client was not authenticated", "your ip", "ip address", "ip is rejected",
    "blocked using", "reverse dns", "reverse hostname", "rdns", "ptr record", "hl:ip",
  ]
  static let sender = [
    "not logged in", "mi:imf", "sender address", "sender rejected", "sender denied", "sender verify",
    "sender verification", "invalid sender",
    "bad sender", "outbound sender", "unauthenticated sender", "sender identity", "envelope sender", "sender domain",
    "domain of sender", "sending domain", "send as", "sendasdenied", "on behalf of", "not owned by", "from address",
    "mail from must", "mail from address", "mail from command", "spf", "dkim", "dmarc",
  ]
  /// What is no word about a mailbox, where there is no enhanced code.
  static let policy = [
    "sender", "client", "authenticat", "authori", "permi", "not allowed", "denied", "prohibited", "polic", "spam",
    "blacklist", "black list", "blocklist", "block list", "blocked", "banned", "reputation", "quota",
  ]
}

extension MailResponse.Line {
  var isPositive: Bool { (200..<300).contains(code) }

  /// `5.1.1`, as the text begins with it (RFC 2034, 3463); its class must be that of the code.
  var enhanced: String? { enhancedWord.map(String.init) }

  private var enhancedWord: Substring? {
    let word = text.prefix { $0 != " " }
    let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 3, numbers[0].utf8.count == 1, numbers[0] == String(code / 100),
      numbers.allSatisfy({ (1...3).contains($0.utf8.count) && PhoneNumber.isDigits($0.utf8) })
    else { return nil }
    return word
  }

  /// The second number of the enhanced code: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
  private var subject: Int? { enhancedWord?.split(separator: ".").dropFirst().first.flatMap { Int($0) } }
  private var detail: Int? { enhancedWord?.split(separator: ".").last.flatMap { Int($0) } }

  /// The text behind the enhanced code.
  var reason: String? {
    let rest = enhancedWord.map { text[$0.endIndex...] } ?? text[...]
    let trimmed = rest.drop { $0 == " " }
    return trimmed.isEmpty ? nil : String(trimmed)
  }

  /// As outcomes have it: `550 5.1.1`.
  var name: String { enhanced.map { "\(code) \($0)" } ?? String(code) }

  /// `queued as ABC`, which is what a server's operator asks for; otherwise all it said.
  var queueId: String? {
    guard let words = text.firstRange(of: "queued as ") ?? text.firstRange(of: "Queued as ") else { return reason }
    let id = text[words.upperBound...].prefix { $0 != " " }
    return id.isEmpty ? reason : String(id)
  }
}
