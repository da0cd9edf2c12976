import Digests
import FoundationEssentials

/// DingTalk's group robot, POST /robot/send (open.dingtalk.com/document/robots/custom-robot-access). HTTP 200 for
/// everything; the truth is in `errcode`.
struct DingTalkSandbox: ProviderSandbox {
  static let name = "dingtalk-robot"
  static let sample = SandboxSample(
    settings: [#"access_token: "ffffffffffffffffffffffffffffffff", secret: "SECsandbox""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["access_token", "sign"]

  private enum Limit {
    static let body = 20_000
    static let clockMilliseconds = 3_600_000
  }

  private enum Code {
    static let token = 300_005
    static let security = 310_000
    static let tooFast = 130_101
    static let parameter = 40035
    static let contentType = 43004
    static let length = 460_101
  }

  /// What each kind of message must have.
  private static let required: [String: [String]] = [
    "text": ["content"], "markdown": ["title", "text"], "link": ["title", "text", "messageUrl"],
    "actionCard": ["title", "text"], "feedCard": [],
  ]

  private let accounts: [[String: String]]?

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  static func owns(_ request: SandboxRequest) -> Bool { request.path == "/robot/send" }

  func read(_ request: SandboxRequest) -> SandboxCall {
    do throws(FieldsError) {
      return SandboxCall(request, .send, fields: try request.jsonObject())
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let query = call.request.query
    let own = accounts?.filter { $0["access_token"] == query.value("access_token") }
    guard query.value("access_token") != nil, own?.isEmpty != true else {
      return Self.reply(Code.token, "token is not exist", outcome: .credentials)
    }
    if let problem = Self.unsigned(query, secrets: own?.map { $0["secret"] ?? "" }, now: now) {
      return Self.reply(Code.security, problem, outcome: .credentials)
    }
    guard call.request.mediaType(endsWith: "json") else {
      return Self.reply(Code.contentType, "无效的HTTP HEADER Content-Type", outcome: .rejected)
    }
    guard call.request.body.count <= Limit.body else {
      return Self.reply(Code.length, "message too long, exceed \(Limit.body) bytes", outcome: .rejected)
    }
    guard call.malformed == nil else { return Self.reply(Code.parameter, "缺少参数 json", outcome: .rejected) }
    if let problem = Self.problem(in: call.fields) {
      return Self.reply(Code.parameter, problem, outcome: .rejected)
    }
    return Self.reply(0, "ok", outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let (code, text) =
      switch refusal.reason {
      case .throttle, .quota: (Code.tooFast, "send too fast, exceed 20 times per minute")
      case .credentials: (Code.token, "token is not exist")
      }
    return Self.reply(refusal.code.flatMap { Int($0) } ?? code, text, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }
}

extension DingTalkSandbox {
  /// "sign = base64(HMAC-SHA256(key = secret, message = {ms}\n{secret})), encoded once; within 1 h." An account without
  /// a secret is secured by other means and needs no signature; without known accounts one that is there is checked
  /// for its form.
  private static func unsigned(_ query: [FormPair], secrets: [String]?, now: Date) -> String? {
    let sign = query.value("sign")
    let timestamp = query.value("timestamp")
    if let secrets, secrets.contains("") { return nil }
    if secrets == nil, sign == nil, timestamp == nil { return nil }
    guard let timestamp, let milliseconds = Int(timestamp),
      abs(Int(now.timeIntervalSince1970 * 1000) - milliseconds) <= Limit.clockMilliseconds
    else { return "invalid timestamp" }
    guard let sign, Base64.decode(sign.utf8)?.count == 32 else { return "sign not match" }
    guard let secrets else { return nil }
    let matches = secrets.contains { secret in
      Base64.encode(Digest.sha256.hmac(key: secret.utf8, "\(timestamp)\n\(secret)".utf8)) == sign
    }
    return matches ? nil : "sign not match"
  }

  private static func problem(in fields: WireJSON) -> String? {
    guard let type = fields["msgtype"]?.string, let required = required[type] else { return "不支持的消息类型" }
    guard let object = fields[type], object.isObject else { return "缺少参数 \(type)" }
    for field in required where object[field]?.string?.isEmpty != false { return "缺少参数 \(type).\(field)" }
    if type == "feedCard" {
      let links = object["links"]?.array ?? []
      let complete = links.allSatisfy { $0["title"]?.scalar != nil && $0["messageURL"]?.scalar != nil }
      if links.isEmpty || !complete { return "缺少参数 feedCard.links" }
    }
    for list in ["atMobiles", "atUserIds"] {
      if let value = fields["at"]?[list], value != .null, value.strings == nil { return "参数类型错误 at.\(list)" }
    }
    return nil
  }

  private static func reply(_ code: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: 200, json: ["errcode": .int(code), "errmsg": .string(text)], outcome: outcome)
  }
}
