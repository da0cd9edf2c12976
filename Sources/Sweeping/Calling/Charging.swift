import Core
import FoundationEssentials
import Ledger

/// What calls cost, from the intent to the outcome. Channels without a price never come here.
enum Charging {
  /// - Parameter day: the channel's local day.
  static func charge(_ batch: Batch, _ channel: Channel, day: Int) -> Charge? {
    guard channel.price > .zero else { return nil }
    return Charge(
      costs: batch.entries.map { channel.cost(of: $0.content, to: $0.target).micros },
      daily: channel.budget.daily?.micros, monthly: channel.budget.monthly?.micros, month: LocalTime.month(of: day))
  }

  /// What was not accepted costs nothing. What is in doubt may have been carried out, and stays charged.
  static func refund(_ batch: Batch, _ outcomes: [Outcome], _ channel: Channel) -> Int {
    guard channel.price > .zero else { return 0 }
    return zip(batch.entries, outcomes).reduce(0) { sum, place in
      let (entry, outcome) = place
      let isFree = outcome.state == .deferred || outcome.state == .rejected
      return isFree ? sum + channel.cost(of: entry.content, to: entry.target).micros : sum
    }
  }

  /// The end, for now, of a place that the budget has no room for: later, not failed, and no attempt.
  static func ending(_ span: Admission.Span, _ channel: Channel, _ now: Date) -> ChannelState.Ending {
    let (limit, due) = limit(span, channel, now)
    return .deferred(.deferred(.quota, code: "budget", reason: "the budget of \(limit) is used up"), due: due)
  }

  /// Said once: it stays the same until the span is over.
  static func notice(_ span: Admission.Span, _ channel: Channel, _ now: Date) -> Notice {
    let (limit, due) = limit(span, channel, now)
    return Notice(
      "channel \(channel.name)", "the budget of \(limit) is used up; what waits goes out after \(RFC3339.string(due))",
      hint: "raise budget in the channel to send it before: msgspool flush makes it due at once")
  }

  private static func limit(_ span: Admission.Span, _ channel: Channel, _ now: Date) -> (text: String, due: Date) {
    switch span {
    case .day:
      ("\((channel.budget.daily ?? .zero).text) a day", LocalTime.nextDay(after: now, in: channel.zone))
    case .month:
      ("\((channel.budget.monthly ?? .zero).text) a month", LocalTime.nextMonth(after: now, in: channel.zone))
    }
  }
}
