import Core
import FoundationEssentials
import Ledger
import Spooling

/// Claimed files become messages in hand: history read, routed, duplicates told. What needs no call is settled here.
final class Intake {
  /// A claimed message, and where it goes from here.
  private struct Routed {
    let file: ClaimedFile
    let content: MessageFile
    let route: Route
    /// When its present life began, and its first.
    let dropped: Date
    let born: Date
    /// Attempts in this life.
    let attempts: Int
  }

  private let environment: SweepEnvironment
  private let sweep: String
  private let hand: Hand
  private let recorder: Recorder
  private let tally: Tally
  private var configuration: Configuration
  private var isStopping = false

  init(_ environment: SweepEnvironment, sweep: String, _ hand: Hand, _ recorder: Recorder, _ tally: Tally) {
    self.environment = environment
    self.sweep = sweep
    self.hand = hand
    self.recorder = recorder
    self.tally = tally
    configuration = environment.configuration
  }

  func reload(_ new: Configuration) { configuration = new }

  /// From now on what was claimed goes back unchanged.
  func stop() { isStopping = true }

  /// - Throws: when nobody can tell duplicates; then nothing of it was taken in, and it goes back.
  func take(_ claims: [Claim]) throws(LedgerFault) {
    let now = environment.now()
    tally.summary.claimed += claims.count
    let seen = seen(in: claims)
    var routed: [Routed] = []
    for claim in claims {
      switch claim {
      // The source keeps these.
      case .left: break
      case .invalid(let file, let fault):
        let dropped = seen[file.identity] ?? now
        settle(file, line(.invalid, fault, nil, dropped: dropped, attempts: 0, now), share: "", dropped)
      case .message(let file, let content): routed.append(route(file, content, seen[file.identity], now))
      }
    }
    let duplicates: Set<Int>
    do throws(LedgerFault) {
      duplicates = isStopping ? [] : try self.duplicates(in: routed, now: now)
    } catch {
      isStopping = true
      for item in routed { giveBack(item) }
      throw error
    }
    // By index: a copy of all that was read and routed costs more than what is done with it here.
    for index in routed.indices {
      if isStopping {
        giveBack(routed[index])
      } else if duplicates.contains(index) {
        settleDuplicate(routed[index], now)
      } else {
        begin(routed[index], now)
      }
    }
  }

  /// When those were first seen that went back to new/ since.
  private func seen(in claims: [Claim]) -> [UInt64: Date] {
    let files = claims.compactMap { claim -> UInt64? in
      switch claim {
      case .message(let file, _), .invalid(let file, _): file.identity
      case .left: nil
      }
    }
    let seen = (try? environment.ledger.seen(files)) ?? [:]
    recorder.remember(seen.keys)
    return seen
  }

  private func route(_ file: ClaimedFile, _ content: MessageFile, _ seen: Date?, _ now: Date) -> Routed {
    let progress = Progress(content.lines, again: content.again)
    let dropped = progress.began(seen: seen, isHandedIn: file.origin == .new, now: now)
    let route = hand.router.route(
      content.message, progress, dropped: dropped, now: now, stretch: environment.stretch)
    return Routed(
      file: file, content: content, route: route, dropped: dropped, born: progress.born ?? dropped,
      attempts: progress.attempts)
  }

  private func begin(_ item: Routed, _ now: Date) {
    switch item.route {
    case .finish(let state, let fault, let channel):
      if let id = item.content.message.id, let channel {
        recorder.note(
          SettledIdentifier(channel: channel, id: id, owner: item.file.owner, isFree: state != .unconfirmed))
      }
      settle(item, line(state, fault, channel, item, now))
    case .wait(let until, let fault, let channel):
      var line = line(.deferred, fault, channel, item, now)
      line.due = until
      settle(item, line)
    case .go(let itinerary):
      // Of what goes in parts, nothing goes that could not go whole.
      if let fault = AttachmentWeight.fault(of: itinerary) {
        let channel = itinerary.channel.name
        if let id = item.content.message.id {
          recorder.note(SettledIdentifier(channel: channel, id: id, owner: Owner(file: item.file.inode), isFree: true))
        }
        return settle(item, line(.invalid, fault, channel, item, now))
      }
      hand.take(
        Job(item.file, item.content, itinerary, dropped: item.dropped, born: item.born, share: share(of: item)))
    }
  }

  private func settleDuplicate(_ item: Routed, _ now: Date) {
    let message = "another message with the id \"\(item.content.message.id ?? "")\" went through this channel before"
    settle(
      item, line(.duplicate, Fault(.message, code: "duplicate", message), item.route.channel, item, now))
  }

  private func giveBack(_ item: Routed) { settle(item, nil) }

  private func settle(_ item: Routed, _ line: HistoryLine?) {
    recorder.noteFailure(line, of: item.file, id: item.content.message.id)
    settle(item.file, line, share: share(of: item), item.dropped)
  }

  private func settle(_ file: ClaimedFile, _ line: HistoryLine?, share: String, _ dropped: Date) {
    recorder.settle(file, line, share: share, dropped: dropped)
  }

  /// As the source counted it.
  private func share(of item: Routed) -> String { item.content.message.channel ?? configuration.defaultChannel ?? "" }

  /// Indices of messages whose id another message has used on the channel.
  private func duplicates(in routed: [Routed], now: Date) throws(LedgerFault) -> Set<Int> {
    var indices: [Int] = []
    var claims: [IdentifierClaim] = []
    for index in routed.indices where routed[index].content.message.id != nil {
      let item = routed[index]
      guard let claim = IdentifierClaim(item.content, item.route, owner: item.file.owner, now: now) else { continue }
      indices.append(index)
      claims.append(claim)
    }
    guard !claims.isEmpty else { return [] }
    let flags = try environment.ledger.claim(claims, newerThan: now - configuration.deduplicateFor)
    return Set(zip(indices, flags).filter { $0.1 }.map { $0.0 })
  }

  /// The line of a message that took part in no call; the attempts made before still count.
  private func line(
    _ state: MessageState, _ fault: Fault, _ channel: String?, _ item: Routed, _ now: Date
  ) -> HistoryLine {
    line(state, fault, channel, dropped: item.dropped, attempts: item.attempts, now)
  }

  private func line(
    _ state: MessageState, _ fault: Fault, _ channel: String?, dropped: Date, attempts: Int, _ now: Date
  ) -> HistoryLine {
    let provider = channel.flatMap { configuration.channels[$0]?.card.name }
    return HistoryLine(
      at: now, state: state, sweep: sweep, channel: channel, provider: provider, attempt: attempts, error: fault,
      dropped: dropped)
  }
}

extension ClaimedFile {
  var owner: Owner { Owner(file: inode) }
}

extension IdentifierClaim {
  /// Nil for a message without an id, or without a channel where it could count.
  package init?(_ content: MessageFile, _ route: Route, owner: Owner, now: Date) {
    guard let id = content.message.id, let channel = route.channel, !route.isInvalid else { return nil }
    self.init(
      channel: channel, id: id, owner: owner, hasHistory: !content.lines.isEmpty,
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
