import Core
import Dispatch
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Sweeping
import Synchronization

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
    // Once more for each time that the spool's folders are replaced, or that somebody else holds what is needed.
    while !request.isEnding {
      let end = try watch(arguments, reporter, request)
      if end.isReplaced { Console.note("the spool's folders were replaced; it is opened anew") }
      guard let trouble = end.trouble else { continue }
      // Somebody else is busy with the ledger, or descriptors are short: not for long, usually.
      guard trouble.status == .tryAgain else { throw trouble }
      Console.report(trouble)
      request.pause(seconds: 5)
    }
    Console.note("stopped")
    return .ok
  }

  /// From opening the spool to the engine's end.
  private static func watch(
    _ arguments: Arguments, _ reporter: SweepReporter, _ request: Request
  ) throws(Failure) -> SweepRunner.End {
    let spool = try Surroundings.spool(arguments)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    let watcher: Watcher
    do throws(SystemFault) { watcher = try Watcher(spool) } catch { throw Failure(error) }
    let runner = SweepRunner(spool, try Surroundings.ledger(spool), reporter)
    defer { runner.shutdown() }
    request.run(runner)
    defer { request.run(nil) }
    Console.note("watching \(spool.path)/new")
    var selection = Selection()
    selection.isEndless = true
    return runner.run(configuration, selection, watcher)
  }

  /// What signals ask for, and of whom.
  private final class Request: Sendable {
    private let state = Mutex((isEnding: false, runner: SweepRunner?.none))
    private let ending = DispatchSemaphore(value: 0)

    var isEnding: Bool { state.withLock { $0.isEnding } }

    func run(_ runner: SweepRunner?) {
      let isEnding = state.withLock { state in
        state.runner = runner
        return state.isEnding
      }
      if isEnding { runner?.stop() }
    }

    func end() {
      let runner = state.withLock { state in
        state.isEnding = true
        return state.runner
      }
      runner?.stop()
      ending.signal()
    }

    func reload(_ read: () throws(Failure) -> Configuration) {
      do throws(Failure) {
        let configuration = try read()
        state.withLock { $0.runner }?.reload(configuration)
        Console.note("the configuration was read again")
      } catch {
        Console.warn("configuration", "not taken, the old one stays: \(error.message)", hint: error.hint)
      }
    }

    func pause(seconds: Double) { _ = ending.wait(timeout: .now() + seconds) }
  }
}
