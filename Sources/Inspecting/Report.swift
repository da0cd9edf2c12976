import Core
import FoundationEssentials
import Ledger
import Spooling

/// What was sent in a span of time, and what became of it: gathered from history lines in one pass. However many files there
/// are, what is kept of them is counts. A value; what it is fed comes from `ReportReader`.
package struct Report: Sendable {
  /// Recipients by what became of them in an attempt.
  package struct States: Sendable, Hashable {
    package var accepted = 0
    package var deferred = 0
    package var rejected = 0
    package var unconfirmed = 0

    package init(accepted: Int = 0, deferred: Int = 0, rejected: Int = 0, unconfirmed: Int = 0) {
      self.accepted = accepted
      self.deferred = deferred
      self.rejected = rejected
      self.unconfirmed = unconfirmed
    }

    package var all: Int { accepted + deferred + rejected + unconfirmed }

    package subscript(state: RecipientState) -> Int {
      get {
        switch state {
        case .accepted: accepted
        case .deferred: deferred
        case .rejected: rejected
        case .unconfirmed: unconfirmed
        }
      }
      set {
        switch state {
        case .accepted: accepted = newValue
        case .deferred: deferred = newValue
        case .rejected: rejected = newValue
        case .unconfirmed: unconfirmed = newValue
        }
      }
    }
  }

  package struct Channel: Sendable {
    package var name: String
    package var states = States()
    /// Recipients that are in doubt now.
    package var doubtful = 0
    /// From when a message was first seen to a recipient's acceptance.
    package var latency = Latency()
    package var funnel = Funnel()

    /// Recipients with an end: accepted, refused, or in doubt.
    package var ended: Int { states.accepted + states.rejected + doubtful }
    /// Percent of those; nil where there are none.
    package var acceptance: Double? { ended == 0 ? nil : Double(states.accepted) * 100 / Double(ended) }
  }

  /// Why messages did not go out as their producers wanted.
  package struct Cause: Sendable {
    package var channel: String
    package var state: MessageState
    package var kind: String
    package var code: String
    /// In words, of one of them.
    package var reason: String
    /// One of them.
    package var name: String
    package var count: Int
  }

  /// Why recipients who were accepted were not delivered.
  package struct Undelivery: Sendable {
    package var channel: String
    package var code: String
    /// In words, of one of them.
    package var reason: String
    /// A message of one of them.
    package var name: String
    package var count: Int
  }

  /// A message in failed/ of which nobody knows whether it arrived.
  package struct Doubtful: Sendable {
    package var name: String
    package var channel: String
    package var at: Date
    package var recipients: Int
    package var reason: String
  }

  private struct UndeliveryKey: Hashable {
    var channel: String
    var code: Verbatim
  }

  private struct CauseKey: Hashable {
    var channel: String
    var state: MessageState
    var kind: String
    var code: Verbatim
  }

  /// Causes that are told apart, and doubtful messages that are named; the rest is counted.
  private static let mostCauses = 200
  package static let mostDoubtful = 100
  private static let mostSteps = 24 * 14

  package let since: Date
  package let until: Date
  /// Seconds of a step in `steps`: an hour, or more where the span is long.
  package let step: Double
  /// When the first step began: steps begin with whole hours, the first one before the span.
  package let origin: Date
  /// What became of recipients in each step, oldest first.
  package private(set) var steps: [States]
  private var byChannel: [String: Channel] = [:]
  private var byCause: [CauseKey: Cause] = [:]
  private var byUndelivery: [UndeliveryKey: Undelivery] = [:]
  package private(set) var doubtful: [Doubtful] = []
  package private(set) var doubtfulCount = 0
  /// Messages with something to tell in the span.
  package private(set) var messages = 0
  /// By what they became last.
  package private(set) var ends: [MessageState: Int] = [:]

  package init(since: Date, until: Date) {
    self.since = since
    self.until = until
    let hours = max(1, (until.timeIntervalSince(since) / 3600).rounded(.up))
    step = 3600 * (hours / Double(Report.mostSteps)).rounded(.up)
    origin = Date(timeIntervalSince1970: (since.timeIntervalSince1970 / step).rounded(.down) * step)
    steps = Array(repeating: States(), count: max(1, Int((until.timeIntervalSince(origin) / step).rounded(.up))))
  }

  package var channels: [Channel] { byChannel.values.sorted { $0.name < $1.name } }
  package var causes: [Cause] {
    byCause.values.sorted { ($1.count, $0.channel, $0.code) < ($0.count, $1.channel, $1.code) }
  }

  package var undeliveries: [Undelivery] {
    byUndelivery.values.sorted { ($1.count, $0.channel, $0.code) < ($0.count, $1.channel, $1.code) }
  }

  /// Takes a message in: what stands behind it, oldest first.
  package mutating func take(_ entries: [HistoryEntry], name: String) {
    let lines = entries.compactMap(\.line)
    var isInside = false
    for line in lines where line.at >= since && line.at < until {
      isInside = true
      take(line)
    }
    guard isInside, let last = lines.last else { return }
    messages += 1
    ends[last.state, default: 0] += 1
    switch last.state {
    case .failed, .expired, .invalid, .unconfirmed: blame(last, name)
    case .done, .duplicate, .deferred: break
    }
    if last.state == .unconfirmed { doubt(last, name) }
    if lines.count == 1, entries.count == 1 {
      // Nearly all of them, and quickly.
      for result in last.results { follow(result, nil, of: last.channel, name) }
    } else {
      let channel = last.channel
      for standing in Standing.all(entries).values.joined() {
        follow(standing.result, standing.receipt, of: channel, name)
      }
    }
  }

  /// How far a recipient got, in its own channel. One that goes on through a fallback after it was not delivered has a
  /// message of its own there.
  private mutating func follow(
    _ result: HistoryLine.Result, _ receipt: ReceiptLine.Result?, of channel: String?, _ name: String
  ) {
    let channel = result.channel ?? channel ?? ""
    byChannel[channel, default: Channel(name: channel)].funnel.add(result.state, receipt?.state)
    guard let receipt, receipt.state == .undelivered, result.state == .accepted else { return }
    var key = UndeliveryKey(channel: channel, code: Verbatim(receipt.code ?? ""))
    if byUndelivery[key] == nil, byUndelivery.count >= Report.mostCauses { key.code = Verbatim("") }
    if byUndelivery[key] == nil {
      byUndelivery[key] = Undelivery(
        channel: channel, code: key.code.text, reason: String((receipt.reason ?? "").prefix(300)), name: name, count: 0)
    }
    byUndelivery[key]?.count += 1
  }

  private mutating func take(_ line: HistoryLine) {
    if line.results.isEmpty { return }
    let index = min(max(0, Int(line.at.timeIntervalSince(origin) / step)), steps.count - 1)
    for result in line.results {
      let channel = result.channel ?? line.channel ?? ""
      steps[index][result.state] += 1
      byChannel[channel, default: Channel(name: channel)].states[result.state] += 1
      if result.state == .accepted, let dropped = line.dropped {
        byChannel[channel]?.latency.add(line.at.timeIntervalSince(dropped))
      }
    }
  }

  private mutating func blame(_ line: HistoryLine, _ name: String) {
    // What an invalid message calls its channel, anybody may have written.
    let channel = line.state == .invalid ? "" : line.channel ?? ""
    var key = CauseKey(
      channel: channel, state: line.state, kind: line.error?.kind.rawValue ?? "",
      code: Verbatim(line.error?.code ?? ""))
    if byCause[key] == nil, byCause.count >= Report.mostCauses { key.code = Verbatim("") }
    if byCause[key] == nil {
      byCause[key] = Cause(
        channel: channel, state: line.state, kind: key.kind, code: key.code.text,
        reason: String((line.error?.message ?? "").prefix(300)), name: name, count: 0)
    }
    byCause[key]?.count += 1
  }

  private mutating func doubt(_ line: HistoryLine, _ name: String) {
    doubtfulCount += 1
    var recipients = 0
    for result in line.results where result.state == .unconfirmed {
      recipients += 1
      let channel = result.channel ?? line.channel ?? ""
      byChannel[channel, default: Channel(name: channel)].doubtful += 1
    }
    guard doubtful.count < Report.mostDoubtful else { return }
    doubtful.append(
      Doubtful(
        name: name, channel: line.channel ?? "", at: line.at, recipients: recipients,
        reason: String((line.error?.message ?? "").prefix(300))))
  }
}

