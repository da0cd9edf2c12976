import Core
import FoundationEssentials
import Ledger
import Spooling

enum PruneCommand: Command {
  static let guide = Guide(
    name: "prune", summary: "remove old done (and failed) messages, and their ledger rows",
    options: [
      .init("--older-than", "T", "settled longer ago than 7d, 12h, ..., or before an RFC 3339 time (required)"),
      .init("--failed", nil, "old messages in failed/ too, unconfirmed ones included"),
      .init("--inbox", nil, "old messages in inbox/ that nobody took too, and received files"),
      .init("--dry-run", nil, "count; remove nothing"),
    ],
    details: """
      Also removes what producers forgot in tmp/ for 36 hours. new/, cur/ and
      deferred/ are never touched. Of the ledger, ids stay as long as they are
      remembered against duplicates (deduplicate_for), and calls for two days.
      """,
    examples: [
      ("msgspool prune --older-than 7d", "every night, from cron"),
      ("msgspool prune --older-than 30d --failed --dry-run", "how much would go?"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    guard let date = try Surroundings.time("--older-than", arguments) else {
      throw Failure(.usage, "msgspool prune needs --older-than", hint: "for example: msgspool prune --older-than 7d")
    }
    let spool = try Surroundings.spool(arguments)
    let isDry = arguments.has("--dry-run")
    // Held to the end of the command.
    let lock = isDry ? nil : try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock != nil) {} }
    // Before anything is removed: beside a newer ledger nothing is.
    let ledger = try ledger(spool, isDry: isDry)
    var pruning = Pruning(spool, isDry: isDry, awaited: ledger.awaited)
    do throws(SystemFault) {
      try pruning.prune(.done, before: date)
      if arguments.has("--failed") { try pruning.prune(.failed, before: date) }
      try pruning.pruneForgotten(now: Surroundings.now())
    } catch {
      throw Failure(error)
    }
    let inbox = arguments.has("--inbox") ? try pruneInbox(spool, before: date, isDry: isDry) : nil
    var rows = 0
    do throws(Failure) {
      if ledger.isThere { rows = try pruneLedger(ledger.toCount, spool, before: date, arguments, isDry: isDry) }
    } catch {
      // What was removed is removed, and made the room that the next time will have.
      report(pruning, rows: 0, inbox, arguments, isDry: isDry)
      throw Failure(error.status, "the ledger's rows stay: \(error.message)", hint: error.hint)
    }
    report(pruning, rows: rows, inbox, arguments, isDry: isDry)
    return .ok
  }

  /// Messages of which a receipt is awaited.
  private static func awaited(_ ledger: (any LedgerAudit)?) throws(Failure) -> Set<String> {
    guard let ledger = ledger as? any ReceiptLedger else { return [] }
    do throws(LedgerFault) { return try ledger.awaitedFiles() } catch { throw Failure(error) }
  }

  private static func pruneInbox(
    _ spool: Spool, before date: Date, isDry: Bool
  ) throws(Failure) -> (messages: Int, files: Int) {
    guard InboxFolder.count(in: spool) != nil else { return (0, 0) }
    do throws(SystemFault) {
      return try InboxFolder(spool).prune(before: date, isDry: isDry)
    } catch {
      throw Failure(error)
    }
  }

  /// Looked at before anything is removed; to write to it, it is opened when there is room again.
  private static func ledger(
    _ spool: Spool, isDry: Bool
  ) throws(Failure) -> (isThere: Bool, awaited: Set<String>, toCount: (any LedgerAudit)?) {
    let ledger = try Surroundings.ledgerOfThisVersion(spool, leavesNoTrace: true)
    return (ledger != nil, try awaited(ledger), isDry ? ledger : nil)
  }

  /// A lost call may still be asked about for a day; its row stays longer than that.
  private static let doubt = 2 * 86400.0

  private static func pruneLedger(
    _ toCount: (any LedgerAudit)?, _ spool: Spool, before date: Date, _ arguments: Arguments, isDry: Bool
  ) throws(Failure) -> Int {
    let now = Surroundings.now()
    var horizon = LedgerHorizon(calls: min(date, now - doubt), ids: .distantPast)
    do throws(Failure) {
      let configuration = try Surroundings.configuration(arguments, spool: spool)
      horizon.ids = min(date, now - configuration.deduplicateFor)
    } catch {
      Console.warn(
        "ledger", "its ids stay: without a usable configuration it is not known how long they are to be remembered",
        hint: error.message)
    }
    do throws(SystemFault) {
      horizon.sweeps = try spool.places(.cur).compactMap(\.sweep)
    } catch {
      throw Failure(error)
    }
    let ledger: any LedgerAudit
    if let toCount { ledger = toCount } else { ledger = try Surroundings.ledger(spool) }
    do throws(LedgerFault) {
      return try ledger.prune(horizon, isDry: isDry)
    } catch {
      throw Failure(error)
    }
  }

  private static func report(
    _ pruning: borrowing Pruning, rows: Int, _ inbox: (messages: Int, files: Int)?, _ arguments: Arguments, isDry: Bool
  ) {
    let (done, failed) = (pruning.removed[.done] ?? 0, pruning.removed[.failed] ?? 0)
    let forgotten = pruning.removed[.tmp] ?? 0
    if arguments.has("--json") {
      let received = inbox.map {
        [JSON.Member("inbox", .integer($0.messages)), .init("inbox_files", .integer($0.files))]
      }
      Console.output(
        .object(
          [
            .init("done", .integer(done)), .init("failed", .integer(failed)),
            .init("unconfirmed", .integer(pruning.unconfirmed)), .init("tmp", .integer(forgotten)),
            .init("ledger_rows", .integer(rows)), .init("bytes", .integer(pruning.bytes)),
            .init("left", .integer(pruning.left)), .init("awaited", .integer(pruning.awaited)),
            .init("dry_run", .boolean(isDry)),
          ] + (received ?? [])))
    } else if !Console.isQuiet {
      var parts = [phrase("{1} done", String(done))]
      if arguments.has("--failed") {
        parts.append(phrase("{1} failed ({2} of them unconfirmed)", String(failed), String(pruning.unconfirmed)))
      }
      if let inbox {
        let messages = counted(inbox.messages, "message")
        parts.append(phrase("{1} and files of {2} in inbox/", messages, String(inbox.files)))
      }
      parts += [phrase("{1} forgotten in tmp/", String(forgotten)), counted(rows, "ledger row")]
      let (all, bytes) = (parts.joined(separator: phrase(", ")), counted(pruning.bytes, "byte"))
      Console.output(
        (isDry
          ? phrase("would remove {1}; {2}; nothing was touched", all, bytes) : phrase("removed {1}; {2}", all, bytes))
          + "\n")
    }
    if pruning.awaited > 0 {
      let messages = counted(pruning.awaited, "message")
      Console.note(phrase("{1} stayed: a receipt is awaited of them (receipt_wait)", messages))
    }
    if pruning.left > 0 {
      let files = counted(pruning.left, "file")
      Console.note(phrase("{1} left alone: a history that is torn or says another folder; msgspool check", files))
    }
  }
}
