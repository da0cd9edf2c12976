import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// The calls under way: intents, steps, sessions and replies.
final class Calls {
  private let environment: SweepEnvironment
  private let sweep: String
  private let channels: Channels
  private let hand: Hand
  private let recorder: Recorder
  private let tally: Tally
  private let deliver: @Sendable (_ flight: Int, Reply) -> Void
  private var flights: [Int: Flight] = [:]
  private var launched = 0
  private var proposed = 0
  /// No step of a call is begun that delivers.
  var isStopping = false

  init(
    _ environment: SweepEnvironment, sweep: String, _ channels: Channels, _ hand: Hand, _ recorder: Recorder,
    _ tally: Tally, deliver: @escaping @Sendable (_ flight: Int, Reply) -> Void
  ) {
    self.environment = environment
    self.sweep = sweep
    self.channels = channels
    self.hand = hand
    self.recorder = recorder
    self.tally = tally
    self.deliver = deliver
  }

  var isIdle: Bool { flights.isEmpty }
  /// Recipients in calls that are under way.
  var recipients: Int { flights.values.reduce(0) { $0 + $1.call.recipients.count } }

  // MARK: Intent

  /// A call that may start, if the ledger takes its intent.
  final class Proposal {
    let call: ProposedCall
    var batch: Batch
    let channel: Channel

    init(_ call: ProposedCall, _ batch: Batch, _ channel: Channel) {
      self.call = call
      self.batch = batch
      self.channel = channel
    }
  }

  /// The calls that may start now.
  /// - Parameter gathers: see `Channels.takeReady`.
  func propose(at now: Moment, gathers: Bool) -> [Proposal] {
    var proposals: [Proposal] = []
    channels.takeReady(at: now, gathers: gathers) { channel, batch in
      var batch = batch
      releaseLate(in: &batch, channel, now.date)
      if batch.entries.isEmpty { return false }
      proposals.append(Proposal(propose(batch, channel, now.date), batch, channel))
      return true
    }
    return proposals
  }

  /// A sweep may last: what has expired, or has got into quiet hours, while it waited for its call ends untried, and is
  /// routed anew.
  private func releaseLate(in batch: inout Batch, _ channel: Channel, _ now: Date) {
    let isQuiet = channel.quietHours?.end(after: now) != nil
    let isLate = { (entry: Grouper<Party>.Entry) -> Bool in
      (isQuiet && entry.priority != .high)
        || entry.item.contains { $0.job.message.expiresAt.map { $0 <= now } ?? false }
    }
    guard batch.entries.indices.contains(where: { isLate(batch.entries[$0]) }) else { return }
    for entry in batch.entries where isLate(entry) { hand.release(entry.item, .untried(due: now)) }
    batch.entries.removeAll(where: isLate)
  }

  private func propose(_ batch: Batch, _ channel: Channel, _ now: Date) -> ProposedCall {
    proposed += 1
    let number = String(proposed)
    let counts = channel.dailyPerRecipient > 0
    let day = LocalTime.day(of: now, in: channel.zone)
    var call = ProposedCall(
      id: batch.repeats ?? "\(sweep)-\(String(repeating: "0", count: max(0, 6 - number.count)))\(number)",
      sweep: sweep, channel: channel.name, provider: channel.card.name,
      members: batch.members, sizes: batch.isShared ? batch.entries.map(\.item.count) : [],
      rate: channel.rate, day: day, daily: channel.daily, dailyPerRecipient: channel.dailyPerRecipient,
      identities: counts ? batch.entries.map(\.target.identity) : [])
    call.charge = Charging.charge(batch, channel, day: day)
    if channel.card.unevenness > 0 {
      call.stretch = 1 - channel.card.unevenness + 2 * channel.card.unevenness * environment.random()
      call.longestStretch = 1 + channel.card.unevenness
    }
    call.isNumbered = channel.card.numbersCalls
    call.allowance = channel.allowing?.allowance
    if channel.receipts != .off { call.reference = channel.receipting?.ownReference(in: batch.entries[0].content) }
    call.isPrepared =
      channel.parting != nil && environment.receiving != nil
      && batch.entries.contains { !$0.content.attachments.isEmpty }
    return call
  }

  func release(_ proposals: [Proposal]) {
    for proposal in proposals {
      for entry in proposal.batch.entries { hand.release(entry.item) }
    }
  }

  // MARK: Starting

  /// Starts what the ledger admitted; the rest waits, or its day is used up.
  func start(_ proposals: [Proposal], _ admissions: [Admission], at now: Moment) {
    var errands: [(Channel, Errand)] = []
    // Backwards, so that batches which must wait are put back in their order.
    for (proposal, admission) in zip(proposals, admissions).reversed() {
      if let errand = start(proposal, admission, now) { errands.append((proposal.channel, errand)) }
    }
    launch(errands.reversed())
  }

