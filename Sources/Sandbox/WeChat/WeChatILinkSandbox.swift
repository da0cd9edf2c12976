import Digests
import FoundationEssentials

/// The iLink bot API (Tencent/openclaw-weixin, "Backend API Protocol" and the client's source): one bot and its owner.
struct WeChatILinkSandbox: ProviderSandbox, PhoneSandbox {
  static let name = "wechat-ilink"
  static let sample = SandboxSample(settings: [], send: "\"hello\"", word: #"{"text": "hi"}"#)
  static let unrecorded: Set<String> = [
    "local_token_list", "get_updates_buf", "aeskey", "context_token", "typing_ticket",
  ]

  static let folder = "/ilink/bot/"
  /// Seconds that polls wait.
  static let patience = 35.0
  static let tooMuch = "-2"
  static let loggedOut = "-14"
  static let domains = [".qq.com"]

  var isPhoneAutomatic = true
  var account = WeChatILinkAccount()

  /// There are no credentials to know: a login makes them.
  init(accounts: [[String: String]]?) {}

  static func owns(_ request: SandboxRequest) -> Bool {
    request.path.hasPrefix(folder) || request.path == "/c2c/upload" || request.path == "/c2c/download"
      || isPhone(request)
  }

  static func call(_ request: SandboxRequest) -> String {
    request.path.hasPrefix(folder) ? String(request.path.dropFirst(folder.count)) : String(request.path.dropFirst())
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    if Self.isPhone(request) { return Self.readPhone(request) }
    let name = Self.call(request)
    let operation: SandboxCall.Operation =
      switch name {
      case "get_bot_qrcode", "get_qrcode_status": .login
      case "getupdates", "c2c/download": .receive
      case "getuploadurl", "c2c/upload": .upload
      case "sendmessage": .send
      default: .other
      }
    let about: WireJSON = ["call": .string(name)]
    do throws(FieldsError) {
      let isFile = name == "c2c/upload" || name == "c2c/download"
      let body = request.body.isEmpty || isFile ? .object([]) : try request.jsonObject()
      let user = body["msg"]?["to_user_id"]?.string
      let query = isFile ? WireJSON.object([]) : WireJSON(pairs: request.query)
      return SandboxCall(
        request, operation, fields: about.merging(query).merging(body),
        recipients: user.map { [account.name(ofUser: $0)] } ?? [])
    } catch {
      return SandboxCall(request, operation, fields: about, malformed: error.problem)
    }
  }

  func patience(for call: SandboxCall, arrived: Date, now: Date) -> Int? {
    let waitsUntil: Date? =
      switch call.operation == .phone ? "" : Self.call(call.request) {
      case "get_qrcode_status": account.statusPollWaits(call.request.query, now: now)
      case "getupdates": updatesWait(call) ? .distantFuture : nil
      default: nil
      }
    return Self.milliseconds(until: waitsUntil, arrived: arrived, now: now)
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    if call.operation == .phone { return answerPhone(call, now: now) }
    if let host = Self.meantHost(call.request), host != wantedHost(call) {
      return .notFound("\(call.request.path) is not served on \(host), but on \(wantedHost(call))")
    }
    let name = Self.call(call.request)
    switch name {
    case "get_bot_qrcode": return drawCode(call, now: now)
    case "get_qrcode_status": return pollStatus(call, now: now)
    case "c2c/upload": return takeFile(call)
    case "c2c/download": return giveFile(call)
    default: break
    }
    if let problem = problem(with: call) { return problem }
    if let refused = refused[0] { return refusal(call, refused.code ?? "-2", outcome: .rejected) }
    switch name {
    case "getupdates": return giveUpdates(call)
    case "sendmessage": return send(call, now: now)
    case "getuploadurl": return prepareUpload(call)
    case "getconfig":
      guard account.hasWord else { return Self.ret(-4, "no message yet") }
      return Self.ret(0, more: ["typing_ticket": "dHlwaW5n"])
    case "sendtyping", "msg/notifystart", "msg/notifystop": return Self.ret(0)
    default: return .notFound("no such call: \(call.request.path)")
    }
  }
}

// MARK: - What every call must carry

extension WeChatILinkSandbox {
  private func wantedHost(_ call: SandboxCall) -> String {
    switch Self.call(call.request) {
    case "get_bot_qrcode": WeChatILinkAccount.loginHost
    case "get_qrcode_status": account.statusHost(call.request.query.value("qrcode"))
    case "c2c/upload", "c2c/download": WeChatILinkAccount.fileHost
    default: WeChatILinkAccount.host
    }
  }

