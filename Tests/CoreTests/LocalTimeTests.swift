import Core
import Foundation
import TestSupport
import Testing

private func zone(_ name: String) throws -> Zone { try #require(Zone.ofThisMachine(name)) }

/// Zones with all sorts of habits: none, whole and half hours, and clocks that are turned at midnight itself.
private let zones = [
  "GMT", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo",
  "America/Havana", "America/Santiago", "Asia/Beirut", "Pacific/Chatham", "Pacific/Apia", "America/St_Johns",
]

@Suite struct LocalTimeTests {
  // MARK: Days

  @Test func aDayBeginsAtLocalMidnight() throws {
    let shanghai = try zone("Asia/Shanghai")
    let before = LocalTime.day(of: moment("2026-11-22T15:59:59Z"), in: shanghai)
    #expect(LocalTime.day(of: moment("2026-11-22T16:00:00Z"), in: shanghai) == before + 1)
    #expect(LocalTime.day(of: moment("2026-11-22T15:59:59Z"), in: .gmt) == before)
  }

  @Test func daysBefore1970CountDownwards() {
    #expect(LocalTime.day(of: moment("1970-01-01T00:00:00Z"), in: .gmt) == 0)
    #expect(LocalTime.day(of: moment("1969-12-31T23:59:59Z"), in: .gmt) == -1)
    #expect(LocalTime.day(of: moment("1969-12-31T00:00:00Z"), in: .gmt) == -1)
  }

  @Test(arguments: zones) func theNextDayIsLaterAndIsTheNextDayAndItsFirstMoment(name: String) throws {
    let zone = try zone(name)
    for date in times(2026) {
      let next = LocalTime.nextDay(after: date, in: zone)
      let day = LocalTime.day(of: date, in: zone)
      #expect(next > date, "\(date) in \(name)")
      #expect(next.timeIntervalSince(date) <= 26 * 3600, "\(date) in \(name)")
      #expect(LocalTime.day(of: next, in: zone) > day, "\(date) in \(name): \(next)")
      #expect(LocalTime.day(of: next - 1, in: zone) <= day, "\(date) in \(name): \(next)")
    }
  }

  // MARK: Times of day

  @Test func theNextTimeOfDayIsTodayOrTomorrow() throws {
    let shanghai = try zone("Asia/Shanghai")
    let seven = 7 * 3600
    #expect(
      LocalTime.next(secondOfDay: seven, after: moment("2026-11-22T22:59:59Z"), in: shanghai)
        == moment("2026-11-22T23:00:00Z"))
    #expect(
      LocalTime.next(secondOfDay: seven, after: moment("2026-11-22T23:00:00Z"), in: shanghai)
        == moment("2026-11-23T23:00:00Z"))
  }

  @Test(arguments: [
    // Turned forward at 01:00 UTC, from 02:00 to 03:00: 02:30 is jumped over.
    ("Europe/Berlin", "2026-03-29T00:30:00Z", 9000, "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-03-28T20:00:00Z", 7 * 3600, "2026-03-29T05:00:00Z"),
    // Turned back at 01:00 UTC, from 03:00 to 02:00: the first 02:30 counts, then the second.
    ("Europe/Berlin", "2026-10-24T20:00:00Z", 9000, "2026-10-25T00:30:00Z"),
    ("Europe/Berlin", "2026-10-24T20:00:00Z", 7 * 3600, "2026-10-25T06:00:00Z"),
    // Cairo turns at midnight: 24 April 2026 begins at 01:00.
    ("Africa/Cairo", "2026-04-23T12:00:00Z", 0, "2026-04-23T22:00:00Z"),
    ("Africa/Cairo", "2026-04-23T21:30:00Z", 0, "2026-04-23T22:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T12:00:00Z", 2 * 3600 + 900, "2026-10-03T15:30:00Z"),
  ])
  func theWallClockCountsWhenItIsTurned(name: String, after: String, second: Int, expected: String) throws {
    let next = LocalTime.next(secondOfDay: second, after: moment(after), in: try zone(name))
    #expect(next == moment(expected))
  }

  @Test(arguments: zones) func theNextTimeOfDayIsAlwaysLaterAndNeverFurtherThanADayAndAnHour(name: String) throws {
    let zone = try zone(name)
    for date in times(2026) {
      for second in [0, 1800, 5400, 9000, 12 * 3600, 86_399] {
        let next = LocalTime.next(secondOfDay: second, after: date, in: zone)
        #expect(next > date, "\(second) after \(date) in \(name)")
        #expect(next.timeIntervalSince(date) <= 25 * 3600 + 1, "\(second) after \(date) in \(name): \(next)")
      }
    }
  }

  /// Every 47 minutes of the days around which clocks are turned somewhere, and now and then in between.
  private func times(_ year: Int) -> [Date] {
    let start = moment("\(year)-01-01T00:00:00Z")
    return (0..<366).flatMap { day -> [Date] in
      let isNear = [(65, 72), (86, 97), (113, 117), (245, 252), (274, 280), (295, 306)].contains {
        $0.0 <= day && day <= $0.1
      }
      return (0..<(isNear ? 30 : 1)).map { start + Double(day) * 86_400 + Double($0) * 47 * 60 }
    }
  }
}

