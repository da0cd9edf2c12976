import Core
import FoundationEssentials
import Glibc
import Ledgers
import Spooling

/// A call under way. Touched by the sweep's thread only.
final class Flight {
  enum Purpose {
    case send
    /// Asking what became of an earlier call.
    case ask(Question)
  }

  let purpose: Purpose
  let channel: Channel
  let call: Call
  let batch: Grouper<Passenger>.Batch
  /// The step under way; see `Step`.
  var stage = Step.sending
  /// Steps taken, bounded: a provider that never comes to an end must not go round for ever.
  var steps = 0
  /// The newest reply, for the report.
  var reply: Reply?
  let started: Date
  /// See ChannelRunner.
  let era: Int
  /// The channel's local day that the call was counted on.
  let day: Int

  init(
    _ purpose: Purpose, _ channel: Channel, _ call: Call, _ batch: Grouper<Passenger>.Batch, started: Date, era: Int,
    day: Int
  ) {
    self.purpose = purpose
    self.channel = channel
    self.call = call
    self.batch = batch
    self.started = started
    self.era = era
    self.day = day
  }

  var passengers: some RandomAccessCollection<Passenger> { batch.entries.lazy.map(\.item) }
}

/// A call that may start, if the ledger takes its intent.
private final class Proposal {
  let call: ProposedCall
  var batch: Grouper<Passenger>.Batch
  let channel: Channel

  init(_ call: ProposedCall, _ batch: Grouper<Passenger>.Batch, _ channel: Channel) {
    self.call = call
    self.batch = batch
    self.channel = channel
  }
}

/// Group → pace → record intent → send. One group commit records the outcomes that came in and the intents of the calls
/// that start right after it.
extension Sweep {
  /// Bytes that must be free on the disk beside what this commit's calls will write.
  private static let reserve = 256 << 10
  /// Bytes that one recipient's intent, outcome, and history line may take, generously.
  private static let bytesPerRecipient = 1024
  private static let maximumSteps = 8
  /// Messages that are settled together while calls are under way, and the seconds that the first waits for the others.
  private static let gatheredSettlements = 1024
  static let gatheringTime = 0.1

  /// Lets partly filled groups go when nothing more can fill them.
  func gather() {
    guard isPrimed, !isStopping else { return }
    for name in channelNames {
      if isExhausted { runners[name]?.grouper.flush() }
    }
    // The loader waits for room, and nothing under way will make any: the fullest groups go as they are.
    guard isLoaderWaiting, !isExhausted, flights.isEmpty, unsettled == 0,
      !runners.values.contains(where: { $0.grouper.hasReady })
    else { return }
    for name in channelNames {
      let waiting = runners[name]?.grouper.waiting ?? 0
      runners[name]?.grouper.relieve(to: waiting / 2)
    }
  }

  /// Commits what came in, and starts what may start.
  func dispatch() {
    let now = environment.now()
    ask(now: now)
    var proposals: [Proposal] = []
    if maySend, !isStopping {
      for name in channelNames {
        var places = runners[name]?.places(now: now) ?? 0
        while places > 0, let channel = runners[name]?.channel, var batch = runners[name]?.grouper.next() {
          releaseLate(in: &batch, channel, now)
          if batch.entries.isEmpty { continue }
          proposals.append(Proposal(propose(batch, channel, now), batch, channel))
          places -= 1
        }
      }
    }
    let mayStart = proposals.isEmpty || hasRoom(for: proposals.reduce(0) { $0 + $1.batch.entries.count })
    guard !proposals.isEmpty || !pending.isEmpty else { return handOver() }
    pending.now = now
    pending.proposed = mayStart ? proposals.map(\.call) : []
    do throws(LedgerFault) {
      let admissions = try environment.ledger.commit(pending)
      pending = GroupCommit(now: now)
      guard mayStart else {
        for proposal in proposals { release(proposal.batch) }
        return handOver()
      }
      var flying: [(Channel, Errand)] = []
      // Backwards, so that batches which must wait are put back in their order.
      for (proposal, admission) in zip(proposals, admissions).reversed() {
        if let errand = start(proposal, admission, now) {
          flying.append((proposal.channel, errand))
        }
      }
      launch(flying.reversed())
    } catch {
      // Neither intents nor outcomes are recorded. Nothing was sent; outcomes still go into the history lines, which a
      // rescuer believes as well, and once more to the ledger at the end.
      pending.proposed = []
      unrecorded.append(pending)
      pending = GroupCommit(now: now)
      stop(for: error)
      for proposal in proposals { release(proposal.batch) }
    }
    handOver()
  }

