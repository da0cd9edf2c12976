import Core
import FoundationEssentials
import Ledger

/// The tables of receipts.
///
/// `receipt_calls` has a row for each call that is awaited, `awaited` one for each of its recipients, which stays when
/// its state is final, as the first one stands whatever comes later. `doubt` is 1 while no answer has said that the
/// recipient was accepted, 2 when a receipt has and no line says so yet. `tell` is when its news are to be written into
/// its file, NULL where there are none, or they are there.
extension SQLiteLedger {
  static let receiptTables = """
    CREATE TABLE IF NOT EXISTS receipt_calls (
      number INTEGER PRIMARY KEY, call TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, shared TEXT, reference TEXT,
      accepted REAL NOT NULL, until REAL NOT NULL, due REAL, asked INTEGER NOT NULL, open INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS receipt_calls_by_shared ON receipt_calls (shared) WHERE shared IS NOT NULL;
    CREATE INDEX IF NOT EXISTS receipt_calls_by_reference ON receipt_calls (reference) WHERE reference IS NOT NULL;
    CREATE INDEX IF NOT EXISTS receipt_calls_by_due ON receipt_calls (channel, due) WHERE due IS NOT NULL AND open > 0;
    CREATE INDEX IF NOT EXISTS receipt_calls_by_until ON receipt_calls (until) WHERE open > 0;
    CREATE TABLE IF NOT EXISTS awaited (
      call INTEGER NOT NULL, recipient INTEGER NOT NULL, place INTEGER NOT NULL, id TEXT, file TEXT NOT NULL,
      target TEXT NOT NULL, address TEXT, state TEXT, at REAL, noted REAL, code TEXT, reason TEXT,
      doubt INTEGER NOT NULL, tell REAL, read_key TEXT, PRIMARY KEY (call, recipient, place)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS awaited_by_id ON awaited (id) WHERE id IS NOT NULL;
    CREATE INDEX IF NOT EXISTS awaited_by_tell ON awaited (tell, file) WHERE tell IS NOT NULL;
    CREATE TABLE IF NOT EXISTS receipt_totals (
      channel TEXT NOT NULL, state TEXT NOT NULL, class INTEGER NOT NULL, count INTEGER NOT NULL, seconds REAL NOT NULL,
      PRIMARY KEY (channel, state, class)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receipt_sums (
      call TEXT PRIMARY KEY, channel TEXT NOT NULL, noted REAL NOT NULL, counts TEXT NOT NULL,
      final INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receipt_legs (
      file TEXT NOT NULL, target TEXT NOT NULL, call TEXT NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL,
      noted REAL NOT NULL, dropped INTEGER NOT NULL, PRIMARY KEY (file, target, call)) WITHOUT ROWID;
    \(receiptNameTable)
    """

  /// `receipt_names` has a row for each file of which a recipient is awaited and that was settled under another name than
  /// its call knows: `file` is that one, as in `awaited`.
  static let receiptNameTable = """
    CREATE TABLE IF NOT EXISTS receipt_names (
      call INTEGER NOT NULL, file TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (call, file)) WITHOUT ROWID;
    """

  // MARK: What is awaited

  /// Beside an intent: what receipts name the call by, should the sweep die before its outcome.
  static func expect(_ call: ProposedCall, at now: Date, _ database: SQLiteDatabase) throws(LedgerFault) {
    guard let reference = call.reference else { return }
    // Nobody in it is awaited yet: it waits for its outcome, and goes with its call.
    let sql = "INSERT OR IGNORE INTO receipt_calls VALUES (NULL, ?, ?, NULL, ?, ?, ?, NULL, 0, 0)"
    try database.statement(sql).fresh.bind(call.id).bind(call.channel).bind(reference)
      .bind(now.timeIntervalSince1970).bind(now.timeIntervalSince1970).run()
  }

