import Core
import FoundationEssentials
import Ledger
import Spooling
import Synchronization
import Threading

/// A sweep: claim → route → group → pace → record intent → send → learn → record outcome → settle. `sweep` ends when its
/// sources are dry, `watch` when it is told to.
///
/// Sources, transports and the settling desk work on threads of their own and post events; everything is decided here, on
/// the thread that runs `run`, one event after the other. Each piece of state has one owner: Documentation/engine.md.
package final class Engine {
  let environment: SweepEnvironment
  let inbox = Inbox<Event>()
  let parts: Parts
  var trouble: SweepTrouble?
  private var agenda = Agenda()
  private var isStopping = false
  private var hasBegun = false
  /// It ended because a folder of the spool is another now: whoever opens the spool anew goes on.
  package private(set) var isReplaced = false

  /// Locks cur/SWEEP; nothing is claimed yet.
  package init(_ environment: SweepEnvironment, _ selection: Selection, id: String) throws(SystemFault) {
    self.environment = environment
    parts = try Parts(environment, selection, id: id, inbox)
  }

  /// What was done so far, also when `run` ends with trouble.
  package var summary: SweepSummary { parts.tally.summary }

  /// Finishes what is in flight, sends nothing more, and returns the rest. From any thread.
  package var stopper: @Sendable () -> Void { { [inbox] in inbox.post(.stop) } }
  /// Takes another configuration at the next call. From any thread.
  package var reloader: @Sendable (Configuration) -> Void { { [inbox] in inbox.post(.reload($0)) } }

  /// Looks at once for sweeps that have died and left something. From any thread.
  package var rescuer: @Sendable () -> Void { { [inbox] in inbox.post(.orphaned) } }
  /// Whether nothing is in hand and on the wire, as of the last turn: then what comes after sending may be done. From any
  /// thread.
  package var isQuiet: @Sendable () -> Bool { { [quiet] in quiet.withLock { $0 } } }
  private let quiet = Shared(true)

  /// Whether there is nothing left to do.
  var isFinished: Bool {
    let isDry = !parts.selection.isEndless && agenda.isResting && parts.source.isDry
    return (isStopping || isDry) && parts.isIdle && inbox.isEmpty
  }

  /// Seconds until time alone brings something to do; nil while only an event can.
  var patience: Double? {
    // What was noted after this turn's commit is committed with the next.
    if parts.recorder.hasNews || parts.hand.isBoarding { return 0 }
    let now = environment.clock()
    let wakeUp = parts.channels.wakeUp(at: now.steady, hasQuestions: !parts.questions.isEmpty)
    return [wakeUp, parts.recorder.wakeUp, agenda.next(at: now)].compactMap { $0 }.min()
      .map { max(0, $0 - now.steady) }
  }

  // MARK: The loop

  /// What happened is taken in, what time has brought is looked at, and what may start is started.
  func turn(_ events: [Event]) {
    if !hasBegun { begin() }
    for event in events { absorb(event) }
    parts.board(isStopping: isStopping)
    wake()
    quiet.withLock { $0 = parts.hand.isEmpty && parts.calls.isIdle }
    do throws(SweepTrouble) {
      try parts.dispatcher.dispatch(isCaughtUp: agenda.isCaughtUp, isStopping: isStopping)
    } catch {
      stop(for: error)
    }
  }

  private func begin() {
    hasBegun = true
    if parts.selection.isEndless { agenda.expectRescue(at: environment.clock().steady) }
    do throws(LedgerFault) {
      parts.channels.begin(try environment.ledger.suspensions(), at: environment.clock())
    } catch {
      stop(for: SweepTrouble(fault: error))
    }
  }

  private func absorb(_ event: Event) {
    do throws(LedgerFault) {
      switch event {
      case .source(let event): try absorb(event)
      case .replied(let flight, let reply):
        if let question = parts.calls.land(flight, reply) { try parts.questions.answered(question) }
      case .settling(.settled(let items)): settled(items)
      case .settling(.failed(let fault, let settlements)):
        parts.recorder.failed(to: settlements)
        stop(for: SweepTrouble(fault: fault))
      case .neighbour: agenda.expectRescue(at: environment.clock().steady)
      case .orphaned: parts.rescue()
      case .rescued(let rescued, let othersLive):
        parts.tally.summary.add(rescued)
        if othersLive { agenda.expectRescue(at: environment.clock().steady) }
      case .reload(let configuration): reload(configuration)
      case .login(let channel), .received(.lost(let channel)):
        if parts.channels.lookAtLogin(channel, at: environment.clock()) { ask(.room) }
      case .received(.word(let channel, let date)): parts.receivers.heard(date, on: channel)
      case .replaced:
        if !isReplaced { environment.observe(.replaced) }
        isReplaced = true
        stop()
      case .stop: stop()
      case .failed(let trouble): stop(for: trouble)
      }
    } catch {
      stop(for: SweepTrouble(fault: error))
    }
  }

  private func absorb(_ event: SourceEvent) throws(LedgerFault) {
    switch event {
    case .claimed(let claims, let isMore):
      agenda.claimed(isMore: isMore)
      try parts.intake.take(claims)
    case .left: parts.tally.summary.left += 1
    case .notice(let notice): environment.observe(.notice(notice))
    case .rested(let after, let due, let look): agenda.rested(after: after, due: due, look: look)
    case .failed(let fault): stop(for: SweepTrouble(fault: fault))
    }
  }

  private func settled(_ settled: [Settled]) {
    parts.recorder.settled(settled)
    for item in settled where item.settlement.line?.error?.isOfAllowance == true {
      if let line = item.settlement.line, let channel = line.channel { parts.receivers.settled(channel, at: line.at) }
    }
    if parts.tally.settled(settled, parts.share, environment.observe) { ask(.room) }
    let returned = settled.filter { $0.settlement.line == nil }.map(\.name)
    if !returned.isEmpty { ask(.returned(returned)) }
  }

  private func wake() {
    let now = environment.clock()
    // A channel was opened, or has room: what was passed over may be claimed.
    let isWanted = agenda.isResting && parts.share.isWanting && parts.share.room() > 0
    if parts.channels.wake(at: now) || isWanted { ask(.room) }
    if agenda.takeDue(at: now) { ask(.due) }
    if agenda.takeRescue(at: now) { parts.rescue() }
  }

  private func ask(_ request: SourceRequest) {
    agenda.ask()
    parts.source.ask(request)
  }

  private func reload(_ new: Configuration) {
    parts.reload(new)
    ask(.configured(defaultChannel: new.defaultChannel, maxMessageBytes: new.maxMessageBytes))
  }

  private func stop(for trouble: SweepTrouble) {
    if self.trouble == nil { self.trouble = trouble }
    stop()
  }

  private func stop() {
    if isStopping { return }
    isStopping = true
    parts.stop()
  }
}

/// A value that threads share.
private final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) { mutex = Mutex(value) }

  func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { mutex.withLock { body(&$0) } }
}
