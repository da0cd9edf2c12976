import FoundationEssentials

/// A service we can send through. One source file each; pure: a provider turns values into values, and performs nothing.
///
/// The life of a message at a provider: `target` checks each address, `content` what is to be said, the sweep groups
/// what may share a call, `exchange` writes the request, `answer` reads the reply. Replies that never came
/// (`Reply.notSent`, `Reply.lost`) are judged by the sweep alike for all providers and are not shown to `answer`.
package protocol Provider: Sendable {
  /// Name, limits, settings and options: what `msgspool providers NAME` prints and the configuration is checked against.
  static var card: ProviderCard { get }

  /// - Throws: `SettingFault` where settings contradict each other (the card's required ones are already checked).
  init(_ settings: Settings) throws(SettingFault)

  /// Checks an address in the provider's own form, so that one bad address cannot fail a call of a thousand.
  func target(_ address: String) throws(RecipientFault) -> Target

  /// What the API is to say, apart from the recipients. Messages of equal content share calls.
  /// - Throws: `MessageFault` naming the field, when the message lacks something or is over a limit.
  func content(of message: Message) throws(MessageFault) -> Content

  /// - Parameter nonce: 32 lower-case hex digits, new for each call.
  func exchange(for call: Call, at now: Date, nonce: String) -> Exchange

  func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer

  /// The first step of a call. Providers that only send need not say: the default sends `exchange`.
  func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step

  /// What follows a reply. The default answers. Lost and unsent exchanges don't get here.
  /// - Parameter stage: the name of the step that was replied to; `Step.sending` for the call itself.
  func proceed(
    _ reply: Reply, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step

  /// What can be done about a call whose answer was lost.
  var recovery: Recovery { get }

  /// The request that asks what became of a call whose answer was lost; only with `Recovery.lookup`.
  func lookup(_ question: Question, at now: Date, nonce: String) -> Exchange

  func finding(in reply: Reply, for question: Question, at now: Date) -> Finding
}

/// One step of a call that takes several: a token is fetched, a file uploaded, then the message sent.
package enum Step: Sendable {
  /// An exchange that delivers nothing: if its reply is lost, the recipients are deferred, in no doubt.
  /// The session, when given, replaces the channel's.
  case prepare(Exchange, stage: String, Session? = nil)
  /// The exchange that delivers.
  case send(Exchange, Session? = nil)
  case finish(Answer, Session? = nil)

  package static let sending = "send"
}

/// What a provider remembers of a channel between calls, in memory only: an access token, an upload's id.
package struct Session: Sendable, Hashable {
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
}

extension Provider {
  package var recovery: Recovery { .none }

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    .send(exchange(for: call, at: now, nonce: nonce))
  }

  package func proceed(
    _ reply: Reply, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    .finish(answer(reply, to: call, at: now))
  }

  package func lookup(_ question: Question, at now: Date, nonce: String) -> Exchange {
    preconditionFailure("\(Self.card.name) has no look-up")
  }

  package func finding(in reply: Reply, for question: Question, at now: Date) -> Finding {
    .undecided
  }
}

/// One call to a provider: what is said and to whom. Immutable once its intent is on disk.
package struct Call: Sendable, Hashable {
  package struct Recipient: Sendable, Hashable {
    package var target: Target
    /// Index into `contents`.
    package var content: Int
    /// Which message this is a part of: the same whenever, and in whichever call, that message is sent again, and no other
    /// message's. Empty where the sweep gives none; a provider then makes do with the call's id.
    package var key: String

    package init(_ target: Target, content: Int = 0, key: String = "") {
      self.target = target
      self.content = content
      self.key = key
    }
  }

  /// Unique over all sweeps; the idempotency key and the reference (Aliyun's OutId) of the call.
  package var id: String
  /// One, unless the API takes one content per recipient (`Content.mixKey`).
  package var contents: [Content]
  package var recipients: [Recipient]

  package init(id: String, contents: [Content], recipients: [Recipient]) {
    self.id = id
    self.contents = contents
    self.recipients = recipients
  }

  package var content: Content { contents[0] }
  package var isMixed: Bool { contents.count > 1 }
}

extension Call.Recipient {
  /// The key of a message by its file, which keeps its inode wherever it is moved, and by when it was first dropped.
  package static func key(inode: UInt64, born: Date) -> String { "\(inode) \(RFC3339.string(born))" }
}

