import Core
import FoundationEssentials
import Ledger

/// What services say of calls as a whole: a row for each call, in the service's own words.
extension SQLiteLedger {
  package func keep(_ sums: [ReceiptSums], of channel: String, at now: Date) throws(LedgerFault) {
    if sums.isEmpty { return }
    try changed { (database) throws(LedgerFault) in
      let insert = try database.statement("INSERT OR REPLACE INTO receipt_sums VALUES (?, ?, ?, ?, ?)")
      let end = try database.statement("UPDATE receipt_calls SET due = NULL WHERE call = ?")
      for sum in sums {
        let counts = JSON.object(sum.counts.map { .init($0.name, .integer($0.count)) })
        try insert.fresh.bind(sum.call).bind(channel).bind(now.timeIntervalSince1970).bind(counts.text)
          .bind(sum.isFinal ? 1 : 0).run()
        if sum.isFinal { try end.fresh.bind(sum.call).run() }
      }
    }
  }

  package func sums(ofCall call: String) throws(LedgerFault) -> ReceiptSums? {
    try locked { (database) throws(LedgerFault) in
      try database.statement("SELECT counts, final FROM receipt_sums WHERE call = ?").fresh.bind(call).first { row in
        ReceiptSums(call: call, SQLiteLedger.counts(row.text(0)), isFinal: row.integer(1) != 0)
      }
    }
  }

  private static func counts(_ text: String?) -> [ReceiptSums.Count] {
    let members = (try? JSONScanner.value(of: Array((text ?? "").utf8)))?.members ?? []
    return members.compactMap { member in member.value.integer.map { .init(member.key, $0) } }
  }

  package func sums(since: Date) throws(LedgerFault) -> [String: [ReceiptSums.Count]] {
    try locked { (database) throws(LedgerFault) in
      var sums: [String: [ReceiptSums.Count]] = [:]
      let rows = try database.statement("SELECT channel, counts FROM receipt_sums WHERE noted >= ?").fresh
        .bind(since.timeIntervalSince1970)
      while try rows.step() {
        guard let channel = rows.text(0) else { continue }
        for count in SQLiteLedger.counts(rows.text(1)) {
          if let index = sums[channel]?.firstIndex(where: { $0.name == count.name }) {
            sums[channel]?[index].count += count.count
          } else {
            sums[channel, default: []].append(count)
          }
        }
      }
      _ = rows.fresh
      return sums
    }
  }
}
