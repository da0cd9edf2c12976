import Core
import FoundationEssentials

/// What all sweeps of a spool have done, counted over restarts, for monitoring. Counted in memory, in a few additions a
/// message, and written with a commit that is made anyway: once a second at the most, and with the last of a sweep.
package struct Meters: Sendable {
  /// One number that only grows.
  package struct Row: Sendable, Hashable {
    package var name: Name
    package var channel: String
    /// A state, an outcome, a bucket's upper bound, or empty.
    package var label: String
    package var value: Int

    package init(_ name: Name, _ channel: String, _ label: String, _ value: Int) {
      self.name = name
      self.channel = channel
      self.label = label
      self.value = value
    }
  }

  package enum Name: String, Sendable, CaseIterable {
    case recipients, messages, calls
    /// A histogram's buckets, each without those below it, and its sum in milliseconds.
    case callSeconds = "call_seconds"
    case callSum = "call_sum"
    case settleSeconds = "settle_seconds"
    case settleSum = "settle_sum"
  }

  /// How a call ended.
  package enum CallOutcome: Int, Sendable, CaseIterable {
    case accepted, partial, refused, deferred, unconfirmed

    package var label: String { "\(self)" }

    package init(_ outcomes: [Outcome]) {
      let accepted = outcomes.count { $0.state == .accepted }
      if accepted == outcomes.count {
        self = .accepted
      } else if accepted > 0 {
        self = .partial
      } else {
        self =
          switch outcomes.first?.state {
          case .rejected?: .refused
          case .deferred?: .deferred
          case .unconfirmed?, .accepted?, nil: .unconfirmed
          }
      }
    }
  }

  /// Upper bounds in seconds; what is above the last is counted beyond it.
  package static let callBounds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
  package static let settleBounds = [1.0, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 604_800]
  /// The label of what is above the last bound.
  package static let beyond = "+Inf"

  package static func label(_ bound: Double) -> String {
    bound == bound.rounded() ? String(Int(bound)) : String(bound)
  }

  private struct Histogram: Sendable {
    let bounds: [Double]
    var counts: [Int]
    var milliseconds = 0

    init(_ bounds: [Double]) {
      self.bounds = bounds
      counts = Array(repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ seconds: Double) {
      let seconds = max(0, min(seconds, 1e10))
      counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
      milliseconds += Int((seconds * 1000).rounded())
    }

    func rows(_ buckets: Name, _ sum: Name, _ channel: String) -> [Row] {
      let labels = bounds.map(Meters.label) + [Meters.beyond]
      let rows = zip(labels, counts).filter { $0.1 > 0 }.map { Row(buckets, channel, $0.0, $0.1) }
      return milliseconds > 0 ? rows + [Row(sum, channel, "", milliseconds)] : rows
    }
  }

  private struct Channel: Sendable {
    let name: String
    var recipients = Array(repeating: 0, count: RecipientState.allCases.count)
    var messages = Array(repeating: 0, count: MessageState.allCases.count)
    var calls = Array(repeating: 0, count: CallOutcome.allCases.count)
    var callSeconds = Histogram(Meters.callBounds)
    var settleSeconds = Histogram(Meters.settleBounds)

    init(_ name: String) { self.name = name }

    var rows: [Row] {
      func rows<Case: CaseIterable>(_ meter: Name, _ counts: [Int], _ label: (Case) -> String) -> [Row] {
        zip(Case.allCases, counts).filter { $0.1 > 0 }.map { Row(meter, name, label($0.0), $0.1) }
      }
      return rows(.recipients, recipients) { (state: RecipientState) in state.rawValue }
        + rows(.messages, messages) { (state: MessageState) in state.rawValue }
        + rows(.calls, calls) { (outcome: CallOutcome) in outcome.label }
        + callSeconds.rows(.callSeconds, .callSum, name) + settleSeconds.rows(.settleSeconds, .settleSum, name)
    }
  }

  /// As many as there are channels, and mostly the last one again.
  private var channels: [Channel] = []
  private var current = 0

  package init() {}

  package var isEmpty: Bool { channels.isEmpty }
  package var rows: [Row] { channels.flatMap(\.rows) }

  package mutating func removeAll() { self = Meters() }

  /// A call ended.
  package mutating func count(_ outcomes: [Outcome], of channel: String, seconds: Double) {
    turn(to: channel)
    channels[current].calls[CallOutcome(outcomes).rawValue] += 1
    channels[current].callSeconds.add(seconds)
    for outcome in outcomes { channels[current].recipients[Meters.index(outcome.state)] += 1 }
  }

  /// A message left cur/.
  package mutating func count(_ line: HistoryLine) {
    // What an invalid one calls its channel, anybody may have written.
    turn(to: line.state == .invalid ? "" : line.channel ?? "")
    channels[current].messages[Meters.index(line.state)] += 1
    guard line.state.isFinal, let dropped = line.dropped else { return }
    channels[current].settleSeconds.add(line.at.timeIntervalSince(dropped))
  }

  private mutating func turn(to name: String) {
    if current < channels.count, channels[current].name == name { return }
    if let known = channels.firstIndex(where: { $0.name == name }) {
      current = known
    } else {
      current = channels.count
      channels.append(Channel(name))
    }
  }

  private static func index(_ state: RecipientState) -> Int {
    switch state {
    case .accepted: 0
    case .deferred: 1
    case .rejected: 2
    case .unconfirmed: 3
    }
  }

  private static func index(_ state: MessageState) -> Int {
    switch state {
    case .done: 0
    case .duplicate: 1
    case .deferred: 2
    case .failed: 3
    case .invalid: 4
    case .expired: 5
    case .unconfirmed: 6
    }
  }
}
