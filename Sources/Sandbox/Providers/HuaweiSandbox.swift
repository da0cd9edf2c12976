import FoundationEssentials

/// Huawei Cloud Message & SMS, batchSendSms and batchSendDiffSms v1 (support.huaweicloud.com/api-msgsms: sms_05_0050,
/// sms_05_0046 and the error code pages). A code for the request, a status for each number. Section numbers are those of
/// providers/huawei.md.
struct HuaweiSandbox: ProviderSandbox {
  static let name = "huawei-sms"
  static let sample = SandboxSample(
    settings: [
      #"app_key: "sandbox", app_secret: "sandbox""#, #"sender: "8823040504797", template: "ff1b", signature: "Demo""#,
    ], send: "--to +8613800138000 --template ff1b")
  static let unrecorded: Set<String> = ["to"]

  private enum Path {
    static let batch = "/sms/batchSendSms/v1"
    static let diff = "/sms/batchSendDiffSms/v1"
  }

  /// Sections 2 and 3: "500 numbers, each <= 21 chars", "smsContent <= 64 KB", "extend 1-128 chars".
  private enum Limit {
    static let numbers = 500
    static let number = 21
    static let content = 64 * 1024
    static let extend = 128
  }

  private enum Code {
    static let ok = "000000"
    static let system = "E000000"
    static let contentType = "E000040"
    static let parameter = "E000503"
    static let seeStatus = "E000510"
    static let quota = "E000623"
    static let pending = "E200015"
    static let variables = "E200028"
    static let duplicate = "E200041"
  }

  private let accounts: [[String: String]]?
  private var identifiers = SandboxIdentifiers()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// By path; and whatever else is signed as only this vendor signs, since "a 404 means wrong base URL or path".
  static func owns(_ request: SandboxRequest) -> Bool {
    request.path.hasPrefix("/sms/batchSend")
      || request.header("authorization")?.hasPrefix(HuaweiSignature.algorithm) == true
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    switch (request.method, request.path) {
    case ("POST", Path.batch):
      return SandboxCall(
        request, .send, fields: WireJSON(pairs: request.form),
        recipients: (request.form.value("to") ?? "").items(","))
    case ("POST", Path.diff):
      do throws(FieldsError) {
        let fields = try request.jsonObject()
        let contents = fields["smsContent"]?.array ?? []
        return SandboxCall(
          request, .send, fields: fields,
          recipients: contents.flatMap { $0["to"]?.array ?? [] }.map { $0.string ?? $0.text })
      } catch {
        return SandboxCall(request, .send, malformed: error.problem)
      }
    default: return SandboxCall(request, .other)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    do throws(HuaweiSignature.Failure) {
      try authenticate(call, now: now)
    } catch {
      return Self.failure(error, outcome: .credentials)
    }
    guard call.operation == .send else {
      return SandboxReply(status: 404, json: ["code": "E000027", "description": "illegal request"], outcome: .error)
    }
    do throws(HuaweiSignature.Failure) {
      let statuses = call.request.path == Path.batch ? try batch(call) : try diff(call)
      return accept(call, statuses: statuses, refused: refused, now: now)
    } catch {
      return Self.failure(error, outcome: .rejected)
    }
  }

  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .throttle:
      // Flow control is documented per number only (E200015, E200048).
      let code = refusal.code ?? Code.pending
      guard code.hasPrefix("E2") else {
        return Self.failure(.init(code, "Too many requests."), outcome: .throttled).asking(toWait: refusal.retryAfter)
      }
      let all = Dictionary(uniqueKeysWithValues: call.recipients.indices.map { ($0, RefusedRecipient(code: code)) })
      var reply = accept(call, statuses: [:], refused: all, now: Date(timeIntervalSince1970: 0))
      reply.outcome = .throttled
      return reply.asking(toWait: refusal.retryAfter)
    case .quota:
      return Self.failure(
        .init(refusal.code ?? Code.quota, "The sending quota has been reached."), status: 403, outcome: .quota)
    case .credentials:
      return Self.failure(.init(refusal.code ?? "E000101", "Authentication failed."), outcome: .credentials)
    }
  }
}

// MARK: - Checks

extension HuaweiSandbox {
  private func authenticate(_ call: SandboxCall, now: Date) throws(HuaweiSignature.Failure) {
    let signature = try HuaweiSignature(call.request)
    guard abs(Int(now.timeIntervalSince1970) - signature.created) <= signature.tolerance else { throw .time }
    guard let accounts else { return }
    let own = accounts.filter { $0["app_key"] == signature.appKey }
    guard let account = own.first else { throw .appKey }
    if let failure = signature.failure(secret: account["app_secret"] ?? "") { throw failure }
    // One application may have several channel numbers; the code for another one's is a guess.
    let senders = own.compactMap { $0["sender"] }
    guard call.operation == .send, !senders.isEmpty, let from = call.fields["from"]?.string else { return }
    guard senders.contains(from) else { throw .init(Code.parameter, "The parameter from is incorrect.") }
  }

  private static let incorrect = HuaweiSignature.Failure(Code.parameter, "The request parameters are incorrect.")

