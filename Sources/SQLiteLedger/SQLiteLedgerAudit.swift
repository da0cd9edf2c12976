import Core
import FoundationEssentials
import Ledger

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

  package func prune(_ horizon: LedgerHorizon, isDry: Bool) throws(LedgerFault) -> Int {
    try locked { (database) throws(LedgerFault) in
      // To count, a ledger opened to be looked at must do.
      if isDry { return try SQLiteLedger.forget(horizon, isDry: true, database) }
      return try database.transaction { () throws(LedgerFault) in
        try SQLiteLedger.forget(horizon, isDry: false, database)
      }
    }
  }

  private static func forget(
    _ horizon: LedgerHorizon, isDry: Bool, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Int {
    let verb = isDry ? "SELECT count(*)" : "DELETE"
    func run(_ statement: SQLiteDatabase.Statement) throws(LedgerFault) -> Int {
      if isDry { return try statement.first { $0.integer(0) } ?? 0 }
      try statement.run()
      return database.changes
    }
    let calls = horizon.calls.timeIntervalSince1970
    let kept = JSON.strings(horizon.sweeps).text
    let sql = "\(verb) FROM calls WHERE finished < ? AND sweep NOT IN (SELECT value FROM json_each(?))"
    var count = try run(database.statement(sql).fresh.bind(calls).bind(kept))
    count += try run(
      database.statement("\(verb) FROM ids WHERE claimed < ?").fresh.bind(horizon.ids.timeIntervalSince1970))
    count += try forgetReceived(horizon, verb, run, database)
    if try hasSeen(database) {
      count += try run(database.statement("\(verb) FROM seen WHERE noted < ?").fresh.bind(calls))
    }
    count += try forgetReceipts(before: horizon.calls, isDry: isDry, database)
    // Two days of slack: zones differ by up to 26 hours.
    let day = Int(calls / 86400) - 2
    for table in ["recipient_days", "channel_days"] {
      count += try run(database.statement("\(verb) FROM \(table) WHERE day < ?").fresh.bind(day))
    }
    // A budget's month has to be whole.
    count += try run(database.statement("\(verb) FROM spendings WHERE day < ?").fresh.bind(day - 60))
    count += try run(database.statement("\(verb) FROM charges WHERE day < ?").fresh.bind(day - 60))
    return count
  }

  package func slowest(_ count: Int, since: Date) throws(LedgerFault) -> [SlowCall] {
    let sql = """
      SELECT id, channel, started, finished - started, members FROM calls WHERE finished IS NOT NULL AND started >= ?
      ORDER BY finished - started DESC LIMIT ?
      """
    return try locked { (database) throws(LedgerFault) in
      var calls: [SlowCall] = []
      let rows = try database.statement(sql).fresh.bind(since.timeIntervalSince1970).bind(count)
      while try rows.step() {
        calls.append(
          SlowCall(
            id: rows.text(0) ?? "", channel: rows.text(1) ?? "", started: Date(timeIntervalSince1970: rows.double(2)),
            seconds: max(0, rows.double(3)), recipients: LedgerCoding.members(rows.text(4) ?? "[]").count))
      }
      _ = rows.fresh
      return calls
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
