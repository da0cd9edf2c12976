import Core
import FoundationEssentials
import Ledger

/// What is to be told, asked and looked at of receipts; their tables and what changes a state are in SQLiteReceipts.swift.
extension SQLiteLedger {
  // MARK: Telling

  package func untold(limit: Int, at now: Date) throws(LedgerFault) -> [UntoldReceipt] {
    let sql = """
      SELECT a.call, a.recipient, a.place, c.call, c.channel, a.file, a.target, a.address, a.state, a.at, a.code, a.reason,
        a.doubt, a.noted, n.name
      FROM awaited a JOIN receipt_calls c ON c.number = a.call
        LEFT JOIN receipt_names n ON n.call = a.call AND n.file = a.file
      WHERE a.tell <= ? ORDER BY a.tell, a.file LIMIT ?
      """
    return try locked { (database) throws(LedgerFault) in
      let rows = try database.statement(sql).fresh.bind(now.timeIntervalSince1970).bind(limit)
      var untold: [UntoldReceipt] = []
      while try rows.step() {
        let state = rows.text(8).flatMap(ReceiptState.init(rawValue:))
        let at = rows.isNull(9) ? nil : Date(timeIntervalSince1970: rows.double(9))
        untold.append(
          UntoldReceipt(
            key: .init(call: rows.integer(0), recipient: rows.integer(1), place: rows.integer(2)),
            call: rows.text(3) ?? "", channel: rows.text(4) ?? "",
            member: CallMember(file: rows.text(5) ?? "", to: rows.text(6) ?? "", address: rows.text(7)),
            news: state.map { ReceiptNews($0, code: rows.text(10), reason: rows.text(11), at: at) },
            endsDoubt: rows.integer(12) == 2, noted: Date(timeIntervalSince1970: rows.double(13)), name: rows.text(14)))
      }
      _ = rows.fresh
      return untold
    }
  }

  package func tell(
    _ told: [UntoldReceipt.Key], later: [UntoldReceipt.Key], at time: Date
  ) throws(LedgerFault) {
    try changed { (database) throws(LedgerFault) in
      let select = try database.statement(
        "SELECT doubt FROM awaited WHERE call = ? AND recipient = ? AND place = ? AND doubt = 2")
      let done = try database.statement(
        """
        UPDATE awaited SET tell = NULL, doubt = CASE doubt WHEN 2 THEN 0 ELSE doubt END
        WHERE call = ? AND recipient = ? AND place = ?
        """)
      var ended: Set<Int> = []
      for key in told {
        let wasInDoubt = try select.fresh.bind(key.call).bind(key.recipient).bind(key.place).first { _ in true }
        if wasInDoubt == true { ended.insert(key.call) }
        try done.fresh.bind(key.call).bind(key.recipient).bind(key.place).run()
      }
      for call in ended.sorted() { try close(call, at: time, database) }
      let wait = try database.statement("UPDATE awaited SET tell = ? WHERE call = ? AND recipient = ? AND place = ?")
      for key in later {
        try wait.fresh.bind(time.timeIntervalSince1970).bind(key.call).bind(key.recipient).bind(key.place).run()
      }
    }
  }

  /// A lost call whose doubt ended has an outcome: nobody needs to ask about it any more.
  private func close(_ number: Int, at time: Date, _ database: SQLiteDatabase) throws(LedgerFault) {
    let sql = """
      SELECT k.id, k.members FROM receipt_calls c JOIN calls k ON k.id = c.call WHERE c.number = ? AND k.finished IS NULL
      """
    let call = try database.statement(sql).fresh.bind(number).first {
      (id: $0.text(0) ?? "", members: LedgerCoding.members($0.text(1) ?? "[]"))
    }
    guard let call else { return }
    var doubts: Set<AwaitedMember> = []
    let rows = try database.statement("SELECT target, address FROM awaited WHERE call = ? AND doubt = 1").fresh.bind(
      number)
    while try rows.step() { doubts.insert(AwaitedMember(to: rows.text(0) ?? "", address: rows.text(1))) }
    _ = rows.fresh
    let outcomes = call.members.map { doubts.contains(AwaitedMember($0)) ? Outcome.unconfirmed() : .accepted() }
    try database.statement("UPDATE calls SET finished = ?, outcomes = ? WHERE id = ?").fresh
      .bind(time.timeIntervalSince1970).bind(LedgerCoding.text(outcomes)).bind(call.id).run()
  }

  // MARK: Asking

  /// In the calls that are asked about together.
  private static let mostRecipients = 20_000

