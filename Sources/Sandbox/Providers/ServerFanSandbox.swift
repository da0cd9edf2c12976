import FoundationEssentials

/// Server饭 (letserver.run; providers/serverchan.md, section 7); its open core is hack-fan/skadi. Little of it is
/// documented: "HTTP 202 without body" is the only success that is, so all successes here are that.
struct ServerFanSandbox: ProviderSandbox {
  static let name = "serverfan"
  static let sample = SandboxSample(settings: [#"token: "sandboxsandbox""#], send: "--title Hello \"hello\"")
  static let unrecorded: Set<String> = ["token"]

  private static let types: Set<String> = ["info", "warning", "text", "auto"]

  private let keys: KnownSecrets

  init(accounts: [[String: String]]?) { keys = KnownSecrets(accounts, setting: "sendkey") }

  /// `/message/{type}` and `/agent/message/{type}`; `/message` alone is Gotify's, `/message/push` PushDeer's.
  static func owns(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    guard let type = parts.last, types.contains(type) else { return false }
    return parts.dropLast() == ["message"] || parts.dropLast() == ["agent", "message"]
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    let type = WireMember("type", .string(request.components.last ?? ""))
    guard request.method == "POST" else {
      return SandboxCall(
        request, request.method == "GET" ? .send : .other,
        fields: WireJSON(pairs: request.query).merging(.object([type])))
    }
    do throws(FieldsError) {
      return SandboxCall(request, .send, fields: try request.jsonObject().merging(.object([type])))
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let viaGet = call.request.method == "GET"
    let agent = call.request.components[0] == "agent"
    guard call.operation == .send, !(viaGet && agent) else {
      return Self.error(405, "MethodNotAllowed", "method not allowed", outcome: .error)
    }
    let token = viaGet ? call.fields["token"]?.scalar : call.request.authorization("Bearer")
    guard keys.contains(token) else { return Self.error(401, "Unauthorized", "invalid token", outcome: .credentials) }
    if let problem = call.malformed { return Self.error(400, "InvalidJSON", problem, outcome: .rejected) }
    guard (viaGet ? call.fields["msg"] : call.fields["message"])?.string?.isEmpty == false else {
      return Self.error(400, "InvalidMessage", "message is required", outcome: .rejected)
    }
    return SandboxReply(status: 202, body: [], outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials: Self.error(401, refusal.code ?? "Unauthorized", "invalid token", outcome: .credentials)
    case .throttle, .quota:
      Self.error(429, refusal.code ?? "TooManyRequests", "too many requests", outcome: refusal.outcome)
        .asking(toWait: refusal.retryAfter)
    }
  }

  /// "400 with a key such as InvalidMessage and a text"; the names of the members are a guess.
  private static func error(_ status: Int, _ key: String, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: status, json: ["error": .string(key), "message": .string(text)], outcome: outcome)
  }
}