  /// What to send for an admitted call; nil when it has to wait or nobody in it is left.
  private func start(_ proposal: Proposal, _ admission: Admission, _ now: Moment) -> Errand? {
    let channel = proposal.channel
    let number: Int
    switch admission {
    case .wait(let until):
      // Nobody waits longer than from one slot to the next, whatever the clocks say.
      let longest = (1 + channel.card.unevenness) / channel.rate + 1
      let seconds = min(max(0, until.timeIntervalSince(now.date)), longest)
      channels.wait(channel, seconds, at: now.steady)
      channels.putBack(proposal.batch, channel, at: now)
      return nil
    case .unallowed:
      for entry in proposal.batch.entries {
        entry.item.forEach { hand.release($0, .unallowed(of: channel, $0, at: now.date)) }
      }
      return nil
    case .start(let refused, let given):
      number = given
      for index in refused.reversed() { refuse(proposal.batch.entries.remove(at: index), channel, now.date) }
    case .startWithin(let span, let refused, let beyond, let given):
      number = given
      environment.observe(.notice(Charging.notice(span, channel, now.date)))
      let dear = Set(beyond)
      for index in (refused + beyond).sorted(by: >) {
        let entry = proposal.batch.entries.remove(at: index)
        if dear.contains(index) {
          hand.release(entry.item, Charging.ending(span, channel, now.date))
        } else {
          refuse(entry, channel, now.date)
        }
      }
    }
    guard !proposal.batch.entries.isEmpty else { return nil }
    let problem = load(&proposal.batch, channel)
    let batch = proposal.batch
    if let problem {
      let outcomes = batch.entries.map { _ in Outcome.rejected(.message, reason: problem) }
      var finished = FinishedCall(id: proposal.call.id, outcomes: batch.outcomes(outcomes))
      finished.refund = Charging.refund(batch, outcomes, channel)
      recorder.note(finished)
      for passenger in batch.passengers { hand.conclude(passenger, outcomes[0], of: nil, channel) }
      return nil
    }
    let call = Call(id: proposal.call.id, batch, usesKeys: channel.card.usesKeys)
    for entry in batch.entries {
      entry.item.forEach {
        $0.job.took(part: call.id)
        if channel.digest != nil { $0.share(with: entry.item.count) }
      }
    }
    let flight = Flight(
      .send, channel, call, batch, started: now, era: channels.start(channel), day: proposal.call.day)
    tally.summary.calls += 1
    tally.summary.recipients += call.recipients.count
    flight.number = number
    flight.isPrepared = proposal.call.isPrepared
    return begin(flight, at: now.date)
  }

  /// The first step, with the login that the channel has now, where it needs one.
  private func begin(_ flight: Flight, at now: Date) -> Errand? {
    let channel = flight.channel
    if channel.loggedIn != nil {
      if flight.hold == nil { flight.hold = environment.sessions.hold(channel) }
      guard flight.hold != nil else {
        return follow(.finish(.all(.unreached(reason: "somebody is logging in"), in: flight.call)), flight)
      }
      switch environment.sessions.standing(of: channel) {
      case .ok, .free: break
      case .ended, .none, .unusable:
        // Since this sweep looked: nothing goes out, and the channel rests.
        return follow(.finish(.sessionLost(code: "ended", "the session is over", in: flight.call)), flight)
      }
    }
    let session = session(for: flight)
    return follow(
      Classification.begin(flight.call, by: channel, session, at: now, nonce: environment.nonce()), flight)
  }

  private func session(for flight: Flight) -> Session {
    var session = environment.sessions.session(of: flight.channel, for: flight.call)
    session.number = flight.number
    flight.session = session
    return session
  }

  /// The recipient's, or the channel's, day is used up: later, not failed, and no attempt.
  private func refuse(_ entry: Grouper<Party>.Entry, _ channel: Channel, _ now: Date) {
    let limits = [
      channel.daily > 0 ? "\(channel.daily) recipients a day" : nil,
      channel.dailyPerRecipient > 0 ? "\(channel.dailyPerRecipient) messages a day to one recipient" : nil,
    ]
    let limit = limits.compactMap { $0 }.joined(separator: " or ")
    hand.release(
      entry.item,
      .deferred(
        .deferred(.quota, code: "daily", reason: "the limit of \(limit) is reached"),
        due: LocalTime.nextDay(after: now, in: channel.zone)))
  }

