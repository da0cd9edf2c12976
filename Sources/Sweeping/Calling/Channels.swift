import Core
import FoundationEssentials
import Ledger
import Spooling

/// The channels: what waits for each, its pace, its trouble, its suspension. Nobody else decides what may go out.
final class Channels {
  /// A suspended channel is tried again, with one call, after so many seconds of an endless sweep.
  private static let rest = 300.0
  /// Names kept of those whose calls met a channel's trouble.
  private static let mostCulprits = 16

  private let environment: SweepEnvironment
  private let isEndless: Bool
  private let share: Share
  private let hand: Hand
  private let recorder: Recorder
  private var states: [String: ChannelState] = [:] { didSet { current = nil } }
  /// The one that was asked for last, while it is among these.
  private var current: ChannelState?
  /// As the ledger has them, for channels that were not used yet in this sweep.
  private var suspensions: [String: Suspension] = [:]
  private var configuration: Configuration

  init(_ environment: SweepEnvironment, isEndless: Bool, _ share: Share, _ hand: Hand, _ recorder: Recorder) {
    self.environment = environment
    self.isEndless = isEndless
    self.share = share
    self.hand = hand
    self.recorder = recorder
    configuration = environment.configuration
  }

  /// What the ledger knows of suspended channels: they get one call first, or none yet.
  func begin(_ known: [Suspension], at now: Moment) {
    for suspension in known {
      guard let channel = configuration.channels[suspension.channel] else { continue }
      suspensions[suspension.channel] = suspension
      let state = ChannelState(channel)
      if holds(suspension, channel, at: now.date) {
        state.suspend(suspension, probesAt: suspension.until.flatMap { isEndless ? now.steady(of: $0) : nil })
        share.close(channel.name)
        if !suspension.isOfLogin { environment.observe(.notice(suspension.notice)) }
      } else {
        probe(state, suspension)
      }
      states[channel.name] = state
    }
    for name in loginNames { lookAtLogin(name, at: now) }
  }

  private func holds(_ suspension: Suspension, _ channel: Channel, at now: Date) -> Bool {
    guard suspension.kind == .throttled, let personal = channel.personal else {
      return suspension.holds(at: now, configurationChanged: configuration.modified)
    }
    return Throttle(pause: personal.throttlePause).holds(suspension, at: now)
  }

  // MARK: Logins

  private var loginNames: [String] {
    configuration.channels.values.filter { $0.loggedIn != nil }.map(\.name).sorted()
  }

  /// Opens or shuts a channel by whether somebody is logged in now. Without a login nothing is sent, and nothing asked.
  /// - Returns: whether the source should look for what waits.
  @discardableResult
  func lookAtLogin(_ name: String, at now: Moment) -> Bool {
    guard let channel = configuration.channels[name], channel.loggedIn != nil else { return false }
    let standing = environment.sessions.standing(of: channel)
    guard let want = standing.want(of: channel) else {
      guard let suspension = suspensions[name], suspension.isOver(with: standing) else { return false }
      with(channel) { $0.open() }
      resume(name)
      return true
    }
    var suspension = suspensions[name] ?? Suspension(channel: name, kind: .credentials, reason: "", since: now.date)
    if !suspension.isOfLogin || suspension.reason != want {
      suspension = Suspension(
        channel: name, kind: .credentials, reason: want, since: now.date, until: .distantFuture,
        culprits: suspension.culprits)
      suspensions[name] = suspension
      recorder.note(suspension)
    }
    with(channel) { $0.suspend(suspension, probesAt: nil) }
    share.close(name)
    environment.observe(.notice(suspension.notice))
    releaseIfStopped(name, at: now)
    return false
  }

  /// The channel's state, made at its first use.
  private func with<Result>(_ channel: Channel, _ body: (ChannelState) -> Result) -> Result {
    if let state = states[channel.name] { return body(state) }
    let state = ChannelState(channel)
    states[channel.name] = state
    return body(state)
  }

  // MARK: Waiting for a call

