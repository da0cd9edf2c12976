import Core
import FoundationEssentials
import Inspecting
import Ledger
import Sweeping

/// Channels as `channels` and `top` show them: a line each, in 80 columns, and the reason below one that is suspended.
struct ChannelTable {
  /// One column of the table.
  private struct Column {
    var title: String
    var width: Int
    /// Numbers stand at the right.
    var isNumber = true
    var value: (ChannelSurvey.Row) -> String
  }

  let survey: ChannelSurvey
  /// Names are cut to their column where the screen has no room for more.
  let isNarrow: Bool
  /// What is spent has a column where something has a price, for which the others make room.
  private let isPaid: Bool

  init(survey: ChannelSurvey, isNarrow: Bool = false) {
    self.survey = survey
    self.isNarrow = isNarrow
    isPaid = survey.rows.contains { ($0.settings?.price ?? .zero) > .zero }
  }

  private var columns: [Column] {
    func width(_ usual: Int, _ tight: Int) -> Int { isPaid ? tight : usual }
    let spending = Column(title: phrase("spent"), width: 9, value: spent)
    return [
      Column(title: phrase("channel"), width: width(14, 12), isNumber: false) {
        $0.channel.isEmpty ? phrase("(none)") : $0.channel.safeText
      },
      Column(title: phrase("provider"), width: width(14, 11), isNumber: false) {
        $0.settings?.card.name ?? phrase("(unknown)")
      },
      Column(title: phrase("waiting"), width: 7) { number($0.waiting) },
      Column(title: phrase("later"), width: width(6, 5)) { number($0.deferred) },
      Column(title: phrase("calls"), width: 5) { number($0.calls) },
      Column(title: phrase("of its day"), width: width(11, 10), value: day),
      Column(title: phrase("pace"), width: width(6, 5), value: pace),
    ] + (isPaid ? [spending] : []) + [Column(title: phrase("due"), width: width(8, 7), value: due)]
  }

  var header: String { line(columns.map(\.title)) }

  /// A line, or two where there is something to say about the channel; without style, so that they can be cut.
  func lines(_ row: ChannelSurvey.Row) -> [String] {
    var lines = [line(columns.map { $0.value(row) })]
    if let suspension = row.suspension {
      let since = TimeSpan.text(survey.at.timeIntervalSince(suspension.since))
      let (kind, reason) = (suspension.kind.rawValue, Phrases.error(suspension.reason).safeText)
      let what =
        suspension.suspectedFor == nil
        ? phrase("suspended for {1} ({2}): {3}", since, kind, reason)
        : phrase("suspected for {1} ({2}): {3}", since, kind, reason)
      lines.append("  " + what)
    } else if row.settings == nil, !row.channel.isEmpty {
      lines.append("  " + phrase("the configuration has no such channel: what names it will fail"))
    } else if row.waiting > 0, let end = row.settings?.quietHours?.end(after: survey.at) {
      lines.append("  " + phrase("quiet hours until {1}; high priority goes", RFC3339.string(end)))
    }
    return lines
  }

  static func styled(_ line: String, _ row: ChannelSurvey.Row) -> String {
    row.suspension == nil ? line : Console.styled(line, .red)
  }

  var text: String {
    var text = header + "\n"
    for row in survey.rows {
      let lines = lines(row)
      text += ChannelTable.styled(lines[0], row) + "\n"
      for line in lines.dropFirst() { text += Columns.wrapped(line, indent: 2) }
    }
    if survey.strange > 0 {
      let files = counted(survey.strange, "file")
      text += "\n" + phrase("{1} in new/ cannot be read as a message; see: msgspool check", files) + "\n"
    }
    return text
  }

  private func line(_ values: [String]) -> String {
    var line = ""
    for (column, value) in zip(columns, values) {
      if !line.isEmpty { line += " " }
      if column.isNumber {
        line += String(repeating: " ", count: max(0, column.width - Columns.width(value))) + value
      } else {
        line += isNarrow ? Columns.fit(value, column.width) : Columns.pad(value, column.width)
      }
    }
    return Columns.trimmed(line)
  }