/// How long things took: counts in steps of a sixteenth of an octave, so that a quantile is right to four percent.
package struct Latency: Sendable {
  private var counts: [Int] = []
  package private(set) var count = 0

  package init() {}

  package mutating func add(_ seconds: Double) {
    let index = Latency.index(seconds)
    if index >= counts.count { counts += Array(repeating: 0, count: index + 1 - counts.count) }
    counts[index] += 1
    count += 1
  }

  /// Seconds that this share of them took at most; nil where there are none.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let wanted = max(1, Int((share * Double(count)).rounded(.up)))
    var seen = 0
    for (index, count) in counts.enumerated() {
      seen += count
      if seen >= wanted { return Latency.seconds(index) }
    }
    return Latency.seconds(counts.count - 1)
  }

  /// Steps in an octave; the first step is a millisecond.
  private static let steps = 16

  private static func index(_ seconds: Double) -> Int {
    let milliseconds = max(1, min(seconds, 1e9) * 1000)
    let octave = Int(milliseconds.exponent)
    // Within an octave the steps are even: a significand is from 1 to 2.
    return octave * steps + Int((milliseconds.significand - 1) * Double(steps))
  }

  /// The middle of a step.
  private static func seconds(_ index: Int) -> Double {
    let octave = Double(sign: .plus, exponent: index / steps, significand: 1)
    return octave * (1 + (Double(index % steps) + 0.5) / Double(steps)) / 1000
  }
}
