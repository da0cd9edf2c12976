import FoundationEssentials

/// Days and times of day as a channel's zone counts them.
package enum LocalTime {
  /// The number of the local day (days since 1970-01-01 on that zone's wall calendar).
  package static func day(of date: Date, in zone: TimeZone) -> Int {
    Int((date.timeIntervalSince1970 + Double(zone.secondsFromGMT(for: date))).rounded(.down)) / 86400
  }

  /// When the local day after the one of `date` begins.
  package static func nextDay(after date: Date, in zone: TimeZone) -> Date {
    next(secondOfDay: 0, after: date, in: zone)
  }

  /// The next moment at which the wall clock shows that many seconds after midnight.
  package static func next(secondOfDay: Int, after date: Date, in zone: TimeZone) -> Date {
    let offset = Double(zone.secondsFromGMT(for: date))
    let local = date.timeIntervalSince1970 + offset
    let midnight = (local / 86400).rounded(.down) * 86400
    var target = midnight + Double(secondOfDay)
    if target <= local { target += 86400 }
    // Between now and then the zone may have changed its offset; the wall clock counts.
    let then = Date(timeIntervalSince1970: target - offset)
    return Date(timeIntervalSince1970: target - Double(zone.secondsFromGMT(for: then)))
  }
}

/// From when to when a channel keeps quiet.
package struct QuietHours: Sendable, Hashable {
  /// Seconds after local midnight; `from` may be later than `to`, over midnight.
  package var from: Int
  package var to: Int
  package var zone: TimeZone

  package init(from: Int, to: Int, zone: TimeZone) {
    self.from = from
    self.to = to
    self.zone = zone
  }

  /// The end of the quiet hours that `date` lies in; nil outside.
  package func end(after date: Date) -> Date? {
    let local = Int(date.timeIntervalSince1970.rounded(.down)) + zone.secondsFromGMT(for: date)
    let second = ((local % 86400) + 86400) % 86400
    let isQuiet = from <= to ? (from..<to).contains(second) : second >= from || second < to
    return isQuiet ? LocalTime.next(secondOfDay: to, after: date, in: zone) : nil
  }
}
