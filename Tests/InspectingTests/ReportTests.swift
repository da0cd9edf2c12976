import Core
import Foundation
import Inspecting
import TestSupport
import Testing

/// What history lines come to.
@Suite struct ReportTests {
  private let since = moment("2026-11-22T00:00:00Z")
  private let until = moment("2026-11-23T00:00:00Z")

  private func line(
    _ state: MessageState, _ results: [(String, RecipientState)] = [], at hour: Double = 1, after seconds: Double = 2,
    error: Fault? = nil, channel: String? = "c"
  ) -> HistoryLine {
    let at = since + hour * 3600
    return HistoryLine(
      at: at, state: state, channel: channel, attempt: 1,
      results: results.map { HistoryLine.Result(to: $0.0, state: $0.1) }, error: error, dropped: at - seconds)
  }

  private func report(_ files: [[HistoryLine]]) -> Report {
    var report = Report(since: since, until: until)
    for (index, lines) in files.enumerated() { report.take(lines.map(HistoryEntry.line), name: "m\(index)") }
    return report
  }

  @Test func recipientsAreCountedByHourAndByWhatBecameOfThem() {
    let report = report([
      [line(.done, [("a", .accepted), ("b", .accepted)], at: 1)],
      [line(.deferred, [("a", .deferred)], at: 1), line(.failed, [("a", .rejected)], at: 2.5)],
    ])
    #expect(report.steps.count == 24 && report.step == 3600)
    #expect(report.steps[1] == Report.States(accepted: 2, deferred: 1) && report.steps[2].rejected == 1)
    #expect(report.messages == 2 && report.ends == [.done: 1, .failed: 1])
    #expect(report.channels.map(\.ended) == [3] && report.channels[0].states.deferred == 1)
    #expect(report.channels[0].acceptance.map { Int($0) } == 66)
  }

  @Test func whatIsOutsideTheSpanIsLeftOut() {
    let report = report([
      [line(.deferred, [("a", .deferred)], at: -1), line(.done, [("a", .accepted)], at: 1)],
      [line(.done, [("a", .accepted)], at: -3)],
    ])
    #expect(report.messages == 1 && report.channels[0].states == Report.States(accepted: 1))
  }

  @Test func aSpanOfMonthsHasLongerSteps() {
    let report = Report(since: until - 90 * 86_400, until: until)
    #expect(report.steps.count <= 24 * 14 + 1 && report.step.truncatingRemainder(dividingBy: 3600) == 0)
  }

  @Test func stepsBeginWithWholeHours() {
    var report = Report(since: since + 1800, until: until + 1800)
    report.take([.line(line(.done, [("a", .accepted)], at: 0.6))], name: "m")
    report.take([.line(line(.done, [("a", .accepted)], at: 24.4))], name: "n")
    #expect(report.origin == since && report.steps.count == 25)
    #expect(report.steps[0].accepted == 1 && report.steps[24].accepted == 1)
  }

  @Test func causesAreCountedAndBounded() {
    let same = (0..<5).map { _ in [line(.failed, error: Fault(.recipient, code: "gone", "no such user"))] }
    let odd = (0..<300).map { [line(.failed, error: Fault(.provider, code: "code-\($0)", "odd"))] }
    let report = report(same + odd)
    #expect(report.causes.count <= 201 && report.causes.reduce(0) { $0 + $1.count } == 305)
    #expect(report.causes.contains { $0.code == "gone" && $0.count == 5 && $0.name == "m0" })
  }

  @Test func theFunnelSaysHowFarRecipientsGot() {
    var sent = line(.done, [("a", .accepted), ("b", .accepted), ("c", .accepted), ("d", .rejected)])
    sent.calls = ["k"]
    let news = [("a", ReceiptState.delivered), ("b", .undelivered), ("a", .undelivered)].map { to, state in
      HistoryEntry.receipt(
        ReceiptLine(
          at: sent.at + 60, channel: "c",
          results: [.init(to: to, state: state, code: "30003", reason: "off", call: "k")]))
    }
    var report = Report(since: since, until: until)
    report.take([.line(sent)] + news, name: "m")
    report.take([.line(line(.done, [("e", .accepted)]))], name: "n")
    let funnel = report.channels[0].funnel
    #expect(funnel.dropped == 5 && funnel.accepted == 4 && funnel.delivered == 1 && funnel.undelivered == 1)
    #expect(funnel.unknown == 2 && funnel.noReceipt == 0 && funnel.hasReceipts)
    #expect(report.undeliveries.map(\.code) == ["30003"] && report.undeliveries[0].count == 1)
    #expect(report.undeliveries[0].name == "m" && report.undeliveries[0].reason == "off")
  }

  @Test func thoseInDoubtAreNamedAndBounded() {
    let report = report((0..<150).map { _ in [line(.unconfirmed, [("a", .unconfirmed), ("b", .accepted)])] })
    #expect(report.doubtfulCount == 150 && report.doubtful.count == Report.mostDoubtful)
    #expect(report.channels[0].doubtful == 150 && report.channels[0].ended == 300)
  }

  @Test func quantilesAreRightToAFewPercent() throws {
    var latency = Latency()
    for milliseconds in 1...1000 { latency.add(Double(milliseconds) / 1000) }
    let (half, most) = (try #require(latency.quantile(0.5)), try #require(latency.quantile(0.99)))
    #expect(abs(half - 0.5) < 0.03 && abs(most - 0.99) < 0.05)
    #expect(Latency().quantile(0.5) == nil)
    var odd = Latency()
    for seconds in [-5.0, 0, .infinity, 1e300] { odd.add(seconds) }
    #expect(odd.count == 4 && odd.quantile(0.5) != nil)
  }
}
