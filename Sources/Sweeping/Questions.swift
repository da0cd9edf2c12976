import Core
import FoundationEssentials
import Ledgers
import Spooling

/// Recipients whose call was sent and not answered, gathered by call, until the provider is asked about it.
struct Questions {
  private var waiting: [String: (channel: String, passengers: [Passenger])] = [:]

  mutating func add(_ call: String, _ channel: String, _ passenger: Passenger) {
    waiting[call, default: (channel, [])].passengers.append(passenger)
  }

  var isEmpty: Bool { waiting.isEmpty }

  /// The next to ask about on a channel for which `isFree`.
  mutating func next(where isFree: (String) -> Bool) -> (call: String, channel: String, passengers: [Passenger])? {
    guard let (call, item) = waiting.first(where: { isFree($0.value.channel) }) else { return nil }
    waiting[call] = nil
    return (call, item.channel, item.passengers)
  }

  mutating func drain() -> [Passenger] {
    defer { waiting.removeAll() }
    return waiting.values.flatMap(\.passengers)
  }
}

extension Sweep {
  /// After a day without an answer to the question, the channel's policy decides.
  private static let askingEnds = 86_400.0
  /// Seconds between two questions about one call that the provider could not answer.
  private static let askingPause = 60.0
  /// Pages of an answer that are read; a provider that always has another must not keep the sweep for ever.
  private static let mostPages = 100

  /// Asks about lost calls, within the channels' places, once everybody who shared a call is in hand.
  func ask(now: Date) {
    guard isPrimed, !isStopping, !questions.isEmpty else { return }
    var errands: [(Channel, Errand)] = []
    // A stopped channel can't be asked; its questions are taken out all the same, and kept for later.
    while let item = questions.next(where: { runners[$0].map { $0.isStopped || $0.places(now: now) > 0 } ?? true }) {
      guard let channel = environment.configuration.channels[item.channel] else { continue }
      if let errand = question(item.call, item.passengers, channel, now) { errands.append((channel, errand)) }
    }
    launch(errands)
  }

  private func question(_ id: String, _ passengers: [Passenger], _ channel: Channel, _ now: Date) -> Errand? {
    let end = withRunner(of: channel) { $0.end(now: now) }
    if let end {
      // A suspended channel can't be asked either: the doubt stays as it is.
      for passenger in passengers { keepDoubt(passenger, id, due: end.due ?? now + Verdict.suspensionPause) }
      return nil
    }
    do throws(LedgerFault) {
      guard let record = try environment.ledger.call(id) else {
        // The ledger that knew the call is lost: nobody can be asked.
        for passenger in passengers { settleDoubt(passenger, channel, "the ledger no longer knows the call") }
        return nil
      }
      let batch = Grouper<Passenger>.Batch(
        entries: passengers.map {
          let leg = $0.job.results[$0.leg].leg
          return .init(leg.target, leg.content, $0.job.message.priority, $0)
        }, priority: .normal)
      let call = Call(id: id, batch)
      if channel.provider.recovery == .idempotencyKey {
        withRunner(of: channel) {
          $0.grouper.push(.init(entries: batch.entries, priority: batch.priority, repeats: id))
        }
        return nil
      }
      let question = Question(
        call: call, startedAt: record.startedAt, endedBy: record.startedAt + channel.timeout)
      return ask(question, batch, channel, now)
    } catch {
      stop(for: error)
      for passenger in passengers { keepDoubt(passenger, id, due: now) }
      return nil
    }
  }

  private func ask(_ question: Question, _ batch: Grouper<Passenger>.Batch, _ channel: Channel, _ now: Date) -> Errand {
    let flight = Flight(
      .ask(question), channel, question.call, batch, started: now, era: withRunner(of: channel) { $0.start() }, day: 0)
    return errand(channel.provider.lookup(question, at: now, nonce: environment.nonce()), flight)
  }

