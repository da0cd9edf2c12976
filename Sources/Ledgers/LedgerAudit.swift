import Core
import FoundationEssentials

/// What operators ask of a ledger, and sweeps never do.
package protocol LedgerAudit: Ledger {
  /// All calls, or those without an outcome, in the order they started.
  func calls(onlyOpen: Bool, _ visit: (_ sweep: String, CallRecord) -> Void) throws(LedgerFault)

  /// How many rows `prune` would remove.
  func prunable(before date: Date) throws(LedgerFault) -> Int

  /// What the database's own check finds wrong with it, a sentence each; empty when it is sound.
  func defects() throws(LedgerFault) -> [String]
}

extension SQLiteLedger: LedgerAudit {
  package func calls(
    onlyOpen: Bool, _ visit: (_ sweep: String, CallRecord) -> Void
  ) throws(LedgerFault) {
    let condition = onlyOpen ? "WHERE finished IS NULL" : ""
    let sql = "SELECT id, channel, provider, started, members, outcomes, sweep FROM calls \(condition) ORDER BY rowid"
    try locked { (database) throws(LedgerFault) in
      let rows = try database.statement(sql).fresh
      while try rows.step() { visit(rows.text(6) ?? "", SQLiteLedger.record(rows)) }
      _ = rows.fresh
    }
  }

  package func prunable(before date: Date) throws(LedgerFault) -> Int {
    let seconds = date.timeIntervalSince1970
    return try locked { (database) throws(LedgerFault) in
      var count = 0
      for rows in SQLiteLedger.forgettable {
        count +=
          try database.statement("SELECT count(*) FROM \(rows)").fresh.bind(seconds).first { $0.integer(0) } ?? 0
      }
      return count
    }
  }

  package func defects() throws(LedgerFault) -> [String] {
    try locked { (database) throws(LedgerFault) in
      var defects: [String] = []
      let rows = try database.statement("PRAGMA quick_check(20)").fresh
      while try rows.step() {
        if let text = rows.text(0), text != "ok" { defects.append(text) }
      }
      _ = rows.fresh
      return defects
    }
  }
}
