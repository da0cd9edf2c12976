import FoundationEssentials
import Ledger
import SQLiteLedger

/// A real ledger with something in front of it: a test's own says only what it does otherwise.
protocol ForwardingLedger: Ledger {
  var ledger: SQLiteLedger { get }
}

extension ForwardingLedger {
  var generation: String { ledger.generation }
  var createdAt: Date { ledger.createdAt }
  func commit(_ group: GroupCommit) throws(LedgerFault) -> [Admission] { try ledger.commit(group) }
  func claim(_ ids: [IdentifierClaim], newerThan: Date) throws(LedgerFault) -> [Bool] {
    try ledger.claim(ids, newerThan: newerThan)
  }
  func isDuplicate(_ id: IdentifierClaim, newerThan: Date) throws(LedgerFault) -> Bool {
    try ledger.isDuplicate(id, newerThan: newerThan)
  }
  func seen(_ files: [UInt64]) throws(LedgerFault) -> [UInt64: Date] { try ledger.seen(files) }
  func counted(_ channel: String, day: Int) throws(LedgerFault) -> Int { try ledger.counted(channel, day: day) }
  func spent(_ channel: String, from day: Int, through last: Int) throws(LedgerFault) -> Int {
    try ledger.spent(channel, from: day, through: last)
  }
  func suspensions() throws(LedgerFault) -> [Suspension] { try ledger.suspensions() }
  func calls(ofSweep sweep: String, _ visit: (CallRecord) -> Void) throws(LedgerFault) {
    try ledger.calls(ofSweep: sweep, visit)
  }
  func call(_ id: String) throws(LedgerFault) -> CallRecord? { try ledger.call(id) }
  func knows(providerId: String, channel: String, since: Date) throws(LedgerFault) -> Bool {
    try ledger.knows(providerId: providerId, channel: channel, since: since)
  }
  func prune(before date: Date) throws(LedgerFault) -> Int { try ledger.prune(before: date) }
}
