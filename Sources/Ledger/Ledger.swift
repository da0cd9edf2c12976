import Core
import FoundationEssentials

/// What the spool's folders cannot hold: which calls were about to be made and what came of them, ids already seen,
/// counts, pace and suspensions. Shared by all sweepers of a spool. SQL and semantics are in one place: one type conforms
/// for each database.
///
/// Everything a method returns from is on disk. All times are wall-clock times.
package protocol Ledger: Sendable {
  /// Drawn when the ledger was made. A sweep carries it in its folder's name: a rescuer who finds another generation knows
  /// that the ledger which could have answered is lost.
  var generation: String { get }
  var createdAt: Date { get }

  /// One flush: outcomes that came in, and the intents of the calls that start right after it.
  /// - Returns: for each proposed call whether it may start.
  func commit(_ group: GroupCommit) throws(LedgerFault) -> [Admission]

  /// Registers messages' ids at their first claim.
  /// - Returns: for each whether it is a duplicate of another message.
  func claim(_ ids: [IdentifierClaim], newerThan: Date) throws(LedgerFault) -> [Bool]

  /// What `claim` would say; nothing is registered.
  func isDuplicate(_ id: IdentifierClaim, newerThan: Date) throws(LedgerFault) -> Bool

  /// When messages were first seen that went back to new/ since, by their file (`ClaimedFile.identity`); nothing of those
  /// that did not. Costs next to nothing while there are none.
  func seen(_ files: [UInt64]) throws(LedgerFault) -> [UInt64: Date]

  /// Recipients counted on a channel's local day.
  func counted(_ channel: String, day: Int) throws(LedgerFault) -> Int

  /// What the channel's calls have cost from one local day through another, in millionths; calls in doubt included.
  func spent(_ channel: String, from day: Int, through last: Int) throws(LedgerFault) -> Int

  func suspensions() throws(LedgerFault) -> [Suspension]

  /// Calls of one sweep in the order they started, those without an outcome included.
  func calls(ofSweep sweep: String, _ visit: (CallRecord) -> Void) throws(LedgerFault)
  func call(_ id: String) throws(LedgerFault) -> CallRecord?
  /// Whether a call of the channel that started at or after `since` owns the provider's id.
  func knows(providerId: String, channel: String, since: Date) throws(LedgerFault) -> Bool

  /// Forgets calls that finished, ids and counts from before `date`. Open calls stay.
  /// - Returns: how many rows went.
  func prune(before date: Date) throws(LedgerFault) -> Int
}

package struct LedgerFault: Error, Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// No space.
    case full
    case io
    /// Another process held it for longer than the busy timeout.
    case busy
    case permission
    /// Set aside; a new one begins with the next command.
    case damaged
    case other
  }

  package var kind: Kind
  package var message: String
  /// What the system said (errno); 0 where it was not asked.
  package var number: Int32
  /// Nothing is wrong with the ledger but that it is not of this version.
  package var age: Age?

  package enum Age: Sendable, Hashable {
    /// A newer msgspool wrote it.
    case newer
    /// An older one did: whoever writes next brings it up to date.
    case older
    /// It has no tables yet: whoever writes next makes them.
    case unmade
  }

  package var isNewer: Bool { age == .newer }

  package init(_ kind: Kind, _ message: String, number: Int32 = 0) {
    self.kind = kind
    self.message = message
    self.number = number
  }
}

/// What one flush records.
package struct GroupCommit: Sendable {
  package var now: Date
  package var finished: [FinishedCall] = []
  package var proposed: [ProposedCall] = []
  /// Ids whose message is done (remembered) or failed (free again).
  package var settledIds: [SettledIdentifier] = []
  package var suspended: [Suspension] = []
  /// Channels that work again.
  package var resumed: [String] = []
  /// Messages that go back to new/ unchanged: their age goes on.
  package var returned: [Seen] = []
  /// Files of such messages that have a history now, which tells it instead.
  package var forgotten: [UInt64] = []
  /// What the operator is to be told of.
  package var failures: [FailureNote] = []
  /// Messages whose receipts are awaited, and that were settled under another name than their calls know them by.
  package var renamed: [RenamedFile] = []
  /// What is added to the counts for monitoring. It waits for a commit that is made for something else.
  package var meters: [Meters.Row] = []

  package init(now: Date) {
    self.now = now
  }

  package var isEmpty: Bool {
    finished.isEmpty && proposed.isEmpty && settledIds.isEmpty && suspended.isEmpty && resumed.isEmpty
      && returned.isEmpty && forgotten.isEmpty && failures.isEmpty && renamed.isEmpty
  }
}

