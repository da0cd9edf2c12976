import Core
import FoundationEssentials
import Glibc
import Spooling
import Sweeping
import Synchronization
import Threading
import Transports

/// What a sweep tells, as text, progress line or JSON log. Nothing here waits for whoever reads it.
final class SweepReporter: Sendable {
  private enum LogFormat: String, CaseIterable { case text, json }

  private let logsJSON: Bool
  private let logsAddresses: Bool
  /// Each call and message that did not go well has a line of its own.
  private let followsTrouble: Bool
  /// `watch` has no end at which everything could be summed up.
  private let isEndless: Bool
  private let spoolPath: String
  /// How this spool is named in a command that is recommended.
  private let spoolOption: String
  private let estimate = Mutex(Estimate())
  private let causes = Mutex((book: CauseBook(), hasThread: false))
  /// `watch` says each thing once, not at every pass.
  private let said = Mutex<Set<Notice>>([])

  init(_ arguments: Arguments) throws(Failure) {
    logsJSON = try arguments.choice("--log", LogFormat.allCases) == .json
    logsAddresses = arguments.has("--log-addresses")
    isEndless = arguments.command == "watch"
    followsTrouble = !arguments.has("--quiet") && (isEndless || arguments.has("--log"))
    spoolPath = Surroundings.spoolPath(arguments)
    spoolOption = arguments["--spool"].map { " --spool \($0.shellWord)" } ?? ""
    Console.logsJSON = logsJSON
    Console.atEnd { [self] in flushCauses() }
  }

  /// How many messages waited when the sweep began.
  func expect(_ count: Int) { estimate.withLock { $0.total = count } }
  func forgetNotices() { said.withLock { $0.removeAll() } }

  func observe(_ event: SweepEvent) {
    switch event {
    case .notice(let notice): tell(notice)
    case .call(let report): if logsJSON { log(report) } else { detail(report) }
    case .settled(let message):
      if logsJSON { return log(message) }
      detail(message.name, message.line)
      note(message.name, message.line)
    case .progress(let summary): progress(summary)
    case .replaced: break
    }
  }

  // MARK: Causes

  private func note(_ name: String, _ line: HistoryLine) {
    if line.state == .done { return }
    causes.withLock { causes in
      causes.book.note(name, line, at: SweepReporter.now) { isFirstDeferral(name, line) }
      // A sweep sums up when it ends.
      guard isEndless, causes.book.due != nil, !causes.hasThread else { return }
      causes.hasThread = startQuietThread { [self] in tellInTime() } != nil
    }
  }

  /// Says what is due; called by a thread of the reporter's own while something waits to be said.
  /// - Returns: seconds until there is more; nil when nothing waits.
  func tick(now: Double = SweepReporter.now) -> Double? {
    say(all: false, now: now)
    return causes.withLock { causes in
      let due = causes.book.due
      if due == nil { causes.hasThread = false }
      return due.map { max(0, $0 - now) }
    }
  }

  /// Says everything that waits: at the end, which `Console` knows.
  func flushCauses() { say(all: true, now: SweepReporter.now) }

  private func say(all: Bool, now: Double) {
    let lines = causes.withLock { $0.book.lines(at: now, all: all) { "msgspool \($0)\(spoolOption)" } }
    for (state, text) in lines { Console.say(text, SweepReporter.priority(state)) }
  }

  private func tellInTime() {
    while let seconds = tick() { usleep(useconds_t(min(seconds, 60) * 1e6) + 1000) }
  }

  private static func priority(_ state: MessageState) -> Console.Priority {
    switch state {
    case .done, .duplicate: .info
    case .deferred: .warning
    case .failed, .invalid, .expired, .unconfirmed: .error
    }
  }

