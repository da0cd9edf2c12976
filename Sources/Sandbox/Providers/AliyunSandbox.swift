import FoundationEssentials

/// Alibaba Cloud SMS, API Dysmsapi 2017-05-25 (help.aliyun.com, SendSms, SendBatchSms, QuerySendDetails, error codes
/// document_detail/101346). Gateway errors are HTTP 4xx; business errors are HTTP 200 with a `Code` that is not OK.
struct AliyunSandbox: ProviderSandbox {
  static let name = "aliyun-sms"
  static let sample = SandboxSample(
    settings: [
      #"access_key_id: "LTAIsandbox", access_key_secret: "sandbox""#, #"sign_name: "Demo", template: "SMS_1""#,
    ], send: "--to 13800138000 --template SMS_1 --param code=1234")
  static let unrecorded: Set<String> = [
    "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "SignatureType", "Timestamp",
    "SecurityToken", "Format", "PhoneNumbers", "PhoneNumberJson", "PhoneNumber",
  ]

  private static let version = "2017-05-25"
  /// "A timestamp is valid 15 minutes" and a nonce may be used once; nonces are remembered well beyond that.
  private static let timestampSeconds = 15 * 60
  private static let rememberedNonces = 200_000
  private static let rememberedNumbers = 200_000

  private let accounts: [[String: String]]?
  var sent = Remembered<AliyunSend>(capacity: rememberedNumbers)
  private var nonces = Remembered<Void>(capacity: rememberedNonces)
  /// Receipts, for whoever fetches them.
  let queue = SandboxQueue()
  var queueKeys = Remembered<QueueKeys>(capacity: 1000)
  var identifiers = SandboxIdentifiers()
  private var lastBusinessID = 900_619_746_936_000_000

  init(accounts: [[String: String]]?) { self.accounts = accounts }

  /// The API has no path; what a request wants is in a header or a parameter.
  static func owns(_ request: SandboxRequest) -> Bool {
    isQueue(request)
      || (request.path == "/"
        && (request.header("x-acs-action") != nil || request.query.value("Action") != nil
          || request.form.value("Action") != nil))
  }

  /// Query and form body together, as the RPC style has it; V3 splits them over both as well.
  static func parameters(of request: SandboxRequest) -> [FormPair] { request.query + request.form }

  func read(_ request: SandboxRequest) -> SandboxCall {
    if Self.isQueue(request) {
      return SandboxCall(
        request, request.method == "GET" ? .lookup : .other, fields: WireJSON(pairs: request.query))
    }
    let parameters = Self.parameters(of: request)
    let action = parameters.value("Action") ?? request.header("x-acs-action") ?? ""
    var fields = parameters.map { WireMember($0.name, .string($0.value)) }
    if parameters.value("Action") == nil { fields.insert(WireMember("Action", .string(action)), at: 0) }
    let operation: SandboxCall.Operation
    let recipients: [String]
    switch action {
    case "SendSms":
      operation = .send
      recipients = (parameters.value("PhoneNumbers") ?? "").utf8
        .split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { String(Substring($0)) }
    case "SendBatchSms":
      operation = .send
      recipients = Self.strings(parameters.value("PhoneNumberJson")) ?? []
    case "QueryTokenForMnsQueue":
      operation = .login
      recipients = []
    case "QuerySendDetails":
      operation = .lookup
      recipients = parameters.value("PhoneNumber").map { [$0] } ?? []
    default:
      operation = .other
      recipients = []
    }
    return SandboxCall(request, operation, fields: .object(fields), recipients: recipients)
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    if Self.isQueue(call.request) { return serveQueue(call, now: now) }
    let parameters = Self.parameters(of: call.request)
    if let failure = authenticate(call.request, parameters, now: now) {
      return gateway(call, failure, outcome: failure.code == "SignatureNonceUsed" ? .error : .credentials)
    }
    let action = call.fields["Action"]?.string ?? ""
    let version = parameters.value("Version") ?? call.request.headers.value("x-acs-version")
    guard let version else { return gateway(call, .missing("Version")) }
    guard version == Self.version else {
      return gateway(
        call, .init(status: 400, code: "InvalidVersion", message: "Specified parameter Version is not valid."),
        outcome: .error)
    }
    switch action {
    case "SendSms": return sendSms(call, parameters, refused: refused, now: now)
    case "SendBatchSms": return sendBatchSms(call, parameters, refused: refused, now: now)
    case "QuerySendDetails": return querySendDetails(call, parameters, now: now)
    case "QueryTokenForMnsQueue": return giveKeys(call, parameters, now: now)
    default:
      let message = "Specified api is not found, please check your url and method."
      return gateway(call, .init(status: 404, code: "InvalidAction.NotFound", message: message), outcome: .error)
    }
  }

  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    switch refusal.reason {
    case .throttle:
      if let code = refusal.code, code.hasPrefix("isv.") {
        return business(call, code, "触发分钟级流控Permits:1", outcome: .throttled)
      }
      let message = "Request was denied due to user flow control."
      var reply = gateway(
        call, .init(status: 400, code: refusal.code ?? "Throttling.User", message: message), outcome: .throttled)
      // "x-acs-retry-after: positive integer, milliseconds."
      if let seconds = refusal.retryAfter {
        reply.headers.append(FormPair("x-acs-retry-after", String(seconds * 1000)))
      }
      return reply
    case .quota:
      return business(call, refusal.code ?? "isv.AMOUNT_NOT_ENOUGH", "账户余额不足", outcome: .quota)
    case .credentials:
      return gateway(
        call,
        .init(
          status: 404, code: refusal.code ?? "InvalidAccessKeyId.NotFound",
          message: "Specified access key is not found."), outcome: .credentials)
    }
  }

  private static func strings(_ json: String?) -> [String]? {
    guard let json, let value = try? WireJSON(parsing: json) else { return nil }
    return value.strings
  }
}