  /// Beside an outcome.
  static func keep(_ call: AwaitedRecord, _ database: SQLiteDatabase) throws(LedgerFault) {
    // Nearly always it is new: known are those that receipts may name before their outcome, and those that were in doubt.
    try write(call, as: nil, "INSERT OR IGNORE", database)
    if database.changes == 0 {
      let known = try database.statement("SELECT number FROM receipt_calls WHERE call = ?").fresh.bind(call.call)
        .first { $0.integer(0) }
      guard let known, try take(over: call, known, database) else { return }
      try write(call, as: known, "INSERT OR REPLACE", database)
    }
    let number = database.lastRow
    let insert = try database.statement(
      "INSERT INTO awaited VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL, ?, NULL, ?)")
    for (place, recipient) in call.recipients.enumerated() {
      try insert.fresh.bind(number).bind(recipient.key).bind(place).bind(recipient.id).bind(recipient.member.file)
        .bind(recipient.member.to).bind(recipient.member.address).bind(recipient.isInDoubt ? 1 : 0)
        .bind(recipient.readKey).run()
    }
  }

  private static func write(
    _ call: AwaitedRecord, as number: Int?, _ insert: String, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    try database.statement("\(insert) INTO receipt_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)").fresh.bind(number)
      .bind(call.call).bind(call.channel).bind(call.sharedId).bind(call.reference)
      .bind(call.acceptedAt.timeIntervalSince1970).bind(call.until.timeIntervalSince1970)
      .bind(call.due?.timeIntervalSince1970).bind(call.recipients.count).run()
  }

