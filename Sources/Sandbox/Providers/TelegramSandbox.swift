import FoundationEssentials

/// Telegram's Bot API, sendMessage, sendPhoto, sendDocument and getMe (core.telegram.org/bots/api). JSON, form,
/// multipart or query; HTTP status and `error_code` are the same.
struct TelegramSandbox: ProviderSandbox {
  static let name = "telegram"
  static let sample = SandboxSample(
    settings: [#"token: "123456789:sandbox-sandbox-sandbox""#], send: "--to 42 \"hello\"")
  static let unrecorded: Set<String> = ["chat_id"]

  private enum Limit {
    static let text = 4096
    static let caption = 1024
    static let photo = 10 * 1024 * 1024
    static let document = 50 * 1024 * 1024
  }

  private let tokens: KnownSecrets
  private var lastMessage = 41

  init(accounts: [[String: String]]?) { tokens = KnownSecrets(accounts, setting: "token") }

  /// `/bot{token}/{method}`. A topic of ntfy may begin with "bot" too; what may follow that is never a method.
  static func owns(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    return parts.count == 2 && parts[0].hasPrefix("bot")
      && !["json", "sse", "raw", "ws", "auth", "publish"].contains(parts[1])
  }

  /// "All methods are case-insensitive."
  private static func method(_ request: SandboxRequest) -> String { request.components[1].lowercased() }

  func read(_ request: SandboxRequest) -> SandboxCall {
    let operation: SandboxCall.Operation =
      ["sendmessage", "sendphoto", "senddocument"].contains(Self.method(request)) ? .send : .other
    do throws(FieldsError) {
      let fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      return SandboxCall(
        request, operation, fields: fields, recipients: fields["chat_id"]?.scalar.map { [$0] } ?? [])
    } catch {
      return SandboxCall(request, operation, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let token = FormPair.decoded(Array(call.request.components[0].utf8.dropFirst(3)))
    let parts = token.items(":")
    guard parts.count == 2, parts[0].isMade(of: isDigit), !parts[1].isEmpty else {
      return Self.error(404, "Not Found", outcome: .credentials)
    }
    guard tokens.contains(token) else { return Self.error(401, "Unauthorized", outcome: .credentials) }
    let method = Self.method(call.request)
    if method == "getme" {
      let id = WireJSON.number(String(parts[0].drop { $0 == "0" }))
      return Self.ok(
        ["id": id, "is_bot": true, "first_name": "Sandbox", "username": "sandbox_bot"], outcome: .lookup)
    }
    guard call.operation == .send else { return Self.error(404, "Not Found", outcome: .error) }
    guard call.malformed == nil else { return Self.bad("object expected as body") }
    guard let chat = call.fields["chat_id"]?.scalar else { return Self.bad("chat_id is empty") }
    guard Int(chat) != nil || (chat.hasPrefix("@") && chat.utf8.count > 1) else { return Self.bad("chat not found") }
    if let problem = Self.problem(in: call.fields, method: method) { return Self.bad(problem) }
    if let refused = refused[0] { return Self.refusal(refused.code.flatMap { Int($0) } ?? 403) }
    return send(call, chat: chat, method: method, now: now)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials:
      return Self.error(refusal.code.flatMap { Int($0) } ?? 401, "Unauthorized", outcome: .credentials)
    case .throttle, .quota:
      // There is no quota; a flood is waited out, however long.
      let seconds = refusal.retryAfter ?? (refusal.reason == .quota ? 3600 : 34)
      return SandboxReply(
        status: 429,
        json: [
          "ok": false, "error_code": 429, "description": .string("Too Many Requests: retry after \(seconds)"),
          "parameters": ["retry_after": .int(seconds)],
        ], outcome: refusal.outcome
      ).asking(toWait: seconds)
    }
  }
}

extension TelegramSandbox {
  private static func problem(in fields: WireJSON, method: String) -> String? {
    if let mode = fields["parse_mode"]?.scalar?.lowercased(), !["markdownv2", "html", "markdown"].contains(mode) {
      return "unsupported parse_mode"
    }
    if method == "sendmessage" {
      guard let text = fields["text"]?.scalar else { return "message text is empty" }
      return tooLong(text, fields, Limit.text) ? "message is too long" : nil
    }
    let (field, most) = method == "sendphoto" ? ("photo", Limit.photo) : ("document", Limit.document)
    guard let file = fields[field], file.scalar != nil || file["bytes"] != nil else {
      return "there is no \(field) in the request"
    }
    if let bytes = file["bytes"]?.int {
      if bytes == 0 { return "file must be non-empty" }
      if bytes > most { return "file is too big" }
    }
    return tooLong(fields["caption"]?.scalar ?? "", fields, Limit.caption) ? "message caption is too long" : nil
  }

  /// "1 to 4096 characters after entity parsing": with a parse mode the markup does not count, and it is not parsed
  /// here, so only a text that is as long without any is refused.
  private static func tooLong(_ text: String, _ fields: WireJSON, _ most: Int) -> Bool {
    fields["parse_mode"]?.scalar == nil && text.unicodeScalars.count > most
  }

  private mutating func send(_ call: SandboxCall, chat: String, method: String, now: Date) -> SandboxReply {
    lastMessage += 1
    let about: WireJSON =
      if chat.hasPrefix("@") {
        ["id": -1_001_000_000_001, "type": "channel", "title": "x", "username": .string(String(chat.dropFirst()))]
      } else if chat.hasPrefix("-") {
        ["id": .number(chat), "type": chat.hasPrefix("-100") ? "supergroup" : "group", "title": "x"]
      } else {
        ["id": .number(chat), "type": "private", "first_name": "x"]
      }
    var members = [
      WireMember("message_id", .int(lastMessage)), WireMember("date", .int(Int(now.timeIntervalSince1970))),
      WireMember("chat", about),
    ]
    if method == "sendmessage" {
      members.append(WireMember("text", .string(call.fields["text"]?.scalar ?? "")))
    } else {
      let field = method == "sendphoto" ? "photo" : "document"
      let file: WireJSON = ["file_id": .string("f\(lastMessage)"), "file_size": call.fields[field]?["bytes"] ?? 0]
      members.append(WireMember(field, field == "photo" ? [file] : file))
      if let caption = call.fields["caption"] { members.append(WireMember("caption", caption)) }
    }
    return Self.ok(.object(members), outcome: .accepted)
  }

  private static func ok(_ result: WireJSON, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: 200, json: ["ok": true, "result": result], outcome: outcome)
  }

  private static func bad(_ text: String) -> SandboxReply {
    error(400, "Bad Request: \(text)", outcome: .rejected)
  }

  private static func refusal(_ code: Int) -> SandboxReply {
    switch code {
    case 400: bad("chat not found")
    case 403: error(403, "Forbidden: bot was blocked by the user", outcome: .rejected)
    default: error(400...599 ~= code ? code : 400, "refused", outcome: .rejected)
    }
  }

  private static func error(_ code: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(
      status: code, json: ["ok": false, "error_code": .int(code), "description": .string(text)], outcome: outcome)
  }
}
