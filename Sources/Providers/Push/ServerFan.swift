import Core
import FoundationEssentials

/// Server饭 (server.fan, letserver.run): messages to the owner of a token through its WeChat account. Section numbers
/// are those of providers/serverchan.md.
package struct ServerFan: HTTPProvider {
  package static let card = ProviderCard(
    name: "serverfan",
    summary: "Server饭 (letserver.run), WeChat messages to the owner of a token",
    document: "https://letserver.run/ref/",
    endpoint: "https://api.letserver.run",
    recipientsPerCall: 1,
    settings: [
      SettingCard("token", .string, required: true, secret: true, "the user's token, or an agent's"),
      SettingCard("agent", .boolean, "true when the token is an agent's"),
      SettingCard("type", .string, "auto (default), info, warning or text"),
    ],
    options: [OptionCard("type", .string, "auto, info, warning or text, instead of the channel's")],
    limits: [("warnings_a_day", 100, "messages"), ("texts_in_a_row", 20, "messages")],
    hasOwnTarget: true,
    notes: [
      "to is left out: messages go to the owner of the token.",
      "body is required; title, where given, is a line before it; url is not used. Markdown goes as it is written; html is refused.",
      "text reaches only those who wrote to the account in the last 48 hours; auto tries text and then info.",
      "Accepted means HTTP 202 without a body, as the service's open core answers; other successes are unconfirmed.",
      "Whether the service still runs is not known.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      phone: {
        provider: "serverfan",
        token: { env: "SERVERFAN_TOKEN" },
      }
      """)

  private static let types = ["auto", "info", "warning", "text"]

  private let base: String
  private let token: String
  private let type: String

  package init(_ settings: Settings) throws(SettingFault) {
    token = try settings.requiredToken("token")
    type = settings.string("type") ?? "auto"
    guard Self.types.contains(type) else {
      throw SettingFault("type", "is none of: \(Self.types.joined(separator: ", "))")
    }
    base = try Endpoint(settings).base + (settings.boolean("agent") == true ? "/agent/message/" : "/message/")
  }

  // MARK: What is sent (section 7)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the owner of its token")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    guard let body = message.body, !body.isEmpty else {
      throw MessageFault("body", "is missing or empty; \(name) sends it")
    }
    let type = try message.stringOption("type") ?? self.type
    guard Self.types.contains(type) else {
      throw MessageFault("options.type", "is none of: \(Self.types.joined(separator: ", "))")
    }
    let title = message.title.flatMap { $0.isEmpty ? nil : "\($0)\n" } ?? ""
    return Content([.init("type", type), .init("message", title + body)])
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let body = JSON.object([.init("message", .string(call.content["message"] ?? ""))])
    return HTTPRequest(
      .post, base + (call.content["type"] ?? type),
      headers: [
        HTTPHeader("Authorization", "Bearer \(token)"), HTTPHeader("Content-Type", "application/json"),
        HTTPHeader("Accept", "application/json"),
      ], body: body.bytes)
  }

  // MARK: What comes back (section 7; all of it unverified)

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    if response.status == 202, response.body.isEmpty { return .all(.accepted(), in: call) }
    let verdict: AnswerClass =
      response.status == 429 ? .quota : .status(response.status, client: .message, server: .later)
    let wire = JSONAnswer(response)
    return verdict.answer(
      to: call, code: wire?["error"]?.text ?? response.codeOfStatus,
      reason: wire?["message"]?.text ?? response.reasonOfStatus, retryAfter: RetryAfter.seconds(in: response, now: now))
  }
}
