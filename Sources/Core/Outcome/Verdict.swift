import FoundationEssentials

/// What became of one leg in this attempt.
package struct LegResult: Sendable {
  package var leg: Itinerary.Leg
  /// Nil when it was not its turn (the channel was suspended, or the sweep stopped).
  package var outcome: Outcome?
  /// It took part in a call.
  package var isTried: Bool
  /// What hardly any has, apart: a long list has a million of these.
  private var rare: Rare?

  package init(
    _ leg: Itinerary.Leg, outcome: Outcome? = nil, isTried: Bool = false, question: (call: String, due: Date)? = nil,
    due: Date? = nil, refusal: Outcome? = nil
  ) {
    self.leg = leg
    self.outcome = outcome
    self.isTried = isTried
    let rare = Rare(question: question, due: due, refusal: refusal)
    if !rare.isEmpty { self.rare = rare }
  }

  private final class Rare: Sendable {
    let question: (call: String, due: Date)?
    let due: Date?
    let refusal: Outcome?
    let digest: Int?

    init(question: (call: String, due: Date)?, due: Date?, refusal: Outcome?, digest: Int? = nil) {
      self.question = question
      self.due = due
      self.refusal = refusal
      self.digest = digest
    }

    var isEmpty: Bool { question == nil && due == nil && refusal == nil && digest == nil }
  }
}

extension LegResult {
  /// Sent by the message's own channel, in one part and one call, and nothing is odd about it.
  var isPlain: Bool { rare == nil && !leg.isFallback && leg.trail == nil && outcome?.isPlain ?? false }

  /// The lost call that the provider is still to be asked about.
  package var question: (call: String, due: Date)? { rare?.question }

  /// When a deferral that is nobody's fault ends: the channel's next day, or a throttle. Of what was not tried: when its
  /// message is looked at again, should others of it have an outcome.
  package var due: Date? { rare?.due }

  /// Of a fallback's leg: why the one before it was given up.
  package var refusal: Outcome? { rare?.refusal }

  /// How many messages shared the text that went to the recipient, this one included; nil where it went by itself.
  package var digest: Int? {
    get { rare?.digest }
    set {
      if newValue != digest { keep(Rare(question: question, due: due, refusal: refusal, digest: newValue)) }
    }
  }

  /// The end in this attempt.
  package mutating func end(
    _ outcome: Outcome?, isTried: Bool, question: (call: String, due: Date)?, due: Date?
  ) {
    self.outcome = outcome
    self.isTried = isTried
    if rare != nil || question != nil || due != nil {
      keep(Rare(question: question, due: due, refusal: refusal, digest: digest))
    }
  }

  private mutating func keep(_ rare: Rare) { self.rare = rare.isEmpty ? nil : rare }
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
    var ends = Ends()
    for result in results { ends.add(result) }
    return line(itinerary, ends, calls: calls, circumstances)
  }

  package static func line(
    _ itinerary: Itinerary, _ ends: Ends, calls: [String], _ circumstances: Circumstances
  ) -> HistoryLine? {
    if ends.entries.isEmpty, ends.hasUntried { return nil }
    let attempt = itinerary.attempts + (ends.isAttempt ? 1 : 0)
    let state = ends.state(hasRejected: itinerary.hasRejected)
    var line = HistoryLine(
      at: circumstances.now, state: state, sweep: circumstances.sweep, channel: itinerary.channel.name,
      provider: itinerary.channel.card.name, attempt: attempt, calls: calls, dropped: circumstances.dropped)
    line.results = ends.entries
    if state == .deferred {
      // What never gets through waits longer each time, as what is refused does.
      let tries = ends.isAttempt ? attempt : attempt + itinerary.unreached + 1
      line.due = ends.due(
        at: circumstances.now, delay: itinerary.channel.retry.delay(after: tries, random: circumstances.random))
    }
    if state != .done { line.error = error(state, itinerary, ends.culprit(of: state)) }
    return line
  }

  static func entry(_ result: LegResult) -> HistoryLine.Result {
    let outcome = result.outcome ?? .unconfirmed()
    let isAccepted = outcome.state == .accepted
    var entry = HistoryLine.Result(
      to: result.leg.to, state: outcome.state, id: outcome.id,
      code: isAccepted ? nil : outcome.code ?? result.refusal?.code,
      // What a provider says of what it took is nobody's news; that it got something else than was written is.
      reason: isAccepted ? (outcome.code == nil ? outcome.reason : nil) : reason(outcome, result),
      channel: result.leg.isFallback ? result.leg.channel : nil,
      address: result.leg.isFallback ? result.leg.target.address : nil, call: result.question?.call,
      digest: result.digest, parts: result.leg.trail?.entries(outcome) ?? [])
    if outcome.isByReceipt { entry.isByReceipt = true }
    return entry
  }

  /// With why the channel before the fallback gave up.
  private static func reason(_ outcome: Outcome, _ result: LegResult) -> String? {
    guard let before = result.refusal?.reason else { return outcome.reason }
    return [outcome.reason, "before the fallback: \(before)"].compactMap { $0 }.joined(separator: "; ")
  }

  private static func error(_ state: MessageState, _ itinerary: Itinerary, _ culprit: LegResult?) -> Fault {
    guard let outcome = culprit?.outcome else {
      return itinerary.hasRejected && state != .deferred
        ? Fault(.recipient, "a recipient was rejected in an earlier attempt")
        : Fault(.provider, "not sent yet: the sweep stopped, or the channel is suspended")
    }
    return Fault(
      outcome.kind ?? .provider, code: outcome.code, outcome.reason ?? "no reason given",
      hint: hint(state, outcome, culprit, itinerary.channel))
  }

  private static func hint(
    _ state: MessageState, _ outcome: Outcome, _ culprit: LegResult?, _ channel: Channel
  ) -> String? {
    if let culprit, culprit.question != nil {
      // A fallback's own way is its channel's, which is not at hand here.
      return culprit.leg.channel == channel.name ? channel.recovery.prospect : "what became of the call is found out"
    }
    switch (state, outcome.kind) {
    case (.unconfirmed, _):
      return "find out whether it arrived; then: msgspool retry NAME --state unconfirmed (it will be sent again)"
    case (.deferred, .quota?) where Outcome.allowanceCodes.contains(outcome.code ?? ""):
      return "write anything to the bot in WeChat: what waits is sent then"
    case (.failed, .recipient?): return "correct the recipient, then: msgspool retry NAME"
    case (.failed, _): return "when the cause is mended: msgspool retry NAME"
    default: return nil
    }
  }
}