  /// A call that is known already: of one that was in doubt, and has an answer now, the ids are learned and the doubt ends;
  /// what receipts have said meanwhile stays.
  /// - Returns: whether its rows are to be written, as there are none yet.
  private static func take(
    over call: AwaitedRecord, _ number: Int, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Bool {
    let hasRows =
      try database.statement("SELECT 1 FROM awaited WHERE call = ? LIMIT 1").fresh.bind(number).first { _ in true }
      ?? false
    guard hasRows else { return true }
    let sql = "UPDATE receipt_calls SET shared = ?, due = coalesce(due, ?) WHERE number = ?"
    try database.statement(sql).fresh.bind(call.sharedId).bind(call.due?.timeIntervalSince1970).bind(number).run()
    let update = try database.statement(
      """
      UPDATE awaited SET id = coalesce(?, id), doubt = CASE WHEN doubt = 1 AND NOT ? THEN 0 ELSE doubt END
      WHERE call = ? AND recipient = ? AND target = ?
      """)
    for recipient in call.recipients {
      try update.fresh.bind(recipient.id).bind(recipient.isInDoubt ? 1 : 0).bind(number).bind(recipient.key)
        .bind(recipient.member.to).run()
    }
    return false
  }

  /// Only of calls that are awaited.
  static func keep(_ files: [RenamedFile], _ database: SQLiteDatabase) throws(LedgerFault) {
    if files.isEmpty { return }
    let insert = try database.statement(
      "INSERT OR REPLACE INTO receipt_names SELECT number, ?, ? FROM receipt_calls WHERE call = ?")
    for file in files {
      for call in file.calls { try insert.fresh.bind(file.file).bind(file.name).bind(call).run() }
    }
  }

  // MARK: Forgetting

  /// Calls whose recipients have all got a state, that is told, go with the calls of the ledger.
  static func forgetReceipts(
    before date: Date, isDry: Bool, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Int {
    let time = date.timeIntervalSince1970
    let over = """
      SELECT number FROM receipt_calls c WHERE open = 0 AND max(accepted, until) < ? AND NOT EXISTS
        (SELECT 1 FROM awaited a WHERE a.call = c.number AND (a.tell IS NOT NULL OR a.noted >= ?))
      """
    if isDry {
      let count = "SELECT count(*) FROM awaited WHERE call IN (\(over))"
      return try database.statement(count).fresh.bind(time).bind(time).first { $0.integer(0) } ?? 0
    }
    try database.statement("DELETE FROM awaited WHERE call IN (\(over))").fresh.bind(time).bind(time).run()
    let count = database.changes
    try database.statement("DELETE FROM receipt_names WHERE call IN (\(over))").fresh.bind(time).bind(time).run()
    try database.statement("DELETE FROM receipt_calls WHERE number IN (\(over))").fresh.bind(time).bind(time).run()
    try database.statement("DELETE FROM receipt_legs WHERE dropped = 1 AND noted < ?").fresh.bind(time).run()
    try database.statement(
      "DELETE FROM receipt_sums WHERE noted < ? AND call NOT IN (SELECT call FROM receipt_calls)"
    ).fresh.bind(time).run()
    return count
  }
}

extension SQLiteLedger: ReceiptLedger {
  func changed<Value: Sendable>(
    _ body: (SQLiteDatabase) throws(LedgerFault) -> Value
  ) throws(LedgerFault) -> Value {
    try locked { (database) throws(LedgerFault) in
      try database.transaction { () throws(LedgerFault) in try body(database) }
    }
  }

  package func adopt(_ call: AwaitedRecord) throws(LedgerFault) {
    try changed { (database) throws(LedgerFault) in try SQLiteLedger.keep(call, database) }
  }

  // MARK: Receipts

  /// A recipient that is awaited, and of which channel.
  struct Row {
    var key: UntoldReceipt.Key
    var known: KnownReceipt
    var channel: String
    var accepted: Double
  }

  package func apply(_ claims: [ReceiptClaim], at now: Date) throws(LedgerFault) -> [ReceiptFinding] {
    try changed { (database) throws(LedgerFault) in
      var counts: [Count: (count: Int, seconds: Double)] = [:]
      var findings: [ReceiptFinding] = []
      for claim in claims { findings.append(try apply(claim, at: now, &counts, database)) }
      try add(counts, database)
      return findings
    }
  }

  private struct Count: Hashable {
    var channel: String
    var state: ReceiptState
    var index: Int
  }

  private func apply(
    _ claim: ReceiptClaim, at now: Date, _ counts: inout [Count: (count: Int, seconds: Double)],
    _ database: SQLiteDatabase
  ) throws(LedgerFault) -> ReceiptFinding {
    var isKnown = false
    for name in claim.names {
      let meant = try meant(by: name, claim, database)
      isKnown = isKnown || meant.isKnown
      guard let best = ReceiptChoice.best(of: meant.calls.map(\.candidate)) else { continue }
      let call = meant.calls[best]
      if ReceiptChoice.waits(forNewerThan: call.candidate, isByReference: call.isByReference),
        let early = try early(claim, newerThan: call.number, database)
      {
        return early
      }
      var isNews = false
      for row in call.rows { isNews = try apply(claim.news, to: row, at: now, &counts, database) || isNews }
      if claim.wholeChannels.contains(call.channel) {
        isNews = try endDoubt(ofAll: call.number, at: now, database) || isNews
      }
      return .counted(isNews: isNews)
    }
    // One that no outcome is known of yet has no rows.
    return try early(claim, newerThan: nil, database) ?? (isKnown ? .noRecipient : .noCall)
  }

  /// - Returns: whether it was news.
  private func apply(
    _ news: ReceiptNews?, to row: Row, at now: Date, _ counts: inout [Count: (count: Int, seconds: Double)],
    _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Bool {
    let rule = ReceiptRule.judge(row.known, news?.state)
    guard rule.state != nil || rule.endsDoubt else { return false }
    let time = now.timeIntervalSince1970
    if rule.endsDoubt {
      let sql = "UPDATE awaited SET doubt = 2, noted = ?, tell = ? WHERE call = ? AND recipient = ? AND place = ?"
      try database.statement(sql).fresh.bind(time).bind(time).bind(row.key.call).bind(row.key.recipient)
        .bind(row.key.place).run()
    }
    guard let state = rule.state else { return true }
    let sql = """
      UPDATE awaited SET state = ?, at = ?, noted = ?, code = ?, reason = ?, tell = ?
      WHERE call = ? AND recipient = ? AND place = ?
      """
    try database.statement(sql).fresh.bind(state.rawValue).bind(news?.at?.timeIntervalSince1970).bind(time)
      .bind(news?.code).bind(news?.reason).bind(time).bind(row.key.call).bind(row.key.recipient).bind(row.key.place)
      .run()
    if row.known.state == nil {
      try database.statement("UPDATE receipt_calls SET open = open - 1 WHERE number = ?").fresh.bind(row.key.call).run()
    }
    // Clocks differ: nobody gets it before it was sent.
    let seconds = max(0, (news?.at?.timeIntervalSince1970 ?? time) - row.accepted)
    let isDelivered = state.counted == .delivered
    let count = Count(
      channel: row.channel, state: state.counted, index: isDelivered ? ReceiptSeconds.index(seconds) : -1)
    counts[count, default: (0, 0)].count += 1
    if isDelivered { counts[count, default: (0, 0)].seconds += seconds }
    return true
  }

  private func add(
    _ counts: [Count: (count: Int, seconds: Double)], _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    let sql = """
      INSERT INTO receipt_totals VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count, seconds = seconds + excluded.seconds
      """
    for (key, value) in counts {
      try database.statement(sql).fresh.bind(key.channel).bind(key.state.rawValue).bind(key.index).bind(value.count)
        .bind(value.seconds).run()
    }
  }

  private func endDoubt(ofAll call: Int, at now: Date, _ database: SQLiteDatabase) throws(LedgerFault) -> Bool {
    let time = now.timeIntervalSince1970
    let sql = "UPDATE awaited SET doubt = 2, noted = ?, tell = ? WHERE call = ? AND doubt = 1"
    try database.statement(sql).fresh.bind(time).bind(time).bind(call).run()
    return database.changes > 0
  }

  package func endWaits(limit: Int, at now: Date) throws(LedgerFault) -> Int {
    try changed { (database) throws(LedgerFault) in
      let sql = """
        SELECT a.call, a.recipient, a.place, a.doubt, c.channel, c.accepted
        FROM receipt_calls c JOIN awaited a ON a.call = c.number
        WHERE c.open > 0 AND c.until <= ? AND a.state IS NULL ORDER BY c.until LIMIT ?
        """
      let rows = try database.statement(sql).fresh.bind(now.timeIntervalSince1970).bind(limit)
      var found: [Row] = []
      while try rows.step() {
        found.append(
          Row(
            key: .init(call: rows.integer(0), recipient: rows.integer(1), place: rows.integer(2)),
            known: KnownReceipt(state: nil, isInDoubt: rows.integer(3) == 1), channel: rows.text(4) ?? "",
            accepted: rows.double(5)))
      }
      _ = rows.fresh
      var counts: [Count: (count: Int, seconds: Double)] = [:]
      for row in found {
        // What was never known to be accepted was never awaited either: it stays in doubt, and nothing more is expected.
        if row.known.isInDoubt {
          try close(row, database)
        } else {
          _ = try apply(ReceiptNews(.noReceipt, at: now), to: row, at: now, &counts, database)
        }
      }
      try add(counts, database)
      return found.count
    }
  }

  private func close(_ row: Row, _ database: SQLiteDatabase) throws(LedgerFault) {
    let sql = "DELETE FROM awaited WHERE call = ? AND recipient = ? AND place = ?"
    try database.statement(sql).fresh.bind(row.key.call).bind(row.key.recipient).bind(row.key.place).run()
    try database.statement("UPDATE receipt_calls SET open = open - 1 WHERE number = ?").fresh.bind(row.key.call).run()
  }
}