  private static var now: Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  /// Whether its file, settled a moment ago, tells of no deferral before this one. A try that never got to the provider
  /// uses up no attempt, so the line alone does not tell.
  private func isFirstDeferral(_ name: String, _ line: HistoryLine) -> Bool {
    guard line.attempt <= 1 else { return false }
    let earlier =
      (try? TailReader.lines(of: FileName(display: name), in: "\(spoolPath)/\(Folder.deferred.rawValue)")) ?? []
    return !earlier.dropLast().reversed().prefix { !$0.state.isFinal }.contains { !$0.isPatience }
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
    let refused = report.outcomes.first { $0.state != .accepted }
    let isTrouble = report.failure != nil || refused != nil
    guard Console.isVerbose || followsTrouble && isTrouble else { return }
    let what = report.failure?.code ?? report.status.map(String.init) ?? "-"
    let reason = report.failure?.message ?? refused.flatMap { $0.reason ?? $0.code }
    Console.say(
      "\(report.channel): call \(report.id) for \(Columns.count(report.recipients.count, "recipient")): \(what), "
        + "\(counts(report.outcomes)), \(Int(report.seconds * 1000)) ms"
        + (reason.map { " (\(Columns.cut($0, 300)))" } ?? ""),
      isTrouble ? .warning : .debug)
  }

  private func detail(_ name: String, _ line: HistoryLine) {
    let isDone = line.state == .done || line.state == .duplicate
    guard Console.isVerbose || followsTrouble && !isDone else { return }
    let due = line.due.map { "; due \(RFC3339.string($0))" } ?? ""
    Console.say(
      "\(name): \(line.state.rawValue)\(line.error.map { " (\(Columns.cut($0.words, 300)))" } ?? "")\(due)",
      isDone ? .debug : line.isPatience ? .info : SweepReporter.priority(line.state))
  }

  private func counts(_ outcomes: [Outcome]) -> String {
    RecipientState.allCases.compactMap { state in
      let count = outcomes.count { $0.state == state }
      return count > 0 ? "\(count) \(state.rawValue)" : nil
    }.joined(separator: ", ")
  }

  private func progress(_ summary: SweepSummary) {
    guard Console.showsProgress, summary.seconds > 0.3 else { return }
    let settled = summary.done + summary.deferred + summary.failed + summary.unconfirmed + summary.invalid
    let (total, rate, left) = estimate.withLock { estimate in
      let rate = estimate.rate(settled, at: summary.seconds)
      return (estimate.total, rate, estimate.left(settled))
    }
    let messages = counted(max(total, settled), "message", isGrouped: true)
    var parts = [total > settled ? phrase("{1} of {2}", Columns.grouped(settled), messages) : messages]
    // What a narrow terminal cuts off comes last.
    if let left { parts.append(phrase("another {1}", TimeSpan.text(left))) }
    parts.append(counted(summary.calls, "call", isGrouped: true))
    let pace = rate < 10 ? String((rate * 10).rounded() / 10) : Columns.grouped(Int(rate))
    parts.append(phrase("{1} messages/s", pace))
    Console.progress(parts.joined(separator: phrase(", ")))
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

  private func log(_ message: SettledMessage) {
    let line = message.line
    var members: [(String, JSON)] = [
      ("event", .string("settled")), ("sweep", line.sweep.map(JSON.string) ?? .null), ("name", .string(message.name)),
      ("state", .string(line.state.rawValue)), ("channel", line.channel.map(JSON.string) ?? .null),
      ("provider", line.provider.map(JSON.string) ?? .null), ("recipients", .integer(line.results.count)),
      ("calls", .strings(line.calls)),
    ]
    // As its producer knows it.
    if let former = message.formerName { members.append(("was", .string(former))) }
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
    Console.error(JSON.object([at] + members.map { JSON.Member($0.0, $0.1) }).text + "\n", .info)
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
    if claimed == 0, left == 0 { return phrase("nothing was due") }
    var parts = [
      (done, phrase("{1} done", String(done))), (deferred, phrase("{1} deferred", String(deferred))),
      (failed, phrase("{1} failed", String(failed))), (unconfirmed, phrase("{1} unconfirmed", String(unconfirmed))),
      (invalid, phrase("{1} invalid", String(invalid))), (left, phrase("{1} left", String(left))),
    ]
    .filter { $0.0 > 0 }.map(\.1)
    if parts.isEmpty { parts = [phrase("nothing settled")] }
    let time = seconds < 10 ? "\((seconds * 100).rounded() / 100) s" : TimeSpan.text(seconds)
    return phrase(
      "{1}: {2}; {3} for {4} in {5}", counted(claimed, "message"), parts.joined(separator: phrase(", ")),
      counted(calls, "call"), counted(recipients, "recipient"), time)
  }
}
