import FoundationEssentials

/// Can be asked for what came in. The receiver asks, fetches what came with it, writes the inbox, and commits ids, cursor
/// and answers to the ledger at once; the provider turns values into values.
package protocol ReceivingProvider: AccountProvider {
  /// What to ask now.
  /// - Parameter waits: a long poll, which the service answers when there is something; else what is there already.
  func poll(_ session: Session, waits: Bool, at now: Date, nonce: String) -> Poll

  /// What an answer to it holds. Exchanges that got no answer are judged by the receiver: of a long poll that ran out of
  /// time it is "nothing", of anything else trouble.
  func harvest(_ response: HTTPResponse, after stage: String, _ session: Session, at now: Date, nonce: String)
    -> Harvest

  /// How to fetch what came with a message.
  func request(for media: Incoming.Media, _ session: Session, at now: Date, nonce: String) -> HTTPRequest

  /// The file in the answer to that, decrypted.
  func file(in response: HTTPResponse, of media: Incoming.Media) throws(MediaFault) -> [UInt8]
}

/// One exchange of a receiver.
package struct Poll: Sendable, Hashable {
  package var request: HTTPRequest
  /// What it is, for `harvest`: the provider's own word.
  package var stage: String
  /// Seconds it may take.
  package var timeout: Double
  /// That no answer comes in that time means that there is nothing.
  package var mayRunOut: Bool
  /// It goes on without: where no answer comes, `harvest` gets one that says 503.
  package var isOptional = false

  package init(_ request: HTTPRequest, stage: String, timeout: Double, mayRunOut: Bool) {
    self.request = request
    self.stage = stage
    self.timeout = timeout
    self.mayRunOut = mayRunOut
  }
}

package enum Harvest: Sendable {
  /// Nothing yet: this is to be asked first. The session, when given, replaces the channel's.
  case ask(Poll, Session? = nil)
  /// What one answer of the service brought, perhaps nothing. The session's `learned` is stored together with it, never
  /// before; `isMore`: there is more already, ask at once and without waiting.
  case batch([Incoming], Session, isMore: Bool)
  /// The session is over: its account has `ended`.
  case lost(Session)
  /// The service is in trouble: again later.
  case trouble(Fault)
}

/// A message that came in.
package struct Incoming: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    case text, image, voice, video, file, link, card, location, recall, system, other
  }

  /// The service's id, or what stands for one; unique in the channel.
  package var id: String
  package var at: Date
  package var kind: Kind
  package var from: Sender
  /// Where it came from a group; `from` is the member.
  package var group: Sender?
  /// As a person typed it: spans, line breaks, escapes and prefixes undone.
  package var text = ""
  package var title = ""
  package var url = ""
  package var media: [Media] = []
  /// In a group: the account is named in it.
  package var isMention = false
  /// It begins a new allowance (iLink: a word of the owner's).
  package var isWord = false
  /// Whom an answer goes to.
  package var correspondent: Correspondent
  /// Of one's own: what `EchoingProvider.mark` says of the call that sent it, if one did.
  package var mark: String?
  /// The service's own object.
  package var raw: JSON

  package init(
    id: String, at: Date, kind: Kind, from: Sender, group: Sender? = nil, correspondent: Correspondent, raw: JSON
  ) {
    self.id = id
    self.at = at
    self.kind = kind
    self.from = from
    self.group = group
    self.correspondent = correspondent
    self.raw = raw
  }

  /// Who wrote it, or the group in which.
  package struct Sender: Sendable, Hashable {
    package enum Kind: String, Sendable { case friend, `public`, stranger, owner, bot, group, own = "self" }

    package var kind: Kind
    /// The service's own name for it, which may live for one login only. Never written into the inbox.
    package var user: String
    /// What people call it.
    package var name = ""
    package var remark = ""
    package var nick = ""
    package var alias = ""
    /// What `to` may say to reach it; empty where nothing does.
    package var to = ""

    package init(_ kind: Kind, user: String) {
      self.kind = kind
      self.user = user
    }
  }

  /// What came with it, to be fetched.
  package struct Media: Sendable, Hashable {
    /// As the sender named it; made safe by whoever writes it. Empty where the service names none.
    package var name: String
    /// The media type; empty where the service does not say.
    package var type: String
    /// Bytes, where the service says how many.
    package var size: Int?
    /// What the provider needs to fetch and decrypt it.
    package var own: JSON

    package init(name: String, type: String, size: Int? = nil, own: JSON) {
      self.name = name
      self.type = type
      self.size = size
      self.own = own
    }
  }
}

/// Whom a message came from, as the ledger remembers it under the message's id for `reply:ID`.
package struct Correspondent: Sendable, Hashable {
  /// The service's own name, good as long as the login is `since`'s.
  package var user: String
  /// What `to` says to reach it, for any other login; empty where nothing does.
  package var to: String
  /// What the service gave with that message to answer it with (iLink's context_token).
  package var token: String?
  /// The login that received it (`Account.since`).
  package var since: Date

  package init(user: String, to: String, token: String? = nil, since: Date) {
    self.user = user
    self.to = to
    self.token = token
    self.since = since
  }
}

/// What came with a message and can't be had.
package struct MediaFault: Error, Sendable, Hashable {
  package var problem: String
  /// Another try may help.
  package var isPassing: Bool

  package init(_ problem: String, isPassing: Bool) {
    self.problem = problem
    self.isPassing = isPassing
  }
}

/// Own messages come back to whoever receives: one that does shows that a call whose answer was lost was carried out. That
/// none comes proves nothing (wechat.md, section 5).
package protocol EchoingProvider: ReceivingProvider {
  /// Seconds to wait for it.
  var echoWait: Double { get }

  /// What a call's echo would be known by: the recipient in the service's own name and the content, or a digest of both.
  /// Nil where it can't be told.
  func mark(of call: Call, _ session: Session) -> String?
}

/// Allows so many accepted calls after each word of the other side (wechat.md, section 5, "iLink's allowance").
package protocol AllowanceProvider: ReceivingProvider {
  var allowance: Allowance { get }
}

package struct Allowance: Sendable, Hashable {
  /// Accepted calls for each word.
  package var perWord: Int
  /// Seconds that a word counts.
  package var lifetime: Double

  package init(perWord: Int, lifetime: Double) {
    self.perWord = perWord
    self.lifetime = lifetime
  }

  /// Seconds until a message is looked at again that had none: an hour, doubled each time, up to a day.
  /// - Parameter count: how often in a row it ended so before.
  package static func pause(after count: Int) -> Double { min(3600 * Double(1 << min(count, 5)), 86_400) }
}
