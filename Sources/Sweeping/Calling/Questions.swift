import Core
import FoundationEssentials
import Ledger
import Spooling

/// Calls that were sent and not answered: recipients gathered by call, until the provider is asked about it.
final class Questions {
  /// After a day without an answer to the question, the channel's policy decides.
  private static let askingEnds = 86_400.0
  /// Seconds between two questions about one call that the provider could not answer.
  private static let askingPause = 60.0
  /// Pages of an answer that are read; a provider that always has another must not keep the sweep for ever.
  private static let mostPages = 100

  private let environment: SweepEnvironment
  private let channels: Channels
  private let calls: Calls
  private let hand: Hand
  private let recorder: Recorder
  private var waiting: [String: (channel: String, passengers: [Passenger])] = [:]
  /// Their calls, in the order in which they came.
  private var order: [String] = []
  /// Providers' ids that questions of this sweep have found: one message can't answer for two lost calls.
  private var foundIds: Set<String> = []
  private var configuration: Configuration
  private var isStopping = false

  init(_ environment: SweepEnvironment, _ channels: Channels, _ calls: Calls, _ hand: Hand, _ recorder: Recorder) {
    self.environment = environment
    self.channels = channels
    self.calls = calls
    self.hand = hand
    self.recorder = recorder
    configuration = environment.configuration
  }

  var isEmpty: Bool { waiting.isEmpty }

  func add(_ call: String, _ passenger: Passenger) {
    if waiting[call] == nil { order.append(call) }
    waiting[call, default: (passenger.leg.channel, [])].passengers.append(passenger)
  }

  /// Nothing more is asked; who waits goes back untried.
  func stop() {
    isStopping = true
    releaseAll()
  }

  func reload(_ new: Configuration, at now: Date) {
    configuration = new
    releaseAll(due: now)
  }

  private func releaseAll(due: Date? = nil) {
    let all = order.flatMap { waiting[$0]?.passengers ?? [] }
    waiting.removeAll()
    order.removeAll()
    for passenger in all { hand.release(passenger, .untried(due: due)) }
  }

  // MARK: Asking

  /// Asks about lost calls, within the channels' places, once everybody who shared a call is in hand.
  func ask(at now: Moment) throws(LedgerFault) {
    if isStopping || waiting.isEmpty { return }
    // A stopped channel can't be asked; its questions are taken out all the same, and kept for later.
    let ids = order
    order.removeAll()
    for (position, id) in ids.enumerated() {
      guard let item = waiting[id] else { continue }
      guard channels.isFree(item.channel, at: now.steady) else {
        order.append(id)
        continue
      }
      waiting[id] = nil
      guard let channel = configuration.channels[item.channel] else { continue }
      do throws(LedgerFault) {
        try ask(id, item.passengers, channel, now)
      } catch {
        order += ids[(position + 1)...]
        for passenger in item.passengers { hand.keepDoubt(passenger, id, due: now.date) }
        throw error
      }
    }
  }

  private func ask(_ id: String, _ passengers: [Passenger], _ channel: Channel, _ now: Moment) throws(LedgerFault) {
    switch channels.ending(channel, at: now) {
    case .deferred(_, let due)?: return keepDoubt(passengers, id, due: due)
    case .untried?: return keepDoubt(passengers, id, due: now.date + Verdict.suspensionPause)
    case nil: break
    }
    guard let record = try environment.ledger.call(id) else {
      // The ledger that knew the call is lost: nobody can be asked.
      return settleDoubt(passengers, channel, "the ledger no longer knows the call")
    }
    guard let entries = entries(of: record, passengers, channel) else {
      return wait(for: record, passengers, channel, now)
    }
    let batch = Batch(entries: entries, priority: .normal)
    if channel.recovery == .idempotencyKey { return again(record, batch, channel, now) }
    if case .echo(let wait) = channel.recovery {
      return try listen(for: record, batch, channel, until: record.startedAt + wait, now)
    }
    guard let provider = channel.askable else {
      // The channel's name is now another provider's.
      return settleDoubt(passengers, channel, "\(channel.card.name) cannot be asked what became of the call")
    }
    let question = Question(
      call: Call(id: id, batch, usesKeys: channel.card.usesKeys), startedAt: record.startedAt,
      endedBy: record.startedAt + channel.timeout)
    calls.ask(question, of: provider, batch, channel, at: now)
  }

