import Core
import Foundation
import Testing

@testable import Providers

@Suite struct AliyunAnswerTests {
  /// A code, what becomes of one recipient, whose fault it is, and the advice for one recipient, for several of one
  /// content, and for several of different contents.
  struct Row: CustomTestStringConvertible {
    var code: String
    var status: Int
    var state: RecipientState
    var kind: ErrorKind
    var one: Answer.Advice
    var several: Answer.Advice
    var mixed: Answer.Advice
    var testDescription: String { code }
  }

  static func rows(
    _ codes: String, status: Int = 200, _ state: RecipientState, _ kind: ErrorKind, _ one: Answer.Advice = .proceed,
    several: Answer.Advice? = nil, mixed: Answer.Advice? = nil
  ) -> [Row] {
    codes.split(separator: " ").map {
      Row(
        code: String($0), status: status, state: state, kind: kind, one: one, several: several ?? one,
        mixed: mixed ?? several ?? one)
    }
  }

  static let table: [Row] =
    rows("isv.BUSINESS_LIMIT_CONTROL", .deferred, .throttled, several: .split)
    + rows("isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL", .deferred, .quota, .suspend)
    + rows("isv.AMOUNT_NOT_ENOUGH isv.OUT_OF_SERVICE", .deferred, .quota, .suspend)
    + rows("isv.MOBILE_NUMBER_ILLEGAL", .rejected, .recipient, several: .split)
    + rows("isv.MOBILE_COUNT_OVER_LIMIT", .rejected, .message, several: .split)
    + rows("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", .rejected, .recipient)
    + rows("isv.BLACK_KEY_CONTROL_LIMIT isv.CUSTOMER_REFUSED", .rejected, .recipient, several: .split)
    + rows(
      "isv.TEMPLATE_MISSING_PARAMETERS isv.TEMPLATE_PARAMS_ILLEGAL isv.INVALID_JSON_PARAM isv.PARAM_LENGTH_LIMIT "
        + "isv.PARAM_NOT_SUPPORT_URL isv.SMS_CONTENT_ILLEGAL isv.UNSUPPORTED_CONTENT isv.INVALID_PARAMETERS",
      .rejected, .message, mixed: .split)
    + rows(
      "isv.SMS_TEMPLATE_ILLEGAL isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL isv.SIGN_STATE_ILLEGAL "
        + "isv.SIGN_NAME_ILLEGAL isv.SIGN_SOURCE_ILLEGAL isv.SMS_SIGNATURE_SCENE_ILLEGAL isv.EXTEND_CODE_ERROR "
        + "PORT_NOT_REGISTERED isp.RAM_PERMISSION_DENY isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE "
        + "isv.ACCOUNT_NOT_EXISTS isv.ACCOUNT_ABNORMAL isv.DENY_IP_RANGE",
      .deferred, .credentials, .suspend)
    + rows("isv.SMS_TEST_NUMBER_LIMIT", .deferred, .credentials, several: .split)
    + rows(
      "SignatureDoesNotMatch InvalidVersion MissingAccessKeyId MissingParameter IncompleteSignature "
        + "InvalidTimeStamp.Expired", status: 400, .deferred, .credentials, .suspend)
    + rows("InvalidAccessKeyId.NotFound InvalidAction.NotFound", status: 404, .deferred, .credentials, .suspend)
    + rows("InvalidAccessKeyId.Inactive Forbidden.RAM Forbidden", status: 403, .deferred, .credentials, .suspend)
    + rows(
      "Throttling Throttling.User Throttling.Api Throttling.Other", status: 400, .deferred, .throttled,
      .slowDown(retryAfter: nil))
    + rows("isp.SYSTEM_ERROR isp.GATEWAY_ERROR isp.UNKNOWN_ERROR isp.NEW", .unconfirmed, .uncertain)
    + rows("ServiceUnavailable", status: 503, .unconfirmed, .uncertain)
    + rows("InternalError Other isv.NEW", status: 500, .unconfirmed, .uncertain)
    + rows("SignatureNonceUsed", status: 400, .unconfirmed, .uncertain)
    + rows("isv.NEW", .rejected, .provider, several: .split)
    + rows("New.Code", status: 400, .rejected, .provider, several: .split)
    + rows("New.Code OK", .unconfirmed, .uncertain)

