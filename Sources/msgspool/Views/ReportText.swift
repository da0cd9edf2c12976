import Core
import FoundationEssentials
import Inspecting
import Ledger

/// A report for a terminal of 80 columns.
struct ReportText {
  private let sheet: ReportSheet
  private var report: Report { sheet.report }

  /// Rows of the plot at the most.
  private static let rows = 14
  private static let bar = 24
  /// Of the table's numbers: sent, accepted, p50, p99, retries, in doubt, spent.
  private static let widths = [8, 9, 8, 8, 8, 9, 9]
  private static let causes = 20
  private static let doubtful = 10

  init(_ sheet: ReportSheet) { self.sheet = sheet }

  var text: String {
    let span = TimeSpan.text(report.until.timeIntervalSince(report.since))
    var text = Console.styled(sheet.spool.safeText, .bold) + "\n"
    text +=
      phrase("{1} in {2} until {3}", counted(report.messages, "message"), span, RFC3339.string(report.until)) + "\n"
    if report.messages == 0 { return text + "\n" + phrase("nothing was settled or put off in this time") + "\n" }
    return text + channels + funnels + plot + causes + undelivered + doubtful + slowest
  }

  // MARK: Parts

  private var channels: String {
    if report.channels.isEmpty { return "" }
    let names = max(7, min(20, report.channels.map { Columns.width($0.name.safeText) }.max() ?? 7))
    func row(_ cells: [String]) -> String {
      let numbers = zip(cells.dropFirst(), ReportText.widths).map { cell, width in
        String(repeating: " ", count: max(1, width - Columns.width(cell))) + cell
      }
      return Columns.trimmed(Columns.fit(cells[0], names) + numbers.joined()) + "\n"
    }
    let isPaid = !sheet.spent.isEmpty
    let head =
      [phrase("channel"), phrase("sent"), phrase("accepted"), "p50", "p99", phrase("retries"), phrase("in doubt")]
      + (isPaid ? [phrase("spent")] : [])
    var text = "\n" + Console.styled(row(head), .dim)
    for channel in report.channels {
      text += row(
        [
          channel.name.safeText, String(channel.ended), ReportSheet.percent(channel.acceptance),
          ReportSheet.seconds(channel.latency.quantile(0.5)), ReportSheet.seconds(channel.latency.quantile(0.99)),
          String(channel.states.deferred), String(channel.doubtful),
        ] + (isPaid ? [sheet.spent[channel.name]?.text ?? "-"] : []))
    }
    return text
  }

  /// How far recipients got, of channels that have receipts.
  private var funnels: String {
    if sheet.followed.isEmpty { return "" }
    var text = "\n\(phrase("dropped → accepted → delivered"))\n"
    for channel in sheet.followed {
      let funnel = channel.funnel
      let steps = [funnel.dropped, funnel.accepted, funnel.delivered].map(Columns.grouped).joined(separator: " → ")
      let share = funnel.accepted == 0 ? nil : Double(funnel.delivered) * 100 / Double(funnel.accepted)
      text += "  \(channel.name.safeText)  \(steps) (\(ReportSheet.percent(share)))\n"
      let others = [
        (funnel.undelivered, phrase("undelivered")), (funnel.noReceipt, phrase("without receipt")),
        (funnel.unknown, phrase("unknown")),
      ].filter { $0.0 > 0 }.map { "\(Columns.grouped($0.0)) \($0.1)" }.joined(separator: phrase(", "))
      if !others.isEmpty { text += Columns.wrapped(others, indent: 6) }
      if let sums = sheet.sums[channel.name] {
        text += Columns.wrapped(phrase("of whole calls: {1}", ReportSheet.words(sums)).safeText, indent: 6)
      }
    }
    return text
  }

  private var undelivered: String {
    if report.undeliveries.isEmpty { return "" }
    var text = "\n\(phrase("accepted and not delivered"))\n"
    for item in report.undeliveries.prefix(ReportText.causes) {
      let count = String(item.count)
      text += String(repeating: " ", count: max(0, 8 - count.count)) + "\(count)  \(item.channel.safeText)\n"
      let reason = [item.code, item.reason].filter { !$0.isEmpty }.joined(separator: ": ")
      text += Columns.wrapped(reason.safeText, indent: 10) + ReportText.example(item.name)
    }
    let rest = report.undeliveries.count - ReportText.causes
    text += ReportText.rest(rest)
    return text
      + Columns.wrapped(phrase("to send it to them again: {1}", "msgspool retry --state undelivered"), indent: 2)
  }