  /// Statuses of numbers that fail, by place.
  private func batch(_ call: SandboxCall) throws(HuaweiSignature.Failure) -> [Int: String] {
    guard call.request.mediaType(endsWith: "application/x-www-form-urlencoded") else {
      throw .init(Code.contentType, "Content-Type should be application/x-www-form-urlencoded.")
    }
    let form = call.request.form
    guard form.value("from") != nil, form.value("templateId") != nil else { throw Self.incorrect }
    try Self.check(numbers: call.recipients)
    try Self.check(extend: call.fields["extend"])
    guard let text = form.value("templateParas") else { return [:] }
    // "system error, typically unparsable request (templateParas quoting, encoding)".
    guard let variables = (try? WireJSON(parsing: text))?.strings else {
      throw .init(Code.system, "System error.")
    }
    return Self.fit(variables) ? [:] : Self.all(call.recipients.indices)
  }

  private func diff(_ call: SandboxCall) throws(HuaweiSignature.Failure) -> [Int: String] {
    guard call.request.mediaType(endsWith: "application/json") else {
      throw .init(Code.contentType, "Content-Type should be application/json.")
    }
    guard call.malformed == nil else { throw .init(Code.system, "System error.") }
    guard call.fields["from"]?.scalar != nil, let contents = call.fields["smsContent"]?.array, !contents.isEmpty,
      WireJSON.array(contents).bytes.count <= Limit.content
    else { throw Self.incorrect }
    try Self.check(numbers: call.recipients)
    try Self.check(extend: call.fields["extend"])
    var statuses: [Int: String] = [:]
    var place = 0
    for content in contents {
      guard let to = content["to"]?.strings, !to.isEmpty, content["templateId"]?.scalar != nil else {
        throw Self.incorrect
      }
      if let variables = content["templateParas"], variables != .null {
        guard let variables = variables.strings else { throw Self.incorrect }
        if !Self.fit(variables) { statuses.merge(Self.all(place..<place + to.count)) { first, _ in first } }
      }
      place += to.count
    }
    return statuses
  }

  /// "If ANY entry has another character nothing is sent at all; more than 500: nothing is sent".
  private static func check(numbers: [String]) throws(HuaweiSignature.Failure) {
    guard 1...Limit.numbers ~= numbers.count,
      numbers.allSatisfy({ number in
        number.utf8.count <= Limit.number && number.isMade { isDigit($0) || $0 == UInt8(ascii: "+") }
      })
    else { throw incorrect }
  }

  /// "1-128 chars; must not be empty, must not contain { or }".
  private static func check(extend: WireJSON?) throws(HuaweiSignature.Failure) {
    guard let extend, extend != .null else { return }
    guard let text = extend.string, 1...Limit.extend ~= text.unicodeScalars.count,
      !text.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") })
    else { throw incorrect }
  }

  /// "Variable values must not contain single quotes or braces."
  private static func fit(_ variables: [String]) -> Bool {
    !variables.contains { variable in variable.utf8.contains { "'{}".utf8.contains($0) } }
  }

  private static func all(_ places: Range<Int>) -> [Int: String] {
    Dictionary(uniqueKeysWithValues: places.map { ($0, Code.variables) })
  }
}

// MARK: - Answers

extension HuaweiSandbox {
  private mutating func accept(
    _ call: SandboxCall, statuses: [Int: String], refused: [Int: RefusedRecipient], now: Date
  ) -> SandboxReply {
    let time = WireTime(now)
    let created = WireJSON.string("\(time.dayText)T\(time.timeText)Z")
    let from = WireJSON.string(call.fields["from"]?.scalar ?? "")
    let run = identifiers.hexadecimal()
    var seen: Set<String> = []
    var failed = 0
    var duplicates = 0
    let contents = call.fields["smsContent"]?.array ?? []
    let texts = contents.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element["to"]?.count ?? 0) }
    let result = call.recipients.enumerated().map { index, number -> WireJSON in
      // "Same number twice for the same content in this request; the platform sends it once."
      let repeated = !seen.insert("\(texts.isEmpty ? 0 : texts[index]) \(number)").inserted
      let refusal = refused[index].map { $0.code ?? Code.variables } ?? statuses[index]
      let status = refusal ?? (repeated ? Code.duplicate : Code.ok)
      if refusal != nil { failed += 1 } else if repeated { duplicates += 1 }
      return [
        "originTo": .string(number), "from": from, "smsMsgId": .string("\(run)_\(index)"),
        "status": .string(status), "createTime": created,
        "countryId": number.hasPrefix("+86") || !number.hasPrefix("+") ? "CN" : "", "total": 1,
      ]
    }
    // Whether E000510 is also the code when only some fail is unverified; the recorded answer has it so.
    let fine = failed + duplicates == 0
    return SandboxReply(
      status: 200,
      json: [
        "result": .array(result), "code": .string(fine ? Code.ok : Code.seeStatus),
        "description": .string(fine ? "Success" : "The SMS fails to be sent. For details, see status."),
      ], outcome: SandboxOutcome(failed: failed, of: call.recipients.count))
  }

  /// "Request-level errors: HTTP 400 or 403, body has code and description only."
  private static func failure(
    _ failure: HuaweiSignature.Failure, status: Int = 400, outcome: SandboxOutcome
  ) -> SandboxReply {
    SandboxReply(
      status: status, json: ["code": .string(failure.code), "description": .string(failure.description)],
      outcome: outcome)
  }
}