  /// A sweep may last: what has expired, or has got into quiet hours, while it waited for its call ends untried, and the
  /// next sweep routes it anew.
  private func releaseLate(in batch: inout Grouper<Passenger>.Batch, _ channel: Channel, _ now: Date) {
    let isQuiet = channel.quietHours?.end(after: now) != nil
    let isLate = { (entry: Grouper<Passenger>.Entry) -> Bool in
      (isQuiet && entry.priority != .high) || entry.item.job.message.expiresAt.map { $0 <= now } ?? false
    }
    guard batch.entries.indices.contains(where: { isLate(batch.entries[$0]) }) else { return }
    for entry in batch.entries where isLate(entry) { end(entry.item, nil) }
    batch.entries.removeAll(where: isLate)
  }

  /// From here on calls go out, by priority among what has been looked at: so much of a backlog that what goes first is
  /// well chosen, and not so much that the disk waits for the network, and the network for the disk.
  private var maySend: Bool { isPrimed || summary.claimed >= environment.window / 4 }

  /// Settling costs a flush of the file system, for however few: while calls are under way it waits for more to come.
  private func handOver() {
    guard !settlements.isEmpty else { return }
    let now = environment.now()
    let since = settlementsSince ?? now
    let isEnough = settlements.count >= min(Sweep.gatheredSettlements, environment.window / 16)
    guard isEnough || flights.isEmpty || now.timeIntervalSince(since) >= Sweep.gatheringTime else {
      settlementsSince = since
      return
    }
    desk.hand(settlements)
    settlements.removeAll()
    settlementsSince = nil
  }

  private func hasRoom(for recipients: Int) -> Bool {
    do throws(SystemFault) {
      let flying = flights.values.reduce(0) { $0 + $1.passengers.count }
      let needed = Sweep.reserve + Sweep.bytesPerRecipient * (recipients + flying)
      if try environment.spool.room() >= needed { return true }
      throw SystemFault("write", ENOSPC, environment.spool.path)
    } catch {
      stop(for: error)
      return false
    }
  }

  private func propose(_ batch: Grouper<Passenger>.Batch, _ channel: Channel, _ now: Date) -> ProposedCall {
    callCount += 1
    let number = String(callCount)
    let counts = channel.dailyPerRecipient > 0
    return ProposedCall(
      id: batch.repeats ?? "\(folder.id)-\(String(repeating: "0", count: max(0, 6 - number.count)))\(number)",
      sweep: folder.id,
      channel: channel.name, provider: channel.card.name,
      members: batch.entries.map { entry in
        let result = entry.item.job.results[entry.item.leg]
        return CallMember(
          file: entry.item.job.label, to: result.leg.to,
          address: result.leg.isFallback ? result.leg.target.address : nil)
      },
      rate: channel.rate, day: LocalTime.day(of: now, in: channel.zone), daily: channel.daily,
      dailyPerRecipient: channel.dailyPerRecipient, identities: counts ? batch.entries.map(\.target.identity) : [])
  }

  /// What to send for an admitted call; nil when it has to wait or nobody in it is left.
  private func start(_ proposal: Proposal, _ admission: Admission, _ now: Date) -> Errand? {
    let channel = proposal.channel
    switch admission {
    case .wait(let until):
      withRunner(of: channel) {
        $0.wait(until: until)
        $0.grouper.putBack(proposal.batch)
      }
      return nil
    case .start(let refused):
      for index in refused.reversed() { refuse(proposal.batch.entries.remove(at: index), channel, now) }
    }
    guard !proposal.batch.entries.isEmpty else { return nil }
    let problem = load(&proposal.batch, channel)
    let batch = proposal.batch
    if let problem {
      let outcomes = batch.entries.map { _ in Outcome.rejected(.message, reason: problem) }
      pending.finished.append(FinishedCall(id: proposal.call.id, outcomes: outcomes))
      for entry in batch.entries { conclude(outcomes[0], entry.item, channel) }
      return nil
    }
    let call = Call(id: proposal.call.id, batch)
    for index in batch.entries.indices { batch.entries[index].item.job.took(part: call.id) }
    let flight = Flight(
      .send, channel, call, batch, started: now, era: withRunner(of: channel) { $0.start() }, day: proposal.call.day)
    summary.calls += 1
    summary.recipients += call.recipients.count
    let session = environment.sessions.session(of: channel.name)
    return follow(channel.provider.begin(call, session, at: now, nonce: environment.nonce()), flight)
  }

