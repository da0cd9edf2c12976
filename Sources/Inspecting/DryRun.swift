import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

/// A call that a sweep would make.
package struct PlannedCall: Sendable {
  package var channel: String
  package var provider: String
  package var recipients: Int
  package var messages: Int
  /// What it would cost; zero where its channel has no price.
  package var cost = Money.zero
}

/// Which calls a sweep would make now: the same routing and grouping, on files that stay where they are, with what the
/// ledger knows of ids, daily counts and suspensions. Pace, counts per recipient and the providers' answers are not
/// foreseen.
package struct DryRun {
  private let spool: Spool
  private let configuration: Configuration
  /// Nil where there is none yet.
  private let ledger: (any Ledger)?
  private let selection: Selection
  private let now: Date
  private let visit: (PlannedCall) -> Void
  /// A place in a call is for several messages in a digest.
  private var groupers: [String: Grouper<[Int]>] = [:]
  private var digesters: [String: Digester<Int>] = [:]
  /// Recipients that a channel with a limit may still have today.
  private var left: [String: Int] = [:]
  private var resting: Set<String> = []
  /// What the budget of a channel has left.
  private var budgets: [String: Int] = [:]
  /// What the planned calls would cost, by channel, where that has a price.
  package private(set) var costs: [String: Money] = [:]
  /// Ids met in this run, as far as they can be kept.
  private var ids: Set<Int> = []
  /// Calls' places, by channel, that are for further parts of a text.
  package private(set) var parts: [String: Int] = [:]
  private var waiting = 0
  private var messages = 0
  package private(set) var summary = SweepSummary()

  /// Recipients gathered at the most, so that a backlog of any size fits.
  private static let window = 1 << 17
  private static let mostIds = 1 << 17

  /// - Parameter visit: gets each call, in no particular order of channels.
  package init(
    _ spool: Spool, _ configuration: Configuration, _ ledger: (any Ledger)?, _ selection: Selection, now: Date,
    visit: @escaping (PlannedCall) -> Void
  ) {
    self.spool = spool
    self.configuration = configuration
    self.ledger = ledger
    self.selection = selection
    self.now = now
    self.visit = visit
  }

  package mutating func run() throws(SystemFault) {
    for suspension in (try? ledger?.suspensions()) ?? []
    where suspension.holds(at: now, configurationChanged: configuration.modified) {
      resting.insert(suspension.channel)
    }
    for folder in [Folder.deferred, .new] {
      var listing = try spool.list(folder)
      while let entry = try listing.next() {
        if messages >= selection.limit ?? .max { break }
        try look(at: entry, in: folder)
      }
    }
    for name in names { plan(name, all: true) }
  }

  private var names: [String] { Set(groupers.keys).union(digesters.keys).sorted() }

  private mutating func look(at entry: Listing.Entry, in folder: Folder) throws(SystemFault) {
    guard !SpoolLayout.isIgnored(entry.name),
      let facts = try? FileFacts(of: entry.name, in: spool.descriptor(folder)), facts.isRegular
    else { return }
    if folder == .deferred, facts.modified > now { return }
    guard !ClaimReader.isLeftAlone(facts) else { return summary.left += 1 }
    switch spool.peek(entry.name, in: folder, limit: configuration.maxMessageBytes) {
    case .message(let file)?:
      if let channel = selection.channel, (file.message.channel ?? configuration.defaultChannel) != channel { return }
      messages += 1
      summary.claimed += 1
      route(entry.name, file, facts, from: folder)
    case .invalid(_, let remains)? where remains.mayBeUnfinished(in: folder, facts, now: now): summary.left += 1
    case .invalid?:
      if selection.channel != nil { return }
      messages += 1
      summary.claimed += 1
      summary.invalid += 1
    case .unreadable?, .odd?: summary.left += 1
    case nil: return
    }
  }

  private mutating func route(_ name: FileName, _ file: MessageFile, _ facts: FileFacts, from folder: Folder) {
    let progress = Progress(file.lines, again: file.again)
    let identity = name.identity(inode: facts.inode)
    let dropped = progress.began(
      seen: (try? ledger?.seen([identity]))?[identity], isHandedIn: folder == .new, now: now)
    let route = Router(configuration).route(file.message, progress, dropped: dropped, now: now)
    if isDuplicate(file, route, facts) { return summary.count(.duplicate) }
    switch route {
    case .finish(let state, _, _): summary.count(state)
    case .wait: summary.deferred += 1
    case .go(let itinerary):
      if itinerary.legs.contains(where: { resting.contains($0.channel) }) { summary.left += 1 }
      for leg in itinerary.legs where !resting.contains(leg.channel) {
        guard case .send = leg.start, let channel = configuration.channels[leg.channel] else { continue }
        waiting += 1
        if channel.digest != nil, !leg.goesInParts, DigestRule.admits(file.message) {
          digesters[leg.channel, default: Digester()].add(
            .init(leg.target, leg.content, file.message, since: dropped, name: name.display, messages))
        } else {
          let contents = leg.contents
          waiting += contents.count - 1
          parts[leg.channel, default: 0] += contents.count - 1
          for content in contents { gather(.init(leg.target, content, file.message.priority, [messages]), channel) }
        }
      }
      if waiting > DryRun.window {
        for name in names { plan(name, all: false) }
      }
    }
  }

  private mutating func gather(_ entry: Grouper<[Int]>.Entry, _ channel: Channel) {
    groupers[
      channel.name,
      default: Grouper(capacity: channel.recipientsPerCall, mixedCapacity: channel.mixedRecipientsPerCall)
    ].add(entry)
  }

  private mutating func makeTexts(_ channel: Channel) {
    for members in digesters[channel.name]?.take() ?? [] {
      for text in channel.texts(of: members) {
        guard let lead = text.members.first else { continue }
        waiting -= text.members.count - 1
        gather(.init(lead.target, text.content, .normal, text.members.map(\.item)), channel)
      }
    }
  }

  private mutating func plan(_ name: String, all: Bool) {
    guard let channel = configuration.channels[name] else { return }
    makeTexts(channel)
    if all { groupers[name]?.flush() } else { groupers[name]?.relieve(to: DryRun.window / 4) }
    while var batch = groupers[name]?.next() {
      waiting -= batch.entries.count
      take(from: &batch, channel)
      spend(on: &batch, channel)
      if batch.entries.isEmpty { continue }
      summary.calls += 1
      summary.recipients += batch.entries.count
      var call = PlannedCall(
        channel: name, provider: channel.card.name, recipients: batch.entries.count,
        messages: Set(batch.entries.flatMap(\.item)).count)
      if channel.price > .zero {
        call.cost = batch.entries.reduce(.zero) { $0 + channel.cost(of: $1.content, to: $1.target) }
        costs[name, default: .zero] += call.cost
      }
      visit(call)
    }
  }

  private mutating func isDuplicate(_ file: MessageFile, _ route: Route, _ facts: FileFacts) -> Bool {
    guard let claim = IdentifierClaim(file, route, owner: Owner(file: facts.inode), now: now) else { return false }
    if (try? ledger?.isDuplicate(claim, newerThan: now - configuration.deduplicateFor)) == true { return true }
    // What is kept of an id, which may be long, tells it from others well enough for a forecast.
    let key = [Array(claim.channel.utf8), Array(claim.id.utf8)].hashValue
    return ids.count < DryRun.mostIds ? !ids.insert(key).inserted : ids.contains(key)
  }

  /// Leaves in the batch whom the channel's budget has room for.
  private mutating func spend(on batch: inout Grouper<[Int]>.Batch, _ channel: Channel) {
    guard channel.price > .zero, channel.budget != Budget() else { return }
    var room = budgets[channel.name] ?? budget(of: channel)
    var late: Set<Int> = []
    batch.entries.removeAll { entry in
      let cost = channel.cost(of: entry.content, to: entry.target).micros
      if cost <= room {
        room -= cost
        return false
      }
      late.formUnion(entry.item)
      return true
    }
    budgets[channel.name] = room
    summary.deferred += late.count
  }

  private func budget(of channel: Channel) -> Int {
    let day = LocalTime.day(of: now, in: channel.zone)
    func left(_ limit: Money?, from first: Int) -> Int {
      guard let limit else { return .max }
      return limit.micros - ((try? ledger?.spent(channel.name, from: first, through: day)) ?? 0)
    }
    return min(left(channel.budget.daily, from: day), left(channel.budget.monthly, from: LocalTime.month(of: day)))
  }

  /// Leaves in the batch whom the channel's day has room for.
  private mutating func take(from batch: inout Grouper<[Int]>.Batch, _ channel: Channel) {
    guard channel.daily > 0 else { return }
    let day = LocalTime.day(of: now, in: channel.zone)
    let room = left[channel.name] ?? max(0, channel.daily - ((try? ledger?.counted(channel.name, day: day)) ?? 0))
    let granted = min(room, batch.entries.count)
    left[channel.name] = room - granted
    summary.deferred += Set(batch.entries[granted...].flatMap(\.item)).count
    batch.entries.removeLast(batch.entries.count - granted)
  }
}
