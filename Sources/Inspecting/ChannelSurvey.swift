import Core
import FoundationEssentials
import Ledger
import Spooling

/// How each channel stands at one moment: what waits for it, what is under way, and what keeps it.
package struct ChannelSurvey: Sendable {
  package struct Row: Sendable {
    package var channel: String
    /// Nil for a channel that messages name and the configuration does not have.
    package var settings: Channel?
    /// Messages in new/.
    package var waiting = 0
    /// Messages in deferred/.
    package var deferred = 0
    /// When the first of those falls due.
    package var firstDue: Date?
    /// Calls that have begun and not ended, of sweeps that are alive, and their recipients.
    package var calls = 0
    package var recipients = 0
    /// Recipients counted today; nil where the channel has no limit of the day, and nobody counts.
    package var usedToday: Int?
    /// Of a channel with a price: what today and this month have cost; nil where the ledger could not tell.
    package var spent: (day: Money, month: Money)?
    package var suspension: Suspension?

    init(_ channel: String, _ settings: Channel?) {
      self.channel = channel
      self.settings = settings
    }
  }

  package var at: Date
  /// By name.
  package var rows: [Row] = []
  /// Files in new/ that are no message, or may not be read.
  package var strange = 0

  /// The next moment at which the channel has something to do by itself; `at` where something waits for a sweep already.
  package func nextDue(_ row: Row) -> Date? {
    if let suspension = row.suspension {
      let isForGood = suspension.until == .distantFuture
      return isForGood ? nil : suspension.until ?? at
    }
    if row.waiting > 0 { return row.settings?.quietHours?.end(after: at) ?? at }
    return row.firstDue.map { max($0, at) }
  }
}

/// Takes surveys, one after the other; what it has read of a waiting file once it need not read again.
package struct ChannelSurveyor {
  private let spool: Spool
  /// Whose message a file holds, by the file's identity; the empty name is the default channel, nil no message.
  private var known: [UInt64: String?] = [:]
  private var seen: [UInt64: String?] = [:]
  private var tails = Box()

  /// A reader cannot be copied, and a survey is taken by a value.
  private final class Box { var reader = TailReader() }

  package init(_ spool: Spool) { self.spool = spool }

  /// Nothing is locked: messages that move meanwhile may be counted twice or not at all.
  /// - Parameter ledger: nil where there is none yet, or it may not be read.
  package mutating func survey(
    _ configuration: Configuration, _ ledger: (any LedgerAudit)?, now: Date
  ) throws(SystemFault) -> ChannelSurvey {
    var rows: [String: ChannelSurvey.Row] = [:]
    for channel in configuration.channels.values { rows[channel.name] = .init(channel.name, channel) }
    var survey = ChannelSurvey(at: now)
    seen = [:]
    for folder in [Folder.new, .deferred] where !spool.closed.contains(folder) {
      var walk = try Walk(folder, of: spool)
      while let found = try walk.next() {
        guard !found.isOdd, let facts = try? FileFacts(of: found.name, in: found.place.descriptor) else { continue }
        guard let named = channel(of: found, facts, limit: configuration.maxMessageBytes) else {
          if folder == .new { survey.strange += 1 }
          continue
        }
        let name = named.isEmpty ? configuration.defaultChannel ?? "" : named
        count(folder, facts, in: &rows[name, default: .init(name, nil)])
      }
    }
    known = seen
    if let ledger { try? look(into: ledger, &rows, now) }
    survey.rows = rows.values.sorted { $0.channel < $1.channel }
    return survey
  }

  private func count(_ folder: Folder, _ facts: FileFacts, in row: inout ChannelSurvey.Row) {
    guard folder == .deferred else {
      row.waiting += 1
      return
    }
    row.deferred += 1
    row.firstDue = min(row.firstDue ?? .distantFuture, facts.modified)
  }

  /// - Returns: the name in the message, empty where it has none; nil for what is no message.
  private mutating func channel(of found: Walk.Found, _ facts: FileFacts, limit: Int) -> String? {
    let identity = found.name.identity(inode: facts.inode)
    let channel = known[identity] ?? read(found, limit: limit)
    seen[identity] = .some(channel)
    return channel
  }

  private func read(_ found: Walk.Found, limit: Int) -> String? {
    let (place, name) = (found.place, found.name)
    if place.folder == .deferred {
      guard case .tail(let tail)? = tails.reader.read(name, in: place.descriptor, path: place.path) else { return nil }
      if let channel = tail.last?.channel { return channel }
    }
    guard case .message(let file)? = spool.peek(found, limit: limit) else { return nil }
    return file.message.channel ?? ""
  }

  private func look(
    into ledger: any LedgerAudit, _ rows: inout [String: ChannelSurvey.Row], _ now: Date
  ) throws(LedgerFault) {
    for suspension in try ledger.suspensions() {
      rows[suspension.channel, default: .init(suspension.channel, nil)].suspension = suspension
    }
    for row in rows.values {
      guard let channel = row.settings else { continue }
      if channel.daily > 0 {
        let day = LocalTime.day(of: now, in: channel.zone)
        rows[row.channel]?.usedToday = try ledger.counted(row.channel, day: day)
      }
      if channel.price > .zero { rows[row.channel]?.spent = try ledger.spent(channel, at: now) }
    }
    var open: [(sweep: String, channel: String, recipients: Int)] = []
    try ledger.calls(onlyOpen: true) { open.append(($0, $1.channel, $1.members.count)) }
    let alive = Set(open.map(\.sweep)).filter { spool.isAlive(sweep: $0) }
    for call in open where alive.contains(call.sweep) {
      rows[call.channel, default: .init(call.channel, nil)].calls += 1
      rows[call.channel]?.recipients += call.recipients
    }
  }
}
