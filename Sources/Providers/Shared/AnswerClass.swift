import Core
import FoundationEssentials

/// What a code of a provider, or an HTTP status, means for a call: the class column of the provider's document.
struct AnswerClass: Sendable, Hashable {
  var state: RecipientState
  var kind: ErrorKind
  var channel = Channel.proceed
  var split = Split.never
  /// Tries in all, where more of them are not worth it.
  var attempts: Int?
  /// Content fields that the code complains about (`configuration`).
  var blames: [String] = []
  /// Whose trouble a code tells of where it is said of one recipient.
  var blame = Blame.unclear
  /// How long a suspended channel is left alone, where the code says it. Otherwise as long as the answer tells to wait.
  var rest: Answer.Rest?

  enum Channel: Sendable { case proceed, slowDown, suspend }

  /// When a call is to be halved instead of believing that all in it are at fault.
  enum Split: Sendable {
    case never
    /// Each recipient has a content of its own, and one of these may be at fault.
    case mixed
    /// One of the recipients, or their number, may be at fault.
    case several
  }

  // MARK: The classes of the documents

  /// P: the message can't be sent, to nobody.
  static let message = AnswerClass(state: .rejected, kind: .message, split: .mixed)
  /// P: a recipient can't be sent to, and surely for a reason of its own.
  static let recipient = AnswerClass(state: .rejected, kind: .recipient, split: .several, blame: .recipient)
  /// P: a recipient can't be sent to, and nobody knows whether others could: the cause may be the account's.
  static let recipientPerhaps = AnswerClass(state: .rejected, kind: .recipient, split: .several)
  /// P, but halves may pass.
  static let tooLarge = AnswerClass(state: .rejected, kind: .message, split: .several)
  /// P: refused, and the document doesn't say whose fault it is.
  static let refused = AnswerClass(state: .rejected, kind: .provider, split: .several)
  /// R: the account sends too fast.
  static let throttled = AnswerClass(state: .deferred, kind: .throttled, channel: .slowDown)
  /// R: one recipient gets too much; the others don't wait for it.
  static let recipientThrottled = AnswerClass(state: .deferred, kind: .throttled, split: .several, blame: .recipient)
  /// R: trouble at the provider; nothing was carried out.
  static let later = AnswerClass(state: .deferred, kind: .provider)
  /// R once, then P; where messages share a call, one of them may be what the provider chokes on.
  static let once = AnswerClass(state: .deferred, kind: .provider, split: .mixed, attempts: 2)
  /// R a few times, then P.
  static let fewTimes = AnswerClass(state: .deferred, kind: .provider, attempts: 3)
  /// C: nothing on this channel can succeed until somebody mends the configuration. Where others in the same answer fared
  /// differently, it is the account's only perhaps.
  static let credentials = AnswerClass(state: .deferred, kind: .credentials, channel: .suspend, blame: .account)
  /// C, but said of one recipient (relaying to its domain, a number that was not verified, its country): the channel goes
  /// on until a second one hears the same.
  static let credentialsPerhaps = AnswerClass(state: .deferred, kind: .credentials, split: .several, blame: .account)
  /// Q.
  static let quota = AnswerClass(state: .deferred, kind: .quota, channel: .suspend, blame: .account)
  /// C: who goes on is barred.
  static let barred = AnswerClass(
    state: .deferred, kind: .credentials, channel: .suspend, blame: .account, rest: .untilMended)
  /// Q: what may be sent in a day is sent.
  static let quotaOfTheDay = AnswerClass(
    state: .deferred, kind: .quota, channel: .suspend, blame: .account, rest: .untilTomorrow)
  /// Q, but perhaps of one recipient's country alone.
  static let quotaPerhaps = AnswerClass(state: .deferred, kind: .quota, split: .several, blame: .account)
  /// Q of what this message asks for beside the ordinary: the others don't wait for it.
  static let quotaForThis = AnswerClass(state: .deferred, kind: .quota)
  /// U.
  static let inDoubt = AnswerClass(state: .unconfirmed, kind: .uncertain)

  /// C when the fields named are the channel's own, but P when a message brought them: a message with a mistyped
  /// template must not stop the channel for all others.
  static func configuration(_ fields: String...) -> AnswerClass { credentials.about(fields) }

  /// The same of a code that may be said of one recipient's country or network alone.
  static func configurationPerhaps(_ fields: String...) -> AnswerClass { credentialsPerhaps.about(fields) }

  private func about(_ fields: [String]) -> AnswerClass {
    var verdict = self
    verdict.blames = fields
    return verdict
  }

  /// The usual meaning of an HTTP status, where there is no code that says more.
  /// - Parameters:
  ///   - client: other 4xx, which differ in who answers: the provider, or a gateway before it.
  ///   - server: 5xx, which differ in whether the call may have been carried out.
  static func status(_ status: Int, client: AnswerClass, server: AnswerClass) -> AnswerClass {
    switch status {
    case 301, 302, 307, 308: .later
    case 401, 403, 404, 405, 407, 410: .credentials
    // Whoever waited for the answer gave up: of what was done they say nothing.
    case 408, 504: .inDoubt
    case 425: .later
    case 413, 414, 431: .tooLarge
    case 429: .throttled
    case 400..<500: client
    case 500..<600: server
    default: .inDoubt
    }
  }

