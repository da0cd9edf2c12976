import Core
import FoundationEssentials
import Ledger
import Synchronization
import Threading

/// Asks services what became of what they accepted, by outgoing requests alone: a channel after the other, paced as its calls
/// are and never before them. What an answer says is on the disk before the next question.
///
/// Owns the rounds under way, and which channels want to be left alone.
final class ReceiptAsker {
  /// Rounds of one channel in one pass: more is for the next.
  private static let rounds = 100
  /// Longest waits for a channel's pace, and for sending to come to an end, in seconds.
  private static let patience = 1.0

  /// What an answer said.
  struct Answer {
    var channel: Channel
    var receipts: [Receipt]
    /// See `ReceiptReading`.
    var sources: [[UInt8]]
  }

  /// One channel's questions under way.
  private struct Round {
    let channel: Channel
    let provider: any ReceiptAsking
    let records: [AwaitedRecord]
    var round: ReceiptRound
  }

  private let environment: SweepEnvironment
  private let ledger: any ReceiptLedger
  private let mayAsk: @Sendable () -> Bool
  private let isStopped: @Sendable () -> Bool
  private var left: [Channel] = []
  private var round: Round?
  private var roundsLeft = 0
  /// Steady times before which a channel is left alone.
  private var resting: [String: Double] = [:]
  private var troubled: Set<String> = []

  /// - Parameter mayAsk: whether nothing is being sent, or waits to be.
  init(
    _ environment: SweepEnvironment, _ ledger: any ReceiptLedger, mayAsk: @escaping @Sendable () -> Bool,
    isStopped: @escaping @Sendable () -> Bool
  ) {
    self.isStopped = isStopped
    self.environment = environment
    self.ledger = ledger
    self.mayAsk = mayAsk
  }

  /// A new pass: every channel that is asked, in an order that is the same in every run.
  func begin() {
    left = environment.configuration.channels.values
      .filter { $0.receipts.asks && $0.receipting is any ReceiptAsking }.sorted { $0.name > $1.name }
    (round, roundsLeft) = (nil, ReceiptAsker.rounds)
  }

  /// Asks the next question, and what its answer says; nil when there is no more to ask now.
  func next() throws(LedgerFault) -> Answer? {
    while true {
      if round == nil, try !beginRound() { return nil }
      guard var current = round else { return nil }
      let session = environment.sessions.session(of: current.channel.name)
      guard
        let request = current.provider.question(
          &current.round, session, at: environment.now(), nonce: environment.nonce())
      else {
        try endRound(current)
        continue
      }
      // Sending comes first: these are still due, and asked about in the next pass.
      guard try awaitTurn(current.channel) else {
        round = nil
        return nil
      }
      guard let reply = ask(request, current.channel) else { return nil }
      current.round.asked += 1
      guard case .http(let response) = reply else {
        try fail(current, "no answer")
        continue
      }
      let reading = current.provider.reading(response, &current.round, at: environment.now())
      if let session = reading.session { environment.sessions.store(session, of: current.channel.name) }
      round = current
      if let pause = reading.pause { try rest(current, pause) }
      if let trouble = reading.trouble { try fail(current, trouble) }
      if reading.trouble == nil, reading.pause == nil { troubled.remove(current.channel.name) }
      return Answer(channel: current.channel, receipts: reading.receipts, sources: reading.sources)
    }
  }

  // MARK: Rounds

  private func beginRound() throws(LedgerFault) -> Bool {
    while let channel = left.last {
      let now = environment.clock()
      if roundsLeft > 0, resting[channel.name] ?? 0 <= now.steady, mayAsk(),
        let provider = channel.receipting as? any ReceiptAsking
      {
        let records = try ledger.due(channel.name, limit: provider.callsPerRound, at: now.date)
        if !records.isEmpty {
          roundsLeft -= 1
          round = Round(
            channel: channel, provider: provider, records: records,
            round: ReceiptRound(records.map { ReceiptAsker.call($0, channel) }))
          return true
        }
      }
      left.removeLast()
      roundsLeft = ReceiptAsker.rounds
    }
    return false
  }

  private static func call(_ record: AwaitedRecord, _ channel: Channel) -> AwaitedCall {
    AwaitedCall(
      id: record.call, sharedId: record.sharedId, reference: record.reference, acceptedAt: record.acceptedAt,
      recipients: record.recipients.compactMap { recipient in
        Awaiting.target(of: recipient.member, channel).map { .init(id: recipient.id, $0) }
      })
  }

  /// They were asked about; what has no final state yet is due again after its pause.
  private func endRound(_ over: Round) throws(LedgerFault) {
    round = nil
    let now = environment.now()
    try ledger.asked(
      over.records.map { record in
        let pause = ReceiptPause.seconds(
          after: record.asked + 1, every: over.channel.receiptEvery, least: over.provider.receiptPause)
        return (record.call, now + pause)
      })
    // `receipt_every: "0s"` is: in every sweep, and not for ever in one.
    if over.channel.receiptEvery == 0 { left.removeAll { $0.name == over.channel.name } }
  }

  /// It wants to be left alone, and nobody who is awaited is forgotten for that.
  private func rest(_ current: Round, _ seconds: Double) throws(LedgerFault) {
    resting[current.channel.name] = environment.clock().steady + seconds
    left.removeAll { $0.name == current.channel.name }
    round = nil
    let next = environment.now() + seconds
    try ledger.asked(current.records.map { ($0.call, next) })
  }

  private func fail(_ current: Round, _ problem: String) throws(LedgerFault) {
    if troubled.insert(current.channel.name).inserted {
      environment.observe(
        .notice(
          Notice(
            "channel \(current.channel.name)", "could not be asked for receipts",
            said: current.channel.masked(problem), hint: "it is asked again later; nobody who is awaited is forgotten"))
      )
    }
    left.removeAll { $0.name == current.channel.name }
    if round != nil { try endRound(current) }
    round = nil
  }

  // MARK: One question

  /// Until nothing is being sent and the channel's pace allows it; false where that takes too long.
  private func awaitTurn(_ channel: Channel) throws(LedgerFault) -> Bool {
    let end = environment.clock().steady + ReceiptAsker.patience
    while !mayAsk() {
      if isStopped() { return false }
      if environment.clock().steady > end { return false }
      pause(0.02)
    }
    guard channel.rate > 0 else { return true }
    while let until = try ledger.takeSlot(of: channel.name, rate: channel.rate, at: environment.now()) {
      let wait = min(until.timeIntervalSince(environment.now()), 1 / channel.rate + 1)
      if environment.clock().steady + wait > end { return false }
      pause(wait)
    }
    return true
  }

  private func pause(_ seconds: Double) {
    let inbox = Inbox<Bool>()
    _ = inbox.takeAll(within: max(0.001, seconds))
  }

  /// Nil where the sweep was stopped meanwhile: what comes then is nobody's.
  private func ask(_ request: HTTPRequest, _ channel: Channel) -> Reply? {
    let inbox = Inbox<Reply>()
    environment.transport(channel).perform(.http(request), within: channel.timeout) { inbox.post($0) }
    while !isStopped() {
      if let reply = inbox.takeAll(within: 0.2).first { return reply }
    }
    return nil
  }
}
