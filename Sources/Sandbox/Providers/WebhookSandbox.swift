import Digests
import FoundationEssentials

/// Anybody's HTTP endpoint: whatever is posted below /webhook/ is recorded and taken. There is no vendor; whom a body
/// addresses is only known by the usual names.
struct WebhookSandbox: ProviderSandbox {
  static let name = "webhook"
  static let sample = SandboxSample(settings: [], send: "--to ops \"hello\"")
  static let unrecorded: Set<String> = []

  init(accounts: [[String: String]]?) {}

  static func owns(_ request: SandboxRequest) -> Bool {
    request.path == "/webhook" || request.path.hasPrefix("/webhook/")
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard ["POST", "PUT", "PATCH"].contains(request.method) else { return SandboxCall(request, .other) }
    let fields: WireJSON =
      if let fields = try? request.bodyFields() {
        fields
      } else if let value = try? WireJSON(parsing: request.body) {
        ["body": value]
      } else if let text = String(validating: request.body, as: UTF8.self) {
        ["body": .string(text)]
      } else {
        ["bytes": .int(request.body.count), "sha256": .string(Digest.sha256.of(request.body).hex)]
      }
    let to = ["to", "recipients", "recipient"].lazy.compactMap { fields[$0] }.first
    return SandboxCall(
      request, .send, fields: fields,
      recipients: (to?.array ?? to.map { [$0] } ?? []).compactMap { $0.scalar })
  }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard call.operation == .send else { return Self.error(405, "POST, PUT or PATCH", outcome: .error) }
    guard refused.isEmpty else { return Self.error(422, "recipient refused", outcome: .rejected) }
    return SandboxReply(status: 200, json: ["ok": true], outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let status = refusal.code.flatMap { Int($0) } ?? (refusal.reason == .credentials ? 401 : 429)
    return Self.error(400...599 ~= status ? status : 400, refusal.reason.rawValue, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }

  private static func error(_ status: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: status, json: ["ok": false, "error": .string(text)], outcome: outcome)
  }
}
