import Core
import FoundationEssentials
import Signing

/// OneSignal: push messages to subscriptions, users and segments. Section numbers are those of providers/onesignal.md.
package struct OneSignal: HTTPProvider, RepeatableProvider {
  package static let card = ProviderCard(
    name: "onesignal",
    summary: "OneSignal, push messages to an app's subscriptions, users and segments",
    document: "https://documentation.onesignal.com/reference/push-notification",
    endpoint: "https://api.onesignal.com",
    recipientsPerCall: 20_000,
    settings: [
      SettingCard("app_id", .string, required: true, "the app's id, a UUID"),
      SettingCard("api_key", .string, required: true, secret: true, "the app's API key, os_v2_app_..."),
      SettingCard("target_channel", .string, "what external: reaches: push (default), email or sms"),
      SettingCard("strict_aliases", .boolean, "true rejects users of whom one device is unsubscribed"),
      SettingCard("template", .string, "id of the template for messages without a body"),
    ],
    options: [
      OptionCard("contents", .object, "the text in further languages: { zh: \"...\" }; body is English", isOnce: true),
      OptionCard("headings", .object, "the title in further languages"),
      OptionCard("subtitle", .string, "second line of the title"),
      OptionCard("data", .object, "what the app gets along with the message"),
      OptionCard("web_url", .string, "link for browsers"),
      OptionCard("app_url", .string, "link for apps"),
      OptionCard("big_picture", .string, "URL of a picture", isOnce: true),
      OptionCard("ttl", .integer, "seconds that it may wait for a device, 0 to 2419200"),
      OptionCard("name", .string, "label in OneSignal's console"),
      OptionCard("priority", .integer, "delivery priority, 1 to 10; 10 when the message's priority is high"),
      OptionCard("excluded_segments", .strings, "segments left out of those in to"),
    ],
    targetKinds: [
      ("external", "a user by the app's own id: external:42"), ("segment", "a segment by its name: segment:Active"),
    ],
    limits: [("ids_per_call", 20_000, "ids"), ("body", 4_096, "bytes"), ("ttl", 2_419_200, "seconds")],
    // Section 4, the free plan.
    rate: 150,
    templates: .bare,
    longTexts: .common,
    notes: [
      "to: subscription ids (UUIDs), external:ID or segment:NAME; the three kinds never share a call.",
      "body is required unless template names a template; title and url are used. Markdown goes as it is written; html is refused.",
      "Where SDKs or proxies hold to the older limit, set max_recipients_per_call: 2000.",
      "Accepted means submitted: ids that don't exist are not reported by the service.",
      "Receipts are sums of a call and name nobody: show and report have them; people stay awaited.",
      "A lost answer is repeated under the same idempotency key, so that nothing is sent twice.",
    ],
    example: """
      app: {
        provider: "onesignal",
        app_id: "00000000-0000-4000-8000-000000000001",
        api_key: { env: "ONESIGNAL_API_KEY" },
      }
      """)

  let url: String
  let appID: String
  let headers: [HTTPHeader]
  private let targetChannel: String
  private let isStrict: Bool
  private let template: String?

  package init(_ settings: Settings) throws(SettingFault) {
    guard let appID = Self.uuid(try settings.required("app_id")) else {
      throw SettingFault("app_id", "is not a UUID")
    }
    self.appID = appID
    headers = [
      HTTPHeader("Authorization", "Key \(try settings.requiredToken("api_key"))"),
      HTTPHeader("Content-Type", "application/json; charset=utf-8"), HTTPHeader("Accept", "application/json"),
    ]
    url = try Endpoint(settings).base + "/notifications"
    targetChannel = settings.string("target_channel") ?? "push"
    guard ["push", "email", "sms"].contains(targetChannel) else {
      throw SettingFault("target_channel", "is neither push nor email nor sms")
    }
    isStrict = settings.boolean("strict_aliases") ?? false
    template = settings.string("template")
  }

  /// In lower case, or nil for what is no UUID. `UUID` alone would be content with a prefix of some texts.
  private static func uuid(_ text: String) -> String? {
    text.utf8.count == 36 ? UUID(uuidString: text)?.uuidString.lowercased() : nil
  }

  // MARK: What is sent (section 1)

  static let subscriptions = Target.Lane("subscriptions")
  static let users = Target.Lane("users")
  private static let segments = Target.Lane("segments")

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if let id = Self.uuid(address) { return Target(address, wire: id, lane: Self.subscriptions) }
    for (kind, lane) in [("external:", Self.users), ("segment:", Self.segments)] as [(StaticString, Target.Lane)] {
      guard let value = address.behind(kind) else { continue }
      guard !value.allSatisfy(\.isWhitespace) else { throw RecipientFault("names nobody behind \(kind)") }
      return Target(address, wire: value, identity: address, lane: lane)
    }
    throw RecipientFault("is neither a subscription id (a UUID) nor external:ID nor segment:NAME")
  }

  /// Values are kept as JSON, in which the request is written.
  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    var fields: [Content.Field] = []
    let contents = try languages(of: message, "contents", english: message.body)
    if let contents {
      // What a phone's push service carries; mails and texts are OneSignal's own to judge.
      if targetChannel == "push", let body = message.body, body.utf8.count > 4_096 {
        throw MessageFault(
          "body", "has \(body.utf8.count) bytes; \(name) takes at most 4096 in a push message", limit: 4_096)
      }
      fields.append(.init("contents", contents))
    } else if let template = message.template.flatMap({ $0.isEmpty ? nil : $0 }) ?? template {
      fields.append(.init("template_id", JSON.string(template).text))
    } else {
      throw MessageFault("body", "is missing or empty; \(name) sends it, or a template")
    }
    if contents != nil, let template = message.template, !template.isEmpty {
      fields.append(.init("template_id", JSON.string(template).text))
    }
    if let headings = try languages(of: message, "headings", english: message.title) {
      fields.append(.init("headings", headings))
    }
    if let subtitle = try message.stringOption("subtitle") {
      fields.append(.init("subtitle", JSON.object([.init("en", .string(subtitle))]).text))
    }
    if let url = message.url, !url.isEmpty { fields.append(.init("url", JSON.string(url).text)) }
    for option in ["web_url", "app_url", "big_picture", "name"] {
      if let value = try message.stringOption(option) { fields.append(.init(option, JSON.string(value).text)) }
    }
    if let ttl = try message.integerOption("ttl", in: 0...2_419_200) { fields.append(.init("ttl", String(ttl))) }
    if let priority = try message.integerOption("priority", in: 1...10) ?? (message.priority == .high ? 10 : nil) {
      fields.append(.init("priority", String(priority)))
    }
    if let data = message.option("data"), data != .null {
      guard data.members != nil else {
        throw MessageFault("options.data", "is \(data.kindForPeople); expected an object")
      }
      fields.append(.init("data", data.text))
    }
    if let excluded = try message.stringsOption("excluded_segments"), !excluded.isEmpty {
      fields.append(.init("excluded_segments", JSON.strings(excluded).text))
    }
    return Content(fields)
  }

  /// A map of language to text; English is the message's own. Nil where there is no English text.
  private func languages(
    of message: Message, _ option: String, english: String?
  ) throws(MessageFault) -> String? {
    let given = message.option(option) ?? .null
    guard let english, !english.isEmpty else {
      guard given == .null else {
        throw MessageFault("options.\(option)", "needs the English text too: body for contents, title for headings")
      }
      return nil
    }
    var members = [JSON.Member("en", .string(english))]
    if given != .null {
      guard let others = given.members else {
        throw MessageFault("options.\(option)", "is \(given.kindForPeople); expected an object of languages and texts")
      }
      for other in others {
        guard other.value.string != nil, other.key != "en" else {
          throw MessageFault("options.\(option).\(other.key)", "must be a text, in another language than en")
        }
        members.append(other)
      }
    }
    return JSON.object(members).text
  }

  /// Names calls in UUIDs of this program's own.
  private static let namespace: [UInt8] = [
    0x6D, 0x73, 0x67, 0x73, 0x70, 0x6F, 0x4F, 0x6C, 0x8F, 0x6E, 0x65, 0x73, 0x69, 0x67, 0x6E, 0x61,
  ]

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let wires = JSON.strings(call.recipients.map(\.target.wire)).text
    var members = ["\"app_id\":\(JSON.string(appID).text)"]
    let lane = call.recipients.first?.target.lane
    for field in call.content.fields where field.name != "excluded_segments" || lane == Self.segments {
      members.append("\"\(field.name)\":\(field.value)")
    }
    switch lane {
    case Self.users?:
      members.append("\"include_aliases\":{\"external_id\":\(wires)},\"target_channel\":\"\(targetChannel)\"")
    case Self.segments?: members.append("\"included_segments\":\(wires)")
    default: members.append("\"include_subscription_ids\":\(wires)")
    }
    // Section 6: kept for 30 days, and of the whole call, whose id is on disk before it is sent.
    members.append("\"idempotency_key\":\"\(NameBasedUUID.text(call.id, in: Self.namespace))\"")
    return HTTPRequest(.post, url, headers: headers, body: Array("{\(members.joined(separator: ","))}".utf8))
  }

  // MARK: What comes back (sections 2 and 3)

  /// Whom a message does not reach, and why there is none.
  private struct Errors {
    var texts: [String] = []
    var ids: Set<String> = []
    var users: Set<Verbatim> = []

    /// - Parameter errors: a list of texts or an object of invalid ids; both are in use.
    init(_ errors: JSONAnswer?) {
      texts = errors?.list?.compactMap(\.text) ?? []
      for list in ["invalid_player_ids", "invalid_subscription_ids"] {
        ids.formUnion((errors?[list]?.list ?? []).compactMap { $0.text?.lowercased() })
      }
      users = Set((errors?["invalid_aliases"]?["external_id"]?.list ?? []).compactMap(\.text).map(Verbatim.init(_:)))
    }
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    let errors = Errors(wire?["errors"])
    let text = errors.texts.joined(separator: "; ")
    if (200..<300).contains(response.status), let id = wire?["id"]?.text {
      return id.isEmpty ? Self.nobody(text, in: call) : submitted(id, errors, in: call)
    }
    let retryAfter = RetryAfter.seconds(in: response, now: now)
    return Self.verdict(response.status, text, retryAfter: retryAfter, hasJSON: wire != nil).answer(
      to: call, code: response.codeOfStatus, reason: text.isEmpty ? response.reasonOfStatus : text,
      retryAfter: retryAfter)
  }

  /// HTTP 200 with an empty id: there is no message, since none of the targets can get one. Halves fare no better.
  private static func nobody(_ text: String, in call: Call) -> Answer {
    let isTheirs = text.lowercased().contains("not subscribed")
    let outcome = Outcome.rejected(.recipient, reason: text.isEmpty ? "the service made no message of it" : text)
    return .all(outcome.blaming(isTheirs ? .recipient : .unclear), in: call)
  }

  private func submitted(_ id: String, _ errors: Errors, in call: Call) -> Answer {
    Answer(
      call.recipients.map { recipient in
        let target = recipient.target
        let isInvalid =
          target.lane == Self.subscriptions
          ? errors.ids.contains(target.wire)
          // Such a user may have other devices that do get it: section 2 calls that a warning.
          : target.lane == Self.users && isStrict && errors.users.contains(Verbatim(target.wire))
        return isInvalid ? .rejected(.recipient, reason: "unsubscribed").blaming(.recipient) : .accepted(id: id)
      })
  }

  /// Where something may have been created, the call is in doubt, which repeats it under the same key (section 3).
  private static func verdict(_ status: Int, _ text: String, retryAfter: Double?, hasJSON: Bool) -> AnswerClass {
    let words = text.lowercased()
    switch status {
    case 400 where words.contains("app_id") || words.contains("app id"): return .credentials
    // One of the ids may be at fault.
    case 400 where ["subscription_id", "player_id", "alias"].contains { words.contains($0) }: return .tooLarge
    case 400 where hasJSON: return .message
    case 409: return .inDoubt
    case 422: return .quota
    // Too many messages to one audience gets the app disabled; the ordinary rate limit says when it ends.
    case 429 where retryAfter == nil && !text.isEmpty && !words.contains("rate limit"): return .quota
    default: return .status(status, client: .fewTimes, server: .inDoubt)
    }
  }
}
