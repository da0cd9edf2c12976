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
}

@Suite struct CheckTests {
  @Test func aLengthFaultSaysWhatWasFoundAndWhatIsExpected() {
    let fault = #expect(throws: MessageFault.self) { try checkLength("🚀🚀", "body", atMost: 3, "x") }
    #expect(fault?.problem == "has 4 UTF-16 units; x takes at most 3")
    #expect(throws: Never.self) { try checkLength("🚀é", "body", atMost: 3, "x") }
  }
}
