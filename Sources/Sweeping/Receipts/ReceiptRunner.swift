import Core
import FoundationEssentials
import Ledger
import Spooling
import Synchronization
import Threading

/// When receipts are applied: once behind a sweep; in a watch on a thread of its own, when something is dropped or time
/// brings something to do, until it is stopped.
package final class ReceiptRunner: Sendable {
  /// Seconds until the next try where another process is at it, or the disk or the ledger could not take it.
  private static let retry = 1.0
  private static let retryAfterTrouble = 60.0

  private struct State {
    var configuration: Configuration
    var watcher: ReceiptWatcher?
    var worker: Worker?
    /// Whether nothing is being sent: that comes first.
    var isQuiet: @Sendable () -> Bool = { true }
  }

  private enum Request { case reload }

  private let environment: SweepEnvironment
  private let spool: Spool
  private let ledger: any ReceiptLedger
  private let state: Mutex<State>
  private let inbox = Inbox<Request>()

  package init(_ environment: SweepEnvironment, _ spool: Spool, _ ledger: any ReceiptLedger) {
    self.environment = environment
    self.spool = spool
    self.ledger = ledger
    state = Mutex(State(configuration: environment.configuration))
  }

  /// Everything that is there to be done, once.
  package func pass() throws(SweepTrouble) {
    guard ReceiptStage.isWanted(environment.configuration) || hasWork else { return }
    let stage = try ReceiptStage(environment, spool, ledger, isStopped: { [inbox] in inbox.isClosed })
    try stage.pass()
  }

  /// Somebody is awaited still, or to be told of, from before receipts were switched off: that comes to an end all the same.
  private var hasWork: Bool { ((try? ledger.nextReceiptWork(asking: [])) ?? nil) != nil }

  /// Services are asked only while nothing is being sent, or waits to be.
  package func yields(to engine: Engine) {
    let isQuiet = engine.isQuiet
    state.withLock { $0.isQuiet = isQuiet }
  }

  /// Begins to watch receipts/, beside the sweep.
  package func start() {
    let worker = Worker { [self] in run() }
    state.withLock { $0.worker = worker }
  }

  package func reload(_ new: Configuration) {
    state.withLock { $0.configuration = new }
    inbox.post(.reload)
    state.withLock { $0.watcher }?.wake()
  }

  /// Begins nothing more. From any thread.
  package func end() {
    inbox.close()
    state.withLock { $0.watcher }?.wake()
  }

  /// Returns when what is under way has come to an end.
  package func stop() {
    end()
    state.withLock { $0.worker }?.join()
  }

  private func run() {
    while !inbox.isClosed {
      do throws(SweepTrouble) {
        let isWanted = ReceiptStage.isWanted(state.withLock { $0.configuration }) || hasWork
        if isWanted { try watch() } else { _ = inbox.takeAll() }
      } catch {
        environment.observe(.notice(Notice("receipts", error.message, hint: error.hint)))
        _ = inbox.takeAll(within: ReceiptRunner.retryAfterTrouble)
      }
    }
  }

  /// Until it is stopped, or the configuration is read again.
  private func watch() throws(SweepTrouble) {
    var environment = environment
    environment.configuration = state.withLock { $0.configuration }
    let stage = try ReceiptStage(
      environment, spool, ledger, mayAsk: { [self] in state.withLock { $0.isQuiet }() },
      isStopped: { [inbox] in inbox.isClosed })
    let watcher = try stage.watcher()
    state.withLock { $0.watcher = watcher }
    while !inbox.isClosed {
      if !inbox.takeNow().isEmpty { return }
      let isMine = try stage.pass()
      if isMine, !ReceiptStage.isWanted(environment.configuration), !hasWork { return }
      watcher.wait(seconds: isMine ? stage.patience : ReceiptRunner.retry)
    }
  }
}
