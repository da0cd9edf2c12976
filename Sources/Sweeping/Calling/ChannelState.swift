import Core
import FoundationEssentials
import Ledger
import Spooling

/// One channel during a sweep: what waits for it, how much may be in flight, and whether it is in trouble. Pauses are
/// steady times: no clock that is set stretches them. A reference, as what waits may be thousands; touched by the engine's
/// thread only.
final class ChannelState {
  let channel: Channel
  private(set) var grouper: Grouper<Party>
  /// What waits for its text to be made, on a channel with digests.
  private var digester: Digester<Passenger>?
  var suspicion: Suspicion
  private(set) var inFlight = 0
  /// Calls in flight at the most, for now: one after trouble, doubled by success.
  private var limit: Int
  /// The pace or a throttle allows the next call only then.
  private var notBefore: Double?
  /// Nothing goes out; why, and when one call is tried again, if by itself.
  private(set) var suspension: Suspension?
  private(set) var probesAt: Double?
  /// It was suspended, and one call is to show whether it works again; why it was.
  private(set) var probed: Suspension?
  /// Throttled or unreachable: what waits is due only then.
  private(set) var parkedUntil: Double?
  /// How those end: with the trouble that parked the channel, as a deferral.
  private var parkedOutcome: Outcome?
  /// Troubles in a row. Calls that were in flight together count once.
  private var troubles = 0
  private var era = 0

  /// So many troubles in a row, with pauses between, park a channel.
  private static let patience = 4
  /// A longer wait than this isn't waited for with messages in hand.
  private static let longestPause = 5.0

  init(_ channel: Channel) {
    self.channel = channel
    grouper = Grouper(capacity: channel.recipientsPerCall, mixedCapacity: channel.mixedRecipientsPerCall)
    digester = channel.digest == nil ? nil : Digester()
    suspicion = Suspicion(limit: channel.suspectAfter)
    // With a session, the first call fetches the token that the others then use.
    limit = channel.card.hasSession ? 1 : channel.concurrency
  }

  var isProbing: Bool { probed != nil }
  func isStopped(at now: Double) -> Bool { suspension != nil || isParked(at: now) }
  func isParked(at now: Double) -> Bool { parkedUntil.map { $0 > now } ?? false }

  /// How many calls may start now.
  func places(at now: Double) -> Int {
    if isStopped(at: now) { return 0 }
    if let notBefore, notBefore > now { return 0 }
    return max(0, limit - inFlight)
  }

  /// When to look again, if only time is in the way.
  func wakeUp(at now: Double) -> Double? {
    if suspension != nil { return probesAt.map { max($0, now) } }
    return [parkedUntil, notBefore].compactMap { $0 }.filter { $0 > now }.max()
  }

  /// How a passenger ends whose channel has stopped; nil where it may wait for a call.
  func ending(at now: Moment) -> Ending? {
    if suspension != nil { return .untried(due: nil) }
    guard let parkedUntil, let parkedOutcome, parkedUntil > now.steady else { return nil }
    return .deferred(parkedOutcome, due: now.date(of: parkedUntil))
  }

  enum Ending: Equatable {
    /// Goes back unchanged, or is deferred beside others of its message until `due`.
    case untried(due: Date?)
    case deferred(Outcome, due: Date)
  }

  // MARK: Waiting for a call

  var isEmpty: Bool { grouper.isEmpty && digester?.waiting ?? 0 == 0 }
  /// Passengers whose call is not full yet, or whose text is not made.
  var waiting: Int { grouper.waiting + (digester?.waiting ?? 0) }

  func add(_ passenger: Passenger) {
    let leg = passenger.leg
    guard digester != nil, !leg.goesInParts, DigestRule.admits(passenger.job.message) else {
      // A fallback's book may know several of the message's recipients by one address.
      let source = passenger.job.isOfLongList && !leg.isFallback ? ObjectIdentifier(passenger.job) : nil
      return grouper.add(.init(leg.target, leg.content, passenger.priority, Party(passenger), of: source))
    }
    let job = passenger.job
    digester?.add(.init(leg.target, leg.content, job.message, since: job.dropped, name: job.label, passenger))
  }

