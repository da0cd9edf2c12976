import FoundationEssentials

/// Days and times of day as a channel's zone counts them.
package enum LocalTime {
  /// The number of the local day (days since 1970-01-01 on that zone's wall calendar).
  package static func day(of date: Date, in zone: Zone) -> Int {
    Int(((date.timeIntervalSince1970 + Double(zone.offset(at: date))) / 86400).rounded(.down))
  }

  /// When the local day after the one of `date` begins.
  package static func nextDay(after date: Date, in zone: Zone) -> Date {
    next(secondOfDay: 0, after: date, in: zone)
  }

  /// The first local day of the month that the day is in.
  package static func month(of day: Int) -> Int {
    let date = CivilTime.date(day)
    return CivilTime.days(date.year, date.month, 1)
  }

  /// When the local month after the one of `date` begins.
  package static func nextMonth(after date: Date, in zone: Zone) -> Date {
    let today = day(of: date, in: zone)
    let civil = CivilTime.date(today)
    let first =
      civil.month == 12 ? CivilTime.days(civil.year + 1, 1, 1) : CivilTime.days(civil.year, civil.month + 1, 1)
    // The midnight before it, and from there as any day: the zone may change its offset on the way.
    let eve = date + Double(first - today - 1) * 86_400
    let next = nextDay(after: eve, in: zone)
    return day(of: next, in: zone) < first ? nextDay(after: next, in: zone) : next
  }

  /// The next moment at which the wall clock shows that many seconds after midnight, or jumps over it.
  package static func next(secondOfDay: Int, after date: Date, in zone: Zone) -> Date {
    func offset(_ time: Double) -> Double { Double(zone.offset(at: Date(timeIntervalSince1970: time))) }
    let now = date.timeIntervalSince1970
    let before = offset(now)
    var target = ((now + before) / 86400).rounded(.down) * 86400 + Double(secondOfDay)
    if target <= now + before { target += 86400 }
    // Between now and then the zone may have changed its offset; the wall clock counts.
    let after = offset(target - before)
    if offset(target - after) == after { return Date(timeIntervalSince1970: target - after) }
    // Clocks that are turned forward jump over it: the moment they do is found by halving.
    var (early, late) = (target - after, target - before)
    while late - early > 1 {
      let middle = ((early + late) / 2).rounded(.down)
      if offset(middle) == after { late = middle } else { early = middle }
    }
    return Date(timeIntervalSince1970: late)
  }
}

/// From when to when a channel keeps quiet.
package struct QuietHours: Sendable, Hashable {
  /// Seconds after local midnight; `from` may be later than `to`, over midnight.
  package var from: Int
  package var to: Int
  package var zone: Zone

  package init(from: Int, to: Int, zone: Zone) {
    self.from = from
    self.to = to
    self.zone = zone
  }

  /// The end of the quiet hours that `date` lies in; nil outside.
  package func end(after date: Date) -> Date? {
    let local = Int(date.timeIntervalSince1970.rounded(.down)) + zone.offset(at: date)
    let second = ((local % 86400) + 86400) % 86400
    let isQuiet = from <= to ? (from..<to).contains(second) : second >= from || second < to
    return isQuiet ? LocalTime.next(secondOfDay: to, after: date, in: zone) : nil
  }
}
