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
  /// The longest wait for sending to come to an end, in seconds.
  private static let patience = 1.0
  /// All that a channel's pace is waited for in one pass, in seconds: who is left is due in the next.
  private static let pacing = 10.0

  /// What an answer said.
  struct Answer {
    var channel: Channel
    var receipts: [Receipt]
    /// See `ReceiptReading`.
    var sources: [[UInt8]]
    var sums: [ReceiptSums]
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
  /// Seconds that were waited for the pace of the channel that is asked.
  private var paced = 0.0
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
      .filter { $0.receipts.asks && $0.asking != nil }.sorted { $0.name > $1.name }
    (round, roundsLeft, paced) = (nil, ReceiptAsker.rounds, 0)
  }

  /// It is not asked any more in this pass.
  private func leave(_ channel: Channel) {
    left.removeAll { $0.name == channel.name }
    (roundsLeft, paced) = (ReceiptAsker.rounds, 0)
  }

  /// Asks the next question, and what its answer says; nil when there is no more to ask now.
  func next() throws(LedgerFault) -> Answer? {
    while true {
      if round == nil, try !beginRound() { return nil }
      guard var current = round else { return nil }
      let before = current.round.reached
      let session = environment.sessions.session(of: current.channel)
      guard
        let request = current.provider.question(
          &current.round, session, at: environment.now(), nonce: environment.nonce())
      else {
        try endRound(current)
        continue
      }
      // Who is left is still due, and asked about in the next pass.
      switch try awaitTurn(current) {
      case .asks: break
      case .sendingComesFirst:
        try cut(current, reached: before)
        return nil
      case .isPaced:
        try cut(current, reached: before)
        leave(current.channel)
        continue
      }
      guard let reply = ask(request, current.channel) else { return nil }
      current.round.asked += 1
      guard case .http(let response) = reply else {
        try fail(current, "no answer")
        continue
      }
      let reading = current.provider.reading(response, &current.round, at: environment.now())
      // Keys and tokens: no channel that is asked has a login on the disk.
      if let new = reading.session { _ = environment.sessions.store(new, was: session, of: current.channel) }
      round = current
      if let pause = reading.pause { try rest(current, pause) }
      if let trouble = reading.trouble { try fail(current, trouble) }
      if reading.trouble == nil, reading.pause == nil { troubled.remove(current.channel.name) }
      return Answer(
        channel: current.channel, receipts: reading.receipts, sources: reading.sources, sums: reading.sums)
    }
  }

  // MARK: Rounds

  private func beginRound() throws(LedgerFault) -> Bool {
    while let channel = left.last {
      let now = environment.clock()
      if roundsLeft > 0, resting[channel.name] ?? 0 <= now.steady, mayAsk(),
        let provider = channel.asking
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
      leave(channel)
    }
    return false
  }

  private static func call(_ record: AwaitedRecord, _ channel: Channel) -> AwaitedCall {
    AwaitedCall(
      id: record.call, sharedId: record.sharedId, reference: record.reference, acceptedAt: record.acceptedAt,
      recipients: record.recipients.compactMap { recipient in
        Awaiting.target(of: recipient.member, channel).map { .init(id: recipient.id, $0, readKey: recipient.readKey) }
      }, open: record.recipients.count, asked: record.asked)
  }

  /// Who was reached was asked about; the others are still due, and come first in the next pass.
  private func cut(_ over: Round, reached: Int) throws(LedgerFault) {
    let part = Round(
      channel: over.channel, provider: over.provider, records: Array(over.records.prefix(reached)), round: over.round)
    try endRound(part)
  }

  /// They were asked about; what has no final state yet is due again after its pause.
  private func endRound(_ over: Round) throws(LedgerFault) {
    round = nil
    if over.records.isEmpty { return }
    let now = environment.now()
    try ledger.asked(
      over.records.map { record in
        let pause = ReceiptPause.seconds(
          after: record.asked + 1, every: over.channel.receiptEvery, least: over.provider.receiptPause)
        return (record.call, now + pause)
      })
    // `receipt_every: "0s"` is: in every sweep, and not for ever in one.
    if over.channel.receiptEvery == 0 { leave(over.channel) }
  }

  /// It wants to be left alone, and nobody who is awaited is forgotten for that.
  private func rest(_ current: Round, _ seconds: Double) throws(LedgerFault) {
    resting[current.channel.name] = environment.clock().steady + seconds
    leave(current.channel)
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
    leave(current.channel)
    if round != nil { try endRound(current) }
    round = nil
  }

  // MARK: One question

  private enum Turn { case asks, sendingComesFirst, isPaced }

  /// Waits until nothing is being sent and the channel's pace allows a question, unless that takes too long.
  private func awaitTurn(_ current: Round) throws(LedgerFault) -> Turn {
    let end = environment.clock().steady + ReceiptAsker.patience
    while !mayAsk() {
      if isStopped() || environment.clock().steady > end { return .sendingComesFirst }
      pause(0.02)
    }
    let channel = current.channel
    // Questions that are slower than calls keep a pace of their own, and hold up no call.
    let slow = current.provider.questionsPerSecond
    for (name, rate) in [("\(channel.name)\treceipts", slow), (channel.name, channel.rate)] where rate > 0 {
      while let until = try ledger.takeSlot(of: name, rate: rate, at: environment.now()) {
        let wait = min(max(0.001, until.timeIntervalSince(environment.now())), 1 / rate + 1)
        paced += wait
        if paced > ReceiptAsker.pacing || isStopped() { return .isPaced }
        pause(wait)
        if !mayAsk() { return .sendingComesFirst }
      }
    }
    return .asks
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
