import Core
import FoundationEssentials

/// Whose an id is: the file of the message that claimed it first.
package struct Owner: Sendable, Hashable {
  /// Tells the spools apart that share a ledger; empty where it belongs to one.
  package var spool: String
  /// The spool's own name for the file, which moves within the spool don't change: its inode.
  package var file: UInt64

  package init(spool: String = "", file: UInt64) {
    self.spool = spool
    self.file = file
  }
}

/// What a ledger knows of an id whose window is not over.
package struct KnownIdentifier: Sendable, Hashable {
  package var owner: Owner
  /// Its message is settled, and not as failed.
  package var isDone: Bool

  package init(owner: Owner, isDone: Bool) {
    self.owner = owner
    self.isDone = isDone
  }
}

/// What a claim of an id is, by what is known of it.
package enum IdentifierRule: Sendable, Hashable {
  /// Nobody's until now, or nobody's any more: the claimant owns it.
  case new
  /// The claimant's own, from an earlier claim.
  case own
  /// Another message's.
  case duplicate

  /// - Parameter known: nil when the id is not known, or its window is over.
  package static func judge(_ claim: IdentifierClaim, _ known: KnownIdentifier?) -> IdentifierRule {
    guard let known else { return .new }
    if known.owner == claim.owner {
      // A fresh file that happens to get the inode of a deleted one is another message: once the owner is done, only a
      // file with history of its own can be the owner come back.
      return known.isDone && !claim.hasHistory ? .duplicate : .own
    }
    // A spool that was restored or moved to another disk has other inodes: who waited there is still the owner.
    return known.isDone || !claim.isDeferred ? .duplicate : .new
  }
}

/// The pace of a channel: the generic cell rate algorithm (ITU-T I.371), shared by all sweepers. Times in seconds.
package enum Pace: Sendable, Hashable {
  /// The call may start; the one after it not before.
  case start(next: Double)
  case wait(until: Double)

  /// What a slow loop missed in so many seconds may be caught up; more would be a burst.
  private static let slack = 0.05

  /// - Parameters:
  ///   - stored: when the next call may start; nil while there was none.
  ///   - rate: calls a second, more than 0.
  ///   - stretch: how much longer than that the pause after this call is, and the longest that any call of the channel has.
  package static func slot(
    _ stored: Double?, now: Double, rate: Double, stretch: Double = 1, longest: Double = 1
  ) -> Pace {
    let interval = stretch / rate
    var next = stored ?? now
    // Nobody reserves further ahead than one slot: a later one means that the clock was turned back.
    if next > now + max(longest, stretch) / rate + 1 { next = now }
    return next > now ? .wait(until: next) : .start(next: max(next, now - slack) + interval)
  }
}

/// A channel's day: how many of those who want to be counted fit.
package enum DayCount {
  /// - Parameters:
  ///   - used: counted so far.
  ///   - limit: recipients a day; 0 is no limit.
  package static func granted(_ wanted: Int, used: Int, limit: Int) -> Int {
    limit > 0 ? min(wanted, max(0, limit - used)) : wanted
  }
}

/// What a channel's budget has room for: given out to a call's places in their order.
package enum BudgetRule {
  /// Nil where all places have room.
  /// - Parameters:
  ///   - refused: places that are left out already.
  ///   - today, month: spent so far, in millionths, calls in doubt included.
  package static func beyond(
    _ charge: Charge, without refused: [Int], today: Int, month: Int
  ) -> (places: [Int], span: Admission.Span)? {
    let left = [(charge.daily.map { $0 - today }, Admission.Span.day), (charge.monthly.map { $0 - month }, .month)]
    guard let tightest = left.compactMap({ room, span in room.map { ($0, span) } }).min(by: { $0.0 < $1.0 }) else {
      return nil
    }
    var room = tightest.0
    let refused = Set(refused)
    var places: [Int] = []
    for (place, cost) in charge.costs.enumerated() where !refused.contains(place) {
      if cost <= room { room -= cost } else { places.append(place) }
    }
    return places.isEmpty ? nil : (places, tightest.1)
  }
}
