import Core
import FoundationEssentials

/// ServerChan, Turbo (keys SCT...) and ServerChan 3 (keys sctp...): two services with one idea, told apart by the key.
/// Section numbers are those of providers/serverchan.md.
package struct ServerChan: HTTPProvider {
  package static let card = ProviderCard(
    name: "serverchan",
    summary: "ServerChan (Server酱) Turbo and ServerChan 3, messages to the owner of a key",
    document: "https://doc.sc3.ft07.com/",
    endpoint: "https://sctapi.ftqq.com",
    recipientsPerCall: 1,
    settings: [
      SettingCard("sendkey", .string, required: true, secret: true, "the key: SCT... (Turbo) or sctp... (ServerChan 3)")
    ],
    options: [
      OptionCard("short", .string, "text of the card"),
      OptionCard("channel", .string, "Turbo: one or two channel ids, such as 9 or 9|66; else the account's own"),
      OptionCard("openid", .strings, "Turbo: further receivers, for test accounts and WeCom applications"),
      OptionCard("noip", .boolean, "Turbo: true hides the sender's address"),
      OptionCard("tags", .strings, "ServerChan 3: tags"),
      OptionCard("cut_title", .boolean, "true cuts a title that is too long, instead of refusing the message"),
    ],
    limits: [("title", titleLength, "UTF-16 units"), ("body", bodyBytes, "bytes")],
    // Section 4: about 50 a minute, by third parties.
    rate: 0.8,
    hasOwnTarget: true,
    longTexts: .common,
    notes: [
      "to is left out: messages go to the owner of the key.",
      "title is one line; without one, the beginning of the body's first line is the title.",
      "body is shown as Markdown, where a plain text keeps its line breaks; url is a line of its own, html is refused.",
      "The address is chosen by the key; an endpoint in the configuration replaces it for both kinds of key.",
      "The key is part of the request's path: don't let a proxy log it.",
      "Turbo is asked by itself what became of a message; ServerChan 3 does not tell.",
      "Free Turbo accounts have 5 messages a day; the first answer that says so suspends the channel.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      phone: {
        provider: "serverchan",
        sendkey: { env: "SERVERCHAN_SENDKEY" },
      }
      """)

  private static let titleLength = 32
  /// By third parties (section 1), unverified.
  private static let bodyBytes = 32_768

  private let url: String
  /// Where the answer of Turbo is looked up.
  let base: String
  let isTurbo: Bool

  package init(_ settings: Settings) throws(SettingFault) {
    let key = try settings.required("sendkey")
    // It becomes part of a path.
    guard key.isToken() else {
      throw SettingFault("sendkey", "holds something other than letters and digits")
    }
    let endpoint = try Endpoint(settings)
    base = endpoint.base
    if let user = Self.user(in: key) {
      isTurbo = false
      let isGiven = settings.endpoint != Self.card.endpoint
      url = "\(isGiven ? endpoint.base : "https://\(user).push.ft07.com")/send/\(key).send"
    } else if key.hasPrefix("SCT") {
      isTurbo = true
      url = "\(endpoint.base)/\(key).send"
    } else if key.hasPrefix("SCU") {
      throw SettingFault("sendkey", "is of ServerChan's first edition, which is shut down: get a key at sct.ftqq.com")
    } else {
      throw SettingFault("sendkey", "is no key: expected SCT... or sctp, a number, t and more")
    }
    guard isTurbo || settings.receipts?.asks != true else {
      throw SettingFault("receipts", "ServerChan 3 cannot be asked; Turbo can")
    }
  }

  /// The number between `sctp` and `t`: ServerChan 3 has a host for each user.
  private static func user(in key: String) -> Substring? {
    guard key.hasPrefix("sctp") else { return nil }
    let digits = key.dropFirst("sctp".count).prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty, key[digits.endIndex...].hasPrefix("t") else { return nil }
    return digits
  }

  // MARK: What is sent (section 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the owner of its key")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    var fields = [Content.Field("title", try title(of: message))]
    let body = message.body ?? ""
    // A body that is all in the title would only be said twice.
    let isSaid = message.title?.isEmpty != false && body.hasSameBytes(as: fields[0].value)
    let shown = isSaid ? "" : message.format == .text ? Self.keepingLines(body) : body
    let text = [shown, message.url ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
    guard text.utf8.count <= Self.bodyBytes else {
      throw MessageFault(
        "body", "has \(text.utf8.count) bytes; \(name) takes at most \(Self.bodyBytes)", limit: Self.bodyBytes)
    }
    if !text.isEmpty { fields.append(.init("desp", text)) }
    if let short = try message.stringOption("short") { fields.append(.init("short", short)) }
    for option in ["channel", "openid", "noip"] where message.option(option) != nil && !isTurbo {
      throw MessageFault("options.\(option)", "is for Turbo keys (SCT...) only, and the channel's is of ServerChan 3")
    }
    if message.option("tags") != nil, isTurbo {
      throw MessageFault("options.tags", "is for ServerChan 3 keys (sctp...) only, and the channel's is of Turbo")
    }
    if let channel = try message.stringOption("channel") {
      let ids = channel.pieces(at: "|")
      guard ids.count <= 2, ids.allSatisfy({ !$0.isEmpty && PhoneNumber.isDigits($0.utf8) }) else {
        throw MessageFault("options.channel", "is not one or two channel ids: expected such as 9 or 9|66")
      }
      fields.append(.init("channel", channel))
    }
    if let ids = try message.stringsOption("openid"), !ids.isEmpty {
      fields.append(.init("openid", ids.joined(separator: ",")))
    }
    if try message.booleanOption("noip") == true { fields.append(.init("noip", "1")) }
    if let tags = try message.stringsOption("tags"), !tags.isEmpty {
      fields.append(.init("tags", tags.joined(separator: "|")))
    }
    return Content(fields)
  }

  /// Markdown would run the lines of a plain text together: where another one follows, a line ends with two blanks
  /// (CommonMark's hard line breaks).
  private static func keepingLines(_ text: String) -> String {
    let lines = text.lines
    let isBlank = lines.map { $0.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
    return lines.indices.map { index in
      let isFollowed = index + 1 < lines.count && !isBlank[index] && !isBlank[index + 1]
      return isFollowed ? lines[index] + "  " : lines[index]
    }.joined(separator: "\n")
  }

  /// What the service does with longer ones is not documented; refusing is not silent.
  private func title(of message: Message) throws(MessageFault) -> String {
    let name = Self.card.name
    guard let title = message.title, !title.isEmpty else {
      let line = (message.body ?? "").split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) }
      guard let line else { throw MessageFault("title", "is missing, and there is no body; \(name) needs one") }
      return Self.cut(String(line))
    }
    if try message.booleanOption("cut_title") == true {
      return Self.cut(title.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
    try message.requireOneLine(title, "title", name, hint: "options.cut_title joins them")
    do throws(MessageFault) {
      try checkLength(title, "title", atMost: Self.titleLength, name)
    } catch {
      throw MessageFault(
        error.field, error.problem, hint: "options.cut_title cuts it; the body has more room", limit: error.limit)
    }
    return title
  }

  /// As many whole characters as the title has room for.
  private static func cut(_ text: String) -> String {
    var room = titleLength
    return String(
      text.prefix { character in
        room -= character.utf16.count
        return room >= 0
      })
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let members = call.content.fields.map { JSON.Member($0.name, .string($0.value)) }
    return HTTPRequest(
      .post, url,
      headers: [HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json")],
      body: JSON.object(members).bytes)
  }

  // MARK: What comes back (sections 2 and 3)

  /// Used-up quotas and bad keys share a code; only the words tell them apart.
  private static let quotaWords = ["超过当天", "次数限制"]
  private static let messageWords = ["title", "desp", "content", "text", "标题", "内容", "正文"]
  /// For too many calls from one address: hours, says the document.
  private static let blockedPause = 3 * 3_600.0

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    guard let wire, let code = wire["code"]?.integer else {
      return Self.undecoded(response, now: now).answer(
        to: call, code: response.codeOfStatus, reason: wire?["message"]?.text ?? response.reasonOfStatus,
        retryAfter: Self.wait(response, now: now))
    }
    let text = wire["message"]?.text ?? ""
    // ServerChan 3 does not describe it.
    let data = wire["data"]
    let succeeded = (200..<300).contains(response.status)
    let isSuccess = code == 0 && (wire["errno"]?.integer ?? 0) == 0 && (data?["errno"]?.integer ?? 0) == 0
    if isSuccess, succeeded {
      var outcome = Outcome.accepted(id: data?["pushid"]?.text)
      // A secret of this message, by which what became of it is asked.
      if isTurbo { outcome.readKey = data?["readkey"]?.text }
      return .all(outcome, in: call)
    }
    let isQuota = code == 471 || wire["scode"]?.integer == 471 || Self.quotaWords.contains { text.contains($0) }
    let verdict: AnswerClass =
      if code == 0 {
        .inDoubt
      } else if isQuota || response.status == 429 {
        .quota
      } else if code == 40_001 {
        // The text names the key; or, says the document, one more try is worth it: the next sweep's first call.
        .credentials
      } else if response.status >= 500 {
        .status(response.status, client: .fewTimes, server: .later)
      } else if Self.messageWords.contains(where: { text.contains($0) }) {
        .message
      } else {
        succeeded ? .fewTimes : .status(response.status, client: .fewTimes, server: .later)
      }
    let wait = isQuota ? RetryAfter.untilHour(0, now: now) : Self.wait(response, now: now)
    return verdict.answer(to: call, code: String(code), reason: text.isEmpty ? nil : text, retryAfter: wait)
  }

  private static func undecoded(_ response: HTTPResponse, now: Date) -> AnswerClass {
    switch response.status {
    case 200..<300: JSONAnswer.looksDamaged(response.body) ? .inDoubt : .later
    case 429: .quota
    default: .status(response.status, client: .fewTimes, server: .later)
    }
  }

  private static func wait(_ response: HTTPResponse, now: Date) -> Double? {
    RetryAfter.seconds(in: response, now: now) ?? (response.status == 429 ? blockedPause : nil)
  }
}