  /// Puts a passenger where its channel's calls are gathered; on a channel that has stopped it ends at once.
  func queue(_ passenger: Passenger, at now: Moment) {
    guard let state = state(of: passenger.leg.channel) else { return hand.release(passenger) }
    if let ending = state.ending(at: now) { return hand.release(passenger, ending) }
    state.add(passenger)
  }

  private func state(of name: String) -> ChannelState? {
    if let current, current.channel.name == name { return current }
    let state = states[name] ?? configuration.channels[name].map { with($0) { $0 } }
    current = state
    return state
  }

  /// A call that was taken out, or a part of it, goes back to be the next of its priority.
  func putBack(_ batch: Batch, _ channel: Channel, at now: Moment) {
    with(channel) { $0.putBack(batch) }
    releaseIfStopped(channel.name, at: now)
  }

  /// A call to be repeated under its idempotency key.
  func push(_ batch: Batch, _ channel: Channel) { with(channel) { $0.push(batch) } }

  func ending(_ channel: Channel, at now: Moment) -> ChannelState.Ending? { with(channel) { $0.ending(at: now) } }

  /// A place for one more call right now, or a channel that has stopped and will never have one.
  func isFree(_ name: String, at now: Double) -> Bool {
    states[name].map { $0.isStopped(at: now) || $0.places(at: now) > 0 } ?? true
  }

  /// In an order that is the same in every run.
  private var names: [String] { states.count < 2 ? Array(states.keys) : states.keys.sorted() }

  /// Everybody goes back untried: the sweep stops, or the configuration is another.
  func releaseAll(due: Date? = nil) {
    for name in names { release(name, .untried(due: due)) }
  }

  private func releaseIfStopped(_ name: String, at now: Moment) {
    guard let ending = states[name]?.ending(at: now) else { return }
    release(name, ending)
  }

  private func release(_ name: String, _ ending: ChannelState.Ending) {
    for party in states[name]?.drain() ?? [] { hand.release(party, ending) }
  }

  // MARK: Calls

  /// The calls that may start now, each channel's most urgent first.
  /// - Parameter gathers: nothing more is coming for now: what is gathered goes as it is.
  func takeReady(at now: Moment, gathers: Bool, _ visit: (Channel, Batch) -> Bool) {
    for name in names {
      guard let state = states[name] else { continue }
      var places = state.places(at: now.steady)
      while places > 0, let batch = next(state, gathers: gathers) {
        if visit(state.channel, batch) { places -= 1 }
      }
    }
  }

  private func next(_ state: ChannelState, gathers: Bool) -> Batch? {
    // What is gathered goes only when there is a place for it: until then more may join.
    // Those of a long list who are still to come join when those before them are through, and these go only when their
    // calls are full.
    if gathers, state.waiting > 0, state.grouper.waitingHigh > 0 || !state.grouper.hasReady,
      !hand.hasMore(of: state.channel.name)
    {
      if !share.hasMore(of: state.channel.name) {
        state.flush()
      } else if state.grouper.waitingHigh > 0 {
        state.flushUrgent()
      } else if state.inFlight == 0, recorder.isIdle, !share.seeks(state.channel.name) {
        // More of it is there than its share takes, and nothing under way will make room: the fullest go as they are.
        state.relieve()
      }
    }
    return state.next()
  }

  func start(_ channel: Channel) -> Int { with(channel) { $0.start() } }
  func landed(_ channel: Channel) { with(channel) { $0.landed() } }
  func wait(_ channel: Channel, _ seconds: Double, at now: Double) { with(channel) { $0.wait(seconds, at: now) } }

  /// The steady time at which time alone lets something go out.
  /// - Parameter hasQuestions: lost calls are to be asked about, on whichever channels.
  func wakeUp(at now: Double, hasQuestions: Bool) -> Double? {
    states.values.compactMap { state in
      // A pause matters to those who wait.
      let matters =
        hasQuestions || state.suspension != nil || !state.isEmpty
        || (state.isProbing && state.isParked(at: now))
      return matters ? state.wakeUp(at: now) : nil
    }.min()
  }

