import FoundationEssentials

/// ntfy, JSON to `/` or a text to `/{topic}`, and a topic's cached messages (docs.ntfy.sh/publish, server/errors.go).
/// "First three digits of code = HTTP status."
struct NtfySandbox: ProviderSandbox {
  static let name = "ntfy"
  static let sample = SandboxSample(settings: [], send: "--to alerts \"hello\"")
  static let unrecorded: Set<String> = ["topic", "auth"]

  private enum Limit {
    static let topic = 64
    static let message = 4096
    static let attachment = 15 * 1024 * 1024
    static let json = 131_072
    static let delaySeconds = 10...259_200
    static let cacheSeconds = 43_200
  }

  private enum Code {
    static let delay = (parse: 40004, small: 40005, large: 40006)
    static let priority = 40007
    static let topic = 40009
    static let topicDisallowed = 40010
    static let notUTF8 = 40011
    static let json = 40017
    static let unauthorized = 40101
    static let forbidden = 40301
    static let attachment = 41301
    static let jsonSize = 41303
    static let requests = 42901
    static let messages = 42908
  }

  private static let priorities: Set<String> = [
    "1", "2", "3", "4", "5", "min", "low", "default", "high", "max", "urgent",
  ]

  /// Header names (each also with `x-`) and what they set.
  private static let headers: [(field: String, names: [String])] = [
    ("title", ["title", "ti", "t"]), ("priority", ["priority", "prio", "p"]), ("tags", ["tags", "tag", "ta"]),
    ("delay", ["delay", "at", "in"]), ("click", ["click"]), ("attach", ["attach", "a"]), ("actions", ["actions"]),
    ("filename", ["filename", "file", "f"]), ("icon", ["icon"]), ("email", ["email", "mail", "e"]),
    ("call", ["call"]), ("markdown", ["markdown", "md"]),
  ]

  private struct Failure: Error {
    var code: Int
    var text: String
  }

