import Core
import FoundationEssentials
import Inspecting
import Ledger
import Spooling
import Sweeping

enum CheckCommand: Command {
  static let guide = Guide(
    name: "check", summary: "is everything in order? sends nothing",
    options: [.init("--repair", nil, "mend what can be mended, and say what was done")],
    details: """
      Reads the configuration and its secrets, permissions, every message that
      waits, and whether folders, history and ledger agree. Sweeps may run meanwhile.
      Exit status: 0 all is well (or was mended; notes don't count), 1 something
      was found, 78 the configuration can't be used.
      """,
    examples: [
      ("msgspool check", "after a change, or when something is odd"),
      ("msgspool check --repair", "settle what a crash or a careless hand left"),
      ("msgspool check --json | jq -r 'select(.severity == \"error\").subject'", "for a script"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let isRepair = arguments.has("--repair")
    let found = try Surroundings.spool(arguments, for: .look)
    try Surroundings.requireAll(found)
    let spool = isRepair && !found.lacking.isEmpty ? try complete(found) : found
    // Held to the end of the command.
    let lock = isRepair ? try Surroundings.operatorLock(spool) : nil
    defer { withExtendedLifetime(lock != nil) {} }
    let report = CheckReport(asJSON: arguments.has("--json"))
    for folder in found.lacking {
      report.tell(
        Complaint(
          .error, .oddities, found.path(folder), "is missing, as in a copy that left out empty folders",
          hint: "check --repair makes it, and so does a sweep", action: spool.has(folder) ? "made" : nil))
    }
    var configuration: Configuration?
    var refusal: Failure?
    do throws(Failure) {
      configuration = try Surroundings.configuration(arguments, spool: spool)
    } catch {
      refusal = error
      report.tell(Complaint(.error, .configuration, "configuration", error.message, hint: error.hint))
    }
    inspectConfiguration(arguments, spool, configuration, report)
    let ledger = isRepair ? openLedger(spool, report) : lookAtLedger(spool, report)
    if let ledger { inspectSuspensions(ledger, configuration, report) }
    let repair = isRepair ? ledger.map(repair) : nil
    var inspection = Inspection(
      spool, configuration, ledger, repair: repair, now: Surroundings.now, tell: { report.tell($0) })
    do throws(SweepTrouble) {
      try inspection.run()
    } catch {
      report.conclude()
      throw Failure(error)
    }
    report.conclude()
    if refusal != nil { return .configuration }
    return report.isWell ? .ok : .failed
  }

  private static func complete(_ spool: Spool) throws(Failure) -> Spool {
    do throws(SystemFault) { try Spool.make(spool.path) } catch { throw Failure(error) }
    do throws(SpoolFault) { return try Spool(spool.path) } catch {
      throw Failure(.cannotWrite, error.message, hint: error.hint)
    }
  }

  private static func repair(_ ledger: any LedgerAudit) -> Inspection.Repair {
    Inspection.Repair(ledger: ledger, random: { Double.random(in: 0..<1) }, nonce: Surroundings.nonce)
  }

  // MARK: Configuration

  /// What reading the configuration does not tell.
  private static func inspectConfiguration(
    _ arguments: Arguments, _ spool: Spool, _ configuration: Configuration?, _ report: CheckReport
  ) {
    if let path = Surroundings.configurationPath(arguments, spool: spool.path) {
      if HostPath.isWritableByAnybody(path), path != "\(spool.path)/\(SpoolLayout.configuration)" {
        report.tell(
          Complaint(.error, .permissions, path, "anybody may write to it", hint: "chmod o-w \(path.shellWord)"))
      }
    }
    guard let configuration else { return }
    if configuration.channels.isEmpty {
      report.tell(
        Complaint(
          .note, .configuration, "channels", "the configuration names none yet",
          hint: "its comments show one of each kind; msgspool providers lists them"))
    }
    if let port = configuration.sandboxPort {
      report.tell(
        Complaint(
          .note, .configuration, "sandbox",
          "channels whose endpoint is at port \(port) reach a stand-in, and nobody else",
          hint: "for real life take sandbox and endpoint out, and put the account's own values in"))
    }
    for path in configuration.attachmentDirectories {
      guard HostPath.isReadableFolder(path) else {
        report.tell(
          Complaint(
            .warning, .configuration, "attachment_directories", "\(path) is no folder that this user may read",
            hint: "make it, or take it out of the configuration"))
        continue
      }
    }
    for row in LoginRow.rows(configuration, spool) where row.state != "ok" {
      report.tell(
        Complaint(
          .error, .configuration, "channels.\(row.channel)", "not logged in: \(row.reason ?? row.state)", hint: row.hint
        ))
    }
    for channel in configuration.channels.values.sorted(by: { $0.name < $1.name }) {
      let isCalled = channel.receipts == .drop || channel.receipts == .both
      guard isCalled, let setting = channel.receipting?.missingForCallbacks else { continue }
      report.tell(
        Complaint(
          .warning, .configuration, "channels.\(channel.name).\(setting)",
          "is missing: without it no callback can be told from a forged one, and none counts",
          hint: "set it, or ask the service instead: receipts: \"pull\""))
    }
    for channel in configuration.channels.values.sorted(by: { $0.name < $1.name }) {
      guard let path = channel.caFile, !HostPath.isReadable(path) else { continue }
      report.tell(
        Complaint(
          .error, .configuration, "channels.\(channel.name).ca_file", "\(path) cannot be read",
          hint: "every call of the channel would fail"))
    }
  }

  // MARK: Ledger

  private static func lookAtLedger(_ spool: Spool, _ report: CheckReport) -> (any LedgerAudit)? {
    Inspection.inspectLedgerOwner(of: spool, isRepair: false) { report.tell($0) }
    inspectOrphans(spool, report, isRepair: false)
    do throws(LedgerFault) {
      if let ledger = try Surroundings.ledgerHome(spool).look() { return ledger }
      report.tell(
        Complaint(.note, .ledger, SpoolLayout.ledger, "there is none yet", hint: "the first sweep makes it"))
    } catch {
      report.tell(complaint(error))
    }
    return nil
  }

  private static func complaint(_ fault: LedgerFault) -> Complaint {
    switch fault.age {
    case .older, .unmade:
      Complaint(.note, .ledger, SpoolLayout.ledger, fault.message, hint: "so does: msgspool check --repair")
    case .newer, nil: Complaint(.error, .ledger, SpoolLayout.ledger, fault.message, hint: Failure(fault).hint)
    }
  }

  /// What opening it did beside.
  private static func tellMade(_ was: LedgerFault.Age?, _ report: CheckReport) {
    let (problem, action) =
      switch was {
      case .older: ("is an older msgspool's", "brought up to date")
      case .unmade: ("there is none yet", "a new one begins")
      case .newer, nil: ("", "")
      }
    if !action.isEmpty { report.tell(Complaint(.note, .ledger, SpoolLayout.ledger, problem, action: action)) }
  }

  private static func openLedger(_ spool: Spool, _ report: CheckReport) -> (any LedgerAudit)? {
    Inspection.inspectLedgerOwner(of: spool, isRepair: true) { report.tell($0) }
    inspectOrphans(spool, report, isRepair: true)
    let home = Surroundings.ledgerHome(spool)
    let sweeps = (try? spool.places(.cur))?.compactMap(\.sweep) ?? []
    // A damaged one can't be taken away from under a sweep.
    if sweeps.contains(where: { spool.isAlive(sweep: $0) }) { return lookWhileSweeping(home, report) }
    do throws(LedgerFault) {
      let now = Surroundings.now()
      let opened = try home.open(now: now, generation: String(Surroundings.nonce().prefix(6)))
      if let aside = opened.aside {
        report.tell(
          Complaint(
            .error, .ledger, SpoolLayout.ledger, "is damaged", hint: "messages in doubt become unconfirmed",
            action: "set aside as \(aside); a new one begins"))
      } else {
        tellMade(opened.was, report)
      }
      return opened.ledger
    } catch {
      report.tell(complaint(error))
      return nil
    }
  }

  private static func lookWhileSweeping(_ home: any LedgerHome, _ report: CheckReport) -> (any LedgerAudit)? {
    do throws(LedgerFault) {
      return try home.join(now: Surroundings.now(), generation: String(Surroundings.nonce().prefix(6)))
    } catch {
      report.tell(
        Complaint(
          .error, .ledger, SpoolLayout.ledger, error.message, hint: "stop the sweeps, then: msgspool check --repair"))
      return nil
    }
  }

  /// Channels that send nothing. Those that the configuration no longer has are the inspection's.
  private static func inspectSuspensions(
    _ ledger: any LedgerAudit, _ configuration: Configuration?, _ report: CheckReport
  ) {
    guard let suspensions = try? ledger.suspensions() else { return }
    // Of a login that is missing or over more is told already.
    for suspension in suspensions where configuration?.channels[suspension.channel] != nil && !suspension.isOfLogin {
      let now = Surroundings.now()
      let since =
        "since \(RFC3339.string(suspension.since)) (\(TimeSpan.text(now.timeIntervalSince(suspension.since))))"
      let next =
        switch suspension.until {
        case Date.distantFuture?: "it is tried again when the configuration has changed"
        case let until? where until > now: "it is not tried before \(RFC3339.string(until))"
        default: "the next sweep tries with one call"
        }
      report.tell(
        Complaint(
          .warning, .configuration, "channels.\(suspension.channel)",
          "is suspended \(since), \(suspension.kind.rawValue): \(suspension.reason)",
          hint: "what waits for it is in new/; mend the cause, and \(next)"))
    }
  }

  /// A write-ahead log without its database would be replayed into the next one of that name.
  private static func inspectOrphans(_ spool: Spool, _ report: CheckReport, isRepair: Bool) {
    let wal = "\(SpoolLayout.ledger)-wal"
    guard spool.facts(of: SpoolLayout.ledger) == nil, spool.facts(of: wal) != nil else { return }
    var complaint = Complaint(
      .error, .ledger, wal, "the ledger it belongs to is gone", hint: "check --repair sets it aside")
    if isRepair, let aside = try? Surroundings.ledgerHome(spool).setAside(now: Surroundings.now()) {
      complaint.action = "set aside as \(aside)-wal"
    }
    report.tell(complaint)
  }
}
