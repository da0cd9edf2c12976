import Core
import FoundationEssentials
import Ledger

/// What channels cost: a sum for each channel and local day, in whole millionths, kept by the same commits as the calls.
///
/// A call is charged when its intent is written, so that no number of sweepers spends a budget twice, and nothing that is in
/// doubt is forgotten; what was not accepted is given back with the outcome.
extension SQLiteLedger {
  static let spendingTables = """
    CREATE TABLE IF NOT EXISTS spendings (
      channel TEXT NOT NULL, day INTEGER NOT NULL, micros INTEGER NOT NULL, PRIMARY KEY (channel, day)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS charges (
      call TEXT PRIMARY KEY, channel TEXT NOT NULL, day INTEGER NOT NULL, micros INTEGER NOT NULL) WITHOUT ROWID;
    """

  /// Places, by index, that the budget has no room for: what is left of it is given out in their order.
  func beyondBudget(
    _ call: ProposedCall, without refused: [Int], _ database: SQLiteDatabase
  ) throws(LedgerFault) -> (places: [Int], span: Admission.Span)? {
    guard let charge = call.charge, charge.daily != nil || charge.monthly != nil else { return nil }
    // A call that is repeated under its key has been paid for.
    let isPaid = try database.statement("SELECT 1 FROM charges WHERE call = ?").fresh.bind(call.id).first { _ in true }
    if isPaid == true { return nil }
    return BudgetRule.beyond(
      charge, without: refused, today: try spent(call.channel, call.day, call.day, database),
      month: try spent(call.channel, charge.month, call.day, database))
  }

  func charge(_ call: ProposedCall, without refused: [Int], _ database: SQLiteDatabase) throws(LedgerFault) {
    guard let charge = call.charge else { return }
    try uncharge(call.id, .max, database)
    let left = Set(refused)
    let micros = charge.costs.indices.reduce(0) { left.contains($1) ? $0 : $0 + charge.costs[$1] }
    guard micros > 0 else { return }
    try add(call.channel, call.day, micros, database)
    try database.statement("INSERT INTO charges VALUES (?, ?, ?, ?)").fresh
      .bind(call.id).bind(call.channel).bind(call.day).bind(micros).run()
  }

  /// Gives back at most so much of what the call was charged.
  func uncharge(_ call: String, _ refund: Int, _ database: SQLiteDatabase) throws(LedgerFault) {
    let row = try database.statement("SELECT channel, day, micros FROM charges WHERE call = ?").fresh.bind(call)
      .first { (channel: $0.text(0) ?? "", day: $0.integer(1), micros: $0.integer(2)) }
    guard let row else { return }
    let back = min(refund, row.micros)
    try add(row.channel, row.day, -back, database)
    if back == row.micros {
      try database.statement("DELETE FROM charges WHERE call = ?").fresh.bind(call).run()
    } else {
      try database.statement("UPDATE charges SET micros = micros - ? WHERE call = ?").fresh.bind(back).bind(call).run()
    }
  }

  private func add(
    _ channel: String, _ day: Int, _ micros: Int, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    let sql = """
      INSERT INTO spendings VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET micros = max(0, micros + excluded.micros)
      """
    try database.statement(sql).fresh.bind(channel).bind(day).bind(micros).run()
  }

  private func spent(
    _ channel: String, _ first: Int, _ last: Int, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Int {
    try database.statement("SELECT coalesce(sum(micros), 0) FROM spendings WHERE channel = ? AND day BETWEEN ? AND ?")
      .fresh.bind(channel).bind(first).bind(last).first { $0.integer(0) } ?? 0
  }

  package func spent(_ channel: String, from day: Int, through last: Int) throws(LedgerFault) -> Int {
    try locked { (database) throws(LedgerFault) in try spent(channel, day, last, database) }
  }
}
