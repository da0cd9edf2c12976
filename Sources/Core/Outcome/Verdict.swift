import FoundationEssentials

/// What became of one leg in this attempt.
package struct LegResult: Sendable {
  package var leg: Itinerary.Leg
  /// Nil when it was not its turn (the channel was suspended, or the sweep stopped).
  package var outcome: Outcome?
  /// It took part in a call.
  package var isTried: Bool
  /// The lost call that the provider is still to be asked about.
  package var question: (call: String, due: Date)?
  /// When a deferral that is nobody's fault ends: the channel's next day, or a throttle. Of what was not tried: when its
  /// message is looked at again, should others of it have an outcome.
  package var due: Date?
  /// Of a fallback's leg: why the one before it was given up.
  package var refusal: Outcome?
  /// How many messages shared the text that went to the recipient, this one included; nil where it went by itself.
  package var digest: Int?

  package init(
    _ leg: Itinerary.Leg, outcome: Outcome? = nil, isTried: Bool = false, question: (call: String, due: Date)? = nil,
    due: Date? = nil, refusal: Outcome? = nil
  ) {
    self.leg = leg
    self.outcome = outcome
    self.isTried = isTried
    self.question = question
    self.due = due
    self.refusal = refusal
  }
}

/// From the legs' results to the message's line: the one place that decides what a whole message is after an attempt.
package enum Verdict {
  package struct Circumstances: Sendable {
    package var now: Date
    package var sweep: String
    package var dropped: Date
    /// 0..<1, for the jitter of the next try.
    package var random: Double

    package init(now: Date, sweep: String, dropped: Date, random: Double) {
      self.now = now
      self.sweep = sweep
      self.dropped = dropped
      self.random = random
    }
  }

  /// Seconds until a message that was accepted in part by a channel since suspended is looked at again.
  package static let suspensionPause = 300.0

  /// A deferral that was the last one allowed becomes final. One that uses no attempt never is: it waits until the message
  /// expires.
  /// - Parameter attempt: the number of the attempt that ended so; 1 is the first.
  package static func final(_ outcome: Outcome, attempt: Int, _ schedule: RetrySchedule) -> Outcome {
    let allowed = min(schedule.attempts, outcome.attempts ?? .max)
    guard outcome.state == .deferred, outcome.usesAttempt, attempt >= allowed else { return outcome }
    var outcome = outcome
    outcome.state = .rejected
    outcome.reason = "gave up after \(attempt) attempt\(attempt == 1 ? "" : "s"): \(outcome.reason ?? "deferred")"
    return outcome
  }

  /// The history line, or nil for a message that goes back unchanged because nothing was tried.
  package static func line(
    _ itinerary: Itinerary, _ results: [LegResult], calls: [String], _ circumstances: Circumstances
  ) -> HistoryLine? {
    let decided = results.filter { $0.outcome != nil }
    if decided.isEmpty, !results.isEmpty { return nil }
    // A call whose refusal led to a fallback counts, though its own leg is no longer there.
    let isAttempt = decided.contains { ($0.isTried && $0.outcome?.usesAttempt == true) || $0.refusal != nil }
    let attempt = itinerary.attempts + (isAttempt ? 1 : 0)
    // What never gets through waits longer each time, as what is refused does.
    let tries = isAttempt ? attempt : attempt + itinerary.unreached + 1
    let state = self.state(itinerary, results)
    var line = HistoryLine(
      at: circumstances.now, state: state, sweep: circumstances.sweep, channel: itinerary.channel.name,
      provider: itinerary.channel.card.name, attempt: attempt, calls: calls,
      results: decided.map(entry), dropped: circumstances.dropped)
    if state == .deferred {
      line.due = results.compactMap { due($0, itinerary.channel, tries, circumstances) }.min()
    }
    if state != .done { line.error = error(state, itinerary, results) }
    return line
  }

  /// Deferred while anybody is; then unconfirmed if anybody is; then failed if anybody was rejected, now or earlier.
  private static func state(_ itinerary: Itinerary, _ results: [LegResult]) -> MessageState {
    if results.contains(where: { $0.outcome == nil || $0.outcome?.state == .deferred || $0.question != nil }) {
      return .deferred
    }
    if results.contains(where: { $0.outcome?.state == .unconfirmed }) { return .unconfirmed }
    if itinerary.hasRejected || results.contains(where: { $0.outcome?.state == .rejected }) { return .failed }
    return .done
  }

  private static func entry(_ result: LegResult) -> HistoryLine.Result {
    let outcome = result.outcome ?? .unconfirmed()
    let isAccepted = outcome.state == .accepted
    return HistoryLine.Result(
      to: result.leg.to, state: outcome.state, id: outcome.id,
      code: isAccepted ? nil : outcome.code ?? result.refusal?.code,
      // What a provider says of what it took is nobody's news; that it got something else than was written is.
      reason: isAccepted ? (outcome.code == nil ? outcome.reason : nil) : reason(outcome, result),
      channel: result.leg.isFallback ? result.leg.channel : nil,
      address: result.leg.isFallback ? result.leg.target.address : nil, call: result.question?.call,
      digest: result.digest)
  }

  /// With why the channel before the fallback gave up.
  private static func reason(_ outcome: Outcome, _ result: LegResult) -> String? {
    guard let before = result.refusal?.reason else { return outcome.reason }
    return [outcome.reason, "before the fallback: \(before)"].compactMap { $0 }.joined(separator: "; ")
  }

  private static func due(
    _ result: LegResult, _ channel: Channel, _ tries: Int, _ circumstances: Circumstances
  ) -> Date? {
    let now = circumstances.now
    if let question = result.question { return question.due }
    guard let outcome = result.outcome else { return result.due ?? now + suspensionPause }
    guard outcome.state == .deferred else { return nil }
    if let due = result.due { return due }
    if outcome.isSurplus { return now }
    return now + (outcome.retryAfter ?? channel.retry.delay(after: tries, random: circumstances.random))
  }

  private static func error(_ state: MessageState, _ itinerary: Itinerary, _ results: [LegResult]) -> Fault {
    let culprit =
      results.first { $0.question != nil || $0.outcome?.state == culpritState(state) }
      ?? results.first { $0.outcome?.state == .rejected }
    guard let outcome = culprit?.outcome else {
      return itinerary.hasRejected && state != .deferred
        ? Fault(.recipient, "a recipient was rejected in an earlier attempt")
        : Fault(.provider, "not sent yet: the sweep stopped, or the channel is suspended")
    }
    return Fault(
      outcome.kind ?? .provider, code: outcome.code, outcome.reason ?? "no reason given",
      hint: hint(state, outcome, culprit))
  }

  private static func culpritState(_ state: MessageState) -> RecipientState {
    switch state {
    case .deferred: .deferred
    case .unconfirmed: .unconfirmed
    default: .rejected
    }
  }

  private static func hint(_ state: MessageState, _ outcome: Outcome, _ culprit: LegResult?) -> String? {
    if culprit?.question != nil { return "the provider will be asked what became of the call" }
    switch (state, outcome.kind) {
    case (.unconfirmed, _):
      return "find out whether it arrived; then: msgspool retry NAME --state unconfirmed (it will be sent again)"
    case (.failed, .recipient?): return "correct the recipient, then: msgspool retry NAME"
    case (.failed, _): return "when the cause is mended: msgspool retry NAME"
    default: return nil
    }
  }
}
