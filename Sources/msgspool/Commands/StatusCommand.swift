import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

enum StatusCommand: Command {
  static let guide = Guide(
    name: "status", summary: "how much is where, and what needs attention",
    options: [
      .init("--prometheus", nil, "print metrics for node_exporter's textfile collector"),
      .init("--output", "FILE", "with --prometheus: into a file, written aside and renamed"),
    ],
    details: """
      Looks and changes nothing; sweeps may run meanwhile. An unconfirmed message
      (in failed/) was sent and no answer came: nobody knows whether it arrived.
      Who may read only some of the folders sees those.
      """,
    examples: [
      ("msgspool status", "for people"),
      ("msgspool status --json", "one object for a program"),
      (
        "msgspool status --prometheus --output /var/lib/node_exporter/msgspool.prom",
        "from cron, into node_exporter's textfile directory"
      ),
    ])

  /// What status tells, read once for all three forms.
  private struct State {
    var spool: String
    var census: Census
    var suspensions: [Suspension]
    /// Of channels with a price.
    var spendings: [Spending] = []
    /// Channels that somebody has to log in to.
    var logins: [LoginRow]
    /// Messages in inbox/new; nil where nothing is received.
    var inbox: Int?
    var now: Date
    /// Where recipients stand; nil where nobody asked.
    var receipts: ReceiptStatus?

    /// Nil for a folder that this user may not read.
    func count(_ folder: Folder) -> Int? { census.counts[folder] }

    func has(_ folder: Folder) -> Bool { (count(folder) ?? 0) > 0 }

    /// Of the messages in failed/.
    var unconfirmed: Int? { count(.failed).map { _ in census.unconfirmed } }

    /// Seconds; 0 when nothing waits.
    var oldestNew: Double {
      census.oldestNew.map { max(0, (now.timeIntervalSince($0) * 1000).rounded() / 1000) } ?? 0
    }
  }

