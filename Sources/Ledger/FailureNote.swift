import Core
import FoundationEssentials

/// What went wrong, to be summed up for the operator (`on_failure`): how often, and one message as an example.
package struct FailureNote: Sendable, Hashable {
  /// Ids of the messages that tell of failures begin so: none of them tells of itself.
  package static let ownId = "msgspool-failures-"

  package var channel: String
  /// A message's state, or `suspended`.
  package var state: String
  package var kind: String
  /// The provider's, or empty.
  package var code: String
  /// In words, of the newest.
  package var reason: String
  /// Of a message, as shown; empty for a channel.
  package var name: String
  package var count: Int
  package var first: Date
  package var last: Date

  package init(
    channel: String, state: String, kind: String, code: String, reason: String, name: String, count: Int = 1,
    first: Date, last: Date
  ) {
    self.channel = channel
    self.state = state
    self.kind = kind
    self.code = code
    self.reason = reason
    self.name = name
    self.count = count
    self.first = first
    self.last = last
  }

  /// Nil for what is no failure, or is a summary's own.
  package init?(_ line: HistoryLine, name: String, id: String?) {
    guard [.failed, .expired, .unconfirmed].contains(line.state), id?.behind("msgspool-failures-") == nil else {
      return nil
    }
    self.init(
      channel: line.channel ?? "", state: line.state.rawValue, kind: line.error?.kind.rawValue ?? "",
      code: line.error?.code ?? "", reason: line.error?.message ?? "", name: name, first: line.at, last: line.at)
  }

  package init(_ suspension: Suspension) {
    self.init(
      channel: suspension.channel, state: "suspended", kind: suspension.kind.rawValue,
      code: suspension.suspectedFor ?? "", reason: suspension.reason, name: "", first: suspension.since,
      last: suspension.since)
  }

  /// What is summed up in one line.
  package struct Cause: Hashable, Sendable {
    var channel: String
    var state: String
    var kind: String
    var code: Verbatim
  }

  package var cause: Cause { Cause(channel: channel, state: state, kind: kind, code: Verbatim(code)) }

  package mutating func add(_ other: FailureNote) {
    count += other.count
    first = min(first, other.first)
    if other.last >= last { (last, reason, name) = (other.last, other.reason, other.name) }
  }
}

/// Failures that one message is to tell of.
package struct FailureSummary: Sendable, Hashable {
  /// The same for whoever tells it, so that it is told once.
  package var id: String
  package var notes: [FailureNote]

  package init(id: String, notes: [FailureNote]) {
    self.id = id
    self.notes = notes
  }
}

/// A ledger that remembers failures until they have been told.
package protocol FailureBook: Ledger {
  /// What is to be told now: what nobody has told yet, once in `every` seconds at the most; or what somebody was about to
  /// tell and, as a minute has passed, has died over. Nil where there is nothing.
  func takeFailures(at now: Date, every: Double) throws(LedgerFault) -> FailureSummary?
  /// It was told, and survives a power cut.
  func told(_ summary: FailureSummary) throws(LedgerFault)
}
