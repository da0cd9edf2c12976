import FoundationEssentials

/// Twilio Programmable Messaging, API 2010-04-01, from twilio.com/docs/messaging/api/message-resource and the error
/// pages twilio.com/docs/errors/CODE: create, list and fetch.
struct TwilioSandbox: ProviderSandbox {
  static let name = "twilio"
  static let sample = SandboxSample(
    settings: [#"account_sid: "AC00000000000000000000000000000000", auth_token: "sandbox""#, #"from: "+15005550006""#],
    send: "--to +12125550100 \"hello\"")
  static let unrecorded: Set<String> = ["To"]

  /// How many messages it remembers for list and fetch.
  static let remembered = 200_000

  private struct Account {
    var sid: String
    /// User and password pairs that may act for the account.
    var keys: [FormPair]
  }

  private let accounts: [Account]?
  var messages = Remembered<TwilioMessage>(capacity: remembered)
  private var serialOfSid: [String: Int] = [:]
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) {
    self.accounts = accounts?.map { settings in
      let sid = settings["account_sid"] ?? ""
      let keys = [(sid, settings["auth_token"]), (settings["api_key_sid"] ?? "", settings["api_key_secret"])]
      return Account(
        sid: sid,
        keys: keys.compactMap { user, password in
          guard let password, !user.isEmpty, !password.isEmpty else { return nil }
          return FormPair(user, password)
        })
    }
  }

  static func owns(_ request: SandboxRequest) -> Bool { request.path.hasPrefix("/2010-04-01/") }

  /// `/2010-04-01/Accounts/{AccountSid}/Messages.json` or `.../Messages/{Sid}.json`.
  private static func route(_ path: String) -> (account: String, message: String?)? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 5 || parts.count == 6, parts[2].elementsEqual("Accounts".utf8) else { return nil }
    let account = String(Substring(parts[3]))
    if parts.count == 5 { return parts[4].elementsEqual("Messages.json".utf8) ? (account, nil) : nil }
    let message = String(Substring(parts[5]))
    guard parts[4].elementsEqual("Messages".utf8), message.hasSuffix(".json") else { return nil }
    return (account, String(message.dropLast(5)))
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard let route = Self.route(request.path) else { return SandboxCall(request, .other) }
    switch (request.method, route.message) {
    case ("POST", nil):
      let form = request.form
      return SandboxCall(
        request, .send, fields: WireJSON(pairs: form), recipients: form.value("To").map { [$0] } ?? [])
    case ("GET", _):
      return SandboxCall(
        request, .lookup, fields: WireJSON(pairs: request.query),
        recipients: request.query.value("To").map { [$0] } ?? [])
    default: return SandboxCall(request, .other)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard let route = Self.route(call.request.path) else { return Self.notFound(call) }
    if let reply = unauthenticated(call, account: route.account) { return reply }
    switch (call.request.method, route.message) {
    case ("POST", nil): return create(call, account: route.account, refused: refused[0], now: now)
    case ("GET", nil): return list(call, account: route.account, now: now)
    case ("GET", let sid?):
      guard let serial = serialOfSid[sid], let message = messages[serial], message.account == route.account else {
        return Self.notFound(call)
      }
      return SandboxReply(status: 200, json: message.json(now: now), outcome: .lookup)
    default:
      return Self.error(405, 20004, "Method not allowed", outcome: .error)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    var reply =
      switch (refusal.reason, refusal.code.flatMap { Int($0) }) {
      case (.throttle, let code): Self.error(429, code ?? 20429, "Too Many Requests", outcome: .throttled)
      case (.quota, let code):
        Self.error(429, code ?? 63038, "Account exceeded the daily messages limit", outcome: .quota)
      case (.credentials, let code): Self.unauthorized(code ?? 20003)
      }
    if let seconds = refusal.retryAfter { reply.headers.append(FormPair("Retry-After", String(seconds))) }
    return reply
  }
}

// MARK: - Create

extension TwilioSandbox {
  private mutating func create(
    _ call: SandboxCall, account: String, refused: RefusedRecipient?, now: Date
  ) -> SandboxReply {
    let form = call.request.form
    if let refused {
      return Self.refusal(refused.code.flatMap { Int($0) } ?? 21211, to: form.value("To") ?? "")
    }
    if let (code, message) = TwilioRules.problem(in: form, now: now) {
      return Self.error(400, code, message, outcome: .rejected)
    }
    let media = form.filter { $0.name == "MediaUrl" }.count
    let body = form.value("Body") ?? ""
    let service = form.value("MessagingServiceSid")
    let sid = (media > 0 ? "MM" : "SM") + identifiers.hexadecimal()
    let message = TwilioMessage(
      sid: sid, account: account, to: form.value("To") ?? "", from: form.value("From"), service: service, body: body,
      media: media, created: Int(now.timeIntervalSince1970),
      sendAt: service == nil ? nil : form.value("SendAt").flatMap { WireTime.unix(iso8601: $0) })
    if let forgotten = messages.count >= Self.remembered ? messages[messages.oldest] : nil {
      serialOfSid[forgotten.sid] = nil
    }
    serialOfSid[sid] = messages.count
    messages.append(message, key: message.to)
    return SandboxReply(status: 201, json: message.json(now: now), outcome: .accepted)
  }

