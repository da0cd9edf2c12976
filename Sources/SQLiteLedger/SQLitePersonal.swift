import Core
import FoundationEssentials
import Ledger

/// The tables of channels with a login. They are made when such a channel first writes: a spool without one never has
/// them, and an older msgspool does not mind them.
extension SQLiteLedger: PersonalLedger {
  private static let tables = """
    CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS allowances (channel TEXT PRIMARY KEY, word REAL NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS learned (
      channel TEXT NOT NULL, login REAL NOT NULL, state TEXT NOT NULL, PRIMARY KEY (channel, login)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS received (
      channel TEXT NOT NULL, id TEXT NOT NULL, seen REAL NOT NULL, at REAL NOT NULL, sender TEXT NOT NULL,
      text TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, token TEXT, login REAL NOT NULL, mark TEXT,
      PRIMARY KEY (channel, id)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS received_by_sender ON received (channel, sender, at);
    CREATE INDEX IF NOT EXISTS received_by_mark ON received (channel, mark) WHERE mark IS NOT NULL;
    CREATE TABLE IF NOT EXISTS replies (
      number INTEGER PRIMARY KEY, channel TEXT NOT NULL, id TEXT NOT NULL, user TEXT NOT NULL, at REAL NOT NULL,
      state TEXT NOT NULL, text TEXT, work TEXT NOT NULL, UNIQUE (channel, id));
    CREATE INDEX IF NOT EXISTS replies_by_user ON replies (channel, user, at);
    CREATE INDEX IF NOT EXISTS open_replies ON replies (channel) WHERE state IN ('pending', 'begun', 'given');
    """

  private static func hasTables(_ database: SQLiteDatabase) throws(LedgerFault) -> Bool {
    try database.statement("SELECT 1 FROM sqlite_schema WHERE name = 'open_replies'").fresh.first { _ in true } ?? false
  }

  private static func makeTables(_ database: SQLiteDatabase) throws(LedgerFault) {
    if try !hasTables(database) { try database.execute(tables) }
  }

  /// What `body` finds, or `nothing` where there are no tables yet.
  private func looking<Value: Sendable>(
    _ nothing: Value, _ body: (SQLiteDatabase) throws(LedgerFault) -> Value
  ) throws(LedgerFault) -> Value {
    try locked { (database) throws(LedgerFault) in
      guard try SQLiteLedger.hasTables(database) else { return nothing }
      return try body(database)
    }
  }

  private func changing(_ body: (SQLiteDatabase) throws(LedgerFault) -> Void) throws(LedgerFault) {
    try locked { (database) throws(LedgerFault) in
      try SQLiteLedger.makeTables(database)
      try database.transaction { () throws(LedgerFault) in try body(database) }
    }
  }

  // MARK: What was learned

  package func learned(_ channel: String, login: Date) throws(LedgerFault) -> JSON {
    try looking(.null) { (database) throws(LedgerFault) in
      let text = try database.statement("SELECT state FROM learned WHERE channel = ? AND login = ?").fresh.bind(channel)
        .bind(SQLiteLedger.exact(login)).first { $0.text(0) }
      return text.flatMap { $0 }.flatMap { try? JSONScanner.value(of: Array($0.utf8)) } ?? .null
    }
  }

  /// Logins are told apart by the millisecond.
  private static func exact(_ login: Date) -> Double { (login.timeIntervalSince1970 * 1000).rounded() }

  private static func learn(
    _ channel: String, _ login: Date, _ state: JSON, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    try database.statement("INSERT OR REPLACE INTO learned VALUES (?, ?, ?)").fresh.bind(channel)
      .bind(exact(login)).bind(state.text).run()
  }

  package func prepareLogin(_ channel: String, login: Date, learned: JSON) throws(LedgerFault) {
    try changing { (database) throws(LedgerFault) in try SQLiteLedger.learn(channel, login, learned, database) }
  }

  package func beginLogin(_ channel: String, _ login: Date?) throws(LedgerFault) {
    // Nothing to forget, and nothing to make for it.
    if try looking(true, { (_) throws(LedgerFault) in false }) { return }
    try changing { (database) throws(LedgerFault) in
      try database.statement("DELETE FROM learned WHERE channel = ? AND login <> ?").fresh.bind(channel)
        .bind(login.map(SQLiteLedger.exact) ?? -1).run()
      try database.statement("DELETE FROM allowances WHERE channel = ?").fresh.bind(channel).run()
    }
  }

  // MARK: Receiving

  package func received(
    _ ids: [String], _ channel: String, newerThan: Date
  ) throws(LedgerFault) -> Set<Verbatim> {
    try looking([]) { (database) throws(LedgerFault) in
      let statement = try database.statement("SELECT 1 FROM received WHERE channel = ? AND id = ? AND seen >= ?")
      var known: Set<Verbatim> = []
      for id in ids {
        let isKnown = try statement.fresh.bind(channel).bind(id).bind(newerThan.timeIntervalSince1970).first { _ in true
        }
        if isKnown == true { known.insert(Verbatim(id)) }
      }
      return known
    }
  }

