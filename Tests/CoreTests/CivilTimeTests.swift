import Foundation
import Testing

@testable import Core

@Suite struct CivilTimeTests {
  @Test(arguments: [
    (0.0, "1970-01-01T00:00:00Z"), (-0.5, "1969-12-31T23:59:59Z"), (1_716_193_815.999, "2024-05-20T08:30:15Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (1_735_689_599, "2024-12-31T23:59:59Z"),
    (4_107_542_400, "2100-03-01T00:00:00Z"), (-62_135_596_800, "0001-01-01T00:00:00Z"),
  ])
  func stampsAreInUTC(_ seconds: Double, _ stamp: String) {
    #expect(CivilTime(Date(timeIntervalSince1970: seconds)).stamp == stamp)
  }

  @Test func itAgreesWithFoundationOnEveryDayOfFourCenturies() {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    for day in stride(from: 0, to: 146_097, by: 7) {
      let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 43_199)
      let ours = CivilTime(date)
      let theirs = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
      #expect(ours.year == theirs.year && ours.month == theirs.month && ours.day == theirs.day)
      #expect(ours.date() == date)
    }
  }

  @Test func theDayInChinaBeginsEightHoursEarlier() {
    let eve = Date(timeIntervalSince1970: 1_716_220_799)  // 2024-05-20T15:59:59Z
    #expect(CivilTime(eve, offset: 28_800).compactDay == "20240520")
    #expect(CivilTime(eve.addingTimeInterval(1), offset: 28_800).compactDay == "20240521")
  }

  @Test func headerDatesOfMailAndHTTPAreRead() {
    let time = Date(timeIntervalSince1970: 1_716_193_815)
    #expect(CivilTime.parseHeaderDate("Mon, 20 May 2024 08:30:15 +0000") == time)
    #expect(CivilTime.parseHeaderDate("Mon, 20 May 2024 08:30:15 GMT") == time)
    #expect(CivilTime.parseHeaderDate("Mon, 20 May 2024 16:30:15 +0800") == time)
    #expect(CivilTime.parseHeaderDate("Mon, 20 May 2024 04:00:15 -0430") == time)
    #expect(CivilTime.parsePlain("2024-05-20 16:30:15", offset: 28_800) == time)
  }

  @Test(arguments: [
    "", "soon", "20 May 2024 08:30:15 GMT", "Mon, 20 May 2024 08:30:15", "Mon, 99 May 2024 08:30:15 GMT",
    "Mon, 20 Mai 2024 08:30:15 GMT", "Mon, 20 May 2024 25:30:15 GMT", "Mon, 20 May 2024 08:30 GMT",
    "Mon, 20 May 2024 08:30:15 EST", "Mon, 20 May 2024 08:30:15 +99x9", "Monday, 20-May-24 08:30:15 GMT",
    "Mon, 20 May 99999999999999999999 08:30:15 GMT", "Mon, 20 May 2024 08:30:15 +-800",
  ])
  func otherDatesAreNone(_ text: String) {
    #expect(CivilTime.parseHeaderDate(text) == nil)
    #expect(CivilTime.parsePlain(text, offset: 0) == nil)
  }
}