@Suite struct QuietHoursTests {
  private func quiet(_ from: Int, _ to: Int, _ name: String = "Asia/Shanghai") throws -> QuietHours {
    QuietHours(from: from * 60, to: to * 60, zone: try zone(name))
  }

  @Test(
    arguments: [
      ("2026-11-22T13:59:59Z", nil), ("2026-11-22T14:00:00Z", "2026-11-22T23:00:00Z"),
      ("2026-11-22T15:59:59Z", "2026-11-22T23:00:00Z"), ("2026-11-22T16:00:00Z", "2026-11-22T23:00:00Z"),
      ("2026-11-22T22:59:59.999Z", "2026-11-22T23:00:00Z"), ("2026-11-22T23:00:00Z", nil),
      ("2026-11-23T04:00:00Z", nil),
    ] as [(String, String?)])
  func overMidnightTheyEndInTheMorning(at: String, end: String?) throws {
    #expect(try quiet(22 * 60, 7 * 60).end(after: moment(at)) == end.map(moment))
  }

  @Test(
    arguments: [
      ("2026-11-22T03:59:59Z", nil), ("2026-11-22T04:00:00Z", "2026-11-22T06:00:00Z"),
      ("2026-11-22T05:59:59Z", "2026-11-22T06:00:00Z"), ("2026-11-22T06:00:00Z", nil),
    ] as [(String, String?)])
  func withinADayTheyEndTheSameDay(at: String, end: String?) throws {
    #expect(try quiet(12 * 60, 14 * 60).end(after: moment(at)) == end.map(moment))
  }

  @Test func untilMidnightTheyEndAtMidnight() throws {
    #expect(try quiet(22 * 60, 0).end(after: moment("2026-11-22T15:00:00Z")) == moment("2026-11-22T16:00:00Z"))
    #expect(try quiet(22 * 60, 0).end(after: moment("2026-11-22T16:00:00Z")) == nil)
  }

  @Test func fromMidnightTheyBeginAtMidnight() throws {
    #expect(try quiet(0, 7 * 60).end(after: moment("2026-11-22T15:59:59Z")) == nil)
    #expect(try quiet(0, 7 * 60).end(after: moment("2026-11-22T16:00:00Z")) == moment("2026-11-22T23:00:00Z"))
  }

  /// Whatever the clocks do: the end is later, and what waits until then does not have to wait again at once.
  @Test(arguments: zones) func theEndIsLaterAndOutside(name: String) throws {
    let start = moment("2026-01-01T00:00:00Z")
    for (from, to) in [
      (22 * 60, 7 * 60), (22 * 60, 150), (60, 150), (23 * 60, 30), (0, 150), (12 * 60, 13 * 60), (22 * 60, 0),
    ] {
      let quiet = try quiet(from, to, name)
      for step in 0..<(365 * 24 * 2) where step % 7 == 0 || (step / 48) % 30 > 20 {
        let date = start + Double(step) * 1800 + 60
        guard let end = quiet.end(after: date) else { continue }
        #expect(end > date && end.timeIntervalSince(date) <= 25 * 3600, "\(from)-\(to) at \(date) in \(name): \(end)")
        // Where clocks are turned back over the end, quiet may come once more; it must then end later still.
        if let again = quiet.end(after: end) { #expect(again > end, "\(from)-\(to) at \(date) in \(name): \(end)") }
      }
    }
  }
}
