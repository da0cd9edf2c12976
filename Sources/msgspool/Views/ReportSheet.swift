import Core
import FoundationEssentials
import Inspecting
import Ledger

/// A report with what the ledger adds to it, as its three forms need it.
struct ReportSheet {
  var report: Report
  var spool: String
  var slowest: [SlowCall] = []
  /// In the days that the span touches.
  var spent: [String: Money] = [:]
  /// What services say of calls as a whole, by channel.
  var sums: [String: [ReceiptSums.Count]] = [:]

  /// Channels whose receipts are awaited now.
  var awaited: Set<String> = []

  /// Channels of which something is known beyond acceptance, or is to be.
  var followed: [Report.Channel] {
    report.channels.filter { $0.funnel.hasReceipts || sums[$0.name] != nil || awaited.contains($0.name) }
  }

  /// `950 successful, 12 failed`.
  static func words(_ counts: [ReceiptSums.Count]) -> String {
    counts.filter { $0.count > 0 }.map { "\(Columns.grouped($0.count)) \($0.name)" }.joined(separator: ", ")
  }

  /// What to do about a message in doubt.
  static let remedy = "find out whether it arrived; if not: msgspool retry NAME --state unconfirmed"

  /// Seconds as people read them: `340 ms`, `1.2 s`, `3m 20s`.
  static func seconds(_ seconds: Double?) -> String {
    guard let seconds else { return "-" }
    if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 60 { return "\((seconds * 10).rounded() / 10) s" }
    return TimeSpan.text(seconds)
  }

  static func percent(_ percent: Double?) -> String {
    guard let percent else { return "-" }
    // 99.96 % is not 100 %.
    let tenths = percent == 100 ? 1000 : min(999, Int((percent * 10).rounded()))
    return "\(tenths / 10).\(tenths % 10) %"
  }

  /// `2026-11-22 09:00` of a step's beginning, in UTC.
  func label(_ step: Int) -> String {
    let text = RFC3339.string(report.origin + Double(step) * report.step)
    return String(text.prefix(16)).replacing("T", with: " ")
  }

  // MARK: JSON

  var json: JSON {
    .object([
      .init("spool", .string(spool)), .init("since", .string(RFC3339.string(report.since))),
      .init("until", .string(RFC3339.string(report.until))), .init("messages", .integer(report.messages)),
      .init(
        "ends",
        .object(
          MessageState.allCases.compactMap { state in
            report.ends[state].map { .init(state.rawValue, .integer($0)) }
          })),
      .init("channels", .array(report.channels.map(json))),
      .init("step_seconds", .integer(Int(report.step))),
      .init(
        "steps",
        .array(
          report.steps.indices.map { index in
            .object(
              [.init("at", .string(RFC3339.string(report.origin + Double(index) * report.step)))]
                + members(report.steps[index]))
          })),
      .init("causes", .array(report.causes.map(json))),
      .init("undelivered", .array(report.undeliveries.map(json))),
      .init("doubtful_count", .integer(report.doubtfulCount)),
      .init("doubtful", .array(report.doubtful.map(json))), .init("slowest_calls", .array(slowest.map(json))),
    ])
  }

  private func members(_ states: Report.States) -> [JSON.Member] {
    RecipientState.allCases.map { .init($0.rawValue, .integer(states[$0])) }
  }

  private func json(_ channel: Report.Channel) -> JSON {
    func number(_ value: Double?) -> JSON { value.map { .number(String(($0 * 1000).rounded() / 1000)) } ?? .null }
    return .object(
      [.init("channel", .string(channel.name)), .init("sent", .integer(channel.ended))] + members(channel.states)
        + [
          .init("in_doubt", .integer(channel.doubtful)), .init("accepted_percent", number(channel.acceptance)),
          .init("p50_seconds", number(channel.latency.quantile(0.5))),
          .init("p99_seconds", number(channel.latency.quantile(0.99))),
          .init("spent", spent[channel.name].map { .number($0.text) } ?? .null),
          .init("funnel", json(channel.funnel)),
        ]
        + (sums[channel.name].map { counts in
          [.init("sums", .object(counts.map { .init($0.name, .integer($0.count)) }))]
        } ?? []))
  }

  private func json(_ funnel: Funnel) -> JSON {
    .object([
      .init("dropped", .integer(funnel.dropped)), .init("accepted", .integer(funnel.accepted)),
      .init("delivered", .integer(funnel.delivered)), .init("undelivered", .integer(funnel.undelivered)),
      .init("no_receipt", .integer(funnel.noReceipt)), .init("unknown", .integer(funnel.unknown)),
    ])
  }

  private func json(_ item: Report.Undelivery) -> JSON {
    .object([
      .init("channel", .string(item.channel)), .init("code", .string(item.code)), .init("count", .integer(item.count)),
      .init("reason", .string(item.reason)), .init("example", .string(item.name)),
    ])
  }

  private func json(_ cause: Report.Cause) -> JSON {
    .object([
      .init("channel", .string(cause.channel)), .init("state", .string(cause.state.rawValue)),
      .init("kind", .string(cause.kind)), .init("code", .string(cause.code)), .init("count", .integer(cause.count)),
      .init("reason", .string(cause.reason)), .init("example", .string(cause.name)),
    ])
  }

  private func json(_ doubtful: Report.Doubtful) -> JSON {
    .object([
      .init("name", .string(doubtful.name)), .init("channel", .string(doubtful.channel)),
      .init("at", .string(RFC3339.string(doubtful.at))), .init("recipients", .integer(doubtful.recipients)),
      .init("reason", .string(doubtful.reason)),
    ])
  }

  private func json(_ call: SlowCall) -> JSON {
    .object([
      .init("call", .string(call.id)), .init("channel", .string(call.channel)),
      .init("started", .string(RFC3339.string(call.started))),
      .init("seconds", .number(String((call.seconds * 1000).rounded() / 1000))),
      .init("recipients", .integer(call.recipients)),
    ])
  }
}
