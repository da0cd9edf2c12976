import FoundationEssentials

/// Date and time of day at a fixed offset from UTC. A few divisions instead of a formatter: it is computed for every call.
package struct CivilTime: Sendable, Hashable {
  package var year: Int
  package var month: Int
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// - Parameter offset: seconds east of UTC.
  package init(_ date: Date, offset: Int = 0) {
    let seconds = Int(date.timeIntervalSince1970.rounded(.down)) + offset
    let (days, time) = CivilTime.floored(seconds, by: 86_400)
    (year, month, day) = CivilTime.date(days)
    hour = time / 3_600
    minute = time / 60 % 60
    second = time % 60
  }

  /// - Parameter offset: seconds east of UTC at which the fields are meant.
  package func date(offset: Int = 0) -> Date {
    let days = CivilTime.days(year, month, day)
    return Date(timeIntervalSince1970: Double(days * 86_400 + hour * 3_600 + minute * 60 + second - offset))
  }

  /// `2024-05-20T08:30:15Z`; only for fields meant in UTC.
  package var stamp: String {
    "\(isoDay)T\(padded(hour)):\(padded(minute)):\(padded(second))Z"
  }

  /// `20240520T083015Z`; only for fields meant in UTC.
  package var compactStamp: String { "\(compactDay)T\(padded(hour))\(padded(minute))\(padded(second))Z" }

  /// `2024-05-20`.
  package var isoDay: String { "\(padded(year, 4))-\(padded(month))-\(padded(day))" }

  /// `20240520`.
  package var compactDay: String { "\(padded(year, 4))\(padded(month))\(padded(day))" }

  private func padded(_ value: Int, _ width: Int = 2) -> String {
    let digits = String(value)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}

// MARK: The calendar

extension CivilTime {
  static func length(of month: Int, _ year: Int) -> Int {
    if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days since 1970 of a date in the proleptic Gregorian calendar, counted in eras of 400 years from 1 March 0000.
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (era, yearOfEra) = floored(month <= 2 ? year - 1 : year, by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The date that is so many days after 1 January 1970.
  static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = floored(days + 719_468, by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  static func floored(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

// MARK: As others write it

extension CivilTime {
  /// The date of mail and HTTP headers: `Mon, 20 May 2024 08:30:15 +0000` (RFC 5322), `... GMT` (RFC 9110). Nil for
  /// anything else; the two obsolete HTTP forms are not read.
  package static func parseHeaderDate(_ text: String) -> Date? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[0].last == ",", let day = Int(words[1]), let month = months[String(words[2])],
      let year = Int(words[3]), let offset = zone(words[5])
    else { return nil }
    return civil(year, month, day, time: words[4])?.date(offset: offset)
  }

  /// `2024-05-20 16:30:16`, at an offset known otherwise.
  package static func parsePlain(_ text: String, offset: Int) -> Date? {
    let words = text.split(separator: " ")
    guard words.count == 2 else { return nil }
    let date = words[0].split(separator: "-").map { Int($0) }
    guard date.count == 3, let year = date[0], let month = date[1], let day = date[2] else { return nil }
    return civil(year, month, day, time: words[1])?.date(offset: offset)
  }

  /// `Mon, 20 May 2024 08:30:15 +0000` (RFC 5322, section 3.3), in UTC.
  package static func headerDate(_ date: Date) -> String {
    let time = CivilTime(date)
    let days = Int((date.timeIntervalSince1970 / 86_400).rounded(.down))
    // 1970-01-01 was a Thursday.
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
    let month = months.first { $0.value == time.month }?.key ?? ""
    let clock = time.stamp.dropFirst(11).dropLast()
    return "\(weekday), \(time.day) \(month) \(time.year) \(clock) +0000"
  }

  private static func civil(_ year: Int, _ month: Int, _ day: Int, time: Substring) -> CivilTime? {
    let clock = time.split(separator: ":").map { Int($0) }
    guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
      (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), (0...23).contains(hour),
      (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }

  private static func zone(_ text: Substring) -> Int? {
    if text == "GMT" || text == "UTC" { return 0 }
    guard text.utf8.count == 5, let sign = text.first, sign == "+" || sign == "-", let digits = Int(text.dropFirst()),
      digits >= 0
    else { return nil }
    let seconds = digits / 100 * 3_600 + digits % 100 * 60
    return sign == "-" ? -seconds : seconds
  }

  private static let months = [
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11,
    "Dec": 12,
  ]
}
