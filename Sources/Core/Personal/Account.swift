import FoundationEssentials

// Services that a person logs in to (personal WeChat): the login, what it left behind, and the names that `to` may hold.
// Values and decisions; files, terminals and locks are elsewhere.

/// A login of a channel, as its session file holds it (wechat.md, section 2). A full credential: never shown or logged.
package struct Account: Sendable, Hashable {
  package enum State: String, Sendable { case ok, ended }

  /// The provider that made it: `wechat-ilink`.
  package var provider: String
  /// The account's name as people know it.
  package var name: String
  /// When the login was ready. Two logins never have the same: it tells them apart.
  package var since: Date
  package var state = State.ok
  /// Why it ended, where it did.
  package var reason: String?
  /// What is the provider's own: tokens, cookies, hosts. An object.
  package var own: JSON

  package init(provider: String, name: String, since: Date, own: JSON) {
    self.provider = provider
    self.name = name
    self.since = since
    self.own = own
  }

  /// The same login, which the service no longer takes.
  package func ended(_ reason: String) -> Account {
    var account = self
    (account.state, account.reason) = (.ended, reason)
    return account
  }

  /// Whether both are of one login, whatever became of it since.
  package func isSameLogin(as other: Account) -> Bool { provider == other.provider && since == other.since }
}

/// Speaks for an account that a person has logged in with `msgspool login`. What a call needs of it is in the `Session`
/// that `begin` and `proceed` get: `account` (there is always one, and it is `ok`: without it nothing is sent), `contacts`,
/// `learned` and `correspondent`. A session that a step returns replaces it: a changed account or book of contacts is on
/// the disk before the next exchange goes out; a change of `learned` is not kept, as only a receiver may make one.
///
/// That the session is over is told by `Answer.sessionLost` together with a session whose account has `ended`.
package protocol AccountProvider: SteppingProvider {
  /// Where messages are received, unless the channel says otherwise.
  static var receives: PersonalSettings.Receive { get }

  /// One turn of a conversation that is no call: a login, its check, contacts fetched anew, a logout.
  /// - Parameters:
  ///   - memory: what the last turn left there; `.null` at the beginning. The provider's own.
  ///   - session: at the beginning what there is of an earlier login; the same in all turns.
  ///   - nonce: 32 lower-case hex digits, new for each turn.
  func converse(
    _ event: Dialogue.Event, _ memory: JSON, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn
}

/// A conversation with a service that sends no message. The driver performs what a turn asks for, and comes back with what
/// happened.
package enum Dialogue {
  package enum Purpose: Sendable, Hashable {
    /// Whether the service still takes the session's account: ends with `.end` if it does (the session as it is now), with
    /// `.over` of kind `ended` if not.
    case check
    /// - isFresh: nothing of an earlier login is used (`--force`): a QR code at once.
    case login(isFresh: Bool)
    /// The contacts anew: ends with a session that has them.
    case refresh
    /// Tells the service, where it can be told. Ends with `.end`, whatever it says.
    case logout
  }

  package enum Event: Sendable, Hashable {
    case begin(Purpose)
    /// What came of `.ask`; also that nothing did, which of a long poll often means "not yet".
    case replied(Reply)
    /// The digits that `.read` asked for.
    case typed(String)
    /// The pause is over.
    case waited
  }

  package struct Turn: Sendable, Hashable {
    /// What people are told before the next step is taken.
    package var news: [Phase]
    package var next: Next
    package var memory: JSON

    package init(_ news: [Phase] = [], _ next: Next, memory: JSON = .null) {
      self.news = news
      self.next = next
      self.memory = memory
    }
  }

  package enum Next: Sendable, Hashable {
    /// - within: seconds that the exchange may take.
    case ask(HTTPRequest, within: Double)
    /// Seconds until the next turn.
    case pause(Double)
    /// Digits that the phone shows, from a person.
    case read
    /// Done. After a login: a session with the new account and, where the service has contacts, the new book.
    case end(Session)
    case over(Failure)
  }

  /// What is shown as it comes (wechat.md, section 2, `--json`).
  package enum Phase: Sendable, Hashable {
    /// A code to scan: the text in it, which is a link, and the seconds it is good for.
    case qr(url: String, expires: Int)
    /// "Confirm on your phone."
    case push
    case scanned
    /// Digits are asked for. `isRepeated`: the last ones did not match.
    case code(isRepeated: Bool)
    /// The poll goes on at another host of the service.
    case redirected
    /// The code is no longer good; another follows, unless three were drawn.
    case expired
    case confirmed
  }

  package struct Failure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
      /// The service can't be reached (69).
      case unreachable
      /// Nobody scanned or confirmed in time, or too many codes expired (75).
      case timeout
      /// The service refuses this account or this login (77).
      case refused
      /// The session that was asked about is over.
      case ended
    }

    package var kind: Kind
    /// The service's own code.
    package var code: String?
    package var message: String
    package var hint: String?

    package init(_ kind: Kind, code: String? = nil, _ message: String, hint: String? = nil) {
      self.kind = kind
      self.code = code
      self.message = message
      self.hint = hint
    }
  }
}

/// Settings that every channel with a login has (wechat.md, section 1), checked.
package struct PersonalSettings: Sendable, Hashable {
  package enum Receive: String, Sendable, CaseIterable { case watch, sweep, off }

  /// The session file; nil for the spool's own, sessions/CHANNEL.json.
  package var sessionFile: String?
  package var receive: Receive
  /// Whether messages are written into inbox/.
  package var fillsInbox = true
  /// One's own, too.
  package var keepsOwn = false
  /// Bytes of one file in a message that are fetched.
  package var maxMediaBytes = 50 << 20
  /// Bytes of an attachment that are sent; nil for the provider's own limit.
  package var maxFileBytes: Int?
  /// Seconds that a channel rests which is told that it sends too often; doubled while it goes on.
  package var throttlePause = 4 * 3600.0
  package var rules: [ReplyRule] = []
  /// Seconds after which a message is no longer answered.
  package var replyWithin = 600.0
  /// Seconds within which the same text of the same sender counts as the same message, delivered twice.
  package var repeatWindow = 10.0
  /// Answers to one sender in a minute.
  package var repliesPerSender = 5

  package init(receive: Receive) { self.receive = receive }
}
