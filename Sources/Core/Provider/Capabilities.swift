import FoundationEssentials

// What a provider can do beyond turning one call into one exchange. Each capability is a protocol that refines `Provider`;
// who has it not does not mention it. A `Channel` asks its provider once for each.

// MARK: How it speaks

/// Speaks HTTP, as nearly all do.
package protocol HTTPProvider: Provider {
  /// - Parameter nonce: 32 lower-case hex digits, new for each call.
  func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest
  func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer
}

extension HTTPProvider {
  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange {
    .http(request(for: call, at: now, nonce: nonce))
  }

  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer {
    guard case .http(let response) = reply else { return .all(.unconfirmed(), in: call) }
    return answer(response, to: call, at: now)
  }
}

/// Speaks to a mail server.
package protocol MailProvider: Provider {
  func request(for call: Call, at now: Date, nonce: String) -> MailRequest
  func answer(_ response: MailResponse, to call: Call, at now: Date) -> Answer
}

extension MailProvider {
  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange {
    .mail(request(for: call, at: now, nonce: nonce))
  }

  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer {
    guard case .mail(let response) = reply else { return .all(.unconfirmed(), in: call) }
    return answer(response, to: call, at: now)
  }
}

/// Runs a program.
package protocol ProgramProvider: Provider {
  func request(for call: Call, at now: Date, nonce: String) -> ProgramRequest
  func answer(_ response: ProgramResponse, to call: Call, at now: Date) -> Answer
}

extension ProgramProvider {
  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange {
    .program(request(for: call, at: now, nonce: nonce))
  }

  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer {
    guard case .program(let response) = reply else { return .all(.unconfirmed(), in: call) }
    return answer(response, to: call, at: now)
  }
}

// MARK: Several steps

/// Takes several steps to a call, remembers something between calls, or looks at the whole call before it sends.
package protocol SteppingProvider: HTTPProvider {
  /// Steps that a call may take at the most: a provider that never comes to an end must not go round for ever.
  var mostSteps: Int { get }

  /// How often a call is begun anew whose preparation got no answer, or asked for it (`Step.again`).
  var mostRestarts: Int { get }

  /// The first step of a call, and of each time that it is begun anew.
  func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step

  /// What follows a response. The default answers.
  /// - Parameter stage: the name of the step that was replied to; `Step.sending` for the call itself.
  func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step
}

extension SteppingProvider {
  package var mostSteps: Int { 8 }
  package var mostRestarts: Int { 0 }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    .finish(answer(response, to: call, at: now))
  }
}

/// One step of a call that takes several: a token is fetched, a file uploaded, then the message sent.
package enum Step: Sendable {
  /// An exchange that delivers nothing: if its reply is lost, the recipients are deferred, in no doubt.
  /// The session, when given, replaces the channel's.
  case prepare(Exchange, stage: String, Session? = nil)
  /// The exchange that delivers.
  case send(Exchange, Session? = nil)
  case finish(Answer, Session? = nil)
  /// A preparation failed, and may work if the call is begun anew; where it was often enough, this is the answer.
  case again(Answer, Session? = nil)

  package static let sending = "send"
}

/// What a provider remembers of a channel between calls. Values are in memory only: an access token, an upload's id. The
/// rest is of channels with a login (`AccountProvider`), and on the disk.
package struct Session: Sendable, Hashable {
  /// The login, as its session file holds it; nil for none.
  package var account: Account?
  /// Who can be written to, as last fetched; nil where the service has no contacts, or none were fetched yet.
  package var contacts: ContactBook?
  /// What receiving has learned: sync keys or cursor, context tokens. The provider's own; stored by receivers alone, in one
  /// commit with what it stands for. Belongs to one login: a new one begins without.
  package var learned = JSON.null
  /// For a call to `reply:ID`: whom the message with that id came from; nil where it is not known.
  package var correspondent: Correspondent?
  /// A number for the call under way, unique and rising over all processes of the spool: Unix seconds times 10^4, or one
  /// more than the last. Only where the card says `numbersCalls`.
  package var number = 0
  private var values: [String: Entry] = [:]

  private struct Entry: Sendable, Hashable {
    var value: String
    var expires: Date
  }

  package init() {}

  package func value(_ name: String, at now: Date) -> String? {
    guard let entry = values[name], entry.expires > now else { return nil }
    return entry.value
  }

  package mutating func set(_ name: String, _ value: String, expires: Date) {
    values[name] = Entry(value: value, expires: expires)
  }

  package mutating func forget(_ name: String) { values[name] = nil }

  /// What the other has in memory; nothing of what is on the disk.
  package mutating func takeValues(of other: Session) { values = other.values }
}

