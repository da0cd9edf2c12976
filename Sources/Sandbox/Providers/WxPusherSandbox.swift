import FoundationEssentials

/// WxPusher, from https://wxpusher.zjiecode.com/docs/ and the result codes of its Java SDK. HTTP 200 for everything;
/// the truth is in `code`.
struct WxPusherSandbox: ProviderSandbox {
  static let name = "wxpusher"
  static let sample = SandboxSample(settings: [#"app_token: "AT_sandbox""#], send: "--to UID_a \"hello\"")
  static let unrecorded: Set<String> = ["appToken", "uids", "uid"]

  /// "Limits" in the documents; characters are those of Java, UTF-16 units.
  private enum Limit {
    static let content = 40_000
    static let summary = 100
    static let url = 1_000
    static let uids = 2_000
    static let topics = 5
  }

  /// Result codes of the vendor's Java SDK.
  private enum Code {
    static let ok = 1000
    static let business = 1001
    static let unauthenticated = 1002
    static let noSuchInterface = 1004
    static let malformed = 1005
  }

  private let tokens: Set<String>?
  private var lastContent = 0
  /// Send records are numbered without gaps, so one that was given out is known by its number alone; it starts where
  /// no test data does. (The vendor forgets them after 7 days, longer than a sandbox lives.)
  private var lastRecord = firstRecord
  private static let firstRecord = 5_000_000

  init(accounts: [[String: String]]?) {
    tokens = accounts.map { Set($0.compactMap { $0["app_token"] }) }
  }

  static func owns(_ request: SandboxRequest) -> Bool {
    request.path.hasPrefix("/api/send/") || request.path.hasPrefix("/api/fun/")
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    let path = request.path.hasSuffix("/") ? String(request.path.dropLast()) : request.path
    switch (request.method, path) {
    case ("GET", "/api/send/message"):
      return SandboxCall(
        request, .send, fields: .object(request.query.map { WireMember($0.name, .string($0.value)) }),
        recipients: request.query.filter { $0.name == "uid" || $0.name == "topicId" }.map(\.value))
    case ("GET", _) where path.hasPrefix("/api/send/query/"):
      return SandboxCall(
        request, .lookup, fields: .object(request.query.map { WireMember($0.name, .string($0.value)) }))
    case ("POST", _):
      return readJSON(request, path == "/api/send/message" ? .send : .other)
    default:
      return SandboxCall(
        request, .other, fields: .object(request.query.map { WireMember($0.name, .string($0.value)) }))
    }
  }

  private func readJSON(_ request: SandboxRequest, _ operation: SandboxCall.Operation) -> SandboxCall {
    guard request.mediaType(endsWith: "json") else {
      let type = request.header("content-type") ?? ""
      return SandboxCall(request, operation, malformed: "Content type '\(type)' not supported")
    }
    do throws(WireJSONError) {
      let fields = try WireJSON(parsing: request.body)
      let topics = (fields["topicIds"]?.array ?? []).map { topic -> String in
        if case .number(let text) = topic { text } else { topic.text }
      }
      return SandboxCall(
        request, operation, fields: fields,
        recipients: (fields["uids"]?.array ?? []).map { $0.string ?? $0.text } + topics)
    } catch {
      return SandboxCall(
        request, operation, malformed: "JSON parse error: \(error.problem) at byte \(error.offset)")
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let path = call.request.path
    if let problem = call.malformed { return exception(path, problem) }
    switch (call.request.method, call.operation) {
    case ("GET", .send): return sendOne(call, refused: refused)
    case (_, .send): return send(call, refused: refused)
    case (_, .lookup): return status(call)
    case ("POST", _) where path == "/api/fun/create/qrcode": return qrCode(call, now: now)
    case ("DELETE", _) where path == "/api/send/message":
      return unauthenticated(call) ?? Self.reply(Code.ok, "处理成功", data: nil, outcome: .lookup)
    default: return Self.reply(Code.noSuchInterface, "接口不存在", outcome: .error)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    var (code, message) =
      switch refusal.reason {
      // The documents do not say which code a limited call gets; the texts are those of the SDK's "business error".
      case .throttle: (Code.business, "发送过于频繁，触发QPS限流，请稍后再试")
      case .quota: (Code.business, "今日发送数量已达上限")
      case .credentials: (Code.unauthenticated, "appToken不正确")
      }
    if let own = refusal.code.flatMap({ Int($0) }) { code = own }
    var reply = Self.reply(code, message, outcome: refusal.outcome)
    if let seconds = refusal.retryAfter { reply.headers.append(FormPair("Retry-After", String(seconds))) }
    return reply
  }
}

// MARK: - Sending

extension WxPusherSandbox {
  private mutating func send(_ call: SandboxCall, refused: [Int: RefusedRecipient]) -> SandboxReply {
    if let problem = Self.wrongType(in: call.fields) { return exception(call.request.path, problem) }
    if let reply = unauthenticated(call) { return reply }
    if let problem = Self.overLimit(call.fields) { return Self.reply(Code.business, problem, outcome: .rejected) }
    let uids = call.fields["uids"]?.array?.count ?? 0
    let malformed = call.recipients.indices.filter { $0 < uids && !Self.isUID(call.recipients[$0]) }
    if call.recipients.count == 1, !malformed.isEmpty {
      return Self.reply(Code.business, "UID不正确: \(call.recipients[0])", outcome: .rejected)
    }
    return accept(call, uids: uids, refused: refused, malformed: Set(malformed))
  }

  /// The GET form: one target, text only; "two uids give UID invalid" (issue 42 of wxpusher-client).
  private mutating func sendOne(_ call: SandboxCall, refused: [Int: RefusedRecipient]) -> SandboxReply {
    if let reply = unauthenticated(call) { return reply }
    let query = call.request.query
    guard let content = query.value("content"), content.utf16.count <= Limit.content else {
      return Self.reply(Code.business, "发送内容不能为空且不能超过\(Limit.content)字", outcome: .rejected)
    }
    let uid = query.value("uid")
    guard call.recipients.count == 1, uid.map(Self.isUID) ?? (Int(query.value("topicId") ?? "") != nil) else {
      return Self.reply(Code.business, "UID不正确", outcome: .rejected)
    }
    return accept(call, uids: uid == nil ? 0 : 1, refused: refused, malformed: [])
  }

  private mutating func accept(
    _ call: SandboxCall, uids: Int, refused: [Int: RefusedRecipient], malformed: Set<Int>
  ) -> SandboxReply {
    lastContent += 1
    // Written by hand, from pieces made once: 2000 elements through a tree of values would cost more than all the rest.
    let content = Array(#","messageContentId":\#(lastContent),"messageId":"#.utf8)
    let record = Array(#","sendRecordId":"#.utf8)
    let success = Array(#","code":1000,"status":"创建发送任务成功"}"#.utf8)
    var out = Array(#"{"code":1000,"msg":"处理成功","data":["#.utf8)
    out.reserveCapacity(call.recipients.count * 220 + 64)
    var failed = 0
    for (index, recipient) in call.recipients.enumerated() {
      out.append(contentsOf: (index == 0 ? #"{"uid":"# : #",{"uid":"#).utf8)
      if index < uids { WireJSON.write(recipient, to: &out) } else { out.append(contentsOf: "null".utf8) }
      out.append(contentsOf: #","topicId":"#.utf8)
      out.append(contentsOf: (index < uids ? "null" : recipient).utf8)
      out.append(contentsOf: content)
      if refused[index] != nil || malformed.contains(index) {
        failed += 1
        let code = refused[index]?.code.flatMap { Int($0) } ?? Code.business
        out.append(contentsOf: #"null,"sendRecordId":null,"code":\#(code),"status":"用户不存在或已取消关注"}"#.utf8)
      } else {
        lastRecord += 1
        WireJSON.write(lastRecord, to: &out)
        out.append(contentsOf: record)
        WireJSON.write(lastRecord, to: &out)
        out.append(contentsOf: success)
      }
    }
    out.append(contentsOf: #"],"success":true}"#.utf8)
    let outcome: SandboxOutcome =
      failed == 0 ? .accepted : failed == call.recipients.count ? .rejected : .partial
    return SandboxReply(
      status: 200, headers: [FormPair("Content-Type", "application/json;charset=utf-8")], body: out, outcome: outcome)
  }

  private static func isUID(_ text: String) -> Bool {
    text.hasPrefix("UID_") && text.utf8.count > 4 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  /// The first field whose JSON type the server's parser would not take; such a call fails as a whole with 1005.
  private static func wrongType(in fields: WireJSON) -> String? {
    guard case .object(let members) = fields else { return "JSON parse error: an object is expected" }
    for member in members {
      let fits =
        switch (member.name, member.value) {
        case (_, .null): true
        case ("appToken", let value), ("content", let value), ("summary", let value), ("url", let value):
          value.string != nil
        case ("contentType", let value), ("verifyPayType", let value): value.int != nil
        case ("verifyPay", let value): value == true || value == false
        case ("uids", let value): value.strings != nil
        case ("topicIds", let value): value.array?.allSatisfy { $0.int != nil } ?? false
        default: true
        }
      if !fits { return "JSON parse error: Cannot deserialize value of `\(member.name)`" }
    }
    return nil
  }

  private static func overLimit(_ fields: WireJSON) -> String? {
    let content = fields["content"]?.string ?? ""
    let uids = fields["uids"]?.strings ?? []
    let topics = (fields["topicIds"]?.array ?? []).compactMap(\.int)
    if content.isEmpty { return "发送内容不能为空" }
    if content.utf16.count > Limit.content { return "发送内容不能超过\(Limit.content)字" }
    if (fields["summary"]?.string ?? "").utf16.count > Limit.summary { return "消息摘要不能超过\(Limit.summary)字" }
    if (fields["url"]?.string ?? "").utf16.count > Limit.url { return "原文链接不能超过\(Limit.url)字" }
    if let type = fields["contentType"]?.int, !(1...3).contains(type) { return "contentType不正确" }
    if let type = fields["verifyPayType"]?.int, !(0...2).contains(type) { return "verifyPayType不正确" }
    if uids.isEmpty, topics.isEmpty { return "uids和topicIds不能同时为空" }
    if uids.count > Limit.uids { return "一次最多发送\(Limit.uids)个UID" }
    if topics.count > Limit.topics { return "一次最多发送\(Limit.topics)个主题" }
    if Set(uids).count < uids.count { return "uids不能重复" }
    if Set(topics).count < topics.count { return "topicIds不能重复" }
    return nil
  }
}

// MARK: - The rest

extension WxPusherSandbox {
  private func unauthenticated(_ call: SandboxCall) -> SandboxReply? {
    let token = call.fields["appToken"]?.string ?? ""
    let known = !token.isEmpty && (tokens?.contains(token) ?? true)
    return known ? nil : Self.reply(Code.unauthenticated, "appToken不正确", outcome: .credentials)
  }

  /// Both forms of the status query. What `data` holds is not documented; the Python client's own test expects 1.
  private func status(_ call: SandboxCall) -> SandboxReply {
    let last = call.request.path.split(separator: "/").last ?? ""
    let id = last == "status" ? call.request.query.value("sendRecordId") ?? "" : String(last)
    guard let number = Int(id), Self.firstRecord < number, number <= lastRecord else {
      return Self.reply(Code.business, "消息不存在", outcome: .lookup)
    }
    return Self.reply(Code.ok, "处理成功", data: 1, outcome: .lookup)
  }

  private func qrCode(_ call: SandboxCall, now: Date) -> SandboxReply {
    if let reply = unauthenticated(call) { return reply }
    let extra = call.fields["extra"]?.string ?? ""
    guard !extra.isEmpty, extra.utf16.count <= 64 else {
      return Self.reply(Code.business, "extra不能为空且不能超过64字", outcome: .rejected)
    }
    let seconds = call.fields["validTime"]?.int ?? 1_800
    let expires = (Int(now.timeIntervalSince1970) + seconds) * 1000
    let data: WireJSON = [
      "expires": .int(expires), "code": "SandboxQrCode", "shortUrl": "https://example.invalid/s",
      "url": "https://example.invalid/q.jpg", "extra": .string(extra),
    ]
    return Self.reply(Code.ok, "处理成功", data: data, outcome: .lookup)
  }

  /// "Wrong JSON types fail the whole call" with the parser's text (issues 41 and 71 of wxpusher-client).
  private func exception(_ path: String, _ problem: String) -> SandboxReply {
    Self.reply(Code.malformed, "接口 [\(path)] 出现异常：\(problem)", outcome: .rejected)
  }

  private static func reply(
    _ code: Int, _ message: String, data: WireJSON? = nil, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: 200,
      json: [
        "code": .int(code), "msg": .string(message), "data": data ?? .null, "success": .bool(code == Code.ok),
      ], outcome: outcome)
  }
}
