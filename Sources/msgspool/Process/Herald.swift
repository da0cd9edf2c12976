import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Threading

/// Tells the operator what failed (`on_failure`): an ordinary message, dropped as any producer drops one, once an hour at
/// the most over all processes. What it told of is the ledger's to remember (`FailureBook`).
struct Herald: Sendable {
  /// Seconds between two summaries.
  private static let every = 3600.0
  /// Seconds between two looks of a watch.
  private static let look = 60.0

  let spool: Spool
  let ledger: any LedgerAudit

  /// What can't be told now is told by the next sweep; nothing of it keeps a message from being sent.
  func tell(_ configuration: Configuration) {
    guard let address = configuration.onFailure, let channel = configuration.channels[address.channel] else { return }
    do throws(LedgerFault) {
      guard let summary = try ledger.takeFailures(at: Surroundings.now(), every: Herald.every) else { return }
      let bytes = FailureText(summary, spool: spool.path).message(to: address, through: channel).bytes
      // A name of its own for each try: one that was cut short may have left its file in tmp/.
      let name = FileName("\(FailureNote.ownId)\(summary.id)-\(Surroundings.nonce().prefix(8)).json")
      do throws(DropFault) {
        _ = try spool.drop([bytes]) { _ in name }
      } catch {
        return Console.warn(
          "on_failure", "the summary of failures could not be dropped: \(error.fault)", hint: error.fault.hint)
      }
      try ledger.told(summary)
    } catch {
      Console.warn("on_failure", "the ledger can't tell what failed: \(error.message)")
    }
  }

  /// Tells in time while a watch goes on.
  /// - Parameters:
  ///   - ends: closed when the watch ends.
  ///   - configuration: as it is by then.
  func run(until ends: Inbox<Bool>, _ configuration: @escaping @Sendable () -> Configuration) {
    while !ends.isClosed {
      _ = ends.takeAll(within: Herald.look)
      if !ends.isClosed { tell(configuration()) }
    }
  }
}
