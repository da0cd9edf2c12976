import Core
import FoundationEssentials
import Sweeping
import Synchronization

/// What a sweep tells, as text, progress line or JSON log.
final class SweepReporter: Sendable {
  private let logsJSON: Bool
  private let logsAddresses: Bool
  /// Messages waiting when the sweep began, for the time left; 0 is not known.
  private let total = Mutex(0)
  /// `watch` says each thing once, not at every pass.
  private let said = Mutex<Set<Notice>>([])

  init(_ arguments: Arguments) throws(Failure) {
    switch arguments["--log"] {
    case nil, "text": logsJSON = false
    case "json": logsJSON = true
    case let other?: throw Failure(.usage, "--log: found \"\(other)\"; expected text or json")
    }
    logsAddresses = arguments.has("--log-addresses")
  }

  func expect(_ count: Int) { total.withLock { $0 = count } }
  func forgetNotices() { said.withLock { $0.removeAll() } }

  func observe(_ event: SweepEvent) {
    switch event {
    case .notice(let notice): tell(notice)
    case .call(let report): if logsJSON { log(report) } else { detail(report) }
    case .settled(let name, let line): if logsJSON { log(name, line) } else { detail(name, line) }
    case .progress(let summary): progress(summary)
    }
  }

  private func tell(_ notice: Notice) {
    let isNew = said.withLock { said in
      if said.count > 10_000 { said.removeAll() }
      return said.insert(notice).inserted
    }
    guard isNew else { return }
    if logsJSON {
      log([("event", .string("notice")), ("subject", .string(notice.subject)), ("message", .string(notice.message))])
    } else {
      Console.warn(notice.subject, notice.message + (notice.said.map { " (\($0))" } ?? ""), hint: notice.hint)
    }
  }

  // MARK: Text

  private func detail(_ report: CallReport) {
    guard Console.isVerbose else { return }
    let what = report.failure?.code ?? report.status.map(String.init) ?? "-"
    let milliseconds = Int(report.seconds * 1000)
    Console.detail(
      "\(report.channel): call \(report.id) for \(report.recipients.count) recipients: \(what), \(counts(report.outcomes)), \(milliseconds) ms"
    )
  }

  private func detail(_ name: String, _ line: HistoryLine) {
    guard Console.isVerbose else { return }
    Console.detail("\(name): \(line.state.rawValue)\(line.error.map { " (\($0.message))" } ?? "")")
  }

  private func counts(_ outcomes: [Outcome]) -> String {
    RecipientState.allCases.compactMap { state in
      let count = outcomes.count { $0.state == state }
      return count > 0 ? "\(count) \(state.rawValue)" : nil
    }.joined(separator: ", ")
  }

  private func progress(_ summary: SweepSummary) {
    guard Console.errorIsTerminal, summary.seconds > 0.3 else { return }
    let settled = summary.done + summary.deferred + summary.failed + summary.unconfirmed + summary.invalid
    let rate = Double(settled) / summary.seconds
    var text = "\(grouped(settled))"
    let total = total.withLock { $0 }
    if total > settled { text += " of \(grouped(total))" }
    text += " messages, \(grouped(summary.calls)) calls, \(grouped(Int(rate))) messages/s"
    if total > settled, rate > 0 { text += ", \(TimeSpan.text(Double(total - settled) / rate)) left" }
    Console.progress(Columns.fit(text, 79))
  }

  /// 12,345
  private func grouped(_ number: Int) -> String {
    var digits = String(number)
    var position = digits.count - 3
    while position > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
      position -= 3
    }
    return digits
  }

  // MARK: Log lines (contract, section 8)

  private func log(_ report: CallReport) {
    var members: [(String, JSON)] = [
      ("event", .string("call")), ("sweep", .string(sweep(of: report.id))), ("call", .string(report.id)),
      ("channel", .string(report.channel)), ("provider", .string(report.provider)),
      ("recipients", .integer(report.recipients.count)), ("messages", .integer(report.messages)),
      ("http", report.status.map(JSON.integer) ?? .null),
      ("seconds", .number(String((report.seconds * 1000).rounded() / 1000))),
    ]
    for state in RecipientState.allCases {
      let count = report.outcomes.count { $0.state == state }
      if count > 0 { members.append((state.rawValue, .integer(count))) }
    }
    if let failure = report.failure {
      members.append(("error", .string("\(failure.code): \(failure.message)")))
    } else if let refusal = report.outcomes.first(where: { $0.state != .accepted }) {
      members.append(("error", .string(SweepReporter.safe(refusal.kind ?? .provider, refusal.code))))
    }
    if logsAddresses { members.append(("addresses", .strings(report.recipients))) }
    log(members)
  }

  private func log(_ name: String, _ line: HistoryLine) {
    var members: [(String, JSON)] = [
      ("event", .string("settled")), ("sweep", line.sweep.map(JSON.string) ?? .null), ("name", .string(name)),
      ("state", .string(line.state.rawValue)), ("channel", line.channel.map(JSON.string) ?? .null),
      ("provider", line.provider.map(JSON.string) ?? .null), ("recipients", .integer(line.results.count)),
      ("calls", .strings(line.calls)),
    ]
    if let error = line.error {
      members.append(("error", .string(SweepReporter.safe(error.kind, error.code))))
    }
    if let due = line.due { members.append(("due", .string(RFC3339.string(due)))) }
    log(members)
  }

  /// Kind and code only: a provider's text may repeat an address.
  private static func safe(_ kind: ErrorKind, _ code: String?) -> String {
    [kind.rawValue, code].compactMap { $0 }.joined(separator: " ")
  }

  private func sweep(of call: String) -> String {
    call.lastIndex(of: "-").map { String(call[..<$0]) } ?? call
  }

  private func log(_ members: [(String, JSON)]) {
    let at = JSON.Member("at", .string(RFC3339.string(Surroundings.now())))
    Console.error(JSON.object([at] + members.map { JSON.Member($0.0, $0.1) }).text + "\n")
  }
}

extension SweepSummary {
  /// As `sweep --json` ends with.
  var json: JSON {
    .object([
      .init("claimed", .integer(claimed)), .init("done", .integer(done)), .init("deferred", .integer(deferred)),
      .init("failed", .integer(failed)), .init("unconfirmed", .integer(unconfirmed)),
      .init("invalid", .integer(invalid)),
      .init("left", .integer(left)), .init("calls", .integer(calls)), .init("recipients", .integer(recipients)),
      .init("seconds", .number(String((seconds * 1000).rounded() / 1000))),
    ])
  }

  /// For people.
  var text: String {
    if claimed == 0, left == 0 { return "nothing was due" }
    var parts = [
      (done, "done"), (deferred, "deferred"), (failed, "failed"), (unconfirmed, "unconfirmed"), (invalid, "invalid"),
      (left, "left"),
    ]
    .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    if parts.isEmpty { parts = ["nothing settled"] }
    let time = seconds < 10 ? "\((seconds * 100).rounded() / 100) s" : TimeSpan.text(seconds)
    return "\(Columns.count(claimed, "message")): \(parts.joined(separator: ", ")); "
      + "\(Columns.count(calls, "call")) for \(Columns.count(recipients, "recipient")) in \(time)"
  }
}
