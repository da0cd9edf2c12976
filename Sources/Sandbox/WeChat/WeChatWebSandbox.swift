import Digests
import FoundationEssentials

/// Personal WeChat's web protocol, which has no documents: written from captures of a client that works with it
/// (Fixtures/wechat-web) and what its sources and users say. One account, at the vendor's own paths and on the hosts that
/// `X-Forwarded-Host` or `Host` names, where these name one of the vendor's.
struct WeChatWebSandbox: ProviderSandbox, PhoneSandbox {
  static let name = "wechat-web"
  static let sample = SandboxSample(settings: ["accept_risk: true"], send: "--to filehelper \"hello\"")
  static let unrecorded: Set<String> = [
    "BaseRequest", "SyncKey", "skey", "sid", "pass_ticket", "webwx_data_ticket", "ticket", "synckey",
  ]

  static let folder = "/cgi-bin/mmwebwx-bin/"
  /// Seconds that polls wait.
  static let patience = 25.0
  static let tooMuch = "1205"
  static let loggedOut = "1101"
  static let domains = [".qq.com", ".wechat.com"]

  var isPhoneAutomatic = true
  var account = WeChatWebAccount()

  /// There are no credentials to know: a login makes them.
  init(accounts: [[String: String]]?) {}

  static func owns(_ request: SandboxRequest) -> Bool {
    request.path == "/jslogin" || request.path.hasPrefix(folder) || isPhone(request)
  }

  /// The last component of the path, which says what is wanted.
  static func call(_ request: SandboxRequest) -> String {
    request.path == "/jslogin" ? "jslogin" : String(request.path.dropFirst(folder.count))
  }

  func patience(for call: SandboxCall, arrived: Date, now: Date) -> Int? {
    let waitsUntil: Date? =
      switch call.operation == .phone ? "" : Self.call(call.request) {
      case "login": account.loginPollWaits(call.request.query.value("uuid"), now: now)
      case "synccheck": syncCheckWaits(call) ? .distantFuture : nil
      default: nil
      }
    return Self.milliseconds(until: waitsUntil, arrived: arrived, now: now)
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    if call.operation == .phone { return answerPhone(call, now: now) }
    if let host = Self.meantHost(call.request), host != wantedHost(call) {
      return .notFound("\(call.request.path) is not served on \(host), but on \(wantedHost(call))")
    }
    switch Self.call(call.request) {
    case "jslogin": return drawCode(call, now: now)
    case "login": return pollLogin(call, now: now)
    case "webwxnewloginpage": return enter(call, now: now)
    case "webwxpushloginurl": return pushLogin(call, now: now)
    case "webwxlogout": return logOut(call)
    case "synccheck": return checkSync(call)
    default: break
    }
    if let problem = problem(with: call) { return Self.ret(problem) }
    if let code = refused[0]?.code { return refusal(call, code, outcome: .rejected) }
    switch Self.call(call.request) {
    case "webwxinit": return start(now: now)
    case "webwxstatusnotify": return notify(call, now: now)
    case "webwxgetcontact": return listContacts(call)
    case "webwxbatchgetcontact": return describeContacts(call)
    case "webwxsync": return sync(call, now: now)
    case "webwxuploadmedia": return takeUpload(call)
    case "webwxsendmsg", "webwxsendmsgimg", "webwxsendemoticon", "webwxsendvideomsg", "webwxsendappmsg":
      return refused.isEmpty ? send(call, now: now) : Self.ret(1, outcome: .rejected)
    case "webwxgetmsgimg", "webwxgetvoice", "webwxgetvideo", "webwxgetmedia": return giveMedia(call)
    default: return .notFound("no such call: \(call.request.path)")
    }
  }
}

// MARK: - Reading

extension WeChatWebSandbox {
  func read(_ request: SandboxRequest) -> SandboxCall {
    if Self.isPhone(request) { return Self.readPhone(request) }
    let name = Self.call(request)
    let operation: SandboxCall.Operation =
      switch name {
      case "jslogin", "login", "webwxnewloginpage", "webwxinit", "webwxstatusnotify", "webwxpushloginurl": .login
      case "synccheck", "webwxsync", "webwxgetmsgimg", "webwxgetvoice", "webwxgetvideo", "webwxgetmedia": .receive
      case "webwxuploadmedia": .upload
      case _ where name.hasPrefix("webwxsend"): .send
      default: .other
      }
    let about: WireJSON = ["call": .string(name)]
    do throws(FieldsError) {
      let query = WireJSON(pairs: request.query)
      // Uploads are read where they are taken: a record of 500 kB of multipart helps nobody.
      let body = request.method == "POST" && operation != .upload ? try Self.jsonBody(request) : .object([])
      let user = body["Msg"]?["ToUserName"]?.string
      return SandboxCall(
        request, operation, fields: about.merging(query).merging(body),
        recipients: user.map { [account.name(ofUser: $0)] } ?? [])
    } catch {
      return SandboxCall(request, operation, fields: about, malformed: error.problem)
    }
  }