  private static func example(_ name: String) -> String { Columns.wrapped(phrase("such as {1}", name), indent: 10) }

  private static func rest(_ count: Int) -> String {
    count > 0 ? "      " + phrase("… and {1} more (--json has all)", String(count)) + "\n" : ""
  }

  /// Recipients over time, in so few rows that they are read at a glance.
  private var plot: String {
    let steps = report.steps
    let merged = (steps.count + ReportText.rows - 1) / ReportText.rows
    let rows = stride(from: 0, to: steps.count, by: merged).map { start in
      (
        start: start,
        states: steps[start..<min(start + merged, steps.count)].reduce(into: Report.States()) { sum, next in
          for state in RecipientState.allCases { sum[state] += next[state] }
        }
      )
    }
    guard let most = rows.map(\.states.all).max(), most > 0 else { return "" }
    var text = "\n\(phrase("recipients (UTC)"))\n"
    for (start, states) in rows {
      text += "  \(sheet.label(start))  \(bar(states, of: most)) \(states.all)"
      let others = RecipientState.allCases.dropFirst().compactMap { state in
        states[state] > 0 ? "\(states[state]) \(state.rawValue)" : nil
      }.joined(separator: phrase(", "))
      let used = 21 + ReportText.bar + String(states.all).count
      text +=
        used + Columns.width(others) + 2 < 80
        ? Columns.trimmed("  \(others)") + "\n" : "\n" + Columns.wrapped(others, indent: 20)
    }
    return text
  }

  /// Accepted, then what was not.
  private func bar(_ states: Report.States, of most: Int) -> String {
    let columns = states.all == 0 ? 0 : max(1, states.all * ReportText.bar / most)
    var good = states.all == 0 ? 0 : states.accepted * columns / states.all
    if good == columns, states.accepted < states.all { good -= 1 }
    let bad = columns - good
    return Console.styled(String(repeating: "█", count: good), .green)
      + Console.styled(String(repeating: "▒", count: bad), .red)
      + String(repeating: " ", count: ReportText.bar - columns)
  }

  private var causes: String {
    if report.causes.isEmpty { return "" }
    var text = "\n\(phrase("what went wrong"))\n"
    for cause in report.causes.prefix(ReportText.causes) {
      let count = String(cause.count)
      let who = cause.channel.isEmpty ? "" : "\(cause.channel) "
      text +=
        String(repeating: " ", count: max(0, 8 - count.count)) + "\(count)  \(who.safeText)\(cause.state.rawValue)\n"
      let words = [cause.kind, cause.code, Phrases.error(cause.reason)]
      let reason = words.filter { !$0.isEmpty }.joined(separator: ": ")
      text += Columns.wrapped(reason.safeText, indent: 10) + ReportText.example(cause.name)
    }
    return text + ReportText.rest(report.causes.count - ReportText.causes)
  }

  private var doubtful: String {
    if report.doubtfulCount == 0 { return "" }
    var text = "\n\(phrase("in doubt ({1})", String(report.doubtfulCount)))\n"
    for item in report.doubtful.prefix(ReportText.doubtful) {
      let age = TimeSpan.text(report.until.timeIntervalSince(item.at))
      let (channel, recipients) = (item.channel.safeText, counted(item.recipients, "recipient"))
      text += "  \(item.name)  " + phrase("{1}, {2}, for {3}", channel, recipients, age) + "\n"
    }
    let rest = report.doubtfulCount - min(report.doubtful.count, ReportText.doubtful)
    if rest > 0 { text += "  " + phrase("… and {1} more (msgspool list failed)", String(rest)) + "\n" }
    return text + Columns.wrapped(Phrases.error(ReportSheet.remedy), indent: 2)
  }

  private var slowest: String {
    if sheet.slowest.isEmpty { return "" }
    var text = "\n\(phrase("slowest calls"))\n"
    for call in sheet.slowest.prefix(5) {
      let seconds = ReportSheet.seconds(call.seconds)
      text +=
        String(repeating: " ", count: max(0, 10 - Columns.width(seconds))) + "\(seconds)  "
      let words = [call.channel.safeText, counted(call.recipients, "recipient"), RFC3339.string(call.started)]
      text += words.joined(separator: phrase(", ")) + "\n"
    }
    return text
  }
}
