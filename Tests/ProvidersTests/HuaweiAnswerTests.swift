import Core
import Foundation
import Testing

@testable import Providers

@Suite struct HuaweiAnswerTests {
  struct Row: CustomTestStringConvertible {
    var code: String
    var status: Int
    var state: RecipientState
    var kind: ErrorKind
    var advice: Answer.Advice
    var several: Answer.Advice
    var testDescription: String { "\(status) \(code)" }
  }

  static func rows(
    _ status: Int, _ codes: String, _ state: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice = .proceed,
    several: Answer.Advice? = nil
  ) -> [Row] {
    codes.split { $0.isWhitespace }.map {
      Row(code: String($0), status: status, state: state, kind: kind, advice: advice, several: several ?? advice)
    }
  }

  static let requests: [Row] =
    rows(400, "E000000", .deferred, .provider)
    + rows(
      400,
      """
      E000001 E000002 E000003 E000004 E000005 E000006 E000007 E000008 E000020 E000021 E000022 E000023 E000024 E000025
      E000026 E000027 E000040 E000045 E000101 E000102 E000103 E000104 E000105 E000106 E000109 E000110 E000111 E000112
      """, .deferred, .credentials, .suspend)
    + rows(403, "E000620 E999999", .deferred, .credentials, .suspend)
    + rows(403, "E000623", .deferred, .quota, .suspend)
    + rows(400, "E000503", .rejected, .message, several: .split)
    + rows(400, "E999999", .rejected, .provider, several: .split)
    + rows(200, "000000 E000510 E999999", .unconfirmed, .uncertain) + rows(500, "E999999", .unconfirmed, .uncertain)

  @Test(arguments: requests)
  func aRequestsCodeMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try huawei()
    let body = #"{"code":"\#(row.code)","description":"text"}"#
    let one = provider.answer(row.status, body, to: try provider.call(Message(), to: ["13800138000"]))
    #expect(one.outcomes.map(\.state) == [row.state])
    #expect(one.outcomes[0].kind == row.kind)
    #expect(one.outcomes[0].code == row.code && one.outcomes[0].reason == "text")
    #expect(one.outcomes[0].attempts == (row.code == "E000000" ? 2 : nil))
    #expect(one.advice == row.advice)
    let several = provider.answer(
      row.status, body, to: try provider.call(Message(), to: ["13800138000", "13900139000"]))
    #expect(several.outcomes.count == 2 && several.advice == row.several)
  }

  static let statuses: [Row] =
    rows(200, "E200015", .deferred, .throttled, .slowDown(retryAfter: 600))
    + rows(200, "E200048", .deferred, .throttled)
    + rows(200, "E200028", .rejected, .message)
    + rows(
      200, "E200018 E200029 E200030 E200033 E200036", .deferred, .credentials, .suspend)
    + rows(200, "E200024 E200031 E299999", .deferred, .credentials) + rows(200, "X", .unconfirmed, .uncertain)

  private func result(_ number: String, _ status: String) -> String {
    #"{"originTo":"\#(number)","smsMsgId":"id-\#(number)","status":"\#(status)"}"#
  }

  private func body(_ code: String, _ results: [String]) -> String {
    #"{"code":"\#(code)","description":"d","result":[\#(results.joined(separator: ","))]}"#
  }

  @Test(arguments: statuses)
  func aNumbersStatusMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try huawei()
    for status in [200, 400] {
      let one = provider.answer(
        status, body("E000510", [result("+8613800138000", row.code)]),
        to: try provider.call(Message(), to: ["13800138000"]))
      #expect(one.outcomes.map(\.state) == [row.state])
      #expect(one.outcomes[0].kind == row.kind && one.outcomes[0].code == row.code)
      #expect(one.advice == row.advice)
      // Beside a number that was accepted, nothing that is said of another may be thrown away.
      let both = provider.answer(
        status, body("E000510", [result("+8613900139000", "000000"), result("+8613800138000", row.code)]),
        to: try provider.call(Message(), to: ["13800138000", "13900139000"]))
      #expect(both.outcomes.map(\.state) == [row.state, .accepted])
      #expect(both.outcomes[1].id == "id-+8613900139000")
      #expect(both.advice == .proceed)
    }
  }

  @Test func aTemplateThatOnlyAMessageNamesDoesNotStopTheChannel() throws {
    let provider = try huawei()
    let messages = [(Message(template: "typo"), "13800138000"), (Message(), "13900139000")]
    let answer = provider.answer(
      200, body("E000510", [result("+8613800138000", "E200030"), result("+8613900139000", "E200030")]),
      to: try provider.mixedCall(messages.map { (message: $0.0, to: $0.1) }))
    #expect(answer.outcomes.map(\.state) == [.rejected, .deferred])
    #expect(answer.outcomes.map(\.kind) == [.message, .credentials])
    #expect(answer.advice == .proceed)
  }

  @Test func resultsAreMatchedByNumberAndAMissingOneIsUnconfirmed() throws {
    let provider = try huawei()
    let call = try provider.call(Message(), to: ["13800138000", "13900139000", "+85212345678", "13700137000"])
    let answer = provider.answer(
      200,
      body(
        "000000", [result("85212345678", "000000"), result("13800138000", "E200041"), result("+1", "000000"), "{}"]),
      to: call)
    #expect(answer.outcomes.map(\.state) == [.accepted, .unconfirmed, .accepted, .unconfirmed])
    #expect(answer.advice == .proceed)
  }

  @Test func aSuccessInsideAFailureIsInDoubt() throws {
    let provider = try huawei()
    let call = try provider.call(Message(), to: ["13800138000"])
    for status in [400, 500] {
      let answer = provider.answer(status, body("000000", [result("+8613800138000", "000000")]), to: call)
      #expect(answer.outcomes.map(\.state) == [.unconfirmed])
    }
    #expect(provider.answer(200, #"{"code":"000000","result":"x"}"#, to: call).outcomes[0].state == .unconfirmed)
    #expect(provider.answer(200, #"{"code":"000000","result":[]}"#, to: call).outcomes[0].state == .unconfirmed)
  }

  @Test func aMixedCallThatIsNotUnderstoodIsHalved() throws {
    let provider = try huawei()
    let call = try provider.mixedCall([
      (Message(params: .positional(["1"])), "13800138000"), (Message(params: .positional(["2"])), "13900139000"),
    ])
    #expect(provider.answer(400, #"{"code":"E000000"}"#, to: call).advice == .split)
  }
}
