import Core
import FoundationEssentials
import Glibc
import Ledgers
import Spooling
import Sweeping
import Synchronization
import Transports

/// What sweep and watch share: everything a sweep needs, made of the real things.
final class SweepRunner: Sendable {
  let spool: Spool
  let ledger: SQLiteLedger
  let reporter: SweepReporter
  let sessions = SessionStore()
  private let transports = Mutex<[String: RoutedTransport]>([:])
  private let stopper = Mutex<(stop: (@Sendable () -> Void)?, isStopped: Bool)>((nil, false))

  init(_ spool: Spool, _ ledger: SQLiteLedger, _ reporter: SweepReporter) {
    self.spool = spool
    self.ledger = ledger
    self.reporter = reporter
  }

  struct Pass {
    var summary = SweepSummary()
    /// Messages that went back because their channel is suspended.
    var held: Set<FileName> = []
    /// Files that went back for other reasons.
    var leftAlone: Set<FileName> = []
    /// Why it had to stop; what was done until then is in the summary.
    var trouble: Failure?
  }

  /// One pass: rescue, then the sweep.
  /// - Parameter rested: channels that are suspended and not to be tried yet.
  func pass(
    _ configuration: Configuration, _ selection: Selection, rested: Set<String> = []
  ) -> Pass {
    var environment = environment(configuration)
    environment.rested = rested
    var pass = Pass()
    var rescue = Rescue(environment)
    do throws(SweepTrouble) {
      try rescue.run()
      try sweep(environment, selection, &pass)
    } catch {
      pass.trouble = Failure(error)
    }
    pass.summary.add(rescue.summary)
    return pass
  }

  private func sweep(
    _ environment: SweepEnvironment, _ selection: Selection, _ pass: inout Pass
  ) throws(SweepTrouble) {
    let sweep: Sweep
    do throws(SystemFault) {
      let id = Sweep.makeId(now: Surroundings.now(), ledger: ledger, nonce: Surroundings.nonce())
      sweep = try Sweep(environment, selection, id: id)
    } catch {
      throw SweepTrouble(fault: error)
    }
    let stop = sweep.stopper
    let isStopped = stopper.withLock { state -> Bool in
      state.stop = stop
      return state.isStopped
    }
    if isStopped { stop() }
    defer {
      stopper.withLock { $0.stop = nil }
      pass = Pass(summary: sweep.summary, held: sweep.held, leftAlone: sweep.leftAlone)
    }
    _ = try sweep.run()
  }

  /// Finishes what is in flight; a later pass ends at once.
  func stop() {
    let stop = stopper.withLock { state -> (@Sendable () -> Void)? in
      state.isStopped = true
      return state.stop
    }
    stop?()
  }

  func shutdown() {
    let all = transports.withLock { Array($0.values) }
    for transport in all { transport.shutdown() }
  }

  private func environment(_ configuration: Configuration) -> SweepEnvironment {
    var environment = SweepEnvironment(
      spool: spool, ledger: ledger, configuration: configuration,
      transport: { [self] in transport(for: $0) }, now: Surroundings.now,
      random: { Randomness.with { Double.random(in: 0..<1, using: &$0) } },
      nonce: Surroundings.nonce, observe: { [reporter] in reporter.observe($0) })
    environment.sessions = sessions
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
