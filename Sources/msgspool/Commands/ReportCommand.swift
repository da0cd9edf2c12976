import Core
import FoundationEssentials
import Inspecting
import Ledger
import Spooling

enum ReportCommand: Command {
  static let guide = Guide(
    name: "report", summary: "what was sent and what became of it",
    options: [
      .init("--since", "T", "from so long ago, or this time on (default 7d)"),
      .init("--html", "FILE", "one self-contained page with plots, written aside and renamed"),
    ],
    details: """
      From the history in each file and from the ledger; sweeps may run meanwhile. What
      prune has removed is not in it. Latency counts from when a message was first seen
      to when its provider accepted it. Where there are receipts, it says how many of
      those who were accepted it reached, and why not the others.
      """,
    examples: [
      ("msgspool report", "the last seven days, on the terminal"),
      ("msgspool report --since 24h --html /srv/www/msgspool.html", "a page, from cron"),
      ("msgspool report --since 30d --json", "everything, for a program"),
    ])

  /// Calls that are named as the slowest.
  private static let slowest = 10

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let now = Surroundings.now()
    let since = try Surroundings.time("--since", arguments) ?? now - 7 * 86_400
    guard since < now else { throw Failure(.usage, "--since lies ahead", hint: "msgspool report --since 24h") }
    let spool = try Surroundings.spool(arguments, for: .look)
    try Surroundings.requireAll(spool)
    let reader = ReportReader(spool) { files in
      Console.progress(phrase("{1} messages read", String(files)))
    }
    let report: Report
    do throws(SystemFault) {
      report = try reader.read(since: since, until: now)
    } catch {
      throw Failure(error)
    }
    Console.clearProgress()
    let sheet = try sheet(report, spool, Surroundings.configurationIfUsable(arguments, spool: spool))
    if let path = arguments["--html"] {
      do throws(SystemFault) {
        try OutputFile.write(Array(ReportPage(sheet).text.utf8), to: path)
      } catch {
        throw Failure(error)
      }
      Console.note(path + phrase(": ") + counted(report.messages, "message"))
    }
    if arguments.has("--json") {
      Console.output(sheet.json)
    } else if arguments["--html"] == nil {
      Console.output(ReportText(sheet).text)
    }
    return .ok
  }

  private static func sheet(
    _ report: Report, _ spool: Spool, _ configuration: Configuration?
  ) throws(Failure) -> ReportSheet {
    var sheet = ReportSheet(report: report, spool: spool.path)
    sheet.awaited = Set(configuration?.channels.values.filter { $0.receipts != .off }.map(\.name) ?? [])
    guard let ledger = Surroundings.ledgerToLookAt(spool) else { return sheet }
    do throws(LedgerFault) {
      sheet.slowest = try ledger.slowest(slowest, since: report.since)
      if let ledger = ledger as? any ReceiptLedger { sheet.sums = try ledger.sums(since: report.since) }
      for channel in configuration?.channels.values ?? [:].values where channel.price > .zero {
        let first = LocalTime.day(of: report.since, in: channel.zone)
        let last = LocalTime.day(of: report.until, in: channel.zone)
        sheet.spent[channel.name] = Money(micros: try ledger.spent(channel.name, from: first, through: last))
      }
    } catch {
      Console.warn(Surroundings.ledgerPath(spool), "cannot be read: \(error.message)", hint: "see: msgspool check")
    }
    return sheet
  }
}
