import Core
import FoundationEssentials
import Signing

/// WxPusher: free push messages to its apps and browser add-on. Section numbers are those of providers/wxpusher.md.
package struct WxPusher: HTTPProvider {
  package static let card = ProviderCard(
    name: "wxpusher",
    summary: "WxPusher, push messages to its apps, browser add-on and WeChat",
    document: "https://wxpusher.zjiecode.com/docs/",
    endpoint: "https://wxpusher.zjiecode.com",
    recipientsPerCall: 2000,
    settings: [
      SettingCard("app_token", .string, required: true, secret: true, "the application's token, AT_...")
    ],
    options: [
      OptionCard("summary", .string, "head line, at most 100 characters; instead of the message's title"),
      OptionCard("verify_pay_type", .integer, "0 everybody, 1 paid subscribers only, 2 unpaid or expired only"),
    ],
    targetKinds: [("topic", "everybody who follows a topic, by its number: topic:123; at most 5 in a call")],
    // Section 4. The document says characters; UTF-16 units are counted, the strictest reading.
    limits: [
      ("body", 40_000, "UTF-16 units"), ("title", 100, "UTF-16 units"), ("url", 1_000, "UTF-16 units"),
      ("topics_per_call", 5, "topics"),
    ],
    rate: 2,
    dailyPerRecipient: 500,
    longTexts: .common,
    notes: [
      "to: user ids, UID_..., compared exactly as written.",
      "body is required; title is the summary; format and url are used.",
      "Accepted means that the service made a task of it; delivery comes later, and what it says of it is never final.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      alerts: {
        provider: "wxpusher",
        app_token: { env: "WXPUSHER_APP_TOKEN" },
      }
      """)

  private let url: String
  let base: String
  private let appToken: String

  package init(_ settings: Settings) throws(SettingFault) {
    guard let appToken = settings.string("app_token") else { throw SettingFault("app_token", "is missing") }
    self.appToken = appToken
    base = try Endpoint(settings).base
    url = base + "/api/send/message"
  }

  // MARK: What is sent (section 1)

  private static let people = Target.Lane("people")
  private static let topics = Target.Lane("topics", capacity: 5)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address.begins(with: "UID_") {
      guard address.utf8.count > 4, address.unicodeScalars.allSatisfy(\.isVisible) else {
        throw RecipientFault("is not a user id: expected UID_ and what follows it, without spaces")
      }
      return Target(address, lane: Self.people)
    }
    if let digits = address.behind("topic:") {
      guard PhoneNumber.isDigits(digits.utf8), let topic = Int(digits), topic > 0 else {
        throw RecipientFault("is not a topic: expected topic: and its number")
      }
      return Target(address, wire: String(topic), identity: "topic:\(topic)", lane: Self.topics)
    }
    throw RecipientFault("is neither a user id (UID_...) nor a topic (topic:123)")
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    guard let body = message.body, !body.isEmpty else {
      throw MessageFault("body", "is missing or empty; \(name) sends it")
    }
    try checkLength(body, "body", atMost: 40_000, name)
    var fields = [Content.Field("content", body), Content.Field("contentType", Self.contentType(message.format))]
    if let summary = try message.stringOption("summary") {
      try checkLength(summary, "options.summary", atMost: 100, name)
      fields.append(.init("summary", summary))
    } else if let title = message.title, !title.isEmpty {
      try checkLength(title, "title", atMost: 100, name)
      fields.append(.init("summary", title))
    }
    if let url = message.url, !url.isEmpty {
      try checkLength(url, "url", atMost: 1_000, name)
      fields.append(.init("url", url))
    }
    if let type = try message.integerOption("verify_pay_type", in: 0...2) {
      fields.append(.init("verifyPayType", String(type)))
    }
    return Content(fields)
  }

  private static func contentType(_ format: Message.Format) -> String {
    switch format {
    case .text: "1"
    case .html: "2"
    case .markdown: "3"
    }
  }

  private static let integers: Set<String> = ["contentType", "verifyPayType"]

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    var members = [JSON.Member("appToken", .string(appToken))]
    for field in call.content.fields {
      members.append(
        .init(field.name, Self.integers.contains(field.name) ? .number(field.value) : .string(field.value)))
    }
    let wires = call.recipients.map(\.target.wire)
    if call.recipients.first?.target.lane == Self.topics {
      members.append(.init("topicIds", .array(wires.map(JSON.number))))
    } else {
      members.append(.init("uids", .strings(wires)))
    }
    return HTTPRequest(
      .post, url,
      headers: [HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json")],
      body: JSON.object(members).bytes)
  }

  // MARK: What comes back (sections 2 and 3)

  /// 1000 and 1001 need more than their number.
  private static let codes = CodeTable<Int>([
    (.credentials, [1002, 1003, 1004]),
    (.fewTimes, [1005, 1009]),
    (.later, [1006, 1007]),
    (.tooLarge, [1008]),
  ])

  /// As section 3 spells it, and one more word for it; which text a limited call gets is not documented.
  private static let frequencyWords = ["频繁", "频率", "限流", "QPS", "qps"]
  /// Which texts 1001 comes with is not documented; these speak of what cannot pass the next time either.
  private static let recipientWords = ["UID", "uid", "用户", "topic", "主题"]
  private static let messageWords = ["参数", "过长", "太长", "超长", "超过", "长度", "不能为空", "content", "summary", "url"]

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let retryAfter = RetryAfter.seconds(in: response, now: now)
    guard let wire = JSONAnswer(response), let code = wire["code"]?.integer else {
      return undecoded(response, retryAfter: retryAfter, to: call)
    }
    let text = wire["msg"]?.text
    let succeeded = (200..<300).contains(response.status)
    // A list for sent messages; other shapes are of no use.
    if let elements = wire["data"]?.objects, !elements.isEmpty {
      return perTarget(elements, believable: code == 1000 && succeeded, in: call)
    }
    if response.status == 429 || response.status >= 500 {
      return AnswerClass.status(response.status, client: .fewTimes, server: .later)
        .answer(to: call, code: String(code), reason: text, retryAfter: retryAfter)
    }
    return verdict(code, text, in: call)
      .answer(to: call, code: String(code), reason: text, retryAfter: retryAfter)
  }

  /// A page of a gateway: the call did not get through. A damaged answer: it may have.
  private func undecoded(_ response: HTTPResponse, retryAfter: Double?, to call: Call) -> Answer {
    let succeeded = (200..<300).contains(response.status)
    let verdict: AnswerClass =
      if succeeded {
        JSONAnswer.looksDamaged(response.body) ? .inDoubt : .later
      } else {
        .status(response.status, client: .fewTimes, server: .later)
      }
    return verdict.answer(
      to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: retryAfter)
  }

  private func verdict(_ code: Int, _ text: String?, in call: Call) -> AnswerClass {
    switch code {
    // Success without a word about any target is none.
    case 1000: .inDoubt
    case 1001: businessError(text ?? "", in: call)
    default: Self.codes[code] ?? .fewTimes
    }
  }

  private func businessError(_ text: String, in call: Call) -> AnswerClass {
    if speaks(text, of: Self.frequencyWords) { return .throttled }
    if call.recipients.count > 1 { return .tooLarge }
    if speaks(text, of: Self.recipientWords) { return .recipient }
    if speaks(text, of: Self.messageWords) { return .message }
    return .fewTimes
  }

  private func speaks(_ text: String, of words: [String]) -> Bool {
    words.contains { text.contains($0) }
  }

  /// Elements are matched by what they name, not by position; a target that none names stays unconfirmed. Their codes mean
  /// what the answer's own mean.
  private func perTarget(_ elements: [JSONAnswer], believable: Bool, in call: Call) -> Answer {
    let named = elements.matched(to: call) { $0["uid"]?.text ?? $0["topicId"]?.text }
    var verdicts: [AnswerClass?] = []
    var isAnybodyFine = false
    let outcomes = named.map { element -> Outcome in
      guard let element else {
        isAnybodyFine = true
        return .unconfirmed(reason: "the answer does not name this target")
      }
      if believable, element["code"]?.integer == 1000 {
        isAnybodyFine = true
        return .accepted(id: element["sendRecordId"]?.text)
      }
      let verdict = verdict(of: element)
      verdicts.append(verdict)
      return verdict.outcome(code: element["code"]?.text, reason: element["status"]?.text)
    }
    if isAnybodyFine { verdicts.append(nil) }
    return Answer(outcomes, by: verdicts)
  }

  private func verdict(of element: JSONAnswer) -> AnswerClass {
    switch element["code"]?.integer {
    // No code, or a success inside an answer that is none.
    case nil, 1000?: .inDoubt
    // What is refused of this one target alone is the target's own.
    case 1001?: speaks(element["status"]?.text ?? "", of: Self.frequencyWords) ? .throttled : .recipient
    case let code?: Self.codes[code] ?? .fewTimes
    }
  }
}