  package func due(_ channel: String, limit: Int, at now: Date) throws(LedgerFault) -> [AwaitedRecord] {
    let sql = """
      SELECT number, call, shared, reference, accepted, until, due, asked FROM receipt_calls
      WHERE channel = ? AND due <= ? AND open > 0 ORDER BY due LIMIT ?
      """
    return try locked { (database) throws(LedgerFault) in
      let rows = try database.statement(sql).fresh.bind(channel).bind(now.timeIntervalSince1970).bind(limit)
      var records: [(number: Int, record: AwaitedRecord)] = []
      while try rows.step() {
        var record = AwaitedRecord(
          call: rows.text(1) ?? "", channel: channel, sharedId: rows.text(2), reference: rows.text(3),
          acceptedAt: Date(timeIntervalSince1970: rows.double(4)), until: Date(timeIntervalSince1970: rows.double(5)),
          due: Date(timeIntervalSince1970: rows.double(6)), recipients: [])
        record.asked = rows.integer(7)
        records.append((rows.integer(0), record))
      }
      _ = rows.fresh
      var count = 0
      for index in records.indices {
        records[index].record.recipients = try open(records[index].number, database)
        count += records[index].record.recipients.count
        // Calls of a thousand would fill the memory.
        if count >= SQLiteLedger.mostRecipients { return records[...index].map(\.record) }
      }
      return records.map(\.record)
    }
  }

  private func open(_ call: Int, _ database: SQLiteDatabase) throws(LedgerFault) -> [AwaitedRecord.Recipient] {
    let sql = """
      SELECT file, target, address, recipient, id, doubt, read_key FROM awaited WHERE call = ? AND state IS NULL
      ORDER BY place
      """
    let rows = try database.statement(sql).fresh.bind(call)
    var recipients: [AwaitedRecord.Recipient] = []
    while try rows.step() {
      recipients.append(
        .init(
          CallMember(file: rows.text(0) ?? "", to: rows.text(1) ?? "", address: rows.text(2)), key: rows.integer(3),
          id: rows.text(4), readKey: rows.text(6), isInDoubt: rows.integer(5) == 1))
    }
    _ = rows.fresh
    return recipients
  }

  package func takeSlot(of channel: String, rate: Double, at now: Date) throws(LedgerFault) -> Date? {
    let call = ProposedCall(
      id: "", sweep: "", channel: channel, provider: "", members: [], rate: rate, day: 0, daily: 0,
      dailyPerRecipient: 0, identities: [])
    return try changed { (database) throws(LedgerFault) in
      try paced(call, now.timeIntervalSince1970, database).map { Date(timeIntervalSince1970: $0) }
    }
  }

  package func asked(_ calls: [(call: String, next: Date)]) throws(LedgerFault) {
    let calls = calls.map { (call: $0.call, next: $0.next.timeIntervalSince1970) }
    try changed { (database) throws(LedgerFault) in
      let update = try database.statement(
        "UPDATE receipt_calls SET asked = asked + 1, due = ? WHERE call = ? AND due IS NOT NULL")
      for call in calls { try update.fresh.bind(call.next).bind(call.call).run() }
    }
  }

  package func nextReceiptWork(asking channels: [String]) throws(LedgerFault) -> Date? {
    try locked { (database) throws(LedgerFault) in
      var next: Double?
      func note(_ rows: SQLiteDatabase.Statement) throws(LedgerFault) {
        let time = try rows.first { $0.isNull(0) ? nil : $0.double(0) } ?? nil
        if let time { next = min(next ?? time, time) }
      }
      try note(database.statement("SELECT min(until) FROM receipt_calls WHERE open > 0").fresh)
      try note(database.statement("SELECT min(tell) FROM awaited WHERE tell IS NOT NULL").fresh)
      // The index of what is due begins with the channel: its first entry is looked up, not all of them.
      let due = "SELECT min(due) FROM receipt_calls WHERE channel = ? AND due IS NOT NULL AND open > 0"
      for channel in channels { try note(database.statement(due).fresh.bind(channel)) }
      return next.map { Date(timeIntervalSince1970: $0) }
    }
  }

  // MARK: Looking

  package func awaitedFiles() throws(LedgerFault) -> Set<String> {
    try locked { (database) throws(LedgerFault) in
      var files: Set<String> = []
      let sql = """
        SELECT DISTINCT coalesce(n.name, a.file) FROM awaited a
          LEFT JOIN receipt_names n ON n.call = a.call AND n.file = a.file
        WHERE (a.state IS NULL AND a.doubt = 0) OR a.tell IS NOT NULL
        """
      let rows = try database.statement(sql).fresh
      while try rows.step() { if let file = rows.text(0) { files.insert(file) } }
      _ = rows.fresh
      return files
    }
  }

  package func awaited(ofCall call: String) throws(LedgerFault) -> [AwaitedMember: KnownReceipt] {
    let sql = """
      SELECT a.target, a.address, a.state, a.doubt FROM receipt_calls c JOIN awaited a ON a.call = c.number WHERE c.call = ?
      """
    return try locked { (database) throws(LedgerFault) in
      var known: [AwaitedMember: KnownReceipt] = [:]
      let rows = try database.statement(sql).fresh.bind(call)
      while try rows.step() {
        known[AwaitedMember(to: rows.text(0) ?? "", address: rows.text(1))] = KnownReceipt(
          state: rows.text(2).flatMap(ReceiptState.init(rawValue:)), isInDoubt: rows.integer(3) == 1)
      }
      _ = rows.fresh
      return known
    }
  }

