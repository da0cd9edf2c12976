import Core
import FoundationEssentials

/// What channels with a login have in the ledger (wechat.md): what was received and how far, which rule answers which
/// message, and how much of an allowance is left.
///
/// Of one channel one process receives at a time, by a kernel lock: what it looks up holds until its commit.
package protocol PersonalLedger: Ledger {
  /// What receiving has learned with that login (`Session.learned`); `.null` where that is nothing, or another login's.
  func learned(_ channel: String, login: Date) throws(LedgerFault) -> JSON

  /// Whom the message with that id came from.
  func correspondent(_ channel: String, id: String) throws(LedgerFault) -> Correspondent?

  /// Which of the ids were received before, at or after `newerThan`.
  func received(_ ids: [String], _ channel: String, newerThan: Date) throws(LedgerFault) -> Set<Verbatim>

  /// What the rules need to know of a conversation (`Talk`).
  /// - Parameters:
  ///   - sender: who wrote (`ReceivedMessage.sender`).
  ///   - user: whom an answer goes to (`Correspondent.user`).
  func talk(_ channel: String, sender: String, user: String) throws(LedgerFault) -> Talk

  /// One answer of the service: ids, what was learned, and which rule answers which message; all of it or nothing.
  func receive(_ batch: ReceivedBatch) throws(LedgerFault)

  /// Answers that are not dropped yet, oldest first. Those whose program was begun are among them: they are given up.
  func openReplies(_ channel: String) throws(LedgerFault) -> [OpenReply]

  /// What became of an answer.
  func note(_ reply: OpenReply, _ state: OpenReply.State, at now: Date) throws(LedgerFault)

  /// Ids of own messages that came back with that mark, not earlier than `since`.
  func echoes(_ channel: String, mark: String, since: Date) throws(LedgerFault) -> [String]

  /// What came of the channel's last calls that are over, newest first.
  func lastOutcomes(_ channel: String, count: Int) throws(LedgerFault) -> [Outcome]

  /// A call that was prepared goes out now: from here on nobody knows whether it was carried out, until its outcome is told.
  func sends(_ call: String) throws(LedgerFault)

  /// When the last word came that an allowance counts from; nil for none yet.
  func lastWord(_ channel: String) throws(LedgerFault) -> Date?

  /// A new login is about to take the place of the old one, which stays in force until it has.
  func prepareLogin(_ channel: String, login: Date, learned: JSON) throws(LedgerFault)

  /// It has; nil where somebody logged out. What other logins had learned, and their allowance, are no longer worth
  /// anything. Received ids stay.
  func beginLogin(_ channel: String, _ login: Date?) throws(LedgerFault)
}

/// What one answer of the service brought, as the ledger keeps it.
package struct ReceivedBatch: Sendable {
  package var channel: String
  package var now: Date
  /// `Account.since` of the login that received it.
  package var login: Date
  package var learned: JSON
  package var messages: [ReceivedMessage]
  /// The newest word that begins an allowance.
  package var word: Date?

  package init(channel: String, now: Date, login: Date, learned: JSON, messages: [ReceivedMessage], word: Date? = nil) {
    self.channel = channel
    self.now = now
    self.login = login
    self.learned = learned
    self.messages = messages
    self.word = word
  }
}

package struct ReceivedMessage: Sendable {
  package var id: String
  /// When the service says it was sent.
  package var at: Date
  /// Who wrote it, and where: the same text of the same sender soon after is the same message.
  package var sender: String
  /// `RuleBook.gist`.
  package var text: String
  package var correspondent: Correspondent
  /// See `Incoming.mark`.
  package var mark: String?
  /// What answers it, if anything does.
  package var reply: ReplyWork?

  package init(
    id: String, at: Date, sender: String, text: String, correspondent: Correspondent, mark: String? = nil,
    reply: ReplyWork? = nil
  ) {
    self.id = id
    self.at = at
    self.sender = sender
    self.text = text
    self.correspondent = correspondent
    self.mark = mark
    self.reply = reply
  }
}

/// An answer whose message is not dropped yet.
package struct OpenReply: Sendable, Hashable {
  package enum State: Sendable, Hashable {
    case pending
    /// Its program was started.
    case begun
    /// Its program gave this text.
    case given(String)
    /// The message is in new/; what it says.
    case dropped(String)
    /// There is none: the program gave nothing, or nobody knows what became of it.
    case none
  }

  package var channel: String
  package var id: String
  package var work: ReplyWork
  package var state: State

  package init(channel: String, id: String, work: ReplyWork, state: State) {
    self.channel = channel
    self.id = id
    self.work = work
    self.state = state
  }
}
