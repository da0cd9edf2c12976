import FoundationEssentials

/// Tencent Cloud SMS, API 2021-01-11 (cloud.tencent.com/document/api/382/55981 and 59177). HTTP 200 for everything:
/// `Response.Error` for the call, or a `Code` for each number. Section numbers are those of providers/tencent.md.
struct TencentSandbox: ProviderSandbox {
  static let name = "tencent-sms"
  static let sample = SandboxSample(
    settings: [
      #"secret_id: "AKIDsandbox", secret_key: "sandbox""#,
      #"sms_sdk_app_id: "1400006666", sign_name: "Demo", template: "449739""#,
    ], send: "--to +8613800138000 --template 449739")
  static let unrecorded: Set<String> = ["PhoneNumberSet", "PhoneNumber"]

  private typealias Failure = TencentSignature.Failure

  /// Section 1: "max 200 per call", "SessionContext < 512 bytes"; section 2: "clock more than 5 min off"; section 3:
  /// "last 7 days, Limit <= 100".
  private enum Limit {
    static let numbers = 200
    static let context = 512
    static let clock = 300
    static let days = 7
    static let page = 100
  }

  private struct Sent {
    var serial: String
    var at: Int
    var context: String
  }

  private let accounts: [[String: String]]?
  private var sent = Remembered<Sent>(capacity: 200_000)
  private var identifiers = SandboxIdentifiers()
  private var lastSerial = 0
  /// Reports, for whoever fetches them.
  let queue = SandboxQueue()

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// The API has no path; what a request wants is in a header, and the signature is this vendor's.
  static func owns(_ request: SandboxRequest) -> Bool {
    request.path == "/"
      && (request.header("x-tc-action") != nil || request.authorization(TencentSignature.algorithm) != nil)
  }

  func read(_ request: SandboxRequest) -> SandboxCall {
    let operation: SandboxCall.Operation =
      switch request.headers.value("x-tc-action") {
      case "SendSms": .send
      case "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber": .lookup
      default: .other
      }
    do throws(FieldsError) {
      let fields = try request.jsonObject()
      let numbers = (fields["PhoneNumberSet"]?.array ?? []).map { $0.string ?? $0.text }
      return SandboxCall(
        request, operation, fields: fields,
        recipients: operation == .lookup ? fields["PhoneNumber"]?.scalar.map { [$0] } ?? [] : numbers)
    } catch {
      return SandboxCall(request, operation, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    do throws(Failure) {
      try authenticate(call, now: now)
    } catch {
      return self.error(error, outcome: .credentials)
    }
    do throws(Failure) {
      guard call.request.headers.value("x-tc-version") == "2021-01-11" else {
        throw Failure("NoSuchVersion", "The request's `Version` is not supported.")
      }
      guard call.malformed == nil else { throw Failure("InvalidParameter", "The request body is not JSON.") }
      switch call.operation {
      case .send:
        try check(call)
        return accept(call, refused: refused, now: now)
      case .lookup where call.request.headers.value("x-tc-action") == "PullSmsSendStatus":
        return try pullQueue(call, now: now)
      case .lookup: return try pull(call, now: now)
      case .login, .receive, .upload, .phone, .other:
        throw Failure("InvalidAction", "The request's `Action` is not supported.")
      }
    } catch {
      return self.error(
        error, outcome: call.operation == .lookup ? .lookup : call.operation == .send ? .rejected : .error)
    }
  }

  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let failure: Failure =
      switch refusal.reason {
      case .throttle: Failure(refusal.code ?? "RequestLimitExceeded", "The request rate limit has been exceeded.")
      case .quota:
        Failure(refusal.code ?? "FailedOperation.InsufficientBalanceInSmsPackage", "Insufficient package balance.")
      case .credentials:
        Failure(refusal.code ?? Failure.signature.code, Failure.signature.message)
      }
    return error(failure, outcome: refusal.outcome).asking(toWait: refusal.retryAfter)
  }
}

// MARK: - Checks

extension TencentSandbox {
  private func authenticate(_ call: SandboxCall, now: Date) throws(Failure) {
    let signature = try TencentSignature(call.request)
    guard abs(Int(now.timeIntervalSince1970) - signature.timestamp) <= Limit.clock else {
      throw Failure("AuthFailure.SignatureExpire", "The provided credentials have expired.")
    }
    guard let accounts else { return }
    let own = accounts.filter { $0["secret_id"] == signature.secretID }
    guard let account = own.first else { throw Failure("AuthFailure.SecretIdNotFound", "The SecretId is not found.") }
    guard signature.matches(secret: account["secret_key"] ?? "") else { throw .signature }
    let applications = own.compactMap { $0["sms_sdk_app_id"] }
    guard let application = call.fields["SmsSdkAppId"]?.scalar, !applications.isEmpty else { return }
    guard applications.contains(application) else {
      throw Failure("InvalidParameterValue.SdkAppIdNotExist", "The SdkAppId does not exist.")
    }
  }

