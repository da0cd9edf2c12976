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
    var text = "\n\(phrase("receipts"))\n"
    for name in channels.sorted() {
      let counts = census.channels[name] ?? RecipientCounts()
      let words: [(RecipientStanding, String, Console.Style)] = [
        (.awaiting, phrase("awaited"), .dim), (.delivered, phrase("delivered"), .green),
        (.undelivered, phrase("undelivered"), .red), (.noReceipt, phrase("without receipt"), .yellow),
        (.inDoubt, phrase("in doubt"), .yellow),
      ]
      var parts = words.compactMap { standing, word, style -> String? in
        counts[standing] > 0 ? Console.styled("\(counts[standing]) \(word)", style) : nil
      }
      if let median = recent[name].flatMap({ ReceiptSeconds.quantile(0.5, of: $0.seconds) }) {
        parts.append(Console.styled(phrase("median {1}", TimeSpan.text(median)), .dim))
      }
      let said = parts.isEmpty ? Console.styled(phrase("nothing yet"), .dim) : parts.joined(separator: phrase(", "))
      text += "  \(Columns.pad(name.safeText, 12)) \(said)\n"
    }
    return text
  }
}
