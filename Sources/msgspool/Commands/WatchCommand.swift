import Core
import FoundationEssentials
import Glibc
import Ledgers
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
    let spool = try Surroundings.spool(arguments)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    let reporter = try SweepReporter(arguments)
    let watcher: Watcher
    do throws(SystemFault) { watcher = try Watcher(spool) } catch { throw Failure(error) }
    let runner = SweepRunner(spool, try Surroundings.ledger(spool), reporter)
    let request = Request()
    Signals.handle([SIGTERM, SIGINT, SIGHUP]) { signal in
      if signal == SIGHUP {
        request.reload()
      } else {
        request.end()
        runner.stop()
      }
      watcher.wake()
    }
    defer { runner.shutdown() }
    Console.note("watching \(spool.path)/new")
    var watch = Watch(runner: runner, watcher: watcher, configuration: configuration)
    while !request.isEnding {
      if request.takeReload() {
        watch.reload { () throws(Failure) in try Surroundings.configuration(arguments, spool: spool) }
      }
      try watch.pass()
      if !request.isEnding { watch.wait() }
    }
    Console.note("stopped")
    return .ok
  }

  /// What signals asked for.
  private final class Request: Sendable {
    private let state = Mutex((ending: false, reloading: false))

    var isEnding: Bool { state.withLock { $0.ending } }
    func end() { state.withLock { $0.ending = true } }
    func reload() { state.withLock { $0.reloading = true } }
    func takeReload() -> Bool {
      state.withLock { state in
        defer { state.reloading = false }
        return state.reloading
      }
    }
  }
}

/// Passes, and what to wait for between them.
private struct Watch {
  /// A suspended channel is tried again, with one call, after so many seconds.
  private static let rest = 300.0
  /// Dead sweeps' claims are looked for at least so often.
  private static let rescueInterval = 60.0
  /// Files that were left alone (half written, two names) are looked at again after so many seconds, doubling to a minute.
  private static let firstLook = 5.0

  let runner: SweepRunner
  let watcher: Watcher
  var configuration: Configuration
  /// Messages of suspended channels, which are not claimed again before the rest is over.
  private var held: Set<FileName> = []
  private var nextTry: Date?
  private var nextDue: Date?
  private var nextLook: Date?
  /// After a trouble that passes by itself: nothing is tried before.
  private var pause: Date?
  private var lookPause = firstLook
  private var last = SweepRunner.Pass()

  init(runner: SweepRunner, watcher: Watcher, configuration: Configuration) {
    self.runner = runner
    self.watcher = watcher
    self.configuration = configuration
  }

  mutating func reload(_ read: () throws(Failure) -> Configuration) {
    do throws(Failure) {
      configuration = try read()
      runner.sessions.removeAll()
      Console.note("the configuration was read again")
    } catch {
      Console.warn("configuration", "not taken, the old one stays: \(error.message)", hint: error.hint)
    }
    // The operator may have mended an account: try at once, and say again what is wrong.
    nextTry = nil
    held.removeAll()
    runner.reporter.forgetNotices()
  }

  mutating func pass() throws(Failure) {
    let now = Surroundings.now()
    if let nextTry, nextTry <= now {
      self.nextTry = nil
      held.removeAll()
    }
    var rested: Set<String> = []
    if nextTry != nil {
      do throws(LedgerFault) { rested = Set(try runner.ledger.suspensions().map(\.channel)) } catch {
        throw Failure(error)
      }
    }
    var selection = Selection()
    selection.defaultChannel = configuration.defaultChannel
    selection.skip = held
    let pass = runner.pass(configuration, selection, rested: rested)
    if let trouble = pass.trouble {
      // Somebody else is busy with the ledger, or descriptors are short: not for long, usually.
      guard trouble.status == .tryAgain else { throw trouble }
      Console.report(trouble)
      held.formUnion(pass.held)
      // Not what is due already, nor what this pass gave back: the pause comes first.
      pause = now + Watch.firstLook
      return
    }
    pause = nil
    last = pass
    Console.clearProgress()
    nextDue = last.summary.nextDue
    held.formUnion(last.held)
    if !held.isEmpty, nextTry == nil { nextTry = now + Watch.rest }
    lookPause = last.summary.claimed == 0 ? min(lookPause * 2, 60) : Watch.firstLook
    nextLook = last.leftAlone.isEmpty ? nil : now + lookPause
    if last.summary.claimed > 0 { Console.detail(last.summary.text) }
  }

  /// Until something new arrives, falls due, or is to be looked at again.
  func wait() {
    while true {
      let now = Surroundings.now()
      let times = pause.map { [$0] } ?? [nextDue, nextTry, nextLook, now + Watch.rescueInterval].compactMap { $0 }
      let seconds = (times.min() ?? now).timeIntervalSince(now)
      switch watcher.wait(seconds: max(0, seconds)) {
      case .timeout, .woken: return
      case .arrived where pause.map({ $0 > Surroundings.now() }) == true: continue
      case .arrived(nil): return
      case .arrived(let names?):
        // What this process itself put back is no news, and has its own time.
        let isNews = names.contains { !held.contains($0) && !last.leftAlone.contains($0) && !SpoolLayout.isIgnored($0) }
        if isNews { return }
      }
    }
  }
}
