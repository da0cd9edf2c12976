import Core
import FoundationEssentials
import Signing

/// DingTalk's group robot. Section numbers are those of providers/extras.md: all of it is section 4.
package struct DingTalkRobot: HTTPProvider {
  package static let card = ProviderCard(
    name: "dingtalk-robot",
    summary: "DingTalk (钉钉) group robot, messages to one group chat",
    document: "https://open.dingtalk.com/document/robots/custom-robot-access",
    endpoint: "https://oapi.dingtalk.com",
    recipientsPerCall: 1,
    settings: [
      SettingCard("access_token", .string, required: true, secret: true, "the token in the robot's webhook address"),
      SettingCard("secret", .string, secret: true, "the secret, SEC..., of a robot that wants signatures"),
    ],
    options: [
      OptionCard("msgtype", .string, "text, markdown or link; by default as format says"),
      OptionCard("at_mobiles", .strings, "mobile numbers to mention", isOnce: true),
      OptionCard("at_user_ids", .strings, "user ids to mention", isOnce: true),
      OptionCard("is_at_all", .boolean, "whether everybody is mentioned", isOnce: true),
      OptionCard("pic_url", .string, "link: URL of the picture"),
    ],
    limits: [("message", 20_000, "bytes of JSON")],
    // 20 a minute; beyond it the robot is blocked for 10 minutes.
    rate: 20.0 / 60,
    hasOwnTarget: true,
    longTexts: .common,
    notes: [
      "to is left out: the robot's group is the target.",
      "In a text, title, body and url are lines; in markdown the title is the notification's, by default the body's"
        + " first line. format is text or markdown.",
      "In markdown a mention works only where the text has the number or id behind an @, too.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      group: {
        provider: "dingtalk-robot",
        access_token: { env: "DINGTALK_TOKEN" }, secret: { env: "DINGTALK_SECRET" },
      }
      """)

  private let url: String
  private let secret: String?

  package init(_ settings: Settings) throws(SettingFault) {
    let token = PercentEncoding.encode(try settings.required("access_token"))
    url = try Endpoint(settings).base + "/robot/send?access_token=" + token
    secret = settings.string("secret")
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the robot's group")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    let type = try message.stringOption("msgtype") ?? message.format.rawValue
    var fields = [Content.Field("msgtype", type)]
    switch type {
    case "text": fields.append(.init("content", try message.wholeText(name)))
    case "markdown":
      let body = try message.requiredBody(name)
      let link = message.url.flatMap { $0.isEmpty ? nil : "\n\n\($0)" } ?? ""
      let title = message.title.flatMap { $0.isEmpty ? nil : $0 } ?? Self.firstLine(of: body)
      fields += [.init("title", title), .init("text", body + link)]
    case "link":
      fields += [
        .init("title", try message.required("title", message.title, "a link needs it")),
        .init("text", try message.requiredBody(name)),
        .init("messageUrl", try message.required("url", message.url, "a link needs it")),
      ]
      if let picture = try message.stringOption("pic_url") { fields.append(.init("picUrl", picture)) }
    default: throw MessageFault("options.msgtype", "is \"\(type)\"; expected text, markdown or link")
    }
    for (option, field) in [("at_mobiles", "atMobiles"), ("at_user_ids", "atUserIds")] {
      fields += (try message.stringsOption(option) ?? []).map { .init(field, $0) }
    }
    if try message.booleanOption("is_at_all") ?? false { fields.append(.init("isAtAll", "true")) }
    let content = Content(fields)
    try checkSize(JSON.object(Self.members(content)), atMost: 20_000, name)
    return content
  }

  private static func firstLine(of text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    return TextUnit.utf16.cut(line, to: 64)
  }

  private static func members(_ content: Content) -> [JSON.Member] {
    let type = content["msgtype"] ?? "text"
    let body = content.fields.filter { ["content", "title", "text", "messageUrl", "picUrl"].contains($0.name) }
      .map { JSON.Member($0.name, .string($0.value)) }
    var members = [JSON.Member("msgtype", .string(type)), .init(type, .object(body))]
    var at: [JSON.Member] = []
    for list in ["atMobiles", "atUserIds"] where content[list] != nil {
      at.append(.init(list, .strings(content.all(list))))
    }
    let isAtAll = content["isAtAll"] != nil
    if isAtAll || !at.isEmpty { members.append(.init("at", .object(at + [.init("isAtAll", .boolean(isAtAll))]))) }
    return members
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    var signed = url
    if let secret {
      let milliseconds = Int((now.timeIntervalSince1970 * 1_000).rounded(.down))
      let sign = RobotSignature.dingTalk(milliseconds: milliseconds, secret: secret)
      signed += "&timestamp=\(milliseconds)&sign=\(PercentEncoding.encode(sign))"
    }
    return .json(signed, Self.members(call.content))
  }

  // MARK: What comes back

  /// 310000 needs more than its number. But for -1 and 130101 none is confirmed. 4301xx: a link, text or picture that is
  /// not allowed.
  private static let codes = CodeTable<Int>([
    (.later, [-1]),
    (.throttled, [130101, 410100, 660026]),
    (.credentials, [300005, 400013, 400101, 400102, 400106]),
    (.message, [40035, 43004, 400105, 430101, 430102, 430103, 430104]),
  ])

  private static let keywordWords = ["keyword", "关键词"]
  private static let lengthWords = ["length", "too long", "长度", "过长", "超长"]
  /// A robot that sent too fast is blocked for so long.
  private static let pause = 600.0

  private static func verdict(_ code: Int, _ text: String) -> AnswerClass {
    if code == 310000 {
      // Signature, time or address are the channel's; the word that is missing is the message's.
      return keywordWords.contains { text.contains($0) } ? .message : .credentials
    }
    if let verdict = codes[code] { return verdict }
    return lengthWords.contains { text.contains($0) } ? .message : .fewTimes
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    guard let wire = JSONAnswer(response), let code = wire["errcode"]?.integer,
      code != 0 || (200..<300).contains(response.status)
    else {
      return AnswerClass.undecoded(response)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    if code == 0 { return .all(.accepted(), in: call) }
    let verdict = Self.verdict(code, wire["errmsg"]?.text ?? "")
    return verdict.answer(
      to: call, code: String(code), reason: wire["errmsg"]?.text ?? "no text",
      retryAfter: wait ?? (verdict == .throttled ? Self.pause : nil))
  }
}
