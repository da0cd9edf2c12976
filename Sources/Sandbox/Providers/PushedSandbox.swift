import FoundationEssentials

/// Pushed, POST /1/push (about.pushed.co/docs/api). The envelope of errors is documented, the names of their types are
/// not: those here are made up after the one example.
struct PushedSandbox: ProviderSandbox {
  static let name = "pushed"
  static let sample = SandboxSample(settings: [#"app_key: "sandbox", app_secret: "sandbox""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["app_key", "app_secret", "access_token", "target_alias", "pushed_id"]

  private enum Limit {
    static let content = 140
  }

  private let accounts: [[String: String]]?
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  static func owns(_ request: SandboxRequest) -> Bool { request.path == "/1/push" }

  /// "Documentation shows form-urlencoded, all known clients send JSON and are accepted."
  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST" else { return SandboxCall(request, .other) }
    do throws(FieldsError) {
      let fields = try request.bodyFields()
      // An app's subscribers have no address; a user's is a secret token.
      let target: String? =
        switch fields["target_type"]?.scalar {
        case "channel": fields["target_alias"]?.scalar
        case "pushed_id": fields["pushed_id"]?.scalar
        default: nil
        }
      return SandboxCall(request, .send, fields: fields, recipients: target.map { [$0] } ?? [])
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard call.operation == .send else { return Self.error(405, "method_not_allowed", "Use POST.", outcome: .error) }
    if let problem = call.malformed { return Self.error(400, "malformed_request", problem, outcome: .rejected) }
    if let reply = unauthenticated(call.fields) { return reply }
    if let (type, message) = Self.problem(in: call.fields) {
      return Self.error(400, type, message, outcome: .rejected)
    }
    if let refused = refused[0] {
      return Self.error(400, refused.code ?? "target_not_found", "The target was not found.", outcome: .rejected)
    }
    return SandboxReply(
      status: 200,
      json: [
        "response": [
          "type": "shipment_successfully_sent", "message": "Your shipment has been successfully sent.",
          "data": ["shipment": .string(identifiers.hexadecimal())],
        ]
      ], outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials:
      Self.error(400, refusal.code ?? "app_key_invalid", "App key is not valid.", outcome: .credentials)
    case .throttle, .quota:
      Self.error(429, refusal.code ?? "limit_reached", "The limit has been reached.", outcome: refusal.outcome)
        .asking(toWait: refusal.retryAfter)
    }
  }
}

extension PushedSandbox {
  private func unauthenticated(_ fields: WireJSON) -> SandboxReply? {
    guard let key = fields["app_key"]?.scalar, accounts?.contains(where: { $0["app_key"] == key }) ?? true else {
      return Self.error(400, "app_key_invalid", "App key is not valid.", outcome: .credentials)
    }
    let secret = fields["app_secret"]?.scalar
    let known = accounts?.contains { $0["app_key"] == key && $0["app_secret"] == secret }
    guard secret != nil, known ?? true else {
      return Self.error(400, "app_secret_invalid", "App secret is not valid.", outcome: .credentials)
    }
    return nil
  }

  private static func problem(in fields: WireJSON) -> (type: String, message: String)? {
    guard let content = fields["content"]?.scalar else { return ("content_missing", "Content is required.") }
    guard content.unicodeScalars.count <= Limit.content else {
      return ("content_too_long", "Content has more than \(Limit.content) characters.")
    }
    // What each kind of target needs besides.
    let needs =
      ["app": nil, "channel": "target_alias", "user": "access_token", "pushed_id": "pushed_id"] as [String: String?]
    guard let type = fields["target_type"]?.scalar, let need = needs[type] else {
      return ("target_type_invalid", "Target type is not valid.")
    }
    if let need, fields[need]?.scalar == nil { return ("\(need)_missing", "\(need) is required.") }
    if let type = fields["content_type"]?.scalar {
      guard type == "url", fields["content_extra"]?.scalar != nil else {
        return ("content_type_invalid", "content_type must be url, with content_extra.")
      }
    }
    return nil
  }

  private static func error(
    _ status: Int, _ type: String, _ message: String, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: status, json: ["error": ["type": .string(type), "message": .string(message)]], outcome: outcome)
  }
}
