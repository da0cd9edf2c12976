import FoundationEssentials

/// Vonage's SMS API, POST /sms/json (developer.vonage.com/en/api/sms and /api-errors/sms). HTTP 200 for everything: a
/// status for each part of a text.
struct VonageSandbox: ProviderSandbox {
  static let name = "vonage"
  static let sample = SandboxSample(
    settings: [#"api_key: "sandbox1", api_secret: "sandbox", from: "Demo""#], send: "--to +12125550100 \"hello\"")
  static let unrecorded: Set<String> = ["api_key", "api_secret", "sig", "to"]

  /// "Min: 7, Max: 15", "Min: 20000, Max: 604800000", "Max 100 characters".
  private enum Limit {
    static let number = 7...15
    static let ttl = 20_000...604_800_000
    static let reference = 100
  }

  private let accounts: [[String: String]]?
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  static func owns(_ request: SandboxRequest) -> Bool { request.path == "/sms/json" }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST" else { return SandboxCall(request, .other) }
    let form = request.form
    return SandboxCall(request, .send, fields: WireJSON(pairs: form), recipients: form.value("to").map { [$0] } ?? [])
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard call.operation == .send else {
      return SandboxReply(status: 405, json: .object([]), outcome: .error)
    }
    let fields = call.fields
    for name in ["api_key", "api_secret", "from", "to", "text"] where fields[name]?.scalar == nil {
      return Self.refusal("2", "Missing \(name) param", outcome: .rejected)
    }
    let isKnown = accounts?.contains {
      $0["api_key"] == fields["api_key"]?.scalar && $0["api_secret"] == fields["api_secret"]?.scalar
    }
    guard isKnown ?? true else { return Self.refusal("4", "Bad Credentials", outcome: .credentials) }
    if let name = Self.invalid(in: fields) {
      return Self.refusal("3", "Invalid value for param: \(name)", outcome: .rejected)
    }
    if let refused = refused[0] {
      return Self.refusal(refused.code ?? "7", "Number barred", outcome: .rejected)
    }
    let part = { (id: String) -> WireJSON in
      [
        "to": .string(fields["to"]?.scalar ?? ""), "message-id": .string(id), "status": "0",
        "remaining-balance": "15.53590000", "message-price": "0.03330000", "network": "23410",
      ]
    }
    let ids = (0..<Self.parts(of: fields)).map { _ in String(identifiers.hexadecimal().prefix(16)).uppercased() }
    return Self.reply(ids.map(part), outcome: .accepted)
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .credentials: Self.refusal(refusal.code ?? "4", "Bad Credentials", outcome: .credentials)
    case .quota: Self.refusal(refusal.code ?? "9", "Quota Exceeded - rejected", outcome: .quota)
    case .throttle:
      Self.refusal(
        refusal.code ?? "1", "Throughput Rate Exceeded - please wait [ 125 ] and retry", outcome: .throttled
      ).asking(toWait: refusal.retryAfter)
    }
  }
}

extension VonageSandbox {
  /// The name of the first parameter whose value is not valid.
  private static func invalid(in fields: WireJSON) -> String? {
    let to = fields["to"]?.scalar ?? ""
    guard Limit.number.contains(to.utf8.count), to.isMade(of: isDigit) else { return "to" }
    if let type = fields["type"]?.scalar, !["text", "unicode"].contains(type) { return "type" }
    if fields["ttl"] != nil, !(fields["ttl"]?.wholeNumber.map(Limit.ttl.contains) ?? false) { return "ttl" }
    return ["client-ref", "callback"].first { (fields[$0]?.scalar ?? "").count > Limit.reference }
  }

  /// How many messages the text is sent in: 160 or 153 each of the GSM alphabet, 70 or 67 of UCS-2.
  private static func parts(of fields: WireJSON) -> Int {
    let text = fields["text"]?.scalar ?? ""
    let isUnicode = fields["type"]?.scalar == "unicode"
    let doubled = text.unicodeScalars.filter { "^{}\\[~]|€\u{C}".unicodeScalars.contains($0) }.count
    let length = isUnicode ? text.utf16.count : text.unicodeScalars.count + doubled
    let (whole, each) = isUnicode ? (70, 67) : (160, 153)
    return length <= whole ? 1 : (length + each - 1) / each
  }

  private static func refusal(_ status: String, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    reply([["status": .string(status), "error-text": .string(text)]], outcome: outcome)
  }

  private static func reply(_ messages: [WireJSON], outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(
      status: 200, json: ["message-count": .string(String(messages.count)), "messages": .array(messages)],
      outcome: outcome)
  }
}
