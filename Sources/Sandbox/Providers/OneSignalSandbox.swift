import FoundationEssentials

/// OneSignal, POST /notifications (documentation.onesignal.com/reference/push-notification and
/// .../docs/en/idempotent-notification-requests; OpenAPI description 11.6). "HTTP 200 does not mean sent." Section numbers
/// are those of providers/onesignal.md.
struct OneSignalSandbox: ProviderSandbox {
  static let name = "onesignal"
  static let sample = SandboxSample(
    settings: [#"app_id: "00000000-0000-4000-8000-000000000001", api_key: "sandbox""#],
    send: "--to 00000000-0000-4000-8000-000000000002 \"hello\"")
  static let unrecorded: Set<String> = Set(targets.map(\.field) + ["include_aliases", "included_segments"])

  private enum Limit {
    static let targets = 20_000
    static let filters = 200
    static let timeToLive = 2_419_200
    /// "Kept 30 days."
    static let keySeconds = 30 * 86_400
  }

  /// Arrays of ids; the last two are the legacy fields that older clients still send.
  private static let targets: [(field: String, isUUID: Bool)] = [
    ("include_subscription_ids", true), ("include_player_ids", true), ("include_external_user_ids", false),
  ]

  private struct Message {
    var id: String
    var app: String
    /// The answer to its creation, for a repeated key.
    var answer: [UInt8]
    var at: Int
    var reached: Int
  }

  private let accounts: [[String: String]]?
  private var messages = Remembered<Message>(capacity: 50_000)
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// `/notifications` and, as older clients have it, `/api/v1/notifications`; both also with an id.
  private static func route(_ request: SandboxRequest) -> [String]? {
    var parts = request.components[...]
    if parts.starts(with: ["api", "v1"]) { parts = parts.dropFirst(2) }
    return parts.first == "notifications" && parts.count <= 2 ? Array(parts.dropFirst()) : nil
  }

  static func owns(_ request: SandboxRequest) -> Bool { route(request) != nil }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST", Self.route(request) == [] else {
      return SandboxCall(
        request, request.method == "GET" ? .lookup : .other, fields: WireJSON(pairs: request.query))
    }
    do throws(FieldsError) {
      let fields = try request.jsonObject()
      return SandboxCall(request, .send, fields: fields, recipients: Self.recipients(fields))
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  private static func recipients(_ fields: WireJSON) -> [String] {
    var all = targets.flatMap { fields[$0.field]?.array ?? [] }
    if case .object(let aliases)? = fields["include_aliases"] { all += aliases.flatMap { $0.value.array ?? [] } }
    all += fields["included_segments"]?.array ?? []
    return all.map { $0.string ?? $0.text }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    if call.malformed != nil { return Self.error(400, "Could not parse the request body as JSON.", outcome: .rejected) }
    if let reply = unauthenticated(call) { return reply }
    switch (call.request.method, Self.route(call.request)?.first) {
    case ("POST", nil):
      if let problem = Self.problem(in: call.fields) { return Self.error(400, problem, outcome: .rejected) }
      return create(call, refused: refused, now: now)
    case ("GET", let id?): return view(call, id: id)
    case ("GET", nil): return list(call)
    default: return Self.error(404, "Not found", outcome: .error)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials: Self.error(403, Self.denied, outcome: .credentials)
    case .throttle:
      Self.error(429, "API rate limit exceeded", outcome: .throttled).asking(toWait: refusal.retryAfter)
    case .quota:
      Self.error(429, "Too many messages have been sent to the same audience.", outcome: .quota)
        .asking(toWait: refusal.retryAfter)
    }
  }
}

// MARK: - Checks

extension OneSignalSandbox {
  private static let denied = "Access denied.  Please include an 'Authorization: ...' header with a valid API key"

  /// `Key`, and the older `Basic` with the raw key.
  private func unauthenticated(_ call: SandboxCall) -> SandboxReply? {
    let app = call.fields["app_id"]?.scalar
    let key = call.request.authorization("Key") ?? call.request.authorization("Basic")
    guard let app, Self.isUUID(app) else {
      return Self.error(
        400, "app_id not found. You may be missing a Content-Type: application/json header.",
        outcome: .credentials)
    }
    guard let key else { return Self.error(401, Self.denied, outcome: .credentials) }
    guard let accounts else { return nil }
    let known = accounts.contains { $0["app_id"] == app && $0["api_key"] == key }
    return known ? nil : Self.error(403, Self.denied, outcome: .credentials)
  }

  private static func isUUID(_ text: String) -> Bool {
    let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return groups.map(\.count) == [8, 4, 4, 4, 12] && groups.joined().allSatisfy { hexadecimalValue($0) != nil }
  }

  private static func problem(in fields: WireJSON) -> String? {
    let free = fields["template_id"]?.scalar != nil || fields["content_available"] == true
    if let contents = fields["contents"], contents != .null {
      guard contents["en"]?.scalar != nil || free else {
        return "Message Notifications must have English language content"
      }
    } else if !free {
      return "Message Notifications must have English language content"
    }
    for field in ["headings", "subtitle"] {
      if let value = fields[field], value != .null, !value.isObject { return "\(field) must be an object" }
    }
    if let seconds = fields["ttl"], seconds != .null, !(0...Limit.timeToLive ~= seconds.int ?? -1) {
      return "ttl must be from 0 to \(Limit.timeToLive)"
    }
    if let key = fields["idempotency_key"], key != .null, !isUUID(key.string ?? "") {
      return "idempotency_key must be a valid UUID"
    }
    return targeting(fields)
  }

