import Digests
import FoundationEssentials

/// WeCom's application messages: gettoken, message/send, media/upload, message/recall (developer.work.weixin.qq.com/
/// document/path/91039, 90236, 94867). A token expires by the clock; the fault `credentials:on=send,code=42001` expires
/// it at once, so that only a new one goes on.
struct WeComAppSandbox: ProviderSandbox {
  static let name = "wecom-app"
  static let sample = SandboxSample(
    settings: [#"corp_id: "ww0123456789abcdef", agent_id: 1000002, secret: "sandbox""#], send: "--to zhangsan \"hello\""
  )
  static let unrecorded: Set<String> = ["corpid", "corpsecret", "access_token", "touser", "toparty", "totag"]

  private enum Limit {
    static let users = 1000
    static let groups = 100
    static let content = 2048
    static let tokenSeconds = 7200
    static let mediaSeconds = 3 * 86_400
    static let recallSeconds = 86_400
    static let duplicateSeconds = 1800...14_400
    static let uploads = [
      "image": 10 * 1024 * 1024, "voice": 2 * 1024 * 1024, "video": 10 * 1024 * 1024, "file": 20 * 1024 * 1024,
    ]
  }

  private struct Token {
    var text: String
    var corporation: String
    var secret: String
    var expires: Int
  }

  private let accounts: [[String: String]]?
  private var tokens: [Token] = []
  private var identifiers = SandboxIdentifiers()
  /// By corporation and id.
  private var media = Remembered<(type: String, at: Int)>(capacity: 10_000)
  /// What was taken, by content and receivers, and by msgid.
  private var sent = Remembered<(id: String, at: Int)>(capacity: 50_000)

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// All of `/cgi-bin/` but the group robot's part.
  static func owns(_ request: SandboxRequest) -> Bool {
    request.path.hasPrefix("/cgi-bin/") && !WeComRobotSandbox.owns(request)
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST", request.path == "/cgi-bin/message/send" else {
      let fields = (try? request.bodyFields()) ?? .object([])
      return SandboxCall(request, .other, fields: WireJSON(pairs: request.query).merging(fields))
    }
    do throws(FieldsError) {
      let fields = try request.jsonObject()
      return SandboxCall(
        request, .send, fields: fields,
        recipients: ["touser", "toparty", "totag"].flatMap { (fields[$0]?.scalar ?? "").items("|") })
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let seconds = Int(now.timeIntervalSince1970)
    do throws(WeCom.Failure) {
      if call.request.path == "/cgi-bin/gettoken" { return try token(call, now: seconds) }
      let token = try authenticate(call, now: seconds)
      switch (call.request.method, call.request.path) {
      case ("POST", "/cgi-bin/message/send"): return try send(call, token: token, refused: refused, now: seconds)
      case ("POST", "/cgi-bin/media/upload"): return try upload(call, token: token, now: seconds)
      case ("POST", "/cgi-bin/message/recall"):
        let found = sent.serials(of: call.fields["msgid"]?.scalar ?? "").first.flatMap { sent[$0] }
        guard let found, found.at + Limit.recallSeconds > seconds else {
          throw .init(WeCom.Code.parameter, "invalid msgid")
        }
        return WeCom.reply(outcome: .lookup)
      default: return SandboxReply(status: 404, body: [], outcome: .error)
      }
    } catch {
      let code = error.code
      let credentials = [
        WeCom.Code.secret, WeCom.Code.corporation, WeCom.Code.token, WeCom.Code.noToken, WeCom.Code.expired,
        WeCom.Code.agent,
      ].contains(code)
      return WeCom.error(code, error.text, outcome: credentials ? .credentials : .rejected)
    }
  }

  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let code = refusal.code.flatMap { Int($0) }
    switch refusal.reason {
    case .throttle, .quota:
      return WeCom.error(code ?? WeCom.Code.frequency, "api freq out of limit", outcome: refusal.outcome)
        .asking(toWait: refusal.retryAfter)
    case .credentials:
      if call.request.path == "/cgi-bin/gettoken" {
        return WeCom.error(code ?? WeCom.Code.secret, "invalid credential", outcome: .credentials)
      }
      let used = call.request.query.value("access_token")
      tokens.removeAll { $0.text == used }
      let text = code == WeCom.Code.expired ? "access_token expired" : "invalid access_token"
      return WeCom.error(code ?? WeCom.Code.token, text, outcome: .credentials)
    }
  }
}