  /// Reads attachments whose bytes the provider needs; what is wrong, if anything.
  private func load(_ batch: inout Batch, _ channel: Channel) -> String? {
    guard let own = channel.card.loadsAttachments else { return nil }
    let limit = channel.personal?.maxFileBytes ?? own
    for index in batch.entries.indices where !batch.entries[index].content.attachments.isEmpty {
      for position in batch.entries[index].content.attachments.indices {
        guard case .file(let file) = batch.entries[index].content.attachments[position].source else { continue }
        do throws(SystemFault) {
          let bytes = try AttachmentStore.load(file, limit: limit)
          batch.entries[index].content.attachments[position].source = .bytes(bytes)
        } catch {
          return error.number == EFBIG
            ? "attachments[\(position)]: is larger than the \(limit) bytes that \(channel.card.name) takes"
            : "attachments[\(position)]: \(error)"
        }
      }
    }
    return nil
  }

  // MARK: Steps

  /// Takes a step of a call: its errand, or nil when the call has come to its end.
  private func follow(_ step: Step, _ flight: Flight) -> Errand? {
    flight.steps += 1
    let session: Session?
    var exchange: Exchange?
    var answer: Answer?
    switch step {
    case .prepare(let next, let stage, let new): (exchange, session, flight.stage) = (next, new, stage)
    case .send(let next, let new):
      (exchange, session, flight.stage) = (next, new, Step.sending)
      // Nothing goes out whose going out could not be recorded.
      if let fault = goesOut(flight) {
        (exchange, answer) = (nil, .all(.unreached(reason: fault.message), in: flight.call))
      }
    case .finish(let end, let new): (answer, session) = (end, new)
    case .again(let end, let new): (answer, session) = (end, new)
    }
    if let session, let fault = environment.sessions.store(session, was: flight.session, of: flight.channel) {
      environment.observe(.notice(Notice("channel \(flight.channel.name)", fault.message, hint: fault.hint)))
    }
    if case .again = step, mayRestart(flight), let errand = restart(flight) { return errand }
    let mostSteps = flight.channel.stepping?.mostSteps ?? 1
    if let exchange, flight.steps <= mostSteps, !isStopping { return errand(exchange, flight) }
    flight.hold = nil
    channels.landed(flight.channel)
    let cut =
      isStopping
      ? Outcome.unreached(reason: "the sweep stopped before it was sent")
      : .deferred(.provider, reason: "the provider asked for too many steps")
    conclude(flight, answer ?? .all(cut, in: flight.call, advice: .slowDown(retryAfter: nil)))
    return nil
  }

  /// A file was uploaded, which says nothing to anybody; what follows does.
  private func goesOut(_ flight: Flight) -> LedgerFault? {
    guard flight.isPrepared, let ledger = environment.receiving?.ledger else { return nil }
    do throws(LedgerFault) {
      try ledger.sends(flight.call.id)
      return nil
    } catch {
      return error
    }
  }

  private func mayRestart(_ flight: Flight) -> Bool {
    !isStopping && flight.restarts < flight.channel.stepping?.mostRestarts ?? 0
  }

  /// From the first step on: what got no answer delivered nothing.
  private func restart(_ flight: Flight) -> Errand? {
    flight.restarts += 1
    flight.steps = 0
    let step = Classification.begin(
      flight.call, by: flight.channel, session(for: flight), at: environment.now(), nonce: environment.nonce())
    // A first step that asks for another beginning at once would do so for ever.
    if case .again = step { return nil }
    return follow(step, flight)
  }

  /// Registers the flight and makes its errand, whose reply comes back through `land`.
  private func errand(_ exchange: Exchange, _ flight: Flight) -> Errand {
    launched += 1
    let number = launched
    flights[number] = flight
    return Errand(exchange, within: flight.channel.timeout) { [deliver] in deliver(number, $0) }
  }

  private func launch(_ errands: [(Channel, Errand)]) {
    if errands.isEmpty { return }
    if errands.count == 1 { return environment.transport(errands[0].0).perform([errands[0].1]) }
    for (_, group) in Dictionary(grouping: errands, by: { $0.0.name }) {
      environment.transport(group[0].0).perform(group.map(\.1))
    }
  }

  // MARK: Landing

  /// A reply came in: the next step of its call, or its end.
  /// - Returns: the flight, where it was a question, which is for `Questions` to read.
  func land(_ number: Int, _ reply: Reply) -> Flight? {
    guard let flight = flights.removeValue(forKey: number) else { return nil }
    flight.reply = reply
    if case .ask = flight.purpose {
      channels.landed(flight.channel)
      return flight
    }
    if reply.isLost, flight.stage != Step.sending, mayRestart(flight) {
      if let errand = restart(flight) { launch([(flight.channel, errand)]) }
      return nil
    }
    let step = Classification.proceed(
      reply, after: flight.stage, flight.call, by: flight.channel, session(for: flight), at: environment.now(),
      nonce: environment.nonce())
    if let errand = follow(step, flight) { launch([(flight.channel, errand)]) }
    return nil
  }