  /// "One targeting method".
  private static func targeting(_ fields: WireJSON) -> String? {
    var methods = 0
    for (field, isUUID) in targets {
      guard let value = fields[field], value != .null else { continue }
      methods += 1
      guard let ids = value.strings, !ids.isEmpty else { return "\(field) must be a non-empty array of strings" }
      if ids.count > Limit.targets { return "\(field) may have at most \(Limit.targets) entries" }
      if isUUID, let wrong = ids.first(where: { !Self.isUUID($0) }) {
        return "Incorrect \(field) format in \(field) (not a valid UUID): \(wrong)"
      }
    }
    if let aliases = fields["include_aliases"], aliases != .null {
      methods += 1
      guard case .object(let members) = aliases, !members.isEmpty,
        members.allSatisfy({ !($0.value.strings ?? []).isEmpty })
      else { return "include_aliases must be an object of non-empty arrays" }
      if members.reduce(0, { $0 + $1.value.count }) > Limit.targets {
        return "include_aliases may have at most \(Limit.targets) entries"
      }
      guard ["push", "email", "sms"].contains(fields["target_channel"]?.string) else {
        return "target_channel must be one of push, email, sms"
      }
    }
    if let filters = fields["filters"], filters != .null {
      methods += 1
      if filters.count > Limit.filters { return "filters may have at most \(Limit.filters) entries" }
    }
    if fields["included_segments"]?.array?.isEmpty == false { methods += 1 }
    if methods == 0 {
      return "You must include which players, segments, or tags you wish to send this notification to."
    }
    return methods > 1 ? "Only one targeting method may be used" : nil
  }
}

// MARK: - Answers

extension OneSignalSandbox {
  private mutating func create(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let app = call.fields["app_id"]?.scalar ?? ""
    let seconds = Int(now.timeIntervalSince1970)
    // "Older name of the field: external_id."
    let key = call.fields["idempotency_key"]?.scalar ?? call.fields["external_id"]?.scalar
    let first = key.flatMap { messages.serials(of: "\(app) \($0)").last }.flatMap { messages[$0] }
    if let first, first.at > seconds - Limit.keySeconds {
      // "Creates nothing and returns the first id": for the record nothing was taken.
      return SandboxReply(
        status: 200,
        headers: [
          FormPair("Content-Type", "application/json; charset=utf-8"), FormPair("Idempotent-Replayed", "true"),
        ], body: first.answer, outcome: .lookup)
    }
    let count = call.recipients.count
    if count > 0, refused.count == count {
      return SandboxReply(
        status: 200, json: ["id": "", "errors": ["All included players are not subscribed"]], outcome: .rejected)
    }
    let id = identifiers.uuid().lowercased()
    var members = [WireMember("id", .string(id))]
    if refused.isEmpty {
      members.append(WireMember("external_id", key.map { .string($0) } ?? .null))
    } else {
      members.append(WireMember("errors", Self.errors(call, refused: refused)))
    }
    let reply = SandboxReply(
      status: 200, json: .object(members), outcome: count == 0 ? .accepted : .init(failed: refused.count, of: count))
    let message = Message(id: id, app: app, answer: reply.body, at: seconds, reached: count - refused.count)
    // Two ways to find it; a message without a key has only its id.
    messages.append(message, key: "\(app) \(id)")
    if let key { messages.append(message, key: "\(app) \(key)") }
    return reply
  }

  /// Section 2: `invalid_player_ids` for ids, `invalid_aliases` by kind of alias.
  private static func errors(_ call: SandboxCall, refused: [Int: RefusedRecipient]) -> WireJSON {
    let ids = Set(refused.keys.map { call.recipients[$0] })
    guard case .object(let aliases)? = call.fields["include_aliases"] else {
      return ["invalid_player_ids": .strings(call.recipients.filter(ids.contains))]
    }
    let invalid = aliases.compactMap { alias -> WireMember? in
      let own = (alias.value.strings ?? []).filter(ids.contains)
      return own.isEmpty ? nil : WireMember(alias.name, .strings(own))
    }
    return ["invalid_aliases": .object(invalid)]
  }

  private func view(_ call: SandboxCall, id: String) -> SandboxReply {
    let app = call.fields["app_id"]?.scalar ?? ""
    guard let serial = messages.serials(of: "\(app) \(id)").first, let message = messages[serial], message.id == id
    else { return Self.error(404, "Notification not found", outcome: .lookup) }
    return SandboxReply(status: 200, json: Self.json(message), outcome: .lookup)
  }

  private func list(_ call: SandboxCall) -> SandboxReply {
    let app = call.fields["app_id"]?.scalar ?? ""
    let limit = min(max(call.fields["limit"]?.wholeNumber ?? 50, 1), 50)
    let offset = max(call.fields["offset"]?.wholeNumber ?? 0, 0)
    var seen: Set<String> = []
    let own = (messages.oldest..<messages.count).reversed().compactMap { messages[$0] }
      .filter { $0.app == app && seen.insert($0.id).inserted }
    return SandboxReply(
      status: 200,
      json: [
        "total_count": .int(own.count), "offset": .int(offset), "limit": .int(limit),
        "notifications": .array(own.dropFirst(offset).prefix(limit).map { Self.json($0) }),
      ], outcome: .lookup)
  }

  private static func json(_ message: Message) -> WireJSON {
    [
      "id": .string(message.id), "successful": .int(message.reached), "failed": 0, "errored": 0, "remaining": 0,
      "canceled": false, "queued_at": .int(message.at), "completed_at": .int(message.at + 5),
    ]
  }

  private static func error(_ status: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(status: status, json: ["errors": [.string(text)]], outcome: outcome)
  }
}
