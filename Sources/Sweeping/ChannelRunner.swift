import Core
import FoundationEssentials
import Ledgers

/// One channel during one sweep: what waits for it, how much may be in flight, and whether it is in trouble.
struct ChannelRunner {
  let channel: Channel
  var grouper: Grouper<Passenger>
  private(set) var inFlight = 0
  /// Calls in flight at the most, for now: halved to one by trouble, doubled by success.
  private var limit: Int
  /// The pace or a throttle allows the next call only then.
  private var notBefore: Date?
  /// Nothing more goes out in this sweep; why.
  private(set) var suspension: Suspension?
  /// The ledger says the channel was suspended: one call first.
  private(set) var isProbing: Bool
  /// Throttled or unreachable for good in this sweep: what waits is due only then.
  private(set) var parkedUntil: Date?
  /// How those end: with the trouble that parked the channel, as a deferral.
  private(set) var parkedOutcome: Outcome?
  /// Troubles in a row. Calls that were in flight together count once.
  private var troubles = 0
  private var era = 0

  /// So many troubles in a row, with pauses between, park a channel.
  private static let patience = 4
  /// A longer wait than this isn't waited for in a sweep.
  private static let longestPause = 5.0

  init(_ channel: Channel, wasSuspended: Bool) {
    self.channel = channel
    grouper = Grouper(capacity: channel.recipientsPerCall, mixedCapacity: channel.mixedRecipientsPerCall)
    isProbing = wasSuspended
    // With a session, the first call fetches the token that the others then use.
    limit = wasSuspended || channel.card.hasSession ? 1 : channel.concurrency
  }

  var isStopped: Bool { suspension != nil || parkedUntil != nil }

  /// How many calls may start now.
  func places(now: Date) -> Int {
    if isStopped { return 0 }
    if let notBefore, notBefore > now { return 0 }
    return max(0, limit - inFlight)
  }

  /// When to look again, if only time is in the way.
  func wakeUp(now: Date) -> Date? {
    guard let notBefore, notBefore > now, !isStopped else { return nil }
    return notBefore
  }

  /// A call starts. The era tells its reply from those that were in flight before a trouble.
  mutating func start() -> Int {
    inFlight += 1
    return era
  }

  mutating func end() { inFlight -= 1 }

  mutating func wait(until date: Date) { notBefore = date }

  mutating func succeeded(era: Int) {
    guard era == self.era else { return }
    troubles = 0
    isProbing = false
    limit = min(limit * 2, channel.concurrency)
  }

  mutating func suspend(_ suspension: Suspension) { self.suspension = suspension }

  /// A throttle, or no connection: one call at a time after a pause, and after a few in a row, or when asked to wait for
  /// long, no more in this sweep.
  mutating func gotTrouble(era: Int, _ outcome: Outcome?, retryAfter: Double?, now: Date) {
    guard era == self.era else { return }
    self.era += 1
    troubles += 1
    limit = 1
    if troubles >= ChannelRunner.patience || retryAfter ?? 0 > ChannelRunner.longestPause {
      parkedUntil = now + (retryAfter ?? channel.retry.first)
      parkedOutcome = .deferred(
        outcome?.kind == .network ? .network : .throttled, code: outcome?.code,
        reason: "waits, as the calls before it failed: \(outcome?.reason ?? "no reason given")")
    } else {
      notBefore = max(notBefore ?? now, now + (retryAfter ?? 0.25 * Double(1 << troubles)))
    }
  }
}
