import Core
import FoundationEssentials
import Ledgers
import Spooling

/// A sweep: claim → route → group → pace → record intent → send → learn → record outcome → settle. `sweep` ends when its
/// sources are dry, `watch` when it is told to.
///
/// Sources, transports and the settling desk work on threads of their own and post events; everything is decided here, on
/// the thread that runs `run`, one event after the other. Each piece of state has one owner: see OWNERS.md beside this file.
package final class Engine {
  let environment: SweepEnvironment
  let inbox = Inbox<Event>()
  let parts: Parts
  var trouble: SweepTrouble?
  private var configuration: Configuration
  private var isStopping = false
  private var hasBegun = false
  /// Nothing more is coming for now: what is gathered goes as it is, and lost calls are asked about.
  private var isCaughtUp = false
  /// The source has nothing to do, and knows of everything that it was asked.
  private var isResting = false
  private var asked = 0
  /// When sources want to be asked again.
  private var due: Date?
  private var look: Double?
  /// When to see whether sweeps beside this one have died; nil while there are none.
  private var rescueAt: Double?
  private static let rescueInterval = 60.0
  /// It ended because a folder of the spool is another now: whoever opens the spool anew goes on.
  package private(set) var isReplaced = false

  /// Locks cur/SWEEP; nothing is claimed yet.
  package init(_ environment: SweepEnvironment, _ selection: Selection, id: String) throws(SystemFault) {
    self.environment = environment
    configuration = environment.configuration
    parts = try Parts(environment, selection, id: id, inbox)
  }

  /// What was done so far, also when `run` ends with trouble.
  package var summary: SweepSummary { parts.tally.summary }

  /// Finishes what is in flight, sends nothing more, and returns the rest. From any thread.
  package var stopper: @Sendable () -> Void { { [inbox] in inbox.post(.stop) } }
  /// Takes another configuration at the next call. From any thread.
  package var reloader: @Sendable (Configuration) -> Void { { [inbox] in inbox.post(.reload($0)) } }

  // MARK: The loop

  /// Whether there is nothing left to do.
  var isFinished: Bool {
    let isOver = isStopping || (!parts.selection.isEndless && isResting && parts.source.isDry)
    return isOver && parts.hand.isEmpty && parts.calls.isIdle && parts.recorder.isIdle && inbox.isEmpty
  }

  /// Seconds until time alone brings something to do; nil while only an event can.
  var patience: Double? {
    let now = environment.clock()
    let moments = [
      parts.channels.wakeUp(at: now.steady), parts.recorder.wakeUp, look, rescueAt, due.map { now.steady(of: $0) },
    ]
    return moments.compactMap { $0 }.min().map { max(0, $0 - now.steady) }
  }

  /// What happened is taken in, what time has brought is looked at, and what may start is started.
  func turn(_ events: [Event]) {
    if !hasBegun { begin() }
    for event in events { absorb(event) }
    board()
    wake()
    dispatch()
  }

  private func begin() {
    hasBegun = true
    if parts.selection.isEndless { rescueAt = environment.clock().steady + Engine.rescueInterval }
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
      case .settling(let event): absorb(event)
      case .neighbour: rescueAt = rescueAt ?? environment.clock().steady + Engine.rescueInterval
      case .rescued(let rescued, let othersLive):
        parts.tally.summary.add(rescued)
        if othersLive { rescueAt = environment.clock().steady + Engine.rescueInterval }
      case .replaced:
        isReplaced = true
        stop()
      case .reload(let configuration): reload(configuration)
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
      (isCaughtUp, isResting) = (!isMore, false)
      try parts.intake.take(claims)
    case .left(let notice):
      parts.tally.summary.left += 1
      if let notice { environment.observe(.notice(notice)) }
    case .rested(let after, let due, let look):
      isResting = after == asked
      (isCaughtUp, self.due, self.look) = (true, due, look)
    case .failed(let fault): stop(for: SweepTrouble(fault: fault))
    }
  }

  private func absorb(_ event: SettlingDesk.Event) {
    switch event {
    case .settled(let settlements):
      parts.recorder.settled(settlements)
      if parts.tally.settled(settlements, parts.share, environment.observe) { ask(.room) }
      let returned = settlements.filter { $0.line == nil }.map(\.file.name)
      if !returned.isEmpty { ask(.returned(returned)) }
    case .failed(let fault, let settlements):
      parts.recorder.failed(to: settlements)
      stop(for: SweepTrouble(fault: fault))
    }
  }

  /// Puts everybody who is new in hand where it belongs now; some end at once, and their fallbacks follow.
  private func board() {
    while case let passengers = parts.hand.takeBoarding(), !passengers.isEmpty {
      let now = environment.clock()
      for passenger in passengers {
        switch passenger.leg.start {
        case .decided(let outcome):
          if let channel = configuration.channels[passenger.leg.channel] {
            parts.hand.conclude(passenger, outcome, of: nil, channel)
          } else {
            parts.hand.release(passenger)
          }
        case _ where isStopping: parts.hand.release(passenger)
        case .ask(let call): parts.questions.add(call, passenger)
        case .send: parts.channels.queue(passenger, at: now)
        }
      }
    }
  }

  private func wake() {
    let now = environment.clock()
    if parts.channels.wake(at: now) { ask(.room) }
    if let time = rescueAt, time <= now.steady {
      rescueAt = nil
      var environment = environment
      environment.configuration = configuration
      parts.rescuer.ask(environment)
    }
    guard due.map({ $0 <= now.date }) == true || look.map({ $0 <= now.steady }) == true else { return }
    (due, look) = (nil, nil)
    ask(.due)
  }

  private func dispatch() {
    do throws(SweepTrouble) {
      try parts.dispatcher.dispatch(isCaughtUp: isCaughtUp, isStopping: isStopping)
    } catch {
      stop(for: error)
      parts.recorder.handOver(at: environment.clock().steady, waits: false)
    }
  }

  private func ask(_ request: SourceRequest) {
    asked += 1
    isResting = false
    parts.source.ask(request)
  }

  // MARK: Changes

  private func reload(_ new: Configuration) {
    let now = environment.clock()
    configuration = new
    environment.sessions.removeAll()
    parts.hand.router = Router(new)
    parts.intake.reload(new)
    parts.questions.reload(new, at: now.date)
    parts.channels.reload(new, at: now)
    ask(.configured(defaultChannel: new.defaultChannel, maxMessageBytes: new.maxMessageBytes))
  }

  private func stop() {
    if isStopping { return }
    isStopping = true
    parts.source.stop()
    parts.intake.stop()
    parts.calls.isStopping = true
    parts.channels.releaseAll()
    parts.questions.stop()
  }

  private func stop(for trouble: SweepTrouble) {
    if self.trouble == nil { self.trouble = trouble }
    stop()
  }
}