  /// The headers without which a good token is taken for a bad one.
  static func namesClient(_ request: SandboxRequest) -> Bool {
    request.header("ilink-app-id") == "bot"
      && (request.header("ilink-app-clientversion") ?? "").isMade(of: isDigit)
  }

  /// Base64 of the decimal digits of a number of 32 bits.
  private static func isRandomNumber(_ header: String?) -> Bool {
    guard let header, let bytes = Base64.decode(header.utf8), let text = String(validating: bytes, as: UTF8.self) else {
      return false
    }
    return UInt32(text) != nil && text.isMade(of: isDigit)
  }

  static func hasBaseInfo(_ fields: WireJSON) -> Bool {
    guard let info = fields["base_info"], let version = info["channel_version"]?.string, !version.isEmpty else {
      return false
    }
    let agent = info["bot_agent"]?.string ?? ""
    return agent.utf8.count <= 256 && agent.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
  }

  private func problem(with call: SandboxCall) -> SandboxReply? {
    let request = call.request
    guard request.method == "POST", request.mediaType(endsWith: "application/json"), call.malformed == nil else {
      return SandboxReply(status: 400, json: ["ret": -1, "errmsg": "bad request"], outcome: .error)
    }
    guard request.header("authorizationtype") == "ilink_bot_token",
      let token = request.authorization("Bearer"), Self.isRandomNumber(request.header("x-wechat-uin"))
    else { return SandboxReply(status: 401, json: ["ret": -1, "errmsg": "unauthorized"], outcome: .credentials) }
    guard account.isGood(token), Self.namesClient(request) else { return expired(call) }
    guard Self.hasBaseInfo(call.fields) else { return Self.ret(-1, "base_info is missing") }
    return nil
  }

  /// One call has it in `errcode`, the others in `ret`.
  private func expired(_ call: SandboxCall) -> SandboxReply {
    Self.call(call.request) == "getupdates"
      ? SandboxReply(
        status: 200, json: ["errcode": -14, "errmsg": "session timeout", "get_updates_buf": "", "msgs": []],
        outcome: .credentials)
      : Self.ret(-14, "session timeout", outcome: .credentials)
  }

  // MARK: Answers

  static func ret(
    _ code: Int, _ text: String = "", more: WireJSON = .object([]), outcome: SandboxOutcome? = nil
  ) -> SandboxReply {
    let about: WireJSON = code == 0 ? ["ret": 0] : ["ret": .int(code), "errmsg": .string(text)]
    return SandboxReply(
      status: 200, json: about.merging(more), outcome: outcome ?? (code == 0 ? .lookup : .error))
  }

  /// What a fault makes of a call: a `ret`, or `no-id` (taken, but nothing arrives).
  func refusal(_ call: SandboxCall, _ code: String, outcome: SandboxOutcome) -> SandboxReply {
    if Self.call(call.request) == "c2c/upload" {
      let status = Int(code).flatMap { 400...599 ~= $0 ? $0 : nil } ?? 400
      return SandboxReply(
        status: status, headers: [FormPair("x-error-message", "refused")], body: [], outcome: outcome)
    }
    if code == "-14" { return expired(call) }
    if call.operation == .login { return SandboxReply(status: 200, json: ["ret": .string(code)], outcome: outcome) }
    guard let number = Int(code) else { return Self.ret(0, outcome: outcome) }
    return Self.ret(number, number == -2 ? "prepare failed" : "refused", outcome: outcome)
  }
}
