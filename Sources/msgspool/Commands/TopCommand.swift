import Core
import FoundationEssentials
import Glibc
import Inspecting
import Ledger
import Spooling
import Sweeping
import Synchronization
import Threading

enum TopCommand: Command {
  static let guide = Guide(
    name: "top", summary: "the channels, live, once a second, on a terminal",
    details: """
      The table of msgspool channels. Keys: q ends it, p pauses and goes on. Looks
      and changes nothing. Counting a large spool takes longer than a second; then
      the clock of the figures tells how old they are.
      """,
    examples: [
      ("msgspool top", "while a backlog goes out"),
      ("msgspool channels --json", "the same for a program"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .look)
    try Surroundings.requireAll(spool)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    let desk = SurveyDesk(spool, configuration, Surroundings.configurationPath(arguments, spool: spool.path))
    guard let screen = Screen() else {
      throw Failure(
        .usage, "msgspool top needs a terminal for its input and output", hint: "once, anywhere: msgspool channels")
    }
    defer { screen.end() }
    guard startQuietThread({ desk.run { screen.wake() } }) != nil else {
      throw Failure(.tryAgain, "the system has no thread to give")
    }
    var isPaused = false
    var shown: ChannelSurvey?
    while !Console.outputHasEnded {
      if !isPaused { shown = desk.latest }
      screen.draw(Page(spool: spool.path, survey: shown, isPaused: isPaused).lines(Screen.size))
      switch screen.wait(milliseconds: 1000) {
      case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")), .end(signal: nil): return .ok
      case .key(UInt8(ascii: "p")), .key(UInt8(ascii: "P")): isPaused.toggle()
      case .end(let signal?):
        // As whoever sent it expects: ended by that signal.
        screen.end()
        endBySignal(signal)
      case .key, .tick, .redraw: continue
      }
    }
    return .ok
  }

  private static func endBySignal(_ number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    // To this thread: the one that waits for signals must not get it.
    raise(number)
    exit(128 + number)
  }

  /// What is on the screen.
  struct Page {
    var spool: String
    var survey: ChannelSurvey?
    var isPaused: Bool

    func lines(_ size: (rows: Int, columns: Int)) -> [String] {
      let state = isPaused ? phrase("PAUSED") + " " : ""
      let clock =
        state + (survey.map { String(RFC3339.string($0.at).dropFirst(11).prefix(8)) + " UTC" } ?? phrase("counting"))
      let title = "msgspool top  \(spool.safeText)"
      let room = size.columns - Columns.width(clock) - 1
      let first = Console.styled(Columns.fit(title, max(1, room)), .bold) + " " + clock
      let foot = Console.styled(
        Columns.cut(phrase("q quit   p pause   msgspool channels --json for programs"), size.columns), .dim)
      guard let survey else { return [first, "", phrase("counting what waits"), foot] }
      var body = [Columns.cut(total(survey), size.columns), ""]
      let table = ChannelTable(survey: survey, isNarrow: true)
      body.append(Console.styled(Columns.cut(table.header, size.columns), .bold))
      let most = max(1, size.rows - body.count - 2)
      var rows: [String] = []
      for row in survey.rows {
        rows += table.lines(row).map { ChannelTable.styled(Columns.cut($0, size.columns), row) }
      }
      if rows.count > most {
        rows = rows.prefix(most - 1) + [phrase("... more channels than lines: a taller window shows them")]
      }
      return [first] + body + rows + [foot]
    }

    private func total(_ survey: ChannelSurvey) -> String {
      let rows = survey.rows
      let parts = [
        phrase("waiting {1}", String(rows.reduce(0) { $0 + $1.waiting })),
        phrase("later {1}", String(rows.reduce(0) { $0 + $1.deferred })),
        phrase("calls {1}", String(rows.reduce(0) { $0 + $1.calls })),
        phrase("suspended {1}", String(rows.count { $0.suspension != nil })),
      ]
      return parts.joined(separator: "   ")
        + (survey.strange > 0 ? "   " + phrase("no message {1}", String(survey.strange)) : "")
    }
  }

  /// Surveys the spool over and over, on a thread of its own, so that keys are heard meanwhile.
  private final class SurveyDesk: Sendable {
    private let spool: Spool
    private let path: String?
    private let state: Mutex<(configuration: Configuration, survey: ChannelSurvey?)>

    init(_ spool: Spool, _ configuration: Configuration, _ path: String?) {
      self.spool = spool
      self.path = path
      state = Mutex((configuration, nil))
    }

    var latest: ChannelSurvey? { state.withLock { $0.survey } }

    /// Never returns.
    func run(_ wake: () -> Void) {
      var surveyor = ChannelSurveyor(spool)
      while true {
        let begin = Surroundings.clock().steady
        // Read anew each time, as it may change; a broken one is left to `check`.
        let fresh = path.flatMap { try? Surroundings.configuration($0) }
        let configuration = state.withLock { state in
          state.configuration = fresh ?? state.configuration
          return state.configuration
        }
        let ledger = (try? Surroundings.ledgerHome(spool).look()) ?? nil
        if let survey = try? surveyor.survey(configuration, ledger, now: Surroundings.now()) {
          state.withLock { $0.survey = survey }
          wake()
        }
        // A large spool is not counted without a break.
        let taken = Surroundings.clock().steady - begin
        usleep(UInt32(max(1 - taken, taken, 0.05) * 1e6))
      }
    }
  }
}
