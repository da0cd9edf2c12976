import FoundationEssentials

/// One number of an accepted call.
struct AliyunSend: Sendable {
  var number: String
  var call: Call

  /// What all numbers of a call share; a class so that a thousand numbers cost one of it.
  final class Call: Sendable {
    let businessID: String
    let outID: String?
    let template: String
    /// Seconds since 1970.
    let at: Int

    init(businessID: String, outID: String?, template: String, at: Int) {
      self.businessID = businessID
      self.outID = outID
      self.template = template
      self.at = at
    }
  }

  /// "SendStatus 1 waiting for receipt, 3 delivered"; how long the receipt takes is invented.
  private static let receiptSeconds = 5

  func json(now: Int, content: String) -> WireJSON {
    let received = now >= call.at + Self.receiptSeconds
    var members = [
      WireMember("SendDate", .string(Self.chinaText(call.at))), WireMember("OutId", .string(call.outID ?? "")),
      WireMember("SendStatus", received ? 3 : 1), WireMember("TemplateCode", .string(call.template)),
      WireMember("Content", .string(content)), WireMember("PhoneNum", .string(number)),
      WireMember("ErrCode", .string(received ? "DELIVERED" : "")),
    ]
    if received {
      members.append(WireMember("ReceiveDate", .string(Self.chinaText(call.at + Self.receiptSeconds))))
    }
    return .object(members)
  }

  private static func chinaText(_ unix: Int) -> String {
    let time = WireTime(unix: unix, offset: WireTime.china)
    return "\(time.dayText) \(time.timeText)"
  }
}

/// A phone number as SendSms takes it: "domestic: 11 digits, optional prefix +86, 86, 0086 or +; international: country
/// code and number, no + needed".
enum AliyunNumber {
  case domestic(String)
  case international(String)

  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let body = Self.afterPrefix(bytes, "+"), body.allSatisfy(Self.isDigit) else { return nil }
    for prefix in ["+86", "0086", "86", "+", ""] {
      guard let rest = Self.afterPrefix(bytes, prefix, required: true), Self.isMobile(rest) else { continue }
      self = .domestic(String(decoding: rest, as: UTF8.self))
      return
    }
    let number = Self.afterPrefix(Array(body), "00") ?? body
    // E.164: at most 15 digits with country code, none of which starts with 0. China is domestic or nothing, and North
    // America (country code 1) has 11 digits, which keeps a mistyped Chinese number from passing for a foreign one.
    guard 7...15 ~= number.count, number.first != UInt8(ascii: "0"), !number.starts(with: "86".utf8),
      number.first != UInt8(ascii: "1") || number.count == 11
    else { return nil }
    self = .international(String(decoding: number, as: UTF8.self))
  }

  /// What sends of the same phone have in common, however they were written.
  var normal: String {
    switch self {
    case .domestic(let digits), .international(let digits): digits
    }
  }

  var isDomestic: Bool { if case .domestic = self { true } else { false } }

  private static func afterPrefix(_ bytes: [UInt8], _ prefix: String, required: Bool = false) -> ArraySlice<UInt8>? {
    if bytes.starts(with: prefix.utf8) { return bytes.dropFirst(prefix.utf8.count) }
    return required ? nil : bytes[...]
  }

  private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  private static func isMobile(_ digits: ArraySlice<UInt8>) -> Bool {
    digits.count == 11 && digits.first == UInt8(ascii: "1")
      && UInt8(ascii: "3")...UInt8(ascii: "9") ~= digits[digits.startIndex + 1]
  }
}

// MARK: - SendSms and SendBatchSms

extension AliyunSandbox {
  /// A business error: code and message.
  typealias Problem = (code: String, message: String)

  private enum Limit {
    static let numbers = 1000
    static let batch = 100
    static let outID = 255
    /// "Signature and rendered text, 500 characters"; one variable alone cannot be longer.
    static let text = 500
    /// QuerySendDetails: page size and days back.
    static let page = 1...50
    static let days = 30
  }

