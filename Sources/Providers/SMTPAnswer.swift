import Core

/// What a mail server's answers mean: section 3 of providers/email.md.
struct SMTPAnswer {
  private let response: MailResponse

  init(_ response: MailResponse) {
    self.response = response
  }

  func answer(to call: Call) -> Answer {
    let whole = self.whole
    let outcomes = call.recipients.indices.map { index -> Outcome in
      let line = index < response.recipients.count ? response.recipients[index] : nil
      if let line, !line.isPositive { return Self.recipient(line).outcome(line) }
      // A mail that went out whole went to those whose RCPT was accepted; who was never named got nothing.
      if line == nil, response.wasSent { return .unconfirmed(reason: "the server was not seen to take this recipient") }
      return whole.outcome
    }
    // Relaying that is denied to one is that recipient's trouble, to all the channel's.
    let states = outcomes.map(\.kind)
    let isRelayDenied = response.recipients.allSatisfy { $0.map { Self.recipient($0) == .credentials } ?? false }
    if whole.suspends || (isRelayDenied && !states.isEmpty) { return Answer(outcomes, advice: .suspend) }
    let isSlow = outcomes.allSatisfy { $0.kind == .throttled } || (whole.isSlow && outcomes.contains(whole.outcome))
    return Answer(outcomes, advice: isSlow ? .slowDown(retryAfter: nil) : .proceed)
  }

  // MARK: One recipient (RCPT)

  private static func recipient(_ line: MailResponse.Line) -> Class {
    let status = line.enhanced
    if line.code == 552, status?.hasPrefix("5.2.") != true, status?.hasPrefix("5.3.") != true {
      // "Too many recipients", said in the old way (RFC 5321, section 4.5.3.1.10).
      return .later
    }
    switch line.code {
    case 400..<500: return line.isRateLimit ? .throttled : .later
    case 530: return .credentials
    case 500..<600 where line.speaksOfRelaying: return .credentials
    case 500..<600: return .recipient
    default: return .fewTimes
    }
  }

  // MARK: The whole

  private var whole: (outcome: Outcome, suspends: Bool, isSlow: Bool) {
    guard let final = response.final else {
      // Section 3, last row. The other: the connection went before the final dot, and nobody has the mail.
      if response.wasSent { return (.unconfirmed(reason: "no answer came after the message"), false, true) }
      return (.deferred(.network, reason: "the connection broke before the mail was handed over"), false, true)
    }
    if response.wasSent, final.isPositive { return (.accepted(id: final.queueId), false, false) }
    let reached = response.wasSent || response.recipients.contains { $0 != nil }
    let verdict = reached ? Self.data(final) : Self.opening(final)
    return (verdict.outcome(final), verdict == .credentials, verdict == .throttled || verdict == .connection)
  }

  /// Greeting, EHLO, STARTTLS, AUTH or MAIL: the same for everybody.
  private static func opening(_ line: MailResponse.Line) -> Class {
    switch line.code {
    case 400..<500: line.isRateLimit ? .throttled : .connection
    // 535, 534, 538: the login is refused; 530: one is missing; 550, 553, 501: the sender is.
    case 530, 534, 535, 538, 550, 551, 553, 501: .credentials
    case 552: .message
    // "No service here", to this address of ours perhaps: worth a slow retry.
    case 554: .connection
    default: .fewTimes
    }
  }

  /// DATA and the final dot.
  private static func data(_ line: MailResponse.Line) -> Class {
    switch line.code {
    case 400..<500: return line.isRateLimit ? .throttled : .later
    case 530: return .credentials
    case 500..<600:
      guard let status = line.enhanced, status.hasPrefix("5.7.") else { return .message }
      // SPF, DKIM, DMARC and reverse names are the domain's affair (RFC 7372, section 3): no mail can pass.
      let isAuthentication = (20...29).contains(Int(status.dropFirst(4)) ?? 0)
      // Any other policy may mean this one message, which must not hold up the channel.
      return isAuthentication ? .credentials : .policy
    default: return .fewTimes
    }
  }

  /// The class column, as far as it needs telling apart.
  private enum Class {
    case later, throttled, connection, fewTimes, credentials, policy, recipient, message

    func outcome(_ line: MailResponse.Line) -> Outcome {
      let code = line.enhanced.map { "\(line.code) \($0)" } ?? String(line.code)
      let verdict: Verdict =
        switch self {
        case .later, .connection: .later
        case .throttled: .throttled
        case .fewTimes: .fewTimes
        case .credentials: .credentials
        case .policy: Verdict(state: .deferred, kind: .credentials, attempts: 3)
        case .recipient: .recipient
        case .message: .message
        }
      return verdict.outcome(code: code, reason: line.reason)
    }
  }
}

extension MailResponse.Line {
  var isPositive: Bool { (200..<300).contains(code) }

  /// `5.1.1`, as the text begins with it (RFC 2034, 3463); its class must be that of the code.
  var enhanced: String? {
    let word = text.prefix { $0 != " " }
    let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 3, numbers[0].utf8.count == 1, numbers[0] == String(code / 100),
      numbers.allSatisfy({ (1...3).contains($0.utf8.count) && PhoneNumber.isDigits($0.utf8) })
    else { return nil }
    return String(word)
  }

  /// The text behind the enhanced code.
  fileprivate var reason: String? {
    let rest = enhanced.map { text.dropFirst($0.count) } ?? text[...]
    let trimmed = rest.drop { $0 == " " }
    return trimmed.isEmpty ? nil : String(trimmed)
  }

  /// 4.7.x is policy, which is greylisting as often as a rate: only its word tells.
  fileprivate var isRateLimit: Bool {
    guard let status = enhanced, status.hasPrefix("4.7.") || status == "4.2.1" || status == "4.4.5" else {
      return false
    }
    let text = text.lowercased()
    return ["rate", "too many", "too fast", "throttl", "limit"].contains { text.contains($0) }
  }

  fileprivate var speaksOfRelaying: Bool { text.lowercased().contains("relay") }

  /// `queued as ABC`, which is what a server's operator asks for; otherwise all it said.
  fileprivate var queueId: String? {
    guard let words = text.firstRange(of: "queued as ") ?? text.firstRange(of: "Queued as ") else { return reason }
    let id = text[words.upperBound...].prefix { $0 != " " }
    return id.isEmpty ? reason : String(id)
  }
}