/// A message without history, and when it was first seen.
package struct Seen: Sendable, Hashable {
  /// `ClaimedFile.identity`.
  package var file: UInt64
  package var since: Date

  package init(file: UInt64, since: Date) {
    self.file = file
    self.since = since
  }
}

/// One recipient of a call, as the ledger remembers it: in which file, and on which leg.
package struct CallMember: Sendable, Hashable {
  /// The file's name as shown (`FileName.display`).
  package var file: String
  package var to: String
  /// The address in a fallback channel; nil in the message's own.
  package var address: String?
  /// Which part of the message, where it is sent in parts.
  package var part: Int?

  package init(file: String, to: String, address: String? = nil, part: Int? = nil) {
    self.file = file
    self.to = to
    self.address = address
    self.part = part
  }

  /// Whether it shares its place with its neighbour: no address has two in one call.
  func isBeside(_ other: CallMember) -> Bool {
    Verbatim(address ?? to) == Verbatim(other.address ?? other.to)
  }
}

/// A call that wants to start.
package struct ProposedCall: Sendable {
  package var id: String
  package var sweep: String
  package var channel: String
  package var provider: String
  package var members: [CallMember]
  /// How many of them, neighbours, share each place of the call; empty where everybody has one alone.
  package var sizes: [Int]
  /// Calls per second of the channel; 0 is no limit.
  package var rate: Double
  /// The local day of the channel.
  package var day: Int
  /// Recipients a day; 0 is no limit.
  package var daily: Int
  /// Messages a day to one recipient; 0 is no limit.
  package var dailyPerRecipient: Int
  /// What is counted, one for each place; empty where nothing is counted per recipient.
  package var identities: [String]
  /// How much longer the pause after this call is than `rate` says: 1 is evenly paced.
  package var stretch = 1.0
  /// The most that any call of the channel has as `stretch`.
  package var longestStretch = 1.0
  /// It wants a number of its own.
  package var isNumbered = false
  /// It needs an allowance (`AllowanceProvider`).
  package var allowance: Allowance?
  /// It begins with steps that deliver nothing, and may be long: until `PersonalLedger.sends` it counts as not sent.
  package var isPrepared = false

  /// Nil where the channel has no price.
  package var charge: Charge?

  package var places: Int { sizes.isEmpty ? members.count : sizes.count }

  /// - Parameter places: by index; those who stay.
  package func members(without places: [Int]) -> [CallMember] {
    if places.isEmpty { return members }
    let left = Set(places)
    guard !sizes.isEmpty else { return members.indices.filter { !left.contains($0) }.map { members[$0] } }
    var rest = members[...]
    var kept: [CallMember] = []
    for (place, size) in sizes.enumerated() {
      if !left.contains(place) { kept += rest.prefix(size) }
      rest = rest.dropFirst(size)
    }
    return kept
  }
  /// What receipts name the call by, where a producer chose that and receipts are awaited: known before the call.
  package var reference: String?

  package init(
    id: String, sweep: String, channel: String, provider: String, members: [CallMember], sizes: [Int] = [],
    rate: Double, day: Int, daily: Int, dailyPerRecipient: Int, identities: [String]
  ) {
    self.id = id
    self.sweep = sweep
    self.channel = channel
    self.provider = provider
    self.members = members
    self.sizes = sizes
    self.rate = rate
    self.day = day
    self.daily = daily
    self.dailyPerRecipient = dailyPerRecipient
    self.identities = identities
  }
}

package enum Admission: Sendable, Hashable {
  /// The intent is on disk, without these places (by index), whose day is used up.
  /// - number: where the call wanted one: unique and rising over all sweepers.
  case start(without: [Int], number: Int = 0)
  /// As `start`, and without these either, which the budget of the day, or of the month, has no room for.
  case startWithin(budget: Span, without: [Int], beyond: [Int], number: Int = 0)
  /// The pace allows the call only then; nothing was recorded.
  case wait(until: Date)

  /// The other side has to write first; nothing was recorded.
  case unallowed

  package enum Span: Sendable, Hashable { case day, month }
}

