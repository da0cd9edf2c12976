import Core
import FoundationEssentials
import Ledgers
import Spooling

/// A claimed message, and where it goes from here.
private struct Routed {
  let file: ClaimedFile
  let content: MessageFile
  let route: Route
  /// When its present life began.
  let dropped: Date
  /// Attempts in this life.
  let attempts: Int
}

/// Claimed files become jobs: decoded, deduplicated, routed, and their recipients put where calls are gathered.
extension Sweep {
  func intake(_ claims: [Claim]) {
    isLoaderWaiting = false
    var routed: [Routed] = []
    let now = environment.now()
    for claim in claims {
      switch claim {
      case .left(let name, let notice):
        summary.left += 1
        if leftAlone.count < Sweep.heldLimit { leftAlone.insert(name) }
        window.giveBack(messages: 1, bytes: 0)
        if let notice { environment.observe(.notice(Notice(name.display, notice))) }
      case .invalid(let file, let fault):
        summary.claimed += 1
        settle(file, line(.invalid, fault, nil, dropped: file.modified, attempts: 0, now))
      case .message(let file, let content):
        summary.claimed += 1
        let progress = Progress(content.lines)
        let dropped = progress.dropped ?? file.modified
        let route = router.route(content.message, progress, dropped: dropped, now: now)
        routed.append(
          Routed(file: file, content: content, route: route, dropped: dropped, attempts: progress.attempts))
      }
    }
    let duplicates = duplicates(in: routed, now: now)
    // By index: a copy of all that was read and routed costs more than what is done with it here.
    for index in routed.indices {
      if isStopping {
        hold(routed[index].file)
      } else if duplicates.contains(index) {
        let item = routed[index]
        let message =
          "another message with the id \"\(item.content.message.id ?? "")\" went through this channel before"
        settle(
          item.file,
          line(
            .duplicate, Fault(.message, code: "duplicate", message), item.route.channel, dropped: item.dropped,
            attempts: item.attempts, now))
      } else {
        begin(routed[index], now)
      }
    }
  }

  private func begin(_ item: Routed, _ now: Date) {
    switch item.route {
    case .finish(let state, let fault, let channel):
      if let id = item.content.message.id, let channel {
        pending.settledIds.append(
          SettledIdentifier(channel: channel, id: id, inode: item.file.inode, isFree: state != .unconfirmed))
      }
      settle(item.file, line(state, fault, channel, dropped: item.dropped, attempts: item.attempts, now))
    case .wait(let until, let fault, let channel):
      var line = line(.deferred, fault, channel, dropped: item.dropped, attempts: item.attempts, now)
      line.due = until
      settle(item.file, line)
    case .go(let itinerary):
      let job = Job(item.file, item.content.message, itinerary, dropped: item.dropped)
      inHand[ObjectIdentifier(job)] = job
      for leg in itinerary.legs.indices { board(leg, of: job) }
      // Nobody left to send to: all were accepted before.
      if job.isComplete { finish(job) }
    }
  }

  /// Puts a leg where it belongs now; it may end at once.
  func board(_ index: Int, of job: Job) {
    let leg = job.results[index].leg
    guard let channel = environment.configuration.channels[leg.channel] else {
      return job.end(index, nil, isTried: false)
    }
    if isStopping, !leg.isDecided { return job.end(index, nil, isTried: false) }
    switch leg.start {
    case .decided(let outcome): conclude(outcome, index, of: job, call: nil, channel)
    case .ask(let call): questions.add(call, channel.name, Passenger(job: job, leg: index))
    case .send:
      let end = withRunner(of: channel) { runner -> LegEnd? in
        if let end = runner.end(now: environment.now()) { return end }
        runner.grouper.add(.init(leg.target, leg.content, job.message.priority, Passenger(job: job, leg: index)))
        return nil
      }
      if let end { job.end(index, end.outcome, isTried: false, due: end.due) }
    }
  }

  /// Indices of messages whose id another message has used on the channel.
  private func duplicates(in routed: [Routed], now: Date) -> Set<Int> {
    var indices: [Int] = []
    var claims: [IdentifierClaim] = []
    for index in routed.indices where routed[index].content.message.id != nil {
      let item = routed[index]
      guard let claim = IdentifierClaim(item.content, item.route, inode: item.file.inode, now: now) else { continue }
      indices.append(index)
      claims.append(claim)
    }
    guard !claims.isEmpty else { return [] }
    do throws(LedgerFault) {
      let horizon = now - environment.configuration.deduplicateFor
      let flags = try environment.ledger.claim(claims, newerThan: horizon)
      return Set(zip(indices, flags).filter { $0.1 }.map { $0.0 })
    } catch {
      // Unable to tell duplicates: nothing of this batch may go out.
      stop(for: error)
      return []
    }
  }

  /// The line of a message that took part in no call; the attempts made before still count.
  private func line(
    _ state: MessageState, _ fault: Fault, _ channel: String?, dropped: Date, attempts: Int, _ now: Date
  ) -> HistoryLine {
    let provider = channel.flatMap { environment.configuration.channels[$0]?.card.name }
    return HistoryLine(
      at: now, state: state, sweep: folder.id, channel: channel, provider: provider, attempt: attempts, error: fault,
      dropped: dropped)
  }
}

extension IdentifierClaim {
  /// Nil for a message without an id, or without a channel where it could count.
  init?(_ content: MessageFile, _ route: Route, inode: UInt64, now: Date) {
    guard let id = content.message.id, let channel = route.channel, !route.isInvalid else { return nil }
    self.init(
      channel: channel, id: id, inode: inode, hasHistory: !content.lines.isEmpty,
      isDeferred: content.lines.last?.state == .deferred, now: now)
  }
}

extension Route {
  /// The channel the message belongs to, as far as it has a valid one.
  fileprivate var channel: String? {
    switch self {
    case .finish(_, _, let channel): channel
    case .wait(_, _, let channel): channel
    case .go(let itinerary): itinerary.channel.name
    }
  }

  fileprivate var isInvalid: Bool {
    if case .finish(.invalid, _, _) = self { true } else { false }
  }
}

extension Itinerary.Leg {
  fileprivate var isDecided: Bool {
    if case .decided = start { true } else { false }
  }
}

/// How a leg ends that isn't its turn any more.
struct LegEnd {
  var outcome: Outcome?
  var due: Date?
}

extension ChannelRunner {
  /// On a channel that has stopped, nil otherwise: suspended ones give back, parked ones defer.
  func end(now: Date) -> LegEnd? {
    if suspension != nil { return LegEnd() }
    guard let parkedUntil else { return nil }
    return LegEnd(outcome: parkedOutcome, due: max(parkedUntil, now))
  }
}
