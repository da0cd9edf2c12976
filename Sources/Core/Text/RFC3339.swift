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
    let (seconds, fraction) = CivilTime.floored(Int(milliseconds), by: 1000)
    let (days, time) = CivilTime.floored(seconds, by: 86_400)
    let (year, month, day) = CivilTime.date(days)
    let start = bytes.count
    bytes.append(contentsOf: UnsafeBufferPointer(start: form.utf8Start, count: form.utf8CodeUnitCount))
    /// The digits that end at `end`, over the form's zeros.
    func put(_ value: Int, endingAt end: Int) {
      var (rest, place) = (value, start + end)
      while rest > 0 {
        place -= 1
        bytes[place] += UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
    }
    put(year, endingAt: 4)
    put(month, endingAt: 7)
    put(day, endingAt: 10)
    put(time / 3600, endingAt: 13)
    put(time / 60 % 60, endingAt: 16)
    put(time % 60, endingAt: 19)
    put(fraction, endingAt: 23)
  }

  private static let form: StaticString = "0000-00-00T00:00:00.000Z"

  /// Nil for what is no RFC 3339 time: date and time with `Z` or an offset; fractions, lower case, and a space for the T
  /// (RFC 3339, section 5.6) allowed. A leap second is the second after it.
  package static func date(_ text: String) -> Date? {
    var rest = Array(text.utf8)[...]
    guard let year = number(4, &rest), take("-", &rest), let month = number(2, &rest), take("-", &rest),
      let day = number(2, &rest), take("Tt ", &rest), let hour = number(2, &rest), take(":", &rest),
      let minute = number(2, &rest), take(":", &rest), let second = number(2, &rest),
      let fraction = fraction(&rest), let offset = offset(&rest), rest.isEmpty,
      (1...12).contains(month), (1...CivilTime.length(of: month, year)).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    let seconds = CivilTime.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
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
}
