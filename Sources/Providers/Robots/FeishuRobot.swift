import Core
import FoundationEssentials
import Signing

/// The group robot of Feishu and Lark. Section numbers are those of providers/extras.md: all of it is section 5.
package struct FeishuRobot: HTTPProvider {
  package static let card = ProviderCard(
    name: "feishu-robot",
    summary: "Feishu (飞书) or Lark group robot, messages to one group chat",
    document: "https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot",
    endpoint: "https://open.feishu.cn",
    recipientsPerCall: 1,
    settings: [
      SettingCard("token", .string, required: true, secret: true, "the last part of the robot's webhook address"),
      SettingCard("secret", .string, secret: true, "the secret of a robot that wants signatures"),
    ],
    limits: [("message", 20_480, "bytes of JSON")],
    // 100 a minute, 5 a second.
    rate: 100.0 / 60,
    hasOwnTarget: true,
    longTexts: .common,
    notes: [
      "to is left out: the robot's group is the target.",
      "In a text, title, body and url are lines; markdown is sent as a card with the title as its head.",
      "Everybody is mentioned by <at user_id=\"all\"></at> in a text. Lark: endpoint https://open.larksuite.com.",
      "The vendor advises against sending on the hour and the half hour.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      group: {
        provider: "feishu-robot",
        token: { env: "FEISHU_TOKEN" }, secret: { env: "FEISHU_SECRET" },
      }
      """)

  private let url: String
  private let secret: String?

  package init(_ settings: Settings) throws(SettingFault) {
    // It is a part of the path: the service takes it nowhere else.
    let token = try settings.pathToken("token")
    url = try Endpoint(settings).base + "/open-apis/bot/v2/hook/" + token
    secret = settings.string("secret")
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the robot's group")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    var fields: [Content.Field]
    if message.format == .text {
      fields = [.init("text", try message.wholeText(name))]
    } else {
      let link = message.url.flatMap { $0.isEmpty ? nil : "\n\n\($0)" } ?? ""
      fields = [.init("markdown", try message.requiredBody(name) + link)]
      if let title = message.title, !title.isEmpty { fields.append(.init("title", title)) }
    }
    let content = Content(fields)
    // The signature counts as well; its length is always the same.
    try checkSize(JSON.object(members(content, at: 1_700_000_000)), atMost: 20_480, name)
    return content
  }

  private func members(_ content: Content, at seconds: Int) -> [JSON.Member] {
    var members: [JSON.Member] = []
    if let secret {
      members = [
        .init("timestamp", .string(String(seconds))),
        .init("sign", .string(RobotSignature.feishu(seconds: seconds, secret: secret))),
      ]
    }
    guard let markdown = content["markdown"] else {
      let text = JSON.object([.init("text", .string(content["text"] ?? ""))])
      return members + [.init("msg_type", .string("text")), .init("content", text)]
    }
    var card: [JSON.Member] = []
    if let title = content["title"] {
      let head = JSON.object([.init("tag", .string("plain_text")), .init("content", .string(title))])
      card.append(.init("header", .object([.init("title", head)])))
    }
    let element = JSON.object([.init("tag", .string("markdown")), .init("content", .string(markdown))])
    card.append(.init("elements", .array([element])))
    return members + [.init("msg_type", .string("interactive")), .init("card", .object(card))]
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    .json(url, members(call.content, at: Int(now.timeIntervalSince1970.rounded(.down))))
  }

  // MARK: What comes back

  /// 19001 is not confirmed. 19024: the word that is missing is the message's.
  private static let codes = CodeTable<Int>([
    (.message, [9499, 19036]),
    (.credentials, [19001, 19021, 19022]),
    (.credentialsPerhaps, [19024]),
    (.throttled, [11232, 99_991_400]),
  ])

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    // The old form has StatusCode and StatusMessage only.
    guard let wire = JSONAnswer(response),
      let code = wire["code"]?.integer ?? wire["StatusCode"]?.integer,
      code != 0 || (200..<300).contains(response.status)
    else {
      return AnswerClass.undecoded(response)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    if code == 0 { return .all(.accepted(), in: call) }
    let isServers = response.status >= 500
    let verdict =
      Self.codes[code] ?? (isServers ? .status(response.status, client: .fewTimes, server: .later) : .fewTimes)
    return verdict.answer(
      to: call, code: String(code), reason: wire["msg"]?.text ?? wire["StatusMessage"]?.text ?? "no text",
      retryAfter: wait)
  }
}
