import Core
import FoundationEssentials

/// PushPlus (推送加): messages to WeChat and more. Section numbers are those of providers/pushplus.md.
package struct PushPlus: HTTPProvider {
  package static let card = ProviderCard(
    name: "pushplus",
    summary: "PushPlus (推送加), messages to WeChat, WeCom, mail and webhooks",
    document: "https://www.pushplus.plus/doc/guide/api.html",
    endpoint: "https://www.pushplus.plus",
    recipientsPerCall: 10,
    raisedRecipientsPerCall: 100,
    settings: [
      SettingCard("token", .string, required: true, secret: true, "the user's token or a message token"),
      SettingCard("channel", .string, "wechat (default), webhook, cp, mail...; up to 5, with commas"),
      SettingCard("option", .string, "code of the channel's configuration; one for each channel, with commas"),
      SettingCard("callback_url", .string, "URL that gets the final result"),
      SettingCard(
        "secret_key", .string, secret: true, "the open API's key, to ask what became of messages (receipts: \"pull\")"),
      SettingCard("member", .boolean, "true for members: longer titles and bodies"),
    ],
    options: [
      OptionCard("channel", .string, "channel or channels of this message, instead of the configured ones"),
      OptionCard("option", .string, "code or codes for these, instead of the configured ones"),
      OptionCard("template", .string, "how the body is shown: \(templates.joined(separator: ", ")); else by format"),
      OptionCard("callback_url", .string, "URL for this message"),
      OptionCard("pre", .string, "name of a pre-processing script, for members"),
    ],
    targetKinds: [("topic", "everybody in a group, by its code: topic:ops")],
    // Section 5, for accounts with a verified name.
    limits: [
      ("requests_a_day", 200, "requests"), ("title", 100, "UTF-16 units"), ("body", 20_000, "UTF-16 units"),
      ("title_of_members", 200, "UTF-16 units"), ("body_of_members", 100_000, "UTF-16 units"),
      ("channels", 5, "channels"),
    ],
    // Five a minute.
    rate: 0.083,
    daily: 200,
    countsRefused: true,
    hasOwnTarget: true,
    longTexts: .common,
    notes: [
      "to: tokens of friends (or WeCom user ids, for cp); left out, the message goes to the owner of the token.",
      "body is required; title, of one line, and format are used; url is not.",
      "Friends over the account's limit would be left out silently: members may set max_recipients_per_call: 100.",
      "A wrong token or a used-up day suspends the channel: going on gets the account barred, refused requests count.",
      "daily counts recipients: raise it where calls carry many friends, or for members.",
      "Over several channels a message is accepted when one of them took it.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      wechat: {
        provider: "pushplus",
        token: { env: "PUSHPLUS_TOKEN" },
      }
      """)

  private static let templates = ["html", "txt", "json", "markdown", "cloudMonitor", "jenkins", "route", "pay"]
  private static let channels = [
    "wechat", "webhook", "cp", "mail", "sms", "voice", "extension", "app", "clawbot", "cmcc", "qq",
  ]

  let base: String
  let token: String
  let secretKey: String?
  private let isMember: Bool
  /// The channel's own values of content fields.
  private let defaults: [String: String]

  package init(_ settings: Settings) throws(SettingFault) {
    token = try settings.requiredToken("token")
    base = try Endpoint(settings).base
    secretKey = settings.string("secret_key")
    guard settings.receipts?.asks != true || secretKey != nil else {
      throw SettingFault("secret_key", "is missing: receipts are asked for with it")
    }
    isMember = settings.boolean("member") ?? false
    var defaults: [String: String] = [:]
    defaults["channel"] = settings.string("channel")
    defaults["option"] = settings.string("option")
    defaults["callbackUrl"] = settings.string("callback_url")
    self.defaults = defaults
    if let problem = Self.problem(channel: defaults["channel"], option: defaults["option"]) {
      throw SettingFault(problem.field, problem.text)
    }
  }

  /// What is wrong with channels and their options, if anything (section 2).
  private static func problem(channel: String?, option: String?) -> (field: String, text: String)? {
    let names = (channel ?? "wechat").pieces(at: ",")
    if let unknown = names.first(where: { !channels.contains($0) }) {
      return ("channel", "names \"\(unknown.prefix(40))\"; known are: \(channels.joined(separator: ", "))")
    }
    if names.count > 5 { return ("channel", "names \(names.count) channels; pushplus takes at most 5") }
    guard let option, names.count > 1 else { return nil }
    let codes = option.pieces(at: ",").count
    return codes == names.count
      ? nil : ("option", "has \(codes) codes for \(names.count) channels: expected one for each, empty ones too")
  }

  // MARK: What is sent (sections 1 and 2)

  private static let owner = Target.Lane("owner", capacity: 1)
  private static let friends = Target.Lane("friends")
  private static let topics = Target.Lane("topics", capacity: 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address.isEmpty { return Target("", lane: Self.owner) }
    let topic = address.behind("topic:")
    let value = topic ?? address
    // A comma would make two of one.
    guard !value.isEmpty, value.unicodeScalars.allSatisfy({ $0.isVisible && $0 != "," }) else {
      throw RecipientFault("is neither a friend's token nor a group (topic:CODE), without spaces and commas")
    }
    guard topic != nil || !value.holds(":") else {
      throw RecipientFault("is of no known kind: expected a friend's token or topic:CODE")
    }
    return topic != nil
      ? Target(address, wire: value, identity: address, lane: Self.topics) : Target(address, lane: Self.friends)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    guard let body = message.body, !body.isEmpty else {
      throw MessageFault("body", "is missing or empty; \(name) sends it")
    }
    try checkLength(body, "body", atMost: isMember ? 100_000 : 20_000, name)
    var fields: [Content.Field] = []
    if let title = message.title, !title.isEmpty {
      try message.requireOneLine(title, "title", name)
      try checkLength(title, "title", atMost: isMember ? 200 : 100, name)
      fields.append(.init("title", title))
    }
    fields.append(.init("content", body))
    if let template = try template(of: message) { fields.append(.init("template", template)) }
    let own = try message.stringOption("channel")
    let channel = own ?? defaults["channel"]
    // The configured codes are for the configured channels.
    let option = try message.stringOption("option") ?? (own == nil ? defaults["option"] : nil)
    if let problem = Self.problem(channel: channel, option: option) {
      throw MessageFault("options.\(problem.field)", problem.text)
    }
    let pre = try message.stringOption("pre")
    let callback = try message.stringOption("callback_url") ?? defaults["callbackUrl"]
    for (name, value) in [("channel", channel), ("option", option), ("callbackUrl", callback), ("pre", pre)] {
      if let value { fields.append(.init(name, value)) }
    }
    return Content(fields)
  }

  /// Nil for the service's default, which is HTML.
  private func template(of message: Message) throws(MessageFault) -> String? {
    if let template = try message.stringOption("template") {
      guard Self.templates.contains(template) else {
        throw MessageFault("options.template", "is none of: \(Self.templates.joined(separator: ", "))")
      }
      return template
    }
    switch message.format {
    case .text: return "txt"
    case .markdown: return "markdown"
    case .html: return nil
    }
  }

  private static func isBatch(_ content: Content) -> Bool { content["channel"]?.holds(",") ?? false }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    var members = [JSON.Member("token", .string(token))]
    for field in call.content.fields { members.append(.init(field.name, .string(field.value))) }
    let wires = call.recipients.map(\.target.wire)
    switch call.recipients.first?.target.lane {
    case Self.topics?: members.append(.init("topic", .string(wires[0])))
    case Self.friends?: members.append(.init("to", .string(wires.joined(separator: ","))))
    default: break
    }
    return HTTPRequest(
      .post, base + (Self.isBatch(call.content) ? "/batchSend" : "/send"),
      headers: [HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json")],
      body: JSON.object(members).bytes)
  }

  // MARK: What comes back (sections 3 and 4)

  private static let codes = CodeTable<Int>([
    (.credentials, [302, 401, 403, 805, 905]),
    // Who goes on is barred for good (section 4).
    (.barred, [903]),
    (.fewTimes, [500]),
    (.message, [600, 999]),
    (.quota, [888, 900]),
  ])

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let retryAfter = RetryAfter.seconds(in: response, now: now)
    guard let wire = JSONAnswer(response), let code = wire["code"]?.integer else {
      let isGateway = (200..<300).contains(response.status) && !JSONAnswer.looksDamaged(response.body)
      let verdict: AnswerClass = isGateway ? .later : .status(response.status, client: .fewTimes, server: .later)
      return verdict.answer(
        to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: retryAfter)
    }
    if code == 200 {
      guard (200..<300).contains(response.status) else {
        return AnswerClass.inDoubt.answer(to: call, code: String(code), reason: wire["msg"]?.text)
      }
      // Of /send the short code, of /batchSend an element for each channel.
      return Self.isBatch(call.content)
        ? overChannels(wire["data"]?.objects ?? [], in: call, at: now)
        : .all(.accepted(id: wire["data"]?.text), in: call)
    }
    return refusal(code, wire["msg"]?.text, retryAfter: retryAfter, of: call, at: now)
  }

  /// Sending again would repeat what one of the channels took, so that one is enough.
  private func overChannels(_ elements: [JSONAnswer], in call: Call, at now: Date) -> Answer {
    if let taken = elements.first(where: { $0["code"]?.integer == 200 }) {
      return .all(.accepted(id: taken["shortCode"]?.text), in: call)
    }
    guard let refused = elements.first, let code = refused["code"]?.integer else {
      return AnswerClass.inDoubt.answer(to: call, code: "200", reason: "the answer does not name the channels")
    }
    return refusal(code, refused["message"]?.text, retryAfter: nil, of: call, at: now)
  }

  /// Every try counts, the refused ones too: what nobody knows is tried a few times only.
  private func refusal(_ code: Int, _ text: String?, retryAfter: Double?, of call: Call, at now: Date) -> Answer {
    let barred = code == 900 ? Self.barred(text ?? "", at: now) : nil
    var verdict = Self.codes[code] ?? .fewTimes
    if code == 805, call.recipients.first?.target.lane != Self.owner {
      // The topic or the friend may be somebody else's. Halves would be counted as well.
      verdict = .credentialsPerhaps
      verdict.split = .never
    }
    // Who goes on after 900 is barred for longer (section 4): the channel rests as long as it says.
    return verdict.answer(to: call, code: String(code), reason: text, retryAfter: barred ?? retryAfter)
  }

  /// Until the next day in China; or as many days as the text says: "减少请求后2天恢复正常".
  private static func barred(_ text: String, at now: Date) -> Double {
    let midnight = RetryAfter.untilHour(0, now: now)
    guard let unit = text.firstIndex(of: "天") else { return midnight }
    let digits = text[..<unit].reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
    guard let days = Int(String(digits)), (1...30).contains(days) else { return midnight }
    return Double(days) * 86_400
  }
}