/// A call and what came of it.
package struct FinishedCall: Sendable {
  package var id: String
  /// One for each member, in the order of the intent.
  package var outcomes: [Outcome]
  /// What to give back to the counts: what was counted at the start and did not use up the provider's limit.
  package var uncounted: Uncounted?
  /// Millionths to give back to the budget: what was charged at the start and was not accepted. What is in doubt stays.
  package var refund = 0
  /// Of a call that took from its channel's allowance: what becomes of that.
  package var allowance: AllowanceNews?

  package struct AllowanceNews: Sendable {
    package var channel: String
    package var isSpent: Bool

    /// - isSpent: used up, whatever was counted; else what was taken is given back.
    package init(channel: String, isSpent: Bool) {
      self.channel = channel
      self.isSpent = isSpent
    }
  }
  /// Whose receipts are awaited from now on; nil where they are off.
  package var awaited: AwaitedRecord?

  package struct Uncounted: Sendable {
    package var channel: String
    package var day: Int
    package var recipients: Int
    package var identities: [String]

    package init(channel: String, day: Int, recipients: Int, identities: [String]) {
      self.channel = channel
      self.day = day
      self.recipients = recipients
      self.identities = identities
    }
  }

  package init(id: String, outcomes: [Outcome], uncounted: Uncounted? = nil) {
    self.id = id
    self.outcomes = outcomes
    self.uncounted = uncounted
  }
}

package struct CallRecord: Sendable {
  package var id: String
  package var channel: String
  package var provider: String
  package var startedAt: Date
  package var members: [CallMember]
  /// Nil while no outcome is known: the call may or may not have been carried out.
  package var outcomes: [Outcome]?

  /// Its places, each with those who shared it: neighbours to one recipient, of several messages.
  package var places: [[CallMember]] {
    var places: [[CallMember]] = []
    for member in members {
      if let last = places.last?.last, last.isBeside(member) {
        places[places.count - 1].append(member)
      } else {
        places.append([member])
      }
    }
    return places
  }

  package init(
    id: String, channel: String, provider: String, startedAt: Date, members: [CallMember], outcomes: [Outcome]?
  ) {
    self.id = id
    self.channel = channel
    self.provider = provider
    self.startedAt = startedAt
    self.members = members
    self.outcomes = outcomes
  }
}

package struct IdentifierClaim: Sendable, Hashable {
  package var channel: String
  package var id: String
  /// Tells the message that owns the id from another with the same.
  package var owner: Owner
  /// Whether the file carries history of its own: it was here before.
  package var hasHistory: Bool
  /// Whether that history ends with a deferral: it is on its way, wherever it was copied to in between.
  package var isDeferred: Bool
  package var now: Date

  package init(channel: String, id: String, owner: Owner, hasHistory: Bool, isDeferred: Bool = false, now: Date) {
    self.channel = channel
    self.id = id
    self.owner = owner
    self.hasHistory = hasHistory
    self.isDeferred = isDeferred
    self.now = now
  }
}

package struct SettledIdentifier: Sendable, Hashable {
  package var channel: String
  package var id: String
  /// What another message did with the same id is not touched.
  package var owner: Owner
  /// Free again, because its message failed.
  package var isFree: Bool

  package init(channel: String, id: String, owner: Owner, isFree: Bool) {
    self.channel = channel
    self.id = id
    self.owner = owner
    self.isFree = isFree
  }
}

package struct Suspension: Sendable, Hashable {
  package var channel: String
  package var kind: ErrorKind
  package var reason: String
  package var since: Date
  /// Not to be tried before; `distantFuture` is until the configuration was changed, nil leaves it to the next sweep.
  package var until: Date?
  /// The code that many different recipients in a row were refused with: the channel is suspected, nothing more.
  package var suspectedFor: String?
  /// Files whose calls met it, as `FileName.display`, the newest last: a probe takes another one, where there is one.
  package var culprits: [String]

  package init(
    channel: String, kind: ErrorKind, reason: String, since: Date, until: Date? = nil, suspectedFor: String? = nil,
    culprits: [String] = []
  ) {
    self.channel = channel
    self.kind = kind
    self.reason = reason
    self.since = since
    self.until = until
    self.suspectedFor = suspectedFor
    self.culprits = culprits
  }

  /// Whether the channel is left alone still. A changed configuration may have mended what was wrong; a clock that was
  /// turned back to before it began says nothing of how long it lasts.
  package func holds(at now: Date, configurationChanged changed: Date) -> Bool {
    guard let until else { return false }
    return now < until && changed < since && now > since - 1
  }
}