  private static let folders: [Folder] = [.new, .cur, .deferred, .done, .failed]

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    if arguments.has("--json"), arguments.has("--prometheus") {
      throw Failure(.usage, "--json and --prometheus exclude each other", hint: "msgspool status --help")
    }
    if arguments["--output"] != nil, !arguments.has("--prometheus") {
      throw Failure(.usage, "--output goes with --prometheus", hint: "msgspool status --help")
    }
    let spool = try Surroundings.spool(arguments, for: .look)
    let configuration = Surroundings.configurationIfUsable(arguments, spool: spool)
    // Opened once, for all that is told of it. Who may not read the folders may not read it either, and is told that.
    let ledger = spool.closed.isEmpty ? Surroundings.ledgerToLookAt(spool) : nil
    var state = try look(spool, configuration, ledger)
    if !arguments.has("--prometheus") { try lookAtReceipts(arguments, spool, configuration, ledger, &state) }
    if !spool.closed.isEmpty {
      Console.warn(
        spool.path, "this user may not read \(Surroundings.names(spool.closed))", hint: Surroundings.remedy(spool))
    }
    Surroundings.tell(closed: state.census.closed, of: spool)
    tellStrays(state.census, spool)
    if state.census.unreadable > 0 {
      Console.warn(
        spool.path(.failed), "\(counted(state.census.unreadable, "file")) cannot be read, and may be unconfirmed",
        hint: "run as the sweeper's user, or see: msgspool check")
    }
    if arguments.has("--prometheus") {
      let metrics = Metrics(spool, ledger, state.census, state.suspensions, state.spendings, now: state.now)
      try publish(metrics.text(), arguments)
    } else if arguments.has("--json") {
      Console.output(json(state))
    } else {
      Console.output(text(state))
    }
    return .ok
  }

  private static func tellStrays(_ census: Census, _ spool: Spool) {
    let places = Folder.allCases.compactMap { folder in
      census.strays[folder].map { phrase("{1} in {2}", String($0), "\(folder.rawValue)/") }
    }
    guard !places.isEmpty else { return }
    Console.warn(
      spool.path, "what is no plain file is left alone: \(places.joined(separator: ", "))", hint: "see: msgspool check")
  }

  private static func look(
    _ spool: Spool, _ configuration: Configuration?, _ ledger: (any LedgerAudit)?
  ) throws(Failure) -> State {
    let census: Census
    do throws(SystemFault) { census = try Census(spool) } catch { throw Failure(error) }
    var suspensions: [Suspension] = []
    var spendings: [Spending] = []
    let now = Surroundings.now()
    if let ledger {
      do throws(LedgerFault) {
        suspensions = try ledger.suspensions()
        spendings = try Spending.all(in: ledger, configuration, now: now)
      } catch {
        Console.warn(Surroundings.ledgerPath(spool), "cannot be read: \(error.message)", hint: "see: msgspool check")
      }
    }
    let logins = configuration.map { LoginRow.rows($0, spool) } ?? []
    let inbox = InboxFolder.count(in: spool)
    return State(
      spool: spool.path, census: census, suspensions: suspensions, spendings: spendings, logins: logins,
      inbox: inbox ?? (logins.isEmpty ? nil : 0), now: now)
  }

  /// Where each recipient stands: for programs, and for people where a channel has receipts, as all messages are read.
  private static func lookAtReceipts(
    _ arguments: Arguments, _ spool: Spool, _ configuration: Configuration?, _ ledger: (any LedgerAudit)?,
    _ state: inout State
  ) throws(Failure) {
    let configuration = configuration ?? Configuration()
    guard arguments.has("--json") || ReceiptStatus.isWanted(configuration) else { return }
    do throws(SystemFault) {
      state.receipts = try ReceiptStatus(spool, configuration, ledger, now: state.now)
    } catch {
      throw Failure(error)
    }
  }

  // MARK: Forms

  private static func json(_ state: State) -> JSON {
    var members = folders.map { JSON.Member($0.rawValue, state.count($0).map(JSON.integer) ?? .null) }
    members.append(.init("unconfirmed", state.unconfirmed.map(JSON.integer) ?? .null))
    members.append(
      .init("oldest_new_seconds", state.count(.new) == nil ? .null : .number(String(state.oldestNew))))
    let suspended = state.suspensions.map { suspension in
      JSON.object([
        .init("channel", .string(suspension.channel)), .init("reason", .string(suspension.reason)),
      ])
    }
    members.append(.init("suspended", .array(suspended)))
    if !state.spendings.isEmpty { members.append(.init("spent", .array(state.spendings.map(\.json)))) }
    if let inbox = state.inbox { members.append(.init("inbox", .integer(inbox))) }
    if !state.logins.isEmpty { members.append(.init("sessions", .array(state.logins.map(\.json)))) }
    return .object(members + (state.receipts?.members ?? []))
  }

  private static func publish(_ text: String, _ arguments: Arguments) throws(Failure) {
    guard let path = arguments["--output"] else { return Console.output(text) }
    do throws(SystemFault) {
      try OutputFile.write(Array(text.utf8), to: path)
    } catch {
      throw Failure(error)
    }
  }

  private static func text(_ state: State) -> String {
    func row(_ name: String, _ number: String) -> String {
      Columns.fit(name, 10) + String(repeating: " ", count: max(0, 10 - number.count)) + number
    }
    var text = Console.styled(state.spool.safeText, .bold) + "\n"
    for folder in folders + (state.has(.hold) ? [.hold] : []) {
      var notes: [(String, Console.Style)] = []
      if folder == .new, state.has(.new) { notes.append((phrase("oldest {1}", TimeSpan.text(state.oldestNew)), .dim)) }
      if folder == .failed, state.census.unconfirmed > 0 {
        notes.append((phrase("{1} unconfirmed", String(state.census.unconfirmed)), .yellow))
      }
      if folder == .hold { notes.append((phrase("set aside; msgspool release"), .dim)) }
      text += row(folder.rawValue, state.count(folder).map { String($0) } ?? "?")
      text += notes.map { "   " + Console.styled($0.0, $0.1) }.joined() + "\n"
    }
    if let inbox = state.inbox { text += row("inbox", String(inbox)) + "\n" }
    if !state.logins.isEmpty { text += "\n\(phrase("logins"))\n" }
    for login in state.logins { text += login.text(at: state.now) }
    if !state.suspensions.isEmpty { text += "\n\(phrase("suspended"))\n" }
    for suspension in state.suspensions {
      let age = TimeSpan.text(state.now.timeIntervalSince(suspension.since))
      text += "  " + Console.styled(suspension.channel.safeText, .red) + "  "
      text += phrase("since {1} ({2})", age, suspension.kind.rawValue) + "\n"
      text += Columns.wrapped(Phrases.error(suspension.reason).safeText, indent: 4)
      if let until = suspension.until {
        let end =
          suspension.isOfLogin
          ? phrase("somebody has logged in")
          : until == .distantFuture ? phrase("the configuration has changed") : RFC3339.string(until)
        text += Columns.wrapped(phrase("not tried before {1}", end), indent: 4)
      }
    }
    if !state.spendings.isEmpty { text += "\n\(phrase("spent"))\n" + state.spendings.map(\.text).joined() }
    return text + (state.receipts?.text ?? "") + next(state)
  }

  /// What a person would do now: why, and the commands for it.
  private static func next(_ state: State) -> String {
    var advice: [(why: String, commands: [String])] = []
    if state.census.unconfirmed > 0 {
      advice.append(
        (
          phrase("Unconfirmed: nobody knows whether they arrived. Find out, and send again what did not."),
          ["msgspool list failed", "msgspool show NAME", "msgspool retry NAME --state unconfirmed"]
        ))
    }
    let lost = state.logins.filter { $0.state != "ok" }
    if !lost.isEmpty {
      advice.append(
        (
          phrase("Not logged in: what waits for these channels is sent after a login."),
          lost.map { "msgspool login \($0.channel.safeText)" }
        ))
    }
    if state.suspensions.contains(where: { !$0.isOfLogin }) {
      advice.append(
        (
          phrase(
            "Suspended: mend the credentials or the balance. What waits is in new/, and the next sweep tries with one call."
          ),
          ["msgspool check", "msgspool sweep"]
        ))
    }
    if let failed = state.count(.failed), failed > state.census.unconfirmed {
      advice.append(
        (
          phrase("Failed: when the cause is mended, send them again."),
          ["msgspool list failed", "msgspool retry --all"]
        ))
    }
    return advice.map { item in
      "\n" + Columns.wrapped(item.why, indent: 0) + item.commands.map { "  \($0)\n" }.joined()
    }.joined()
  }
}
