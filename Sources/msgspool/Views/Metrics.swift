import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// What monitoring reads: the ledger's counts, over restarts, and how things are now; in Prometheus' text format.
struct Metrics {
  let spool: Spool
  /// Nil where there is none that could be read.
  let ledger: (any LedgerAudit)?
  private let census: Census
  private let suspensions: [Suspension]
  private let spendings: [Spending]
  private let now: Date

  init(
    _ spool: Spool, _ ledger: (any LedgerAudit)?, _ census: Census, _ suspensions: [Suspension],
    _ spendings: [Spending], now: Date
  ) {
    self.spool = spool
    self.ledger = ledger
    self.census = census
    self.suspensions = suspensions
    self.spendings = spendings
    self.now = now
  }

  func text() -> String { present + (counts ?? "") + receipts }

  // MARK: Now

  private var present: String {
    var text = header("msgspool_messages", "Messages by folder of the spool.")
    for folder in [Folder.new, .cur, .deferred, .done, .failed, .hold] {
      guard let count = census.counts[folder], folder != .hold || count > 0 else { continue }
      text += sample("msgspool_messages", [("folder", folder.rawValue)], String(count))
    }
    if census.counts[.failed] != nil {
      text += header("msgspool_unconfirmed", "Messages in failed/ of which nobody knows whether they arrived.")
      text += sample("msgspool_unconfirmed", [], String(census.unconfirmed))
    }
    if census.counts[.new] != nil {
      text += header("msgspool_oldest_new_seconds", "Age of the oldest message in new/; 0 when there is none.")
      let age = census.oldestNew.map { max(0, (now.timeIntervalSince($0) * 1000).rounded() / 1000) } ?? 0
      text += sample("msgspool_oldest_new_seconds", [], String(age))
    }
    text += header("msgspool_suspended", "1 for each channel that is suspended (credentials, balance).")
    for suspension in suspensions { text += sample("msgspool_suspended", [("channel", suspension.channel)], "1") }
    if !spendings.isEmpty {
      text += header("msgspool_spent", "Cost of the calls of this day and month, of channels that have a price.")
      for spending in spendings {
        text += sample("msgspool_spent", [("channel", spending.channel), ("window", "day")], spending.day.text)
        text += sample("msgspool_spent", [("channel", spending.channel), ("window", "month")], spending.month.text)
      }
    }
    return text + deferred + lastSweep
  }

  /// By channel and why; streamed, one small read a message.
  private var deferred: String {
    guard census.counts[.deferred] != nil, var walk = try? Walk(.deferred, of: spool) else { return "" }
    var reader = TailReader()
    var counts: [String: [String: Int]] = [:]
    while let found = try? walk.next() {
      guard !found.isOdd,
        case .tail(let tail)? = reader.read(found.name, in: found.place.descriptor, path: found.place.path)
      else { continue }
      let kind = tail.last.map { $0.isPatience ? $0.error?.code ?? "" : $0.error?.kind.rawValue ?? "" } ?? ""
      counts[tail.last?.channel ?? "", default: [:]][kind, default: 0] += 1
    }
    var text = header("msgspool_deferred", "Deferred messages by what they wait for: a kind of error, or a time.")
    for (channel, kinds) in counts.sorted(by: { $0.key < $1.key }) {
      for (kind, count) in kinds.sorted(by: { $0.key < $1.key }) {
        text += sample("msgspool_deferred", [("channel", channel), ("kind", kind)], String(count))
      }
    }
    return text
  }

  /// Every sweep makes a folder in cur/ and removes it, so the time of cur/ tells of the last one; one that lives is now.
  private var lastSweep: String {
    guard let modified = try? FileFacts(ofWhatIsAt: spool.path(.cur)).modified else { return "" }
    let sweeps = (try? spool.places(.cur).compactMap(\.sweep)) ?? []
    let time = sweeps.contains { spool.isAlive(sweep: $0) } ? now : modified
    return header("msgspool_last_sweep_timestamp_seconds", "When a sweep ran last; a watch that runs is now.")
      + sample("msgspool_last_sweep_timestamp_seconds", [], String(Int(time.timeIntervalSince1970)))
  }

  // MARK: Counts

  private var counts: String? {
    guard let rows = try? ledger?.meters() else { return nil }
    let byName = Dictionary(grouping: rows, by: \.name)
    func counter(_ name: String, _ meter: Meters.Name, _ label: String, _ help: String) -> String {
      (byName[meter] ?? []).reduce(header(name, help, "counter")) {
        $0 + sample(name, [("channel", $1.channel), (label, $1.label)], String($1.value))
      }
    }
    return counter(
      "msgspool_recipients_total", .recipients, "state",
      "Recipients in calls that ended, by what became of them; one that is tried again counts again.")
      + counter(
        "msgspool_messages_total", .messages, "state", "Messages that left a sweep's hands, by what they became.")
      + counter("msgspool_calls_total", .calls, "outcome", "Calls to providers that ended, by how.")
      + histogram(
        "msgspool_call_seconds", "From a call's start to its end.", byName[.callSeconds], byName[.callSum],
        Meters.callBounds)
      + histogram(
        "msgspool_settle_seconds", "From when a message was first seen to its end.", byName[.settleSeconds],
        byName[.settleSum], Meters.settleBounds)
  }

  private func histogram(
    _ name: String, _ help: String, _ buckets: [Meters.Row]?, _ sums: [Meters.Row]?, _ bounds: [Double]
  ) -> String {
    var text = header(name, help, "histogram")
    let labels = bounds.map(Meters.label) + [Meters.beyond]
    for (channel, rows) in Dictionary(grouping: buckets ?? [], by: \.channel).sorted(by: { $0.key < $1.key }) {
      let counts = Dictionary(rows.map { ($0.label, $0.value) }) { $0 + $1 }
      let milliseconds = sums?.first { $0.channel == channel }?.value ?? 0
      let thousandths = String(1000 + milliseconds % 1000).dropFirst()
      text += series(
        name, channel, bounds, labels.map { counts[$0] ?? 0 }, sum: "\(milliseconds / 1000).\(thousandths)")
    }
    return text
  }

  /// A channel's part of a histogram.
  /// - Parameter classes: how many are in each, up to its bound and beyond the last.
  func series(_ name: String, _ channel: String, _ bounds: [Double], _ classes: [Int], sum: String) -> String {
    var text = ""
    var total = 0
    for (label, count) in zip(bounds.map(Meters.label) + [Meters.beyond], classes) {
      total += count
      text += sample("\(name)_bucket", [("channel", channel), ("le", label)], String(total))
    }
    return text + sample("\(name)_sum", [("channel", channel)], sum)
      + sample("\(name)_count", [("channel", channel)], String(total))
  }

  // MARK: The format

  func header(_ name: String, _ help: String, _ type: String = "gauge") -> String {
    "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  /// Labels as the format has them: backslash, quote and newline escaped.
  func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) -> String {
    let list = labels.map { label in
      "\(label.name)=\"\(label.value.replacing(["\\": "\\\\", "\"": "\\\"", "\n": "\\n"]))\""
    }
    return "\(name)\(list.isEmpty ? "" : "{\(list.joined(separator: ","))}") \(value)\n"
  }
}
