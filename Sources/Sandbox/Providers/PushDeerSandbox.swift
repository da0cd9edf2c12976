import FoundationEssentials

/// PushDeer, /message/push (easychen/pushdeer, api). There are no credentials: a push key is an address.
struct PushDeerSandbox: ProviderSandbox {
  static let name = "pushdeer"
  static let sample = SandboxSample(settings: [], send: "--to PDU1sandbox \"hello\"")
  static let unrecorded: Set<String> = ["pushkey"]

  private enum Limit {
    static let keys = 10
    static let perMinute = 60
  }

  /// "Argument errors and stopped accounts share one code"; which, is not in the notes.
  private static let refusedCode = 80501

  init(accounts: [[String: String]]?) {}

  static func owns(_ request: SandboxRequest) -> Bool { request.path == "/message/push" }

  func read(_ request: SandboxRequest) -> SandboxCall {
    do throws(FieldsError) {
      let fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      return SandboxCall(request, .send, fields: fields, recipients: (fields["pushkey"]?.scalar ?? "").items(","))
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let fields = call.fields
    guard call.malformed == nil, !call.recipients.isEmpty, fields["text"]?.scalar != nil,
      ["text", "markdown", "image"].contains(fields["type"]?.scalar ?? "markdown")
    else { return Self.error(Self.refusedCode, "参数错误", outcome: .rejected) }
    var seen: Set<String> = []
    var results: [String] = []
    var reached = 0
    // "Duplicates are removed, more are cut off silently."
    let places = call.recipients.indices.filter { seen.insert(call.recipients[$0]).inserted }.prefix(Limit.keys)
    for place in places {
      let unknown = !call.recipients[place].hasPrefix("PDU")
      // "Processed key by key, stops at the first unknown key or stopped account."
      guard refused[place] == nil || refused[place]?.code == "empty", !unknown else {
        let outcome: SandboxOutcome = reached == 0 ? .rejected : .partial
        if let code = refused[place]?.code.flatMap({ Int($0) }) {
          return Self.error(code, "推送失败", outcome: outcome)
        }
        return SandboxReply(status: 500, json: ["message": "Server Error"], outcome: outcome)
      }
      // The fault's `code=empty` is an owner without a device: "code 0 with an empty result".
      if refused[place] == nil {
        reached += 1
        results.append(#"{"counts":1,"logs":[],"success":"ok"}"#)
      }
    }
    return SandboxReply(
      status: 200, json: ["code": 0, "content": ["result": .strings(results)]],
      outcome: SandboxOutcome(failed: seen.count - reached, of: seen.count))
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    guard refusal.reason != .credentials else {
      return Self.error(refusal.code.flatMap { Int($0) } ?? Self.refusedCode, "推送失败", outcome: .credentials)
    }
    return SandboxReply(
      status: 429,
      headers: [
        FormPair("X-RateLimit-Limit", String(Limit.perMinute)), FormPair("X-RateLimit-Remaining", "0"),
      ], json: ["message": "Too Many Attempts."], outcome: refusal.outcome
    ).asking(toWait: refusal.retryAfter)
  }

  private static func error(_ code: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: 200, json: ["code": .int(code), "error": .string(text)], outcome: outcome)
  }
}
