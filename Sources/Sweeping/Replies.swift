import Core
import FoundationEssentials
import Ledgers
import Spooling

/// Send → classify → record outcome: what a reply means for everybody in the call, and for the channel.
extension Sweep {
  func land(_ number: Int, _ reply: Reply) {
    guard let flight = flights.removeValue(forKey: number) else { return }
    if case .ask(let question) = flight.purpose {
      withRunner(of: flight.channel) { $0.end() }
      return conclude(flight, reply, question)
    }
    let session = environment.sessions.session(of: flight.channel.name)
    let step = Classification.proceed(
      reply, after: flight.stage, flight.call, by: flight.channel.provider, session, at: environment.now(),
      nonce: environment.nonce())
    flight.reply = reply
    if let errand = follow(step, flight) { launch([(flight.channel, errand)]) }
  }

  func conclude(_ flight: Flight, _ answer: Answer) {
    let now = environment.now()
    let answer = Classification.masked(answer, flight.channel)
    observe(flight, answer, now)
    advise(answer, flight, now)
    let halves = answer.advice == .split ? Split.halves(of: flight.batch) : nil
    pending.finished.append(finished(flight, halves == nil ? answer : Split.undecided(answer)))
    if let halves {
      let isStopped = isStopping || runners[flight.channel.name]?.isStopped == true
      withRunner(of: flight.channel) { runner in halves.reversed().forEach { runner.grouper.putBack($0) } }
      if isStopped { drain(flight.channel.name) }
      return
    }
    for (index, passenger) in flight.passengers.enumerated() {
      // A suspended channel's messages go back unchanged, but for what the same answer says of some: who was accepted
      // beside the trouble must not get it again.
      if answer.advice == .suspend, answer.outcomes[index].state == .deferred {
        end(passenger, nil)
      } else {
        conclude(answer.outcomes[index], passenger.leg, of: passenger.job, call: flight, flight.channel)
        if passenger.job.isComplete { finish(passenger.job) }
      }
    }
  }

  /// The leg's end by this outcome: used-up attempts are final, doubt is handled as the contract says, and a final
  /// rejection may go on through the fallback channel.
  func conclude(_ outcome: Outcome, _ leg: Int, of job: Job, call: Flight?, _ channel: Channel) {
    var outcome = outcome
    var question: (call: String, due: Date)?
    if outcome.state == .unconfirmed, let call {
      (outcome, question) = Doubt.resolve(
        outcome, call: call.call.id, startedAt: call.started, channel, now: environment.now())
    }
    outcome = Verdict.final(outcome, attempt: job.attempt, channel.retry)
    job.end(leg, outcome, isTried: call != nil, question: question)
    guard outcome.state == .rejected else { return }
    for index in job.fallBack(leg, router) { board(index, of: job) }
  }

  private func finished(_ flight: Flight, _ answer: Answer) -> FinishedCall {
    var finished = FinishedCall(id: flight.call.id, outcomes: answer.outcomes)
    let channel = flight.channel
    guard channel.daily > 0 || channel.dailyPerRecipient > 0 else { return finished }
    if channel.card.countsRefused, case .http? = flight.reply { return finished }
    // What the provider did not take does not use up its limit.
    let free = zip(flight.call.recipients, answer.outcomes).filter { $1.state == .deferred || $1.state == .rejected }
    guard !free.isEmpty else { return finished }
    finished.uncounted = .init(
      channel: channel.name, day: flight.day, recipients: channel.daily > 0 ? free.count : 0,
      identities: channel.dailyPerRecipient > 0 ? free.map { $0.0.target.identity } : [])
    return finished
  }

  private func advise(_ answer: Answer, _ flight: Flight, _ now: Date) {
    let name = flight.channel.name
    switch answer.advice {
    case .proceed, .split:
      withRunner(of: flight.channel) { $0.succeeded(era: flight.era) }
      if wasSuspended(name) {
        resumed(name)
        pending.resumed.append(name)
      }
    case .slowDown(let retryAfter):
      withRunner(of: flight.channel) {
        $0.gotTrouble(era: flight.era, answer.outcomes.first, retryAfter: retryAfter, now: now)
      }
      if runners[name]?.parkedUntil != nil { drain(name) }
    case .suspend:
      suspend(flight.channel, answer, now)
    }
  }

  private func suspend(_ channel: Channel, _ answer: Answer, _ now: Date) {
    let outcome = answer.outcomes.first
    guard runners[channel.name]?.suspension == nil else { return }
    let reason = channel.masked([outcome?.code, outcome?.reason].compactMap { $0 }.joined(separator: ": "))
    let until: Date? =
      switch answer.rest {
      case .untilNextSweep: nil
      case .seconds(let seconds): now + seconds
      case .untilTomorrow: LocalTime.nextDay(after: now, in: channel.zone)
      case .untilMended: .distantFuture
      }
    let suspension = Suspension(
      channel: channel.name, kind: outcome?.kind ?? .credentials, reason: reason, since: now, until: until)
    withRunner(of: channel) { $0.suspend(suspension) }
    pending.suspended.append(suspension)
    environment.observe(.notice(suspension.notice))
    drain(channel.name)
  }

  private func observe(_ flight: Flight, _ answer: Answer, _ now: Date) {
    var report = CallReport(
      id: flight.call.id, channel: flight.channel.name, provider: flight.channel.card.name,
      recipients: flight.call.recipients.map(\.target.address), messages: flight.passengers.countJobs, status: nil,
      seconds: now.timeIntervalSince(flight.started), outcomes: answer.outcomes, failure: nil)
    switch flight.reply {
    case .http(let response)?: report.status = response.status
    case .mail(let response)?: report.status = response.final?.code
    case .program(let response)?: report.status = response.status.map(Int.init)
    case .notSent(let failure)?, .lost(let failure)?: report.failure = failure
    case nil: break
    }
    environment.observe(.call(report))
  }
}

extension Suspension {
  /// What people are told: what is wrong, what to do, and when it is tried again.
  var notice: Notice {
    let cause = kind == .quota ? "the quota or balance is used up" : "the credentials or settings are wrong"
    let remedy = kind == .quota ? "top up the account" : "correct the channel in the configuration"
    let next =
      switch until {
      case nil: "the next sweep tries with one call first"
      case .distantFuture?: "nothing is sent before the configuration has changed: the provider bars those who go on"
      case let until?: "nothing is sent before \(RFC3339.string(until)): the provider bars those who go on"
      }
    return Notice("channel \(channel)", "suspended: \(cause)", said: reason, hint: "\(remedy); \(next)")
  }
}

extension Collection<Passenger> {
  /// Different messages among them; a message's recipients are neighbours.
  fileprivate var countJobs: Int {
    var count = 0
    var last: Job?
    for passenger in self where passenger.job !== last {
      count += 1
      last = passenger.job
    }
    return count
  }
}