  package func receiptTotals() throws(LedgerFault) -> [String: ReceiptTotals] {
    try locked { (database) throws(LedgerFault) in
      var totals: [String: ReceiptTotals] = [:]
      let rows = try database.statement("SELECT channel, state, class, count, seconds FROM receipt_totals").fresh
      while try rows.step() {
        guard let channel = rows.text(0), let state = rows.text(1).flatMap(ReceiptState.init(rawValue:)) else {
          continue
        }
        var total = totals[channel] ?? ReceiptTotals()
        total.counts[state, default: 0] += rows.integer(3)
        if total.classes.indices.contains(rows.integer(2)) { total.classes[rows.integer(2)] += rows.integer(3) }
        total.seconds += rows.double(4)
        totals[channel] = total
      }
      _ = rows.fresh
      // Those in doubt are not awaited: nobody knows that they were accepted.
      let sql = """
        SELECT c.channel, count(*) FROM receipt_calls c JOIN awaited a ON a.call = c.number
        WHERE c.open > 0 AND a.state IS NULL AND a.doubt <> 1 GROUP BY c.channel
        """
      let awaited = try database.statement(sql).fresh
      while try awaited.step() {
        if let channel = awaited.text(0) { totals[channel, default: ReceiptTotals()].awaited = awaited.integer(1) }
      }
      _ = awaited.fresh
      return totals
    }
  }

  package func receipts(since: Date) throws(LedgerFault) -> [String: RecentReceipts] {
    let sql = """
      SELECT c.channel, a.state, coalesce(a.at, a.noted) - c.accepted FROM awaited a JOIN receipt_calls c ON c.number = a.call
      WHERE a.noted >= ? AND a.state IS NOT NULL
      """
    return try locked { (database) throws(LedgerFault) in
      var recent: [String: RecentReceipts] = [:]
      let rows = try database.statement(sql).fresh.bind(since.timeIntervalSince1970)
      while try rows.step() {
        guard let channel = rows.text(0), let state = rows.text(1).flatMap(ReceiptState.init(rawValue:)) else {
          continue
        }
        recent[channel, default: RecentReceipts()].counts[state.counted, default: 0] += 1
        if state.counted == .delivered { recent[channel]?.seconds.append(max(0, rows.double(2))) }
      }
      _ = rows.fresh
      return recent.mapValues { receipts in
        var receipts = receipts
        receipts.seconds.sort()
        return receipts
      }
    }
  }

  // MARK: Legs

  package func intendLegs(_ legs: [FallbackLeg], at now: Date) throws(LedgerFault) -> [FallbackLeg] {
    try changed { (database) throws(LedgerFault) in
      let insert = try database.statement("INSERT OR IGNORE INTO receipt_legs VALUES (?, ?, ?, ?, ?, ?, 0)")
      var new: [FallbackLeg] = []
      for leg in legs {
        try insert.fresh.bind(leg.file).bind(leg.to).bind(leg.call).bind(leg.state.rawValue).bind(leg.name)
          .bind(now.timeIntervalSince1970).run()
        if database.changes > 0 { new.append(leg) }
      }
      return new
    }
  }

  package func leg(of file: String, to recipient: String, call: String) throws(LedgerFault) -> String? {
    try locked { (database) throws(LedgerFault) in
      let select = "SELECT name FROM receipt_legs WHERE file = ? AND target = ? AND call = ?"
      return try database.statement(select).fresh.bind(file).bind(recipient).bind(call).first { $0.text(0) } ?? nil
    }
  }

  package func openLegs() throws(LedgerFault) -> [FallbackLeg] {
    try locked { (database) throws(LedgerFault) in
      var legs: [FallbackLeg] = []
      let rows = try database.statement("SELECT file, target, call, state, name FROM receipt_legs WHERE dropped = 0")
        .fresh
      while try rows.step() {
        legs.append(
          FallbackLeg(
            file: rows.text(0) ?? "", to: rows.text(1) ?? "", call: rows.text(2) ?? "",
            state: rows.text(3).flatMap(ReceiptState.init(rawValue:)) ?? .undelivered, name: rows.text(4) ?? ""))
      }
      _ = rows.fresh
      return legs
    }
  }

  package func dropped(_ legs: [FallbackLeg]) throws(LedgerFault) {
    try changed { (database) throws(LedgerFault) in
      let update = try database.statement(
        "UPDATE receipt_legs SET dropped = 1 WHERE file = ? AND target = ? AND call = ?")
      for leg in legs { try update.fresh.bind(leg.file).bind(leg.to).bind(leg.call).run() }
    }
  }
}
