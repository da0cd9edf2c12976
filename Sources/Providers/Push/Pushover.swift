import Core
import FoundationEssentials
import Signing

/// Pushover: push messages to its apps. Section numbers are those of providers/pushover.md.
package struct Pushover: HTTPProvider {
  package static let card = ProviderCard(
    name: "pushover",
    summary: "Pushover, push messages to its apps and desktop clients",
    document: "https://pushover.net/api",
    endpoint: "https://api.pushover.net",
    recipientsPerCall: 50,
    settings: [SettingCard("token", .string, required: true, secret: true, "the application's token, 30 characters")],
    options: [
      OptionCard("device", .strings, "only these devices of each user; a user then has a call of his own"),
      OptionCard("priority", .integer, "-2 to 2, instead of the message's; 2 is an emergency"),
      OptionCard("retry", .integer, "emergency: seconds until it sounds again, 30 or more"),
      OptionCard("expire", .integer, "emergency: seconds until it gives up, at most 10800"),
      OptionCard("callback", .string, "emergency: URL that is told of its acknowledgement"),
      OptionCard("tags", .strings, "emergency: words by which it can be cancelled"),
      OptionCard("sound", .string, "name of the sound"),
      OptionCard("url_title", .string, "what the link is called, at most 100 characters"),
      OptionCard("timestamp", .integer, "Unix seconds to show instead of the time of arrival"),
      OptionCard("ttl", .integer, "seconds until it is removed from the devices"),
      OptionCard("monospace", .boolean, "whether it is shown in a monospace font"),
    ],
    limits: [
      ("body", 1_024, "characters"), ("title", 250, "characters"), ("url", 512, "characters"),
      ("url_title", 100, "characters"), ("device", 25, "characters"), ("attachment", 5_242_880, "bytes"),
      ("expire", 10_800, "seconds"),
    ],
    concurrency: 2,
    longTexts: .common,
    attachments: 1,
    notes: [
      "to: user or group keys, 30 letters and digits; up to 50 share a call, and each counts as a message.",
      "body is required; title, url and one attachment are used; format is text or html.",
      "priority low is -1, high is 1; options.priority 2 (emergency) needs options.retry and options.expire.",
      "The id of an emergency is its receipt; other messages have no status to ask for.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      phones: {
        provider: "pushover",
        token: { env: "PUSHOVER_TOKEN" },
      }
      """)

  private let url: String
  let base: String
  let token: String

  package init(_ settings: Settings) throws(SettingFault) {
    token = try settings.required("token")
    base = try Endpoint(settings).base
    url = base + "/1/messages.json"
  }

  // MARK: What is sent (section 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    guard address.isToken(30...30) else {
      throw RecipientFault("is no user or group key: expected 30 letters and digits")
    }
    return Target(address)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .html], name)
    try message.checkAttachments(atMost: 5_242_880, name)
    let body = try message.requiredBody(name)
    let texts = [
      ("message", "body", body, 1_024), ("title", "title", message.title, 250), ("url", "url", message.url, 512),
      ("url_title", "options.url_title", try message.stringOption("url_title"), 100),
    ]
    var fields: [Content.Field] = []
    for (field, source, text, limit) in texts {
      guard let text, !text.isEmpty else { continue }
      try checkLength(text, source, atMost: limit, name, in: .characters)
      fields.append(.init(field, text))
    }
    let isMonospace = try message.booleanOption("monospace") ?? false
    if message.format == .html {
      guard !isMonospace else { throw MessageFault("options.monospace", "cannot be combined with format html") }
      // Never html=0 or html=False: the field is there or it isn't.
      fields.append(.init("html", "1"))
    } else if isMonospace {
      fields.append(.init("monospace", "1"))
    }
    fields += try priority(of: message)
    if let sound = try message.stringOption("sound") { fields.append(.init("sound", sound)) }
    if let time = try message.integerOption("timestamp", in: 1...253_402_300_799) {
      fields.append(.init("timestamp", String(time)))
    }
    if let seconds = try message.integerOption("ttl", in: 1...31_536_000) {
      fields.append(.init("ttl", String(seconds)))
    }
    let devices = try devices(of: message)
    if let devices { fields.append(.init("device", devices)) }
    var content = Content(fields)
    // Several users in a call would get it on all their devices.
    if devices != nil { content.capacity = 1 }
    return content
  }

  private func devices(of message: Message) throws(MessageFault) -> String? {
    guard let devices = try message.stringsOption("device"), !devices.isEmpty else { return nil }
    for device in devices {
      guard device.isToken(1...25, and: "_-") else {
        throw MessageFault("options.device", "holds what is no device name: expected up to 25 letters, digits, _ and -")
      }
    }
    return devices.joined(separator: ",")
  }

  private func priority(of message: Message) throws(MessageFault) -> [Content.Field] {
    let own: Int? =
      switch message.priority {
      case .low: -1
      case .normal: nil
      case .high: 1
      }
    let priority = try message.integerOption("priority", in: -2...2) ?? own
    let retry = try message.integerOption("retry", in: 30...10_800)
    let expire = try message.integerOption("expire", in: 1...10_800)
    let callback = try message.stringOption("callback")
    let tags = try message.stringsOption("tags") ?? []
    guard priority == 2 else {
      let given = [
        ("retry", retry != nil), ("expire", expire != nil), ("callback", callback != nil), ("tags", !tags.isEmpty),
      ]
      if let stray = given.first(where: { $0.1 })?.0 {
        throw MessageFault("options.\(stray)", "is for emergencies only: it goes with options.priority 2")
      }
      return priority.map { [.init("priority", String($0))] } ?? []
    }
    guard let retry else {
      throw MessageFault("options.retry", "is missing; an emergency needs it, 30 seconds or more")
    }
    guard let expire else {
      throw MessageFault("options.expire", "is missing; an emergency needs it, at most 10800 seconds")
    }
    guard !tags.contains(where: { $0.isEmpty || $0.holds(",") }) else {
      throw MessageFault("options.tags", "holds an empty tag or one with a comma")
    }
    var fields: [Content.Field] = [
      .init("priority", "2"), .init("retry", String(retry)), .init("expire", String(expire)),
    ]
    if let callback { fields.append(.init("callback", callback)) }
    if !tags.isEmpty { fields.append(.init("tags", tags.joined(separator: ","))) }
    return fields
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let users = call.recipients.map(\.target.wire).joined(separator: ",")
    let pairs =
      [Pair("token", token), Pair("user", users)] + call.content.fields.map { Pair($0.name, $0.value) }
    guard let attachment = call.content.attachments.first else { return .form(url, pairs) }
    return .multipart(url, pairs, files: [FormPart("attachment", attachment)])
  }

  // MARK: What comes back (sections 2 and 3)

  /// There are no codes: the field complained about is a member of its own, and where none is named, the words tell.
  private static func complaint(_ wire: JSONAnswer, _ words: String) -> AnswerClass {
    if wire["token"] != nil { return .credentials }
    if wire["user"] != nil || wire["device"] != nil { return .recipient }
    if words.contains("token") { return .credentials }
    return ["user", "device", "group"].contains { words.contains($0) } ? .recipient : .message
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    let errors = (wire?["errors"]?.list ?? []).compactMap(\.text)
    let isSuccess = (200..<300).contains(response.status)
    if isSuccess, let wire, wire["status"]?.integer == 1 {
      return .all(.accepted(id: wire["receipt"]?.text ?? wire["request"]?.text), in: call)
    }
    let verdict: AnswerClass
    var wait = RetryAfter.seconds(in: response, now: now)
    if let wire, wire["status"]?.integer == 0, response.status < 500, response.status != 413 {
      // Section 3: 429 is the month's quota, not a matter of pace.
      verdict = response.status == 429 ? .quota : Self.complaint(wire, errors.joined(separator: " "))
      wait = wait ?? RetryAfter.seconds(untilTimeIn: "x-limit-app-reset", of: response, now: now)
    } else {
      // "Never resend unchanged": repeated 4xx get the address blocked, so a large attachment isn't split either.
      verdict = response.status == 413 ? .message : .undecoded(response, client: .message)
    }
    return verdict.answer(
      to: call, code: response.codeOfStatus,
      reason: errors.isEmpty ? response.reasonOfStatus : errors.joined(separator: "; "), retryAfter: wait)
  }
}