// MARK: - Tokens

extension WeComAppSandbox {
  /// "Asking again early returns the same token."
  private mutating func token(_ call: SandboxCall, now: Int) throws(WeCom.Failure) -> SandboxReply {
    guard let corporation = call.fields["corpid"]?.scalar,
      accounts?.contains(where: { $0["corp_id"] == corporation }) ?? true
    else { throw .init(WeCom.Code.corporation, "invalid corpid") }
    let secret = call.fields["corpsecret"]?.scalar
    let known = accounts?.contains { $0["corp_id"] == corporation && $0["secret"] == secret }
    guard let secret, known ?? true else { throw .init(WeCom.Code.secret, "invalid credential") }
    let old = tokens.last { $0.corporation == corporation && $0.secret == secret && $0.expires > now }
    let token =
      old
      ?? Token(
        text: identifiers.hexadecimal() + identifiers.hexadecimal(), corporation: corporation, secret: secret,
        expires: now + Limit.tokenSeconds)
    if old == nil { tokens.append(token) }
    return WeCom.reply(
      [
        WireMember("access_token", .string(token.text)), WireMember("expires_in", .int(token.expires - now)),
      ], outcome: .lookup)
  }

  private func authenticate(_ call: SandboxCall, now: Int) throws(WeCom.Failure) -> Token {
    guard let text = call.request.query.value("access_token") else {
      throw .init(WeCom.Code.noToken, "access_token missing")
    }
    guard let token = tokens.last(where: { $0.text == text }) else {
      throw .init(WeCom.Code.token, "invalid access_token")
    }
    guard token.expires > now else { throw .init(WeCom.Code.expired, "access_token expired") }
    return token
  }
}

// MARK: - Sending

extension WeComAppSandbox {
  private mutating func send(
    _ call: SandboxCall, token: Token, refused: [Int: RefusedRecipient], now: Int
  ) throws(WeCom.Failure) -> SandboxReply {
    if call.malformed != nil { throw .init(WeCom.Code.characters, "invalid request character") }
    try check(agent: call.fields["agentid"], token: token)
    let users = try Self.receivers(call.fields)
    try check(call.fields, token: token, now: now)
    if !refused.isEmpty, refused.count == call.recipients.count {
      throw .init(WeCom.Code.nobody, "user & party & tag all invalid")
    }
    let key = "duplicate " + Digest.sha256.of(call.fields.text.utf8).hex
    if call.fields["enable_duplicate_check"]?.int == 1 {
      let interval = call.fields["duplicate_check_interval"]?.int ?? Limit.duplicateSeconds.lowerBound
      let first = sent.serials(of: key).last.flatMap { sent[$0] }
      // "Suppress an identical message within the interval": it is not taken a second time.
      if let first, first.at + min(interval, Limit.duplicateSeconds.upperBound) > now {
        return WeCom.reply([WireMember("msgid", .string(first.id))], outcome: .lookup)
      }
    }
    let id = identifiers.hexadecimal()
    sent.append((id, now), key: key)
    sent.append((id, now), key: id)
    var members: [WireMember] = []
    let lists = Self.failed(call, users: users, refused: refused)
    for (name, ids) in lists where !ids.isEmpty {
      members.append(WireMember(name, .string(ids.joined(separator: "|"))))
    }
    members.append(WireMember("msgid", .string(id)))
    return WeCom.reply(members, outcome: SandboxOutcome(failed: refused.count, of: max(call.recipients.count, 1)))
  }

  /// "Ids in invaliduser come back in lower case." A fault with `code=unlicenseduser` puts a user into that list.
  private static func failed(
    _ call: SandboxCall, users: Int, refused: [Int: RefusedRecipient]
  ) -> [(name: String, ids: [String])] {
    let parties = (call.fields["toparty"]?.scalar ?? "").items("|").count
    func ids(_ places: Range<Int>, unlicensed: Bool? = nil) -> [String] {
      places.filter { place in
        guard let refusal = refused[place] else { return false }
        return unlicensed.map { $0 == (refusal.code == "unlicenseduser") } ?? true
      }.map { call.recipients[$0].lowercased() }
    }
    return [
      ("invaliduser", ids(0..<users, unlicensed: false)), ("invalidparty", ids(users..<users + parties)),
      ("invalidtag", ids(users + parties..<call.recipients.count)),
      ("unlicenseduser", ids(0..<users, unlicensed: true)),
    ]
  }