// MARK: - Who is calling

extension AliyunSandbox {
  /// Form, then time, then the key, then the signature, and the nonce last: a request that was refused before did not
  /// use its nonce up. (The order is not documented.)
  private mutating func authenticate(
    _ request: SandboxRequest, _ parameters: [FormPair], now: Date
  ) -> AliyunSignature.Failure? {
    let signature: AliyunSignature
    do throws(AliyunSignature.Failure) {
      if let header = request.header("authorization"), header.hasPrefix(AliyunSignature.algorithm) {
        signature = try AliyunSignature(v3: request, authorization: header)
      } else {
        signature = try AliyunSignature(rpc: request, parameters: parameters)
      }
    } catch {
      return error
    }
    guard abs(Int(now.timeIntervalSince1970) - signature.timestamp) <= Self.timestampSeconds else {
      return .init(
        status: 400, code: "InvalidTimeStamp.Expired", message: "Specified time stamp or date value is expired.")
    }
    if let accounts {
      guard let account = accounts.first(where: { $0["access_key_id"] == signature.accessKey }) else {
        return .init(
          status: 404, code: "InvalidAccessKeyId.NotFound", message: "Specified access key is not found.")
      }
      guard signature.matches(secret: account["access_key_secret"] ?? "") else { return signature.mismatch }
      if let token = account["security_token"], token != signature.securityToken {
        return .init(
          status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey",
          message: "Specified SecurityToken mismatch with the AccessKey.")
      }
    }
    let key = signature.accessKey + "\n" + signature.nonce
    guard nonces.serials(of: key).isEmpty else {
      return .init(
        status: 400, code: "SignatureNonceUsed", message: "Specified signature nonce was used already.")
    }
    nonces.append((), key: key)
    return nil
  }
}

// MARK: - Answers

extension AliyunSandbox {
  /// What the far side took with one call.
  mutating func accepted(_ call: SandboxCall, businessID: String) -> SandboxReply {
    reply(
      call, 200, [WireMember("Message", "OK"), WireMember("BizId", .string(businessID)), WireMember("Code", "OK")],
      outcome: .accepted)
  }

  mutating func nextBusinessID() -> String {
    lastBusinessID += 1
    return "\(lastBusinessID)^0"
  }

  /// "Business error: HTTP 200, same shape, no BizId."
  mutating func business(
    _ call: SandboxCall, _ code: String, _ message: String, outcome: SandboxOutcome = .rejected
  ) -> SandboxReply {
    reply(
      call, 200, [WireMember("Message", .string(message)), WireMember("Code", .string(code))],
      outcome: call.operation == .lookup && outcome == .rejected ? .lookup : outcome)
  }

  mutating func gateway(
    _ call: SandboxCall, _ failure: AliyunSignature.Failure, outcome: SandboxOutcome = .rejected
  ) -> SandboxReply {
    reply(
      call, failure.status,
      [
        WireMember("HostId", .string(call.request.header("host") ?? "dysmsapi.aliyuncs.com")),
        WireMember("Code", .string(failure.code)), WireMember("Message", .string(failure.message)),
        WireMember("Recommend", .string("https://api.aliyun.com/troubleshoot?q=\(failure.code)&product=Dysmsapi")),
      ], isError: true, outcome: outcome)
  }

  mutating func reply(
    _ call: SandboxCall, _ status: Int, _ members: [WireMember], isError: Bool = false, outcome: SandboxOutcome
  ) -> SandboxReply {
    let all = [WireMember("RequestId", .string(identifiers.uuid()))] + members
    let parameters = Self.parameters(of: call.request)
    // The RPC style answers in XML unless Format asks for JSON; V3 has no Format.
    let isRPC = parameters.value("Signature") != nil
    guard isRPC, (parameters.value("Format") ?? "XML").uppercased() != "JSON" else {
      return SandboxReply(status: status, json: .object(all), outcome: outcome)
    }
    let root = isError ? "Error" : (call.fields["Action"]?.string ?? "") + "Response"
    var out = Array("<?xml version='1.0' encoding='UTF-8'?>".utf8)
    Self.xml(.object(all), name: root, to: &out)
    return SandboxReply(
      status: status, headers: [FormPair("Content-Type", "text/xml;charset=utf-8")], body: out, outcome: outcome)
  }

  private static func xml(_ value: WireJSON, name: String, to out: inout [UInt8]) {
    if case .array(let values) = value {
      for value in values { xml(value, name: name, to: &out) }
      return
    }
    out.append(contentsOf: "<\(name)>".utf8)
    if case .object(let members) = value {
      for member in members { xml(member.value, name: member.name, to: &out) }
    } else {
      for character in value.string ?? value.text {
        switch character {
        case "<": out.append(contentsOf: "&lt;".utf8)
        case ">": out.append(contentsOf: "&gt;".utf8)
        case "&": out.append(contentsOf: "&amp;".utf8)
        default: out.append(contentsOf: character.utf8)
        }
      }
    }
    out.append(contentsOf: "</\(name)>".utf8)
  }
}