  private func check(_ call: SandboxCall) throws(Failure) {
    let fields = call.fields
    for name in ["SmsSdkAppId", "TemplateId"] where (fields[name]?.string ?? "").isEmpty {
      throw Failure("MissingParameter", "The request is missing a required parameter `\(name)`.")
    }
    guard let numbers = fields["PhoneNumberSet"]?.strings, !numbers.isEmpty else {
      throw Failure("MissingParameter.EmptyPhoneNumberSet", "The parameter `PhoneNumberSet` is empty.")
    }
    guard numbers.count <= Limit.numbers else {
      throw Failure("LimitExceeded.PhoneNumberCountLimit", "The number of phone numbers exceeds \(Limit.numbers).")
    }
    let known = numbers.compactMap { Self.number($0) }
    let mainland = known.filter(\.mainland).count
    guard mainland == 0 || mainland == known.count else {
      throw Failure(
        "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        "The request contains both mainland China and international numbers.")
    }
    if mainland > 0, (fields["SignName"]?.string ?? "").isEmpty {
      throw Failure("FailedOperation.SignatureIncorrectOrUnapproved", "The signature is incorrect or unapproved.")
    }
    if let variables = fields["TemplateParamSet"], variables != .null, variables.strings == nil {
      throw Failure("InvalidParameter", "The parameter `TemplateParamSet` is not an array of strings.")
    }
    // The code for a context that is too long is not documented.
    guard (fields["SessionContext"]?.string ?? "").utf8.count < Limit.context else {
      throw Failure("InvalidParameterValue", "The parameter `SessionContext` is too long.")
    }
  }

  /// "E.164; mainland also accepts 0086/86/no prefix."
  private static func number(_ text: String) -> (e164: String, mainland: Bool)? {
    for prefix in ["+86", "0086", "86", ""] where text.hasPrefix(prefix) {
      let rest = text.dropFirst(prefix.count)
      if rest.utf8.count == 11, rest.utf8.first == UInt8(ascii: "1"), rest.utf8.allSatisfy(isDigit) {
        return ("+86" + rest, true)
      }
    }
    let digits = text.dropFirst()
    guard text.hasPrefix("+"), !text.hasPrefix("+86"), 7...15 ~= digits.utf8.count, digits.utf8.allSatisfy(isDigit)
    else { return nil }
    return (text, false)
  }
}

// MARK: - Answers

extension TencentSandbox {
  private mutating func accept(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    let context = call.fields["SessionContext"]?.string ?? ""
    var failed = 0
    var statuses: [WireJSON] = []
    for (index, text) in call.recipients.enumerated() {
      let number = Self.number(text)
      var code = refused[index].map { $0.code ?? "InvalidParameterValue.IncorrectPhoneNumber" }
      if number == nil, code == nil { code = "InvalidParameterValue.IncorrectPhoneNumber" }
      var serial = ""
      if code == nil, let number {
        lastSerial += 1
        serial = "5000:\(1_045_710_528_162_160_000 + lastSerial)"
        sent.append(
          Sent(serial: serial, at: Int(now.timeIntervalSince1970), context: context), key: number.e164)
      } else {
        failed += 1
      }
      statuses.append([
        "SerialNo": .string(serial), "PhoneNumber": .string(number?.e164 ?? text), "Fee": code == nil ? 1 : 0,
        "SessionContext": .string(context), "Code": .string(code ?? "Ok"),
        "Message": .string(code == nil ? "send success" : "failed"), "IsoCode": number?.mainland == true ? "CN" : "",
      ])
    }
    return reply(
      [WireMember("SendStatusSet", .array(statuses))],
      outcome: SandboxOutcome(failed: failed, of: call.recipients.count))
  }

