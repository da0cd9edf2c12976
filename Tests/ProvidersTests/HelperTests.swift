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

@Suite struct LooseTests {
  @Test func aCodeIsTheSameHoweverItIsWritten() throws {
    let decoded = try JSONDecoder().decode(
      [Loose].self, from: Data(#"["1001", 1001, 1.5, true, {"a":1}, [1], 12345678901234567]"#.utf8))
    #expect(decoded.map(\.text) == ["1001", "1001", "1.5", nil, nil, nil, "12345678901234567"])
    #expect(decoded[0].integer == 1001 && decoded[2].integer == nil)
  }

  @Test func theScannerReadsItAsTheDecoderDoes() throws {
    let text = #"["1001", 1001, 1.5, 1e3, 1.0, -0, 12345678901234567, 1e300, true, {"a":1}, [1]]"#
    let values = try JSONScanner.value(of: Array(text.utf8)).array ?? []
    let data = Data(text.utf8)
    #expect(values.map { Loose($0)?.text } == (try JSONDecoder().decode([Loose].self, from: data)).map(\.text))
    let numbers = try JSONDecoder().decode([LooseNumber].self, from: data)
    #expect(values.map { LooseNumber($0)?.integer } == numbers.map(\.integer))
    #expect(values.map { LooseNumber($0)?.text } == numbers.map(\.text))
    #expect(Loose(nil) == nil && Loose(.null) == nil && LooseNumber(.null)?.text == nil)
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
    let value = JSONAnswer.value(of: HTTPResponse(status: 200, body: Array(body.utf8)))
    #expect((value?["a"]?.integer == 1) == isEvidence && (value != nil) == isEvidence)
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
