import Core
import FoundationEssentials

extension Ledger {
  /// What a channel has cost on the day that it is there, and in the month of that day.
  package func spent(_ channel: Channel, at now: Date) throws(LedgerFault) -> (day: Money, month: Money) {
    let day = LocalTime.day(of: now, in: channel.zone)
    return (
      Money(micros: try spent(channel.name, from: day, through: day)),
      Money(micros: try spent(channel.name, from: LocalTime.month(of: day), through: day))
    )
  }
}

/// What a call costs, and what its channel may cost; in millionths.
package struct Charge: Sendable, Hashable {
  /// One for each place.
  package var costs: [Int]
  /// Nil is no limit.
  package var daily: Int?
  package var monthly: Int?
  /// The local day on which the month began.
  package var month: Int

  package init(costs: [Int], daily: Int?, monthly: Int?, month: Int) {
    self.costs = costs
    self.daily = daily
    self.monthly = monthly
    self.month = month
  }
}