  package func receive(_ batch: ReceivedBatch) throws(LedgerFault) {
    try changing { (database) throws(LedgerFault) in
      let now = batch.now.timeIntervalSince1970
      for message in batch.messages {
        try database.statement("INSERT OR REPLACE INTO received VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").fresh
          .bind(batch.channel).bind(message.id).bind(now).bind(message.at.timeIntervalSince1970)
          .bind(message.sender).bind(message.text).bind(message.correspondent.user)
          .bind(message.correspondent.to).bind(message.correspondent.token)
          .bind(SQLiteLedger.exact(message.correspondent.since)).bind(message.mark).run()
        guard let reply = message.reply else { continue }
        // Ignored where it is answered already: at most once.
        let sql = """
          INSERT OR IGNORE INTO replies (channel, id, user, at, state, work) VALUES (?, ?, ?, ?, 'pending', ?)
          """
        try database.statement(sql).fresh.bind(batch.channel).bind(message.id).bind(reply.user).bind(now)
          .bind(reply.json.text).run()
      }
      try SQLiteLedger.learn(batch.channel, batch.login, batch.learned, database)
      guard let word = batch.word else { return }
      try database.statement("INSERT OR REPLACE INTO allowances VALUES (?, ?, 0)").fresh.bind(batch.channel)
        .bind(word.timeIntervalSince1970).run()
    }
  }

  package func correspondent(_ channel: String, id: String) throws(LedgerFault) -> Correspondent? {
    try looking(nil) { (database) throws(LedgerFault) in
      try database.statement("SELECT user, name, token, login FROM received WHERE channel = ? AND id = ?").fresh
        .bind(channel).bind(id).first { row in
          Correspondent(
            user: row.text(0) ?? "", to: row.text(1) ?? "", token: row.text(2),
            since: Date(timeIntervalSince1970: row.double(3) / 1000))
        }
    }
  }

  package func echoes(_ channel: String, mark: String, since: Date) throws(LedgerFault) -> [String] {
    try looking([]) { (database) throws(LedgerFault) in
      var ids: [String] = []
      let rows = try database.statement(
        "SELECT id FROM received WHERE channel = ? AND mark = ? AND at >= ? ORDER BY at"
      )
      .fresh.bind(channel).bind(mark).bind(since.timeIntervalSince1970)
      while try rows.step() { if let id = rows.text(0) { ids.append(id) } }
      _ = rows.fresh
      return ids
    }
  }

  package func lastOutcomes(_ channel: String, count: Int) throws(LedgerFault) -> [Outcome] {
    try locked { (database) throws(LedgerFault) in
      var outcomes: [Outcome] = []
      let sql = "SELECT outcomes FROM calls WHERE channel = ? AND finished IS NOT NULL ORDER BY finished DESC LIMIT ?"
      let rows = try database.statement(sql).fresh.bind(channel).bind(count)
      while try rows.step() { outcomes += LedgerCoding.outcomes(rows.text(0) ?? "[]", count: 1).prefix(1) }
      _ = rows.fresh
      return outcomes
    }
  }

  package func lastWord(_ channel: String) throws(LedgerFault) -> Date? {
    try looking(nil) { (database) throws(LedgerFault) in
      try database.statement("SELECT word FROM allowances WHERE channel = ?").fresh.bind(channel)
        .first { Date(timeIntervalSince1970: $0.double(0)) }
    }
  }

  // MARK: Answers

  package func talk(_ channel: String, sender: String, user: String) throws(LedgerFault) -> Talk {
    try looking(Talk()) { (database) throws(LedgerFault) in
      var talk = Talk()
      talk.texts = try SQLiteLedger.said(
        database.statement(
          "SELECT text, at FROM received WHERE channel = ? AND sender = ? ORDER BY at DESC LIMIT 64"
        ).fresh.bind(channel).bind(sender))
      talk.answers = try SQLiteLedger.said(
        database.statement(
          """
          SELECT coalesce(text, ''), at FROM replies WHERE channel = ? AND user = ? AND state <> 'none'
          ORDER BY at DESC, number DESC LIMIT 1000
          """
        ).fresh.bind(channel).bind(user))
      return talk
    }
  }

  private static func said(_ rows: SQLiteDatabase.Statement) throws(LedgerFault) -> [Talk.Said] {
    var said: [Talk.Said] = []
    while try rows.step() {
      said.append(Talk.Said(rows.text(0) ?? "", at: Date(timeIntervalSince1970: rows.double(1))))
    }
    _ = rows.fresh
    return said
  }