  /// Whether what was sent came back to whoever receives: then it was carried out. That it did not proves nothing.
  private func listen(
    for record: CallRecord, _ batch: Batch, _ channel: Channel, until end: Date, _ now: Moment
  ) throws(LedgerFault) {
    let call = Call(id: record.id, batch, usesKeys: channel.card.usesKeys)
    let passengers = batch.passengers
    let session = environment.sessions.session(of: channel, for: call)
    if let mark = (channel.provider as? any EchoingProvider)?.mark(of: call, session),
      let ledger = environment.receiving?.ledger
    {
      // The service tells whole seconds.
      let since = Date(timeIntervalSince1970: record.startedAt.timeIntervalSince1970.rounded(.down))
      for id in try ledger.echoes(channel.name, mark: mark, since: since) {
        // One that a call of the same text owns already says nothing of this one.
        if foundIds.contains(id) { continue }
        if try ledger.knows(providerId: id, channel: channel.name, since: since - 60) { continue }
        let outcomes = batch.entries.map { _ in Outcome.accepted(id: id) }
        foundIds.insert(id)
        recorder.note(FinishedCall(id: record.id, outcomes: batch.outcomes(outcomes)))
        return conclude(record.id, batch, outcomes, channel)
      }
    }
    if now.date < end { return keepDoubt(passengers, record.id, due: end) }
    // Of a success that says too little it stays known which it was.
    let said = record.outcomes?.first { $0.state == .unconfirmed }
    let before = (said?.reason ?? "no answer came").reversed().drop { $0 == "." }.reversed()
    settleDoubt(
      passengers, channel,
      "\(String(before)); the message did not come back, so nobody knows whether it was sent", code: said?.code)
  }

  /// The same call under the same key: to the same recipients in the same order, as what comes back may be the first one's
  /// answer. While somebody of it is in another sweeper's hands it waits: under one key two parts of it are one to the
  /// provider, which would carry out the first and call the second done.
  private func again(_ record: CallRecord, _ batch: Batch, _ channel: Channel, _ now: Moment) {
    var left = Dictionary(
      batch.entries.map { (CallMember($0.item.lead), [$0]) }, uniquingKeysWith: { $0 + $1 })
    let places = record.places
    let entries = places.compactMap { place in place.first.flatMap { left[$0]?.popLast() } }
    if entries.count == places.count {
      return channels.push(Batch(entries: entries, priority: .normal, repeats: record.id), channel)
    }
    wait(for: record, batch.passengers, channel, now)
  }

  /// The places that these had in the lost call; those of a digest theirs together, with the text as it was. Nil while
  /// somebody of a digest is in another sweeper's hands: what it said can't be told without them.
  private func entries(
    of record: CallRecord, _ passengers: [Passenger], _ channel: Channel
  ) -> [Grouper<Party>.Entry]? {
    let places = record.places
    guard places.count < record.members.count else {
      return passengers.map { .init($0.leg.target, $0.leg.content, $0.priority, Party($0)) }
    }
    var left = Dictionary(passengers.map { (CallMember($0), [$0]) }, uniquingKeysWith: { $0 + $1 })
    var entries: [Grouper<Party>.Entry] = []
    for place in places {
      let present = place.compactMap { left[$0]?.popLast() }
      guard let lead = present.first else { continue }
      let content = present.count == 1 ? lead.leg.content : channel.content(ofDigest: present.map(\.job.message))
      guard present.count == place.count, let content else { return nil }
      entries.append(.init(lead.leg.target, content, .normal, Party(lead, Array(present.dropFirst()))))
    }
    return entries
  }

  /// Until all who shared the call are here.
  private func wait(for record: CallRecord, _ passengers: [Passenger], _ channel: Channel, _ now: Moment) {
    if now.date.timeIntervalSince(record.startedAt) > Questions.askingEnds {
      settleDoubt(passengers, channel, "not all who shared the call are here, and it can't be repeated in parts")
    } else {
      keepDoubt(passengers, record.id, due: now.date + Questions.askingPause)
    }
  }

  // MARK: Answers

  /// What the provider said about a lost call.
  func answered(_ flight: Flight) throws(LedgerFault) {
    guard case .ask(let question, let provider) = flight.purpose else { return }
    let now = environment.clock()
    let channel = flight.channel
    var finding = Finding.undecided
    if case .http(let response)? = flight.reply {
      finding = provider.finding(in: response, for: question, at: now.date)
    }
    let passengers = flight.passengers
    switch finding {
    case .more(let cursor) where !isStopping && question.pages < Questions.mostPages:
      var next = question
      next.cursor = cursor
      next.pages += 1
      calls.ask(next, of: provider, flight.batch, channel, at: now)
    case .found(let outcomes):
      let outcomes = Answer(outcomes).complete(for: question.call).outcomes.map(channel.recorded)
      do throws(LedgerFault) {
        try found(outcomes, flight, question, of: provider, now)
      } catch {
        keepDoubt(passengers, question.call.id, due: now.date)
        throw error
      }
    case .notFound:
      let settled = question.startedAt + settles(channel)
      // Not known yet may mean not known until now.
      if now.date < settled { keepDoubt(passengers, question.call.id, due: settled) } else { notFound(flight, now) }
    case .more, .undecided:
      if now.date.timeIntervalSince(question.startedAt) > Questions.askingEnds {
        settleDoubt(passengers, channel, "the provider could not tell what became of the call")
      } else {
        keepDoubt(passengers, question.call.id, due: now.date + Questions.askingPause)
      }
    }
  }