  /// Of an answer that does not decode: a page of a gateway, before which the call did not get through, or the
  /// provider's own answer, damaged, after which it may have.
  static func undecoded(_ response: HTTPResponse, client: AnswerClass = .fewTimes, server: AnswerClass = .later)
    -> AnswerClass
  {
    guard (200..<300).contains(response.status) else { return .status(response.status, client: client, server: server) }
    return JSONAnswer.looksDamaged(response.body) ? .inDoubt : .later
  }

  /// The same of an exchange that delivers nothing: there is no doubt about what was delivered.
  var beforeSending: AnswerClass { state == .unconfirmed ? .later : self }

  // MARK: Answering

  /// - Parameter defaults: the channel's own values of content fields.
  func answer(
    to call: Call, code: String?, reason: String?, retryAfter: Double? = nil, defaults: [String: String] = [:]
  ) -> Answer {
    if blamesMessage(of: call, defaults: defaults) {
      return AnswerClass.message.answer(to: call, code: code, reason: reason)
    }
    var answer = Answer.all(outcome(code: code, reason: reason, retryAfter: retryAfter), in: call)
    switch channel {
    case .slowDown: answer.advice = .slowDown(retryAfter: retryAfter)
    case .suspend:
      answer.advice = .suspend
      answer.rest = rest ?? retryAfter.map(Answer.Rest.seconds) ?? .untilNextSweep
    case .proceed: if splits(call) { answer.split() }
    }
    return answer
  }

  func outcome(code: String?, reason: String?, retryAfter: Double? = nil) -> Outcome {
    Outcome(
      state: state, kind: kind, code: code, reason: reason, retryAfter: state == .deferred ? retryAfter : nil,
      attempts: attempts
    ).blaming(blame)
  }

  /// What the verdict is where it is said of one recipient, whose content may be to blame.
  func blaming(_ content: Content, defaults: [String: String]) -> AnswerClass {
    isBlaming(content, defaults) ? .message : self
  }

  private func isBlaming(_ content: Content, _ defaults: [String: String]) -> Bool {
    blames.contains { content[$0] != nil && content[$0] != defaults[$0] }
  }

  func splits(_ call: Call) -> Bool {
    switch split {
    case .never: false
    case .mixed: call.isMixed && call.recipients.count > 1
    case .several: call.recipients.count > 1
    }
  }

  private func blamesMessage(of call: Call, defaults: [String: String]) -> Bool {
    call.contents.contains { isBlaming($0, defaults) }
  }
}

extension Answer {
  /// The call was refused whole, and one of its recipients may be at fault, nobody knows which, or their number. The halves
  /// will tell; until then it counts against nobody.
  mutating func split() {
    advice = .split
    outcomes = outcomes.map { $0.blaming(.recipient) }
  }

  /// From an answer that speaks of each recipient. The channel stops or slows down when all of them met the same wall,
  /// and that wall is surely its own: who has trouble of his own besides proves nothing. Not before: what is certain about
  /// the others must be kept, and the next call meets the wall alone. What may be one recipient's (`Blame.account`) stops
  /// nothing here, not even said of all: the sweep waits for a second witness.
  /// - Parameter verdicts: nil where there is none: accepted, or not named by the answer.
  init(_ outcomes: [Outcome], by verdicts: [AnswerClass?]) {
    let channels = Set(verdicts.filter { $0?.blame != .recipient }.map { $0?.channel ?? .proceed })
    switch (channels.count, channels.first) {
    case (1, .suspend?):
      self.init(outcomes, advice: .suspend)
      // Where the code says how long to wait, nobody needs to ask before.
      let wait = outcomes.compactMap(\.retryAfter).min().map(Answer.Rest.seconds)
      rest = verdicts.compactMap { $0?.rest }.first ?? wait ?? .untilNextSweep
    case (1, .slowDown?): self.init(outcomes, advice: .slowDown(retryAfter: outcomes.compactMap(\.retryAfter).max()))
    default: self.init(outcomes)
    }
  }
}

/// A provider's codes by what they mean, as its document lists them.
struct CodeTable<Code: Hashable & Sendable>: Sendable {
  private let verdicts: [Code: AnswerClass]

  init(_ rows: [(AnswerClass, [Code])]) {
    var verdicts: [Code: AnswerClass] = [:]
    for (verdict, codes) in rows {
      for code in codes {
        let earlier = verdicts.updateValue(verdict, forKey: code)
        precondition(earlier == nil, "code \(code) is listed twice")
      }
    }
    self.verdicts = verdicts
  }

  subscript(code: Code) -> AnswerClass? { verdicts[code] }
}

extension HTTPResponse {
  /// The code and reason of an answer that has none of its own.
  var codeOfStatus: String { "HTTP \(status)" }
  var reasonOfStatus: String { body.isEmpty ? "empty answer" : "answer not in the provider's form" }
}
