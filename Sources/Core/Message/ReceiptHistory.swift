import FoundationEssentials

/// A line of news behind a message's history: what its provider said later of some whom it had accepted.
package struct ReceiptLine: Sendable, Hashable {
  package var at: Date
  package var channel: String
  package var results: [Result]

  package struct Result: Sendable, Hashable {
    /// As in the message.
    package var to: String
    package var state: ReceiptState
    package var at: Date?
    package var code: String?
    package var reason: String?
    /// One of the history's calls.
    package var call: String
    /// The message of its own by which the recipient goes on through the fallback channel: it counts there.
    package var leg: String?

    package init(
      to: String, state: ReceiptState, at: Date? = nil, code: String? = nil, reason: String? = nil, call: String,
      leg: String? = nil
    ) {
      self.to = to
      self.state = state
      self.at = at
      self.code = code
      self.reason = reason
      self.call = call
      self.leg = leg
    }
  }

  package init(at: Date, channel: String, results: [Result]) {
    self.at = at
    self.channel = channel
    self.results = results
  }
}

/// A message that is a leg: the way on of a recipient of another message, who was accepted and did not get it.
package struct LegOrigin: Sendable, Hashable {
  package var at: Date
  /// The message that it is of, its recipient, and the call.
  package var of: String
  package var to: String
  package var call: String
  /// Channels that the recipient has been through: none of them is a way on.
  package var through: [String]

  package init(at: Date, of: String, to: String, call: String, through: [String]) {
    self.at = at
    self.of = of
    self.to = to
    self.call = call
    self.through = through
  }
}

/// Everything that stands behind a message, in its order.
package enum HistoryEntry: Sendable, Hashable {
  case line(HistoryLine)
  case receipt(ReceiptLine)
  /// What the message was dropped for, by ourselves.
  case leg(LegOrigin)
  /// A person wants those sent to again that were not delivered, and nobody else.
  case retry(at: Date)
}

extension HistoryEntry {
  /// The attempt that it tells of; nil for what came behind one.
  package var line: HistoryLine? { if case .line(let line) = self { line } else { nil } }
}

/// Where one recipient of a message stands, by all that its history says.
package struct Standing: Sendable, Hashable {
  /// The newest word of an attempt.
  package var result: HistoryLine.Result
  /// The calls of the attempt that it is of.
  package var calls: [String]
  /// When that was written.
  package var at: Date
  /// What a receipt said of it since: the first final one, and after `no_receipt` whatever came in the end. Of a text in
  /// several parts what their receipts come to (`whole`).
  package var receipt: ReceiptLine.Result?
  /// Of a text in several parts: what was said of each call, once.
  private var told: [ReceiptLine.Result] = []
  /// Calls of earlier attempts, by attempt, that may have been carried out for all that is known.
  private var doubted: [[String]] = []

  private init(_ result: HistoryLine.Result, of line: HistoryLine) {
    self.result = result
    calls = line.calls
    at = line.at
  }

  /// Whether the call is the one that this result is of.
  package func isOf(_ call: String) -> Bool {
    result.call.map { Verbatim($0) == Verbatim(call) } ?? false || calls.contains { Verbatim($0) == Verbatim(call) }
  }

  /// Whether proof that the call was carried out ends a doubt, or spares another attempt (`on_unconfirmed: "resend"`).
  func awaitsProof(of call: String) -> Bool {
    guard result.state == .unconfirmed || result.state == .deferred else { return false }
    return isOf(call) || doubted.contains { $0.contains { Verbatim($0) == Verbatim(call) } }
  }

  /// What became of a text in several parts, each of which has a call and a receipt of its own: delivered only when all of
  /// them are, undelivered when one is not. Nil while that is open.
  /// - Parameter states: one for each part of which anybody is to tell; nil of a part of which nobody has.
  package static func whole(_ states: [ReceiptState?]) -> ReceiptState? {
    if states.contains(.undelivered) { return .undelivered }
    if states.contains(nil) { return nil }
    return states.contains(.noReceipt) ? .noReceipt : states.last ?? nil
  }

  /// By recipient; several where a fallback's address book has a list.
  package static func all(_ entries: [HistoryEntry]) -> [Verbatim: [Standing]] {
    var all: [Verbatim: [Standing]] = [:]
    for entry in entries {
      switch entry {
      case .retry, .leg: break
      case .line(let line):
        for result in line.results { add(result, line, to: &all[Verbatim(result.to), default: []]) }
      case .receipt(let line):
        for news in line.results { add(news, to: &all[Verbatim(news.to), default: []]) }
      }
    }
    return all.filter { !$0.value.isEmpty }
  }

  /// As `Progress`: a newer result replaces the older one of the same way, and all of a channel that was given up for it.
  private static func add(_ result: HistoryLine.Result, _ line: HistoryLine, to known: inout [Standing]) {
    let address = result.address.map(Verbatim.init(_:))
    // A doubt that is only kept is still of the call before.
    let kept = known.first {
      $0.result.channel == result.channel && $0.result.address.map(Verbatim.init(_:)) == address
    }
    known.removeAll { $0.result.channel != result.channel || $0.result.address.map(Verbatim.init(_:)) == address }
    var standing = Standing(result, of: line)
    if let kept {
      // Of a text in several parts those that went before are a part of it still.
      let goesOn = kept.result.state != .accepted && kept.result.parts.contains { $0.state == .accepted }
      if line.calls.isEmpty || goesOn { standing.calls = kept.calls + line.calls }
      if goesOn { standing.told = kept.told }
      if kept.result.state == .unconfirmed || kept.result.state == .deferred {
        // The lists are the lines' own, as a long message has many calls and many recipients.
        standing.doubted = kept.doubted + [kept.calls]
      }
    }
    known.append(standing)
  }

  /// A receipt of an earlier call, before a retry, changes nothing; the first final one stands.
  private static func add(_ news: ReceiptLine.Result, to known: inout [Standing]) {
    if let index = known.firstIndex(where: { $0.isOf(news.call) && $0.result.parts.count > 1 }) {
      return known[index].add(ofPart: news)
    }
    guard let index = known.firstIndex(where: { $0.isOf(news.call) && $0.result.state == .accepted }) else { return }
    known[index].receipt = later(known[index].receipt, news)
  }

  /// The first final word stands, and comes after the end of a wait.
  private static func later(_ before: ReceiptLine.Result?, _ news: ReceiptLine.Result) -> ReceiptLine.Result {
    guard var before, before.state != .noReceipt || news.state == .noReceipt else { return news }
    // Its leg is told of with the same state once more.
    if before.state == news.state, let leg = news.leg { before.leg = leg }
    return before
  }

  private mutating func add(ofPart news: ReceiptLine.Result) {
    if let index = told.firstIndex(where: { Verbatim($0.call) == Verbatim(news.call) }) {
      told[index] = Standing.later(told[index], news)
    } else {
      told.append(news)
    }
    guard result.state == .accepted else { return }
    let open = max(0, result.parts.count - told.count)
    let leg = told.lazy.compactMap(\.leg).first
    // All of it goes on by a leg, whatever the rest of the parts comes to.
    let whole = Standing.whole(told.map(\.state) + Array(repeating: nil, count: open))
    let state = whole ?? (leg == nil ? nil : .noReceipt)
    receipt = told.last { $0.state == state }
    receipt?.leg = leg
  }
}

