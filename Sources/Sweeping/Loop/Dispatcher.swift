import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// Group → pace → record intent → send: one group commit records the outcomes that came in and the intents of the calls
/// that start right after it; then what was committed goes to be settled.
final class Dispatcher {
  /// Bytes that must be free on the disk beside what this commit's calls will write.
  private static let reserve = 256 << 10
  /// Bytes that one recipient's intent, outcome, and history line may take, generously.
  private static let bytesPerRecipient = 1024

  private let environment: SweepEnvironment
  private let channels: Channels
  private let calls: Calls
  private let questions: Questions
  private let recorder: Recorder
  private let tally: Tally
  private let share: Share
  /// From here on calls go out, by priority among what has been looked at: so much of a backlog that what goes first is
  /// well chosen, and not so much that the disk waits for the network, and the network for the disk.
  private var hasLooked = false

  init(
    _ environment: SweepEnvironment, _ channels: Channels, _ calls: Calls, _ questions: Questions,
    _ recorder: Recorder, _ tally: Tally, _ share: Share
  ) {
    self.environment = environment
    self.channels = channels
    self.calls = calls
    self.questions = questions
    self.recorder = recorder
    self.tally = tally
    self.share = share
  }

  /// - Parameter isCaughtUp: nothing more is coming for now: partly filled calls go, and lost ones are asked about.
  /// - Throws: when nothing more could be recorded. Nothing was sent then.
  func dispatch(isCaughtUp: Bool, isStopping: Bool) throws(SweepTrouble) {
    let now = environment.clock()
    hasLooked = hasLooked || isCaughtUp || tally.summary.claimed >= share.messages / 4
    var proposals: [Calls.Proposal] = []
    var trouble: SweepTrouble?
    // With nothing under way there is nothing to wait for. What a ledger in trouble did not take is settled all the same:
    // a rescuer believes the lines as well.
    defer { if !recorder.hasNews { recorder.handOver(at: now.steady, waits: !calls.isIdle) } }
    do throws(LedgerFault) {
      if isCaughtUp { try questions.ask(at: now) }
      if hasLooked, !isStopping { proposals = calls.propose(at: now, gathers: isCaughtUp) }
      let fault = shortage(for: proposals)
      if fault != nil { calls.release(proposals) }
      let intents = fault == nil ? proposals.map(\.call) : []
      let admissions =
        intents.isEmpty && !recorder.hasNews
        ? [] : try recorder.commit(intents, at: now, isLast: intents.isEmpty && calls.isIdle)
      if let fault { trouble = SweepTrouble(fault: fault) } else { calls.start(proposals, admissions, at: now) }
    } catch {
      calls.release(proposals)
      throw SweepTrouble(fault: error)
    }
    if let trouble { throw trouble }
  }

  /// Nothing is sent whose result might not fit on the disk.
  private func shortage(for proposals: [Calls.Proposal]) -> SystemFault? {
    if proposals.isEmpty { return nil }
    let recipients = proposals.reduce(calls.recipients) { $0 + $1.batch.entries.count }
    do throws(SystemFault) {
      let isEnough = try environment.spool.room() >= Dispatcher.reserve + Dispatcher.bytesPerRecipient * recipients
      return isEnough ? nil : SystemFault("write", ENOSPC, environment.spool.path)
    } catch {
      return error
    }
  }
}
