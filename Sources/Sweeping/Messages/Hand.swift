import Core
import FoundationEssentials
import Ledger
import Spooling

/// The messages in hand. Owns them from intake to settlement: a message whose last recipient has an end finishes itself,
/// by getting its history line (or none, when it goes back unchanged) and going to be settled.
final class Hand {
  private let environment: SweepEnvironment
  private let sweep: String
  private let recorder: Recorder
  private var jobs: [ObjectIdentifier: Job] = [:]
  /// Who waits to be put where it belongs.
  private var boarding: [Passenger] = []
  /// Long lists of which more are to come, by channel.
  private var long: [String: Int] = [:]
  var router: Router

  init(_ environment: SweepEnvironment, sweep: String, _ recorder: Recorder) {
    self.environment = environment
    self.sweep = sweep
    self.recorder = recorder
    router = Router(environment.configuration)
  }

  var isEmpty: Bool { jobs.isEmpty }
  /// Ways to recipients, for tests.
  var passengers: Int { jobs.values.reduce(0) { $0 + $1.passengers.count } }

  /// Messages that took part in a call and have no end: what they may have sent is for the next sweep's rescue.
  var inDoubt: [FileName] { jobs.values.filter { !$0.calls.isEmpty }.map(\.file.name) }

  func take(_ job: Job) {
    jobs[ObjectIdentifier(job)] = job
    boarding += job.passengers
    if job.isLong { long[job.itinerary.channel.name, default: 0] += 1 }
    // Nobody left to send to: all were accepted before.
    if job.isOver { finish(job) }
  }

  /// More recipients of messages in hand are to come through the channel.
  func hasMore(of channel: String) -> Bool { long[channel] != nil }

  /// Nobody more of long lists joins in this attempt: the sweep stops, or the configuration is another.
  func cutLists(due: Date?) {
    if long.isEmpty { return }
    for job in jobs.values where job.isLong {
      job.cut(due: due)
      if job.isOver { finish(job) }
    }
    long.removeAll()
  }

  var isBoarding: Bool { !boarding.isEmpty }

  /// Everybody who waits to be put where it belongs, taken out.
  func takeBoarding() -> [Passenger] {
    if boarding.isEmpty { return [] }
    defer { boarding.removeAll(keepingCapacity: boarding.count < 4096) }
    return boarding
  }

  // MARK: Ends

  /// The end by an outcome: used-up attempts are final, doubt is handled as the contract says, and a final rejection may
  /// go on through the fallback channel.
  /// - Parameter call: the call that the outcome is of, and when it started; nil for what took part in none.
  func conclude(_ passenger: Passenger, _ outcome: Outcome, of call: (id: String, startedAt: Date)?, _ channel: Channel)
  {
    var outcome = outcome
    var question: (call: String, due: Date)?
    if outcome.state == .unconfirmed, let call {
      (outcome, question) = Doubt.resolve(
        outcome, call: call.id, startedAt: call.startedAt, channel, now: environment.now())
    }
    if outcome.state == .accepted, passenger.accept(outcome) {
      // The next part has its turn.
      boarding.append(passenger)
      return
    }
    outcome = Verdict.final(outcome, attempt: passenger.job.attempt, channel.retry)
    let isUnallowed = outcome.state == .deferred && outcome.kind == .quota && call != nil
    if isUnallowed, channel.allowing != nil {
      let due = environment.now() + Allowance.pause(after: passenger.job.itinerary.unallowed)
      return end(passenger, outcome, isTried: false, due: due)
    }
    end(passenger, outcome, isTried: call != nil && outcome.usesAttempt, question: question)
  }

  /// The end of one that took part in no call: untried, or deferred by its channel's state.
  func release(_ passenger: Passenger, _ ending: ChannelState.Ending = .untried(due: nil)) {
    switch (ending, passenger.leg.start) {
    case (.untried(let due), .send) where passenger.leg.trail?.hasNews == true:
      // Parts of it were accepted, which must not be forgotten.
      let outcome = Outcome.deferred(.provider, reason: "was accepted in part; the rest is still to be sent")
      end(passenger, outcome, isTried: false, due: due ?? environment.now() + Verdict.suspensionPause)
    case (.untried(let due), .send) where passenger.leg.isFallback || passenger.isRefuted:
      // What was learned of it must not be forgotten: that the first channel refused it, or that it was not carried out.
      // And a message whose fallback is suspended must wait: in new/ its own channel would have it at once.
      let reason = passenger.isRefuted ? "was not carried out; is sent again" : "goes on through the fallback channel"
      let outcome = Outcome.deferred(.provider, code: passenger.result.refusal?.code, reason: reason)
      end(passenger, outcome, isTried: false, due: due ?? environment.now() + Verdict.suspensionPause)
    case (.untried(let due), _): end(passenger, nil, isTried: false, due: due)
    // Its channel's trouble is no answer to the question.
    case (.deferred(_, let due), .ask(let call)): keepDoubt(passenger, call, due: due)
    case (.deferred(let outcome, let due), _): end(passenger, outcome, isTried: false, due: due)
    }
  }

  /// It stays in doubt until `due`, when its provider is asked, or it has come back or not.
  func keepDoubt(_ passenger: Passenger, _ call: String, due: Date) {
    let recovery = router.configuration.channels[passenger.leg.channel]?.recovery
    let outcome =
      if case .echo? = recovery {
        Outcome.unconfirmed(reason: "sent, and no answer that tells; it has not come back yet")
      } else { Outcome.unconfirmed(reason: "sent, and no answer came; the provider will be asked") }
    end(passenger, outcome, isTried: false, question: (call, due))
  }

  private func end(
    _ passenger: Passenger, _ outcome: Outcome?, isTried: Bool, question: (call: String, due: Date)? = nil,
    due: Date? = nil
  ) {
    passenger.end(outcome, isTried: isTried, question: question, due: due)
    if outcome?.state == .rejected { boarding += passenger.fallBack(router) }
    let job = passenger.job
    if job.isLong {
      boarding += job.walkOn()
      if !job.isLong { forget(long: job.itinerary.channel.name) }
    }
    if job.isOver { finish(job) }
  }

  private func forget(long channel: String) {
    let count = long[channel, default: 0] - 1
    long[channel] = count > 0 ? count : nil
  }

  /// Everybody has an end.
  private func finish(_ job: Job) {
    let ends = job.takeEnds()
    let isShared = job.itinerary.channel.digest != nil && DigestRule.admits(job.message)
    let circumstances = Verdict.Circumstances(
      now: environment.now(), sweep: sweep, dropped: job.dropped, random: isShared ? 0.5 : environment.random())
    var line = Verdict.line(job.itinerary, ends, calls: job.calls, circumstances)
    // What failed together is to go out together again.
    if isShared, let due = line?.due, !ends.hasQuestion { line?.due = DigestRule.retry(due) }
    if let id = job.message.id, line?.state.isFinal ?? (job.itinerary.attempts == 0) {
      // Of what failed, or was never sent at all, whoever comes back with the id, an edited copy perhaps, may have it.
      let isFree = line.map { $0.state == .failed || $0.state == .expired } ?? true
      recorder.note(
        SettledIdentifier(channel: job.itinerary.channel.name, id: id, owner: job.file.owner, isFree: isFree))
    }
    recorder.noteFailure(line, of: job.file, id: job.message.id)
    jobs[ObjectIdentifier(job)] = nil
    recorder.settle(job.file, line, share: job.channel, dropped: job.dropped)
  }
}