  /// Takes a step of a call: its errand, or nil when the call has come to its end.
  func follow(_ step: Step, _ flight: Flight) -> Errand? {
    flight.steps += 1
    let session: Session?
    var exchange: Exchange?
    var answer: Answer?
    switch step {
    case .prepare(let next, let stage, let new):
      (exchange, session, flight.stage) = (next, new, stage)
    case .send(let next, let new): (exchange, session, flight.stage) = (next, new, Step.sending)
    case .finish(let end, let new): (answer, session) = (end, new)
    }
    if let session { environment.sessions.store(session, of: flight.channel.name) }
    if let exchange, flight.steps <= Sweep.maximumSteps { return errand(exchange, flight) }
    withRunner(of: flight.channel) { $0.end() }
    conclude(
      flight, answer ?? .all(.deferred(.provider, reason: "the provider asked for too many steps"), in: flight.call))
    return nil
  }

  /// Reads attachments whose bytes the provider needs; what is wrong, if anything.
  private func load(_ batch: inout Grouper<Passenger>.Batch, _ channel: Channel) -> String? {
    guard let limit = channel.card.loadsAttachments else { return nil }
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

  private func conclude(_ outcome: Outcome, _ passenger: Passenger, _ channel: Channel) {
    conclude(outcome, passenger.leg, of: passenger.job, call: nil, channel)
    if passenger.job.isComplete { finish(passenger.job) }
  }

  /// Registers the flight and makes its errand, whose reply comes back through the inbox.
  func errand(_ exchange: Exchange, _ flight: Flight) -> Errand {
    flightCount += 1
    let number = flightCount
    flights[number] = flight
    let inbox = inbox
    return Errand(exchange, within: flight.channel.timeout) { inbox.post(.replied(flight: number, $0)) }
  }

  func launch(_ errands: [(Channel, Errand)]) {
    for (name, group) in Dictionary(grouping: errands, by: { $0.0.name }) {
      guard let channel = environment.configuration.channels[name] else { continue }
      environment.transport(channel).perform(group.map(\.1))
    }
  }

  /// The recipient's, or the channel's, day is used up: later, not failed, and no attempt.
  private func refuse(_ entry: Grouper<Passenger>.Entry, _ channel: Channel, _ now: Date) {
    let next = LocalTime.nextDay(after: now, in: channel.zone)
    let limits = [
      channel.daily > 0 ? "\(channel.daily) recipients a day" : nil,
      channel.dailyPerRecipient > 0 ? "\(channel.dailyPerRecipient) messages a day to one recipient" : nil,
    ]
    let limit = limits.compactMap { $0 }.joined(separator: " or ")
    end(entry.item, .deferred(.quota, code: "daily", reason: "the limit of \(limit) is reached"), due: next)
  }

  /// Ends a leg that took part in no call.
  func end(_ passenger: Passenger, _ outcome: Outcome?, due: Date? = nil) {
    passenger.job.end(passenger.leg, outcome, isTried: false, due: due)
    if passenger.job.isComplete { finish(passenger.job) }
  }

  private func release(_ batch: Grouper<Passenger>.Batch) {
    for entry in batch.entries { end(entry.item, nil) }
  }

  // MARK: - Stopping

  /// Sends nothing more; what waits ends untried, and goes back.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    loader.stop()
    for name in channelNames { drain(name) }
    for passenger in questions.drain() { end(passenger, nil) }
  }

  /// What waits for a channel that has stopped ends as the channel's state says.
  func drain(_ name: String) {
    guard let entries = runners[name]?.grouper.drain() else { return }
    let end = runners[name]?.end(now: environment.now()) ?? LegEnd()
    for entry in entries { self.end(entry.item, end.outcome, due: end.due) }
  }

  func stop(for fault: SystemFault) { stop(for: SweepTrouble(fault: fault)) }
  func stop(for fault: LedgerFault) { stop(for: SweepTrouble(fault: fault)) }

  private func stop(for trouble: SweepTrouble) {
    if self.trouble == nil { self.trouble = trouble }
    stop()
  }
}

extension Call {
  /// The call of a batch; equal contents are kept once.
  init(id: String, _ batch: Grouper<Passenger>.Batch) {
    var contents = [batch.entries[0].content]
    var indices: [Content: Int] = [:]
    var recipients: [Recipient] = []
    recipients.reserveCapacity(batch.entries.count)
    for position in batch.entries.indices {
      var index = 0
      // Nearly always the first one's.
      if position > 0, batch.entries[position].content != contents[0] {
        let content = batch.entries[position].content
        index = indices[content, default: contents.count]
        if index == contents.count {
          contents.append(content)
          indices[content] = index
        }
      }
      recipients.append(Recipient(batch.entries[position].target, content: index))
    }
    self.init(id: id, contents: contents, recipients: recipients)
  }
}
