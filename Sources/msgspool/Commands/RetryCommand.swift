import Core
import FoundationEssentials
import Spooling

enum RetryCommand: Command {
  static let guide = Guide(
    name: "retry", summary: "failed/ back to new/, for the next sweep", operands: "[NAME]...",
    operandCount: 0...Int.max, operandWords: .messages([.failed]),
    options: [
      .init("--all", nil, "everything in failed/ (but unconfirmed ones)"),
      .init("--channel", "C", "only messages of this channel", .channels),
      .init("--provider", "P", "only those that failed at this provider", .providers),
      .init(
        "--kind", "K", "only with this kind of error (credentials, network, ...)",
        .oneOf(ErrorKind.allCases.map(\.rawValue))),
      .init(
        "--state", "S", "only failed, invalid, expired or unconfirmed ones; or undelivered ones",
        .oneOf(["failed", "invalid", "expired", "unconfirmed", "undelivered"])),
      .init("--since", "T", "only what failed since: 30m, 12h, 7d or RFC 3339"),
      .init("--dry-run", nil, "say which; move nothing"),
    ],
    details: """
      Recipients that were accepted are not sent to again, and a message's age
      counts anew. An unconfirmed message may have arrived: it is sent again, twice
      perhaps, only when --state unconfirmed says so. --state undelivered takes
      messages from done/ and failed/ whose receipts say that they did not arrive,
      and sends them to those again and to nobody else. A named message that has to
      stay makes the exit status 64.
      """,
    examples: [
      ("msgspool retry 1795338000.4711-1-0a1b2c3d.json", "one"),
      ("msgspool retry --channel otp --kind credentials", "after the key was mended"),
      ("msgspool retry --all --since 12h --dry-run", "what failed since the evening?"),
      ("msgspool retry NAME --state unconfirmed", "known not to have arrived"),
      ("msgspool retry --state undelivered --channel sms", "to phones that were off"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    if arguments["--state"] == UndeliveredRetry.word { return try retryUndelivered(arguments) }
    let filter = try filter(arguments)
    let spool = try Surroundings.spool(arguments)
    try checkChannel(arguments, spool)
    let isNamed = !arguments.operands.isEmpty
    let isDry = arguments.has("--dry-run")
    // Held to the end of the command.
    let lock = isDry ? nil : try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock != nil) {} }
    let named = try NamedMessages.find(arguments.names, spool, in: [.failed], undone: "nothing was moved")
    var work = Work(spool, filter, isDry: isDry, isNamed: isNamed, asJSON: arguments.has("--json"))
    do throws(SystemFault) {
      do throws(SystemFault) {
        if !isNamed {
          var walk = try Walk(.failed, of: spool)
          while let found = try walk.next() { try work.look(at: found) }
        } else {
          for found in named { try work.look(at: found) }
        }
      } catch {
        // What was moved before stays moved, and is to survive a power cut.
        try? work.requeue.flush()
        throw error
      }
      try work.requeue.flush()
    } catch {
      throw Failure(error)
    }
    return work.conclude()
  }

