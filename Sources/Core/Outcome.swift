import FoundationEssentials

/// The closed vocabulary of what became of one recipient in one attempt (contract, section 1).
package enum RecipientState: String, Sendable, Hashable, CaseIterable {
  /// The provider took responsibility; that is all a 2xx says.
  case accepted
  /// Not accepted, worth another try later.
  case deferred
  /// Not accepted, and trying the same again cannot help.
  case rejected
  /// Sent, and no answer came: neither success nor failure until someone finds out.
  case unconfirmed
}

/// Whose fault it is, as told in `error.kind` (contract, section 4).
package enum ErrorKind: String, Sendable, Hashable, CaseIterable {
  case message, recipient, credentials, quota, throttled, network, provider, uncertain
}

/// What one reply says about one recipient.
package struct Outcome: Sendable, Hashable {
  package var state: RecipientState
  /// The provider's id of what it accepted.
  package var id: String?
  package var kind: ErrorKind?
  /// The provider's own code and text, as they came.
  package var code: String?
  package var reason: String?
  /// Seconds the provider asked us to wait before the next try.
  package var retryAfter: Double?
  /// A deferral that is worth only so many attempts in all, fewer than the channel's.
  package var attempts: Int?

  package static func accepted(id: String? = nil) -> Outcome {
    Outcome(state: .accepted, id: id)
  }

  package static func deferred(
    _ kind: ErrorKind, code: String? = nil, reason: String? = nil, retryAfter: Double? = nil,
    attempts: Int? = nil
  ) -> Outcome {
    Outcome(
      state: .deferred, kind: kind, code: code, reason: reason, retryAfter: retryAfter, attempts: attempts)
  }

  package static func rejected(_ kind: ErrorKind, code: String? = nil, reason: String? = nil) -> Outcome {
    Outcome(state: .rejected, kind: kind, code: code, reason: reason)
  }

  package static func unconfirmed(code: String? = nil, reason: String? = nil) -> Outcome {
    Outcome(state: .unconfirmed, kind: .uncertain, code: code, reason: reason)
  }

  package init(
    state: RecipientState, id: String? = nil, kind: ErrorKind? = nil, code: String? = nil,
    reason: String? = nil, retryAfter: Double? = nil, attempts: Int? = nil
  ) {
    self.state = state
    self.id = id
    self.kind = kind
    self.code = code
    self.reason = reason
    self.retryAfter = retryAfter
    self.attempts = attempts
  }
}

/// What one reply says about a whole call: an outcome for each recipient, and what to do about the channel.
package struct Answer: Sendable, Hashable {
  package enum Advice: Sendable, Hashable {
    case proceed
    /// The provider refused the call whole, nothing of it was accepted, and the cause may be its size or one of
    /// its recipients: halve it and send the halves. For a call of one recipient the outcome stands.
    case split
    /// The account is being throttled: slow the channel down; seconds where the provider named them.
    case slowDown(retryAfter: Double?)
    /// Wrong credentials or an empty balance: nothing on this channel can succeed for now. The outcomes say why.
    case suspend
  }

  /// How long a suspended channel is left alone. Some services punish whoever goes on.
  package enum Rest: Sendable, Hashable {
    /// The next sweep tries with one call.
    case untilNextSweep
    case seconds(Double)
    /// Until somebody has changed the configuration.
    case untilMended
  }

  /// One for each of the call's recipients, in their order.
  package var outcomes: [Outcome]
  package var advice: Advice
  /// With `suspend` only.
  package var rest = Rest.untilNextSweep

  package init(_ outcomes: [Outcome], advice: Advice = .proceed) {
    self.outcomes = outcomes
    self.advice = advice
  }

  /// The same outcome for everybody in the call.
  package static func all(_ outcome: Outcome, in call: Call, advice: Advice = .proceed) -> Answer {
    Answer(Array(repeating: outcome, count: call.recipients.count), advice: advice)
  }
}
