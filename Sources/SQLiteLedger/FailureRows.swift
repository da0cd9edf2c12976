import Core
import FoundationEssentials
import Ledger

/// Failures that nobody was told of yet. What each crash leaves, and what is done about it:
///
/// | crash | in the ledger | then |
/// | --- | --- | --- |
/// | before the commit that ends a message | nothing | the rescue ends it, and notes it |
/// | after it | the note | the next sweep tells |
/// | after `takeFailures` | notes with the summary's name, and when it was taken | taken over after a minute |
/// | after the drop | the same | dropped again under the same id: settled as a duplicate, nothing is sent |
/// | after `told` | nothing | nothing to do |
extension SQLiteLedger: FailureBook {
  /// `summary` is empty for what nobody has taken.
  static let failureTables = """
    CREATE TABLE IF NOT EXISTS failures (
      summary TEXT NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, code TEXT NOT NULL,
      count INTEGER NOT NULL, reason TEXT NOT NULL, name TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
      PRIMARY KEY (summary, channel, state, kind, code)) WITHOUT ROWID;
    """

  /// Causes that are told apart; a far end may invent a new code for every answer.
  private static let mostCauses = 200
  /// Seconds until a summary is somebody else's to tell.
  private static let patience = 60.0

  func note(_ failures: [FailureNote], _ database: SQLiteDatabase) throws(LedgerFault) {
    if failures.isEmpty { return }
    let known =
      try database.statement("SELECT count(*) FROM failures WHERE summary = ''").fresh
      .first { $0.integer(0) } ?? 0
    let sql = """
      INSERT INTO failures VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      count = count + excluded.count, reason = excluded.reason, name = excluded.name, last = excluded.last
      """
    let isFull = known + failures.count > SQLiteLedger.mostCauses
    for note in failures {
      try database.statement(sql).fresh.bind(note.channel).bind(note.state).bind(note.kind)
        .bind(isFull ? "" : note.code).bind(note.count).bind(note.reason).bind(note.name)
        .bind(note.first.timeIntervalSince1970).bind(note.last.timeIntervalSince1970).run()
    }
  }

  package func takeFailures(at now: Date, every: Double) throws(LedgerFault) -> FailureSummary? {
    try locked { (database) throws(LedgerFault) in
      // A look first: a watch asks every minute, and mostly there is nothing.
      guard try database.statement("SELECT 1 FROM failures LIMIT 1").fresh.first({ _ in true }) != nil else {
        return nil
      }
      return try database.transaction { () throws(LedgerFault) in
        let taken = try SQLiteLedger.time("failures_taken", database)
        if let id = try SQLiteLedger.pending(database) {
          guard !SQLiteLedger.isWithin(SQLiteLedger.patience, of: taken, now) else { return nil }
          try SQLiteLedger.setTime("failures_taken", now, database)
          return FailureSummary(id: id, notes: try SQLiteLedger.notes(of: id, database))
        }
        let last = try SQLiteLedger.time("failures_told", database)
        guard !SQLiteLedger.isWithin(every, of: last, now) else { return nil }
        let id = "\(generation)-\(Int(now.timeIntervalSince1970))"
        try database.statement("UPDATE failures SET summary = ? WHERE summary = ''").fresh.bind(id).run()
        try SQLiteLedger.setTime("failures_taken", now, database)
        try SQLiteLedger.setTime("failures_told", now, database)
        return FailureSummary(id: id, notes: try SQLiteLedger.notes(of: id, database))
      }
    }
  }

  package func told(_ summary: FailureSummary) throws(LedgerFault) {
    try locked { (database) throws(LedgerFault) in
      try database.transaction { () throws(LedgerFault) in
        try database.statement("DELETE FROM failures WHERE summary = ?").fresh.bind(summary.id).run()
      }
    }
  }

  /// A time that lies ahead is from before the clock was turned back, and keeps nobody waiting.
  private static func isWithin(_ seconds: Double, of time: Double?, _ now: Date) -> Bool {
    guard let time else { return false }
    return time <= now.timeIntervalSince1970 + 1 && now.timeIntervalSince1970 < time + seconds
  }

  private static func pending(_ database: SQLiteDatabase) throws(LedgerFault) -> String? {
    try database.statement("SELECT summary FROM failures WHERE summary <> '' LIMIT 1").fresh
      .first { $0.text(0) ?? "" }
  }

  private static func time(_ key: String, _ database: SQLiteDatabase) throws(LedgerFault) -> Double? {
    try database.statement("SELECT value FROM about WHERE key = ?").fresh.bind(key).first { $0.text(0) ?? "" }
      .flatMap(Double.init)
  }

  private static func setTime(_ key: String, _ now: Date, _ database: SQLiteDatabase) throws(LedgerFault) {
    try database.statement("INSERT OR REPLACE INTO about VALUES (?, ?)").fresh.bind(key)
      .bind(String(now.timeIntervalSince1970)).run()
  }

  private static func notes(of id: String, _ database: SQLiteDatabase) throws(LedgerFault) -> [FailureNote] {
    var notes: [FailureNote] = []
    let columns = "channel, state, kind, code, count, reason, name, first, last"
    let rows = try database.statement("SELECT \(columns) FROM failures WHERE summary = ? ORDER BY count DESC, channel")
      .fresh.bind(id)
    while try rows.step() {
      notes.append(
        FailureNote(
          channel: rows.text(0) ?? "", state: rows.text(1) ?? "", kind: rows.text(2) ?? "", code: rows.text(3) ?? "",
          reason: rows.text(5) ?? "", name: rows.text(6) ?? "", count: rows.integer(4),
          first: Date(timeIntervalSince1970: rows.double(7)), last: Date(timeIntervalSince1970: rows.double(8))))
    }
    _ = rows.fresh
    return notes
  }
}