  /// Asks about a lost call.
  func ask(
    _ question: Question, of provider: any AskableProvider, _ batch: Batch, _ channel: Channel, at now: Moment
  ) {
    let flight = Flight(
      .ask(question, of: provider), channel, question.call, batch, started: now, era: channels.start(channel), day: 0)
    let request = provider.lookup(question, at: now.date, nonce: environment.nonce())
    launch([(channel, errand(.http(request), flight))])
  }

  /// The end of a call: what its answer means for the channel, for the ledger, and for everybody in it.
  private func conclude(_ flight: Flight, _ raw: Answer) {
    let now = environment.clock()
    let channel = flight.channel
    let answer = Classification.masked(raw.complete(for: flight.call), channel)
    recorder.count(answer.outcomes, of: channel.name, seconds: now.steady - flight.started.steady)
    environment.observe(.call(CallReport(flight, answer, at: now)))
    let lesson = channels.learn(answer, of: flight, at: now)
    let halves = answer.advice == .split ? Split.halves(of: flight.batch) : nil
    recorder.note(finished(flight, halves == nil ? answer : Split.undecided(answer), now.date))
    let fates = Fate.fates(of: answer, isSplit: halves != nil, lesson)
    let isUndecided = answer.outcomes.allSatisfy { $0.state == .deferred }
    for (entry, (fate, outcome)) in zip(flight.batch.entries, zip(fates, answer.outcomes)) {
      entry.item.forEach { passenger in
        if fate == .again {
          if passenger.isInDoubt(about: flight.call.id) { passenger.refute() }
          return
        }
        switch (passenger.isInDoubt(about: flight.call.id), isUndecided) {
        // Repeated under its key, and not carried out this time: that says nothing of the first time.
        case (true, true):
          hand.keepDoubt(passenger, flight.call.id, due: now.date + (outcome.retryAfter ?? channel.retry.first))
        case (false, _) where fate == .untried: hand.release(passenger)
        default: hand.conclude(passenger, outcome, of: (flight.call.id, flight.started.date), channel)
        }
      }
    }
    for again in (halves ?? [surplus(of: flight.batch, fates)]).reversed() where !again.entries.isEmpty {
      if isStopping {
        for entry in again.entries { hand.release(entry.item) }
      } else {
        channels.putBack(again, channel, at: now)
      }
    }
  }

  private func surplus(of batch: Batch, _ fates: [Fate]) -> Batch {
    Batch(entries: zip(batch.entries, fates).filter { $0.1 == .again }.map(\.0), priority: batch.priority)
  }

  private func finished(_ flight: Flight, _ answer: Answer, _ now: Date) -> FinishedCall {
    var finished = FinishedCall(id: flight.call.id, outcomes: flight.batch.outcomes(answer.outcomes))
    let channel = flight.channel
    finished.awaited = Awaiting.record(
      of: flight.call, channel, flight.batch, answer.outcomes, startedAt: flight.started.date, at: now)
    finished.refund = Charging.refund(flight.batch, answer.outcomes, channel)
    if channel.allowing != nil {
      let isTaken = answer.outcomes.contains { $0.state == .accepted || $0.state == .unconfirmed }
      if answer.isAllowanceSpent || !isTaken {
        finished.allowance = .init(channel: channel.name, isSpent: answer.isAllowanceSpent)
      }
    }
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
}

extension CallMember {
  /// As the ledger remembers a passenger.
  init(_ passenger: Passenger) {
    let leg = passenger.leg
    self.init(
      file: passenger.job.label, to: leg.to, address: leg.isFallback ? leg.target.address : nil,
      part: leg.trail?.index)
  }
}

extension CallReport {
  init(_ flight: Flight, _ answer: Answer, at now: Moment) {
    self.init(
      id: flight.call.id, channel: flight.channel.name, provider: flight.channel.card.name, call: flight.call,
      messages: flight.messages, status: nil,
      seconds: now.steady - flight.started.steady, outcomes: answer.outcomes, failure: nil)
    switch flight.reply {
    case .http(let response)?: status = response.status
    case .mail(let response)?: status = response.final?.code
    case .program(let response)?: status = response.status.map(Int.init)
    case .notSent(let failure)?, .lost(let failure)?: self.failure = failure
    case nil: break
    }
  }
}

extension Reply {
  /// Nothing came back.
  fileprivate var isLost: Bool {
    switch self {
    case .lost: true
    case .notSent(let failure): failure.code != "invalid"
    case .http, .mail, .program: false
    }
  }
}

extension ChannelState.Ending {
  /// The other side has to write first: in an hour, or as soon as it does; later each time.
  fileprivate static func unallowed(of channel: Channel, _ passenger: Passenger, at now: Date) -> Self {
    .deferred(
      .unallowed(reason: "the allowance is used up: the owner has to write to the bot first"),
      due: now + Allowance.pause(after: passenger.job.itinerary.unallowed))
  }
}
