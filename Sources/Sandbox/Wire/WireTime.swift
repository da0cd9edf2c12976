import FoundationEssentials

/// Dates in the forms that providers write and read. Arithmetic on the proleptic Gregorian calendar
/// instead of a formatter: two of them are made per request.
struct WireTime: Equatable {
  var year, month, day, hour, minute, second: Int
  /// 0 is Sunday.
  var weekday: Int

  /// China standard time (no summer time since 1991), in seconds east of Greenwich.
  static let china = 8 * 3600

  init(_ date: Date, offset: Int = 0) {
    self.init(unix: Int(date.timeIntervalSince1970.rounded(.down)), offset: offset)
  }

  init(unix: Int, offset: Int = 0) {
    let local = unix + offset
    let days = Int((Double(local) / 86400).rounded(.down))
    let rest = local - days * 86400
    // Days are counted from 0000-03-01 so that the leap day is the last of its year (H. Hinnant, "civil_from_days").
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = rest / 3600
    minute = rest % 3600 / 60
    second = rest % 60
    weekday = ((days + 4) % 7 + 7) % 7
  }

  /// Seconds since 1970 for a UTC date; nil when there is no such day or time.
  static func unix(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0) -> Int?
  {
    guard 1...12 ~= month, 1...31 ~= day, 0..<24 ~= hour, 0..<60 ~= minute, 0...60 ~= second else { return nil }
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    let unix = days * 86400 + hour * 3600 + minute * 60 + second
    return WireTime(unix: days * 86400).day == day ? unix : nil
  }

  /// `yyyy-MM-ddTHH:mm:ssZ`, the only form that Aliyun signs and that Twilio's libraries send.
  static func unix(iso8601 text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count == 20, bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), bytes[19] == UInt8(ascii: "Z"), let day = unix(day: String(text.prefix(10))),
      let hour = decimal(bytes[11..<13]), let minute = decimal(bytes[14..<16]), let second = decimal(bytes[17..<19]),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    return day + hour * 3600 + minute * 60 + second
  }

  /// `yyyy-MM-dd` or `yyyyMMdd`, midnight UTC.
  static func unix(day text: String) -> Int? {
    var bytes = Array(text.utf8)
    if bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") {
      bytes.remove(at: 7)
      bytes.remove(at: 4)
    }
    guard bytes.count == 8, let year = decimal(bytes[0..<4]), let month = decimal(bytes[4..<6]),
      let day = decimal(bytes[6..<8])
    else { return nil }
    return unix(year, month, day)
  }

  /// `Mon, 20 May 2024 08:30:15 GMT`, as HTTP writes it.
  static func unix(http text: String) -> Int? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", words[1].utf8.count == 2, words[4].utf8.count == 8,
      let month = months.firstIndex(of: String(words[2])), let day = decimal(Array(words[1].utf8)[...]),
      let year = decimal(Array(words[3].utf8)[...])
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { decimal(Array($0.utf8)[...]) }
    return clock.count == 3 ? unix(year, month + 1, day, clock[0], clock[1], clock[2]) : nil
  }

  private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for digit in digits {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value
  }
}

extension WireTime {
  private static func padded(_ value: Int, _ width: Int = 2) -> String {
    let text = String(value)
    return text.utf8.count >= width ? text : String(repeating: "0", count: width - text.utf8.count) + text
  }

  var dayText: String { "\(Self.padded(year, 4))-\(Self.padded(month))-\(Self.padded(day))" }
  var timeText: String { "\(Self.padded(hour)):\(Self.padded(minute)):\(Self.padded(second))" }
  /// `yyyyMMdd`.
  var compactDay: String { "\(Self.padded(year, 4))\(Self.padded(month))\(Self.padded(day))" }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `Mon, 20 May 2024 08:30:15 +0000`; only meant for UTC.
  var rfc2822: String {
    let weekday = Self.weekdays[weekday]
    return "\(weekday), \(Self.padded(day)) \(Self.months[month - 1]) \(Self.padded(year, 4)) \(timeText) +0000"
  }

  /// `2024-05-20T08:30:15.123Z`.
  static func rfc3339(_ date: Date) -> String {
    let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down))
    let seconds = Int((Double(milliseconds) / 1000).rounded(.down))
    let time = WireTime(unix: seconds)
    return "\(time.dayText)T\(time.timeText).\(padded(milliseconds - seconds * 1000, 3))Z"
  }
}