  /// What the provider said about a lost call.
  func conclude(_ flight: Flight, _ reply: Reply, _ question: Question) {
    let now = environment.now()
    let channel = flight.channel
    var finding = Finding.undecided
    if reply.hasArrived { finding = channel.provider.finding(in: reply, for: question, at: now) }
    switch finding {
    case .more(let cursor) where !isStopping && question.pages < Sweep.mostPages:
      var next = question
      next.cursor = cursor
      next.pages += 1
      launch([(channel, ask(next, flight.batch, channel, now))])
    case .found(let outcomes):
      found(flight, outcomes.map(channel.recorded), question)
    case .notFound where now.timeIntervalSince(question.startedAt) >= settles(channel):
      notFound(flight, channel)
    case .notFound:
      // Not known yet may mean not known until now.
      let due = question.startedAt + settles(channel)
      for passenger in flight.passengers { keepDoubt(passenger, question.call.id, due: due) }
    case .more, .undecided:
      let isOver = now.timeIntervalSince(question.startedAt) > Sweep.askingEnds
      for passenger in flight.passengers {
        if isOver {
          settleDoubt(passenger, channel, "the provider could not tell what became of the call")
        } else {
          keepDoubt(passenger, question.call.id, due: now + Sweep.askingPause)
        }
      }
    }
  }

  private func settles(_ channel: Channel) -> Double {
    guard case .lookup(let seconds) = channel.provider.recovery else { return 0 }
    return channel.reconcileAfter ?? seconds
  }

  private func found(_ flight: Flight, _ outcomes: [Outcome], _ question: Question) {
    let now = environment.now()
    do throws(LedgerFault) {
      // A message found may belong to another call with the same text to the same recipient: then look past it.
      let foreign = outcomes.count == 1 ? try foreignIds(among: outcomes, flight.channel, question) : []
      if !foreign.isEmpty {
        var next = question
        next.knownIds.formUnion(foreign)
        next.cursor = nil
        if !isStopping { return launch([(flight.channel, ask(next, flight.batch, flight.channel, now))]) }
        for passenger in flight.passengers { keepDoubt(passenger, question.call.id, due: now) }
        return
      }
    } catch {
      stop(for: error)
      for passenger in flight.passengers { keepDoubt(passenger, question.call.id, due: now) }
      return
    }
    foundIds.formUnion(outcomes.compactMap(\.id))
    pending.finished.append(FinishedCall(id: question.call.id, outcomes: outcomes))
    for (passenger, outcome) in zip(flight.passengers, outcomes) {
      conclude(outcome, passenger.leg, of: passenger.job, call: nil, flight.channel)
      passenger.job.took(part: question.call.id)
      if passenger.job.isComplete { finish(passenger.job) }
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
      let since = question.startedAt - 60
      if foundIds.contains(id) {
        foreign.append(id)
      } else if try environment.ledger.knows(providerId: id, channel: channel.name, since: since) {
        foreign.append(id)
      }
    }
    return foreign
  }

  /// The provider does not know the call, and would by now: it was not carried out, and goes out now.
  private func notFound(_ flight: Flight, _ channel: Channel) {
    if isStopping {
      for passenger in flight.passengers { end(passenger, nil) }
      return
    }
    // The call is closed, so that nobody takes it for one that is still in doubt.
    let outcome = Outcome.deferred(
      .network, code: "not-found", reason: "was lost on the way; the provider does not know it")
    pending.finished.append(FinishedCall(id: flight.call.id, outcomes: flight.passengers.map { _ in outcome }))
    for entry in flight.batch.entries { withRunner(of: channel) { $0.grouper.add(entry) } }
    if runners[channel.name]?.isStopped == true { drain(channel.name) }
  }

  private func keepDoubt(_ passenger: Passenger, _ call: String, due: Date) {
    let outcome = Outcome.unconfirmed(reason: "sent, and no answer came; the provider will be asked")
    passenger.job.end(passenger.leg, outcome, isTried: false, question: (call, due))
    if passenger.job.isComplete { finish(passenger.job) }
  }

  private func settleDoubt(_ passenger: Passenger, _ channel: Channel, _ reason: String) {
    conclude(
      Doubt.byPolicy(.unconfirmed(reason: reason), channel), passenger.leg, of: passenger.job, call: nil, channel)
    if passenger.job.isComplete { finish(passenger.job) }
  }
}

extension Reply {
  /// Something came back.
  fileprivate var hasArrived: Bool {
    switch self {
    case .http, .mail, .program: true
    case .notSent, .lost: false
    }
  }
}
