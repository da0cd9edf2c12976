import Core
import Dispatch
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Sweeping
import Synchronization
import Threading

enum WatchCommand: Command {
  static let guide = Guide(
    name: "watch", summary: "sweep when something arrives or falls due, until SIGTERM",
    options: SweepCommand.logOptions,
    details: """
      SIGTERM and SIGINT finish what is in flight, return the rest to new/ and exit.
      SIGHUP reads the configuration again (a broken one is reported and the old one
      kept) and tries suspended channels at once; otherwise after five minutes.
      """,
    examples: [
      ("msgspool watch", "in the foreground; systemd runs it with msgspool.service"),
      ("msgspool watch --log json 2>> watch.log", "a line per call and per settled message"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let reporter = try SweepReporter(arguments)
    let request = Request()
    Signals.handle([SIGTERM, SIGINT, SIGHUP]) { signal in
      if signal != SIGHUP { return request.end() }
      request.reload { () throws(Failure) in
        try Surroundings.configuration(arguments, spool: try Surroundings.spool(arguments))
      }
    }
    do throws(Failure) {
      try watch(arguments, reporter, request)
    } catch {
      // Said at once, though what is in flight on a spool that was replaced may take its time to finish.
      Console.report(error)
      request.join()
      return error.status
    }
    request.join()
    Console.note(phrase("stopped"))
    return .ok
  }

  /// Until it is told to end. Goes on once more each time that the spool's folders are replaced, or that somebody else holds
  /// what is needed.
  private static func watch(
    _ arguments: Arguments, _ reporter: SweepReporter, _ request: Request
  ) throws(Failure) {
    while !request.isEnding {
      let shift = try begin(arguments, reporter, request)
      switch shift.wait() {
      case .replaced:
        Console.note(phrase("the spool's folders were replaced; it is opened anew"))
        request.leave(shift)
        settle(Surroundings.spoolPath(arguments), request)
      case .ended(let trouble?):
        // Somebody else is busy with the ledger, or descriptors are short: not for long, usually.
        guard trouble.status == .tryAgain else { throw trouble }
        Console.report(trouble)
        request.pause(seconds: 5)
      case .ended(nil): break
      }
    }
  }

  /// Opens the spool, and starts the engine on a thread of its own.
  private static func begin(
    _ arguments: Arguments, _ reporter: SweepReporter, _ request: Request
  ) throws(Failure) -> Shift {
    let spool = try Surroundings.spool(arguments)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    let watcher: Watcher
    do throws(SystemFault) { watcher = try Watcher(spool) } catch { throw Failure(error) }
    let runner = SweepRunner(spool, try Surroundings.ledger(spool), reporter)
    let shift = Shift(runner)
    // What was replaced before anybody watched is told by nobody.
    if !watcher.isInPlace { shift.post(.replaced) }
    request.run(shift)
    Console.note(phrase("watching {1}", "\(spool.path)/new"))
    var selection = Selection()
    selection.isEndless = true
    guard shift.start(configuration, selection, watcher, whenDone: { request.forget(shift) }) else {
      throw Failure(.tryAgain, "no thread could be started", hint: "raise the limit on processes (ulimit -u)")
    }
    return shift
  }

  /// Whoever replaces a folder moves one aside and then makes or moves the other: a moment later it is there. What is
  /// missing after that is made, or is the end.
  private static func settle(_ path: String, _ request: Request) {
    for _ in 0..<20 where !request.isEnding {
      if (try? Spool(path))?.lacking.isEmpty == true { return }
      request.pause(seconds: 0.025)
    }
  }

  /// One engine's run over the spool as it was opened. When that is replaced, the run finishes what is in flight, which may
  /// take as long as a call does, beside the next one.
  private final class Shift: Sendable {
    enum News: Sendable {
      case replaced
      case ended(Failure?)
    }

    let runner: SweepRunner
    private let news = Inbox<News>()
    private let worker = Mutex(Worker?.none)

    init(_ runner: SweepRunner) {
      self.runner = runner
      runner.whenReplaced { [news] in news.post(.replaced) }
    }

    func post(_ news: News) { self.news.post(news) }

    func start(
      _ configuration: Configuration, _ selection: Selection, _ watcher: Watcher,
      whenDone: @escaping @Sendable () -> Void
    ) -> Bool {
      let worker = Worker { [self] in
        let end = runner.run(configuration, selection, watcher)
        runner.shutdown()
        news.post(.ended(end.trouble))
        whenDone()
      }
      self.worker.withLock { $0 = worker }
      return worker != nil
    }

    func wait() -> News { news.takeAll().first ?? .ended(nil) }
    func join() { worker.withLock { $0.take() }?.join() }
  }

  /// What signals ask for, and of whom.
  private final class Request: Sendable {
    private struct State {
      var isEnding = false
      var shift: Shift?
      /// Those that finish beside it.
      var former: [Shift] = []
    }

    private let state = Mutex(State())
    private let ending = DispatchSemaphore(value: 0)

    var isEnding: Bool { state.withLock { $0.isEnding } }

    func run(_ shift: Shift) {
      let isEnding = state.withLock { state in
        state.shift = shift
        return state.isEnding
      }
      if isEnding { shift.runner.stop() }
    }

    func leave(_ shift: Shift) {
      shift.runner.stop()
      state.withLock { $0.former.append(shift) }
    }

    /// It has finished: what it may have left is the present one's.
    func forget(_ shift: Shift) {
      let present = state.withLock { state -> Shift? in
        let wasFormer = state.former.contains { $0 === shift }
        state.former.removeAll { $0 === shift }
        return wasFormer ? state.shift : nil
      }
      present?.runner.rescue()
    }

    func end() {
      let shift = state.withLock { state in
        state.isEnding = true
        return state.shift
      }
      shift?.runner.stop()
      ending.signal()
    }

    /// Waits until everything in flight is finished.
    func join() {
      let shifts = state.withLock { state in
        defer { (state.shift, state.former) = (nil, []) }
        return state.former + [state.shift].compactMap { $0 }
      }
      shifts.forEach { $0.runner.stop() }
      shifts.forEach { $0.join() }
    }

    func reload(_ read: () throws(Failure) -> Configuration) {
      do throws(Failure) {
        let configuration = try read()
        state.withLock { $0.shift }?.runner.reload(configuration)
        Console.note(phrase("the configuration was read again"))
      } catch {
        Console.warn("configuration", "not taken, the old one stays: \(error.message)", hint: error.hint)
      }
    }

    func pause(seconds: Double) { _ = ending.wait(timeout: .now() + seconds) }
  }
}
