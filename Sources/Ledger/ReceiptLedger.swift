import Core
import FoundationEssentials

/// What is awaited of accepted calls, and what became of it (receipts.md). Nothing is kept of channels whose receipts are
/// off.
///
/// One process at a time applies receipts, by a kernel lock on the spool's receipts/: what it looks up holds until its
/// commit. Sweeps add what is awaited meanwhile.
package protocol ReceiptLedger: LedgerAudit {
  /// What these receipts say becomes known, all of it or nothing.
  /// - Returns: what each came to.
  func apply(_ claims: [ReceiptClaim], at now: Date) throws(LedgerFault) -> [ReceiptFinding]

  /// A call whose sweep died before an answer came: its recipients are awaited from now on, in doubt.
  func adopt(_ call: AwaitedRecord) throws(LedgerFault)

  /// Recipients whose wait is over become `no_receipt`.
  /// - Returns: how many; fewer than `limit` when there are no more.
  func endWaits(limit: Int, at now: Date) throws(LedgerFault) -> Int

  /// News that are not in the files yet, or not for certain, those of one file together.
  func untold(limit: Int, at now: Date) throws(LedgerFault) -> [UntoldReceipt]

  /// These are in their files, flushed; or their files can't be told now, and are looked for again at `later`.
  func tell(_ told: [UntoldReceipt.Key], later: [UntoldReceipt.Key], at time: Date) throws(LedgerFault)

  /// Calls of the channel that are due to be asked about, oldest first.
  func due(_ channel: String, limit: Int, at now: Date) throws(LedgerFault) -> [AwaitedRecord]

  /// Takes the channel's next slot, as a call does.
  /// - Returns: nil where it was taken; else when there is one.
  func takeSlot(of channel: String, rate: Double, at now: Date) throws(LedgerFault) -> Date?

  /// They were asked about, and are to be again at these times.
  func asked(_ calls: [(call: String, next: Date)]) throws(LedgerFault)

  /// What services say of calls as a whole; the newest word of each call counts.
  func keep(_ sums: [ReceiptSums], of channel: String, at now: Date) throws(LedgerFault)
  /// Nil where nothing was said of the call as a whole.
  func sums(ofCall call: String) throws(LedgerFault) -> ReceiptSums?
  /// All of them together, by channel, of calls of which something was said since.
  func sums(since: Date) throws(LedgerFault) -> [String: [ReceiptSums.Count]]

  /// When the next call of these channels is due to be asked about, or any call's wait is over, or news are to be told; nil
  /// for never.
  func nextReceiptWork(asking channels: [String]) throws(LedgerFault) -> Date?

  /// Files, as `FileName.display`, of which a recipient is awaited: by the name that they were settled under, where that is
  /// known, else by the one that their calls know.
  func awaitedFiles() throws(LedgerFault) -> Set<String>

  /// What is known of the recipients of a call, by `to` and the address in a fallback channel; empty where nothing is awaited.
  func awaited(ofCall call: String) throws(LedgerFault) -> [AwaitedMember: KnownReceipt]

  /// Counts since the ledger was made, and who is awaited now, by channel.
  func receiptTotals() throws(LedgerFault) -> [String: ReceiptTotals]

  /// What became known since: by channel, counted states and, of what was delivered, the seconds since its acceptance.
  func receipts(since: Date) throws(LedgerFault) -> [String: RecentReceipts]

  /// Recipients that were not delivered and are to go on through their fallback channel, and have no leg yet.
  func intendLegs(_ legs: [FallbackLeg], at now: Date) throws(LedgerFault) -> [FallbackLeg]
  /// The name of the leg that was intended for a recipient of a call.
  func leg(of file: String, to recipient: String, call: String) throws(LedgerFault) -> String?
  /// Legs that were intended and are not known to have been dropped.
  func openLegs() throws(LedgerFault) -> [FallbackLeg]
  func dropped(_ legs: [FallbackLeg]) throws(LedgerFault)
}

/// What a receipt claims, as the ledger takes it.
package struct ReceiptClaim: Sendable {
  package var names: [ReceiptName]
  /// Whose calls count, and by what each of them knows the recipient (`ReceiptKey`); nil names none.
  package var channels: [String: Int?]
  /// It speaks of everybody whom its names stand for. Without a key and without this it names nobody, and counts only where
  /// the names leave no choice.
  package var isOfAll = false
  /// Of these a report about one proves that all of the call were accepted.
  package var wholeChannels: Set<String> = []
  package var news: ReceiptNews?

  package init(_ names: [ReceiptName], channels: [String: Int?], news: ReceiptNews?) {
    self.names = names
    self.channels = channels
    self.news = news
  }
}

/// What a recipient is known by without naming it: an address may be a secret.
package enum ReceiptKey {
  /// 64 bits of FNV-1a over the identity (`Target.identity`).
  package static func of(_ identity: String) -> Int {
    Int(bitPattern: UInt(identity.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }))
  }
}

