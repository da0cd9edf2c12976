import Core
import FoundationEssentials
import Glibc
import Spooling
import Sweeping

enum SweepCommand: Command {
  static let logOptions: [Guide.Option] = [
    .init(
      "--log", "FORMAT", "text, or json: a line on stderr per call and per settled message",
      .oneOf(["text", "json"])),
    .init("--log-addresses", nil, "with --log json: recipients' addresses too"),
  ]

  static let guide = Guide(
    name: "sweep", summary: "one pass over what is due, then exit",
    options: [
      .init("--channel", "C", "only messages of this channel", .channels),
      .init("--limit", "N", "at most so many messages"),
      .init("--dry-run", nil, "say which calls would be made; touch nothing"),
      .init("--strict", nil, "exit with 1 when a message failed"),
    ] + logOptions,
    details: """
      Claims every message that is due, sends them in the fullest calls their
      providers allow, and moves each file to done/, deferred/ or failed/. Several
      sweeps at once are safe. Run it from cron or a systemd timer.
      """,
    examples: [
      ("msgspool sweep", "what cron runs every minute"),
      ("msgspool sweep --dry-run", "which calls would be made now?"),
      ("msgspool sweep --channel otp --limit 100 --json", "a part, with counts for a program"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let isDry = arguments.has("--dry-run")
    let spool = try Surroundings.spool(arguments, for: isDry ? .look : .work)
    try Surroundings.requireAll(spool)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    var selection = Selection()
    selection.limit = try arguments.integer("--limit", in: 1...1_000_000_000)
    if let name = arguments["--channel"] {
      guard configuration.channels[name] != nil else {
        throw .usage("there is no channel \"\(name)\"", known: Array(configuration.channels.keys), found: name)
      }
      selection.channel = name
    }
    if isDry {
      return try DryRunReport.run(spool, configuration, selection, asJSON: arguments.has("--json"))
    }
    return try sweep(spool, configuration, selection, arguments)
  }

  private static func sweep(
    _ spool: Spool, _ configuration: Configuration, _ selection: Selection, _ arguments: Arguments
  ) throws(Failure) -> ExitStatus {
    let reporter = try SweepReporter(arguments)
    let runner = SweepRunner(spool, try Surroundings.ledger(spool), reporter)
    Signals.handle([SIGTERM, SIGINT, SIGHUP]) { _ in runner.stop() }
    if Console.showsProgress { reporter.expect(count(spool)) }
    defer { runner.shutdown() }
    let end = runner.run(configuration, selection)
    let summary = end.summary
    Console.clearProgress()
    reporter.flushCauses()
    if arguments.has("--json") {
      Console.output(summary.json)
    } else if !Console.isQuiet {
      Console.output(summary.text + "\n")
    }
    if let trouble = end.trouble { throw trouble }
    let hasFailed = summary.failed + summary.unconfirmed + summary.invalid > 0
    return arguments.has("--strict") && hasFailed ? .failed : .ok
  }

  /// For the progress line's time left.
  private static func count(_ spool: Spool) -> Int {
    guard var listing = try? spool.list(.new) else { return 0 }
    var count = 0
    while let entry = try? listing.next() {
      if entry.kind == .file { count += 1 }
    }
    return count
  }
}
