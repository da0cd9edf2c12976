import Core
import FoundationEssentials

/// Bark: push messages to iPhones. Section numbers are those of providers/extras.md: all of it is section 1.
package struct Bark: HTTPProvider, RepeatableProvider {
  package static let card = ProviderCard(
    name: "bark",
    summary: "Bark, push messages to iPhones through its server or one's own",
    document: "https://github.com/Finb/bark-server/blob/master/docs/API_V2.md",
    endpoint: "https://api.day.app",
    recipientsPerCall: 100,
    settings: [],
    options: [
      OptionCard("subtitle", .string, "a second head line"),
      OptionCard("level", .string, "active, timeSensitive, passive or critical; by default as priority says"),
      OptionCard("volume", .integer, "of a critical message, 0 to 10"),
      OptionCard("badge", .integer, "the number at the icon"),
      OptionCard("sound", .string, "name of the sound"),
      OptionCard("icon", .string, "URL of an icon"),
      OptionCard("image", .string, "URL of a picture", isOnce: true),
      OptionCard("group", .string, "group of messages that it is shown in"),
      OptionCard("copy", .string, "what is copied instead of the body"),
      OptionCard("auto_copy", .boolean, "whether it is copied at once"),
      OptionCard("call", .boolean, "whether the sound repeats for 30 seconds", isOnce: true),
      OptionCard("is_archive", .boolean, "whether the app keeps it"),
      OptionCard("action", .string, "none: a tap does nothing"),
      OptionCard("ciphertext", .string, "an encrypted message, as the app's documentation has it"),
      OptionCard(
        "id", .string, "a message with the same id replaces the earlier one; by default the call's", isOnce: true),
    ],
    limits: [("message", 4_096, "bytes of JSON"), ("id", 64, "bytes of UTF-8")],
    longTexts: .common,
    attachments: 0,
    notes: [
      "to: device keys. The server's limit of keys in a call is its operator's: a call that is refused is halved.",
      "body is required; title and url are used, options.image is a picture's link. Markdown goes as it is written; html"
        + " is refused.",
      "priority low is passive, high is timeSensitive.",
      "A lost answer is sent again under the same id, which replaces the message instead of doubling it.",
    ],
    example: """
      iphone: {
        provider: "bark",
        recipients: { me: ["your device key"] },
        // endpoint: "https://bark.example.com",
      }
      """)

  private let url: String

  package init(_ settings: Settings) throws(SettingFault) {
    url = try Endpoint(settings).base + "/push"
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    guard address.isToken(1...128, and: "_-") else {
      throw RecipientFault("is no device key: expected letters, digits, _ and -")
    }
    return Target(address)
  }

  private static let levels = ["active", "timeSensitive", "passive", "critical"]

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    var fields: [Content.Field] = []
    func add(_ field: String, _ text: String?) {
      if let text, !text.isEmpty { fields.append(.init(field, text)) }
    }
    add("title", message.title)
    add("subtitle", try message.stringOption("subtitle"))
    let ciphertext = try message.stringOption("ciphertext")
    add("body", ciphertext == nil ? try message.requiredBody(name) : message.body)
    add("ciphertext", ciphertext)
    add("url", message.url)
    let level = try message.stringOption("level")
    if let level, !Self.levels.contains(level) {
      throw MessageFault("options.level", "is \"\(level)\"; expected \(Self.levels.joined(separator: ", "))")
    }
    let own: String? =
      switch message.priority {
      case .low: "passive"
      case .normal: nil
      case .high: "timeSensitive"
      }
    add("level", level ?? own)
    add("volume", try message.integerOption("volume", in: 0...10).map(String.init))
    add("badge", try message.integerOption("badge", in: 0...1_000_000).map(String.init))
    for option in ["sound", "icon", "image", "group", "copy", "action"] {
      add(option, try message.stringOption(option))
    }
    for (option, field) in [("auto_copy", "autoCopy"), ("call", "call"), ("is_archive", "isArchive")] {
      add(field, try message.booleanOption(option).map { $0 ? "1" : "0" })
    }
    if let id = try message.stringOption("id") {
      try checkLength(id, "options.id", atMost: 64, name, in: .bytes)
      add("id", id)
    }
    try checkSize(JSON.object(fields.map(Self.member)), atMost: 4_096, name)
    return Content(fields)
  }

  private static func member(_ field: Content.Field) -> JSON.Member {
    let isNumber = ["volume", "badge"].contains(field.name)
    return .init(field.name, isNumber ? .number(field.value) : .string(field.value))
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let keys = call.recipients.map(\.target.wire)
    var members = [
      keys.count == 1 ? JSON.Member("device_key", .string(keys[0])) : .init("device_keys", .strings(keys))
    ]
    members += call.content.fields.map(Self.member)
    if call.content["id"] == nil { members.append(.init("id", .string(call.id))) }
    return .json(url, members)
  }

  // MARK: What comes back

  /// 500 wraps every refusal of Apple's; which one, its words say.
  private static func verdict(_ code: Int, _ text: String) -> AnswerClass {
    func speaks(of words: String...) -> Bool { words.contains { text.contains($0) } }
    switch code {
    case 400 where speaks(of: "batch push count exceeds"): return .tooLarge
    case 400 where speaks(of: "device token", "device key", "device_key"): return .recipient
    case 400: return .message
    case 500 where speaks(of: "Unregistered", "410"): return .recipient
    // Apple says it of every token, too, where the server talks to the wrong one of its two services.
    case 500 where speaks(of: "BadDeviceToken"): return .recipientPerhaps
    case 500 where speaks(of: "PayloadTooLarge"): return .message
    default: return .status(code, client: .fewTimes, server: .later)
    }
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    let isSuccess = (200..<300).contains(response.status)
    guard let wire = JSONAnswer(response), let code = wire["code"]?.integer,
      code != 200 || isSuccess
    else {
      return AnswerClass.undecoded(response)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    guard code == 200 else {
      let text = wire["message"]?.text ?? "no text"
      let verdict = Self.verdict(code, text)
      var answer = verdict.answer(to: call, code: String(code), reason: text, retryAfter: wait)
      if verdict == .tooLarge {
        answer.capacity = Self.limit(in: text).flatMap { $0 < call.recipients.count ? $0 : nil }
      }
      return answer
    }
    // Of a batch: one element a key.
    if let elements = wire["data"]?.objects, !elements.isEmpty { return perKey(elements, in: call) }
    // Success of a batch without a word about any key is none.
    return call.recipients.count == 1
      ? .all(.accepted(), in: call)
      : .all(.unconfirmed(code: "200", reason: "the answer names no keys"), in: call)
  }

  /// The server's own limit on keys, an option of it: "batch push count exceeds the maximum limit: 64".
  private static func limit(in text: String) -> Int? {
    let digits = text.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
    return Int(String(digits)).flatMap { $0 > 0 ? $0 : nil }
  }

  private func perKey(_ elements: [JSONAnswer], in call: Call) -> Answer {
    var named: [Verbatim: JSONAnswer] = [:]
    for element in elements {
      guard let key = (element["device_key"]?.text).map(Verbatim.init(_:)), named[key] == nil else { continue }
      named[key] = element
    }
    return Answer(
      call.recipients.map { recipient in
        guard let element = named[Verbatim(recipient.target.wire)], let code = element["code"]?.integer else {
          return .unconfirmed(reason: "the answer does not name this key")
        }
        if code == 200 { return .accepted() }
        let text = element["message"]?.text ?? "no text"
        // A verdict on the whole channel is not for one key to give.
        return Self.verdict(code, text).outcome(code: String(code), reason: text)
      })
  }
}