  private static func retryUndelivered(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    if arguments.has("--kind") {
      throw Failure(
        .usage, "--kind and --state undelivered exclude each other",
        hint: "the error's kind is of what was not accepted")
    }
    let filter = try whatAndWhen(arguments)
    let spool = try Surroundings.spool(arguments)
    try checkChannel(arguments, spool)
    let isDry = arguments.has("--dry-run")
    // Held to the end of the command.
    let lock = isDry ? nil : try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock != nil) {} }
    let named = try NamedMessages.find(arguments.names, spool, in: [.done, .failed], undone: "nothing was moved")
    let limit = Surroundings.configurationIfUsable(arguments, spool: spool)?.maxMessageBytes
    let retry = UndeliveredRetry(
      spool, filter, limit: limit ?? Configuration().maxMessageBytes, isDry: isDry,
      isNamed: !arguments.operands.isEmpty, asJSON: arguments.has("--json"))
    return try retry.run(named)
  }

  // MARK: Selection

  private static func filter(_ arguments: Arguments) throws(Failure) -> RetryFilter {
    var filter = try whatAndWhen(arguments)
    filter.kind = try arguments.choice("--kind", ErrorKind.allCases)
    filter.state = try arguments.choice(
      "--state", MessageState.allCases.filter { SpoolLayout.folder(of: $0) == .failed }, also: [UndeliveredRetry.word])
    let options = ["--all", "--channel", "--provider", "--kind", "--state", "--since"]
    guard !arguments.operands.isEmpty || options.contains(where: arguments.has) else {
      throw Failure(
        .usage, "msgspool retry needs names, --all, or what to select by", hint: "see: msgspool retry --help")
    }
    return filter
  }

  /// What can be told of messages in any folder.
  private static func whatAndWhen(_ arguments: Arguments) throws(Failure) -> RetryFilter {
    var filter = RetryFilter()
    (filter.channel, filter.provider) = (arguments["--channel"], arguments["--provider"])
    if let provider = filter.provider { _ = try ProvidersCommand.card(named: provider) }
    filter.since = try Surroundings.time("--since", arguments)
    return filter
  }

  /// What has no message in failed/ may be a slip, or the name of a channel that was.
  private static func checkChannel(_ arguments: Arguments, _ spool: Spool) throws(Failure) {
    guard let name = arguments["--channel"],
      let channels = Surroundings.configurationIfUsable(arguments, spool: spool)?.channels, channels[name] == nil,
      Suggestion.nearest(to: name, among: channels.keys) != nil
    else { return }
    throw .usage("there is no channel \"\(name)\"", known: Array(channels.keys), found: name)
  }

  // MARK: Work

  private struct Work: ~Copyable {
    let spool: Spool
    let filter: RetryFilter
    let isDry: Bool
    let isNamed: Bool
    var requeue: Requeue
    private var unconfirmed = 0
    private var tails = TailReader()
    private var output: MessageOutput

    init(_ spool: Spool, _ filter: RetryFilter, isDry: Bool, isNamed: Bool, asJSON: Bool) {
      self.spool = spool
      self.filter = filter
      self.isDry = isDry
      self.isNamed = isNamed
      output = MessageOutput(asJSON: asJSON)
      requeue = Requeue(spool, now: Surroundings.now)
    }

    mutating func look(at found: Walk.Found) throws(SystemFault) {
      let name = found.name.display
      switch tails.read(found.name, in: found.place.descriptor, path: found.place.path) {
      case nil: return
      case .odd?: refuse(name, "is no plain file", hint: "move it out of the spool")
      case .unreadable(let fault)?: refuse(name, "\(fault)", hint: fault.hint)
      case .tail(let tail)?:
        switch filter.answer(tail) {
        case .take: try take(found, tail)
        case .skip: if isNamed { Console.note(phrase("{1} does not match, and stays in failed/", name)) }
        case .unconfirmed:
          unconfirmed += 1
          guard isNamed else { return }
          Console.warn(
            name, "is unconfirmed: it was sent, and nobody knows whether it arrived; it stays in failed/",
            hint: "when it may be sent again: msgspool retry \(found.name.argument) --state unconfirmed")
        case .torn: refuse(name, "its last history line is torn", hint: "msgspool check --repair")
        case .misplaced(let state):
          refuse(name, "its last history line says \(state.rawValue)", hint: "msgspool check --repair")
        }
      }
    }

    private mutating func refuse(_ name: String, _ problem: String, hint: String?) {
      output.refuse(name, "\(problem); it stays in failed/", hint: hint)
    }

    private mutating func take(_ found: Walk.Found, _ tail: Tail) throws(SystemFault) {
      var row = MessageRow(found, tail)
      if !isDry {
        guard let moved = try requeue.move(found.name, tail) else { return }
        row.moved(to: .new, moved)
      }
      output.tell(row, was: found.name.display)
    }

    consuming func conclude() -> ExitStatus {
      output.flush()
      output.tellMoved(isDry: isDry)
      if unconfirmed > 0, !isNamed {
        Console.note(
          phrase(
            "{1} unconfirmed stayed: they may have arrived; --state unconfirmed sends them again", String(unconfirmed)))
      }
      // Who named a message wanted that one, and learns by the status that it stays.
      return isNamed && unconfirmed + output.refused > 0 ? .usage : .ok
    }
  }
}