  /// "Only numbers whose carrier answered appear"; how long that takes is invented.
  private mutating func pull(_ call: SandboxCall, now: Date) throws(Failure) -> SandboxReply {
    let fields = call.fields
    let seconds = Int(now.timeIntervalSince1970)
    for name in ["BeginTime", "Offset", "Limit", "PhoneNumber", "SmsSdkAppId"] where fields[name]?.scalar == nil {
      throw Failure("MissingParameter", "The request is missing a required parameter `\(name)`.")
    }
    guard let begin = fields["BeginTime"]?.int, begin >= seconds - Limit.days * 86_400,
      let limit = fields["Limit"]?.int, 1...Limit.page ~= limit, let offset = fields["Offset"]?.int, offset >= 0
    else { throw Failure("InvalidParameterValue", "BeginTime, Offset or Limit is out of range.") }
    let end = fields["EndTime"]?.int ?? seconds
    let number = Self.number(fields["PhoneNumber"]?.scalar ?? "")?.e164 ?? ""
    let found = sent.serials(of: number).compactMap { sent[$0] }.filter {
      begin...max(begin, end) ~= $0.at && $0.at + 5 <= seconds
    }
    let rows = found.dropFirst(offset).prefix(limit).map { sent -> WireJSON in
      [
        "UserReceiveTime": .int(sent.at + 5), "CountryCode": number.hasPrefix("+86") ? "86" : "",
        "SubscriberNumber": .string(String(number.dropFirst(number.hasPrefix("+86") ? 3 : 1))),
        "PhoneNumber": .string(number), "SerialNo": .string(sent.serial), "ReportStatus": "SUCCESS",
        "Description": "DELIVRD", "SessionContext": .string(sent.context),
      ]
    }
    return reply([WireMember("PullSmsSendStatusSet", .array(rows))], outcome: .lookup)
  }

  /// Section 3a: "each entry once".
  private mutating func pullQueue(_ call: SandboxCall, now: Date) throws(Failure) -> SandboxReply {
    guard call.fields["SmsSdkAppId"]?.scalar != nil else {
      throw Failure("MissingParameter", "The request is missing a required parameter `SmsSdkAppId`.")
    }
    guard let limit = call.fields["Limit"]?.int, 1...Limit.page ~= limit else {
      throw Failure("InvalidParameterValue", "Limit is out of range.")
    }
    let sent = sent
    let rows = queue.take(limit, now: now).map { report -> WireJSON in
      func text(_ name: String) -> String { report[name]?.scalar ?? "" }
      let number = (text("nationcode") == "86" ? "+86" : "+") + text("mobile")
      let context = sent.serials(of: number).lazy.compactMap { sent[$0] }.first { $0.serial == text("sid") }?.context
      let received = WireTime.unix(iso8601: text("user_receive_time").replacing(" ", with: "T") + "Z")
      return [
        "UserReceiveTime": .int((received ?? WireTime.china) - WireTime.china),
        "CountryCode": .string(text("nationcode")), "SubscriberNumber": .string(text("mobile")),
        "PhoneNumber": .string(number), "SerialNo": .string(text("sid")),
        "ReportStatus": .string(text("report_status")),
        "Description": .string(text("errmsg")), "SessionContext": .string(context ?? ""),
      ]
    }
    return reply([WireMember("PullSmsSendStatusSet", .array(rows))], outcome: .lookup)
  }

  private mutating func error(_ failure: Failure, outcome: SandboxOutcome) -> SandboxReply {
    reply(
      [WireMember("Error", ["Code": .string(failure.code), "Message": .string(failure.message)])], outcome: outcome)
  }

  private mutating func reply(_ members: [WireMember], outcome: SandboxOutcome) -> SandboxReply {
    let request = WireMember("RequestId", .string(identifiers.uuid().lowercased()))
    return SandboxReply(status: 200, json: ["Response": .object(members + [request])], outcome: outcome)
  }
}
