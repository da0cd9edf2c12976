import Core
import Foundation
import TestSupport
import Testing

@Suite struct RFC3339Tests {
  @Test(arguments: [
    ("2026-11-22T09:00:00Z", 1_795_338_000.0), ("2026-11-22T09:00:00+08:00", 1_795_309_200),
    ("2026-11-22T09:00:00-03:30", 1_795_350_600), ("2026-11-22T09:00:00.5Z", 1_795_338_000.5),
    ("2026-11-22T09:00:00.123456789Z", 1_795_338_000.123456789), ("2026-11-22t09:00:00z", 1_795_338_000),
    ("2026-11-22 09:00:00Z", 1_795_338_000), ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59Z", -1),
    ("2024-02-29T00:00:00Z", 1_709_164_800), ("2026-11-22T09:00:00.000+00:00", 1_795_338_000),
    ("2026-11-22T09:00:00-00:00", 1_795_338_000), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ("2016-12-31T23:59:60Z", 1_483_228_800), ("2026-01-01T00:00:00+23:59", 1_767_139_260),
  ])
  func timesAreRead(text: String, seconds: Double) throws {
    let date = try #require(RFC3339.date(text))
    #expect(abs(date.timeIntervalSince1970 - seconds) < 0.001)
  }

  @Test(arguments: [
    "", "now", "2026-11-22", "2026-11-22T09:00:00", "2026-11-22T09:00Z", "09:00:00Z", "20261122T090000Z",
    "2026-11-22T09:00:00 Z", " 2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z ", "2026-11-22T09:00:00Zulu",
    "2026-11-22T09:00:00.Z", "2026-11-22T09:00:00,5Z", "2026-11-22T09:00:00+0800", "2026-11-22T09:00:00+08",
    "2026-11-22T09:00:00+24:00", "2026-11-22T09:00:00+08:60", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-01-32T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-1-1T0:0:0Z", "26-11-22T09:00:00Z",
    "+2026-11-22T09:00:00Z", "-2026-11-22T09:00:00Z", "12026-11-22T09:00:00Z", "2026/11/22T09:00:00Z",
    "2026-11-22T09.00.00Z", "2026-11-22_09:00:00Z", "2026-W47-7T09:00:00Z", "２０２６-11-22T09:00:00Z",
    "2026-11-22T09:00:00\u{0}Z", "2026-11-22T09:00:00Z\n", "2026-11-22T+9:00:00Z", "2026-11-22T09:00:00.+5Z",
    "1795338000", "17953380000000000000000", "🚀🚀🚀🚀🚀", "🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀", "ßßßßßßßßßß", "é̂é̂é̂é̂é̂",
  ])
  func whatIsNoTimeIsRefused(text: String) {
    #expect(RFC3339.date(text) == nil)
  }

  @Test(arguments: [
    (1_795_338_000.0, "2026-11-22T09:00:00.000Z"), (1_795_338_000.123, "2026-11-22T09:00:00.123Z"),
    (1_795_338_000.9996, "2026-11-22T09:00:01.000Z"), (0, "1970-01-01T00:00:00.000Z"),
    (-0.001, "1969-12-31T23:59:59.999Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
    (253_402_300_799.999, "9999-12-31T23:59:59.999Z"), (-62_135_596_800, "0001-01-01T00:00:00.000Z"),
  ])
  func timesAreWrittenInUTCWithMilliseconds(seconds: Double, text: String) {
    #expect(RFC3339.string(Date(timeIntervalSince1970: seconds)) == text)
  }

  @Test func aTimeThatIsWrittenAndReadAgainAndAgainDoesNotDrift() throws {
    var random = SeededGenerator(4)
    for _ in 0..<2000 {
      let text = RFC3339.string(Date(timeIntervalSince1970: .random(in: 0...4e9, using: &random)))
      let date = try #require(RFC3339.date(text))
      #expect(RFC3339.string(date) == text)
    }
  }

  @Test func writtenTimesAreAtMostHalfAMillisecondOff() throws {
    var random = SeededGenerator(5)
    for _ in 0..<2000 {
      let date = Date(timeIntervalSince1970: .random(in: -1e9...4e9, using: &random))
      let again = try #require(RFC3339.date(RFC3339.string(date)))
      #expect(abs(again.timeIntervalSince(date)) <= 0.000_501)
    }
  }

  @Test func noTimeAtAllCrashesIt() {
    for date in [
      Date.distantPast, .distantFuture, Date(timeIntervalSince1970: 1e300), Date(timeIntervalSince1970: -1e300),
    ] {
      #expect(!RFC3339.string(date).isEmpty)
    }
    var random = SeededGenerator(6)
    let characters = Array("0123456789-:TtZz+. éß🚀\u{301}")
    for _ in 0..<3000 {
      let text = String(
        (0..<Int.random(in: 0...30, using: &random)).map { _ in characters.randomElement(using: &random) ?? "0" })
      if let date = RFC3339.date(text) { #expect(RFC3339.date(RFC3339.string(date)) != nil) }
    }
  }
}
