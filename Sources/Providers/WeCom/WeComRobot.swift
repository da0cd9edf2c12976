import Core
import Digests
import FoundationEssentials
import Signing

/// WeCom's group robot: messages to one group chat. Section numbers are those of providers/wecom.md.
package struct WeComRobot: SteppingProvider {
  package static let card = ProviderCard(
    name: "wecom-robot",
    summary: "WeCom (企业微信) group robot, messages to one group chat",
    document: WeCom.document + "91770",
    endpoint: WeCom.endpoint,
    recipientsPerCall: 1,
    settings: [SettingCard("key", .string, required: true, secret: true, "the key in the robot's webhook address")],
    options: [
      OptionCard("msgtype", .string, "text, markdown, markdown_v2 or news; by default as format says"),
      OptionCard("mentioned_list", .strings, "text: user ids to mention, @all for everybody", isOnce: true),
      OptionCard(
        "mentioned_mobile_list", .strings, "text: mobile numbers to mention, @all for everybody", isOnce: true),
      OptionCard("picurl", .string, "news: URL of the picture"),
    ],
    limits: [
      ("text", 2_048, "bytes of UTF-8"), ("markdown", 4_096, "bytes of UTF-8"), ("news_title", 128, "bytes of UTF-8"),
      ("news_description", 512, "bytes of UTF-8"), ("image", 2 * WeCom.mebibyte, "bytes"),
      ("file", 20 * WeCom.mebibyte, "bytes"),
    ],
    // Section 1: 20 messages a minute.
    rate: 20.0 / 60,
    hasOwnTarget: true,
    longTexts: .common,
    attachments: 1,
    loadsAttachments: 20 * WeCom.mebibyte,
    notes: [
      "to is left out: the robot's group is the target.",
      "title, body and url are sent as lines of one text; in news they are the card's. format is text or markdown.",
      "An attachment goes without text: JPEG and PNG up to 2 MiB as a picture, AMR as a voice, the rest as a file.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      group: {
        provider: "wecom-robot",
        key: { env: "WECOM_ROBOT_KEY" },
      }
      """)

  private let base: String
  /// Percent-encoded.
  private let key: String

  package init(_ settings: Settings) throws(SettingFault) {
    key = PercentEncoding.encode(try settings.required("key"))
    base = try Endpoint(settings).base + "/cgi-bin/webhook"
  }

  // MARK: What is sent (section 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try .own(address, "the robot's group")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    let type = try message.stringOption("msgtype") ?? message.format.rawValue
    guard message.attachments.isEmpty else {
      try WeCom.refuseTexts(beside: "pictures and files", of: message, name)
      try message.checkAttachments(atMost: 20 * WeCom.mebibyte, name)
      return Content([])
    }
    let mentions = try mentions(of: message, type)
    switch type {
    case "text", "markdown", "markdown_v2":
      let text = try message.wholeText(name, between: type == "text" ? "\n" : "\n\n")
      try WeCom.checkText(text, "body", atMost: type == "text" ? 2_048 : 4_096, name)
      return Content([.init("msgtype", type), .init("content", text)] + mentions)
    case "news": return Content([.init("msgtype", type)] + (try article(message)))
    default:
      throw MessageFault("options.msgtype", "is \"\(type)\"; expected text, markdown, markdown_v2 or news")
    }
  }

  private func mentions(of message: Message, _ type: String) throws(MessageFault) -> [Content.Field] {
    var fields: [Content.Field] = []
    for option in ["mentioned_list", "mentioned_mobile_list"] {
      guard let values = try message.stringsOption(option), !values.isEmpty else { continue }
      guard type == "text" else { throw MessageFault("options.\(option)", "goes with plain text only") }
      for value in values { try WeCom.checkText(value, "options.\(option)", atMost: 64, Self.card.name) }
      fields += values.map { .init(option, $0) }
    }
    return fields
  }

  private func article(_ message: Message) throws(MessageFault) -> [Content.Field] {
    let title = try message.required("title", message.title, "news need it")
    let url = try message.required("url", message.url, "news need it")
    var fields: [Content.Field] = []
    for (field, source, text, limit) in [
      ("title", "title", title, 128), ("url", "url", url, 2_048), ("description", "body", message.body, 512),
      ("picurl", "options.picurl", try message.stringOption("picurl"), 2_048),
    ] {
      guard let text, !text.isEmpty else { continue }
      try WeCom.checkText(text, source, atMost: limit, Self.card.name)
      fields.append(.init(field, text))
    }
    return fields
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    send(call.content, media: "")
  }

  /// - Parameter media: of a file that was uploaded before.
  private func send(_ content: Content, media: String) -> HTTPRequest {
    let type: String
    let body: [JSON.Member]
    if let attachment = content.attachments.first {
      type = Self.kind(of: attachment)
      if type == "image", case .bytes(let bytes) = attachment.source {
        body = [.init("base64", .string(bytes.base64)), .init("md5", .string(Digest.md5.of(bytes).hex))]
      } else {
        body = [.init("media_id", .string(media))]
      }
    } else {
      type = content["msgtype"] ?? "text"
      body = Self.body(of: type, content)
    }
    return .json("\(base)/send?key=\(key)", [.init("msgtype", .string(type)), .init(type, .object(body))])
  }

  private static func body(of type: String, _ content: Content) -> [JSON.Member] {
    let fields = content.fields.filter { $0.name != "msgtype" }
    if type == "news" {
      return [.init("articles", .array([.object(fields.map { .init($0.name, .string($0.value)) })]))]
    }
    var members = [JSON.Member("content", .string(content["content"] ?? ""))]
    for name in ["mentioned_list", "mentioned_mobile_list"] where content[name] != nil {
      members.append(.init(name, .strings(content.all(name))))
    }
    return members
  }

  /// A picture that is too large for one goes as a file.
  private static func kind(of attachment: Content.Attachment) -> String {
    guard case .bytes(let bytes) = attachment.source, bytes.count <= 2 * WeCom.mebibyte else { return "file" }
    switch attachment.type {
    case "image/jpeg", "image/png": return "image"
    case "audio/amr": return "voice"
    default: return "file"
    }
  }

  // MARK: Steps (section 1): a file is uploaded first

  private static let uploading = "upload"

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    guard let attachment = call.content.attachments.first, Self.kind(of: attachment) != "image" else {
      return .send(exchange(for: call, at: now, nonce: nonce))
    }
    if case .bytes(let bytes) = attachment.source, bytes.count < 5 {
      let reason = "attachments[0]: has \(bytes.count) bytes; \(Self.card.name) takes no file of less than 5"
      return .finish(.all(.rejected(.message, reason: reason), in: call))
    }
    let type = Self.kind(of: attachment)
    return .prepare(
      .http(WeCom.upload(attachment, to: "\(base)/upload_media?key=\(key)&type=\(type)")), stage: Self.uploading)
  }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    guard stage == Self.uploading else {
      return .finish(answer(response, to: call, at: now))
    }
    switch WeCom.read(response, at: now) {
    case .ok(let wire):
      guard let media = wire["media_id"]?.text, !media.isEmpty else {
        return .finish(AnswerClass.later.answer(to: call, code: "0", reason: "the upload's answer names no media_id"))
      }
      return .send(.http(send(call.content, media: media)))
    case .refused(let refusal): return .finish(refusal.answerBeforeSending(to: call))
    }
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    switch WeCom.read(response, at: now) {
    // There is no message id.
    case .ok: return .all(.accepted(), in: call)
    case .refused(let refusal): return refusal.answer(to: call)
    }
  }
}
