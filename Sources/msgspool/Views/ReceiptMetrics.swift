import Core
import Ledger
import Spooling

/// What monitoring reads of receipts: from the ledger alone, no file is read.
extension Metrics {
  /// Empty where nothing was ever awaited.
  var receipts: String {
    guard let ledger = ledger as? any ReceiptLedger, let totals = try? ledger.receiptTotals(), !totals.isEmpty
    else { return "" }
    let channels = totals.sorted { $0.key < $1.key }
    var text = header(
      "msgspool_receipts_total", "Recipients of whom it became known what became of them.", "counter")
    for (channel, total) in channels {
      for state in [ReceiptState.delivered, .undelivered, .noReceipt] {
        let labels = [("channel", channel), ("state", state.rawValue)]
        text += sample("msgspool_receipts_total", labels, String(total.counts[state] ?? 0))
      }
    }
    text += header("msgspool_receipt_seconds", "Seconds from accepted to delivered.", "histogram")
    for (channel, total) in channels {
      text += series(
        "msgspool_receipt_seconds", channel, ReceiptSeconds.bounds, total.classes, sum: String(total.seconds))
    }
    text += header("msgspool_receipts_awaited", "Recipients of whom a receipt is awaited.")
    for (channel, total) in channels {
      text += sample("msgspool_receipts_awaited", [("channel", channel)], String(total.awaited))
    }
    return text
  }
}
