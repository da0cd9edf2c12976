import Core
import Spooling

/// Sums up by their cause the messages that were not sent as their producers wanted: a line for each cause, however many
/// messages it has. Times are seconds of a clock that is never set.
struct CauseBook {
  /// The first of a cause is said after so long, as others like it may follow at once.
  static let patience = 1.0
  /// Then the cause is said again at most so often.
  static let repeats = 60.0
  /// Causes that are told apart; a far end may invent a new code for every answer.
  private static let most = 200
  /// Our own words that are told apart; they may name what stands in each file.
  private static let mostReasons = 8

  struct Cause: Hashable {
    var state: MessageState
    var channel: String?
    var kind: ErrorKind?
    var code: String?
    /// Where nobody gave it a code: our own words.
    var reason: String?
  }

  private struct Entry {
    var count = 0
    /// Of the first message.
    var name: String
    var error: Fault?
    var since: Double
  }

  private var waiting: [Cause: Entry] = [:]
  private var order: [Cause] = []
  private var said: [Cause: Double] = [:]

  /// - Parameter isFirst: whether a deferred message was not deferred before: a provider that is down for a day is one
  ///   piece of news.
  mutating func note(_ name: String, _ line: HistoryLine, at now: Double, isFirst: () -> Bool) {
    switch line.state {
    case .done, .duplicate: return
    // What its producer or the operator wanted is no trouble.
    case .deferred: if line.isPatience || !isFirst() { return }
    case .failed, .invalid, .expired, .unconfirmed: break
    }
    var cause = Cause(
      state: line.state, channel: line.channel, kind: line.error?.kind, code: line.error?.code,
      reason: line.error?.code == nil ? line.error?.message : nil)
    if waiting[cause] == nil, waiting.count >= CauseBook.mostReasons { cause.reason = nil }
    if waiting[cause] == nil, waiting.count >= CauseBook.most { cause.code = nil }
    if waiting[cause] == nil {
      waiting[cause] = Entry(name: name, error: line.error, since: now)
      order.append(cause)
    }
    waiting[cause]?.count += 1
  }

  /// When `lines` has something to say; nil while nothing waits.
  var due: Double? { waiting.map(due).min() }

  private func due(_ cause: Cause, _ entry: Entry) -> Double {
    max(entry.since + CauseBook.patience, said[cause].map { $0 + CauseBook.repeats } ?? 0)
  }

  /// The causes that are due, or all of them, in the order of their first messages.
  /// - Parameter command: a command line of msgspool on this spool.
  mutating func lines(at now: Double, all: Bool = false, command: (String) -> String) -> [(MessageState, String)] {
    said = said.filter { $0.value + CauseBook.repeats > now }
    var lines: [(MessageState, String)] = []
    for cause in order {
      guard let entry = waiting[cause], all || due(cause, entry) <= now else { continue }
      waiting[cause] = nil
      said[cause] = now
      lines.append((cause.state, CauseBook.line(cause, entry, command)))
    }
    order.removeAll { waiting[$0] == nil }
    return lines
  }

  private static func line(_ cause: Cause, _ entry: Entry, _ command: (String) -> String) -> String {
    let isOne = entry.count == 1
    let who = isOne ? entry.name : counted(entry.count, "message")
    let reason = entry.error.map { phrase(": ") + Columns.cut($0.shownWords, 300) } ?? ""
    let more = command(
      isOne ? "show \(FileName(display: entry.name).argument)" : "list \(SpoolLayout.folder(of: cause.state).rawValue)")
    return (cause.channel.map { $0 + phrase(": ") } ?? "")
      + phrase("{1}{2}; see: {3}", became(cause.state, who, isOne: isOne), reason, more)
  }

  private static func became(_ state: MessageState, _ who: String, isOne: Bool) -> String {
    switch state {
    case .done, .duplicate: "\(who) \(state.rawValue)"
    case .deferred: phrase("{1} deferred", who)
    case .failed: phrase("{1} failed", who)
    case .expired: phrase("{1} expired", who)
    case .invalid: isOne ? phrase("{1} is invalid", who) : phrase("{1} are invalid", who)
    case .unconfirmed: isOne ? phrase("{1} is unconfirmed", who) : phrase("{1} are unconfirmed", who)
    }
  }
}

extension HistoryLine {
  /// Deferred because somebody wanted it so: its producer (send_at) or the operator (quiet hours, digests). No error.
  var isPatience: Bool { state == .deferred && ["send_at", "quiet_hours", "digest"].contains(error?.code) }
}

extension Fault {
  /// Kind, code and message in one line.
  var words: String {
    // A field's name begins the message already.
    let isTold = code.map { message.hasPrefix($0) } ?? true
    return [kind.rawValue, isTold ? nil : code, message].compactMap { $0 }.filter { !$0.isEmpty }
      .joined(separator: ": ")
  }
}
