import FoundationEssentials

/// Gotify, POST /message and an application's list (gotify/server's API description). A token is an application, and
/// whoever listens to it gets the message: nobody is addressed.
struct GotifySandbox: ProviderSandbox {
  static let name = "gotify"
  static let sample = SandboxSample(settings: [#"token: "sandbox-sandbox""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["token"]

  private let tokens: KnownSecrets
  private var applications: [String] = []
  private var sent = Remembered<WireJSON>(capacity: 20_000)

  init(accounts: [[String: String]]?) { tokens = KnownSecrets(accounts, setting: "token") }

  static func owns(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    return parts == ["message"] || (parts.count == 3 && parts[0] == "application" && parts[2] == "message")
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST", request.components.count == 1 else {
      return SandboxCall(
        request, request.method == "GET" ? .lookup : .other, fields: WireJSON(pairs: request.query))
    }
    do throws(FieldsError) {
      return SandboxCall(request, .send, fields: try request.bodyFields())
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  /// "X-Gotify-Key (preferred), Authorization: Bearer, or ?token=".
  private static func token(_ request: SandboxRequest) -> String? {
    request.query.value("token") ?? request.headers.value("x-gotify-key") ?? request.authorization("Bearer")
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    switch call.operation {
    case .send:
      guard let token = Self.token(call.request), tokens.contains(token) else { return Self.unauthorized() }
      if let problem = call.malformed ?? Self.problem(in: call.fields) {
        return Self.error(400, "Bad Request", problem, outcome: .rejected)
      }
      return send(call.fields, token: token, now: now)
    case .lookup:
      // That takes a client's token, which is no setting of the provider.
      guard Self.token(call.request) != nil else { return Self.unauthorized() }
      return list(call)
    case .login, .receive, .upload, .phone, .other:
      return Self.error(404, "Not Found", "page not found", outcome: .error)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials: Self.unauthorized()
    // It has no limits of its own; a proxy before it may.
    case .throttle, .quota:
      Self.error(429, "Too Many Requests", "too many requests", outcome: refusal.outcome)
        .asking(toWait: refusal.retryAfter)
    }
  }
}

extension GotifySandbox {
  private static func problem(in fields: WireJSON) -> String? {
    guard let message = fields["message"], message != .null, message != "" else { return "Field 'message' is required" }
    for (field, value) in [("message", fields["message"]), ("title", fields["title"])] {
      if let value, value != .null, value.string == nil { return "Field '\(field)' must be a string" }
    }
    if let priority = fields["priority"], priority != .null, priority.wholeNumber == nil {
      return "Field 'priority' must be a number"
    }
    if let extras = fields["extras"], extras != .null, !extras.isObject { return "Field 'extras' must be an object" }
    return nil
  }

  private mutating func send(_ fields: WireJSON, token: String, now: Date) -> SandboxReply {
    if !applications.contains(token) { applications.append(token) }
    let application = (applications.firstIndex(of: token) ?? 0) + 1
    var members = [
      WireMember("id", .int(sent.count + 1)), WireMember("appid", .int(application)),
      WireMember("message", fields["message"] ?? ""), WireMember("title", fields["title"] ?? ""),
      WireMember("priority", .int(fields["priority"]?.wholeNumber ?? 0)),
    ]
    if let extras = fields["extras"], extras != .null { members.append(WireMember("extras", extras)) }
    members.append(WireMember("date", .string(WireTime.rfc3339(now))))
    sent.append(.object(members), key: String(application))
    return SandboxReply(status: 200, json: .object(members), outcome: .accepted)
  }

  private func list(_ call: SandboxCall) -> SandboxReply {
    let parts = call.request.components
    let limit = min(max(call.fields["limit"]?.wholeNumber ?? 100, 1), 200)
    let serials = parts.count == 3 ? sent.serials(of: parts[1]) : Array(sent.oldest..<sent.count)
    let shown = serials.reversed().prefix(limit).compactMap { sent[$0] }
    return SandboxReply(
      status: 200,
      json: [
        "messages": .array(shown), "paging": ["size": .int(shown.count), "limit": .int(limit), "since": 0],
      ], outcome: .lookup)
  }

  private static func unauthorized() -> SandboxReply {
    error(
      401, "Unauthorized", "you need to provide a valid access token or user credentials to access this api",
      outcome: .credentials)
  }

  private static func error(
    _ status: Int, _ text: String, _ description: String, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: status,
      json: ["error": .string(text), "errorCode": .int(status), "errorDescription": .string(description)],
      outcome: outcome)
  }
}