/// Whom a claimed message is to be sent to again though they were accepted, as receipts said that it did not arrive.
package struct Undelivered: Sendable, Hashable {
  package var recipients: Set<Verbatim> = []
  /// `retry --state undelivered` asked for these alone: nobody else is sent to.
  package var isAlone = false

  package init() {}

  /// A message that comes back from done/ can be meant for nobody else; one from failed/ only where a person said so, as
  /// every other retry leaves those alone that were accepted. A deferred one goes on as it is.
  package init(_ entries: [HistoryEntry]) {
    guard let last = entries.lastIndex(where: { if case .line = $0 { true } else { false } }),
      case .line(let line) = entries[last], line.state.isFinal
    else { return }
    let isAsked = entries[last...].contains { if case .retry = $0 { true } else { false } }
    guard isAsked || line.state == .done else { return }
    isAlone = isAsked
    recipients = Undelivered.recipients(entries)
  }

  /// Those of whom the newest call was not delivered.
  package static func recipients(_ entries: [HistoryEntry]) -> Set<Verbatim> {
    guard entries.contains(where: { if case .receipt = $0 { true } else { false } }) else { return [] }
    return Set(
      Standing.all(entries).filter { _, standings in
        standings.contains { $0.receipt?.state == .undelivered && $0.receipt?.leg == nil }
      }.keys)
  }
}

/// The line of a message some of whose recipients were in doubt, and of whom a receipt has shown that they were accepted.
package enum DoubtEnd {
  /// Nil where nobody of them is in doubt about that call, or is to be sent to again as nobody knew what became of it.
  /// - Parameters:
  ///   - call: the one that the receipt names.
  ///   - recipients: whom it proves, by `to` and, in a fallback channel, the address there.
  package static func line(
    _ entries: [HistoryEntry], call: String, _ recipients: [(to: String, address: String?)], at now: Date
  ) -> HistoryLine? {
    guard let last = entries.reversed().lazy.compactMap(\.line).first
    else { return nil }
    var all = Standing.all(entries)
    var proven: [HistoryLine.Result] = []
    for (to, address) in recipients {
      let key = Verbatim(to)
      for index in all[key]?.indices ?? 0..<0 {
        guard var result = all[key]?[index].result, all[key]?[index].awaitsProof(of: call) == true,
          result.address.map(Verbatim.init(_:)) == address.map(Verbatim.init(_:))
        else { continue }
        result.state = .accepted
        (result.code, result.reason, result.call, result.isByReceipt) = (nil, nil, call, true)
        all[key]?[index].result = result
        proven.append(result)
      }
    }
    guard !proven.isEmpty else { return nil }
    let states = all.values.flatMap { $0 }.map(\.result)
    let state: MessageState =
      if states.contains(where: { $0.state == .deferred || ($0.state == .unconfirmed && $0.call != nil) }) {
        .deferred
      } else if states.contains(where: { $0.state == .unconfirmed }) {
        .unconfirmed
      } else {
        states.contains { $0.state == .rejected } ? .failed : .done
      }
    return HistoryLine(
      at: now, state: state, channel: last.channel, provider: last.provider, attempt: last.attempt, results: proven,
      error: state == .done ? nil : error(state, last, states), due: state == .deferred ? last.due : nil,
      dropped: last.dropped)
  }

  private static func error(_ state: MessageState, _ last: HistoryLine, _ results: [HistoryLine.Result]) -> Fault {
    if last.state == state, let error = last.error { return error }
    let culprit = results.first { $0.state == .rejected }
    return Fault(
      .recipient, code: culprit?.code, culprit?.reason ?? "a recipient was rejected in an earlier attempt")
  }
}