/// What a provider is to say. Equal contents share calls; `fields` is whatever the provider needs to write its request.
package struct Content: Sendable, Hashable {
  /// Name and value in the provider's own words and in a fixed order; absent ones left out.
  package var fields: [Field]
  /// Where the API also takes one content per recipient: contents with equal keys may share such a call.
  package var mixKey: String?
  /// Recipients per call with this content, when it allows fewer than the channel.
  package var capacity: Int?
  /// Resolved by the router: inside an allowed directory, or the bytes themselves.
  package var attachments: [Attachment] = []

  package struct Attachment: Sendable, Hashable {
    package var name: String
    package var type: String
    package var source: ByteSource

    package init(name: String, type: String, source: ByteSource) {
      self.name = name
      self.type = type
      self.source = source
    }

    /// By bytes, as fields.
    package static func == (one: Attachment, other: Attachment) -> Bool {
      Verbatim(one.name) == Verbatim(other.name) && one.type == other.type && one.source == other.source
    }
  }

  package struct Field: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    /// By bytes: texts are sent as they were written.
    package static func == (one: Field, other: Field) -> Bool {
      Verbatim(one.name) == Verbatim(other.name) && Verbatim(one.value) == Verbatim(other.value)
    }

    package func hash(into hasher: inout Hasher) {
      hasher.combine(Verbatim(name))
      hasher.combine(Verbatim(value))
    }
  }

  package init(_ fields: [Field], mixKey: String? = nil) {
    self.fields = fields
    self.mixKey = mixKey
  }

  package subscript(name: String) -> String? {
    fields.first { $0.name == name }?.value
  }
}

/// A checked address.
package struct Target: Sendable, Hashable {
  /// How results name it: as the producer or the address book wrote it, or the name of an address that is a secret.
  /// Never on the wire.
  package var address: String
  /// As it goes on the wire.
  package var wire: String
  /// Two spellings of one recipient have one identity; it is what is deduplicated and counted.
  package var identity: String
  /// Recipients of different lanes never share a call (topics and people, domestic and international numbers).
  package var lane: Lane

  package struct Lane: Sendable, Hashable {
    package var name: String
    /// Recipients per call in this lane, when it differs from the channel's.
    package var capacity: Int?

    package init(_ name: String = "", capacity: Int? = nil) {
      self.name = name
      self.capacity = capacity
    }
  }

  package init(_ address: String, wire: String? = nil, identity: String? = nil, lane: Lane = Lane()) {
    self.address = address
    self.wire = wire ?? address
    self.identity = identity ?? self.wire
    self.lane = lane
  }

  /// By bytes: an address is what was written.
  package static func == (one: Target, other: Target) -> Bool {
    one.lane == other.lane && Verbatim(one.address) == Verbatim(other.address)
      && Verbatim(one.wire) == Verbatim(other.wire) && Verbatim(one.identity) == Verbatim(other.identity)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(Verbatim(identity)) }
}

/// What can be done about a lost answer (contract, section 5: unconfirmed).
package enum Recovery: Sendable, Hashable {
  case none
  /// The same call with the same key is carried out at most once.
  case idempotencyKey
  /// The provider can be asked. Not found means "not carried out" only after `settles` seconds.
  case lookup(settles: Double)
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

/// The operator's word is wrong: a channel's setting.
package struct SettingFault: Error, Sendable, Hashable {
  package var setting: String
  package var problem: String

  package init(_ setting: String, _ problem: String) {
    self.setting = setting
    self.problem = problem
  }
}

/// The producer's word is wrong: a message's field.
package struct MessageFault: Error, Sendable, Hashable {
  /// The field, with its path: `to`, `options.verify_pay_type`, `attachments[1].path`.
  package var field: String
  /// What was found and what is expected: "has 1612 UTF-16 units; twilio takes at most 1600".
  package var problem: String
  package var hint: String?

  package init(_ field: String, _ problem: String, hint: String? = nil) {
    self.field = field
    self.problem = problem
    self.hint = hint
  }
}

/// An address is not in the provider's form.
package struct RecipientFault: Error, Sendable, Hashable {
  /// "is not a phone number: expected + and 7 to 15 digits".
  package var problem: String

  package init(_ problem: String) {
    self.problem = problem
  }
}
