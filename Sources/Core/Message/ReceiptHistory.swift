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

/// Everything that stands behind a message, in its order.
package enum HistoryEntry: Sendable, Hashable {
  case line(HistoryLine)
  case receipt(ReceiptLine)
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
  /// What a receipt said of it since: the first final one, and after `no_receipt` whatever came in the end.
  package var receipt: ReceiptLine.Result?

  /// Whether the call is the one that this result is of.
  package func isOf(_ call: String) -> Bool {
    result.call.map { Verbatim($0) == Verbatim(call) } ?? false || calls.contains { Verbatim($0) == Verbatim(call) }
  }

  /// By recipient; several where a fallback's address book has a list.
  package static func all(_ entries: [HistoryEntry]) -> [Verbatim: [Standing]] {
    var all: [Verbatim: [Standing]] = [:]
    for entry in entries {
      switch entry {
      case .retry: break
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
    let calls = line.calls.isEmpty ? kept?.calls ?? [] : line.calls
    known.append(Standing(result: result, calls: calls, at: line.at))
  }

  /// A receipt of an earlier call, before a retry, changes nothing; the first final one stands.
  private static func add(_ news: ReceiptLine.Result, to known: inout [Standing]) {
    guard let index = known.firstIndex(where: { $0.isOf(news.call) && $0.result.state == .accepted }) else { return }
    let before = known[index].receipt
    // Of a text in several parts one that is missing makes the rest worth little.
    let isMissing = known[index].result.parts.count > 1 && before?.state == .delivered && news.state == .undelivered
    if before == nil || before?.state == .noReceipt || isMissing { known[index].receipt = news }
    // Its leg is told of with the same state once more.
    if before?.state == news.state, let leg = news.leg { known[index].receipt?.leg = leg }
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
  /// Nil where nobody of them is in doubt about that call.
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
        guard var result = all[key]?[index].result, result.state == .unconfirmed, all[key]?[index].isOf(call) == true,
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