  @Test(arguments: table)
  func aCodeMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try aliyun()
    let body = #"{"Code":"\#(row.code)","Message":"说明","RequestId":"R"}"#
    let message = Message(params: .named([.init("a", "1")]))
    let other = Message(params: .named([.init("a", "2")]))
    let one = provider.answer(row.status, body, to: try provider.call(message, to: ["13800138000"]))
    #expect(one.outcomes.map(\.state) == [row.state])
    #expect(one.outcomes[0].kind == row.kind)
    #expect(one.outcomes[0].code == row.code && one.outcomes[0].reason == "说明")
    #expect(one.advice == row.one)
    let several = provider.answer(row.status, body, to: try provider.call(message, to: ["13800138000", "13900139000"]))
    #expect(several.outcomes.count == 2 && several.advice == row.several)
    let mixed = provider.answer(
      row.status, body, to: try provider.mixedCall([(message, "13800138000"), (other, "13900139000")]))
    #expect(mixed.outcomes.count == 2 && mixed.advice == row.mixed)
  }

  @Test func aMistypedTemplateOfOneMessageDoesNotStopTheChannel() throws {
    let provider = try aliyun()
    for (code, message) in [
      ("isv.SMS_TEMPLATE_ILLEGAL", Message(template: "SMS_typo")),
      ("isv.SMS_SIGNATURE_ILLEGAL", Message(options: [.init("sign_name", .string("typo"))])),
      ("isv.EXTEND_CODE_ERROR", Message(options: [.init("sms_up_extend_code", .string("typo"))])),
    ] {
      let call = try provider.call(message, to: ["13800138000"])
      let answer = provider.answer(200, #"{"Code":"\#(code)","Message":"m"}"#, to: call)
      #expect(answer.outcomes[0].state == .rejected && answer.outcomes[0].kind == .message)
      #expect(answer.advice == .proceed)
    }
  }

  @Test(arguments: [
    ("触发分钟级流控Permits:1", 60.0), ("触发小时级流控Permits:5", 1_785), ("触发天级流控Permits:10", 26_985),
  ])
  func aFrequencyLimitLastsUntilTheWindowIsOver(_ message: String, _ wait: Double) throws {
    // 08:30:15 UTC is 16:30:15 in China: 29:45 to the hour, 7:29:45 to midnight.
    let provider = try aliyun()
    let call = try provider.call(Message(), to: ["13800138000"])
    let body = #"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"\#(message)"}"#
    #expect(provider.answer(200, body, to: call).outcomes[0].retryAfter == wait)
  }

  @Test func aFrequencyLimitWithoutAWindowLeavesTheWaitToTheChannel() throws {
    let provider = try aliyun()
    let call = try provider.call(Message(), to: ["13800138000"])
    let answer = provider.answer(200, #"{"Code":"isv.BUSINESS_LIMIT_CONTROL"}"#, to: call)
    #expect(answer.outcomes[0].retryAfter == nil && answer.outcomes[0].kind == .throttled)
  }

  @Test func theGatewayNamesItsWaitInMilliseconds() throws {
    let provider = try aliyun()
    let call = try provider.call(Message(), to: ["13800138000"])
    for (name, value, expected) in [
      ("x-acs-retry-after", "1500", 1.5), ("x-acs-retry-after", "999999999999", 86_400),
      ("x-acs-retry-after", "-1", nil),
      ("x-acs-retry-after", "soon", nil), ("retry-after", "2", 2),
    ] as [(String, String, Double?)] {
      let answer = provider.answer(
        400, #"{"Code":"Throttling.User","Message":"m"}"#, headers: [HTTPHeader(name, value)], to: call)
      #expect(answer.advice == .slowDown(retryAfter: expected))
      #expect(answer.outcomes[0].retryAfter == expected)
    }
  }

  @Test(arguments: [
    (200, "", RecipientState.unconfirmed), (200, "<html>", .unconfirmed), (200, "{\"Code\":\"OK\"", .unconfirmed),
    (200, #"{"Code":"OK","Message":"OK"}"#, .unconfirmed), (200, #"{"Code":"OK","BizId":""}"#, .unconfirmed),
    (200, #"{"BizId":"9^0"}"#, .unconfirmed), (200, #"{"Code":"isv.X","BizId":"9^0"}"#, .unconfirmed),
    (500, #"{"Code":"OK","BizId":"9^0"}"#, .unconfirmed), (502, "<html>", .unconfirmed), (503, "", .unconfirmed),
    (504, "", .unconfirmed), (400, "<html>", .deferred), (403, "", .deferred), (414, "", .rejected),
    (200, #"{"Code":"OK","BizId":"9^0","Message":{"odd":1}}"#, .accepted),
  ])
  func onlyAnOKWithABizIdIsSuccess(_ status: Int, _ body: String, _ state: RecipientState) throws {
    let provider = try aliyun()
    let answer = provider.answer(status, body, to: try provider.call(Message(), to: ["13800138000"]))
    #expect(answer.outcomes.map(\.state) == [state])
  }
}

@Suite struct AliyunLookupTests {
  private func question(
    _ provider: AliyunSMS, _ numbers: [String] = ["+8613800138000"], at time: Date = Pinned.now, cursor: String? = nil,
    outID: String? = "order-0001"
  ) throws -> Question {
    let options = outID.map { [JSON.Member("out_id", .string($0))] } ?? []
    let call = try provider.call(Message(options: options), to: numbers)
    return Question(call: call, startedAt: time, cursor: cursor)
  }

  private func reply(_ body: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, body: Array(body.utf8))
  }

  private func records(_ records: String, total: Int = 1) -> HTTPResponse {
    reply(#"{"TotalCount":\#(total),"Code":"OK","SmsSendDetailDTOs":{"SmsSendDetailDTO":[\#(records)]}}"#)
  }

  @Test func theQuestionIsTheRecordedOneWithoutTheIdThatWasLost() throws {
    let golden = try #require(GoldenCase.named("v3_querysenddetails_bizid", in: "aliyun"))
    let provider = try aliyun()
    let question = try question(provider)
    let request = WireRequest(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce))
    #expect(differences(request, golden, ignoring: ["BizId"]) == [])
    #expect(request.header("x-acs-action") == "QuerySendDetails")
    let finding = provider.finding(in: try #require(golden.response), for: question, at: Pinned.now)
    #expect(finding == .found([.accepted()]))
  }

  @Test func oneRecordAnswersForTheWholeCall() throws {
    let provider = try aliyun()
    let question = try question(provider, ["13800138000", "13900139000"], outID: nil)
    let finding = provider.finding(
      in: records(
        #"{"OutId":"call-1","SendStatus":2,"ErrCode":"MOBILE_NOT_ON_SERVICE"},{"OutId":"other","SendStatus":3}"#),
      for: question, at: Pinned.now)
    #expect(
      finding
        == .found([
          .rejected(.recipient, code: "MOBILE_NOT_ON_SERVICE", reason: "not delivered"), .accepted(),
        ]))
  }

  @Test func anEarlierCallWithTheSameReferenceIsNotThisOne() throws {
    let provider = try aliyun()
    let record = #"{"OutId":"order-0001","SendStatus":3,"SendDate":"2024-05-20 16:28:00"}"#
    #expect(provider.finding(in: records(record), for: try question(provider), at: Pinned.now) == .notFound)
  }

  @Test func pagesNumbersAndDaysAreAskedInTurn() throws {
    let provider = try aliyun()
    let midnight = Date(timeIntervalSince1970: 1_716_220_500)  // 23:55 in China
    let numbers = ["13800138000", "13900139000", "13700137000", "13600136000"]
    var asked: [String] = []
    var cursor: String?
    while true {
      let question = try question(provider, numbers, at: midnight, cursor: cursor)
      let request = WireRequest(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce))
      asked.append(["PhoneNumber", "SendDate", "CurrentPage"].compactMap(request.queryValue).joined(separator: " "))
      // The first number has two pages on the first day.
      let reply = asked.count == 1 ? records(#"{"OutId":"x"}"#, total: 51) : records("", total: 0)
      guard case .more(let next) = provider.finding(in: reply, for: question, at: Pinned.now) else { break }
      cursor = next
    }
    #expect(
      asked == [
        "13800138000 20240520 1", "13800138000 20240520 2", "13800138000 20240521 1", "13900139000 20240520 1",
        "13900139000 20240521 1", "13700137000 20240520 1", "13700137000 20240521 1",
      ])
  }

  @Test func anAnswerThatCountsNoneNeedsNoList() throws {
    let provider = try aliyun()
    let finding = provider.finding(
      in: reply(#"{"Code":"OK","TotalCount":0}"#), for: try question(provider), at: Pinned.now)
    #expect(finding == .notFound)
  }

  @Test func numbersAbroadAreAskedForWithTheirCountryCode() throws {
    let provider = try aliyun()
    let question = try question(provider, ["+85212345678"])
    let request = WireRequest(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce))
    #expect(request.queryValue("PhoneNumber") == "85212345678")
  }

  @Test func whatIsNoListDecidesNothing() throws {
    let provider = try aliyun()
    let question = try question(provider)
    for reply in [
      reply(""), reply("<html>"), reply(#"{"Code":"isv.X"}"#), reply(#"{"Code":"OK"}"#),
      reply(#"{"Code":"OK","TotalCount":0}"#, status: 503), reply(#"{"Code":"OK","TotalCount":3}"#),
    ] {
      #expect(provider.finding(in: reply, for: question, at: Pinned.now) == .undecided)
    }
  }

  @Test(arguments: ["", "x", "1", "-1/1", "9999999999999999999999/1", "999/1", "0/1/2"])
  func anOddCursorDoesNotTrap(_ cursor: String) throws {
    let provider = try aliyun()
    let question = try question(provider, cursor: cursor)
    _ = provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce)
    #expect(provider.finding(in: records(""), for: question, at: Pinned.now) == .notFound)
  }
}
