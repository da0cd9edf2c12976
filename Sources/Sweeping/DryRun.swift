import Core
import FoundationEssentials
import Spooling

/// A call that a sweep would make.
package struct PlannedCall: Sendable {
  package var channel: String
  package var provider: String
  package var recipients: Int
  package var messages: Int
}

/// Which calls a sweep would make now: the same routing and grouping, on files that stay where they are. What only the
/// ledger or the provider can tell (duplicates, quotas, pace) is not foreseen.
package struct DryRun {
  private let spool: Spool
  private let configuration: Configuration
  private let selection: Selection
  private let now: Date
  private let visit: (PlannedCall) -> Void
  private var groupers: [String: Grouper<Int>] = [:]
  private var waiting = 0
  private var messages = 0
  package private(set) var summary = SweepSummary()

  /// Recipients gathered at the most, so that a backlog of any size fits.
  private static let window = 1 << 17

  /// - Parameter visit: gets each call, in no particular order of channels.
  package init(
    _ spool: Spool, _ configuration: Configuration, _ selection: Selection, now: Date,
    visit: @escaping (PlannedCall) -> Void
  ) {
    self.spool = spool
    self.configuration = configuration
    self.selection = selection
    self.now = now
    self.visit = visit
  }

  package mutating func run() throws(SystemFault) {
    for folder in [Folder.deferred, .new] {
      var listing = try spool.list(folder)
      while let entry = try listing.next() {
        if messages >= selection.limit ?? .max { break }
        try look(at: entry, in: folder)
      }
    }
    for name in groupers.keys { plan(name, all: true) }
  }

  private mutating func look(at entry: Listing.Entry, in folder: Folder) throws(SystemFault) {
    guard !SpoolLayout.isIgnored(entry.name),
      let status = try? Syscalls.status(of: entry.name, in: spool.descriptor(folder)),
      status.isRegularFile
    else { return }
    if folder == .deferred, status.modified > now { return }
    switch spool.peek(entry.name, in: folder, limit: configuration.maxMessageBytes) {
    case .message(let file)?:
      if let channel = selection.channel, (file.message.channel ?? configuration.defaultChannel) != channel { return }
      messages += 1
      summary.claimed += 1
      route(file, dropped: status.modified)
    case .invalid?:
      if selection.channel != nil { return }
      messages += 1
      summary.claimed += 1
      summary.invalid += 1
    case .unreadable?, .odd?: summary.left += 1
    case nil: return
    }
  }

  private mutating func route(_ file: MessageFile, dropped: Date) {
    let progress = Progress(file.lines)
    switch Router(configuration).route(file.message, progress, dropped: progress.dropped ?? dropped, now: now) {
    case .finish(let state, _, _): summary.count(state)
    case .wait: summary.deferred += 1
    case .go(let itinerary):
      let channel = itinerary.channel
      for leg in itinerary.legs {
        guard case .send = leg.start else { continue }
        groupers[
          leg.channel,
          default: Grouper(capacity: channel.recipientsPerCall, mixedCapacity: channel.mixedRecipientsPerCall)
        ].add(.init(leg.target, leg.content, file.message.priority, messages))
        waiting += 1
      }
      if waiting > DryRun.window {
        for name in groupers.keys { plan(name, all: false) }
      }
    }
  }

  private mutating func plan(_ name: String, all: Bool) {
    guard let channel = configuration.channels[name] else { return }
    if all { groupers[name]?.flush() } else { groupers[name]?.relieve(to: DryRun.window / 4) }
    while let batch = groupers[name]?.next() {
      waiting -= batch.entries.count
      summary.calls += 1
      summary.recipients += batch.entries.count
      visit(
        PlannedCall(
          channel: name, provider: channel.card.name, recipients: batch.entries.count,
          messages: Set(batch.entries.map(\.item)).count))
    }
  }
}
