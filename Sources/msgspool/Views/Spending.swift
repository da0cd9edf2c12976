import Core
import FoundationEssentials
import Ledger

/// What a channel with a price has cost today and this month, and what it may.
struct Spending {
  var channel: String
  var day: Money
  var month: Money
  var budget: Budget

  /// - Parameter configuration: nil where there is none that could be used: then nobody knows what has a price.
  static func all(
    in ledger: any Ledger, _ configuration: Configuration?, now: Date
  ) throws(LedgerFault) -> [Spending] {
    var spendings: [Spending] = []
    for channel in (configuration?.channels.values ?? [:].values).sorted(by: { $0.name < $1.name })
    where channel.price > .zero {
      let spent = try ledger.spent(channel, at: now)
      spendings.append(Spending(channel: channel.name, day: spent.day, month: spent.month, budget: channel.budget))
    }
    return spendings
  }

  /// Amounts are numbers with all their decimals.
  var json: JSON {
    .object([.init("channel", .string(channel))] + Spending.amounts(day: day, month: month, budget))
  }

  static func amounts(day: Money, month: Money, _ budget: Budget) -> [JSON.Member] {
    var members: [JSON.Member] = [.init("day", .number(day.text)), .init("month", .number(month.text))]
    if let daily = budget.daily { members.append(.init("daily_budget", .number(daily.text))) }
    if let monthly = budget.monthly { members.append(.init("monthly_budget", .number(monthly.text))) }
    return members
  }

  var text: String {
    func share(_ spent: Money, _ limit: Money?) -> String {
      limit.map { phrase("{1} of {2}", spent.text, $0.text) } ?? spent.text
    }
    let sums = phrase("today {1}, this month {2}", share(day, budget.daily), share(month, budget.monthly))
    return "  \(Columns.pad(channel.safeText, 10)) \(sums)\n"
  }
}
