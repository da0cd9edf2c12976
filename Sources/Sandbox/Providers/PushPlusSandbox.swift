import FoundationEssentials

/// PushPlus, from www.pushplus.plus/doc (guide/api, guide/code, guide/openApi, help/limit). HTTP 200 for everything;
/// the truth is in `code`. It plays a real-name account without membership.
struct PushPlusSandbox: ProviderSandbox {
  static let name = "pushplus"
  static let sample = SandboxSample(settings: [#"token: "0123456789abcdef0123456789abcdef""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["token", "to", "topic", "secretKey"]

  /// help/limit and guide/api, "real-name account".
  private enum Limit {
    static let title = 100
    static let content = 20_000
    static let friends = 10
    static let channels = 5
  }

  /// guide/code.
  private enum Code {
    static let ok = 200
    static let unauthorized = 401
    static let badData = 600
    static let limited = 900
    static let wrongToken = 903
    static let invalid = 999
  }

  private static let templates: Set<String> = [
    "html", "txt", "json", "markdown", "cloudMonitor", "jenkins", "route", "pay", "form", "doc", "excel",
  ]
  private static let channels: Set<String> = [
    "wechat", "webhook", "cp", "mail", "sms", "voice", "extension", "app", "clawbot", "cmcc", "qq",
  ]

  private let tokens: KnownSecrets
  private var identifiers = SandboxIdentifiers()
  /// When each short code was given out.
  private var sent = Remembered<Int>(capacity: 100_000)
  private var accessKeys: Set<String> = []

  init(accounts: [[String: String]]?) { tokens = KnownSecrets(accounts, setting: "token") }

  /// `/send`, `/send/{token}`, `/batchSend` and the open API; `/send/{key}.send` is ServerChan 3's.
  static func owns(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    if parts.first == "send" { return parts.count == 1 || (parts.count == 2 && !parts[1].hasSuffix(".send")) }
    return parts == ["batchSend"] || parts.starts(with: ["api", "common", "openApi"])
      || parts.starts(with: ["api", "open"])
  }

  /// "GET, POST, PUT, DELETE and query parameters also work; the token may be in the path."
  func read(_ request: SandboxRequest) -> SandboxCall {
    let parts = request.components
    let operation: SandboxCall.Operation =
      parts[0] != "api" ? .send : parts.last == "sendMessageResult" ? .lookup : .other
    do throws(FieldsError) {
      var fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      if parts.count == 2, operation == .send { fields = fields.merging(["token": .string(parts[1])]) }
      // "topic beats to when both are given"; without either the token's owner gets it, who has no address here.
      let recipients =
        fields["topic"]?.scalar.map { [$0] } ?? (fields["to"]?.scalar ?? "").items(",")
      return SandboxCall(request, operation, fields: fields, recipients: operation == .send ? recipients : [])
    } catch {
      return SandboxCall(request, operation, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard call.malformed == nil else { return Self.reply(Code.badData, "数据异常", outcome: .rejected) }
    switch call.request.components.last {
    case "getAccessKey": return accessKey(call)
    case "sendMessageResult": return result(call, now: now)
    default: break
    }
    guard call.operation == .send else { return Self.reply(Code.badData, "接口不存在", outcome: .error) }
    guard tokens.contains(call.fields["token"]?.scalar) else {
      return Self.reply(Code.wrongToken, "用户令牌不正确", outcome: .credentials)
    }
    if let problem = Self.problem(in: call.fields, now: now) {
      return Self.reply(Code.invalid, problem, outcome: .rejected)
    }
    if let code = refused.values.compactMap({ $0.code.flatMap { Int($0) } }).first {
      return Self.reply(code, "发送失败", outcome: .rejected)
    }
    return accept(call, refused: refused, now: now)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let (code, message) =
      switch refusal.reason {
      // One code for going too fast and for having sent enough; this text has been seen with it.
      case .throttle, .quota: (Code.limited, "请求次数过多,减少请求后2天恢复正常")
      case .credentials: (Code.wrongToken, "用户令牌不正确")
      }
    return Self.reply(refusal.code.flatMap { Int($0) } ?? code, message, outcome: refusal.outcome)
      .asking(toWait: refusal.retryAfter)
  }
}

extension PushPlusSandbox {
  /// The texts are invented; the documents only say "999 validation failed".
  private static func problem(in fields: WireJSON, now: Date) -> String? {
    for name in ["content", "title", "topic", "to", "template", "channel", "option"] {
      guard let value = fields[name], value != .null else { continue }
      if value.string == nil { return "\(name)格式不正确" }
    }
    guard let content = fields["content"]?.scalar else { return "消息内容不能为空" }
    if content.unicodeScalars.count > Limit.content { return "消息内容不能超过\(Limit.content)字" }
    if (fields["title"]?.string ?? "").unicodeScalars.count > Limit.title { return "消息标题不能超过\(Limit.title)字" }
    if let template = fields["template"]?.scalar, !templates.contains(template) { return "模板不存在" }
    // "If the server's time is later the message is not sent"; what the answer then is is not documented.
    if let timestamp = fields["timestamp"]?.wholeNumber, timestamp < Int(now.timeIntervalSince1970 * 1000) {
      return "消息已过期"
    }
    return nil
  }

  private mutating func accept(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let seconds = Int(now.timeIntervalSince1970)
    // "The rest is cut off silently", and "per-friend results are not returned": only the record tells.
    let lost = call.recipients.indices.filter { refused[$0] != nil || $0 >= Limit.friends }.count
    let outcome = call.recipients.isEmpty ? .accepted : SandboxOutcome(failed: lost, of: call.recipients.count)
    let names = (call.fields["channel"]?.scalar ?? "wechat").items(",")
    guard call.request.components[0] == "batchSend" else {
      guard names.allSatisfy(Self.channels.contains), names.count == 1 else {
        return Self.reply(Code.invalid, "渠道不存在", outcome: .rejected)
      }
      return Self.reply(Code.ok, "请求成功", data: .string(shortCode(seconds)), outcome: outcome)
    }
    // "comma lists of equal length, max 5 channels, empty places allowed".
    let options = (call.fields["option"]?.scalar).map { $0.items(",") }
    guard names.count <= Limit.channels, options == nil || options?.count == names.count else {
      return Self.reply(Code.invalid, "渠道数量不正确", outcome: .rejected)
    }
    var failed = 0
    let data = names.map { name -> WireJSON in
      guard Self.channels.contains(name) else {
        failed += 1
        return ["shortCode": "", "message": "渠道不存在", "code": .int(Code.invalid), "channel": .string(name)]
      }
      return [
        "shortCode": .string(shortCode(seconds)), "message": "请求成功，请用流水号查询最终发送结果",
        "code": .int(Code.ok), "channel": .string(name),
      ]
    }
    return Self.reply(
      Code.ok, "执行成功", data: .array(data),
      outcome: failed == 0 ? outcome : SandboxOutcome(failed: failed, of: names.count))
  }

  private mutating func shortCode(_ now: Int) -> String {
    let code = identifiers.hexadecimal()
    sent.append(now, key: code)
    return code
  }

  /// guide/openApi; which secretKey belongs to a token is not among the settings, so any will do.
  private mutating func accessKey(_ call: SandboxCall) -> SandboxReply {
    guard tokens.contains(call.fields["token"]?.scalar), call.fields["secretKey"]?.scalar != nil else {
      return Self.reply(Code.unauthorized, "请求未授权", outcome: .credentials)
    }
    let key = identifiers.hexadecimal()
    accessKeys.insert(key)
    return Self.reply(Code.ok, "请求成功", data: ["accessKey": .string(key), "expiresIn": 7200], outcome: .lookup)
  }

  /// "status 0 not sent, 1 sending, 2 sent"; how long sending takes is invented.
  private func result(_ call: SandboxCall, now: Date) -> SandboxReply {
    guard let key = call.request.header("access-key"), accessKeys.contains(key) else {
      return Self.reply(Code.unauthorized, "请求未授权", outcome: .credentials)
    }
    let serial = sent.serials(of: call.fields["shortCode"]?.scalar ?? "").first
    guard let at = serial.flatMap({ sent[$0] }) else {
      return Self.reply(Code.badData, "数据异常", outcome: .lookup)
    }
    let time = WireTime(unix: at, offset: WireTime.china)
    return Self.reply(
      Code.ok, "请求成功",
      data: [
        "status": Int(now.timeIntervalSince1970) > at ? 2 : 1, "errorMessage": "",
        "updateTime": .string("\(time.dayText) \(time.timeText)"),
      ], outcome: .lookup)
  }

  private static func reply(
    _ code: Int, _ message: String, data: WireJSON = .null, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: 200, json: ["code": .int(code), "msg": .string(message), "data": data], outcome: outcome)
  }
}
