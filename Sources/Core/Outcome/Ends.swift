import FoundationEssentials

/// What became of a message's recipients in this attempt, one after the other: all that its line has to know of them.
package struct Ends: Sendable {
  /// Of those who have an outcome, in their order.
  package private(set) var entries = HistoryLine.Results()
  /// Somebody's turn did not come.
  private(set) var hasUntried = false
  /// It counts as an attempt.
  private(set) var isAttempt = false
  /// A provider is still to be asked about somebody.
  package private(set) var hasQuestion = false
  /// The first of each kind that was not accepted; who is still to be asked about counts as deferred.
  private var culprits: [RecipientState: LegResult] = [:]
  private var wait = Wait()

  /// When somebody who waits may go on: the earliest of these.
  private struct Wait {
    var due: Date?
    var seconds: Double?
    /// After the channel's pause between two attempts.
    var isOrdinary = false
  }

  package init() {}

  package mutating func add(_ result: LegResult) {
    if result.question != nil { hasQuestion = true }
    guard let outcome = result.outcome else { return addUntried(due: result.due) }
    if outcome.state == .accepted, result.isPlain {
      entries.append(accepted: result.leg.to, id: outcome.id)
      if result.isTried { isAttempt = true }
      return
    }
    entries.append(Verdict.entry(result))
    if outcome.state == .accepted, result.refusal == nil, result.question == nil {
      if result.isTried { isAttempt = true }
      return
    }
    // A call whose refusal led to a fallback counts, though its own leg is no longer there.
    if (result.isTried && outcome.usesAttempt) || result.refusal != nil { isAttempt = true }
    let kind = result.question == nil ? outcome.state : .deferred
    if kind != .accepted, culprits[kind] == nil { culprits[kind] = result }
    if kind == .deferred { add(result, outcome) }
  }

  /// Somebody, or many, whose turn did not come.
  package mutating func addUntried(due: Date?) {
    hasUntried = true
    if let due { wait(until: due) } else { wait(Verdict.suspensionPause) }
  }

  private mutating func add(_ result: LegResult, _ outcome: Outcome) {
    if let question = result.question { return wait(until: question.due) }
    if let due = result.due { return wait(until: due) }
    if outcome.isSurplus { return wait(0) }
    if let seconds = outcome.retryAfter { wait(seconds) } else { wait.isOrdinary = true }
  }

  private mutating func wait(until due: Date) { wait.due = min(wait.due ?? due, due) }
  private mutating func wait(_ seconds: Double) { wait.seconds = min(wait.seconds ?? seconds, seconds) }

  // MARK: What follows

  /// Deferred while anybody is; then unconfirmed if anybody is; then failed if anybody was rejected, now or earlier.
  func state(hasRejected: Bool) -> MessageState {
    if hasUntried || culprits[.deferred] != nil { return .deferred }
    if culprits[.unconfirmed] != nil { return .unconfirmed }
    return hasRejected || culprits[.rejected] != nil ? .failed : .done
  }

  /// When the next try is.
  /// - Parameter delay: seconds that the channel waits between two attempts.
  func due(at now: Date, delay: @autoclosure () -> Double) -> Date? {
    let dates = [wait.due, wait.seconds.map { now + $0 }, wait.isOrdinary ? now + delay() : nil]
    return dates.compactMap { $0 }.min()
  }

  /// Whose end the message's line tells of.
  func culprit(of state: MessageState) -> LegResult? {
    let kind: RecipientState =
      switch state {
      case .deferred: .deferred
      case .unconfirmed: .unconfirmed
      default: .rejected
      }
    return culprits[kind] ?? culprits[.rejected]
  }
}