  private static func refusal(_ code: Int, to: String) -> SandboxReply {
    let message =
      switch code {
      case 21211: "The 'To' number \(to) is not a valid phone number."
      case 21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: \(to)."
      case 21608: "The number \(to) is unverified. Trial accounts cannot send messages to unverified numbers."
      case 21610: "Attempt to send to unsubscribed recipient"
      case 21614: "'To' number: \(to), is not a valid mobile number"
      default: "Unable to create record"
      }
    return error(400, code, message, outcome: .rejected)
  }
}

// MARK: - Credentials and errors

extension TwilioSandbox {
  private func unauthenticated(_ call: SandboxCall, account: String) -> SandboxReply? {
    guard let header = call.request.header("authorization"), let pair = Self.basic(header) else {
      return Self.unauthorized()
    }
    guard let accounts else { return nil }
    let owners = accounts.filter { $0.keys.contains(pair) }
    if owners.isEmpty { return Self.unauthorized() }
    return owners.contains { $0.sid == account } ? nil : Self.notFound(call, outcome: .credentials)
  }

  /// User and password of `Authorization: Basic`, neither empty.
  private static func basic(_ header: String) -> FormPair? {
    let parts = header.utf8.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, Substring(parts[0]).lowercased() == "basic", let bytes = Base64.decode(parts[1]),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
      let user = String(validating: bytes[..<colon], as: UTF8.self),
      let password = String(validating: bytes[(colon + 1)...], as: UTF8.self), !user.isEmpty, !password.isEmpty
    else { return nil }
    return FormPair(user, password)
  }

  private static func unauthorized(_ code: Int = 20003) -> SandboxReply {
    var reply = error(401, code, "Authenticate", outcome: .credentials)
    reply.headers.append(FormPair("WWW-Authenticate", "Basic realm=\"Twilio API\""))
    return reply
  }

  private static func notFound(_ call: SandboxCall, outcome: SandboxOutcome? = nil) -> SandboxReply {
    error(
      404, 20404, "The requested resource \(call.request.path) was not found",
      outcome: outcome ?? (call.operation == .lookup ? .lookup : .error))
  }

  private static func error(_ status: Int, _ code: Int, _ message: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(
      status: status,
      json: [
        "code": .int(code), "message": .string(message),
        "more_info": .string("https://www.twilio.com/docs/errors/\(code)"), "status": .int(status),
      ], outcome: outcome)
  }
}

// MARK: - List

extension TwilioSandbox {
  /// "default 50 per page, maximum 1000"; the operator of a date filter is part of its name.
  private func list(_ call: SandboxCall, account: String, now: Date) -> SandboxReply {
    let query = call.request.query
    let size = min(max(Int(query.value("PageSize") ?? "") ?? 50, 1), 1000)
    let page = max(Int(query.value("Page") ?? "") ?? 0, 0)
    // The token names the last message of the page before, so that new ones do not shift the pages.
    let token = query.value("PageToken").flatMap { $0.hasPrefix("PA") ? serialOfSid[String($0.dropFirst(2))] : nil }
    let newest = (token ?? messages.count) - 1
    let candidates: [Int] =
      if let to = query.value("To") {
        messages.serials(of: to).reversed()
      } else {
        Array((messages.oldest..<messages.count).reversed())
      }
    var found: [TwilioMessage] = []
    for serial in candidates where serial <= newest {
      guard let message = messages[serial], message.account == account, message.matches(query, now: now) else {
        continue
      }
      found.append(message)
      if found.count > size { break }
    }
    let shown = Array(found.prefix(size))
    let filters =
      query.filter { !["Page", "PageToken", "PageSize"].contains($0.name) } + [FormPair("PageSize", String(size))]
    func uri(_ more: [FormPair]) -> WireJSON {
      .string(call.request.path + "?" + PercentEncoding.query(filters + more))
    }
    var next: WireJSON = .null
    if found.count > size, let last = shown.last {
      next = uri([FormPair("Page", String(page + 1)), FormPair("PageToken", "PA" + last.sid)])
    }
    let start = page * size
    return SandboxReply(
      status: 200,
      json: [
        "messages": .array(shown.map { $0.json(now: now) }), "first_page_uri": uri([FormPair("Page", "0")]),
        "next_page_uri": next, "previous_page_uri": .null, "uri": .string(call.request.target), "page": .int(page),
        "page_size": .int(size), "start": .int(start), "end": .int(max(start + shown.count - 1, start)),
      ], outcome: .lookup)
  }
}