  /// Bodies are raw UTF-8: whoever escapes a character gets its escape shown, so it is kept as it came.
  private static func jsonBody(_ request: SandboxRequest) throws(FieldsError) -> WireJSON {
    if request.body.isEmpty { return .object([]) }
    guard request.header("content-type") == nil || request.mediaType(endsWith: "application/json") else {
      return try request.bodyFields()
    }
    var literal = request
    literal.body = literalEscapes(request.body)
    return try literal.jsonObject()
  }

  static func literalEscapes(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      out.append(byte)
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else { continue }
      if next == UInt8(ascii: "u") { out.append(byte) }
      out.append(next)
    }
    return out
  }

  /// The vendor's host that a request was meant for; nil where it names none of them.
  private func wantedHost(_ call: SandboxCall) -> String {
    switch Self.call(call.request) {
    case "jslogin", "login": "login.weixin.qq.com"
    case "synccheck": "webpush.\(WeChatWebAccount.host)"
    case "webwxuploadmedia", "webwxgetmedia": "file.\(WeChatWebAccount.host)"
    default: WeChatWebAccount.host
    }
  }
}

// MARK: - What every call must carry

extension WeChatWebSandbox {
  static func cookies(_ request: SandboxRequest) -> [String: String] {
    var cookies: [String: String] = [:]
    for header in request.headers where header.name == "cookie" {
      for cookie in header.value.utf8.split(separator: UInt8(ascii: ";")) {
        let pair = String(Substring(cookie)).items("=")
        guard pair.count > 1 else { continue }
        cookies[String(pair[0].drop { $0 == " " })] = pair.dropFirst().joined(separator: "=")
      }
    }
    return cookies
  }

  /// `Ret` of a call that is not taken because of who makes it; nil when it is.
  func problem(with call: SandboxCall) -> Int? {
    if let code = account.problem(withCookies: Self.cookies(call.request)) { return code }
    let query = call.request.query
    let name = Self.call(call.request)
    // A percent sign too much is only tolerated in the first call, where clients have it.
    if let ticket = query.value("pass_ticket"), !account.isTicket(ticket, twice: name == "webwxinit") { return 1 }
    guard call.request.method == "POST" else {
      return query.value("skey").map { $0 == account.login.skey } ?? true ? nil : 1
    }
    guard call.operation != .upload else { return nil }
    guard call.malformed == nil else { return 1 }
    return problem(withBase: call.fields["BaseRequest"])
  }

  func problem(withBase base: WireJSON?) -> Int? {
    guard let base, base["Uin"]?.scalar == WeChatWebAccount.uin, base["Sid"]?.string == account.login.sid else {
      return 1102
    }
    guard base["Skey"]?.string == account.login.skey else { return 1 }
    // One client leaves it out.
    return base["DeviceID"].map { Self.isDevice($0.string) } ?? true ? nil : 1
  }

  /// `e` and 15 digits.
  static func isDevice(_ id: String?) -> Bool {
    guard let id else { return false }
    return id.utf8.count == 16 && id.hasPrefix("e") && String(id.dropFirst()).isMade(of: isDigit)
  }
}

// MARK: - Answers

extension WeChatWebSandbox {
  static func ret(_ code: Int, _ members: WireJSON = .object([]), outcome: SandboxOutcome? = nil) -> SandboxReply {
    let outcome = outcome ?? (code == 0 ? .lookup : 1100...1102 ~= code ? .credentials : .error)
    let base: WireJSON = ["BaseResponse": ["Ret": .int(code), "ErrMsg": ""]]
    return SandboxReply(status: 200, json: base.merging(members), outcome: outcome)
  }

  static func script(_ text: String, outcome: SandboxOutcome = .lookup) -> SandboxReply {
    SandboxReply(
      status: 200, headers: [FormPair("Content-Type", "text/javascript")], body: Array(text.utf8), outcome: outcome)
  }

  /// What a fault makes of a call: a `Ret`, or `no-id` (taken, but nothing arrives), `no-media` (an upload that is refused).
  func refusal(_ call: SandboxCall, _ code: String, outcome: SandboxOutcome) -> SandboxReply {
    let number = Int(code) ?? 0
    switch Self.call(call.request) {
    case "jslogin": return Self.script("window.QRLogin.code = \(code);", outcome: outcome)
    case "login": return Self.script("window.code=\(code);", outcome: outcome)
    case "synccheck":
      return Self.script("window.synccheck={retcode:\"\(code)\",selector:\"0\"}", outcome: outcome)
    case "webwxnewloginpage":
      return SandboxReply(
        status: 200, body: Array("<error><ret>\(number)</ret><message></message></error>".utf8), outcome: outcome)
    case "webwxpushloginurl":
      return SandboxReply(status: 200, json: ["ret": .string(code), "msg": "refused"], outcome: outcome)
    case "webwxuploadmedia": return Self.ret(number, ["MediaId": ""], outcome: outcome)
    default: return Self.ret(number, ["MsgID": "", "LocalID": ""], outcome: outcome)
    }
  }
}

extension SandboxReply {
  static func notFound(_ text: String) -> SandboxReply {
    SandboxReply(
      status: 404, headers: [FormPair("Content-Type", "text/plain")], body: Array((text + "\n").utf8), outcome: .error)
  }
}
