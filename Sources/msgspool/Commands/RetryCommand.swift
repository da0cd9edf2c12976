import Core
import FoundationEssentials
import Spooling

enum RetryCommand: Command {
  static let guide = Guide(
    name: "retry", summary: "failed/ back to new/, for the next sweep", operands: "[NAME]...",
    operandCount: 0...Int.max,
    options: [
      .init("--all", nil, "everything in failed/ (but unconfirmed ones)"),
      .init("--channel", "C", "only messages of this channel"),
      .init("--provider", "P", "only those that failed at this provider"),
      .init("--kind", "K", "only with this kind of error (credentials, network, ...)"),
      .init("--state", "S", "only failed, invalid, expired or unconfirmed ones"),
      .init("--since", "T", "only what failed since: 30m, 12h, 7d or RFC 3339"),
      .init("--dry-run", nil, "say which; move nothing"),
    ],
    details: """
      Recipients that were accepted are not sent to again, and a message's age
      counts anew. An unconfirmed message may have arrived: it is sent again, twice
      perhaps, only when --state unconfirmed says so. A named message that has to
      stay makes the exit status 64.
      """,
    examples: [
      ("msgspool retry 1795338000.4711-1-0a1b2c3d.json", "one"),
      ("msgspool retry --channel otp --kind credentials", "after the key was mended"),
      ("msgspool retry --all --since 12h --dry-run", "what failed since the evening?"),
      ("msgspool retry NAME --state unconfirmed", "known not to have arrived"),
    ])

  /// What was moved and what was not, for the count at the end.
  private struct Tally {
    var moved = 0
    var unconfirmed = 0
    var refused = 0
  }

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let filter = try filter(arguments)
    let spool = try Surroundings.spool(arguments)
    let names = arguments.operands.map { FileName(operand: $0) }
    let isDry = arguments.has("--dry-run")
    // Held to the end of the command.
    let lock = isDry ? nil : try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock != nil) {} }
    let named = try find(names, spool)
    var work = Work(spool, filter, isDry: isDry, isNamed: !names.isEmpty, asJSON: arguments.has("--json"))
    do throws(SystemFault) {
      do throws(SystemFault) {
        if names.isEmpty {
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

  // MARK: Selection

  private static func filter(_ arguments: Arguments) throws(Failure) -> RetryFilter {
    var filter = RetryFilter()
    filter.channel = arguments["--channel"]
    filter.provider = arguments["--provider"]
    if let word = arguments["--kind"] {
      filter.kind = try choice("--kind", word, ErrorKind.allCases)
    }
    if let word = arguments["--state"] {
      let states = MessageState.allCases.filter { SpoolLayout.folder(of: $0) == .failed }
      filter.state = try choice("--state", word, states)
    }
    filter.since = try Surroundings.time("--since", arguments)
    let options = ["--all", "--channel", "--provider", "--kind", "--state", "--since"]
    guard !arguments.operands.isEmpty || options.contains(where: arguments.has) else {
      throw Failure(
        .usage, "msgspool retry needs names, --all, or what to select by", hint: "see: msgspool retry --help")
    }
    return filter
  }

  private static func choice<Choice: RawRepresentable<String>>(
    _ option: String, _ word: String, _ choices: [Choice]
  ) throws(Failure) -> Choice {
    if let choice = choices.first(where: { $0.rawValue == word }) { return choice }
    let known = choices.map(\.rawValue)
    let nearest = Suggestion.nearest(to: word, among: known).map { "did you mean \"\($0)\"?" }
    throw Failure(
      .usage, "\(option): found \"\(word)\"; expected one of \(known.joined(separator: ", "))", hint: nearest)
  }

  /// All of them or none: a slip in one name must not leave the rest half done.
  private static func find(_ names: [FileName], _ spool: Spool) throws(Failure) -> [Walk.Found] {
    var all: [Walk.Found] = []
    for name in names where !all.contains(where: { $0.name == name }) {
      let places: [Walk.Found]
      do throws(SystemFault) { places = try spool.find(name, in: Folder.allCases) } catch { throw Failure(error) }
      if let found = places.first(where: { $0.place.folder == .failed }) {
        all.append(found)
      } else if let elsewhere = places.first {
        throw Failure(
          .notFound, "\(name.display) is in \(elsewhere.place.label)/, not in failed/; nothing was moved",
          hint: "see: msgspool show \(name.display)")
      } else {
        var failure = ShowCommand.missing(name, spool, [.failed])
        failure.message += "; nothing was moved"
        throw failure
      }
    }
    return all
  }

  // MARK: Work

  private struct Work: ~Copyable {
    let spool: Spool
    let filter: RetryFilter
    let isDry: Bool
    let isNamed: Bool
    let asJSON: Bool
    var requeue: Requeue
    var tally = Tally()
    private var tails = TailReader()
    private var output = BufferedOutput()

    init(_ spool: Spool, _ filter: RetryFilter, isDry: Bool, isNamed: Bool, asJSON: Bool) {
      self.spool = spool
      self.filter = filter
      self.isDry = isDry
      self.isNamed = isNamed
      self.asJSON = asJSON
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
        case .skip: if isNamed { Console.note("\(name) does not match, and stays in failed/") }
        case .unconfirmed:
          tally.unconfirmed += 1
          guard isNamed else { return }
          Console.warn(
            name, "is unconfirmed: it was sent, and nobody knows whether it arrived; it stays in failed/",
            hint: "when it may be sent again: msgspool retry \(name) --state unconfirmed")
        case .torn: refuse(name, "its last history line is torn", hint: "msgspool check --repair")
        case .misplaced(let state):
          refuse(name, "its last history line says \(state.rawValue)", hint: "msgspool check --repair")
        }
      }
    }

    private mutating func refuse(_ name: String, _ problem: String, hint: String?) {
      tally.refused += 1
      if tally.refused <= 20 { Console.warn(name, "\(problem); it stays in failed/", hint: hint) }
    }

    private mutating func take(_ found: Walk.Found, _ tail: Tail) throws(SystemFault) {
      var row = MessageRow(found, tail)
      if !isDry {
        guard let moved = try requeue.move(found.name, tail) else { return }
        row.name = moved.display
        row.folder = .new
      }
      tally.moved += 1
      if !asJSON { return output.write(row.name + "\n") }
      // Where the name was taken in new/: how to find it in what was known before.
      let was = row.name == found.name.display ? [] : [JSON.Member("was", .string(found.name.display))]
      output.write(JSON.object(row.members + was).text + "\n")
    }

    consuming func conclude() -> ExitStatus {
      output.flush()
      let messages = Columns.count(tally.moved, "message")
      Console.note(isDry ? "\(messages) would go back to new/; nothing was moved" : "\(messages) went back to new/")
      if tally.unconfirmed > 0, !isNamed {
        Console.note(
          "\(tally.unconfirmed) unconfirmed stayed: they may have arrived; --state unconfirmed sends them again")
      }
      if tally.refused > 20 { Console.note("\(tally.refused - 20) more could not be retried") }
      // Who named a message wanted that one, and learns by the status that it stays.
      return isNamed && tally.unconfirmed + tally.refused > 0 ? .usage : .ok
    }
  }
}