  // MARK: Values

  private func number(_ value: Int) -> String { value == 0 ? "-" : ChannelTable.short(value) }

  private func day(_ row: ChannelSurvey.Row) -> String {
    guard let settings = row.settings, settings.daily > 0 else { return "-" }
    return "\(ChannelTable.short(row.usedToday ?? 0))/\(ChannelTable.short(settings.daily))"
  }

  /// Today's, of what a day may cost.
  private func spent(_ row: ChannelSurvey.Row) -> String {
    guard let settings = row.settings, settings.price > .zero else { return "-" }
    let spent = row.spent.map { ChannelTable.short($0.day) } ?? "?"
    return spent + (settings.budget.daily.map { "/\(ChannelTable.short($0))" } ?? "")
  }

  /// Without decimals that nobody compares: status and JSON have all.
  private static func short(_ money: Money) -> String {
    let cents = (min(money.micros, .max - 5_000) + 5_000) / 10_000
    if cents >= 10_000 || cents % 100 == 0 { return short(cents / 100) }
    return Money(micros: cents * 10_000).text
  }

  private func pace(_ row: ChannelSurvey.Row) -> String {
    guard let settings = row.settings else { return "-" }
    if settings.rate == 0 { return "\(settings.concurrency)x" }
    let rate = settings.rate
    return "\(rate == rate.rounded() ? String(Int(rate)) : String((rate * 100).rounded() / 100))/s"
  }

  private func due(_ row: ChannelSurvey.Row) -> String {
    if let suspension = row.suspension, suspension.until == .distantFuture {
      return suspension.isOfLogin ? phrase("login") : phrase("mended")
    }
    guard row.waiting + row.deferred > 0 || row.suspension != nil, let due = survey.nextDue(row) else { return "-" }
    let seconds = due.timeIntervalSince(survey.at)
    return seconds < 0.5 ? phrase("now") : TimeSpan.text(seconds)
  }

  /// In five columns: 12345, 123k, 1.2M.
  static func short(_ value: Int) -> String {
    switch value {
    case ..<100_000: String(value)
    case ..<1_000_000: "\(value / 1000)k"
    default: "\(Double(value / 100_000) / 10)M"
    }
  }

  /// One object for a channel: the keys are the same for all, absent values null.
  func json(_ row: ChannelSurvey.Row) -> JSON {
    let suspension = row.suspension.map { suspension in
      JSON.object([
        .init("kind", .string(suspension.kind.rawValue)), .init("reason", .string(suspension.reason)),
        .init("since", .string(RFC3339.string(suspension.since))),
        .init("until", suspension.until.map { .string(RFC3339.string($0)) } ?? .null),
        .init("suspected", .boolean(suspension.suspectedFor != nil)),
      ])
    }
    let due = row.waiting + row.deferred > 0 || row.suspension != nil ? survey.nextDue(row) : nil
    let spent = row.settings.flatMap { settings in
      row.spent.map { JSON.object(Spending.amounts(day: $0.day, month: $0.month, settings.budget)) }
    }
    return .object([
      .init("channel", .string(row.channel)), .init("provider", row.settings.map { .string($0.card.name) } ?? .null),
      .init("waiting", .integer(row.waiting)), .init("deferred", .integer(row.deferred)),
      .init("in_flight", .integer(row.calls)), .init("recipients_in_flight", .integer(row.recipients)),
      .init("used_today", row.usedToday.map(JSON.integer) ?? .null),
      .init("daily", row.settings.map { .integer($0.daily) } ?? .null),
      .init("spent", spent ?? .null),
      .init("rate", row.settings.map { .number(String($0.rate)) } ?? .null),
      .init("concurrency", row.settings.map { .integer($0.concurrency) } ?? .null),
      .init("suspended", suspension ?? .null), .init("next_due", due.map { .string(RFC3339.string($0)) } ?? .null),
    ])
  }
}
