import FoundationEssentials

/// Bark, POST /push (Finb/bark-server, API_V2 and route_push). There are no credentials: a device key is an address.
struct BarkSandbox: ProviderSandbox {
  static let name = "bark"
  static let sample = SandboxSample(settings: [], send: "--to aaaaaaaaaaaaaaaaaaaaaa \"hello\"")
  static let unrecorded: Set<String> = ["device_key", "device_keys"]

  /// "Text within the 4 kB of APNs."
  private static let payload = 4096

  init(accounts: [[String: String]]?) {}

  /// `GET /push` is ServerChan's.
  static func owns(_ request: SandboxRequest) -> Bool { request.path == "/push" && request.method == "POST" }

  func read(_ request: SandboxRequest) -> SandboxCall {
    do throws(FieldsError) {
      let fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      return SandboxCall(request, .send, fields: fields, recipients: Self.batch(fields) ?? Self.single(fields))
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  /// "device_keys (array or comma string)".
  private static func batch(_ fields: WireJSON) -> [String]? {
    guard let keys = fields["device_keys"], keys != .null else { return nil }
    return keys.array?.map { $0.scalar ?? $0.text } ?? (keys.scalar ?? "").items(",")
  }

  private static func single(_ fields: WireJSON) -> [String] { fields["device_key"]?.scalar.map { [$0] } ?? [] }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let seconds = Int(now.timeIntervalSince1970)
    if let problem = call.malformed {
      return Self.reply(400, "request bind failed: \(problem)", seconds, outcome: .rejected)
    }
    if let keys = Self.batch(call.fields), !keys.isEmpty {
      var failed = 0
      let data = keys.enumerated().map { index, key -> WireJSON in
        guard let (code, message) = Self.failure(key, call.fields, refused[index]) else {
          return ["code": 200, "device_key": .string(key)]
        }
        failed += 1
        return ["code": .int(code), "device_key": .string(key), "message": .string(message)]
      }
      // "HTTP 200, outer code 200: partial results sit in data."
      return Self.reply(
        200, "success", seconds, data: .array(data), outcome: SandboxOutcome(failed: failed, of: keys.count))
    }
    guard let key = call.recipients.first else {
      return Self.reply(400, "device key is empty", seconds, outcome: .rejected)
    }
    if let (code, message) = Self.failure(key, call.fields, refused[0]) {
      return Self.reply(code, message, seconds, outcome: .rejected)
    }
    return Self.reply(200, "success", seconds, outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let (code, text) = refusal.reason == .credentials ? (401, "Unauthorized") : (429, "Too Many Requests")
    return Self.reply(refusal.code.flatMap { Int($0) } ?? code, text, nil, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }
}

extension BarkSandbox {
  /// "400 key unknown"; "500 push failed wraps every APNs refusal".
  private static func failure(
    _ key: String, _ fields: WireJSON, _ refused: RefusedRecipient?
  ) -> (code: Int, message: String)? {
    if key.isEmpty { return (400, "device key is empty") }
    if let refused {
      guard refused.code == "500" else {
        return (400, "failed to get device token: failed to get [\(key)] device token from database")
      }
      return (500, "push failed: BadDeviceToken")
    }
    let text = ["title", "subtitle", "body"].map { fields[$0]?.scalar ?? "" }.joined()
    return text.utf8.count > payload ? (500, "push failed: PayloadTooLarge") : nil
  }

  private static func reply(
    _ code: Int, _ message: String, _ now: Int?, data: WireJSON? = nil, outcome: SandboxOutcome
  ) -> SandboxReply {
    var members = [WireMember("code", .int(code)), WireMember("message", .string(message))]
    if let data { members.append(WireMember("data", data)) }
    if let now { members.append(WireMember("timestamp", .int(now))) }
    return SandboxReply(status: 200...599 ~= code ? code : 500, json: .object(members), outcome: outcome)
  }
}
