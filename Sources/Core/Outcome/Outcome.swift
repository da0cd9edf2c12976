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
///
/// A value that is copied as its state, an id and one reference: there is one for each of a million recipients, it is handed
/// on ten times, and of those who were accepted it says nothing more.
package struct Outcome: Sendable, Hashable {
  package var state: RecipientState
  /// The provider's id of what it accepted.
  package var id: String?
  private var rest: Box?

  private struct Rest: Sendable, Hashable {
    var kind: ErrorKind?
    var code: String?
    var reason: String?
    var retryAfter: Double?
    var attempts: Int?
    var blame = Blame.unclear
    var usesAttempt = true
    var isSurplus = false
    var readKey: String?
    var isByReceipt = false
  }

  private final class Box: Sendable, Hashable {
    let rest: Rest
    init(_ rest: Rest) { self.rest = rest }
    static func == (one: Box, other: Box) -> Bool { one === other || one.rest == other.rest }
    func hash(into hasher: inout Hasher) { hasher.combine(rest) }
  }

  private mutating func change(_ body: (inout Rest) -> Void) {
    var rest = rest?.rest ?? Rest()
    body(&rest)
    self.rest = rest == Rest() ? nil : Box(rest)
  }

  /// It says nothing but its state and perhaps an id.
  package var isPlain: Bool { rest == nil }

  package var kind: ErrorKind? {
    get { rest?.rest.kind }
    set { change { $0.kind = newValue } }
  }
  /// The provider's own code and text, as they came.
  package var code: String? {
    get { rest?.rest.code }
    set { change { $0.code = newValue } }
  }
  package var reason: String? {
    get { rest?.rest.reason }
    set { change { $0.reason = newValue } }
  }
  /// Seconds the provider asked us to wait before the next try.
  package var retryAfter: Double? {
    get { rest?.rest.retryAfter }
    set { change { $0.retryAfter = newValue } }
  }
  /// A deferral that is worth only so many attempts in all, fewer than the channel's.
  package var attempts: Int? {
    get { rest?.rest.attempts }
    set { change { $0.attempts = newValue } }
  }
  /// Of what was not accepted: whose trouble it is.
  package var blame: Blame {
    get { rest?.rest.blame ?? .unclear }
    set { change { $0.blame = newValue } }
  }
  /// False where the call never got to the provider (no name, no route, refused, no TLS): it uses up no attempt.
  package var usesAttempt: Bool {
    get { rest?.rest.usesAttempt ?? true }
    set { change { $0.usesAttempt = newValue } }
  }
  /// Beyond the provider's limit on recipients per call, as its answer taught (`Answer.capacity`): goes out again at once,
  /// in another call, and uses up no attempt.
  package var isSurplus: Bool {
    get { rest?.rest.isSurplus ?? false }
    set { change { $0.isSurplus = newValue } }
  }
  /// What the service wants to hear beside the id when it is asked what became of it: a secret of this one message. It is
  /// kept with what is awaited, and in no history line.
  package var readKey: String? {
    get { rest?.rest.readKey }
    set { change { $0.readKey = newValue } }
  }
  /// Accepted, as a receipt has shown: no answer said so.
  package var isByReceipt: Bool {
    get { rest?.rest.isByReceipt ?? false }
    set { change { $0.isByReceipt = newValue } }
  }

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
    let rest = Rest(kind: kind, code: code, reason: reason, retryAfter: retryAfter, attempts: attempts)
    if rest != Rest() { self.rest = Box(rest) }
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
