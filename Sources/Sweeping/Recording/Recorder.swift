import Core
import FoundationEssentials
import Ledger
import Spooling

/// Who writes down: outcomes, ids and suspensions wait here for the next group commit, history lines for the commit that
/// holds their outcomes, and then for the settling desk. Nothing gets to the desk that the ledger has not taken.
final class Recorder {
  /// Messages that are settled together while calls are under way, and the seconds that the first waits for the others:
  /// settling costs a flush of the file system, for however few.
  private static let gatheredSettlements = 1024
  private static let gatheringTime = 0.1
  /// Seconds between two commits that take what was counted along.
  private static let meterInterval = 1.0

  private let ledger: any Ledger
  private let desk: SettlingDesk
  private let window: Int
  private var pending = GroupCommit(now: .distantPast)
  /// What a ledger in trouble did not take.
  private var unrecorded: [GroupCommit] = []
  /// What is settled once the next commit is on disk.
  private var settlements: [Settlement] = []
  /// When the first of them came.
  private var since: Double?
  /// Handed to the desk and not answered yet.
  private var underWay = 0
  /// Files in hand whose first sight the ledger knows: their history will tell it instead.
  private var known: Set<UInt64> = []
  /// Counted, and not with the ledger yet.
  private var meters = Meters()
  private var meteredAt: Double?
  /// Files whose line could not be written: the next sweep's rescue settles them from the ledger.
  private(set) var stuck: Set<FileName> = []
  /// The operator wants to be told of failures (`on_failure`), through this channel.
  var operatorsChannel: String?
  /// Receipts are awaited of somebody: they look for their messages by name.
  var awaitsReceipts = false

  init(_ ledger: any Ledger, _ desk: SettlingDesk, window: Int) {
    self.ledger = ledger
    self.desk = desk
    self.window = window
  }

  // MARK: Noting

  func note(_ call: FinishedCall) { pending.finished.append(call) }
  func count(_ outcomes: [Outcome], of channel: String, seconds: Double) {
    meters.count(outcomes, of: channel, seconds: seconds)
  }

  func note(_ id: SettledIdentifier) { pending.settledIds.append(id) }
  func note(_ suspension: Suspension) {
    pending.suspended.append(suspension)
    // The channel that would have to tell of it can't.
    if let operatorsChannel, operatorsChannel != suspension.channel { note(FailureNote(suspension)) }
  }

  /// - Parameter id: the message's own.
  func noteFailure(_ line: HistoryLine?, of file: ClaimedFile, id: String?) {
    guard operatorsChannel != nil, let line, let note = FailureNote(line, name: file.name.display, id: id) else {
      return
    }
    self.note(note)
  }

  private func note(_ failure: FailureNote) {
    if let index = pending.failures.firstIndex(where: { $0.cause == failure.cause }) {
      pending.failures[index].add(failure)
    } else {
      pending.failures.append(failure)
    }
  }

  func note(resumed channel: String) { pending.resumed.append(channel) }

  /// - Parameter line: nil for a message that goes back to new/ unchanged.
  func settle(_ file: ClaimedFile, _ line: HistoryLine?, share channel: String, dropped: Date) {
    settlements.append(Settlement(file, line, share: channel))
    if let line { meters.count(line) }
    let wasKnown = !known.isEmpty && known.remove(file.identity) != nil
    if line == nil {
      pending.returned.append(Seen(file: file.identity, since: dropped))
    } else if wasKnown {
      pending.forgotten.append(file.identity)
    }
  }

  /// The ledger knows when these files, which are in hand, were first seen.
  func remember(_ files: some Sequence<UInt64>) { known.formUnion(files) }

  // MARK: Committing

  var hasNews: Bool { !pending.isEmpty }
  var isIdle: Bool { pending.isEmpty && settlements.isEmpty && underWay == 0 }

  /// One flush: what was noted, and these intents.
  /// - Throws: when nothing of it was recorded. Outcomes still go into the history lines, which a rescuer believes as
  ///   well, and once more to the ledger at the end.
  /// - Parameter isLast: nothing is under way that would bring another commit soon.
  func commit(
    _ proposed: [ProposedCall], at moment: Moment, isLast: Bool
  ) throws(LedgerFault) -> [Admission] {
    let now = moment.date
    pending.now = now
    if isLast || moment.steady - (meteredAt ?? -.infinity) >= Recorder.meterInterval {
      pending.meters = meters.rows
      meters.removeAll()
      meteredAt = moment.steady
    }
    pending.proposed = proposed
    defer { pending = GroupCommit(now: now) }
    do throws(LedgerFault) {
      return try ledger.commit(pending)
    } catch {
      pending.proposed = []
      // An empty one too: what the failed one left in the ledger's log, another write has to overrule.
      unrecorded.append(pending)
      throw error
    }
  }

  /// Gives to the desk what has been committed: when there is enough, when it has waited, or at once.
  func handOver(at now: Double, waits: Bool) {
    guard !settlements.isEmpty, pending.isEmpty else { return }
    let isEnough = settlements.count >= min(Recorder.gatheredSettlements, window / 16)
    let first = since ?? now
    guard isEnough || !waits || now - first >= Recorder.gatheringTime else {
      since = first
      return
    }
    underWay += settlements.count
    desk.hand(settlements)
    settlements.removeAll()
    since = nil
  }

  /// When `handOver` has something to do though nothing happens.
  var wakeUp: Double? { since.map { $0 + Recorder.gatheringTime } }

  func settled(_ settled: [Settled]) {
    underWay -= settled.count
    if awaitsReceipts { pending.renamed += settled.compactMap(\.renamed) }
  }

  func failed(to settle: [Settlement]) {
    underWay -= settle.count
    stuck.formUnion(settle.map(\.file.name))
  }

  /// At the end: counts for which there was no commit.
  func recordMeters(at now: Date) {
    guard !meters.isEmpty else { return }
    var group = GroupCommit(now: now)
    group.meters = meters.rows
    meters.removeAll()
    _ = try? ledger.commit(group)
  }

  /// The trouble may have been a passing one; where it was not, the history lines say it all.
  func retryUnrecorded() {
    for group in unrecorded {
      guard (try? ledger.commit(group)) != nil else { return }
    }
  }
}

extension Settled {
  /// What receipts of its calls have to know; nil where it has kept its name, or took part in no call.
  var renamed: RenamedFile? {
    guard name != settlement.file.name, let calls = settlement.line?.calls, !calls.isEmpty else { return nil }
    return RenamedFile(calls: calls, file: settlement.file.name.display, name: name.display)
  }
}
