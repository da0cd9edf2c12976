import Core
import FoundationEssentials
import Glibc
import Ledger
import Synchronization

/// The ledger in SQLite, in WAL mode with full flushes. All SQL of the product is here.
package final class SQLiteLedger: Ledger {
  package let generation: String
  package let createdAt: Date
  private let path: String
  private let database: Mutex<SQLiteDatabase>
  /// What it was before it was opened, where that changed it.
  let was: LedgerFault.Age?
  /// It is only looked at: what a reader beside a writer finds odd is no proof of damage.
  private let isReading: Bool

  private static let schema = """
    CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS calls (
      id TEXT PRIMARY KEY, sweep TEXT NOT NULL, channel TEXT NOT NULL, provider TEXT NOT NULL, started REAL NOT NULL,
      members TEXT NOT NULL, finished REAL, outcomes TEXT);
    CREATE INDEX IF NOT EXISTS calls_by_sweep ON calls (sweep);
    CREATE TABLE IF NOT EXISTS ids (
      channel TEXT NOT NULL, id TEXT NOT NULL, inode INTEGER NOT NULL, claimed REAL NOT NULL,
      done INTEGER NOT NULL, PRIMARY KEY (channel, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS recipient_days (key INTEGER PRIMARY KEY, day INTEGER NOT NULL, count INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS channel_days (
      channel TEXT NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (channel, day)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS paces (channel TEXT PRIMARY KEY, next REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS suspensions (
      channel TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
      until REAL, suspected TEXT, culprits TEXT) WITHOUT ROWID;
    \(seenTable)
    \(spendingTables)
    \(failureTables)
    \(meterTable)
    \(receiptTables)
    """

  private static let seenTable =
    "CREATE TABLE IF NOT EXISTS seen (file INTEGER PRIMARY KEY, since REAL NOT NULL, noted REAL NOT NULL);"

  /// The format of the tables. A newer one is refused rather than guessed at.
  static let version = 7

  /// SQL that takes a ledger of that version to the next. A change to the tables raises `version` and adds its line here.
  private static let migrations = [
    // What a channel is suspected for, and when messages were first seen that went back to new/.
    1: """
    CREATE TABLE suspensions_2 (
      channel TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
      until REAL, suspected TEXT, culprits TEXT) WITHOUT ROWID;
    INSERT INTO suspensions_2 (channel, kind, reason, since, until)
      SELECT channel, kind, reason, since, until FROM suspensions;
    DROP TABLE suspensions;
    ALTER TABLE suspensions_2 RENAME TO suspensions;
    \(seenTable)
    """,
    // What channels cost.
    2: spendingTables,
    // What the operator is still to be told of.
    3: failureTables,
    // What is counted for monitoring.
    4: meterTable,
    // What is awaited of accepted calls.
    5: receiptTables,
    // Under which names files lie of which a receipt is awaited.
    6: receiptNameTable,
  ]

  /// Opens the ledger, and makes it where there is none.
  package init(_ path: String, now: Date, generation fresh: String) throws(LedgerFault) {
    let database = try SQLiteDatabase(path, .create)
    // WAL: readers (status) never wait for a sweep. FULL: a commit that returned is on the disk.
    try SQLiteLedger.beginLog(database)
    try database.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384")
    let known = try? SQLiteLedger.about(database)
    let about: (generation: String, created: Double)
    var was: LedgerFault.Age?
    if let known {
      about = (known.generation, known.created)
      if known.version < SQLiteLedger.version { was = .older }
      try SQLiteLedger.migrate(database, to: SQLiteLedger.version, by: SQLiteLedger.migrations)
    } else {
      was = .unmade
      about = try database.transaction { () throws(LedgerFault) in
        try database.execute(SQLiteLedger.schema)
        let insert = "INSERT OR IGNORE INTO about VALUES (?, ?)"
        try database.statement(insert).fresh.bind("version").bind(String(SQLiteLedger.version)).run()
        try database.statement(insert).fresh.bind("generation").bind(fresh).run()
        try database.statement(insert).fresh.bind("created").bind(String(now.timeIntervalSince1970)).run()
        let made = try SQLiteLedger.about(database)
        return (made.generation, made.created)
      }
    }
    try SQLiteLedger.verify(database)
    self.was = was
    isReading = false
    self.path = path
    generation = about.generation
    createdAt = Date(timeIntervalSince1970: about.created)
    self.database = Mutex(database)
  }

  static func hasSeen(_ database: SQLiteDatabase) throws(LedgerFault) -> Bool {
    try database.statement("SELECT 1 FROM sqlite_schema WHERE name = 'seen'").fresh.first { _ in true } ?? false
  }

  /// The change to WAL needs the file alone for a moment, and SQLite gives up at once, without its busy timeout, where
  /// several make the change together: sweeps that begin on a new spool.
  private static func beginLog(_ database: SQLiteDatabase) throws(LedgerFault) {
    var tries = 0
    while true {
      do throws(LedgerFault) {
        return try database.execute("PRAGMA journal_mode = WAL")
      } catch {
        tries += 1
        guard error.kind == .busy, tries < 1500 else { throw error }
        usleep(20_000)
      }
    }
  }

  /// Opens a ledger that is there, to look at and not to change.
  init(reading path: String, _ access: SQLiteDatabase.Access) throws(LedgerFault) {
    let database = try SQLiteDatabase(path, access)
    guard try !SQLiteLedger.isEmpty(database) else {
      var fault = LedgerFault(.other, "the ledger is empty, as one whose making was cut short; the next sweep makes it")
      fault.age = .unmade
      throw fault
    }
    let about = try SQLiteLedger.about(database)
    guard about.version == SQLiteLedger.version else { throw SQLiteLedger.fault(of: about.version) }
    try SQLiteLedger.verify(database)
    // One view of it for as long as it is open, whatever a sweep writes meanwhile.
    if access == .readInPassing { try database.execute("BEGIN; SELECT 1 FROM about") }
    was = nil
    isReading = true
    self.path = path
    generation = about.generation
    createdAt = Date(timeIntervalSince1970: about.created)
    self.database = Mutex(database)
  }

  /// Brings the tables up to date, all the steps or none.
  static func migrate(
    _ database: SQLiteDatabase, to target: Int, by migrations: [Int: String]
  ) throws(LedgerFault) {
    let version = try about(database).version
    if version == target { return }
    guard version < target else { throw fault(of: version) }
    try database.transaction { () throws(LedgerFault) in
      // Another sweep may have done it meanwhile.
      var version = try about(database).version
      while version < target {
        guard let step = migrations[version] else { throw fault(of: version) }
        try database.execute(step)
        version += 1
        try database.statement("UPDATE about SET value = ? WHERE key = 'version'").fresh.bind(String(version)).run()
      }
    }
  }

  private static func fault(of version: Int) -> LedgerFault {
    guard version > 0 else {
      return LedgerFault(.damaged, "the ledger says it is of version \(version), and there is none")
    }
    var fault = LedgerFault(
      .other,
      version > SQLiteLedger.version
        ? "the ledger was written by a newer msgspool: it is of version \(version), and this one knows \(SQLiteLedger.version)"
        : "the ledger is an older msgspool's: it is of version \(version), and the next sweep brings it to \(SQLiteLedger.version)"
    )
    fault.age = version > SQLiteLedger.version ? .newer : .older
    return fault
  }

  /// Nothing was ever written to it: the file is made before its tables are.
  private static func isEmpty(_ database: SQLiteDatabase) throws(LedgerFault) -> Bool {
    try database.statement("SELECT 1 FROM sqlite_schema LIMIT 1").fresh.first { _ in true } == nil
  }

  /// The columns that are written and read, table by table.
  private static let shape = [
    "calls": "id, sweep, channel, provider, started, members, finished, outcomes",
    "ids": "channel, id, inode, claimed, done", "recipient_days": "key, day, count",
    "channel_days": "channel, day, count", "paces": "channel, next",
    "suspensions": "channel, kind, reason, since, until, suspected, culprits", "seen": "file, since, noted",
  ]

  /// A ledger that lacks a table can't answer for what was in it: to make an empty one in its place would say that
  /// nothing was sent.
  private static func verify(_ database: SQLiteDatabase) throws(LedgerFault) {
    for (table, columns) in shape {
      do throws(LedgerFault) {
        _ = try database.statement("SELECT \(columns) FROM \(table)")
      } catch {
        guard error.kind == .other else { throw error }
        throw LedgerFault(.damaged, "the ledger's table \(table) is missing or another: \(error.message)")
      }
    }
  }

  private static func about(
    _ database: SQLiteDatabase
  ) throws(LedgerFault) -> (version: Int, generation: String, created: Double) {
    var values: [String: String] = [:]
    let rows = try database.statement("SELECT key, value FROM about").fresh
    while try rows.step() {
      if let key = rows.text(0) { values[key] = rows.text(1) }
    }
    _ = rows.fresh
    guard let version = values["version"].flatMap(Int.init), let generation = values["generation"],
      let created = values["created"].flatMap(Double.init)
    else { throw LedgerFault(.damaged, "the ledger has no description of itself") }
    return (version, generation, created)
  }

  /// Runs `body` under the lock; `Mutex` rethrows untyped, hence the detour.
  func locked<Value: Sendable>(
    _ body: (SQLiteDatabase) throws(LedgerFault) -> Value
  ) throws(LedgerFault) -> Value {
    try database.withLock { database -> Result<Value, LedgerFault> in
      do throws(LedgerFault) {
        return .success(try body(database))
      } catch {
        if error.kind == .damaged, !isReading { SQLiteLedger.noteDamage(path, generation) }
        return .failure(error)
      }
    }.get()
  }

  // MARK: - Group commit

  package func commit(_ group: GroupCommit) throws(LedgerFault) -> [Admission] {
    try locked { (database) throws(LedgerFault) in
      let admissions = try database.transaction { () throws(LedgerFault) in
        // A write of its own: a commit that changes nothing overwrites nothing.
        if database.isLogDoubtful { try database.execute(SQLiteLedger.noteFailure) }
        for call in group.finished { try finish(call, at: group.now, database) }
        for id in group.settledIds { try settle(id, database) }
        try note(group, database)
        try note(group.failures, database)
        try SQLiteLedger.keep(group.renamed, database)
        try add(group.meters, database)
        for suspension in group.suspended { try suspend(suspension, database) }
        for channel in group.resumed {
          try database.statement("DELETE FROM suspensions WHERE channel = ?").fresh.bind(channel).run()
        }
        var admissions: [Admission] = []
        for call in group.proposed { admissions.append(try admit(call, at: group.now, database)) }
        return admissions
      }
      database.isLogDoubtful = false
      return admissions
    }
  }

  private static let noteFailure = "INSERT OR REPLACE INTO about VALUES ('last_failure', julianday('now'))"

  private func admit(_ call: ProposedCall, at now: Date, _ database: SQLiteDatabase) throws(LedgerFault) -> Admission {
    if let allowance = call.allowance, try !SQLiteLedger.isLeft(of: allowance, call.channel, at: now, database) {
      return .unallowed
    }
    if call.rate > 0, let until = try paced(call, now.timeIntervalSince1970, database) {
      return .wait(until: Date(timeIntervalSince1970: until))
    }
    let refused = try usedUp(call, database)
    let beyond = try beyondBudget(call, without: refused, database)
    if let beyond { try uncount(beyond.places, of: call, database) }
    let admission = beyond.map { Admission.startWithin(budget: $0.span, without: refused, beyond: $0.places) }
    let left = refused + (beyond?.places ?? [])
    guard left.count < call.places else { return admission ?? .start(without: refused) }
    let members = call.members(without: left)
    try charge(call, without: left, database)
    // A call that is repeated under its idempotency key takes its row again.
    let sql = """
      INSERT OR REPLACE INTO calls (id, sweep, channel, provider, started, members) VALUES (?, ?, ?, ?, ?, ?)
      """
    try database.statement(sql).fresh.bind(call.id).bind(call.sweep).bind(call.channel).bind(call.provider)
      .bind(now.timeIntervalSince1970).bind(LedgerCoding.text(members)).run()
    try SQLiteLedger.expect(call, at: now, database)
    if call.isPrepared { try SQLiteLedger.prepare(call, members.count, at: now, database) }
    if call.allowance != nil { try SQLiteLedger.take(fromAllowanceOf: call.channel, database) }
    let number = call.isNumbered ? try SQLiteLedger.number(at: now, database) : 0
    if case .startWithin(let span, let without, let beyond, _)? = admission {
      return .startWithin(budget: span, without: without, beyond: beyond, number: number)
    }
    return .start(without: refused, number: number)
  }

  /// Takes the channel's next slot, or tells when there is one.
  func paced(_ call: ProposedCall, _ now: Double, _ database: SQLiteDatabase) throws(LedgerFault) -> Double? {
    let stored = try database.statement("SELECT next FROM paces WHERE channel = ?").fresh.bind(call.channel)
      .first { $0.double(0) }
    switch Pace.slot(stored, now: now, rate: call.rate, stretch: call.stretch, longest: call.longestStretch) {
    case .wait(let until): return until
    case .start(let next):
      try database.statement("INSERT OR REPLACE INTO paces VALUES (?, ?)").fresh.bind(call.channel).bind(next).run()
      return nil
    }
  }

  /// Counts the places, and names by index those whose day is used up.
  private func usedUp(_ call: ProposedCall, _ database: SQLiteDatabase) throws(LedgerFault) -> [Int] {
    var refused: [Int] = []
    if call.dailyPerRecipient > 0 {
      let sql = """
        INSERT INTO recipient_days VALUES (?, ?, 1)
        ON CONFLICT (key) DO UPDATE SET count = count + 1 WHERE count < ?
        """
      let count = try database.statement(sql)
      for (index, identity) in call.identities.enumerated() {
        try count.fresh.bind(LedgerCoding.key(call.channel, call.day, identity)).bind(call.day)
          .bind(call.dailyPerRecipient).run()
        if database.changes == 0 { refused.append(index) }
      }
    }
    guard call.daily > 0 else { return refused }
    let wanted = call.places - refused.count
    let used = try counted(call.channel, call.day, database)
    let granted = DayCount.granted(wanted, used: used, limit: call.daily)
    if granted > 0 { try count(call.channel, call.day, granted, database) }
    guard granted < wanted else { return refused }
    let late = (0..<call.places).filter { !refused.contains($0) }.dropFirst(granted)
    if call.dailyPerRecipient > 0 {
      try discount(call.channel, call.day, late.map { call.identities[$0] }, database)
    }
    return (refused + late).sorted()
  }

  private func counted(_ channel: String, _ day: Int, _ database: SQLiteDatabase) throws(LedgerFault) -> Int {
    try database.statement("SELECT count FROM channel_days WHERE channel = ? AND day = ?").fresh
      .bind(channel).bind(day).first { $0.integer(0) } ?? 0
  }

  package func counted(_ channel: String, day: Int) throws(LedgerFault) -> Int {
    try locked { (database) throws(LedgerFault) in try counted(channel, day, database) }
  }

  private func count(_ channel: String, _ day: Int, _ number: Int, _ database: SQLiteDatabase) throws(LedgerFault) {
    let sql = "INSERT INTO channel_days VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
    try database.statement(sql).fresh.bind(channel).bind(day).bind(number).run()
  }

  private func discount(
    _ channel: String, _ day: Int, _ identities: [String], _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    let statement = try database.statement("UPDATE recipient_days SET count = count - 1 WHERE key = ? AND count > 0")
    for identity in identities { try statement.fresh.bind(LedgerCoding.key(channel, day, identity)).run() }
  }

  /// Places that were counted, and are left out all the same.
  private func uncount(_ places: [Int], of call: ProposedCall, _ database: SQLiteDatabase) throws(LedgerFault) {
    if call.daily > 0 { try count(call.channel, call.day, -places.count, database) }
    if call.dailyPerRecipient > 0 {
      try discount(call.channel, call.day, places.map { call.identities[$0] }, database)
    }
  }

  private func finish(_ call: FinishedCall, at now: Date, _ database: SQLiteDatabase) throws(LedgerFault) {
    try database.statement("UPDATE calls SET finished = ?, outcomes = ? WHERE id = ?").fresh
      .bind(now.timeIntervalSince1970).bind(LedgerCoding.text(call.outcomes)).bind(call.id).run()
    if call.refund > 0 { try uncharge(call.id, call.refund, database) }
    if let news = call.allowance { try SQLiteLedger.settle(news, database) }
    if let awaited = call.awaited { try SQLiteLedger.keep(awaited, database) }
    guard let uncounted = call.uncounted else { return }
    if uncounted.recipients > 0 {
      let sql = "UPDATE channel_days SET count = max(0, count - ?) WHERE channel = ? AND day = ?"
      try database.statement(sql).fresh.bind(uncounted.recipients).bind(uncounted.channel).bind(uncounted.day).run()
    }
    try discount(uncounted.channel, uncounted.day, uncounted.identities, database)
  }

  // MARK: - Calls

  static let columns = "SELECT id, channel, provider, started, members, outcomes FROM calls"

  package func calls(ofSweep sweep: String, _ visit: (CallRecord) -> Void) throws(LedgerFault) {
    try locked { (database) throws(LedgerFault) in
      let rows = try database.statement("\(SQLiteLedger.columns) WHERE sweep = ? ORDER BY rowid").fresh.bind(sweep)
      while try rows.step() { visit(SQLiteLedger.record(rows)) }
      _ = rows.fresh
    }
  }

  package func call(_ id: String) throws(LedgerFault) -> CallRecord? {
    try locked { (database) throws(LedgerFault) in
      try database.statement("\(SQLiteLedger.columns) WHERE id = ?").fresh.bind(id).first(SQLiteLedger.record)
    }
  }

  package func knows(providerId: String, channel: String, since: Date) throws(LedgerFault) -> Bool {
    // A scan, but only over the calls since the lost one, and only when an answer was lost.
    let sql = "SELECT 1 FROM calls WHERE channel = ? AND started >= ? AND instr(outcomes, ?) > 0 LIMIT 1"
    return try locked { (database) throws(LedgerFault) in
      try database.statement(sql).fresh.bind(channel).bind(since.timeIntervalSince1970)
        .bind(JSON.string(providerId).text).first { _ in true } ?? false
    }
  }

  static func record(_ row: SQLiteDatabase.Statement) -> CallRecord {
    let members = LedgerCoding.members(row.text(4) ?? "[]")
    return CallRecord(
      id: row.text(0) ?? "", channel: row.text(1) ?? "", provider: row.text(2) ?? "",
      startedAt: Date(timeIntervalSince1970: row.double(3)), members: members,
      outcomes: row.text(5).map { LedgerCoding.outcomes($0, count: members.count) })
  }

  package func prune(before date: Date) throws(LedgerFault) -> Int {
    try prune(LedgerHorizon(calls: date, ids: date), isDry: false)
  }
}
