import Core
import FoundationEssentials

/// Pushed: push messages to the subscribers of an application. Section numbers are those of providers/pushed.md.
package struct Pushed: HTTPProvider {
  package static let card = ProviderCard(
    name: "pushed",
    summary: "Pushed, short push messages to the subscribers of an application",
    document: "https://about.pushed.co/docs/api",
    endpoint: "https://api.pushed.co",
    recipientsPerCall: 1,
    settings: [
      SettingCard("app_key", .string, required: true, "the application's key"),
      SettingCard("app_secret", .string, required: true, secret: true, "the application's secret"),
    ],
    options: [OptionCard("cut", .boolean, "whether a text over the limit is cut instead of refused")],
    targetKinds: [
      ("channel", "the subscribers of a channel, by its alias: channel:news"),
      ("user", "a user, by the access token that he granted: user:TOKEN"),
    ],
    limits: [("body", 140, "UTF-16 units")],
    // Section 4: rates depend on the plan and are not documented; this is what it advises.
    rate: 1,
    hasOwnTarget: true,
    longTexts: .common,
    notes: [
      "to: left out for all subscribers of the application; or a Pushed ID, channel:ALIAS, user:TOKEN.",
      "body is required, url is used; title is not. Markdown goes as it is written; html is refused.",
      "A user's access token is recorded in the history like any address.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      subscribers: {
        provider: "pushed",
        app_key: "...", app_secret: { env: "PUSHED_APP_SECRET" },
      }
      """)

  private let url: String
  private let account: [JSON.Member]

  package init(_ settings: Settings) throws(SettingFault) {
    account = [
      .init("app_key", .string(try settings.required("app_key"))),
      .init("app_secret", .string(try settings.required("app_secret"))),
    ]
    url = try Endpoint(settings).base + "/1/push"
  }

  // MARK: What is sent (section 1)

  private static let everybody = Target.Lane("app")
  private static let channels = Target.Lane("channel")
  private static let users = Target.Lane("user")
  private static let devices = Target.Lane("pushed_id")

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address.isEmpty { return Target("", lane: Self.everybody) }
    let lane: Target.Lane
    let value: Substring
    switch address.prefix(while: { $0 != ":" }) {
    case "channel" where address.contains(":"): (lane, value) = (Self.channels, address.dropFirst(8))
    case "user" where address.contains(":"): (lane, value) = (Self.users, address.dropFirst(5))
    default: (lane, value) = (Self.devices, address[...])
    }
    guard !value.isEmpty, value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }) else {
      throw RecipientFault("is not a target: expected a Pushed ID, channel:ALIAS or user:TOKEN, without spaces")
    }
    return Target(address, wire: String(value), identity: "\(lane.name):\(value)", lane: lane)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    var body = try message.requiredBody(name)
    // The document says characters; UTF-16 units are counted, the strictest reading.
    if try message.booleanOption("cut") ?? false { body = TextUnit.utf16.cut(body, to: 140) }
    try checkLength(body, "body", atMost: 140, name)
    var fields = [Content.Field("content", body)]
    if let url = message.url, !url.isEmpty {
      fields += [.init("content_type", "url"), .init("content_extra", url)]
    }
    return Content(fields)
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    precondition(call.recipients.count == 1, "pushed takes one target in a call")
    let target = call.recipients[0].target
    var members = account + [.init("target_type", .string(target.lane.name))]
    switch target.lane {
    case Self.channels: members.append(.init("target_alias", .string(target.wire)))
    case Self.users: members.append(.init("access_token", .string(target.wire)))
    case Self.devices: members.append(.init("pushed_id", .string(target.wire)))
    default: break
    }
    members += call.content.fields.map { .init($0.name, .string($0.value)) }
    return .json(url, members)
  }

  // MARK: What comes back (sections 2 and 3)

  /// The names of the types are not documented: what they speak of decides. A user's token is the recipient's.
  private static func verdict(_ type: String, status: Int, to lane: Target.Lane) -> AnswerClass {
    if status == 429 || ["limit", "quota"].contains(where: { type.contains($0) }) { return .quota }
    if lane == users, type.contains("access_token") { return .recipient }
    if [401, 403].contains(status) || ["app_key", "secret", "token"].contains(where: { type.contains($0) }) {
      return .credentials
    }
    return ["target", "alias", "channel", "pushed_id", "user"].contains { type.contains($0) } ? .recipient : .message
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    let isSuccess = (200..<300).contains(response.status)
    if isSuccess, let shipment = wire?["response"]?["data"]?["shipment"]?.text, !shipment.isEmpty,
      wire?["error"] == nil
    {
      return .all(.accepted(id: shipment), in: call)
    }
    let error = wire?["error"]?.object
    let verdict: AnswerClass =
      if let error, isSuccess || (400..<500).contains(response.status) {
        Self.verdict(error["type"]?.text ?? "", status: response.status, to: call.recipients[0].target.lane)
      } else {
        .undecoded(response)
      }
    return verdict.answer(
      to: call, code: error?["type"]?.text ?? response.codeOfStatus,
      reason: error?["message"]?.text ?? response.reasonOfStatus,
      retryAfter: RetryAfter.seconds(in: response, now: now))
  }
}
