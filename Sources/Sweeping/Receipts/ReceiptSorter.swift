import Core
import FoundationEssentials
import Ledger

/// What a dropped file is: which receipts it holds, and whose calls count. Pure.
struct ReceiptSorter {
  /// Files that are no JSON and no whole receipt get so long to be finished by a writer that does not rename (seconds).
  static let grace = 5.0

  enum Sorted: Sendable {
    /// The entries, and for each what it claims; nil where it is none.
    case entries([Entry])
    /// To be kept in unknown/ as it is.
    case unknown(String)
    /// Perhaps not written to its end.
    case unfinished
  }

  struct Entry: Sendable {
    var claim: ReceiptClaim?
    /// Why it is none.
    var problem: String?
    /// Its own bytes.
    var source: [UInt8]
  }

  private let configuration: Configuration
  /// Channels that want receipts, by name, in an order that is the same in every run.
  private let channels: [Channel]

  init(_ configuration: Configuration) {
    self.configuration = configuration
    channels = configuration.channels.values.filter { $0.receipts != .off }.sorted { $0.name < $1.name }
  }

  var names: some Sequence<String> { configuration.channels.keys }

  /// Seconds after its drop until a receipt that names nothing is given up: the named channel's, else the longest.
  func wait(for drop: ReceiptDrop) -> Double {
    if let channel = drop.channel.flatMap({ configuration.channels[$0] }) { return channel.receiptWait }
    return channels.map(\.receiptWait).max() ?? 0
  }

  /// - Parameter age: seconds since the file was written.
  func sort(_ drop: ReceiptDrop, age: Double) -> Sorted {
    var candidates = channels
    if let name = drop.channel {
      guard let channel = configuration.channels[name] else {
        return .unknown("receipt_of: \"\(name.shortened)\" is no channel of the configuration")
      }
      guard channel.receipts != .off else { return .unknown("the receipts of channel \"\(name)\" are off") }
      candidates = [channel]
    }
    let fitting = candidates.filter { channel in
      channel.receipting.map { type(of: $0).recognizes(drop) } ?? false
    }
    // What is JSON to its end will not become anything else.
    let mayGrow = age < ReceiptSorter.grace && !drop.isWhole
    func unknown(_ reason: String) -> Sorted { mayGrow ? .unfinished : .unknown(reason) }
    guard let provider = fitting.first?.receipting else { return unknown(ReceiptSorter.stranger(drop)) }
    let genuine = fitting.filter { isGenuine(drop, $0) }
    guard !genuine.isEmpty else {
      // Only a wrapper carries one, and that is whole.
      return .unknown("signature: nobody vouches for it (\(type(of: provider).card.name))")
    }
    // Providers whose callbacks look alike read them alike.
    let entries = type(of: provider).entries(in: drop)
    if entries.isEmpty { return unknown("holds no receipt") }
    if mayGrow, entries.contains(where: \.isBad) { return .unfinished }
    return .entries(entries.map { entry($0, genuine, drop) })
  }

  private static func stranger(_ drop: ReceiptDrop) -> String {
    drop.channel.map { "is no receipt that channel \"\($0)\" could get" } ?? "is no receipt of any channel's provider"
  }

  private func isGenuine(_ drop: ReceiptDrop, _ channel: Channel) -> Bool {
    if let secret = channel.receiptSecret, !drop.carries(secret) { return false }
    return channel.receipting?.isGenuine(drop) ?? false
  }

  private func entry(_ entry: ReceiptEntry, _ channels: [Channel], _ drop: ReceiptDrop) -> Entry {
    switch entry.content {
    case .bad(let reason): return Entry(claim: nil, problem: reason, source: drop.wrapping(entry.source))
    case .receipt(let receipt):
      return Entry(claim: claim(receipt, channels), problem: nil, source: drop.wrapping(entry.source))
    }
  }

  /// What a receipt claims of calls of these channels.
  func claim(_ receipt: Receipt, _ channels: [Channel]) -> ReceiptClaim {
    var keys: [String: Int?] = [:]
    for channel in channels {
      // A nil key names nobody.
      keys.updateValue(
        receipt.to.flatMap { to in channel.receipting.map { ReceiptKey.of($0.identity(ofReceiptFor: to)) } },
        forKey: channel.name)
    }
    var news = receipt.news
    // As in every line: bounded, and with secrets masked, of whichever of these channels it may be.
    for channel in channels {
      let recorded = channel.recorded(Outcome(state: .accepted, code: news?.code, reason: news?.reason))
      news?.code = recorded.code
      news?.reason = recorded.reason
    }
    var claim = ReceiptClaim(receipt.names, channels: keys, news: news)
    claim.isOfAll = receipt.isOfAll
    claim.wholeChannels = Set(channels.filter { $0.receipting?.takesCallsWhole ?? false }.map(\.name))
    return claim
  }
}
