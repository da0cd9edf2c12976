import Core
import FoundationEssentials
import Inspecting
import Ledger
import Spooling

/// What `status` says of recipients and receipts (receipts.md, section 4).
struct ReceiptStatus {
  private static let window = 86_400.0

  private let census: RecipientCensus
  private let recent: [String: RecentReceipts]
  /// Channels that have receipts, by configuration or by what the ledger knows of them.
  private let channels: Set<String>

  init(
    _ spool: Spool, _ configuration: Configuration, _ ledger: (any LedgerAudit)?, now: Date
  ) throws(SystemFault) {
    census = try RecipientCensus(spool, configuration, ledger)
    recent = (try? (ledger as? any ReceiptLedger)?.receipts(since: now - ReceiptStatus.window)) ?? [:]
    channels = Set(configuration.channels.values.filter { $0.receipts != .off }.map(\.name)).union(recent.keys)
  }

  /// Whether there is anything to tell people of: reading all messages for that takes a while.
  static func isWanted(_ configuration: Configuration) -> Bool {
    configuration.channels.values.contains { $0.receipts != .off }
  }

  // MARK: JSON

  var members: [JSON.Member] {
    let names = Set(census.channels.keys).union(recent.keys).sorted()
    let each = names.map { name in
      JSON.Member(
        name,
        .object(
          ReceiptStatus.members(census.channels[name] ?? RecipientCounts())
            + [.init("last_24h", ReceiptStatus.json(recent[name] ?? RecentReceipts()))]))
    }
    return [.init("recipients", .object(ReceiptStatus.members(census.total))), .init("channels", .object(each))]
  }

  private static func members(_ counts: RecipientCounts) -> [JSON.Member] {
    [.init("dropped", .integer(counts.dropped))]
      + RecipientStanding.allCases.map { .init($0.rawValue, .integer(counts[$0])) }
  }

  private static func json(_ recent: RecentReceipts) -> JSON {
    func seconds(_ part: Double) -> JSON {
      ReceiptSeconds.quantile(part, of: recent.seconds).map { .number(String(($0 * 1000).rounded() / 1000)) } ?? .null
    }
    let counted: [ReceiptState] = [.delivered, .undelivered, .noReceipt]
    return .object(
      counted.map { .init($0.rawValue, .integer(recent.counts[$0] ?? 0)) }
        + [.init("median_seconds", seconds(0.5)), .init("p95_seconds", seconds(0.95))])
  }

  // MARK: Text

  /// A line for each channel that has receipts.
  var text: String {
    if channels.isEmpty { return "" }
    var text = "\nreceipts\n"
    for name in channels.sorted() {
      let counts = census.channels[name] ?? RecipientCounts()
      let words: [(RecipientStanding, String, Console.Style)] = [
        (.awaiting, "awaited", .dim), (.delivered, "delivered", .green), (.undelivered, "undelivered", .red),
        (.noReceipt, "without receipt", .yellow), (.inDoubt, "in doubt", .yellow),
      ]
      var parts = words.compactMap { standing, word, style -> String? in
        counts[standing] > 0 ? Console.styled("\(counts[standing]) \(word)", style) : nil
      }
      if let median = recent[name].flatMap({ ReceiptSeconds.quantile(0.5, of: $0.seconds) }) {
        parts.append(Console.styled("median \(TimeSpan.text(median))", .dim))
      }
      let said = parts.isEmpty ? Console.styled("nothing yet", .dim) : parts.joined(separator: ", ")
      text += "  \(Columns.pad(name.safeText, 12)) \(said)\n"
    }
    return text
  }

  // MARK: Prometheus

  /// From the ledger alone: no file is read.
  static func metrics(_ ledger: any ReceiptLedger, label: (String) -> String) -> String {
    guard let totals = try? ledger.receiptTotals(), !totals.isEmpty else { return "" }
    func header(_ name: String, _ type: String, _ help: String) -> String {
      "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }
    let channels = totals.keys.sorted()
    var text = header("msgspool_receipts_total", "counter", "Recipients of whom it became known what became of them.")
    for channel in channels {
      for state in [ReceiptState.delivered, .undelivered, .noReceipt] {
        let count = totals[channel]?.counts[state] ?? 0
        text += "msgspool_receipts_total{channel=\"\(label(channel))\",state=\"\(state.rawValue)\"} \(count)\n"
      }
    }
    text += header("msgspool_receipt_seconds", "histogram", "Seconds from accepted to delivered.")
    for channel in channels {
      guard let total = totals[channel] else { continue }
      var sum = 0
      for (index, bound) in (ReceiptSeconds.bounds.map { String($0) } + ["+Inf"]).enumerated() {
        sum += total.classes[index]
        text += "msgspool_receipt_seconds_bucket{channel=\"\(label(channel))\",le=\"\(bound)\"} \(sum)\n"
      }
      text += "msgspool_receipt_seconds_sum{channel=\"\(label(channel))\"} \(total.seconds)\n"
      text += "msgspool_receipt_seconds_count{channel=\"\(label(channel))\"} \(sum)\n"
    }
    text += header("msgspool_receipts_awaited", "gauge", "Recipients of whom a receipt is awaited.")
    for channel in channels {
      text += "msgspool_receipts_awaited{channel=\"\(label(channel))\"} \(totals[channel]?.awaited ?? 0)\n"
    }
    return text
  }
}
