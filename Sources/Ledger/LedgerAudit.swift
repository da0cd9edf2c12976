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

  /// What is counted over all sweeps.
  func meters() throws(LedgerFault) -> [Meters.Row]

  /// The calls that took longest, of those that started since, the slowest first.
  func slowest(_ count: Int, since: Date) throws(LedgerFault) -> [SlowCall]

  /// What the database's own check finds wrong with it, a sentence each; empty when it is sound.
  func defects() throws(LedgerFault) -> [String]
}

/// A call that has an outcome, and how long it took.
package struct SlowCall: Sendable, Hashable {
  package var id: String
  package var channel: String
  package var started: Date
  /// From its intent to its outcome.
  package var seconds: Double
  package var recipients: Int

  package init(id: String, channel: String, started: Date, seconds: Double, recipients: Int) {
    self.id = id
    self.channel = channel
    self.started = started
    self.seconds = seconds
    self.recipients = recipients
  }
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
