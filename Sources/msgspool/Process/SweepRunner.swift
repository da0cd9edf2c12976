import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Sweeping
import Synchronization
import Threading
import Transports

/// What sweep and watch share: everything a sweep needs, made of the real things.
final class SweepRunner: Sendable {
  let spool: Spool
  let ledger: any LedgerAudit
  let reporter: SweepReporter
  let sessions: SessionStore
  private let transports = Mutex<[String: RoutedTransport]>([:])
  private let state = Mutex(State())

  /// What signals may reach while an engine runs.
  private struct State {
    var stop: (@Sendable () -> Void)?
    var reload: (@Sendable (Configuration) -> Void)?
    var receipts: ReceiptRunner?
    var rescue: (@Sendable () -> Void)?
    var whenReplaced: (@Sendable () -> Void)?
    var isStopped = false
    /// As it was read last.
    var configuration: Configuration?
  }

  init(_ spool: Spool, _ ledger: any LedgerAudit, _ reporter: SweepReporter) {
    self.spool = spool
    self.ledger = ledger
    self.reporter = reporter
    sessions = SessionStore(spool: spool.path, ledger: ledger as? any PersonalLedger)
  }

  /// How a sweep ended.
  struct End {
    var summary = SweepSummary()
    /// Why it had to stop; what was done until then is in the summary.
    var trouble: Failure?
  }

  /// Rescue, then the sweep.
  /// - Parameter watcher: for an endless one, what tells of arrivals.
  func run(_ configuration: Configuration, _ selection: Selection, _ watcher: Watcher? = nil) -> End {
    let environment = environment(configuration)
    let standIn = StandIn(configuration)
    // Until the last answer is here.
    defer { withExtendedLifetime(standIn) {} }
    let herald = Herald(spool: spool, ledger: ledger)
    state.withLock { $0.configuration = configuration }
    let current = { @Sendable [self] in state.withLock { $0.configuration } ?? configuration }
    let ends = Inbox<Bool>()
    let worker = watcher == nil ? nil : Worker { herald.run(until: ends, current) }
    defer {
      ends.close()
      worker?.join()
      herald.tell(current())
    }
    var end = End()
    for channel in configuration.channels.values {
      // As a configuration that holds a secret and that others may read.
      guard let fault = sessions.files(of: channel)?.exposure() else { continue }
      end.trouble = Failure(fault)
      return end
    }
    var rescue = Rescue(environment)
    do throws(SweepTrouble) {
      try rescue.run()
      if !selection.isEndless {
        environment.receiveOnce(selection) { stop in
          state.withLock { state in
            state.stop = stop
            return !state.isStopped
          }
        }
      }
      let receipts = watcher == nil ? nil : receipts(environment)
      receipts?.start()
      defer { receipts?.stop() }
      try sweep(environment, selection, watcher, &end)
      // Sending comes first; a sweep that ends looks then what became of it.
      if watcher == nil, !state.withLock({ $0.isStopped }) { try self.receipts(environment)?.pass() }
    } catch {
      end.trouble = Failure(error)
    }
    end.summary.add(rescue.summary)
    return end
  }

  /// What applies receipts, also those that channels waited for before a new configuration; nil where the ledger keeps none.
  private func receipts(_ environment: SweepEnvironment) -> ReceiptRunner? {
    guard let ledger = ledger as? any ReceiptLedger else { return nil }
    let receipts = ReceiptRunner(environment, spool, ledger)
    state.withLock { $0.receipts = receipts }
    return receipts
  }

  private func sweep(
    _ environment: SweepEnvironment, _ selection: Selection, _ watcher: Watcher?, _ end: inout End
  ) throws(SweepTrouble) {
    let engine: Engine
    do throws(SystemFault) {
      let id = Engine.makeId(now: Surroundings.now(), ledger: ledger, nonce: Surroundings.nonce())
      engine = try Engine(environment, selection, id: id)
    } catch {
      throw SweepTrouble(fault: error)
    }
    let (stop, reload, look) = (engine.stopper, engine.reloader, engine.rescuer)
    state.withLock { $0.receipts }?.yields(to: engine)
    let isStopped = state.withLock { state -> Bool in
      (state.stop, state.reload, state.rescue) = (stop, reload, look)
      return state.isStopped
    }
    if isStopped { stop() }
    defer {
      state.withLock { ($0.stop, $0.reload, $0.rescue) = (nil, nil, nil) }
      end.summary = engine.summary
    }
    _ = try engine.run(watcher)
  }

  /// Settles at once what other sweeps have left.
  func rescue() { state.withLock { $0.rescue }?() }

  /// Calls it, from any thread, as soon as a folder of the spool is another.
  func whenReplaced(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.whenReplaced = tell } }

  /// Finishes what is in flight; a later run ends at once.
  func stop() {
    let (stop, receipts) = state.withLock { state in
      state.isStopped = true
      return (state.stop, state.receipts)
    }
    stop?()
    receipts?.end()
  }

  /// Another configuration for the engine that runs, if one does.
  func reload(_ configuration: Configuration) {
    reporter.forgetNotices()
    let (reload, receipts) = state.withLock { state in
      state.configuration = configuration
      return (state.reload, state.receipts)
    }
    reload?(configuration)
    receipts?.reload(configuration)
  }

  func shutdown() {
    let all = transports.withLock { Array($0.values) }
    for transport in all { transport.shutdown() }
  }

  private func environment(_ configuration: Configuration) -> SweepEnvironment {
    var environment = SweepEnvironment(
      spool: spool, ledger: ledger, configuration: configuration,
      transport: { [self] in transport(for: $0) }, clock: Surroundings.clock,
      random: { Randomness.with { Double.random(in: 0..<1, using: &$0) } },
      nonce: Surroundings.nonce,
      observe: { [self] event in
        if case .replaced = event { state.withLock { $0.whenReplaced }?() }
        reporter.observe(event)
      })
    environment.sessions = sessions
    environment.receiving = (ledger as? any PersonalLedger).map { ledger in
      ReceivingKit(spool: spool, ledger: ledger) { channel in
        // What came with a message may be large, and how large is the channel's to say.
        let room = max(8 << 20, (channel.personal?.maxMediaBytes ?? 0) + (1 << 16))
        let transport = RoutedTransport(.init(maxResponseBytes: room, caFile: channel.caFile))
        return (transport, { transport.shutdown(.abandon) })
      }
    }
    // A descriptor for each message in hand, with room for connections and the rest.
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      environment.window = min(environment.window, max(64, Int(clamping: limit.rlim_cur) - 600))
    }
    return environment
  }

  /// Channels that trust the same certificates share connections.
  private func transport(for channel: Channel) -> RoutedTransport {
    transports.withLock { transports in
      let key = channel.caFile ?? ""
      if let transport = transports[key] { return transport }
      let transport = RoutedTransport(.init(caFile: channel.caFile, openAttachment: SweepRunner.open))
      transports[key] = transport
      return transport
    }
  }

  private static func open(_ file: AttachmentFile) -> OpenedAttachment {
    do throws(SystemFault) {
      let (descriptor, size) = try AttachmentStore.open(file)
      return .file(descriptor: descriptor, size: size)
    } catch {
      return .failed("\(error)")
    }
  }
}