  private func check(agent: WireJSON?, token: Token) throws(WeCom.Failure) {
    guard let agent = agent?.int else { throw .init(WeCom.Code.agent, "invalid agentid") }
    guard let accounts else { return }
    let known = accounts.contains {
      $0["corp_id"] == token.corporation && $0["secret"] == token.secret && $0["agent_id"] == String(agent)
    }
    guard known else { throw .init(WeCom.Code.agent, "invalid agentid") }
  }

  /// How many users are named; "max 1000; toparty, totag max 100 each".
  private static func receivers(_ fields: WireJSON) throws(WeCom.Failure) -> Int {
    for field in ["touser", "toparty", "totag"] {
      if let value = fields[field], value != .null, value.string == nil {
        throw .init(WeCom.Code.parameter, "Warning: wrong json format. \(field)")
      }
    }
    let users = (fields["touser"]?.scalar ?? "").items("|")
    guard users.count <= Limit.users else { throw .init(WeCom.Code.userCount, "invalid user list size") }
    guard !users.contains("") else { throw .init(WeCom.Code.users, "invalid user list") }
    let groups = ["toparty", "totag"].map { (fields[$0]?.scalar ?? "").items("|").count }
    guard groups.allSatisfy({ $0 <= Limit.groups }) else {
      throw .init(WeCom.Code.parameter, "too many parties or tags")
    }
    guard users.count + groups[0] + groups[1] > 0 else {
      throw .init(WeCom.Code.nobody, "touser, toparty, totag are all empty")
    }
    return users.count
  }

  private func check(_ fields: WireJSON, token: Token, now: Int) throws(WeCom.Failure) {
    guard let type = fields["msgtype"]?.string else { throw .init(WeCom.Code.messageType, "invalid message type") }
    guard let object = fields[type], object.isObject else {
      throw .init(WeCom.Code.empty, "\(type) missing or no object")
    }
    switch type {
    // "2048 bytes (cut beyond)": more is taken, and lost.
    case "text": try WeCom.text(object, "content", most: Int.max)
    case "markdown": try WeCom.text(object, "content", most: Limit.content)
    case "textcard":
      for field in ["title", "description", "url"] { try WeCom.text(object, field, most: Limit.content) }
    case "news": try WeCom.news(object)
    case "mpnews":
      guard let articles = object["articles"]?.array, 1...8 ~= articles.count else {
        throw .init(WeCom.Code.articles, "article count out of limit")
      }
      for article in articles { try check(media: article["thumb_media_id"], type: "image", token: token, now: now) }
    case "image", "voice", "video", "file":
      try check(media: object["media_id"], type: type, token: token, now: now)
    case "template_card": break
    default: throw .init(WeCom.Code.messageType, "invalid message type")
    }
    if let seconds = fields["duplicate_check_interval"], seconds != .null,
      !(1...Limit.duplicateSeconds.upperBound ~= seconds.int ?? 0)
    {
      throw .init(WeCom.Code.parameter, "invalid duplicate_check_interval")
    }
  }

  private func check(media id: WireJSON?, type: String, token: Token, now: Int) throws(WeCom.Failure) {
    let found = media.serials(of: "\(token.corporation) \(id?.scalar ?? "")").first.flatMap { media[$0] }
    guard let found, found.type == type, found.at + Limit.mediaSeconds > now else {
      throw .init(WeCom.Code.media, "invalid media_id")
    }
  }

  private mutating func upload(_ call: SandboxCall, token: Token, now: Int) throws(WeCom.Failure) -> SandboxReply {
    let type = try WeCom.upload(call.request, limits: Limit.uploads)
    let id = identifiers.hexadecimal()
    media.append((type, now), key: "\(token.corporation) \(id)")
    return WeCom.reply(
      [
        WireMember("type", .string(type)), WireMember("media_id", .string(id)),
        WireMember("created_at", .string(String(now))),
      ], outcome: .lookup)
  }
}
