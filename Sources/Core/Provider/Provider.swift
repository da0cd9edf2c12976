import FoundationEssentials

/// A service we can send through. One source file each; pure: a provider turns values into values, and performs nothing.
///
/// The life of a message at a provider: `target` checks each address, `content` what is to be said, the sweep groups
/// what may share a call, `exchange` writes the request, `answer` reads the reply. Replies that never came
/// (`Reply.notSent`, `Reply.lost`) are judged by the sweep alike for all providers and are not shown to `answer`.
///
/// This is what every provider does; most are an `HTTPProvider`, which need not unwrap its replies. What only some can do
/// has protocols of its own that refine it (Capabilities.swift): steps and sessions, being asked about a lost call, being
/// repeated. To receive messages, or to be told later what became of one (receipts), would each be one more of these.
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

  /// - Parameter reply: one that came, in answer to `exchange`.
  func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer
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

/// A checked address. A value that is copied as one reference: it is handed on from routing to the call's answer.
package struct Target: Sendable, Hashable {
  private var storage: Storage

  private final class Storage: Sendable {
    let address: String
    let wire: String
    let identity: String
    let lane: Lane

    init(_ address: String, wire: String, identity: String, lane: Lane) {
      self.address = address
      self.wire = wire
      self.identity = identity
      self.lane = lane
    }
  }

  /// How results name it: as the producer or the address book wrote it, or the name of an address that is a secret.
  /// Never on the wire.
  package var address: String {
    get { storage.address }
    set {
      if newValue.hasSameBytes(as: address) { return }
      storage = Storage(newValue, wire: wire, identity: identity, lane: lane)
    }
  }
  /// As it goes on the wire.
  package var wire: String { storage.wire }
  /// Two spellings of one recipient have one identity; it is what is deduplicated and counted.
  package var identity: String { storage.identity }
  /// Recipients of different lanes never share a call (topics and people, domestic and international numbers).
  package var lane: Lane { storage.lane }

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
    let wire = wire ?? address
    storage = Storage(address, wire: wire, identity: identity ?? wire, lane: lane)
  }

  /// By bytes: an address is what was written.
  package static func == (one: Target, other: Target) -> Bool {
    if one.storage === other.storage { return true }
    return one.lane == other.lane && Verbatim(one.address) == Verbatim(other.address)
      && Verbatim(one.wire) == Verbatim(other.wire) && Verbatim(one.identity) == Verbatim(other.identity)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(Verbatim(identity)) }
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
  /// What the service takes at most of a text that is too long, in whatever it counts; nil for other problems.
  package var limit: Int?

  package init(_ field: String, _ problem: String, hint: String? = nil, limit: Int? = nil) {
    self.field = field
    self.problem = problem
    self.hint = hint
    self.limit = limit
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
