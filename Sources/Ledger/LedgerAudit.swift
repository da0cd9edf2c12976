import Core
import FoundationEssentials

/// What operators ask of a ledger, and sweeps never do.
package protocol LedgerAudit: FailureBook {
  /// All calls, or those without an outcome, in the order they started.
  func calls(onlyOpen: Bool, _ visit: (_ sweep: String, CallRecord) -> Void) throws(LedgerFault)

  /// Forgets what is behind the horizon; open calls stay.
  /// - Parameter isDry: only counts.
  /// - Returns: how many rows went.
  func prune(_ horizon: LedgerHorizon, isDry: Bool) throws(LedgerFault) -> Int

  /// What the database's own check finds wrong with it, a sentence each; empty when it is sound.
  func defects() throws(LedgerFault) -> [String]
}

/// How far back a ledger is to remember.
package struct LedgerHorizon: Sendable {
  /// Calls that finished before, counts of days before, and messages that went back to new/ and have not done so since.
  package var calls: Date
  /// Ids whose message was claimed before.
  package var ids: Date
  /// Sweeps whose calls stay: what they left in cur/ is yet to be settled, and only their calls tell what was sent.
  package var sweeps: [String]

  package init(calls: Date, ids: Date, keeping sweeps: [String] = []) {
    self.calls = calls
    self.ids = ids
    self.sweeps = sweeps
  }
}
