import Core
import Foundation
import Testing

@testable import Providers

@Suite struct TencentAnswerTests {
  struct Row: CustomTestStringConvertible {
    var code: String
    var state: RecipientState
    var kind: ErrorKind
    var advice: Answer.Advice
    var several: Answer.Advice
    var wait: Double?
    var testDescription: String { code }
  }

  static func rows(
    _ prefix: String, _ codes: String, _ state: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice = .proceed,
    several: Answer.Advice? = nil, wait: Double? = nil
  ) -> [Row] {
    codes.split { $0.isWhitespace }.map {
      Row(code: prefix + $0, state: state, kind: kind, advice: advice, several: several ?? advice, wait: wait)
    }
  }

  static let limits: [Row] =
    rows("LimitExceeded.", "PhoneNumberThirtySecondLimit", .deferred, .throttled, several: .split, wait: 30)
    + rows("LimitExceeded.", "PhoneNumberOneHourLimit", .deferred, .throttled, several: .split, wait: 3_600)
    + rows("LimitExceeded.", "DeliveryFrequencyLimit Surprise", .deferred, .throttled, several: .split)
    + rows(
      "LimitExceeded.", "PhoneNumberDailyLimit PhoneNumberSameContentDailyLimit", .deferred, .throttled,
      several: .split, wait: 26_985)
    + rows(
      "", "RequestLimitExceeded LimitExceeded.GlobalSmsSendingRateLimit RequestLimitExceeded.UinLimitExceeded",
      .deferred, .throttled, .slowDown(retryAfter: nil))
    + rows(
      "LimitExceeded.", "AppDailyLimit DailyLimit", .deferred, .quota, .suspend, wait: 26_985)
    + rows(
      "LimitExceeded.", "AppMainlandChinaDailyLimit AppGlobalDailyLimit AppCountryOrRegionDailyLimit", .deferred,
      .quota, several: .split, wait: 26_985)
    + rows(
      "", "FailedOperation.InsufficientBalanceInSmsPackage UnauthorizedOperation.ServiceSuspendDueToArrears",
      .deferred, .quota, .suspend)
    + rows(
      "", "LimitExceeded.PhoneNumberCountLimit MissingParameter.EmptyPhoneNumberSet", .rejected, .message,
      several: .split)

  static let others: [Row] =
    rows(
      "",
      """
      InvalidParameterValue.IncorrectPhoneNumber FailedOperation.PhoneNumberParseFail
      FailedOperation.PhoneNumberInBlacklist UnsupportedOperation.UnsupportedRegion
      LimitExceeded.AppCountryOrRegionInBlacklist
      """, .rejected, .recipient, several: .split)
    + rows(
      "InvalidParameterValue.",
      """
      TemplateParameterFormatError TemplateParameterLengthLimit ContentLengthLimit ProhibitedUseUrlInTemplateParameter
      """, .rejected, .message)
    + rows("FailedOperation.", "ContainSensitiveWord TemplateParamSetNotMatchApprovedTemplate", .rejected, .message)
    + rows("FailedOperation.", "MarketingSendTimeConstraint", .deferred, .provider, wait: 55_785)
    + rows(
      "FailedOperation.",
      """
      SignatureIncorrectOrUnapproved TemplateIncorrectOrUnapproved TemplateUnapprovedOrNotExist TemplateIdNotExist
      """, .deferred, .credentials, .suspend)
    + rows(
      "",
      """
      InvalidParameterValue.SdkAppIdNotExist UnauthorizedOperation.RequestIpNotInWhitelist
      UnauthorizedOperation.Surprise AuthFailure.SignatureFailure AuthFailure.SignatureExpire AuthFailure.SecretIdNotFound
      InternalError.RequestTimeException
      """, .deferred, .credentials, .suspend)
    + rows(
      "UnsupportedOperation.",
      """
      ContainDomesticAndInternationalPhoneNumber ChineseMainlandTemplateToGlobalPhone
      GlobalTemplateToChineseMainlandPhone
      """, .deferred, .credentials, several: .split)
    + rows(
      "InternalError", ".Timeout .SendAndRecvFail .OtherError .UnknownError .Surprise", .unconfirmed, .uncertain)
    + rows("", "InternalError", .unconfirmed, .uncertain)
    + rows("", "Surprise FailedOperation.Surprise ok OK", .rejected, .provider, several: .split)

  private func status(_ number: String, _ code: String) -> String {
    #"{"SerialNo":"\#(code == "Ok" ? "s-\(number)" : "")","PhoneNumber":"\#(number)","Code":"\#(code)","Message":"text"}"#
  }

  private func body(_ statuses: [String]) -> String {
    #"{"Response":{"SendStatusSet":[\#(statuses.joined(separator: ","))],"RequestId":"r"}}"#
  }

