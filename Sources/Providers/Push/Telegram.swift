import Core
import FoundationEssentials
import Signing

/// Telegram bots. Section numbers are those of providers/extras.md: all of it is section 3.
package struct Telegram: SteppingProvider {
  package static let card = ProviderCard(
    name: "telegram",
    summary: "Telegram, messages of a bot to chats, groups and channels",
    document: "https://core.telegram.org/bots/api",
    endpoint: "https://api.telegram.org",
    recipientsPerCall: 1,
    settings: [SettingCard("token", .string, required: true, secret: true, "the bot's token, 123456789:ABC...")],
    options: [
      OptionCard("disable_notification", .boolean, "whether it arrives without a sound; by default for low priority"),
      OptionCard("disable_link_preview", .boolean, "whether links are shown without a preview"),
      OptionCard("protect_content", .boolean, "whether it cannot be forwarded or saved"),
      OptionCard("message_thread_id", .integer, "topic of a forum group"),
      OptionCard("as_document", .boolean, "whether a picture is sent as a file, uncompressed"),
    ],
    limits: [("body", 4_096, "UTF-16 units"), ("caption", 1_024, "UTF-16 units")],
    // 30 messages a second overall; to one chat 1 a second, to a group 20 a minute.
    rate: 30,
    longTexts: .markdownV2,
    attachments: 1,
    notes: [
      "to: a chat's number (groups have negative ones) or @channel. The bot must have been spoken to, or be a member.",
      "title, body and url are lines of one text, an attachment's caption when there is one.",
      "format html is Telegram's HTML, markdown its MarkdownV2, whose special characters the producer escapes;"
        + " the limit then counts the text without its markup, which only the service can do: it is counted here where"
        + " options.long cuts or splits. What the service cannot"
        + " read as such arrives as it was written, as plain text, and the result says so.",
      "JPEG, PNG and WebP go as pictures, other attachments as files. Low priority arrives without a sound.",
      "A group that became a supergroup is sent to under its new number.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      chat: {
        provider: "telegram",
        token: { env: "TELEGRAM_BOT_TOKEN" },
        recipients: { ops: ["-1001234567890"] },
      }
      """)

  private let base: String

  package init(_ settings: Settings) throws(SettingFault) {
    // It is a part of the path: the service takes it nowhere else.
    let token = try settings.pathToken("token", and: ":")
    let colon = token.firstIndex(of: ":")
    guard let colon, PhoneNumber.isDigits(token[..<colon].utf8), colon != token.startIndex else {
      throw SettingFault("token", "is no bot's token: expected a number, a colon and the rest")
    }
    base = try Endpoint(settings).base + "/bot" + token
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if let name = address.behind("@") {
      guard name.isToken(4...32, and: "_") else {
        throw RecipientFault("is no channel: expected @ and 4 to 32 letters, digits and _")
      }
      return Target(address, identity: address.lowercased())
    }
    let digits = address.hasPrefix("-") ? address.dropFirst() : address[...]
    guard (1...16).contains(digits.utf8.count), PhoneNumber.isDigits(digits.utf8), digits.first != "0",
      let number = Int(address)
    else {
      throw RecipientFault("is no chat: expected its number or @channel")
    }
    return Target(address, wire: String(number))
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    let isFile = !message.attachments.isEmpty
    let body = isFile ? message.body ?? "" : try message.requiredBody(name)
    // Title and link are plain text, whatever the body is.
    let lines = [
      message.title.map { Self.plain($0, message.format) }, body, message.url.map { Self.plain($0, message.format) },
    ]
    let text = lines.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
    // Of markup only the service knows the length; what is to be cut is counted here, and never too short.
    let long = try LongText(of: message)
    if message.format == .text || long != .refuse {
      let count = Self.units(of: text, message.format)
      let limit = isFile ? 1_024 : 4_096
      guard count <= limit else {
        throw MessageFault("body", "has \(count) UTF-16 units; \(name) takes at most \(limit)", limit: limit)
      }
    }
    var fields: [Content.Field] = []
    if !text.isEmpty { fields.append(.init(isFile ? "caption" : "text", text)) }
    switch message.format {
    case .text: break
    case .html: fields.append(.init("parse_mode", "HTML"))
    case .markdown: fields.append(.init("parse_mode", "MarkdownV2"))
    }
    if try message.booleanOption("disable_notification") ?? (message.priority == .low) {
      fields.append(.init("disable_notification", "true"))
    }
    if try message.booleanOption("disable_link_preview") ?? false, !isFile {
      fields.append(.init("link_preview_options", #"{"is_disabled":true}"#))
    }
    if try message.booleanOption("protect_content") ?? false { fields.append(.init("protect_content", "true")) }
    if let thread = try message.integerOption("message_thread_id", in: 1...Int.max) {
      fields.append(.init("message_thread_id", String(thread)))
    }
    if try message.booleanOption("as_document") ?? false, isFile { fields.append(.init(Self.asDocument, "true")) }
    return Content(fields)
  }

  /// The text without HTML's tags, an entity as one sign or a pair; in Markdown without escapes, where there is no code
  /// that shows them.
  private static func units(of text: String, _ format: Message.Format) -> Int {
    let count = text.utf16.count
    switch format {
    case .text: return count
    case .markdown:
      if text.holds("`") { return count }
      var escapes = 0
      var isEscaped = false
      for byte in text.utf8 {
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        if isEscaped { escapes += 1 }
      }
      return count - escapes
    case .html:
      var units = 0
      var rest = text.unicodeScalars[...]
      let lastEnd = rest.lastIndex(of: ">") ?? rest.startIndex
      while let scalar = rest.popFirst() {
        // No tag of Telegram's is longer but for its link; looking on from each of many signs would take for ever.
        if scalar == "<", rest.startIndex <= lastEnd, let end = rest.prefix(longestTag).firstIndex(of: ">") {
          rest = rest[end...].dropFirst()
        } else if scalar == "&", let end = rest.prefix(12).firstIndex(of: ";") {
          units += rest.first == "#" ? 2 : 1
          rest = rest[end...].dropFirst()
        } else {
          units += UTF16.width(scalar)
        }
      }
      return units
    }
  }

  private static let longestTag = 2_100

  /// Ours, not the service's.
  private static let asDocument = "as_document"

  private static func plain(_ text: String, _ format: Message.Format) -> String {
    switch format {
    case .text: text
    case .html:
      text.replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;"])
    case .markdown:
      // Before every sign that means something somewhere: a mark behind it does not make it another.
      String(
        String.UnicodeScalarView(
          text.unicodeScalars.flatMap { "_*[]()~`>#+-=|{}.!\\".unicodeScalars.contains($0) ? ["\\", $0] : [$0] }))
    }
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    send(call.content, to: call.recipients[0].target.wire)
  }

  private func send(_ content: Content, to chat: String) -> HTTPRequest {
    let fields = content.fields.filter { $0.name != Self.asDocument }
    guard let attachment = content.attachments.first else {
      let members = [JSON.Member("chat_id", Int(chat) == nil ? .string(chat) : .number(chat))]
      return .json(base + "/sendMessage", members + fields.map(Self.member))
    }
    let isPicture = ["image/jpeg", "image/png", "image/webp"].contains(attachment.type)
    let kind = isPicture && content[Self.asDocument] == nil ? "photo" : "document"
    return .multipart(
      base + (kind == "photo" ? "/sendPhoto" : "/sendDocument"),
      [Pair("chat_id", chat)] + fields.map { Pair($0.name, $0.value) }, files: [FormPart(kind, attachment)])
  }

  private static func member(_ field: Content.Field) -> JSON.Member {
    switch field.name {
    case "disable_notification", "protect_content": .init(field.name, .boolean(true))
    case "message_thread_id": .init(field.name, .number(field.value))
    case "link_preview_options": .init(field.name, .object([.init("is_disabled", .boolean(true))]))
    default: .init(field.name, .string(field.value))
    }
  }

  // MARK: Steps: a group that became a supergroup is sent to again, under its new number

  private static func newNumber(of chat: String) -> String { "chat \(chat)" }

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    let chat = call.recipients[0].target.wire
    return .send(.http(send(call.content, to: session.value(Self.newNumber(of: chat), at: now) ?? chat)))
  }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    let chat = call.recipients[0].target.wire
    let current = session.value(Self.newNumber(of: chat), at: now)
    let complaint = session.value(Self.complaint(about: call), at: now)
    let content = complaint == nil ? call.content : Self.plain(call.content)
    let wire = (200..<300).contains(response.status) ? nil : JSONAnswer(response)
    var session = session
    // Once each: a chat that moves on and on is left to the table, and a plain text has nothing to misread.
    if let new = wire?["parameters"]?["migrate_to_chat_id"]?.integer.map(String.init), current != new {
      session.set(Self.newNumber(of: chat), new, expires: now + 86_400)
      return .send(.http(send(content, to: new)), session)
    }
    if response.status == 400, complaint == nil, content["parse_mode"] != nil,
      let words = wire?["description"]?.text, words.contains(Self.misread)
    {
      session.set(Self.complaint(about: call), words, expires: now + 3_600)
      return .send(.http(send(Self.plain(content), to: current ?? chat)), session)
    }
    guard let complaint else { return .finish(answer(response, to: call, at: now)) }
    session.forget(Self.complaint(about: call))
    var answer = answer(response, to: call, at: now)
    for index in answer.outcomes.indices where answer.outcomes[index].state == .accepted {
      answer.outcomes[index].reason = "sent as plain text: \(complaint)"
    }
    return .finish(answer, session)
  }

  // MARK: Steps: what cannot be read as markup goes out as it was written

  private static let misread = "can't parse entities"

  /// What the service said of the call's markup is remembered while the plain text is under way.
  private static func complaint(about call: Call) -> String { "misread \(call.id)" }

  private static func plain(_ content: Content) -> Content {
    var content = content
    content.fields.removeAll { $0.name == "parse_mode" }
    return content
  }

  // MARK: What comes back

  /// Words of refusals (400) that are about the chat; the others are about the message.
  private static let recipientWords = [
    "chat not found", "user not found", "PEER_ID_INVALID", "upgraded to a supergroup", "rights to send", "chat_id",
  ]

  /// The bot's own codes are those of HTTP.
  private static func verdict(_ code: Int, _ text: String) -> AnswerClass {
    switch code {
    case 400: recipientWords.contains { text.contains($0) } ? .recipient : .message
    case 403: .recipient
    case 413: .message
    default: .status(code, client: .fewTimes, server: .later)
    }
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    let isSuccess = (200..<300).contains(response.status)
    if isSuccess, wire?["ok"]?.boolean == true, let id = wire?["result"]?["message_id"]?.text {
      return .all(.accepted(id: id), in: call)
    }
    let wait =
      RetryAfter.seconds(wire?["parameters"]?["retry_after"]?.integer) ?? RetryAfter.seconds(in: response, now: now)
    guard let wire, wire["ok"]?.boolean == false,
      let code = wire["error_code"]?.integer ?? (isSuccess ? nil : response.status)
    else {
      return AnswerClass.undecoded(response)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    return Self.verdict(code, wire["description"]?.text ?? "")
      .answer(to: call, code: String(code), reason: wire["description"]?.text ?? "no text", retryAfter: wait)
  }
}
