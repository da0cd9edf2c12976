import Core
import Testing

@testable import Providers

/// Whose trouble a refusal of one recipient is, code by code.
@Suite struct BlameTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var specimen: Specimen
    var status: Int
    var body: String
    var blame: Blame
    var testDescription: String { "\(specimen.testDescription) \(body)" }

    init(_ specimen: Specimen, _ status: Int, _ body: String, _ blame: Blame) {
      (self.specimen, self.status, self.body, self.blame) = (specimen, status, body, blame)
    }
  }

  private static func twilio(_ code: Int, _ blame: Blame) -> Row {
    Row(Twilio.specimen, 400, #"{"code":\#(code),"message":"m"}"#, blame)
  }

  private static func aliyun(_ code: String, _ blame: Blame) -> Row {
    Row(AliyunSMS.specimen, 200, #"{"Code":"\#(code)","Message":"m"}"#, blame)
  }

  private static func tencent(_ code: String, _ blame: Blame) -> Row {
    let status = #"{"PhoneNumber":"+8613800138000","Code":"\#(code)","Message":"m"}"#
    return Row(TencentSMS.specimen, 200, #"{"Response":{"SendStatusSet":[\#(status)]}}"#, blame)
  }

  private static func huawei(_ code: String, _ blame: Blame) -> Row {
    let result = #"{"originTo":"+8613800138000","status":"\#(code)"}"#
    return Row(HuaweiSMS.specimen, 200, #"{"code":"E000510","result":[\#(result)]}"#, blame)
  }

  private static func weCom(_ code: Int, _ blame: Blame) -> Row {
    Row(WeComApp.specimen, 200, #"{"errcode":\#(code),"errmsg":"m"}"#, blame)
  }

  static let rows: [Row] =
    [21211, 21610, 21614, 21635].map { twilio($0, .recipient) } + [21612, 21617].map { twilio($0, .unclear) }
    + [21408, 21608].map { twilio($0, .account) }
    + ["isv.MOBILE_NUMBER_ILLEGAL", "isv.CUSTOMER_REFUSED", "isv.BUSINESS_LIMIT_CONTROL"].map { aliyun($0, .recipient) }
    + ["isv.BLACK_KEY_CONTROL_LIMIT", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "isv.NEW"].map { aliyun($0, .unclear) }
    + ["isv.SMS_TEST_NUMBER_LIMIT"].map { aliyun($0, .account) }
    + ["InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist"]
    .map { tencent($0, .recipient) }
    + ["UnsupportedOperation.UnsupportedRegion", "Surprise"].map { tencent($0, .unclear) }
    + [
      "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", "LimitExceeded.AppCountryOrRegionDailyLimit",
      "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.AppGlobalDailyLimit",
    ]
    .map { tencent($0, .account) }
    + ["E200024", "E200031", "E299999"].map { huawei($0, .account) } + ["E200028"].map { huawei($0, .unclear) }
    + [40003, 60111].map { weCom($0, .recipient) } + [81013, 40058].map { weCom($0, .unclear) }
    + [weCom(60011, .account)]
    + [
      Row(WxPusher.specimen, 200, #"{"code":1001,"msg":"UID不正确"}"#, .recipient),
      Row(WxPusher.specimen, 200, #"{"code":1001,"msg":"内容过长"}"#, .unclear),
      Row(OneSignal.specimen, 200, #"{"id":"","errors":["All included players are not subscribed"]}"#, .recipient),
      Row(OneSignal.specimen, 200, #"{"id":"","errors":[]}"#, .unclear),
      Row(
        Pushover.specimen, 400, #"{"user":"invalid","errors":["user identifier is invalid"],"status":0}"#, .recipient),
      Row(
        Telegram.specimen, 403, #"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked"}"#, .recipient
      ),
      Row(
        Telegram.specimen, 400, #"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
        .recipient),
      Row(
        Telegram.specimen, 400, #"{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}"#,
        .unclear),
      Row(Bark.specimen, 500, #"{"code":500,"message":"push failed: Unregistered"}"#, .recipient),
      Row(Bark.specimen, 500, #"{"code":500,"message":"push failed: BadDeviceToken"}"#, .unclear),
      Row(Ntfy.specimen, 403, #"{"code":40301,"http":403,"error":"forbidden"}"#, .account),
      Row(Ntfy.specimen, 507, #"{"code":50701,"http":507,"error":"no subscriber"}"#, .recipient),
      Row(PushDeer.specimen, 200, #"{"code":0,"content":{"result":[]}}"#, .recipient),
      Row(PushDeer.specimen, 200, #"{"code":80501,"error":"x"}"#, .unclear), Row(Webhook.specimen, 400, "no", .unclear),
      Row(PushPlus.specimen, 200, #"{"code":805,"msg":"x"}"#, .account),
    ]

  @Test(arguments: rows)
  func theTableSaysWhoseTroubleItIs(_ row: Row) throws {
    let provider = try row.specimen.make()
    let call = try provider.call(row.specimen.message, to: [row.specimen.addresses[0]])
    let answer = provider.answer(row.status, row.body, to: call)
    #expect(answer.outcomes.map(\.blame) == [row.blame])
    #expect(answer.advice == .proceed, "what is said of one recipient stops nothing")
    // Only a deferral can wait for a second witness.
    if row.blame == .account { #expect(answer.outcomes[0].state == .deferred) }
  }

  @Test(arguments: rows.filter { $0.specimen.addresses.count > 1 })
  func whatHalvesWillTellCountsAgainstNobodyBefore(_ row: Row) throws {
    let provider = try row.specimen.make()
    let answer = provider.answer(
      row.status, row.body, to: try provider.call(row.specimen.message, to: row.specimen.addresses))
    if answer.advice == .split { #expect(answer.outcomes.allSatisfy { $0.blame == .recipient }) }
  }

  @Test func aQuotaOfTheDayRestsUntilTheVendorsDayEnds() throws {
    let provider = try TencentSMS.specimen.make()
    let call = try provider.call(TencentSMS.specimen.message, to: [TencentSMS.specimen.addresses[0]])
    for body in [
      #"{"Response":{"Error":{"Code":"LimitExceeded.AppDailyLimit","Message":"m"}}}"#,
      #"{"Response":{"SendStatusSet":[{"PhoneNumber":"+8613800138000","Code":"LimitExceeded.DailyLimit"}]}}"#,
    ] {
      let answer = provider.answer(200, body, to: call)
      #expect(answer.advice == .suspend && answer.outcomes[0].kind == .quota)
      guard case .seconds(let seconds) = answer.rest else { Issue.record("\(answer.rest)"); continue }
      #expect(seconds > 0 && seconds <= 86_400)
    }
    let mainland = provider.answer(
      200, #"{"Response":{"Error":{"Code":"LimitExceeded.AppMainlandChinaDailyLimit","Message":"m"}}}"#, to: call)
    #expect(mainland.advice == .proceed && mainland.outcomes[0].retryAfter != nil)
  }

  @Test func aBadNumberBesideTheChannelsTroubleDoesNotHideIt() throws {
    let provider = try HuaweiSMS.specimen.make()
    let call = try provider.call(HuaweiSMS.specimen.message, to: HuaweiSMS.specimen.addresses)
    func answer(_ first: String, _ second: String) -> Answer {
      let body = #"""
        {"code":"E000510","result":[{"originTo":"+8613800138000","status":"\#(first)"},
        {"originTo":"+85212345678","status":"\#(second)"}]}
        """#
      return provider.answer(200, body, to: call)
    }
    #expect(answer("E200048", "E200030").advice == .suspend)
    #expect(answer("E200030", "E200030").advice == .suspend)
    #expect(answer("000000", "E200030").advice == .proceed)
    #expect(answer("000000", "E200030").outcomes[1].blame == .account)
    // What may be each number's own waits for the sweep's count, however many say it.
    #expect(answer("E200024", "E200024").advice == .proceed)
  }
}