  /// Nothing more is coming: what is gathered goes as it is.
  func flush() {
    makeTexts()
    grouper.flush()
  }

  /// More is there than can be gathered: the fullest calls go as they are.
  func relieve() {
    makeTexts()
    grouper.relieve(to: grouper.waiting / 2)
  }

  private func makeTexts() {
    for members in digester?.take() ?? [] {
      for text in channel.texts(of: members) {
        guard let lead = text.members.first else { continue }
        let priority = text.members.lazy.map(\.message.priority).max() ?? .normal
        grouper.add(
          .init(lead.target, text.content, priority, Party(lead.item, text.members.dropFirst().map(\.item))))
      }
    }
  }

  /// A high-priority message does not wait for what shares its channel.
  func flushUrgent() { grouper.flush() }

  func next() -> Batch? { grouper.next() }
  func putBack(_ batch: Batch) { grouper.putBack(batch) }
  func push(_ batch: Batch) { grouper.push(batch) }
  func limit(to capacity: Int) { grouper.limit(to: capacity) }

  /// Everybody who waits, taken out.
  func drain() -> [Party] {
    let gathered = digester?.take().joined().map { Party($0.item) } ?? []
    return gathered + grouper.drain().map(\.item)
  }

  // MARK: Calls

  /// A call starts. The era tells its reply from those that were in flight before a trouble.
  func start() -> Int {
    inFlight += 1
    return era
  }

  func landed() { inFlight -= 1 }

  func wait(_ seconds: Double, at now: Double) { notBefore = max(notBefore ?? now, now + seconds) }

  func succeeded(era: Int) {
    guard era == self.era else { return }
    troubles = 0
    probed = nil
    limit = min(limit * 2, channel.concurrency)
  }

  /// A throttle, or no connection: one call at a time after a pause, and after a few in a row, or when asked to wait for
  /// long, what waits is deferred.
  func gotTrouble(era: Int, _ outcome: Outcome?, retryAfter: Double?, at now: Double) {
    guard era == self.era else { return }
    self.era += 1
    troubles += 1
    limit = 1
    if troubles >= ChannelState.patience || retryAfter ?? 0 > ChannelState.longestPause {
      parkedUntil = now + min(retryAfter ?? channel.retry.first, 86_400)
      var parked = Outcome.deferred(
        outcome?.kind == .network ? .network : .throttled, code: outcome?.code,
        reason: "waits, as the calls before it failed: \(outcome?.reason ?? "no reason given")")
      parked.usesAttempt = false
      parkedOutcome = parked
      // After the pause one more trouble is enough.
      troubles = ChannelState.patience - 1
    } else {
      wait(retryAfter ?? 0.25 * Double(1 << troubles), at: now)
    }
  }

  /// For another configuration: without what waits and without trouble; what is in flight comes back to it.
  func renewed(_ channel: Channel) -> ChannelState {
    let new = ChannelState(channel)
    new.inFlight = inFlight
    // What is in flight was sent with the old settings, and says nothing of these.
    new.era = era + 1
    return new
  }

  // MARK: Suspension

  /// - Parameter probesAt: when to try one call; nil where only the next sweep, or a person, does.
  func suspend(_ suspension: Suspension, probesAt: Double?) {
    self.suspension = suspension
    self.probesAt = probesAt
    probed = nil
    limit = 1
  }

  /// What it was suspended for is over.
  func open() {
    (suspension, probesAt, probed) = (nil, nil, nil)
    (parkedUntil, parkedOutcome, troubles) = (nil, nil, 0)
  }

  /// One call first.
  func probe(_ suspension: Suspension) {
    self.suspension = nil
    probesAt = nil
    probed = suspension
    limit = 1
  }
}
