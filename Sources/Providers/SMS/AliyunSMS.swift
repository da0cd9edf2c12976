import Core
import FoundationEssentials
import Signing

/// Alibaba Cloud SMS, Dysmsapi 2017-05-25. Section numbers are those of providers/aliyun.md.
package struct AliyunSMS: AskableProvider, BillingProvider {
  package static let card = ProviderCard(
    name: "aliyun-sms",
    summary: "Alibaba Cloud SMS, approved templates to mainland and international numbers",
    document: "https://help.aliyun.com/zh/sms/",
    endpoint: "https://dysmsapi.aliyuncs.com",
    recipientsPerCall: 1000,
    mixedRecipientsPerCall: 100,
    settings: [
      SettingCard("access_key_id", .string, required: true, "the id of the access key, LTAI..."),
      SettingCard("access_key_secret", .string, required: true, secret: true, "the secret of the access key"),
      SettingCard("security_token", .string, secret: true, "the token of temporary (STS) credentials"),
      SettingCard("sign_name", .string, required: true, "the approved signature's text"),
      SettingCard("template", .string, "template for messages that name none, SMS_..."),
      SettingCard("sms_up_extend_code", .string, "extension code for replies"),
      SettingCard("receipt_queue", .string, "the account's queue of receipts, Alicom-Queue-UID-SmsReport"),
      SettingCard("receipt_endpoint", .string, "stands for dybaseapi and MNS, as endpoint does for the service itself"),
      TemplateTexts.setting,
    ],
    options: [
      OptionCard("sign_name", .string, "signature of this message, instead of the channel's"),
      OptionCard("sms_up_extend_code", .string, "extension code of this message, instead of the channel's"),
      OptionCard("out_id", .string, "reference that receipts echo, at most 255 characters; by default the call's id"),
    ],
    limits: [
      ("numbers_with_one_content", 1_000, "numbers"), ("numbers_with_own_contents", 100, "numbers"),
      ("out_id", 255, "UTF-16 units"),
    ],
    templates: .named,
    notes: [
      "to: 11 digits, also behind +86, 86, 0086 or +; abroad: country code and number, + may be left out.",
      "template and params (an object) are what is sent; body, title, url and format are not used.",
      "Messages of one template with different params or signatures share calls of up to 100 numbers.",
      "The answer names no recipients: one number that is refused makes the call be split and sent again in halves.",
      "A lost answer is looked up by out_id after 5 minutes; an out_id used again may be taken for another call's.",
    ],
    example: """
      otp: {
        provider: "aliyun-sms", access_key_id: "LTAI...",
        access_key_secret: { file: "/etc/msgspool/aliyun.secret" },
        sign_name: "...", template: "SMS_1234",
      }
      """)

  private let endpoint: Endpoint
  private let keyID: String
  private let keySecret: String
  private let securityToken: String?
  /// Where receipts are taken from; nil where they are asked for number by number.
  let receiptQueue: ReceiptQueue?

  struct ReceiptQueue {
    var name: String
    /// Of Dybaseapi, which gives out keys.
    var keys: Endpoint
    /// Of MNS, which has the queue.
    var messages: Endpoint
  }

  /// The channel's own values of content fields.
  private let defaults: [String: String]
  private let texts: TemplateTexts

  package init(_ settings: Settings) throws(SettingFault) {
    guard let keyID = settings.string("access_key_id") else { throw SettingFault("access_key_id", "is missing") }
    guard let keySecret = settings.string("access_key_secret") else {
      throw SettingFault("access_key_secret", "is missing")
    }
    self.keyID = keyID
    self.keySecret = keySecret
    endpoint = try Endpoint(settings)
    texts = try TemplateTexts(settings)
    securityToken = settings.string("security_token")
    receiptQueue = try Self.receiptQueue(settings)
    var defaults: [String: String] = [:]
    defaults["SignName"] = settings.string("sign_name")
    defaults["TemplateCode"] = settings.string("template")
    defaults["SmsUpExtendCode"] = settings.string("sms_up_extend_code")
    self.defaults = defaults
  }

  /// Section 6: the vendor's hosts for the mainland.
  private static let keysHost = "https://dybaseapi.aliyuncs.com"
  private static let messagesHost = "https://1943695596114318.mns.cn-hangzhou.aliyuncs.com"

  private static func receiptQueue(_ settings: Settings) throws(SettingFault) -> ReceiptQueue? {
    guard let name = settings.string("receipt_queue") else {
      guard settings.string("receipt_endpoint") == nil else {
        throw SettingFault("receipt_endpoint", "is for receipt_queue, which is missing")
      }
      return nil
    }
    guard name.isToken(and: "-") else {
      throw SettingFault("receipt_queue", "is no queue's name: expected letters, digits and dashes")
    }
    func endpoint(_ host: String) throws(SettingFault) -> Endpoint {
      do throws(SettingFault) {
        return try Endpoint(Settings(endpoint: settings.string("receipt_endpoint") ?? host, values: [:]))
      } catch {
        throw SettingFault("receipt_endpoint", error.problem)
      }
    }
    return ReceiptQueue(name: name, keys: try endpoint(keysHost), messages: try endpoint(messagesHost))
  }

  // MARK: What is sent (section 2)

  private static let domestic = Target.Lane("domestic")
  private static let international = Target.Lane("international")

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if let mobile = PhoneNumber.mainlandMobile(address, mayBarePlus: true) {
      return Target(address, identity: "+86\(mobile)", lane: Self.domestic)
    }
    let digits = address.utf8.first == UInt8(ascii: "+") ? address.dropFirst() : address[...]
    guard let number = PhoneNumber.complete(digits) else {
      throw RecipientFault("is not a phone number: expected 11 digits, or a country code and number of 7 to 15 digits")
    }
    guard !number.hasPrefix("86") else {
      throw RecipientFault("is not a mainland mobile number: expected 11 digits that start with 1 after 86")
    }
    return Target(address, identity: "+\(number)", lane: Self.international)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    guard let template = message.template.flatMap({ $0.isEmpty ? nil : $0 }) ?? defaults["TemplateCode"] else {
      throw MessageFault("template", "is missing, and the channel has none; \(name) sends approved templates only")
    }
    guard let sign = try message.stringOption("sign_name") ?? defaults["SignName"] else {
      throw MessageFault("options.sign_name", "is missing, and the channel has none")
    }
    var fields = [Content.Field("SignName", sign), Content.Field("TemplateCode", template)]
    let parameters = try Self.templateParam(message.params)
    if let parameters { fields.append(.init("TemplateParam", parameters)) }
    let extendCode = try message.stringOption("sms_up_extend_code") ?? defaults["SmsUpExtendCode"]
    if let extendCode { fields.append(.init("SmsUpExtendCode", extendCode)) }
    let outID = try message.stringOption("out_id")
    if let outID {
      try checkLength(outID, "options.out_id", atMost: 255, name)
      fields.append(.init("OutId", outID))
    }
    // One template and one OutId per call; the arrays that hold the rest have an entry for each number or are left out.
    let shape = "\(parameters != nil) \(extendCode != nil)"
    return Content(fields, mixKey: "\(shape) \(JSON.strings([template] + (outID.map { [$0] } ?? [])).text)")
  }

  /// A JSON object of strings as text, in the producer's order; the vendor takes no other values.
  private static func templateParam(_ parameters: Message.Parameters?) throws(MessageFault) -> String? {
    switch parameters {
    case nil: nil
    case .named(let named):
      named.isEmpty ? nil : JSON.object(named.map { .init($0.name, .string($0.value)) }).text
    case .positional:
      throw MessageFault("params", "expected an object of names and strings; \(card.name) has no positional ones")
    }
  }

  /// Section 5: with the signature; abroad by the alphabet.
  package func units(of content: Content, to target: Target) -> Int {
    let text = texts.text(
      content["TemplateCode"] ?? "", signature: content["SignName"], .named(content["TemplateParam"]))
    return target.lane == Self.international ? Segments.gsm(text) : Segments.ucs2(text)
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let reference = Pair("OutId", call.content["OutId"] ?? call.id)
    let wires = call.recipients.map(\.target.wire)
    if !call.isMixed {
      let query = call.content.fields.filter { $0.name != "OutId" }.map { Pair($0.name, $0.value) }
      return signed(
        "SendSms", query: query + [Pair("PhoneNumbers", wires.joined(separator: ",")), reference], at: now, nonce: nonce
      )
    }
    var form = [Pair("PhoneNumberJson", JSON.strings(wires).text)]
    let contents = call.recipients.map { call.contents[$0.content] }
    for (name, field) in [("SignNameJson", "SignName"), ("SmsUpExtendCodeJson", "SmsUpExtendCode")] {
      let values = contents.map { $0[field] }
      guard values.contains(where: { $0 != nil }) else { continue }
      form.append(Pair(name, JSON.strings(values.map { $0 ?? "" }).text))
    }
    let parameters = contents.map { $0["TemplateParam"] }
    if parameters.contains(where: { $0 != nil }) {
      // Each of them is JSON already.
      form.append(Pair("TemplateParamJson", "[\(parameters.map { $0 ?? "{}" }.joined(separator: ","))]"))
    }
    let template = Pair("TemplateCode", call.content["TemplateCode"] ?? "")
    return signed("SendBatchSms", query: [template, reference], form: form, at: now, nonce: nonce)
  }

  /// The transport adds Host and Content-Length alone: a content type that it made up would not be covered.
  /// - Parameter other: another of the vendor's services than the one for messages.
  func signed(
    _ action: String, query: [Pair], form: [Pair] = [], at now: Date, nonce: String, to other: Endpoint? = nil
  ) -> HTTPRequest {
    let endpoint = other ?? endpoint
    let body = PercentEncoding.bytes(of: form)
    let bodyHash = ACS3.bodyHash(body)
    var headers = [
      Pair("x-acs-action", action), Pair("x-acs-version", "2017-05-25"),
      Pair("x-acs-date", CivilTime(now).stamp), Pair("x-acs-signature-nonce", nonce),
      Pair("x-acs-content-sha256", bodyHash),
    ]
    if !body.isEmpty { headers.append(Pair("Content-Type", "application/x-www-form-urlencoded")) }
    if let securityToken {
      headers += [Pair("x-acs-accesskey-id", keyID), Pair("x-acs-security-token", securityToken)]
    }
    let path = endpoint.path + "/"
    let signature = ACS3(
      method: "POST", path: path, query: query, headers: headers + [Pair("host", endpoint.host)], bodyHash: bodyHash)
    headers += [
      Pair("Authorization", signature.authorization(keyID: keyID, secret: keySecret)),
      Pair("Accept", "application/json"),
    ]
    return HTTPRequest(
      .post, "\(endpoint.base)/?\(signature.canonicalQuery)",
      headers: headers.map { HTTPHeader($0.name, $0.value) }, body: body)
  }

  // MARK: What comes back (sections 3 and 4)

  private static let codes = CodeTable<String>([
    (.recipientThrottled, ["isv.BUSINESS_LIMIT_CONTROL"]),
    (.throttled, ["Throttling", "Throttling.User", "Throttling.Api"]),
    (.quota, ["isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE"]),
    (.recipient, ["isv.MOBILE_NUMBER_ILLEGAL", "isv.CUSTOMER_REFUSED"]),
    // Of the first, older documents say that it is the content; the second may be the template's.
    (.recipientPerhaps, ["isv.BLACK_KEY_CONTROL_LIMIT", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"]),
    // While the account is on trial: this number is not among those it may send to.
    (.credentialsPerhaps, ["isv.SMS_TEST_NUMBER_LIMIT"]),
    (.tooLarge, ["isv.MOBILE_COUNT_OVER_LIMIT"]),
    (
      .message,
      [
        "isv.TEMPLATE_MISSING_PARAMETERS", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_JSON_PARAM",
        "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL", "isv.SMS_CONTENT_ILLEGAL", "isv.UNSUPPORTED_CONTENT",
        "isv.INVALID_PARAMETERS",
      ]
    ),
    (.configuration("TemplateCode"), ["isv.SMS_TEMPLATE_ILLEGAL"]),
    (
      .configuration("SignName"),
      [
        "isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SIGN_NAME_ILLEGAL",
        "isv.SIGN_SOURCE_ILLEGAL",
      ]
    ),
    (.configuration("SignName", "TemplateCode"), ["isv.SMS_SIGNATURE_SCENE_ILLEGAL"]),
    (.configuration("SmsUpExtendCode"), ["isv.EXTEND_CODE_ERROR"]),
    (.configuration("SignName", "SmsUpExtendCode"), ["PORT_NOT_REGISTERED"]),
    (
      .credentials,
      [
        "isp.RAM_PERMISSION_DENY", "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.ACCOUNT_NOT_EXISTS",
        "isv.ACCOUNT_ABNORMAL", "isv.DENY_IP_RANGE", "SignatureDoesNotMatch",
        "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "Forbidden.RAM", "InvalidVersion",
        "InvalidAction.NotFound", "IncompleteSignature", "InvalidTimeStamp.Expired",
      ]
    ),
    (
      .inDoubt,
      [
        "isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "isp.UNKNOWN_ERROR", "ServiceUnavailable", "InternalError",
        // Section 6: the first request with this nonce arrived, which isn't to say that it was accepted.
        "SignatureNonceUsed",
      ]
    ),
  ])

  /// Codes that are not in the table, by what the vendor's names have in common.
  private static func verdict(_ code: String, status: Int) -> AnswerClass {
    if let verdict = codes[code] { return verdict }
    if code.hasPrefix("Throttling.") { return .throttled }
    if code.hasPrefix("Missing") { return .credentials }
    if code.hasPrefix("isp.") { return .inDoubt }
    if code.hasPrefix("isv."), status < 500 { return .refused }
    return .status(status, client: .refused, server: .inDoubt)
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    guard let wire = JSONAnswer(response), let code = wire["Code"]?.text, !code.isEmpty else {
      return AnswerClass.status(response.status, client: .fewTimes, server: .inDoubt)
        .answer(
          to: call, code: response.codeOfStatus, reason: response.reasonOfStatus,
          retryAfter: RetryAfter.seconds(in: response, now: now))
    }
    let reason = wire["Message"]?.text
    let bizID = wire["BizId"]?.text.flatMap { $0.isEmpty ? nil : $0 }
    if code == "OK" || bizID != nil {
      // Every documented success has a BizId and no error does; anything between is to be looked up.
      guard code == "OK", let bizID, (200..<300).contains(response.status) else {
        return AnswerClass.inDoubt.answer(to: call, code: code, reason: reason)
      }
      return .all(.accepted(id: bizID), in: call)
    }
    var verdict = Self.verdict(code, status: response.status)
    // The template is for other countries and all in this lane are domestic: halves would fare no better.
    if code == "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", call.recipients.first?.target.lane == Self.domestic {
      verdict.split = .never
    }
    let wait =
      verdict == .recipientThrottled
      ? Self.window(named: reason ?? "", at: now)
      : RetryAfter.milliseconds(in: response) ?? RetryAfter.seconds(in: response, now: now)
    return verdict.answer(to: call, code: code, reason: reason, retryAfter: wait, defaults: defaults)
  }

  /// Seconds until the window that the message names is over; the vendor's are aligned to its clock (section 5).
  private static func window(named message: String, at now: Date) -> Double? {
    if message.contains("分钟") { return 60 }
    let length: Double
    if message.contains("小时") {
      length = 3_600
    } else if message.contains("天") {
      length = 86_400
    } else {
      return nil
    }
    let local = now.timeIntervalSince1970 + Double(chinaOffset)
    return length - local.truncatingRemainder(dividingBy: length)
  }

  /// Windows and dates are those of UTC+8, which has no summer time.
  static let chinaOffset = 8 * 3_600

  // MARK: Lost answers (section 6)

  /// How long a fresh submission takes to be visible is not documented; "the first minutes" prove nothing.
  package var settles: Double { 300 }

  /// Where a look-up has got to: one number and one day after the other, page by page. One record is enough to know
  /// that the whole call was accepted, so a few numbers do.
  private struct Place {
    var step = 0
    var page = 1

    init(_ cursor: String?) {
      let numbers = (cursor ?? "").split(separator: "/").compactMap { Int($0) }
      guard numbers.count == 2, numbers.allSatisfy({ (0...1_000).contains($0) }) else { return }
      (step, page) = (numbers[0], numbers[1])
    }

    var cursor: String { "\(step)/\(page)" }
  }

  private static let pageSize = 50

  private static func steps(of question: Question) -> [(recipient: Int, day: String)] {
    // Whether the date is that of the request or of the first hop is not documented: near midnight both are asked.
    var days: [String] = []
    for seconds in [0, -600, 600] {
      let day = CivilTime(question.startedAt.addingTimeInterval(Double(seconds)), offset: chinaOffset).compactDay
      if !days.contains(day) { days.append(day) }
    }
    return (0..<min(3, question.call.recipients.count)).flatMap { recipient in days.map { (recipient, $0) } }
  }

  package func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    let place = Place(question.cursor)
    let steps = Self.steps(of: question)
    let (recipient, day) = steps[min(place.step, steps.count - 1)]
    let target = question.call.recipients[recipient].target
    let number = target.identity.dropFirst(target.lane == Self.domestic ? 3 : 1)
    let query = [
      Pair("PhoneNumber", String(number)), Pair("SendDate", day), Pair("PageSize", String(Self.pageSize)),
      Pair("CurrentPage", String(place.page)),
    ]
    return signed("QuerySendDetails", query: query, at: now, nonce: nonce)
  }

  package func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding {
    guard response.status == 200, let details = JSONAnswer(response).flatMap(AliyunDetails.init) else {
      return .undecided
    }
    let records = details.records
    let reference = question.call.content["OutId"] ?? question.call.id
    let mine = records.filter {
      // A producer's own out_id may name an earlier call as well.
      $0.outID == reference && !$0.isBefore(question.startedAt.addingTimeInterval(-60), offset: Self.chinaOffset)
    }
    var place = Place(question.cursor)
    let steps = Self.steps(of: question)
    let queried = steps[min(place.step, steps.count - 1)].recipient
    if let record = mine.first {
      var outcomes = question.call.recipients.map { _ in Outcome.accepted() }
      if mine.allSatisfy({ $0.sendStatus == "2" }) {
        outcomes[queried] = .rejected(.recipient, code: record.errorCode, reason: "not delivered")
      }
      return .found(outcomes)
    }
    if !records.isEmpty, details.total ?? 0 > place.page * Self.pageSize {
      place.page += 1
    } else {
      (place.step, place.page) = (place.step + 1, 1)
    }
    return place.step < steps.count ? .more(place.cursor) : .notFound
  }
}
