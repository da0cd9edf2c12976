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