  package func openReplies(_ channel: String) throws(LedgerFault) -> [OpenReply] {
    try looking([]) { (database) throws(LedgerFault) in
      var replies: [OpenReply] = []
      let sql = """
        SELECT id, state, text, work FROM replies WHERE channel = ? AND state IN ('pending', 'begun', 'given') ORDER BY number
        """
      let rows = try database.statement(sql).fresh.bind(channel)
      while try rows.step() {
        guard let id = rows.text(0),
          let work = rows.text(3).flatMap({ try? JSONScanner.value(of: Array($0.utf8)) })
            .flatMap({ ReplyWork($0) })
        else { continue }
        let state: OpenReply.State =
          switch rows.text(1) {
          case "begun": .begun
          case "given": .given(rows.text(2) ?? "")
          default: .pending
          }
        replies.append(OpenReply(channel: channel, id: id, work: work, state: state))
      }
      _ = rows.fresh
      return replies
    }
  }

  package func note(_ reply: OpenReply, _ state: OpenReply.State, at now: Date) throws(LedgerFault) {
    let (word, text): (String, String?) =
      switch state {
      case .pending: ("pending", nil)
      case .begun: ("begun", nil)
      case .given(let text): ("given", text)
      case .dropped(let text): ("dropped", RuleBook.gist(of: text))
      case .none: ("none", nil)
      }
    try changing { (database) throws(LedgerFault) in
      // What is over needs no work any more: it may hold a message of a megabyte.
      let rest = word == "dropped" || word == "none" ? ", work = ''" : ""
      try database.statement("UPDATE replies SET state = ?, text = ?\(rest) WHERE channel = ? AND id = ?").fresh
        .bind(word).bind(text).bind(reply.channel).bind(reply.id).run()
    }
  }

  // MARK: Sending

  /// What a crash leaves of it while it is prepared: a call that was not sent.
  static func prepare(
    _ call: ProposedCall, _ count: Int, at now: Date, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    var outcome = Outcome.unreached(code: "not-sent", reason: "the sweep was cut short before it sent this")
    outcome.retryAfter = 0
    try database.statement("UPDATE calls SET finished = ?, outcomes = ? WHERE id = ?").fresh
      .bind(now.timeIntervalSince1970).bind(LedgerCoding.text(Array(repeating: outcome, count: count))).bind(call.id)
      .run()
  }

  package func sends(_ call: String) throws(LedgerFault) {
    try changed { (database) throws(LedgerFault) in
      try database.statement("UPDATE calls SET finished = NULL, outcomes = NULL WHERE id = ?").fresh.bind(call).run()
    }
  }

  /// Within the commit of a call's intent: its number.
  static func number(at now: Date, _ database: SQLiteDatabase) throws(LedgerFault) -> Int {
    try makeTables(database)
    let last =
      try database.statement("SELECT last FROM numbers WHERE name = 'calls'").fresh.first { $0.integer(0) } ?? 0
    let next = max(last + 1, Int(now.timeIntervalSince1970 * 1e4))
    try database.statement("INSERT OR REPLACE INTO numbers VALUES ('calls', ?)").fresh.bind(next).run()
    return next
  }

  /// Whether the channel's allowance has a call left. A word from ahead of the clock was before the clock was turned back:
  /// it counts from now on.
  static func isLeft(
    of allowance: Allowance, _ channel: String, at now: Date, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Bool {
    guard try hasTables(database) else { return false }
    let sql = "SELECT 1 FROM allowances WHERE channel = ? AND used < ? AND word > ?"
    return try database.statement(sql).fresh.bind(channel).bind(allowance.perWord)
      .bind(now.timeIntervalSince1970 - allowance.lifetime).first { _ in true } ?? false
  }

  static func take(fromAllowanceOf channel: String, _ database: SQLiteDatabase) throws(LedgerFault) {
    try database.statement("UPDATE allowances SET used = used + 1 WHERE channel = ?").fresh.bind(channel).run()
  }

  static func settle(_ news: FinishedCall.AllowanceNews, _ database: SQLiteDatabase) throws(LedgerFault) {
    try makeTables(database)
    let change = news.isSpent ? "1000000000" : "max(0, used - 1)"
    try database.statement("UPDATE allowances SET used = \(change) WHERE channel = ?").fresh.bind(news.channel).run()
  }

  /// Ids and answers from before the horizon; what is still to be dropped stays.
  static func forgetReceived(
    _ horizon: LedgerHorizon, _ verb: String, _ run: (SQLiteDatabase.Statement) throws(LedgerFault) -> Int,
    _ database: SQLiteDatabase
  ) throws(LedgerFault) -> Int {
    guard try hasTables(database) else { return 0 }
    let ids = horizon.ids.timeIntervalSince1970
    var count = try run(database.statement("\(verb) FROM received WHERE seen < ?").fresh.bind(ids))
    count += try run(
      database.statement("\(verb) FROM replies WHERE at < ? AND state IN ('dropped', 'none')").fresh.bind(ids))
    return count
  }
}
