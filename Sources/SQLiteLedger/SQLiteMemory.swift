import Core
import FoundationEssentials
import Ledger

/// What is remembered of messages and channels between calls: whose an id is, when a message was first seen, and which
/// channels are suspended.
extension SQLiteLedger {
  // MARK: Ids

  package func claim(_ ids: [IdentifierClaim], newerThan: Date) throws(LedgerFault) -> [Bool] {
    try locked { (database) throws(LedgerFault) in
      try database.transaction { () throws(LedgerFault) in
        var duplicates: [Bool] = []
        for id in ids {
          try bound(id, database)
          let rule = IdentifierRule.judge(id, try known(id, newerThan, database))
          if rule == .new { try register(id, database) }
          duplicates.append(rule == .duplicate)
        }
        return duplicates
      }
    }
  }

  /// An id that was claimed at a time that is yet to come, before the clock was turned back, is remembered from now on:
  /// no longer than its window, and not for as long as the clock was ahead.
  private func bound(_ claim: IdentifierClaim, _ database: SQLiteDatabase) throws(LedgerFault) {
    let now = claim.now.timeIntervalSince1970
    try database.statement("UPDATE ids SET claimed = ? WHERE channel = ? AND id = ? AND claimed > ?").fresh
      .bind(now).bind(claim.channel).bind(claim.id).bind(now + 1).run()
  }

  /// The ledger belongs to one spool, so the owner's file tells it.
  private func known(
    _ claim: IdentifierClaim, _ newerThan: Date, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> KnownIdentifier? {
    try database.statement("SELECT inode, done FROM ids WHERE channel = ? AND id = ? AND claimed >= ?").fresh
      .bind(claim.channel).bind(claim.id).bind(newerThan.timeIntervalSince1970)
      .first {
        let file = UInt64(truncatingIfNeeded: $0.integer(0))
        return KnownIdentifier(owner: Owner(spool: claim.owner.spool, file: file), isDone: $0.integer(1) != 0)
      }
  }

  private func register(_ claim: IdentifierClaim, _ database: SQLiteDatabase) throws(LedgerFault) {
    try database.statement("INSERT OR REPLACE INTO ids VALUES (?, ?, ?, ?, 0)").fresh
      .bind(claim.channel).bind(claim.id).bind(Int(truncatingIfNeeded: claim.owner.file))
      .bind(claim.now.timeIntervalSince1970).run()
  }

  package func isDuplicate(_ id: IdentifierClaim, newerThan: Date) throws(LedgerFault) -> Bool {
    try locked { (database) throws(LedgerFault) in
      IdentifierRule.judge(id, try known(id, newerThan, database)) == .duplicate
    }
  }

  func settle(_ id: SettledIdentifier, _ database: SQLiteDatabase) throws(LedgerFault) {
    let sql =
      id.isFree
      ? "DELETE FROM ids WHERE channel = ? AND id = ? AND inode = ?"
      : "UPDATE ids SET done = 1 WHERE channel = ? AND id = ? AND inode = ?"
    try database.statement(sql).fresh.bind(id.channel).bind(id.id).bind(Int(truncatingIfNeeded: id.owner.file)).run()
  }

  // MARK: First sights

  package func seen(_ files: [UInt64]) throws(LedgerFault) -> [UInt64: Date] {
    try locked { (database) throws(LedgerFault) in
      // A ledger that is only looked at may be an older one.
      guard try SQLiteLedger.hasSeen(database),
        try database.statement("SELECT 1 FROM seen LIMIT 1").fresh.first({ _ in true }) != nil
      else { return [:] }
      let statement = try database.statement("SELECT since FROM seen WHERE file = ?")
      var seen: [UInt64: Date] = [:]
      for file in files {
        seen[file] = try statement.fresh.bind(Int(truncatingIfNeeded: file)).first {
          Date(timeIntervalSince1970: $0.double(0))
        }
      }
      return seen
    }
  }

  func note(_ group: GroupCommit, _ database: SQLiteDatabase) throws(LedgerFault) {
    // A backlog behind a suspended channel goes back with every sweep: once a day is enough to tell that it is still there.
    let sql = """
      INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT (file) DO UPDATE SET since = excluded.since, noted = excluded.noted
      WHERE since <> excluded.since OR noted < excluded.noted - 86400
      """
    for item in group.returned {
      try database.statement(sql).fresh.bind(Int(truncatingIfNeeded: item.file))
        .bind(item.since.timeIntervalSince1970).bind(group.now.timeIntervalSince1970).run()
    }
    for file in group.forgotten {
      try database.statement("DELETE FROM seen WHERE file = ?").fresh.bind(Int(truncatingIfNeeded: file)).run()
    }
  }

  // MARK: Suspensions

  func suspend(_ suspension: Suspension, _ database: SQLiteDatabase) throws(LedgerFault) {
    try database.statement("INSERT OR REPLACE INTO suspensions VALUES (?, ?, ?, ?, ?, ?, ?)").fresh
      .bind(suspension.channel).bind(suspension.kind.rawValue).bind(suspension.reason)
      .bind(suspension.since.timeIntervalSince1970).bind(suspension.until?.timeIntervalSince1970)
      .bind(suspension.suspectedFor).bind(JSON.strings(suspension.culprits).text).run()
  }

  package func suspensions() throws(LedgerFault) -> [Suspension] {
    try locked { (database) throws(LedgerFault) in
      var suspensions: [Suspension] = []
      let columns = "channel, kind, reason, since, until, suspected, culprits"
      let rows = try database.statement("SELECT \(columns) FROM suspensions ORDER BY channel").fresh
      while try rows.step() {
        suspensions.append(
          Suspension(
            channel: rows.text(0) ?? "", kind: rows.text(1).flatMap(ErrorKind.init(rawValue:)) ?? .provider,
            reason: rows.text(2) ?? "", since: Date(timeIntervalSince1970: rows.double(3)),
            until: rows.isNull(4) ? nil : Date(timeIntervalSince1970: rows.double(4)), suspectedFor: rows.text(5),
            culprits: LedgerCoding.strings(rows.text(6) ?? "[]")))
      }
      _ = rows.fresh
      return suspensions
    }
  }
}
