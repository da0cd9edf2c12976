import FoundationEssentials

/// Pushover, POST /1/messages.json, limits, validation and receipts (pushover.net/api, /api/receipts).
struct PushoverSandbox: ProviderSandbox {
  static let name = "pushover"
  static let sample = SandboxSample(
    settings: [#"token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#], send: "--to uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu \"hello\"")
  static let unrecorded: Set<String> = ["token", "user"]

  private enum Limit {
    static let users = 50
    static let message = 1024
    static let title = 250
    static let device = 25
    static let url = 512
    static let urlTitle = 100
    static let attachment = 5_242_880
    static let retry = 30
    static let expire = 10_800
    static let attempts = 50
    static let month = 10_000
  }

  private struct Receipt {
    var at: Int
    var expires: Int
    var tags: [String]
    var cancelled = false
  }

  /// A refusal: the offending field, if it is one, and what is wrong with it.
  private struct Problem: Error {
    var field: String?
    var text: String
    var status = 400
  }

  private let tokens: KnownSecrets
  private var identifiers = SandboxIdentifiers()
  private var receipts: [String: Receipt] = [:]
  /// "One per user key"; by application. A sandbox does not live long enough for the month to end.
  private var used: [String: Int] = [:]

  init(accounts: [[String: String]]?) { tokens = KnownSecrets(accounts, setting: "token") }

  static func owns(_ request: SandboxRequest) -> Bool {
    request.path == "/1/messages.json"
      || ["/1/apps/", "/1/users/", "/1/receipts/", "/1/sounds.json"].contains { request.path.hasPrefix($0) }
  }

  /// Form, multipart or JSON; older clients have everything in the query.
  func read(_ request: SandboxRequest) -> SandboxCall {
    let operation: SandboxCall.Operation =
      request.path == "/1/messages.json" && request.method == "POST"
      ? .send : request.method == "GET" ? .lookup : .other
    do throws(FieldsError) {
      let fields = WireJSON(pairs: request.query).merging(try request.bodyFields())
      return SandboxCall(
        request, operation, fields: fields, recipients: (fields["user"]?.scalar ?? "").items(","))
    } catch {
      return SandboxCall(request, operation, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    do throws(Problem) {
      if let problem = call.malformed { throw Problem(text: problem) }
      guard let token = call.fields["token"]?.scalar, tokens.contains(token), Self.isKey(token) else {
        return error(Problem(field: "token", text: "application token is invalid"), outcome: .credentials)
      }
      let seconds = Int(now.timeIntervalSince1970)
      switch (call.request.method, call.request.components.dropFirst().first) {
      case ("POST", "messages.json"): return try send(call, token: token, refused: refused, now: seconds)
      case ("GET", "apps"): return limits(token, now: seconds)
      case ("POST", "users"):
        try Self.check(users: call.recipients)
        return reply([WireMember("devices", []), WireMember("group", 0)], outcome: .lookup)
      case (_, "receipts"): return try receipt(call, now: seconds)
      default: throw Problem(text: "not found", status: 404)
      }
    } catch {
      return self.error(error, outcome: call.operation == .send ? .rejected : .lookup)
    }
  }

  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials:
      return error(Problem(field: "token", text: "application token is invalid"), outcome: .credentials)
    case .quota:
      // No clock here: the first of a month long ahead. Which time it is does not matter to who must wait for it.
      var reply = error(
        Problem(text: "application has reached its monthly message limit", status: 429), outcome: .quota)
      reply.headers += Self.limitHeaders(remaining: 0, reset: 4_102_466_400)
      return reply
    case .throttle:
      return error(Problem(text: "too many requests", status: 429), outcome: .throttled)
        .asking(toWait: refusal.retryAfter)
    }
  }
}

// MARK: - Checks

extension PushoverSandbox {
  /// "30 characters": letters and digits.
  private static func isKey(_ text: String) -> Bool { text.utf8.count == 30 && text.isMade(of: isAlphanumeric) }

  private static func check(users: [String]) throws(Problem) {
    guard !users.isEmpty else {
      throw Problem(field: "user", text: "user identifier is not a valid user, group, or subscribed user key")
    }
    guard users.count <= Limit.users else {
      throw Problem(field: "user", text: "too many users, at most \(Limit.users)")
    }
    // Whether one bad key fails a list is unverified; it does here, which is the safe rule for a client.
    guard users.allSatisfy(isKey) else { throw Problem(field: "user", text: "user identifier is invalid") }
  }

  private static func check(_ fields: WireJSON) throws(Problem) {
    guard let message = fields["message"]?.scalar else {
      throw Problem(field: "message", text: "message cannot be blank")
    }
    // "4-byte UTF-8 counts as one".
    for (field, text, most) in [
      ("message", message, Limit.message), ("title", fields["title"]?.scalar ?? "", Limit.title),
      ("url", fields["url"]?.scalar ?? "", Limit.url), ("url_title", fields["url_title"]?.scalar ?? "", Limit.urlTitle),
    ] where text.unicodeScalars.count > most {
      throw Problem(field: field, text: "\(field) is too long, must be no longer than \(most) characters")
    }
    let devices = fields["device"]?.array?.compactMap(\.scalar) ?? (fields["device"]?.scalar ?? "").items(",")
    guard devices.allSatisfy({ 1...Limit.device ~= $0.utf8.count }) else {
      throw Problem(field: "device", text: "device name is invalid")
    }
    if fields["html"]?.scalar == "1", fields["monospace"]?.scalar == "1" {
      throw Problem(field: "html", text: "html and monospace are mutually exclusive")
    }
    for field in ["timestamp", "ttl"] {
      if let value = fields[field]?.scalar, (Int(value) ?? -1) < 0 {
        throw Problem(field: field, text: "\(field) is invalid")
      }
    }
    try checkPriority(fields)
    try checkAttachment(fields)
  }

  private static func checkPriority(_ fields: WireJSON) throws(Problem) {
    let priority = fields["priority"]?.scalar ?? "0"
    guard let number = Int(priority), -2...2 ~= number else {
      throw Problem(field: "priority", text: "priority is invalid")
    }
    guard number == 2 else { return }
    guard let retry = fields["retry"]?.wholeNumber, retry >= Limit.retry else {
      throw Problem(field: "retry", text: "retry must be supplied with priority=2 and be at least \(Limit.retry)")
    }
    guard let expire = fields["expire"]?.wholeNumber, 1...Limit.expire ~= expire, expire / retry <= Limit.attempts
    else {
      throw Problem(field: "expire", text: "expire must be supplied with priority=2 and be at most \(Limit.expire)")
    }
  }

  private static func checkAttachment(_ fields: WireJSON) throws(Problem) {
    var size: Int?
    if let file = fields["attachment"] {
      guard let bytes = file["bytes"]?.int else {
        throw Problem(field: "attachment", text: "attachment must be a file")
      }
      size = bytes
    } else if let text = fields["attachment_base64"]?.scalar {
      guard let bytes = Base64.decode(text.utf8), fields["attachment_type"]?.scalar != nil else {
        throw Problem(field: "attachment_base64", text: "attachment_base64 needs attachment_type and must be Base64")
      }
      size = bytes.count
    }
    if let size, size > Limit.attachment {
      throw Problem(
        field: "attachment", text: "attachment is too large, at most \(Limit.attachment) bytes", status: 413)
    }
  }
}

// MARK: - Answers

extension PushoverSandbox {
  private mutating func send(
    _ call: SandboxCall, token: String, refused: [Int: RefusedRecipient], now: Int
  ) throws(Problem) -> SandboxReply {
    try Self.check(users: call.recipients)
    try Self.check(call.fields)
    // "One status for all": a call with a bad key in it sends nothing.
    if !refused.isEmpty { throw Problem(field: "user", text: "user identifier is invalid") }
    used[token, default: 0] += call.recipients.count
    var members: [WireMember] = []
    if call.fields["priority"]?.scalar == "2" {
      let receipt = "r" + identifiers.hexadecimal().prefix(16) + identifiers.hexadecimal().suffix(13)
      receipts[receipt] = Receipt(
        at: now, expires: now + (call.fields["expire"]?.wholeNumber ?? 0),
        tags: (call.fields["tags"]?.scalar ?? "").items(","))
      members.append(WireMember("receipt", .string(receipt)))
    }
    var reply = reply(members, outcome: .accepted)
    reply.headers += Self.limitHeaders(remaining: Limit.month - (used[token] ?? 0), reset: Self.reset(now))
    return reply
  }

  /// "Reset on the 1st, 00:00 Central time": taken as six hours after midnight UTC, without summer time.
  private static func reset(_ now: Int) -> Int {
    let time = WireTime(unix: now)
    let (year, month) = time.month == 12 ? (time.year + 1, 1) : (time.year, time.month + 1)
    return WireTime.unix(year, month, 1, 6) ?? now
  }

  private static func limitHeaders(remaining: Int, reset: Int) -> [FormPair] {
    [
      FormPair("X-Limit-App-Limit", String(Limit.month)), FormPair("X-Limit-App-Remaining", String(remaining)),
      FormPair("X-Limit-App-Reset", String(reset)),
    ]
  }

  private mutating func limits(_ token: String, now: Int) -> SandboxReply {
    reply(
      [
        WireMember("limit", .int(Limit.month)), WireMember("remaining", .int(Limit.month - (used[token] ?? 0))),
        WireMember("reset", .int(Self.reset(now))),
      ], outcome: .lookup)
  }

  /// `/1/receipts/{receipt}.json`, `/1/receipts/{receipt}/cancel.json`, `/1/receipts/cancel_by_tag/{tag}.json`.
  private mutating func receipt(_ call: SandboxCall, now: Int) throws(Problem) -> SandboxReply {
    let parts = call.request.components.dropFirst(2).map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : $0 }
    if call.request.method == "POST", parts.count == 2, parts[0] == "cancel_by_tag" {
      for (id, receipt) in receipts where receipt.tags.contains(parts[1]) { receipts[id]?.cancelled = true }
      return reply([], outcome: .lookup)
    }
    guard let id = parts.first, let receipt = receipts[id] else {
      throw Problem(field: "receipt", text: "receipt not found; may be invalid or expired", status: 404)
    }
    if call.request.method == "POST", parts.count == 2, parts[1] == "cancel" {
      receipts[id]?.cancelled = true
      return reply([], outcome: .lookup)
    }
    let expired = receipt.cancelled || receipt.expires <= now
    return reply(
      [
        WireMember("acknowledged", 0), WireMember("acknowledged_at", 0), WireMember("acknowledged_by", ""),
        WireMember("last_delivered_at", .int(receipt.at)), WireMember("expired", expired ? 1 : 0),
        WireMember("expires_at", .int(receipt.expires)), WireMember("called_back", 0),
      ], outcome: .lookup)
  }

  private mutating func reply(_ members: [WireMember], outcome: SandboxOutcome) -> SandboxReply {
    let end = [WireMember("status", 1), WireMember("request", .string(identifiers.uuid().lowercased()))]
    return SandboxReply(status: 200, json: .object(members + end), outcome: outcome)
  }

  /// "The offending field appears as a key of its own."
  private mutating func error(_ problem: Problem, outcome: SandboxOutcome) -> SandboxReply {
    var members = problem.field.map { [WireMember($0, "invalid")] } ?? []
    members += [
      WireMember("errors", [.string(problem.text)]), WireMember("status", 0),
      WireMember("request", .string(identifiers.uuid().lowercased())),
    ]
    return SandboxReply(status: problem.status, json: .object(members), outcome: outcome)
  }
}