  /// Time has passed: suspended channels whose rest is over get one call.
  /// - Returns: whether the source should look for one.
  func wake(at now: Moment) -> Bool {
    var looks = false
    for (name, state) in states {
      if let suspension = state.suspension, let due = state.probesAt, due <= now.steady {
        probe(state, suspension)
        looks = true
      } else if let suspension = state.probed, let until = state.parkedUntil, until <= now.steady,
        shutProbes.contains(name)
      {
        shutProbes.remove(name)
        probe(state, suspension)
        looks = true
      }
    }
    return looks
  }

  /// Channels whose probe did not get through: nothing more is claimed for them before their pause is over.
  private var shutProbes: Set<String> = []

  private func probe(_ state: ChannelState, _ suspension: Suspension) {
    state.probe(suspension)
    share.probe(state.channel.name, avoiding: Set(suspension.culprits.map(FileName.init(display:))))
  }

  // MARK: Learning

  /// What an answer says of the channel.
  func learn(_ answer: Answer, of flight: Flight, at now: Moment) -> Lesson {
    let channel = flight.channel
    if let capacity = answer.capacity { with(channel) { $0.limit(to: capacity) } }
    switch answer.advice {
    case .suspend:
      // The one that tells of it: others may have been accepted beside it.
      let teller = answer.outcomes.first { $0.state == .deferred } ?? answer.outcomes.first
      return suspend(flight, answer, teller, at: now)
    // Its halves will tell.
    case .split: return .goesOn
    case .slowDown(let retryAfter):
      with(channel) {
        $0.gotTrouble(era: flight.era, answer.outcomes.first, retryAfter: retryAfter, at: now.steady)
      }
      guard with(channel, { $0.isParked(at: now.steady) }) else { return .goesOn }
      releaseIfStopped(channel.name, at: now)
      if with(channel, { $0.isProbing }) {
        share.close(channel.name)
        shutProbes.insert(channel.name)
      }
      return .goesOn
    case .proceed: return hear(answer, flight, at: now)
    }
  }

  private func hear(_ answer: Answer, _ flight: Flight, at now: Moment) -> Lesson {
    let channel = flight.channel
    if isUnqueued(answer, channel) {
      let outcome = Outcome.deferred(.provider, reason: Suspension.unqueued)
      return suspend(flight, answer, outcome, at: now)
    }
    let heard = zip(flight.batch.entries, answer.outcomes).lazy.map { entry, outcome in
      // Refused for what it says: one witness a message, however many it is for.
      let witness = outcome.kind == .message ? Verbatim(entry.item.lead.job.label) : Verbatim(entry.target.identity)
      // A deferral that was the last one allowed is a refusal.
      return (
        recipient: witness, outcome: Verdict.final(outcome, attempt: entry.item.lead.job.attempt, channel.retry)
      )
    }
    let finding = with(channel) { $0.suspicion.hear(heard) }
    if let probed = with(channel, { $0.probed }), !answer.outcomes.contains(where: { $0.state == .accepted }) {
      // The same trouble as before, to another recipient: it is no recipient's.
      if let outcome = answer.outcomes.first(where: { $0.repeats(probed) }) {
        return suspend(flight, answer, outcome, suspectedFor: probed.suspectedFor, isRepeated: true, at: now)
      }
      // Only an acceptance ends a suspicion; otherwise any answer about a recipient shows that the account is let in.
      if probed.suspectedFor != nil { return .goesOn }
    }
    switch finding {
    case .account(let outcome): return suspend(flight, answer, outcome, at: now)
    case .suspected(let code, let count):
      let outcome = answer.outcomes.first { $0.code == code } ?? answer.outcomes.first
      return suspend(flight, answer, outcome, suspectedFor: code, count: count, at: now)
    case .nothing: break
    }
    // What was in flight when the channel was suspended proves nothing.
    if with(channel, { $0.suspension }) != nil { return .goesOn }
    with(channel) { $0.succeeded(era: flight.era) }
    resume(channel.name)
    return .goesOn
  }

  /// So many successes in a row without the id that shows that a message was queued.
  private static let mostUnqueued = 3