/// A message that was settled under another name, as its own was taken. It is found without this, too, by its history, and
/// faster with it.
package struct RenamedFile: Sendable, Hashable {
  package var calls: [String]
  /// `FileName.display`, as the calls' members have it.
  package var file: String
  /// The same of its name now.
  package var name: String

  package init(calls: [String], file: String, name: String) {
    self.calls = calls
    self.file = file
    self.name = name
  }
}

package enum ReceiptFinding: Sendable, Hashable {
  /// It was news, or has been told before, or says that it is under way.
  case counted(isNews: Bool)
  /// Its call is known and not answered yet: by the sweep that made it.
  case early(call: String, sweep: String)
  case noCall
  case noRecipient
}

package struct AwaitedMember: Sendable, Hashable {
  package var to: Verbatim
  package var address: Verbatim?

  package init(_ member: CallMember) {
    to = Verbatim(member.to)
    address = member.address.map(Verbatim.init(_:))
  }

  package init(to: String, address: String?) {
    self.to = Verbatim(to)
    self.address = address.map(Verbatim.init(_:))
  }
}

/// A call whose recipients are awaited: what an outcome's commit writes down beside it.
package struct AwaitedRecord: Sendable {
  package struct Recipient: Sendable, Hashable {
    package var member: CallMember
    /// See `ReceiptKey`.
    package var key: Int
    /// The provider's own id of it.
    package var id: String?
    /// See `Outcome.readKey`.
    package var readKey: String?
    /// No answer has said that it was accepted.
    package var isInDoubt: Bool

    package init(_ member: CallMember, key: Int, id: String?, readKey: String? = nil, isInDoubt: Bool) {
      self.readKey = readKey
      self.member = member
      self.key = key
      self.id = id
      self.isInDoubt = isInDoubt
    }
  }

  package var call: String
  package var channel: String
  /// The provider's id of the whole call.
  package var sharedId: String?
  /// What receipts name it by, where that is not its id.
  package var reference: String?
  package var acceptedAt: Date
  package var until: Date
  /// When to ask first; nil where receipts come by themselves.
  package var due: Date?
  /// Questions so far.
  package var asked = 0
  /// Those that are awaited, in doubt or not.
  package var recipients: [Recipient]

  package init(
    call: String, channel: String, sharedId: String? = nil, reference: String? = nil, acceptedAt: Date, until: Date,
    due: Date? = nil, recipients: [Recipient]
  ) {
    self.call = call
    self.channel = channel
    self.sharedId = sharedId
    self.reference = reference
    self.acceptedAt = acceptedAt
    self.until = until
    self.due = due
    self.recipients = recipients
  }
}

/// News of one recipient that its file does not tell yet.
package struct UntoldReceipt: Sendable {
  package struct Key: Sendable, Hashable {
    package var call: Int
    package var recipient: Int
    package var place: Int

    package init(call: Int, recipient: Int, place: Int) {
      self.call = call
      self.recipient = recipient
      self.place = place
    }
  }

  package var key: Key
  package var call: String
  package var channel: String
  package var member: CallMember
  /// `FileName.display` of its file where that was settled under another name, as its own was taken.
  package var name: String?
  /// Nil where nothing but the end of its doubt is to be told.
  package var news: ReceiptNews?
  /// A receipt has shown that it was accepted, and no line says so yet.
  package var endsDoubt: Bool
  /// When it became known.
  package var noted: Date

  package init(
    key: Key, call: String, channel: String, member: CallMember, news: ReceiptNews?, endsDoubt: Bool, noted: Date,
    name: String? = nil
  ) {
    self.name = name
    self.key = key
    self.call = call
    self.channel = channel
    self.member = member
    self.news = news
    self.endsDoubt = endsDoubt
    self.noted = noted
  }
}

package struct ReceiptTotals: Sendable, Hashable {
  /// By counted state, since the ledger was made.
  package var counts: [ReceiptState: Int] = [:]
  /// Of what was delivered, by class of `ReceiptSeconds`.
  package var classes: [Int]
  /// Their sum.
  package var seconds = 0.0
  package var awaited = 0

  package init() { classes = Array(repeating: 0, count: ReceiptSeconds.bounds.count + 1) }
}

package struct RecentReceipts: Sendable, Hashable {
  package var counts: [ReceiptState: Int] = [:]
  /// Of what was delivered, sorted.
  package var seconds: [Double] = []

  package init() {}
}

/// A recipient that goes on through a fallback channel after it was accepted and not delivered.
package struct FallbackLeg: Sendable, Hashable {
  /// `FileName.display` of the message it is of.
  package var file: String
  package var to: String
  package var call: String
  package var state: ReceiptState
  /// The name of the leg's own file.
  package var name: String

  package init(file: String, to: String, call: String, state: ReceiptState, name: String) {
    self.file = file
    self.to = to
    self.call = call
    self.state = state
    self.name = name
  }
}
