import Core
import FoundationEssentials
import Ledger

/// Which call and which of its recipients a receipt means; the rules are `ReceiptChoice`'s.
extension SQLiteLedger {
  /// A call that a name stands for, and of it those recipients whom the receipt means.
  struct MeantCall {
    var number: Int
    var channel: String
    var rows: [Row] = []
    /// The name is the producer's own, who may have given it to several calls.
    var isByReference = false

    var candidate: ReceiptChoice.Candidate {
      .init(call: number, isOpen: rows.contains { $0.known.state == nil })
    }
  }

  /// What a name stands for, newest first, and no further than the first that is open.
  struct Meant {
    /// It names a call of the receipt's channels, whoever was in it.
    var isKnown = false
    var calls: [MeantCall] = []

    fileprivate var hasOpen: Bool { calls.last?.candidate.isOpen ?? false }
  }

  private enum Kind: String { case own, shared, call, reference }

  /// The calls that the name stands for, in the channels that count.
  func meant(by name: ReceiptName, _ claim: ReceiptClaim, _ database: SQLiteDatabase) throws(LedgerFault) -> Meant {
    var meant = Meant()
    switch name {
    case .id(let id):
      try addOwn(id, claim, to: &meant, database)
      try add(.shared, id, claim, to: &meant, database)
    case .reference(let reference):
      try add(.call, reference, claim, to: &meant, database)
      try add(.reference, reference, claim, to: &meant, database)
    }
    return meant
  }

  /// By an id that is one recipient's own.
  private func addOwn(
    _ id: String, _ claim: ReceiptClaim, to meant: inout Meant, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    let sql = """
      SELECT a.recipient, a.place, a.state, a.doubt, a.call, c.channel, c.accepted
      FROM awaited a JOIN receipt_calls c ON c.number = a.call WHERE a.id = ? ORDER BY a.call DESC LIMIT ?
      """
    let rows = try database.statement(sql).fresh.bind(id).bind(ReceiptChoice.most)
    var call: MeantCall?
    while !meant.hasOpen, try rows.step() {
      let (number, channel) = (rows.integer(4), rows.text(5) ?? "")
      guard let key = claim.channels[channel] else { continue }
      meant.isKnown = true
      if let key, key != rows.integer(0) { continue }
      if let whole = call, whole.number != number {
        try take(whole, .own, claim, to: &meant, database)
        call = nil
      }
      var current = call ?? MeantCall(number: number, channel: channel)
      current.rows.append(SQLiteLedger.row(rows, of: number, channel, accepted: rows.double(6)))
      call = current
    }
    _ = rows.fresh
    if let call, !meant.hasOpen { try take(call, .own, claim, to: &meant, database) }
  }

  /// By a name of whole calls.
  private func add(
    _ kind: Kind, _ name: String, _ claim: ReceiptClaim, to meant: inout Meant, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    let sql = """
      SELECT number, channel, accepted FROM receipt_calls WHERE \(kind.rawValue) = ? ORDER BY number DESC LIMIT ?
      """
    let calls = try database.statement(sql).fresh.bind(name).bind(ReceiptChoice.most)
    var found: [(number: Int, channel: String, accepted: Double, key: Int?)] = []
    while try calls.step() {
      let channel = calls.text(1) ?? ""
      guard let key = claim.channels[channel] else { continue }
      found.append((calls.integer(0), channel, calls.double(2), key))
    }
    _ = calls.fresh
    for call in found {
      meant.isKnown = true
      let columns = "SELECT recipient, place, state, doubt FROM awaited WHERE call = ?"
      let rows: SQLiteDatabase.Statement
      if let key = call.key {
        rows = try database.statement("\(columns) AND recipient = ?").fresh.bind(call.number).bind(key)
      } else {
        rows = try database.statement(columns).fresh.bind(call.number)
      }
      var whole = MeantCall(number: call.number, channel: call.channel, isByReference: kind == .reference)
      while try rows.step() {
        whole.rows.append(SQLiteLedger.row(rows, of: call.number, call.channel, accepted: call.accepted))
      }
      _ = rows.fresh
      let before = meant.calls.count
      try take(whole, kind, claim, to: &meant, database)
      if meant.calls.count > before, meant.hasOpen { return }
    }
  }

  private static func row(
    _ rows: SQLiteDatabase.Statement, of call: Int, _ channel: String, accepted: Double
  ) -> Row {
    Row(
      key: .init(call: call, recipient: rows.integer(0), place: rows.integer(1)),
      known: KnownReceipt(
        state: rows.text(2).flatMap(ReceiptState.init(rawValue:)), isInDoubt: rows.integer(3) == 1),
      channel: channel, accepted: accepted)
  }

  /// Where somebody in it is meant for certain.
  private func take(
    _ call: MeantCall, _ kind: Kind, _ claim: ReceiptClaim, to meant: inout Meant, _ database: SQLiteDatabase
  ) throws(LedgerFault) {
    if call.rows.isEmpty { return }
    let isNamed = (claim.channels[call.channel] ?? nil) != nil
    if !isNamed, !claim.isOfAll {
      let recipients = Set(call.rows.map(\.key.recipient)).count
      let members = kind == .own ? nil : try members(of: call.number, database)
      guard ReceiptChoice.isCertain(recipients: recipients, isOwn: kind == .own, members: members) else { return }
    }
    meant.calls.append(call)
  }

  /// How many different people a call was for; nil where it is forgotten.
  private func members(of call: Int, _ database: SQLiteDatabase) throws(LedgerFault) -> Int? {
    let sql = "SELECT members FROM calls WHERE id = (SELECT call FROM receipt_calls WHERE number = ?)"
    let text = try database.statement(sql).fresh.bind(call).first { $0.text(0) } ?? nil
    return text.map { Set(LedgerCoding.members($0).map { Verbatim($0.address ?? $0.to) }).count }
  }

  /// A call of the receipt's channels that is known by what was given to it, and has no outcome.
  /// - Parameter older: only calls that began after this one, by number.
  func early(
    _ claim: ReceiptClaim, newerThan older: Int?, _ database: SQLiteDatabase
  ) throws(LedgerFault) -> ReceiptFinding? {
    let byReference = """
      SELECT k.id, k.channel, k.sweep FROM receipt_calls c JOIN calls k ON k.id = c.call
      WHERE c.reference = ? AND c.number > ? AND c.open = 0 AND k.finished IS NULL ORDER BY c.number DESC LIMIT ?
      """
    let byItself = "SELECT id, channel, sweep FROM calls WHERE id = ? AND finished IS NULL"
    for case .reference(let reference) in claim.names {
      let rows = try database.statement(byReference).fresh.bind(reference).bind(older ?? 0).bind(ReceiptChoice.most)
      if let found = try SQLiteLedger.early(rows, claim) { return found }
      if older != nil { continue }
      if let found = try SQLiteLedger.early(try database.statement(byItself).fresh.bind(reference), claim) {
        return found
      }
    }
    return nil
  }

  private static func early(
    _ rows: SQLiteDatabase.Statement, _ claim: ReceiptClaim
  ) throws(LedgerFault) -> ReceiptFinding? {
    var found: ReceiptFinding?
    while found == nil, try rows.step() {
      guard claim.channels.keys.contains(rows.text(1) ?? "") else { continue }
      found = .early(call: rows.text(0) ?? "", sweep: rows.text(2) ?? "")
    }
    _ = rows.fresh
    return found
  }
}