  /// Nothing arrives: the service says yes to everything, and queues none of it.
  private func isUnqueued(_ answer: Answer, _ channel: Channel) -> Bool {
    guard channel.allowing != nil, let ledger = environment.receiving?.ledger,
      answer.outcomes.first?.code == Outcome.noIdCode
    else { return false }
    let before = (try? ledger.lastOutcomes(channel.name, count: Channels.mostUnqueued - 1)) ?? []
    return before.count == Channels.mostUnqueued - 1 && before.allSatisfy { $0.code == Outcome.noIdCode }
  }

  private func resume(_ name: String) {
    guard suspensions.removeValue(forKey: name) != nil else { return }
    share.open(name)
    recorder.note(resumed: name)
  }

  private func suspend(
    _ flight: Flight, _ answer: Answer, _ outcome: Outcome?, suspectedFor code: String? = nil, count: Int? = nil,
    isRepeated: Bool = false, at now: Moment
  ) -> Lesson {
    let channel = flight.channel
    if let suspension = with(channel, { $0.suspension }) { return .suspended(suspension, isRepeated: isRepeated) }
    var said = channel.masked([outcome?.code, outcome?.reason].compactMap { $0 }.joined(separator: ": "))
    if answer.rest == .untilLogin { said = Suspension.notLoggedIn(channel.name, said) }
    let reason = count.map { "suspected: \($0) different recipients in a row were refused (\(said))" } ?? said
    let until: Date? =
      switch answer.rest {
      case .untilNextSweep: nil
      case .seconds(let seconds): now.date + seconds
      case .untilTomorrow: LocalTime.nextDay(after: now.date, in: channel.zone)
      case .untilMended, .untilLogin: .distantFuture
      case .throttled:
        now.date + Throttle(pause: channel.personal?.throttlePause ?? 4 * 3600).next(after: suspensions[channel.name])
      }
    let before = suspensions[channel.name]?.culprits ?? []
    let suspension = Suspension(
      channel: channel.name, kind: outcome?.kind ?? .credentials, reason: reason, since: now.date, until: until,
      suspectedFor: code,
      culprits: (before.filter { $0 != flight.culprit } + [flight.culprit]).suffix(Channels.mostCulprits))
    let rest = until.map { $0.timeIntervalSince(now.date) } ?? Channels.rest
    with(channel) { $0.suspend(suspension, probesAt: isEndless && rest < 1e9 ? now.steady + rest : nil) }
    suspensions[channel.name] = suspension
    share.close(channel.name)
    recorder.note(suspension)
    environment.observe(.notice(suspension.notice))
    releaseIfStopped(channel.name, at: now)
    return .suspended(suspension, isRepeated: isRepeated)
  }

  // MARK: Another configuration

  /// Everybody who waits goes back, to be routed anew; suspended channels are tried at once.
  func reload(_ new: Configuration, at now: Moment) {
    releaseAll(due: now.date)
    configuration = new
    for (name, old) in states {
      guard let channel = new.channels[name] else { continue }
      let state = old.renewed(channel)
      if let suspension = suspensions[name], suspension.kind == .throttled, holds(suspension, channel, at: now.date) {
        // The service bars for longer whoever goes on: no signal shortens that.
        state.suspend(suspension, probesAt: suspension.until.flatMap { isEndless ? now.steady(of: $0) : nil })
        share.close(name)
      } else if let suspension = suspensions[name] {
        probe(state, suspension)
      } else {
        share.open(name)
      }
      states[name] = state
    }
    for name in loginNames { lookAtLogin(name, at: now) }
  }
}

/// What an answer taught of its channel.
enum Lesson: Equatable {
  case goesOn
  /// - isRepeated: a probe met the trouble that the channel was suspended for.
  case suspended(Suspension, isRepeated: Bool)
}

extension Outcome {
  /// Whether a probe met with what its channel was suspended for.
  fileprivate func repeats(_ suspension: Suspension) -> Bool {
    if blame == .account, state != .accepted { return true }
    guard let code = suspension.suspectedFor else { return false }
    return state == .rejected && blame == .unclear && word == code
  }
}
