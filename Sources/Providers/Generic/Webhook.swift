import Core
import FoundationEssentials

/// Any HTTP endpoint that takes JSON.
package struct Webhook: HTTPProvider {
  package static let card = ProviderCard(
    name: "webhook",
    summary: "any HTTP endpoint that takes JSON",
    document: "https://www.rfc-editor.org/rfc/rfc9110",
    endpoint: nil,
    recipientsPerCall: 1_000,
    settings: [
      SettingCard("url", .string, required: true, secret: true, "where requests go; its query goes as it is"),
      SettingCard("method", .string, "POST (default) or PUT"),
      SettingCard(
        "headers", .object, secret: true,
        "further headers; each value a string, { env: NAME }, { file: PATH } or { credential: NAME }"
      ),
      SettingCard("template", .structure, "the request's JSON, with places such as \"{body}\"; see the notes"),
      SettingCard(
        "success", .object,
        "what counts as accepted: { status: [200, 202] }, or { field: \"code\", equals: 0 }; id names the field with an id"
      ),
      SettingCard("recipients_per_call", .integer, "recipients in one request (1); with more, \"{to}\" becomes a list"),
    ],
    hasOwnTarget: true,
    templates: .either,
    notes: [
      "Places in the template: {to}, {body}, {title}, {url}, {format}, {priority}, {template}, {id} (the message's), {call} "
        + "(the request's) and {params.NAME}. A string that is nothing but a place is left out when the message has no such "
        + "field. A brace of its own is written {{ or }}.",
      "Without a template: { to: \"{to}\", title: \"{title}\", body: \"{body}\", url: \"{url}\" }.",
      "Without success every 2xx means accepted. 401, 403, 404, 405, 407 and 410 suspend the channel; 429 slows it down; "
        + "other 4xx reject; 5xx mean later, 504 and 408 that nobody knows. A 2xx that is no success is tried a few times.",
      "field and id may be paths: data.status. A lost answer cannot be looked up: on_unconfirmed decides.",
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

  private let url: String
  private let method: HTTPRequest.Method
  private let headers: [HTTPHeader]
  private let template: JSONTemplate
  private let success: Success
  private let lane: Target.Lane

  private static let places: Set<String> = [
    "to", "body", "title", "url", "format", "priority", "template", "id", "call",
  ]

  package init(_ settings: Settings) throws(SettingFault) {
    guard let url = settings.string("url") else { throw SettingFault("url", "is missing") }
    self.url = try Webhook.checked(url)
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
    success = try Success(settings["success"])
    let limit = settings.integer("recipients_per_call") ?? 1
    guard (1...Webhook.card.recipientsPerCall).contains(limit) else {
      throw SettingFault("recipients_per_call", "is not from 1 to \(Webhook.card.recipientsPerCall)")
    }
    guard limit == 1 || !template.placesInText.contains("to") else {
      throw SettingFault("template", "has {to} in the midst of a text, which several recipients in a call cannot share")
    }
    lane = Target.Lane(capacity: limit)
  }

  private static func checked(_ url: String) throws(SettingFault) -> String {
    let query = url.firstIndex(of: "?").map { url[$0...] } ?? ""
    do throws(SettingFault) {
      let endpoint = try Endpoint(Settings(endpoint: String(url.dropLast(query.count)), values: [:]))
      guard query.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
        throw SettingFault("url", "has a query with characters that must be percent-encoded")
      }
      return endpoint.base + (endpoint.path.isEmpty ? "/" : "") + query
    } catch {
      throw SettingFault("url", error.problem)
    }
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

  package func target(_ address: String) throws(RecipientFault) -> Target { Target(address, lane: lane) }

  package func content(of message: Message) throws(MessageFault) -> Content {
    try refuseUnshown(message)
    let known: [(String, String?)] = [
      ("body", message.body), ("title", message.title), ("url", message.url), ("format", message.format.rawValue),
      ("priority", message.priority.rawValue), ("template", message.template), ("id", message.id),
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
      default: return call.content[place].map(JSONTemplate.Filling.text) ?? .nothing
      }
    }
    return HTTPRequest(method, url, headers: headers, body: body.bytes)
  }

  // MARK: What comes back

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let value = try? JSONScanner.value(of: response.body)
    let verdict = success.verdict(response, value)
    guard let verdict else { return .all(.accepted(id: success.id(in: value)), in: call) }
    let reason = String(decoding: response.body.prefix(500), as: UTF8.self)
    return verdict.answer(
      to: call, code: response.codeOfStatus, reason: reason.isEmpty ? response.reasonOfStatus : reason,
      retryAfter: RetryAfter.seconds(in: response, now: now))
  }

  /// What counts as accepted.
  private struct Success: Sendable {
    private var statuses: [Int]?
    private var field: [Substring]?
    private var expected = JSON.null
    private var id: [Substring]?

    init(_ value: JSON?) throws(SettingFault) {
      for member in value?.members ?? [] {
        switch (member.key, member.value) {
        case ("status", .array(let values)) where !values.isEmpty:
          statuses = values.compactMap(\.integer)
          guard statuses?.count == values.count, statuses?.allSatisfy({ (200..<300).contains($0) }) == true else {
            throw SettingFault("success", "has a status that is no number from 200 to 299")
          }
        case ("field", .string(let path)) where !path.isEmpty: field = path.split(separator: ".")
        case ("id", .string(let path)) where !path.isEmpty: id = path.split(separator: ".")
        case ("equals", .string), ("equals", .number), ("equals", .boolean): expected = member.value
        default: throw SettingFault("success", "has \(member.key), which is unknown or of the wrong kind")
        }
      }
      guard (field == nil) == (expected == .null) else {
        throw SettingFault("success", "needs field and equals together")
      }
    }

    /// Nil for a success.
    func verdict(_ response: HTTPResponse, _ value: JSON?) -> AnswerClass? {
      guard (200..<300).contains(response.status) else {
        return .status(response.status, client: .refused, server: .later)
      }
      if let statuses, !statuses.contains(response.status) { return .fewTimes }
      guard let field else { return nil }
      guard let value else { return JSONAnswer.looksDamaged(response.body) ? .inDoubt : .later }
      guard let found = Success.text(Success.find(field, in: value)) else { return .inDoubt }
      return found == Success.text(expected) ? nil : .fewTimes
    }

    func id(in value: JSON?) -> String? {
      id.flatMap { path in value.flatMap { Success.text(Success.find(path, in: $0)) } }
    }

    private static func find(_ path: [Substring], in value: JSON) -> JSON? {
      path.reduce(value as JSON?) { $0?[String($1)] }
    }

    /// `0` and `"0"` are the same code.
    private static func text(_ value: JSON?) -> String? {
      switch value {
      case .string(let text)?, .number(let text)?: text
      case .boolean(let flag)?: flag ? "true" : "false"
      default: nil
      }
    }
  }
}