  @Test(arguments: limits + others)
  func aCodeMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try tencent()
    let error = #"{"Response":{"Error":{"Code":"\#(row.code)","Message":"text"},"RequestId":"r"}}"#
    let call = try provider.call(Message(), to: ["13800138000"])
    let whole = provider.answer(200, error, to: call)
    let perNumber = provider.answer(200, body([status("+8613800138000", row.code)]), to: call)
    for answer in [whole, perNumber] {
      #expect(answer.outcomes.map(\.state) == [row.state])
      #expect(answer.outcomes[0].kind == row.kind && answer.outcomes[0].code == row.code)
      #expect(answer.outcomes[0].reason == "text" && answer.outcomes[0].retryAfter == row.wait)
      #expect(answer.advice == row.advice)
    }
    let two = try provider.call(Message(), to: ["13800138000", "13900139000"])
    #expect(provider.answer(200, error, to: two).advice == row.several)
    let both = provider.answer(
      200, body([status("8613900139000", "Ok"), status("+8613800138000", row.code)]), to: two)
    #expect(both.outcomes.map(\.state) == [row.state, .accepted])
    #expect(both.outcomes[1].id == "s-8613900139000")
    #expect(both.advice == .proceed, "what was accepted must not be given back")
  }

  @Test func aValueOfOneMessageDoesNotStopTheChannel() throws {
    let provider = try tencent()
    for (code, message) in [
      ("FailedOperation.TemplateIdNotExist", Message(template: "typo")),
      ("FailedOperation.SignatureIncorrectOrUnapproved", Message(options: [.init("sign_name", .string("typo"))])),
    ] {
      let call = try provider.call(message, to: ["13800138000"])
      for text in [#"{"Response":{"Error":{"Code":"\#(code)"}}}"#, body([status("+8613800138000", code)])] {
        let answer = provider.answer(200, text, to: call)
        #expect(answer.outcomes[0].state == .rejected && answer.outcomes[0].kind == .message)
        #expect(answer.advice == .proceed)
      }
    }
  }

  @Test(arguments: [
    (500, "", RecipientState.unconfirmed), (502, "<html>", .unconfirmed), (200, "<html>", .unconfirmed),
    (200, #"{"Response":{"RequestId":"r"}}"#, .unconfirmed), (200, #"{"Response":{"SendStatusSet":[]}}"#, .unconfirmed),
    (418, "", .unconfirmed), (404, "", .deferred), (429, "", .deferred),
  ])
  func withoutAResultTheOutcomeIsUnknown(_ status: Int, _ body: String, _ state: RecipientState) throws {
    let provider = try tencent()
    let answer = provider.answer(status, body, to: try provider.call(Message(), to: ["13800138000"]))
    #expect(answer.outcomes.map(\.state) == [state])
  }

  @Test func aSuccessInsideAFailureIsInDoubtAndSoIsAMissingNumber() throws {
    let provider = try tencent()
    let call = try provider.call(Message(), to: ["13800138000", "13900139000"])
    let ok = status("+8613800138000", "Ok")
    #expect(provider.answer(200, body([ok]), to: call).outcomes.map(\.state) == [.accepted, .unconfirmed])
    #expect(provider.answer(500, body([ok]), to: call).outcomes[0].state == .unconfirmed)
    let both = #"{"Response":{"Error":{"Code":"FailedOperation"},"SendStatusSet":[\#(ok)]}}"#
    #expect(provider.answer(200, both, to: call).outcomes[0].state == .unconfirmed)
  }
}

@Suite struct TencentLookupTests {
  private func report(_ serial: String, after seconds: Int, context: String = "", _ status: String = "SUCCESS")
    -> String
  {
    let time = 1_716_193_815 + seconds
    return #"{"SerialNo":"\#(serial)","UserReceiveTime":\#(time),"ReportStatus":"\#(status)","Description":"d","#
      + #""SessionContext":"\#(context)"}"#
  }

  private func reply(_ reports: [String]) -> HTTPResponse {
    let body = #"{"Response":{"PullSmsSendStatusSet":[\#(reports.joined(separator: ","))]}}"#
    return HTTPResponse(status: 200, body: Array(body.utf8))
  }

  private func finding(_ reports: [String], _ question: Question) throws -> Finding {
    try tencent().finding(in: reply(reports), for: question, at: Pinned.now)
  }

  private func question(_ to: [String] = ["13800138000"], known: Set<String> = []) throws -> Question {
    Question(call: try tencent().call(Message(), to: to), startedAt: Pinned.now, knownIds: known)
  }

  @Test func onlyAReportOfThatTimeThatIsNoOtherCallsIsTheOne() throws {
    let others = [
      report("1", after: -60), report("2", after: 600), report("3", after: 5, context: "other"), report("", after: 5),
      report("4", after: 5),
    ]
    let question = try question(known: ["4"])
    #expect(try finding(others, question) == .undecided)
    #expect(try finding(others + [report("5", after: 6)], question) == .found([.accepted(id: "5")]))
    let failed = try finding([report("5", after: 6, "FAIL")], question)
    #expect(failed == .found([.rejected(.recipient, reason: "d")]))
  }

  @Test func ourReferenceAnswersForAllAndWithoutItAllNumbersAskedAboutMustHaveAReport() throws {
    var question = try question(["13800138000", "13900139000"])
    let certain = try finding([report("1", after: 9_999, context: "call-1")], question)
    #expect(certain == .found([.accepted(id: "1"), .accepted()]))
    #expect(try finding([report("1", after: 5)], question) == .more("1"))
    question.cursor = "1"
    let next = WireRequest(try tencent().lookup(question, at: Pinned.now, nonce: ""))
    #expect(next.json?["PhoneNumber"] == .string("+8613900139000"))
    #expect(try finding([], question) == .undecided)
    #expect(try finding([report("2", after: 5)], question) == .found([.accepted(), .accepted(id: "2")]))
  }

  @Test func absenceAndErrorsProveNothing() throws {
    #expect(try finding([], question()) == .undecided)
    for (status, body) in [(200, ""), (200, "{}"), (500, "{}"), (200, #"{"Response":{"Error":{"Code":"x"}}}"#)] {
      let reply = HTTPResponse(status: status, body: Array(body.utf8))
      #expect(try tencent().finding(in: reply, for: question(), at: Pinned.now) == .undecided)
    }
  }
}
