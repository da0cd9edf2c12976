import FoundationEssentials

/// Times as the files and the commands write them: RFC 3339, UTC, milliseconds.
///
/// Read and written here rather than by Foundation's style: that one takes what only begins like a time, cuts
/// milliseconds off instead of rounding (so a time drifts with every reading and writing), and is on the path of every
/// message.
package enum RFC3339 {
  /// Outside the four-digit years the nearest time that can be written.
  package static func string(_ date: Date) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    write(date, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// As `string`, without one.
  package static func write(_ date: Date, to bytes: inout [UInt8]) {
    let milliseconds = min(max((date.timeIntervalSince1970 * 1000).rounded(), -62_167_219_200_000), 253_402_300_799_999)
    let (seconds, fraction) = floored(Int(milliseconds), by: 1000)
    let (days, time) = floored(seconds, by: 86_400)
    let (year, month, day) = civil(days)
    func put(_ value: Int, _ width: Int, _ mark: UInt8) {
      var divisor = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        bytes.append(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
        divisor /= 10
      }
      bytes.append(mark)
    }
    put(year, 4, UInt8(ascii: "-"))
    put(month, 2, UInt8(ascii: "-"))
    put(day, 2, UInt8(ascii: "T"))
    put(time / 3600, 2, UInt8(ascii: ":"))
    put(time / 60 % 60, 2, UInt8(ascii: ":"))
    put(time % 60, 2, UInt8(ascii: "."))
    put(fraction, 3, UInt8(ascii: "Z"))
  }

  /// Nil for what is no RFC 3339 time: date and time with `Z` or an offset; fractions, lower case, and a space for the T
  /// (RFC 3339, section 5.6) allowed. A leap second is the second after it.
  package static func date(_ text: String) -> Date? {
    var rest = Array(text.utf8)[...]
    guard let year = number(4, &rest), take("-", &rest), let month = number(2, &rest), take("-", &rest),
      let day = number(2, &rest), take("Tt ", &rest), let hour = number(2, &rest), take(":", &rest),
      let minute = number(2, &rest), take(":", &rest), let second = number(2, &rest),
      let fraction = fraction(&rest), let offset = offset(&rest), rest.isEmpty,
      (1...12).contains(month), (1...length(of: month, year)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return Date(timeIntervalSince1970: Double(seconds) + fraction)
  }

  // MARK: Reading

  private static func number(_ width: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
    guard rest.count >= width else { return nil }
    var value = 0
    for _ in 0..<width {
      guard let byte = rest.popFirst(), byte &- 0x30 < 10 else { return nil }
      value = value * 10 + Int(byte &- 0x30)
    }
    return value
  }

  private static func take(_ marks: StaticString, _ rest: inout ArraySlice<UInt8>) -> Bool {
    guard let byte = rest.first,
      UnsafeBufferPointer(start: marks.utf8Start, count: marks.utf8CodeUnitCount).contains(byte)
    else { return false }
    rest.removeFirst()
    return true
  }

  /// Seconds behind the point; 0 without one.
  private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Double? {
    guard take(".", &rest) else { return 0 }
    let digits = rest.prefix { $0 &- 0x30 < 10 }
    rest = rest.dropFirst(digits.count)
    return digits.isEmpty ? nil : digits.reversed().reduce(0) { ($0 + Double($1 &- 0x30)) / 10 }
  }

  /// Seconds east of UTC.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int? {
    if take("Zz", &rest) { return 0 }
    let isEast = rest.first == UInt8(ascii: "+")
    guard take("+-", &rest), let hours = number(2, &rest), take(":", &rest), let minutes = number(2, &rest), hours < 24,
      minutes < 60
    else { return nil }
    return (isEast ? 1 : -1) * (hours * 3600 + minutes * 60)
  }

  // MARK: The calendar

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

  static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
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