// MARK: Copies

/// Sends copies to recipients whom a message names beside those in `to`: each is one of its own, with its own outcome.
package protocol CopyingProvider: Provider {
  /// The options that name them.
  static var copyOptions: [String] { get }

  /// A mail tells who else got it: what is said once that is known.
  /// - Parameter contacts: whom the words in `to` and in each of these options stand for.
  func content(_ content: Content, of message: Message, contacts: ([String]) -> [Contact]) -> Content
}

extension CopyingProvider {
  /// Whom an option names: addresses, or names in the channel's address book.
  package static func words(_ option: String, of message: Message) -> [String] {
    message.option(option).flatMap(ValueKind.strings.value(of:))?.array?.compactMap(\.string) ?? []
  }
}

extension Channel {
  /// Whom a message names, in `to` and for copies; one empty word for a channel's own target.
  package func words(of message: Message) -> Texts {
    var words = message.to ?? [""]
    guard let copying, !message.options.isEmpty else { return words }
    let type = type(of: copying)
    for option in type.copyOptions { type.words(option, of: message).forEach { words.append($0) } }
    return words
  }
}

// MARK: Bills

/// Bills a text by its length: a long one costs several times.
package protocol BillingProvider: Provider {
  /// How many parts are billed for this content to this recipient.
  func units(of content: Content, to target: Target) -> Int
}

// MARK: Lost answers

/// Carries the same call with the same key (`Call.id`) out at most once, so that a lost one can simply be repeated.
package protocol RepeatableProvider: Provider {}

/// Does so in some channels, as their settings say.
package protocol PerhapsRepeatableProvider: Provider {
  var isRepeatable: Bool { get }
}

/// Can be asked what became of a call whose answer was lost.
package protocol AskableProvider: HTTPProvider {
  /// Not found means "not carried out" only so many seconds after the call.
  var settles: Double { get }

  func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest

  func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding
}

/// What can be done about a lost answer (contract, section 5: unconfirmed).
package enum Recovery: Sendable, Hashable {
  case none
  /// The same call with the same key is carried out at most once.
  case idempotencyKey
  /// The provider can be asked. Not found means "not carried out" only after `settles` seconds.
  case lookup(settles: Double)
  /// What was sent may come back to whoever receives, within so many seconds; that it does not proves nothing.
  case echo(wait: Double)

  /// What is said of a message whose answer was lost and that waits for what clears it up.
  package var prospect: String {
    switch self {
    case .none, .idempotencyKey, .lookup: "the provider will be asked what became of the call"
    case .echo: "it counts as sent if it comes back to a watch that receives; if not, on_unconfirmed decides"
    }
  }

  /// It follows from what the provider can do.
  package init(_ provider: any Provider) {
    if provider is any RepeatableProvider
      || (provider as? any PerhapsRepeatableProvider)?.isRepeatable == true
    {
      self = .idempotencyKey
    } else if let provider = provider as? any AskableProvider {
      self = .lookup(settles: provider.settles)
    } else if let provider = provider as? any EchoingProvider {
      self = .echo(wait: provider.echoWait)
    } else {
      self = .none
    }
  }
}

/// "What became of that call?"
package struct Question: Sendable, Hashable {
  package var call: Call
  package var startedAt: Date
  /// It can't have been carried out later than this: what is younger is another call's. Nil for no such bound.
  package var endedBy: Date?
  /// Ids that other calls are known to own, so that one message isn't taken for another's.
  package var knownIds: Set<String>
  /// Where the last finding said `.more`: its cursor.
  package var cursor: String?
  /// How often it did.
  package var pages = 0

  package init(
    call: Call, startedAt: Date, endedBy: Date? = nil, knownIds: Set<String> = [], cursor: String? = nil
  ) {
    self.call = call
    self.startedAt = startedAt
    self.endedBy = endedBy
    self.knownIds = knownIds
    self.cursor = cursor
  }
}

package enum Finding: Sendable, Hashable {
  /// One outcome for each of the call's recipients.
  case found([Outcome])
  case notFound
  /// Ask again with this cursor.
  case more(String)
  /// The provider could not tell.
  case undecided
}
