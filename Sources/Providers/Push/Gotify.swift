import Core
import FoundationEssentials

/// Gotify: push messages of one's own server. Section numbers are those of providers/extras.md: all of it is section 6.
package struct Gotify: HTTPProvider {
  package static let card = ProviderCard(
    name: "gotify",
    summary: "Gotify, push messages through one's own server",
    document: "https://gotify.net/docs/pushmsg",
    endpoint: nil,
    recipientsPerCall: 1,
    settings: [SettingCard("token", .string, required: true, secret: true, "the application's token, A...")],
    options: [OptionCard("priority", .integer, "0 to 10, instead of the message's")],
    limits: [("priority", 10, "steps")],
    hasOwnTarget: true,
    notes: [
      "endpoint is required: the address of the server.",
      "to is left out: all clients of the application's owner get the message.",
      "body is required; title and url are used; format is text or markdown.",
      "priority low is 2, normal 5, high 8.",
      "A lost answer cannot be looked up with an application's token: on_unconfirmed decides.",
    ],
    example: """
      desktop: {
        provider: "gotify",
        endpoint: "https://gotify.example.com", token: { env: "GOTIFY_TOKEN" },
      }
      """)

  private let url: String
  private let headers: [HTTPHeader]

  package init(_ settings: Settings) throws(SettingFault) {
    if settings.endpoint.isEmpty { throw SettingFault("endpoint", "is missing: the address of the Gotify server") }
    url = try Endpoint(settings).base + "/message"
    headers = [HTTPHeader("X-Gotify-Key", try settings.required("token"))]
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the clients of the application's owner")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    var fields = [Content.Field("message", try message.requiredBody(name))]
    if let title = message.title, !title.isEmpty { fields.append(.init("title", title)) }
    let own =
      switch message.priority {
      case .low: 2
      case .normal: 5
      case .high: 8
      }
    fields.append(.init("priority", String(try message.integerOption("priority", in: 0...10) ?? own)))
    if message.format == .markdown { fields.append(.init("contentType", "text/markdown")) }
    if let url = message.url, !url.isEmpty { fields.append(.init("click", url)) }
    return Content(fields)
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let content = call.content
    var members: [JSON.Member] = []
    for name in ["title", "message"] {
      if let text = content[name] { members.append(.init(name, .string(text))) }
    }
    members.append(.init("priority", .number(content["priority"] ?? "5")))
    var extras: [JSON.Member] = []
    if let type = content["contentType"] {
      extras.append(.init("client::display", .object([.init("contentType", .string(type))])))
    }
    if let url = content["click"] {
      let click = JSON.object([.init("url", .string(url))])
      extras.append(.init("client::notification", .object([.init("click", click)])))
    }
    if !extras.isEmpty { members.append(.init("extras", .object(extras))) }
    return .json(url, members, headers: headers)
  }

  // MARK: What comes back

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    if (200..<300).contains(response.status), let wire, wire["error"] == nil, wire["appid"] != nil,
      let id = wire["id"]?.integer
    {
      return .all(.accepted(id: String(id)), in: call)
    }
    // The codes are those of HTTP. 404 is a wrong base; another 4xx with the server's own words is about the message.
    let isOwn = wire?["error"]?.text != nil || response.status == 400
    return AnswerClass.undecoded(response, client: isOwn ? .message : .fewTimes)
      .answer(
        to: call, code: response.codeOfStatus,
        reason: wire?["errorDescription"]?.text ?? wire?["error"]?.text ?? response.reasonOfStatus,
        retryAfter: RetryAfter.seconds(in: response, now: now))
  }
}