  mutating func sendSms(
    _ call: SandboxCall, _ parameters: [FormPair], refused: [Int: RefusedRecipient], now: Date
  ) -> SandboxReply {
    for name in ["PhoneNumbers", "SignName", "TemplateCode"] where parameters.value(name) == nil {
      return gateway(call, .missing(name))
    }
    if call.recipients.count > Limit.numbers {
      return business(call, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制，最多支持\(Limit.numbers)个")
    }
    if let problem = Self.problem(template: parameters.value("TemplateCode"), outID: parameters.value("OutId")) {
      return business(call, problem.code, problem.message)
    }
    if let text = parameters.value("TemplateParam"), let problem = Self.problem(variables: try? WireJSON(parsing: text))
    {
      return business(call, problem.code, problem.message)
    }
    return accept(call, parameters, refused: refused, now: now)
  }

  mutating func sendBatchSms(
    _ call: SandboxCall, _ parameters: [FormPair], refused: [Int: RefusedRecipient], now: Date
  ) -> SandboxReply {
    for name in ["PhoneNumberJson", "SignNameJson", "TemplateCode"] where parameters.value(name) == nil {
      return gateway(call, .missing(name))
    }
    func array(_ name: String) -> [WireJSON]? {
      (try? WireJSON(parsing: parameters.value(name) ?? "[]"))?.array
    }
    guard let numbers = array("PhoneNumberJson"), let signs = array("SignNameJson"),
      WireJSON.array(numbers).strings != nil,
      WireJSON.array(signs).strings != nil, let variables = array("TemplateParamJson")
    else { return business(call, "isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值") }
    if numbers.count > Limit.batch {
      return business(call, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制，最多支持\(Limit.batch)个")
    }
    if signs.count != numbers.count || (!variables.isEmpty && variables.count != numbers.count) {
      return business(call, "isv.INVALID_PARAMETERS", "号码、签名和模板变量的数量不一致")
    }
    if let problem = Self.problem(template: parameters.value("TemplateCode"), outID: parameters.value("OutId")) {
      return business(call, problem.code, problem.message)
    }
    for variables in variables {
      if let problem = Self.problem(variables: variables) { return business(call, problem.code, problem.message) }
    }
    return accept(call, parameters, refused: refused, now: now)
  }

  private static func problem(template: String?, outID: String?) -> Problem? {
    if let template, !template.hasPrefix("SMS_") { return ("isv.SMS_TEMPLATE_ILLEGAL", "模板不合法（不存在或被拉黑）") }
    if let outID, outID.utf16.count > Limit.outID { return ("isv.PARAM_LENGTH_LIMIT", "OutId长度超过限制") }
    return nil
  }

  /// "JSON object as a string; values must be strings."
  private static func problem(variables: WireJSON?) -> Problem? {
    guard case .object(let members)? = variables else { return ("isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值") }
    for member in members {
      guard let value = member.value.string else {
        return ("isv.TEMPLATE_PARAMS_ILLEGAL", "模板变量\(member.name)的值必须是字符串")
      }
      if value.utf16.count > Limit.text { return ("isv.PARAM_LENGTH_LIMIT", "模板变量\(member.name)超过长度限制") }
    }
    return nil
  }

  private mutating func accept(
    _ call: SandboxCall, _ parameters: [FormPair], refused: [Int: RefusedRecipient], now: Date
  ) -> SandboxReply {
    var numbers: [String] = []
    numbers.reserveCapacity(call.recipients.count)
    var domestic: Bool?
    for (index, text) in call.recipients.enumerated() {
      // "One Code covers the whole call: there is no per-number result in the response."
      if let refusal = refused[index] {
        return business(call, refusal.code ?? "isv.MOBILE_NUMBER_ILLEGAL", "号码\(text)不可用")
      }
      guard let number = AliyunNumber(text) else {
        return business(call, "isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误: \(text)")
      }
      // The first number decides what kind of template this is: "domestic and international cannot be mixed".
      if let domestic, domestic != number.isDomestic {
        return domestic
          ? business(call, "isv.MOBILE_NUMBER_ILLEGAL", "国内短信模板不支持国际号码: \(text)")
          : business(call, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "国际/港澳台消息模板不支持发送境内号码")
      }
      domestic = number.isDomestic
      numbers.append(number.normal)
    }
    if numbers.isEmpty { return business(call, "isv.MOBILE_NUMBER_ILLEGAL", "手机号码不能为空") }
    let businessID = nextBusinessID()
    let shared = AliyunSend.Call(
      businessID: businessID, outID: parameters.value("OutId"), template: parameters.value("TemplateCode") ?? "",
      at: Int(now.timeIntervalSince1970))
    for number in numbers { sent.append(AliyunSend(number: number, call: shared), key: number) }
    return accepted(call, businessID: businessID)
  }
}

// MARK: - QuerySendDetails

extension AliyunSandbox {
  /// Records of one number on one day (UTC+8), newest first, optionally of one BizId.
  mutating func querySendDetails(_ call: SandboxCall, _ parameters: [FormPair], now: Date) -> SandboxReply {
    for name in ["PhoneNumber", "SendDate", "PageSize", "CurrentPage"] where parameters.value(name) == nil {
      return gateway(call, .missing(name))
    }
    let seconds = Int(now.timeIntervalSince1970)
    guard let number = AliyunNumber(parameters.value("PhoneNumber") ?? "") else {
      return business(call, "isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误")
    }
    guard let day = parameters.value("SendDate"), day.utf8.count == 8, let midnight = WireTime.unix(day: day),
      midnight - WireTime.china + (Limit.days + 1) * 86_400 > seconds,
      let size = Int(parameters.value("PageSize") ?? ""), Limit.page.contains(size),
      let page = Int(parameters.value("CurrentPage") ?? ""), page >= 1
    else { return business(call, "isv.INVALID_PARAMETERS", "参数异常") }
    let wanted = parameters.value("BizId")
    let start = midnight - WireTime.china
    let found = sent.serials(of: number.normal).reversed().compactMap { sent[$0] }.filter { send in
      start..<start + 86_400 ~= send.call.at && (wanted == nil || wanted == send.call.businessID)
    }
    let shown = found.dropFirst((page - 1) * size).prefix(size)
    let details = shown.map { $0.json(now: seconds, content: "【sandbox】\($0.call.template)") }
    return reply(
      call, 200,
      [
        WireMember("TotalCount", .int(found.count)), WireMember("Message", "OK"),
        WireMember("SmsSendDetailDTOs", ["SmsSendDetailDTO": .array(details)]), WireMember("Code", "OK"),
      ], outcome: .lookup)
  }
}
