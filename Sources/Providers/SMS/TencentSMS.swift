import Core
import FoundationEssentials
import Signing

/// Tencent Cloud SMS 2021-01-11. Section numbers are those of providers/tencent.md.
package struct TencentSMS: SteppingProvider, AskableProvider, BillingProvider {
  package static let card = ProviderCard(
    name: "tencent-sms",
    summary: "Tencent Cloud SMS, approved templates to mainland and international numbers",
    document: "https://cloud.tencent.com/document/api/382/55981",
    endpoint: "https://sms.tencentcloudapi.com",
    recipientsPerCall: 200,
    settings: [
      SettingCard("secret_id", .string, required: true, "the id of the API key, AKID..."),
      SettingCard("secret_key", .string, required: true, secret: true, "the secret of the API key"),
      SettingCard("token", .string, secret: true, "the token of temporary credentials"),
      SettingCard("sms_sdk_app_id", .identifier, required: true, "the SMS application's id, 1400006666"),
      SettingCard("sign_name", .string, "the approved signature's text; mainland numbers need one"),
      SettingCard("template", .string, "id of the template for messages that name none"),
      SettingCard("region", .string, "ap-guangzhou (default), ap-beijing or ap-nanjing; abroad ap-singapore"),
      SettingCard("extend_code", .string, "extension code for replies"),
      TemplateTexts.setting,
      SettingCard("sender_id", .string, "sender of messages to other countries"),
    ],
    options: [
      OptionCard("sign_name", .string, "signature of this message, instead of the channel's"),
      OptionCard("extend_code", .string, "extension code of this message, instead of the channel's"),
      OptionCard("sender_id", .string, "sender of this message, instead of the channel's"),
      OptionCard("session_context", .string, "text that the answer echoes, under 512 bytes; by default the call's id"),
    ],
    limits: [("numbers_per_call", 200, "numbers"), ("session_context", 511, "bytes")],
    templates: .positional,
    notes: [
      "to: 11 digits, also behind +86, 86, 0086 or +; abroad: + and country code and number.",
      "template and params (an array, in the template's order) are what is sent; body, title, url and format are not.",
      "Mainland and other numbers never share a call, as the service refuses mixed ones.",
      "A lost answer is looked for among the carriers' reports, by number and time, for a day.",
      "Without a report it stays unconfirmed, as the service cannot say that something was not sent.",
    ],
    example: """
      otp: {
        provider: "tencent-sms",
        secret_id: "AKID...", secret_key: { file: "/etc/msgspool/tencent.secret" },
        sms_sdk_app_id: "1400006666", sign_name: "...", template: "1110",
      }
      """)

  private let endpoint: Endpoint
  private let keyID: String
  private let secret: String
  private let token: String?
  let appID: String
  private let region: String
  /// The channel's own values of content fields.
  private let defaults: [String: String]
  private let texts: TemplateTexts

  package init(_ settings: Settings) throws(SettingFault) {
    keyID = try settings.requiredToken("secret_id")
    secret = try settings.required("secret_key")
    token = try settings.token("token")
    appID = try settings.required("sms_sdk_app_id")
    region = try settings.token("region") ?? "ap-guangzhou"
    endpoint = try Endpoint(settings)
    texts = try TemplateTexts(settings)
    var defaults: [String: String] = [:]
    defaults["SignName"] = settings.string("sign_name")
    defaults["TemplateId"] = settings.string("template")
    defaults["ExtendCode"] = settings.string("extend_code")
    defaults["SenderId"] = settings.string("sender_id")
    self.defaults = defaults
  }

  // MARK: What is sent (section 1)

  private static let domestic = Target.Lane("domestic")
  private static let international = Target.Lane("international")

  package func target(_ address: String) throws(RecipientFault) -> Target {
    let (number, isMainland) = try PhoneNumber.withPlus(address)
    return Target(address, wire: number, lane: isMainland ? Self.domestic : Self.international)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    guard let template = message.template.flatMap({ $0.isEmpty ? nil : $0 }) ?? defaults["TemplateId"] else {
      throw MessageFault("template", "is missing, and the channel has none; \(name) sends approved templates only")
    }
    var fields = [Content.Field("TemplateId", template)]
    switch message.params {
    case nil: break
    case .positional(let values):
      // JSON as text, so that equal contents are equal.
      if !values.isEmpty { fields.append(.init("TemplateParamSet", JSON.strings(values).text)) }
    case .named:
      throw MessageFault("params", "expected an array of strings, in the template's order; \(name) has no names")
    }
    for (option, field) in [("sign_name", "SignName"), ("extend_code", "ExtendCode"), ("sender_id", "SenderId")] {
      if let value = try message.stringOption(option) ?? defaults[field] { fields.append(.init(field, value)) }
    }
    if let context = try message.stringOption("session_context") {
      guard context.utf8.count < 512 else {
        throw MessageFault(
          "options.session_context", "has \(context.utf8.count) bytes; \(name) takes at most 511")
      }
      fields.append(.init("SessionContext", context))
    }
    return Content(fields)
  }

  /// 70 and 67 signs with the signature; abroad by the alphabet.
  package func units(of content: Content, to target: Target) -> Int {
    let text = texts.text(
      content["TemplateId"] ?? "", signature: content["SignName"], .positional(content["TemplateParamSet"]))
    return target.lane == Self.international ? Segments.gsm(text) : Segments.ucs2(text)
  }

  /// A mainland call without a signature would be refused whole; who is called is only known here.
  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    if call.content["SignName"] == nil, call.recipients.first?.target.lane == Self.domestic {
      let reason = "options.sign_name: is missing, and the channel has none; mainland numbers need one"
      return .finish(.all(.rejected(.message, reason: reason), in: call))
    }
    return .send(exchange(for: call, at: now, nonce: nonce))
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    var text = JSON.object([
      .init("PhoneNumberSet", .strings(call.recipients.map(\.target.wire))), .init("SmsSdkAppId", .string(appID)),
      .init("SessionContext", .string(call.content["SessionContext"] ?? call.id)),
    ]).text.dropLast()
    for field in call.content.fields where field.name != "SessionContext" {
      // The parameters are JSON already.
      let value = field.name == "TemplateParamSet" ? field.value : JSON.string(field.value).text
      text += ",\"\(field.name)\":\(value)"
    }
    return signed("SendSms", Array("\(text)}".utf8), at: now)
  }

  func signed(_ action: String, _ body: [UInt8], at now: Date) -> HTTPRequest {
    let timestamp = Int(now.timeIntervalSince1970)
    let type = Pair("Content-Type", "application/json")
    let signature = TC3(
      method: "POST", path: endpoint.path + "/", headers: [type, Pair("Host", endpoint.host)], body: body,
      timestamp: timestamp, day: CivilTime(now).isoDay, service: "sms")
    var headers = [
      type, Pair("X-TC-Action", action), Pair("X-TC-Version", "2021-01-11"), Pair("X-TC-Timestamp", String(timestamp)),
      Pair("X-TC-Region", region), Pair("Authorization", signature.authorization(keyID: keyID, secret: secret)),
      Pair("Accept", "application/json"),
    ]
    if let token { headers.append(Pair("X-TC-Token", token)) }
    return HTTPRequest(
      .post, endpoint.base + "/", headers: headers.map { HTTPHeader($0.name, $0.value) }, body: body)
  }

  // MARK: What comes back (sections 1 and 2)

  /// Of one number or of the whole request alike.
  private static let codes = CodeTable<String>([
    (
      .recipientThrottled,
      [
        "LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberOneHourLimit",
        "LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.PhoneNumberDailyLimit",
        "LimitExceeded.PhoneNumberSameContentDailyLimit",
      ]
    ),
    (.throttled, ["LimitExceeded.GlobalSmsSendingRateLimit", "RequestLimitExceeded"]),
    (
      .quota,
      [
        "LimitExceeded.AppDailyLimit", "LimitExceeded.DailyLimit",
        "FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.ServiceSuspendDueToArrears",
      ]
    ),
    // The account's, of some countries alone: numbers of others may still be sent to.
    (
      .quotaPerhaps,
      [
        "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.AppGlobalDailyLimit",
        "LimitExceeded.AppCountryOrRegionDailyLimit",
      ]
    ),
    // Our own mistakes, if ever; smaller calls may pass.
    (.tooLarge, ["LimitExceeded.PhoneNumberCountLimit", "MissingParameter.EmptyPhoneNumberSet"]),
    (
      .recipient,
      [
        "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail",
        "FailedOperation.PhoneNumberInBlacklist",
      ]
    ),
    (.recipientPerhaps, ["UnsupportedOperation.UnsupportedRegion", "LimitExceeded.AppCountryOrRegionInBlacklist"]),
    (
      .message,
      [
        "InvalidParameterValue.TemplateParameterFormatError", "InvalidParameterValue.TemplateParameterLengthLimit",
        "InvalidParameterValue.ContentLengthLimit", "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        "FailedOperation.ContainSensitiveWord", "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
      ]
    ),
    (.later, ["FailedOperation.MarketingSendTimeConstraint"]),
    (.configuration("SignName"), ["FailedOperation.SignatureIncorrectOrUnapproved"]),
    (
      .configuration("TemplateId"),
      [
        "FailedOperation.TemplateIncorrectOrUnapproved", "FailedOperation.TemplateUnapprovedOrNotExist",
        "FailedOperation.TemplateIdNotExist",
      ]
    ),
    // The template is not for these numbers' countries; others may still be sent to.
    (
      .configurationPerhaps("TemplateId"),
      [
        "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone",
      ]
    ),
    (.credentials, ["InvalidParameterValue.SdkAppIdNotExist", "InternalError.RequestTimeException"]),
  ])

  /// Codes that are not in the table, by the first word of the vendor's names.
  private static func verdict(_ code: String) -> AnswerClass {
    if let verdict = codes[code] { return verdict }
    switch code.prefix(while: { $0 != "." }) {
    case "AuthFailure", "UnauthorizedOperation": return .credentials
    case "InternalError": return .inDoubt
    case "RequestLimitExceeded": return .throttled
    case "LimitExceeded": return .recipientThrottled
    default: return .refused
    }
  }

  /// The vendor's days and hours are those of China (section 2: windows; section 5, C4).
  private static func wait(_ code: String, at now: Date) -> Double? {
    switch code {
    case "LimitExceeded.PhoneNumberThirtySecondLimit": 30
    case "LimitExceeded.PhoneNumberOneHourLimit": 3_600
    case _ where code.hasPrefix("LimitExceeded.") && code.hasSuffix("DailyLimit"): RetryAfter.untilHour(0, now: now)
    case "FailedOperation.MarketingSendTimeConstraint": RetryAfter.untilHour(8, now: now)
    default: nil
    }
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let retryAfter = RetryAfter.seconds(in: response, now: now)
    let wire = JSONAnswer(response)?["Response"]
    let error = wire?["Error"]
    let statuses = wire?["SendStatusSet"]
    if let statuses = statuses?.objects, !statuses.isEmpty {
      // A success outside of HTTP 200, or beside an error, is none.
      return perNumber(statuses, response.status == 200 && error == nil, at: now, in: call)
    }
    // Results that can't be read may be successes, whatever stands beside them.
    guard statuses == nil || statuses?.objects != nil, let code = error?["Code"]?.text, !code.isEmpty else {
      // Section 1: anything but 200 is a gateway's, outcome unknown; refusals of the HTTP kind are still refusals.
      return AnswerClass.status(response.status, client: .inDoubt, server: .inDoubt)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: retryAfter)
    }
    return Self.verdict(code).answer(
      to: call, code: code, reason: error?["Message"]?.text, retryAfter: Self.wait(code, at: now) ?? retryAfter,
      defaults: defaults)
  }

  private func perNumber(_ statuses: [JSONAnswer], _ isBelievable: Bool, at now: Date, in call: Call) -> Answer {
    var results = NumberedResults(statuses) { $0["PhoneNumber"]?.text }
    var verdicts: [AnswerClass?] = []
    let outcomes = call.recipients.map { recipient -> Outcome in
      guard let status = results.next(for: recipient.target), let code = status["Code"]?.text else {
        verdicts.append(nil)
        return .unconfirmed(reason: "the answer does not name this number")
      }
      if code == "Ok" {
        verdicts.append(nil)
        let id = status["SerialNo"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        return isBelievable ? .accepted(id: id) : .unconfirmed(code: code, reason: "a success within a failed answer")
      }
      let verdict = Self.verdict(code).blaming(call.contents[recipient.content], defaults: defaults)
      verdicts.append(verdict)
      return verdict.outcome(code: code, reason: status["Message"]?.text, retryAfter: Self.wait(code, at: now))
    }
    return Answer(outcomes, by: verdicts)
  }

  // MARK: Lost answers (section 3)

  /// Never takes effect: a number whose carrier did not report proves nothing, so nothing is ever found missing.
  package var settles: Double { 300 }

  /// So many of a call's numbers are asked about, one after the other.
  private static let askedNumbers = 3
  /// A report without our reference is ours if it came so soon after the call.
  private static let soon = 600.0

  private static func step(of question: Question) -> Int {
    let last = min(askedNumbers, question.call.recipients.count) - 1
    return min(max(question.cursor.flatMap { Int($0) } ?? 0, 0), last)
  }

  package func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    let number = question.call.recipients[Self.step(of: question)].target.wire
    let body = JSON.object([
      .init("BeginTime", .integer(Int(question.startedAt.timeIntervalSince1970) - 60)),
      .init("EndTime", .integer(Int(now.timeIntervalSince1970))), .init("Offset", .integer(0)),
      .init("Limit", .integer(100)), .init("PhoneNumber", .string(number)), .init("SmsSdkAppId", .string(appID)),
    ])
    return signed("PullSmsSendStatusByPhoneNumber", body.bytes, at: now)
  }

  /// One report with our reference answers for the whole call. The vendor returns references only where that is
  /// switched on; without them every number asked about must have a report of that time that is no other call's.
  package func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding {
    guard response.status == 200,
      let body = JSONAnswer(response)?["Response"], body["Error"] == nil,
      let reports = body["PullSmsSendStatusSet"]?.objects
    else { return .undecided }
    let step = Self.step(of: question)
    let reference = question.call.content["SessionContext"] ?? question.call.id
    let certain = reports.first { $0["SessionContext"]?.text == reference }
    let candidate =
      certain
      ?? reports.first { report in
        guard let serial = report["SerialNo"]?.text, !serial.isEmpty, !question.knownIds.contains(serial),
          report["SessionContext"]?.text ?? "" == "", let received = report["UserReceiveTime"]?.integer
        else { return false }
        let elapsed = Double(received) - question.startedAt.timeIntervalSince1970
        return elapsed >= -5 && elapsed < Self.soon
      }
    guard let candidate else { return .undecided }
    if certain == nil, step + 1 < min(Self.askedNumbers, question.call.recipients.count) { return .more("\(step + 1)") }
    var outcomes = question.call.recipients.map { _ in Outcome.accepted() }
    outcomes[step].id = candidate["SerialNo"]?.text
    if candidate["ReportStatus"]?.text == "FAIL" {
      outcomes[step] = .rejected(.recipient, reason: candidate["Description"]?.text ?? "not delivered")
    }
    return .found(outcomes)
  }
}