  private let accounts: [[String: String]]?
  private var sent = Remembered<(id: String, at: Int, json: WireJSON)>(capacity: 20_000)
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// Any one-part path may be a topic, so it is asked last; a topic that is another service's path (message, send,
  /// push, notifications...) can be written to with JSON only. JSON to a topic's path would be shown as text: more
  /// likely it was meant for somebody else, so it is nobody's. At `/` a JSON object is ntfy's, since those whose API is
  /// there too say so in headers or parameters.
  static func owns(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    if request.method == "GET" { return parts.count == 2 && parts[1] == "json" }
    guard request.method == "POST" || request.method == "PUT" else { return false }
    if parts.isEmpty { return request.body.first { $0 > 0x20 } == UInt8(ascii: "{") }
    return parts.count == 1 && !request.mediaType(endsWith: "json")
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    let parts = request.components
    if request.method == "GET" {
      return SandboxCall(request, .lookup, fields: WireJSON(pairs: request.query), recipients: [parts[0]])
    }
    guard let topic = parts.first else {
      do throws(FieldsError) {
        let fields = try request.jsonObject()
        return SandboxCall(request, .send, fields: fields, recipients: fields["topic"]?.scalar.map { [$0] } ?? [])
      } catch {
        return SandboxCall(request, .send, malformed: error.problem)
      }
    }
    var members = [WireMember("topic", .string(topic))]
    let text = String(validating: request.body, as: UTF8.self)
    members.append(WireMember("message", .string(text ?? "")))
    for (field, names) in Self.headers {
      let value = names.lazy.compactMap { request.headers.value("x-" + $0) ?? request.headers.value($0) }.first
      if let value = value ?? request.query.value(field) { members.append(WireMember(field, .string(value))) }
    }
    return SandboxCall(
      request, .send, fields: .object(members), recipients: [topic], malformed: text == nil ? "no UTF-8" : nil)
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    if let reply = unauthenticated(call.request) { return reply }
    if call.operation == .lookup { return poll(call, now: Int(now.timeIntervalSince1970)) }
    do throws(Failure) {
      try Self.check(call)
      if let refused = refused[0] {
        throw Failure(code: refused.code.flatMap { Int($0) } ?? Code.topicDisallowed, text: "topic name is not allowed")
      }
      return publish(call.fields, now: Int(now.timeIntervalSince1970))
    } catch {
      return Self.error(error.code, error.text, outcome: .rejected)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let (code, text) =
      switch refusal.reason {
      case .throttle: (Code.requests, "limit reached: too many requests")
      case .quota: (Code.messages, "limit reached: daily message quota reached")
      case .credentials: (Code.unauthorized, "unauthorized")
      }
    return Self.error(refusal.code.flatMap { Int($0) } ?? code, text, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }
}

// MARK: - Checks

extension NtfySandbox {
  /// A channel without a token writes to open topics: then nobody has to say who they are. Basic with an empty user
  /// and the token as password is the same as Bearer.
  private func unauthenticated(_ request: SandboxRequest) -> SandboxReply? {
    let basic = request.authorization("Basic").flatMap { Base64.decode($0.utf8) }
      .flatMap { String(validating: $0, as: UTF8.self) }
    let token = request.authorization("Bearer") ?? basic.map { String($0.drop { $0 != ":" }.dropFirst()) }
    if request.header("authorization") != nil {
      guard let token, !token.isEmpty, accounts?.contains(where: { $0["token"] == token }) ?? true else {
        return Self.error(Code.unauthorized, "unauthorized", outcome: .credentials)
      }
      return nil
    }
    let open = accounts?.contains { ($0["token"] ?? "").isEmpty } ?? true
    return open ? nil : Self.error(Code.forbidden, "forbidden", outcome: .credentials)
  }

  private static func check(_ call: SandboxCall) throws(Failure) {
    if let problem = call.malformed {
      guard call.request.path == "/" else { throw Failure(code: Code.notUTF8, text: "invalid message: \(problem)") }
      throw Failure(code: Code.json, text: "invalid request: request body must be message JSON")
    }
    if call.request.path == "/", call.request.body.count > Limit.json {
      throw Failure(code: Code.jsonSize, text: "JSON body too large")
    }
    let fields = call.fields
    guard let topic = fields["topic"]?.string, 1...Limit.topic ~= topic.utf8.count,
      topic.isMade(of: { isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") })
    else { throw Failure(code: Code.topic, text: "invalid request: topic invalid") }
    if call.request.path == "/" { try checkTypes(fields) }
    if let priority = fields["priority"], priority != .null {
      let asNumber = call.request.path == "/" ? priority.int.map { 1...5 ~= $0 } ?? false : true
      guard asNumber, priorities.contains(priority.scalar?.lowercased() ?? "") else {
        throw Failure(code: Code.priority, text: "invalid priority parameter")
      }
    }
    guard (fields["message"]?.string ?? "").utf8.count <= Limit.attachment else {
      throw Failure(code: Code.attachment, text: "attachment too large, or bandwidth limit reached")
    }
    if let delay = fields["delay"]?.scalar { try check(delay: delay) }
  }

  private static func checkTypes(_ fields: WireJSON) throws(Failure) {
    for field in ["message", "title", "click", "attach", "filename", "delay", "email", "icon"] {
      if let value = fields[field], value != .null, value.string == nil {
        throw Failure(code: Code.json, text: "invalid request: request body must be message JSON")
      }
    }
    if let tags = fields["tags"], tags != .null, tags.strings == nil {
      throw Failure(code: Code.json, text: "invalid request: request body must be message JSON")
    }
  }

  /// "10 s to 3 days". Of the forms only plain durations are read; a date in words is taken as it is.
  private static func check(delay: String) throws(Failure) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = delay.last.flatMap({ units[$0] }), let count = Int(delay.dropLast()) else { return }
    let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
    if overflow || seconds > Limit.delaySeconds.upperBound {
      throw Failure(code: Code.delay.large, text: "invalid delay parameter: too large, please refer to the docs")
    }
    if seconds < Limit.delaySeconds.lowerBound {
      throw Failure(code: Code.delay.small, text: "invalid delay parameter: too small, please refer to the docs")
    }
  }
}

// MARK: - Answers

extension NtfySandbox {
  private mutating func publish(_ fields: WireJSON, now: Int) -> SandboxReply {
    let id = String(identifiers.hexadecimal().suffix(12))
    let topic = fields["topic"]?.string ?? ""
    let text = fields["message"]?.string ?? ""
    var members = [
      WireMember("id", .string(id)), WireMember("time", .int(now)),
      WireMember("expires", .int(now + Limit.cacheSeconds)), WireMember("event", "message"),
      WireMember("topic", .string(topic)),
    ]
    for field in ["title", "priority", "tags", "click", "icon", "actions"] {
      if let value = fields[field], value != .null { members.append(WireMember(field, value)) }
    }
    if text.utf8.count > Limit.message {
      // "Longer text becomes an attachment."
      members.append(WireMember("message", "You received a file: attachment.txt"))
      members.append(
        WireMember("attachment", ["name": "attachment.txt", "type": "text/plain", "size": .int(text.utf8.count)]))
    } else {
      members.append(WireMember("message", .string(text.isEmpty ? "triggered" : text)))
    }
    sent.append((id, now, .object(members)), key: topic)
    return SandboxReply(status: 200, json: .object(members), outcome: .accepted)
  }

  /// `GET /{topic}/json?poll=1&since={time, id, all or nothing}`: a line for each message.
  private func poll(_ call: SandboxCall, now: Int) -> SandboxReply {
    let since = call.fields["since"]?.scalar ?? "all"
    var found = sent.serials(of: call.recipients[0]).compactMap { sent[$0] }.filter { $0.at + Limit.cacheSeconds > now }
    if let place = found.lastIndex(where: { $0.id == since }) {
      found.removeFirst(place + 1)
    } else if let time = Int(since) {
      found.removeAll { $0.at < time }
    }
    let lines = found.flatMap { $0.json.bytes + [UInt8(ascii: "\n")] }
    return SandboxReply(
      status: 200, headers: [FormPair("Content-Type", "application/x-ndjson; charset=utf-8")], body: lines,
      outcome: .lookup)
  }

  private static func error(_ code: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    let status = 400...599 ~= code / 100 ? code / 100 : 400
    return SandboxReply(
      status: status,
      json: [
        "code": .int(code), "http": .int(status), "error": .string(text),
        "link": "https://ntfy.sh/docs/publish/",
      ], outcome: outcome)
  }
}
