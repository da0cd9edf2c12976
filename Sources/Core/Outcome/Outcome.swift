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

/// Whose trouble a refusal tells of (contract, section 5, "Whose trouble"). Providers' tables say it code by code.
package enum Blame: Sendable, Hashable {
  /// Surely this recipient's own (an unknown mailbox, a malformed number): never counts against the channel.
  case recipient
  /// Said of one, and nobody knows whose it is. Refusals like this of `suspect_after` different recipients in a row, all
  /// with one code and nobody accepted between, suspend the channel as suspected.
  case unclear
  /// Said of one, and perhaps the account's trouble (relay denied, unverified number, sender refused at RCPT). The outcome
  /// is a deferral; a second, different recipient with the same code and no acceptance between suspends the channel.
  case account
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
  /// Of what was not accepted: whose trouble it is.
  package var blame = Blame.unclear
  /// False where the call never got to the provider (no name, no route, refused, no TLS): it uses up no attempt.
  package var usesAttempt = true
  /// Beyond the provider's limit on recipients per call, as its answer taught (`Answer.capacity`): goes out again at once,
  /// in another call, and uses up no attempt.
  package var isSurplus = false
  /// What the service wants to hear beside the id when it is asked what became of it: a secret of this one message. It is
  /// kept with what is awaited, and in no history line.
  package var readKey: String?
  /// Accepted, as a receipt has shown: no answer said so.
  package var isByReceipt = false

  /// - Parameter reason: why it arrives otherwise than it was written; results say so.
  package static func accepted(id: String? = nil, reason: String? = nil) -> Outcome {
    Outcome(state: .accepted, id: id, reason: reason)
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

  /// See `isSurplus`.
  package static func surplus(code: String? = nil, reason: String? = nil) -> Outcome {
    var outcome = Outcome.deferred(.provider, code: code, reason: reason)
    outcome.isSurplus = true
    outcome.usesAttempt = false
    return outcome
  }

  /// The call never got to the provider; see `usesAttempt`.
  package static func unreached(code: String? = nil, reason: String? = nil) -> Outcome {
    var outcome = Outcome.deferred(.network, code: code, reason: reason)
    outcome.usesAttempt = false
    return outcome
  }

  /// What is in a history line where the allowance is used up (`AllowanceProvider`).
  package static let allowanceCode = "allowance"

  /// That, and what WeChat's own service says of it (providers/wechat-ilink.md).
  package static let allowanceCodes: Set = [allowanceCode, "-2"]

  /// A success without the id that shows that the message was taken indeed.
  package static let noIdCode = "no-id"

  /// The other side has to write first: uses up no attempt.
  /// - Parameter code: the service's own, where it said so.
  package static func unallowed(code: String = allowanceCode, reason: String) -> Outcome {
    var outcome = Outcome.deferred(.quota, code: code, reason: reason)
    outcome.usesAttempt = false
    return outcome
  }

  package func blaming(_ blame: Blame) -> Outcome {
    var outcome = self
    outcome.blame = blame
    return outcome
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
    /// Until the channel's next local day: a daily limit is used up.
    case untilTomorrow
    /// Until somebody has changed the configuration.
    case untilMended
    /// Until somebody has logged in anew (`AccountProvider`).
    case untilLogin
    /// The channel's `throttle_pause`, doubled while it goes on, up to a day.
    case throttled
  }

  /// One for each of the call's recipients, in their order.
  package var outcomes: [Outcome]
  package var advice: Advice
  /// With `suspend`, and where a second witness (`Blame.account`) suspends.
  package var rest = Rest.untilNextSweep
  /// The most recipients of a call that the provider takes, where this answer taught it; those beyond are `isSurplus`.
  package var capacity: Int?
  /// The allowance is used up, whatever was counted (`AllowanceProvider`).
  package var isAllowanceSpent = false

  package init(_ outcomes: [Outcome], advice: Advice = .proceed) {
    self.outcomes = outcomes
    self.advice = advice
  }

  /// The service no longer takes the login. Goes with a session whose account has `ended`.
  package static func sessionLost(code: String, _ reason: String, in call: Call) -> Answer {
    let outcome = Outcome.deferred(.credentials, code: code, reason: reason)
    var answer = Answer.all(outcome, in: call, advice: .suspend)
    answer.rest = .untilLogin
    return answer
  }

  /// The account sends too often, and is barred for longer if it goes on.
  package static func tooFrequent(code: String, _ reason: String, in call: Call) -> Answer {
    let outcome = Outcome.deferred(.throttled, code: code, reason: reason)
    var answer = Answer.all(outcome, in: call, advice: .suspend)
    answer.rest = .throttled
    return answer
  }

  /// The same outcome for everybody in the call.
  package static func all(_ outcome: Outcome, in call: Call, advice: Advice = .proceed) -> Answer {
    Answer(Array(repeating: outcome, count: call.recipients.count), advice: advice)
  }
}
