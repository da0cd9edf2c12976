import Core
import FoundationEssentials

/// Any HTTP endpoint that takes JSON.
package struct Webhook: HTTPProvider, PerhapsRepeatableProvider {
  package static let card = ProviderCard(
    name: "webhook",
    summary: "any HTTP endpoint that takes JSON",
    document: "https://www.rfc-editor.org/rfc/rfc9110",
    endpoint: nil,
    recipientsPerCall: 1_000,
    settings: [
      SettingCard(
        "url", .string, required: true, secret: true,
        "where requests go; its query goes as it is, and {to} and {call} may stand behind the host"),
      SettingCard("method", .string, "POST (default) or PUT"),
      SettingCard(
        "headers", .object, secret: true,
        "further headers; each value a string, { env: NAME }, { file: PATH } or { credential: NAME }"
      ),
      SettingCard("template", .structure, "the request's JSON, with places such as \"{body}\"; see the notes"),
      SettingCard(
        "success", .object,
        "what counts as accepted: { status: [200, 202] }, or { field: \"code\", equals: 0 }; id names the field with an "
          + "id, id_header a header"
      ),
      SettingCard(
        "answers", .object,
        "words in an answer, and what they mean: { no_credit: \"quota\" }; message, recipient, credentials, quota, "
          + "throttled, provider (later) or uncertain"),
      SettingCard(
        "escape", .string,
        "what the far side needs of texts: \"html\" (& < > become entities), \"breaks\" (a line break becomes two)"),
      SettingCard(
        "repeatable", .boolean,
        "the far side carries out once what comes twice with the same {call}: a lost answer is asked for again so"),
      SettingCard("recipients_per_call", .integer, "recipients in one request (1); with more, \"{to}\" becomes a list"),
    ],
    hasOwnTarget: true,
    templates: .either,
    notes: [
      "Places in the template: {to}, {body}, {title}, {url}, {format}, {priority}, {template}, {id} (the message's), {call} "
        + "(the request's), {params.NAME}, {text} (title, body and url, a line each) and {subject} (the title, else the "
        + "body's first line). A string that is nothing but a place is left out when the message has no such "
        + "field. A brace of its own is written {{ or }}.",
      "Without a template: { to: \"{to}\", title: \"{title}\", body: \"{body}\", url: \"{url}\" }.",
      "Without success every 2xx means accepted. 401, 403, 404, 405, 407 and 410 suspend the channel; 429 slows it down; "
        + "other 4xx reject; 5xx mean later, 504 and 408 that nobody knows. A 2xx that is no success is tried a few times. "
        + "With {to} in the url 403, 404 and 410 put off that recipient, and suspend when a second one gets the same.",
      "After 429 the channel waits as Retry-After says, or the answer's retry_after (seconds) or retry_after_ms, or until "
        + "X-RateLimit-Reset.",
      "field and id may be paths: data.status. A lost answer cannot be looked up: on_unconfirmed decides, unless the call "
        + "is repeatable.",
    ],
    example: """
      hook: {
        provider: "webhook",
        url: "https://chat.example.com/hooks/notify",
        headers: { Authorization: { env: "HOOK_AUTHORIZATION" } },
        template: { text: "{title}: {body}", user: "{to}" },
        success: { field: "ok", equals: true },
      }
      """)

  private let address: WebhookAddress
  private let method: HTTPRequest.Method
  private let headers: [HTTPHeader]
  private let template: JSONTemplate
  private let success: WebhookSuccess
  private let answers: WebhookAnswers
  private let escape: Escape?
  private let lane: Target.Lane
  package let isRepeatable: Bool

  /// What the far side reads texts as.
  private enum Escape: String, CaseIterable {
    case html, breaks

    func text(_ text: String) -> String {
      switch self {
      // Quotes are none of Slack's business: it shows their entities as they are.
      case .html: text.replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;"])
      case .breaks: text.lines.joined(separator: "\n\n")
      }
    }
  }

  private static let places: Set<String> = [
    "to", "body", "title", "url", "format", "priority", "template", "id", "call", "text", "subject",
  ]

  package init(_ settings: Settings) throws(SettingFault) {
    guard let url = settings.string("url") else { throw SettingFault("url", "is missing") }
    address = try WebhookAddress(url)
    guard let method = HTTPRequest.Method(rawValue: settings.string("method")?.uppercased() ?? "POST"),
      method == .post || method == .put
    else { throw SettingFault("method", "is neither POST nor PUT") }
    self.method = method
    headers = try Webhook.headers(settings["headers"])
    let usual = JSON.object(["to", "title", "body", "url"].map { .init($0, .string("{\($0)}")) })
    do throws(TemplateProblem) {
      template = try JSONTemplate(settings["template"] ?? usual) {
        Webhook.places.contains($0) || ($0.hasPrefix("params.") && $0.utf8.count > 7)
      }
    } catch {
      throw SettingFault("template", error.text)
    }
    success = try WebhookSuccess(settings["success"])
    answers = try WebhookAnswers(settings["answers"])
    escape = settings.string("escape").flatMap(Escape.init(rawValue:))
    guard settings.string("escape") == nil || escape != nil else {
      throw SettingFault("escape", "is none of \(Escape.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    isRepeatable = settings.boolean("repeatable") ?? false
    guard !isRepeatable || template.places.contains("call") || address.places.contains("call") else {
      throw SettingFault(
        "repeatable", "needs {call} in the template or the url, by which the far side knows a repetition")
    }
    let limit = settings.integer("recipients_per_call") ?? 1
    guard (1...Webhook.card.recipientsPerCall).contains(limit) else {
      throw SettingFault("recipients_per_call", "is not from 1 to \(Webhook.card.recipientsPerCall)")
    }
    guard limit == 1 || !template.placesInText.contains("to") else {
      throw SettingFault("template", "has {to} in the midst of a text, which several recipients in a call cannot share")
    }
    guard limit == 1 || !address.places.contains("to") else {
      throw SettingFault("url", "has {to}, which several recipients in a call cannot share")
    }
    lane = Target.Lane(capacity: limit)
  }

  private static func headers(_ value: JSON?) throws(SettingFault) -> [HTTPHeader] {
    var headers: [HTTPHeader] = []
    for member in value?.members ?? [] {
      let isToken = member.key.utf8.allSatisfy { byte in
        byte.isLetterOrDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
      guard !member.key.isEmpty, isToken,
        !["content-length", "transfer-encoding", "connection", "expect", "host"].contains(member.key.lowercased())
      else { throw SettingFault("headers", "has a name that is none, or that only the transport sets") }
      guard let text = member.value.string, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
        throw SettingFault("headers", "has a value that is no plain text: \(member.key)")
      }
      headers.append(HTTPHeader(member.key, text))
    }
    for (name, text) in [("Content-Type", "application/json"), ("Accept", "application/json")]
    where !headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
      headers.append(HTTPHeader(name, text))
    }
    return headers
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    try self.address.check(address)
    return Target(address, lane: lane)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    try refuseUnshown(message)
    let known: [(String, String?)] = [
      ("body", message.body), ("title", message.title), ("url", message.url), ("format", message.format.rawValue),
      ("priority", message.priority.rawValue), ("template", message.template), ("id", message.id),
      ("text", try wholeText(of: message)), ("subject", subject(of: message)),
    ]
    // Only what the template shows: messages that differ elsewhere may share a request.
    var fields = known.compactMap { name, value in
      template.places.contains(name) ? value.map { Content.Field(name, $0) } : nil
    }
    if case .named(let params)? = message.params {
      for param in params where template.places.contains("params.\(param.name)") {
        fields.append(.init("params.\(param.name)", param.value))
      }
    }
    return Content(fields)
  }

  private func wholeText(of message: Message) throws(MessageFault) -> String? {
    guard template.places.contains("text") else { return nil }
    let parts = [message.title, message.body, message.url].compactMap { $0 }.filter { !$0.isEmpty }
    guard !parts.isEmpty else {
      throw MessageFault("body", "is missing or empty, and there is neither title nor url: expected a text for {text}")
    }
    return parts.joined(separator: "\n")
  }

  /// One line: services that have a field for it refuse more.
  private func subject(of message: Message) -> String? {
    let title = message.title?.lines.joined(separator: " ")
    let subject = title?.isEmpty == false ? title : message.body?.lines.first { !$0.isEmpty }
    return subject.map { TextUnit.utf16.cut($0, to: Webhook.subjectLength) }
  }

  /// Of a body's first line, which may be all of it; longer than a mail's header line should be (RFC 5322).
  private static let subjectLength = 200

  /// What makes the message, and has no place in the request, would be lost without a word.
  private func refuseUnshown(_ message: Message) throws(MessageFault) {
    if message.template?.isEmpty == false, !template.places.contains("template") {
      throw MessageFault("template", "has no place in the channel's template: expected {template} there")
    }
    switch message.params {
    case .named(let params)? where !params.isEmpty:
      guard params.contains(where: { template.places.contains("params.\($0.name)") }) else {
        throw MessageFault("params", "none has a place in the channel's template: expected {params.NAME} there")
      }
    case .positional(let params)? where !params.isEmpty:
      throw MessageFault("params", "expected an object of names and strings: a webhook's places have names")
    default: break
    }
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let addresses = call.recipients.map(\.target.wire)
    let body = template.filled { place in
      switch place {
      case "to":
        if lane.capacity != 1 { return .list(addresses.filter { !$0.isEmpty }) }
        return addresses[0].isEmpty ? .nothing : .text(addresses[0])
      case "call": return .text(call.id)
      default: return call.content[place].map { .text(escape?.text($0) ?? $0) } ?? .nothing
      }
    }
    let url = address.filled { $0 == "call" ? call.id : addresses[0] }
    return HTTPRequest(method, url, headers: headers, body: body.bytes)
  }

  // MARK: What comes back

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let value = try? JSONScanner.value(of: response.body)
    guard let verdict = verdict(response, value) else {
      return .all(.accepted(id: success.id(response, value)), in: call)
    }
    let reason = String(decoding: response.body.prefix(500), as: UTF8.self)
    return verdict.answer(
      to: call, code: response.codeOfStatus, reason: reason.isEmpty ? response.reasonOfStatus : reason,
      retryAfter: Webhook.pause(response, value, now))
  }

  /// Nil for a success.
  private func verdict(_ response: HTTPResponse, _ value: JSON?) -> AnswerClass? {
    guard let verdict = success.verdict(response, value) else { return nil }
    // Words tell why something was not done, and nothing where it may have been.
    if verdict == .inDoubt { return verdict }
    if let told = answers.verdict(response) { return told }
    // Said of the one recipient whose address stands in the url, it need not be true of the next one.
    let isOfOne = address.places.contains("to") && [403, 404, 410].contains(response.status)
    return isOfOne ? .credentialsPerhaps : verdict
  }

  /// How long the far side asks to wait. Beside the header there are habits: members of the answer, and when a window of
  /// its limit ends, which others say with every answer.
  private static func pause(_ response: HTTPResponse, _ value: JSON?, _ now: Date) -> Double? {
    if let seconds = RetryAfter.seconds(in: response, now: now) { return seconds }
    guard response.status == 429 else { return nil }
    return RetryAfter.seconds(value?["retry_after"]?.number)
      ?? RetryAfter.seconds(value?["retry_after_ms"]?.number.map { $0 / 1000 })
      ?? RetryAfter.seconds(untilTimeIn: "x-ratelimit-reset", of: response, now: now)
  }
}
