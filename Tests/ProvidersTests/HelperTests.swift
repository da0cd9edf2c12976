import Core
import Foundation
import Testing

@testable import Providers

@Suite struct RetryAfterTests {
  @Test(
    arguments: [
      ("120", 120.0), ("86400", 86_400), ("86401", 86_400), ("99999999999999999999999", 86_400), ("0", nil),
      ("-5", nil),
      ("1.5", nil), ("1e3", nil), ("", nil), (" ", nil), ("soon", nil), ("１２", nil), ("NaN", nil), ("+5", nil),
      ("Mon, 20 May 2024 08:30:45 GMT", 30), ("Mon, 20 May 2024 08:30:15 GMT", nil),
      ("Sun, 19 May 2024 08:30:15 GMT", nil), ("Tue, 20 May 2025 08:30:15 GMT", 86_400),
    ] as [(String, Double?)])
  func secondsOrADateCountAndNonsenseDoesNot(_ value: String, _ seconds: Double?) {
    let response = HTTPResponse(status: 429, headers: [HTTPHeader("retry-after", value)])
    #expect(RetryAfter.seconds(in: response, now: Pinned.now) == seconds)
  }

  @Test func aDateIsOneOfTheProvidersClock() {
    for (date, expected) in [
      ("Mon, 20 May 2024 09:30:15 GMT", 30.0), ("Mon, 20 May 2024 07:30:15 GMT", 30), ("nonsense", 3630),
    ] {
      let later =
        date.hasPrefix("Mon, 20 May 2024 07") ? "Mon, 20 May 2024 07:30:45 GMT" : "Mon, 20 May 2024 09:30:45 GMT"
      let headers = [HTTPHeader("date", date), HTTPHeader("retry-after", later)]
      #expect(RetryAfter.seconds(in: HTTPResponse(status: 429, headers: headers), now: Pinned.now) == expected)
    }
  }

  @Test func withoutAHeaderNothingIsSaid() {
    #expect(RetryAfter.seconds(in: HTTPResponse(status: 429), now: Pinned.now) == nil)
    #expect(RetryAfter.milliseconds(in: HTTPResponse(status: 429)) == nil)
  }
}

@Suite struct JSONAnswerTests {
  @Test(arguments: [
    (#"{"a":1}"#, true), ("\u{FEFF}{\"a\":1} \n", true), ("", false), ("<html>", false), (#"{"a":1"#, false),
    (#"{"a":1}{"a":1}"#, false),
    // Which of the two to believe?
    (#"{"a":1,"a":2}"#, false),
  ])
  func onlyAWholeTextWithoutContradictionIsEvidence(_ body: String, _ isEvidence: Bool) {
    let value = JSONAnswer(HTTPResponse(status: 200, body: Array(body.utf8)))
    #expect((value?["a"]?.integer == 1) == isEvidence && (value != nil) == isEvidence)
  }

  @Test(arguments: ["", "null", "1", "[]", "[{}]", "\"a\"", "true"])
  func nothingButAnObjectIsAnAnswer(_ body: String) {
    #expect(JSONAnswer(bytes: Array(body.utf8)) == nil)
  }

  @Test func aCodeIsTheSameHoweverItIsWritten() throws {
    let text = #"{"a":["1001", 1001, 1.5, 1e3, 1.0, -0, 12345678901234567, 1e300, 1e400, true, {"a":1}, [1], null]}"#
    let values = try #require(JSONAnswer(bytes: Array(text.utf8))?["a"]?.list)
    #expect(
      values.map(\.text) == [
        "1001", "1001", "1.5", "1000", "1", "0", "12345678901234567", "1e+300", nil, nil, nil, nil, nil,
      ])
    #expect(
      values.map(\.integer) == [
        1001, 1001, nil, 1000, 1, 0, 12_345_678_901_234_567, nil, nil, nil, nil, nil, nil,
      ])
  }

  @Test func nullIsAbsenceAndAListOfObjectsHasNothingElse() throws {
    let answer = try #require(JSONAnswer(bytes: Array(#"{"a":null,"b":[{"c":1}],"d":[{"c":1},2],"e":"x"}"#.utf8)))
    #expect(answer["a"] == nil && answer["z"] == nil && answer["e"]?["c"] == nil)
    #expect(answer["b"]?.objects?.first?["c"]?.integer == 1 && answer["d"]?.objects == nil)
    #expect(answer["d"]?.list?.count == 2 && answer["e"]?.object == nil && answer["e"]?.list == nil)
  }
}

@Suite struct CheckTests {
  @Test func aLengthFaultSaysWhatWasFoundAndWhatIsExpected() {
    let fault = #expect(throws: MessageFault.self) { try checkLength("🚀🚀", "body", atMost: 3, "x") }
    #expect(fault?.problem == "has 4 UTF-16 units; x takes at most 3")
    #expect(throws: Never.self) { try checkLength("🚀é", "body", atMost: 3, "x") }
  }

  @Test func everyUnitCountsAndCutsInItsOwnWay() {
    let text = "a字🚀e\u{301}"
    #expect(TextUnit.utf16.count(text) == 6 && TextUnit.characters.count(text) == 5 && TextUnit.bytes.count(text) == 11)
    #expect(TextUnit.utf16.cut(text, to: 6) == text && TextUnit.utf16.cut(text, to: 3) == "a字")
    #expect(TextUnit.bytes.cut(text, to: 8) == "a字🚀" && TextUnit.bytes.cut(text, to: 3) == "a")
    // An accent is never left without its letter, nor a letter without its accent.
    #expect(TextUnit.characters.cut(text, to: 4) == "a字🚀" && TextUnit.characters.cut(text, to: 0) == "")
  }
}

@Suite struct VerdictTests {
  @Test func whatDeliversNothingLeavesNoDoubt() {
    let torn = HTTPResponse(status: 200, body: Array("{".utf8))
    #expect(AnswerClass.undecoded(torn) == .inDoubt && AnswerClass.undecoded(torn).beforeSending == .later)
    #expect(AnswerClass.credentials.beforeSending == .credentials)
    #expect(AnswerClass.undecoded(HTTPResponse(status: 200, body: Array("<html>".utf8))) == .later)
    #expect(AnswerClass.undecoded(HTTPResponse(status: 418), client: .message) == .message)
  }
}