  private func settles(_ channel: Channel) -> Double {
    guard case .lookup(let seconds) = channel.recovery else { return 0 }
    return channel.reconcileAfter ?? seconds
  }

  private func found(
    _ outcomes: [Outcome], _ flight: Flight, _ question: Question, of provider: any AskableProvider, _ now: Moment
  ) throws(LedgerFault) {
    // A message found may belong to another call with the same text to the same recipient: then look past it.
    let foreign = outcomes.count == 1 ? try foreignIds(among: outcomes, flight.channel, question) : []
    if !foreign.isEmpty {
      var next = question
      next.knownIds.formUnion(foreign)
      next.cursor = nil
      if !isStopping { return calls.ask(next, of: provider, flight.batch, flight.channel, at: now) }
      return keepDoubt(flight.passengers, question.call.id, due: now.date)
    }
    foundIds.formUnion(outcomes.compactMap(\.id))
    var finished = FinishedCall(id: question.call.id, outcomes: flight.batch.outcomes(outcomes))
    finished.refund = Charging.refund(flight.batch, outcomes, flight.channel)
    finished.awaited = Awaiting.record(
      of: question.call, flight.channel, flight.batch, outcomes, startedAt: question.startedAt, at: now.date)
    recorder.note(finished)
    conclude(question.call.id, flight.batch, outcomes, flight.channel)
  }

  /// What became of a call ends the doubt of everybody in it.
  private func conclude(_ call: String, _ batch: Batch, _ outcomes: [Outcome], _ channel: Channel) {
    for (entry, outcome) in zip(batch.entries, outcomes) {
      entry.item.forEach { passenger in
        passenger.job.took(part: call)
        passenger.share(with: entry.item.count)
        hand.conclude(passenger, outcome, of: nil, channel)
      }
    }
  }

  /// Ids that other calls own. What an earlier sweep found for this very call, and was cut short before it could settle,
  /// is the call's own.
  private func foreignIds(
    among outcomes: [Outcome], _ channel: Channel, _ question: Question
  ) throws(LedgerFault) -> [String] {
    let own = Set(try environment.ledger.call(question.call.id)?.outcomes?.compactMap(\.id) ?? [])
    var foreign: [String] = []
    for id in outcomes.compactMap(\.id) where !question.knownIds.contains(id) && !own.contains(id) {
      if foundIds.contains(id) {
        foreign.append(id)
      } else if try environment.ledger.knows(
        providerId: id, channel: channel.name, since: question.startedAt - 60)
      {
        foreign.append(id)
      }
    }
    return foreign
  }

  /// The provider does not know the call, and would by now: it was not carried out, and goes out now.
  private func notFound(_ flight: Flight, _ now: Moment) {
    for passenger in flight.passengers { passenger.refute() }
    // The call is closed, also by a sweep that stops, so that nobody takes it for one that is still in doubt.
    let outcome = Outcome.deferred(
      .network, code: "not-found", reason: "was lost on the way; the provider does not know it")
    var finished = FinishedCall(id: flight.call.id, outcomes: flight.passengers.map { _ in outcome })
    finished.refund = Charging.refund(flight.batch, flight.batch.entries.map { _ in outcome }, flight.channel)
    recorder.note(finished)
    for passenger in flight.passengers {
      if isStopping { hand.release(passenger) } else { channels.queue(passenger, at: now) }
    }
  }

  private func keepDoubt(_ passengers: [Passenger], _ call: String, due: Date) {
    for passenger in passengers { hand.keepDoubt(passenger, call, due: due) }
  }

  private func settleDoubt(_ passengers: [Passenger], _ channel: Channel, _ reason: String, code: String? = nil) {
    for passenger in passengers {
      hand.conclude(passenger, Doubt.byPolicy(.unconfirmed(code: code, reason: reason), channel), of: nil, channel)
    }
  }
}
