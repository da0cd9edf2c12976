import Digests
import FoundationEssentials

/// Feishu's (Lark's) group robot, POST /open-apis/bot/v2/hook/{token} (open.feishu.cn/document/client-docs/bot-v3/
/// add-custom-bot). The truth is in `code`.
struct FeishuSandbox: ProviderSandbox {
  static let name = "feishu-robot"
  static let sample = SandboxSample(
    settings: [#"token: "00000000-0000-4000-8000-000000000001", secret: "sandbox""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["sign", "timestamp"]

  private enum Limit {
    static let body = 20 * 1024
    static let clockSeconds = 3600
  }

  private enum Code {
    static let badRequest = 9499
    static let token = 19001
    static let signature = 19021
    static let tooLarge = 19036
    static let frequency = 11232
  }

  private static let path = "/open-apis/bot/v2/hook/"

  /// Secrets by token; an empty one means that no signature is asked for.
  private let accounts: [(token: String, secret: String)]?

  /// `hook` is the token, or the whole address that ends in it, as the vendor hands it out.
  init(accounts: [[String: String]]?) {
    self.accounts = accounts?.map { account in
      ((account["hook"] ?? "").items("/").last { !$0.isEmpty } ?? "", account["secret"] ?? "")
    }
  }

  static func owns(_ request: SandboxRequest) -> Bool { request.path.hasPrefix(path) }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST" else { return SandboxCall(request, .other) }
    do throws(FieldsError) {
      return SandboxCall(request, .send, fields: try request.jsonObject())
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    // A slash after the token is harmless.
    let parts = call.request.components.dropFirst(4)
    let own = accounts?.filter { $0.token == parts.first }
    guard call.operation == .send, parts.count == 1, own?.isEmpty != true else {
      return Self.error(Code.token, "param invalid: incoming webhook access token invalid", outcome: .credentials)
    }
    guard call.request.body.count <= Limit.body else {
      return Self.error(Code.tooLarge, "the request body size is too large", outcome: .rejected)
    }
    guard call.malformed == nil else { return Self.error(Code.badRequest, "Bad Request", 400, outcome: .rejected) }
    guard Self.isSigned(call.fields, secrets: own?.map(\.secret), now: now) else {
      return Self.error(
        Code.signature, "sign match fail or timestamp is not within one hour from current time",
        outcome: .credentials)
    }
    guard Self.isMessage(call.fields) else {
      return Self.error(Code.badRequest, "Bad Request", 400, outcome: .rejected)
    }
    return SandboxReply(
      status: 200,
      json: [
        "code": 0, "msg": "success", "data": [:], "StatusCode": 0, "StatusMessage": "success", "Extra": .null,
      ], outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let (code, text) =
      switch refusal.reason {
      case .throttle, .quota: (Code.frequency, "frequency limited psm")
      case .credentials: (Code.token, "param invalid: incoming webhook access token invalid")
      }
    return Self.error(refusal.code.flatMap { Int($0) } ?? code, text, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }
}

extension FeishuSandbox {
  /// "sign = base64(HMAC-SHA256(key = {seconds}\n{secret}, message = empty))", in the body, within one hour.
  private static func isSigned(_ fields: WireJSON, secrets: [String]?, now: Date) -> Bool {
    let sign = fields["sign"]?.string
    let timestamp = fields["timestamp"]?.scalar
    if let secrets, secrets.contains("") { return true }
    if secrets == nil, sign == nil, timestamp == nil { return true }
    guard let sign, Base64.decode(sign.utf8)?.count == 32, let timestamp, let seconds = Int(timestamp),
      abs(Int(now.timeIntervalSince1970) - seconds) <= Limit.clockSeconds
    else { return false }
    return secrets?.contains { secret in
      Base64.encode(Digest.sha256.hmac(key: "\(timestamp)\n\(secret)".utf8, [])) == sign
    } ?? true
  }

  private static func isMessage(_ fields: WireJSON) -> Bool {
    let content = fields["content"]
    return switch fields["msg_type"]?.string {
    case "text": content?["text"]?.string?.isEmpty == false
    case "post": content?["post"]?.isObject == true
    case "image": content?["image_key"]?.scalar != nil
    case "share_chat": content?["share_chat_id"]?.scalar != nil
    case "interactive": fields["card"]?.isObject == true
    default: false
    }
  }

  /// "Error: HTTP 200 or 400."
  private static func error(
    _ code: Int, _ text: String, _ status: Int = 200, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: status, json: ["code": .int(code), "msg": .string(text), "data": [:]], outcome: outcome)
  }
}
