import FoundationEssentials

/// ServerChan, both of it: Turbo (`/{SENDKEY}.send`) and ServerChan 3 (`/send/{SENDKEY}.send`, keys `sctp{uid}t...`;
/// the vendor's host repeats the uid, which one port can't). From doc.sc3.ft07.com and answers quoted in public threads.
struct ServerChanSandbox: ProviderSandbox {
  static let name = "serverchan"
  static let sample = SandboxSample(settings: [#"sendkey: "SCT123456Tsandbox""#], send: "--title Hello \"hello\"")
  static let unrecorded: Set<String> = ["openid", "readkey"]

  /// "At most 32 characters, one line" and "32 KB"; what the server does beyond is unverified. It is refused here, so
  /// that nobody relies on more.
  private enum Limit {
    static let title = 32
    static let desp = 32 * 1024
    static let channels = 2
  }

  private enum Code {
    static let authentication = 40001
    /// Not documented.
    static let input = 20001
    static let wrongKey = 461
    static let usedUp = 471
  }

  private let keys: KnownSecrets
  private var lastPush = 97_909_000
  /// Read keys by push id, for the look-up.
  private var sent = Remembered<(readKey: String, at: Int)>(capacity: 10_000)
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { keys = KnownSecrets(accounts, setting: "sendkey") }

  static func owns(_ request: SandboxRequest) -> Bool {
    key(request) != nil
      || (request.method == "GET" && request.path == "/push" && request.query.value("readkey") != nil)
  }

  /// The key and whether the path is ServerChan 3's.
  private static func key(_ request: SandboxRequest) -> (key: String, third: Bool)? {
    let parts = request.components
    guard let last = parts.last, last.hasSuffix(".send") else { return nil }
    switch parts.count {
    case 1: return (String(last.dropLast(5)), false)
    case 2 where parts[0] == "send": return (String(last.dropLast(5)), true)
    default: return nil
    }
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard Self.key(request) != nil else {
      return SandboxCall(request, .lookup, fields: WireJSON(pairs: request.query))
    }
    do throws(FieldsError) {
      let fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      let extra = (fields["openid"]?.scalar ?? "").replacing("|", with: ",").items(",")
      return SandboxCall(request, .send, fields: fields, recipients: extra)
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard let (key, third) = Self.key(call.request) else { return status(call, now: now) }
    // A `sctp` key sent to the Turbo path is passed on; the other way there is nothing to pass on to.
    guard keys.contains(key), Self.isKey(key, third: third) else { return Self.wrongKey() }
    if let problem = call.malformed ?? Self.problem(in: call.fields, third: third) {
      return Self.error(400, Code.input, "[INPUT]\(problem)", info: problem, outcome: .rejected)
    }
    lastPush += 1
    let id = WireJSON.string(String(lastPush))
    // "No per-receiver result": only the record tells who was left out.
    let outcome =
      call.recipients.isEmpty ? .accepted : SandboxOutcome(failed: refused.count, of: call.recipients.count)
    if third {
      return SandboxReply(
        status: 200,
        json: [
          "code": 0, "message": "SUCCESS", "errno": 0, "error": "SUCCESS", "data": ["pushid": id, "meta": [:]],
        ], outcome: outcome)
    }
    let readKey = "SCT" + identifiers.hexadecimal()
    sent.append((readKey, Int(now.timeIntervalSince1970)), key: String(lastPush))
    return SandboxReply(
      status: 200,
      json: [
        "code": 0, "message": "",
        "data": ["pushid": id, "readkey": .string(readKey), "error": "SUCCESS", "errno": 0],
      ], outcome: outcome)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let code = refusal.code.flatMap { Int($0) }
    switch refusal.reason {
    case .credentials: return Self.wrongKey(code ?? Code.authentication)
    case .quota:
      // The same code as for a wrong key: only the text tells them apart.
      let info = "超过当天的发送次数限制[5]，请24小时后再试"
      return Self.error(
        400, code ?? Code.authentication, "[AUTH]" + info, info: info, scode: Code.usedUp, outcome: .quota)
    case .throttle:
      return Self.error(429, code ?? 429, "Too Many Requests", info: "Too Many Requests", outcome: .throttled)
        .asking(toWait: refusal.retryAfter)
    }
  }
}

extension ServerChanSandbox {
  /// `SCT...` or, by the vendor's pattern, `^sctp(\d+)t`.
  private static func isKey(_ key: String, third: Bool) -> Bool {
    if !third, key.hasPrefix("SCT") { return true }
    guard key.hasPrefix("sctp") else { return false }
    let rest = key.dropFirst(4)
    let uid = rest.prefix { $0 != "t" }
    return !uid.isEmpty && uid.utf8.allSatisfy(isDigit) && rest.utf8.count > uid.utf8.count
  }

  private static func problem(in fields: WireJSON, third: Bool) -> String? {
    // "`text` is an alias"; ServerChan 3 also takes a text without a title.
    let title = fields["title"]?.scalar ?? fields["text"]?.scalar
    if title == nil, !third || fields["desp"]?.scalar == nil { return "消息标题不能为空" }
    if let title, title.unicodeScalars.count > Limit.title || title.utf8.contains(0x0A) || title.utf8.contains(0x0D) {
      return "消息标题不能超过\(Limit.title)字且不能换行"
    }
    if (fields["desp"]?.scalar ?? "").utf8.count > Limit.desp { return "消息内容不能超过32KB" }
    if let channel = fields["channel"]?.scalar {
      let ids = channel.items("|")
      if ids.count > Limit.channels || !ids.allSatisfy({ $0.isMade(of: isDigit) }) { return "消息通道不正确" }
    }
    return nil
  }

  /// Turbo's look-up: `wxstatus` is "empty while pending, then a JSON string with errcode".
  private func status(_ call: SandboxCall, now: Date) -> SandboxReply {
    let id = call.fields["id"]?.scalar ?? ""
    guard let found = sent.serials(of: id).first.flatMap({ sent[$0] }), found.readKey == call.fields["readkey"]?.scalar
    else { return Self.wrongKey() }
    let done = Int(now.timeIntervalSince1970) > found.at
    return SandboxReply(
      status: 200,
      json: [
        "code": 0, "message": "",
        "data": ["id": .string(id), "wxstatus": done ? #"{"errcode":0,"errmsg":"ok"}"# : ""],
      ], outcome: .lookup)
  }

  private static func wrongKey(_ code: Int = Code.authentication) -> SandboxReply {
    error(400, code, "[AUTH]错误的Key", info: "错误的Key", scode: Code.wrongKey, outcome: .credentials)
  }

  private static func error(
    _ status: Int, _ code: Int, _ message: String, info: String, scode: Int = 0, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: status,
      json: [
        "message": .string(message), "code": .int(code), "info": .string(info), "args": [.null], "scode": .int(scode),
      ], outcome: outcome)
  }
}
