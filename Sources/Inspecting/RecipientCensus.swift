import Core
import FoundationEssentials
import Ledger
import Spooling

/// Where one recipient of a message stands, for the sum that holds at any moment (receipts.md).
package enum RecipientStanding: String, Sendable, Hashable, CaseIterable {
  case waiting
  case inDoubt = "in_doubt"
  case rejected, duplicate
  /// By a channel whose receipts are off.
  case accepted
  case awaiting, delivered, undelivered
  case noReceipt = "no_receipt"
}

/// How many recipients stand where: each of them once, so that the sum is exact by construction.
package struct RecipientCounts: Sendable, Hashable {
  package private(set) var dropped = 0
  private var counts: [RecipientStanding: Int] = [:]

  package init() {}

  package subscript(standing: RecipientStanding) -> Int { counts[standing] ?? 0 }

  package mutating func add(_ standing: RecipientStanding, _ count: Int = 1) {
    if count == 0 { return }
    dropped += count
    counts[standing, default: 0] += count
  }
}

/// The recipients of all messages that are in the spool, by what the files say, and the ledger where they do not yet.
///
/// Nothing is locked: a message that moves meanwhile may be counted twice or not at all, and still adds up.
package struct RecipientCensus: Sendable {
  package private(set) var total = RecipientCounts()
  package private(set) var channels: [String: RecipientCounts] = [:]
  private let configuration: Configuration
  private let ledger: (any ReceiptLedger)?
  /// Whether anybody is, or was, awaited at all.
  private let asksLedger: Bool

  package init(
    _ spool: Spool, _ configuration: Configuration, _ ledger: (any LedgerAudit)?
  ) throws(SystemFault) {
    self.configuration = configuration
    self.ledger = ledger as? any ReceiptLedger
    asksLedger = ((try? self.ledger?.receiptTotals()) ?? [:])?.isEmpty == false
    for folder in [Folder.new, .cur, .deferred, .hold, .done, .failed] where !spool.closed.contains(folder) {
      var calls: (sweep: String, known: [String: [AwaitedMember: Call]])?
      var walk = try Walk(folder, of: spool)
      while let found = try walk.next() {
        if found.isOdd { continue }
        guard case .message(let file)? = spool.peek(found, limit: configuration.maxMessageBytes) else { continue }
        if let sweep = found.place.sweep, calls?.sweep != sweep {
          calls = (sweep, RecipientCensus.calls(of: sweep, ledger))
        }
        count(file, found.name, in: folder, calls?.known[found.name.display] ?? [:], spool)
      }
    }
  }

  /// The newest call of a recipient whose message is in hand.
  private struct Call {
    var id: String
    /// Nil while it is open.
    var outcome: Outcome?
    var member: AwaitedMember
  }

  /// What a sweep's calls say of the files that it has in hand: nil while they are open.
  private static func calls(
    of sweep: String, _ ledger: (any LedgerAudit)?
  ) -> [String: [AwaitedMember: Call]] {
    var known: [String: [AwaitedMember: Call]] = [:]
    try? ledger?.calls(ofSweep: sweep) { call in
      for (index, member) in call.members.enumerated() {
        let outcome = call.outcomes.flatMap { $0.indices.contains(index) ? $0[index] : nil }
        known[member.file, default: [:]][AwaitedMember(to: member.to, address: nil)] = Call(
          id: call.id, outcome: outcome, member: AwaitedMember(member))
      }
    }
    return known
  }

  private mutating func count(
    _ file: MessageFile, _ fileName: FileName, in folder: Folder, _ calls: [AwaitedMember: Call], _ spool: Spool
  ) {
    // What is no message has no recipients.
    if file.lines.last?.state == .invalid, folder == .failed { return }
    let name = file.message.channel ?? configuration.defaultChannel ?? ""
    let standings = Standing.all(file.entries)
    let left = Progress(file.lines, again: file.again).results
    var known = Ledgered(ledger: asksLedger ? ledger : nil)
    for to in recipients(of: file.message, name, standings) {
      let own = standings[to] ?? []
      // By a leg of its own it counts there.
      if own.contains(where: { $0.receipt?.leg != nil || hasUntoldLeg($0, fileName, name, &known, spool) }) { continue }
      let standing: RecipientStanding
      if file.lines.last?.state == .duplicate {
        standing = .duplicate
      } else if folder == .done || folder == .failed {
        standing = settled(own, in: folder, &known)
      } else if let call = calls[AwaitedMember(to: to.text, address: nil)] {
        standing = inHand(call)
      } else {
        standing = waiting(left[to] ?? [], own, &known)
      }
      total.add(standing)
      channels[name, default: RecipientCounts()].add(standing)
    }
  }

  /// Whether it goes on by a leg that its file does not tell of yet: between the leg's drop and that line.
  private func hasUntoldLeg(
    _ standing: Standing, _ file: FileName, _ channel: String, _ known: inout Ledgered, _ spool: Spool
  ) -> Bool {
    guard let ledger, standing.receipt == nil, configuration.channels[channel]?.fallbackOn.isEmpty == false,
      known.state(of: standing).map({ [.undelivered, .noReceipt].contains($0) }) == true
    else { return false }
    return standing.calls.contains { call in
      // The calls know the file by the name that it had in hand.
      let legs = file.family.lazy.compactMap { name in
        (try? ledger.leg(of: name.display, to: standing.result.to, call: call)) ?? nil
      }
      guard let leg = legs.first else { return false }
      let found = (try? spool.find(FileName(display: leg), in: Folder.allCases))?.found ?? []
      return found.contains { $0.place.folder != .tmp }
    }
  }

  /// Everybody whom the message names, and whom its history knows: each once.
  private func recipients(
    of message: Message, _ channel: String, _ standings: [Verbatim: [Standing]]
  ) -> [Verbatim] {
    var all: [Verbatim] = []
    var seen: Set<Verbatim> = []
    let channel = configuration.channels[channel]
    for word in channel?.words(of: message) ?? message.to ?? [""] {
      for contact in channel?.contacts(of: word) ?? [Contact(word)] {
        let identity = (try? channel?.provider.target(contact.address).identity) ?? contact.address
        if seen.insert(Verbatim(identity)).inserted { all.append(Verbatim(contact.shown)) }
      }
    }
    // The address book has changed since.
    let named = Set(all)
    if standings.keys.contains(where: { !named.contains($0) }), named.isDisjoint(with: standings.keys) {
      return Array(standings.keys)
    }
    return all
  }

  private func settled(
    _ standings: [Standing], in folder: Folder, _ known: inout Ledgered
  ) -> RecipientStanding {
    if standings.isEmpty { return folder == .done ? .accepted : .rejected }
    return RecipientCensus.worst(standings.map { standing in word(standing, &known) })
  }

  /// In new/, deferred/, hold/ or cur/: what still counts of what is known.
  private func waiting(
    _ left: [HistoryLine.Result], _ standings: [Standing], _ known: inout Ledgered
  ) -> RecipientStanding {
    if left.isEmpty { return .waiting }
    let kept = standings.filter { standing in left.contains { $0 == standing.result } }
    return kept.isEmpty ? .waiting : RecipientCensus.worst(kept.map { word($0, &known) })
  }

  private func inHand(_ call: Call) -> RecipientStanding {
    switch call.outcome?.state {
    case nil, .unconfirmed?: return .inDoubt
    case .accepted?:
      let known = asksLedger ? (try? ledger?.awaited(ofCall: call.id)) ?? [:] : [:]
      guard let known = known[call.member] else { return .accepted }
      return RecipientCensus.standing(known.state) ?? .awaiting
    case .deferred?: return .waiting
    case .rejected?: return .rejected
    }
  }

  private func word(_ standing: Standing, _ known: inout Ledgered) -> RecipientStanding {
    switch standing.result.state {
    case .deferred: return .waiting
    case .rejected: return .rejected
    case .unconfirmed: return .inDoubt
    case .accepted: break
    }
    return RecipientCensus.standing(standing.receipt?.state ?? known.state(of: standing))
      ?? (known.isAwaited(standing) ? .awaiting : .accepted)
  }

  /// Nil while nobody has told.
  private static func standing(_ state: ReceiptState?) -> RecipientStanding? {
    switch state?.counted {
    case .delivered?: .delivered
    case .undelivered?: .undelivered
    case .noReceipt?: .noReceipt
    default: nil
    }
  }

  /// Of several ways to one recipient that of which most is still to come counts.
  private static func worst(_ words: [RecipientStanding]) -> RecipientStanding {
    let order: [RecipientStanding] = [
      .waiting, .inDoubt, .awaiting, .rejected, .undelivered, .noReceipt, .accepted, .delivered, .duplicate,
    ]
    return order.first { words.contains($0) } ?? .waiting
  }

  /// What the ledger knows of one message's recipients, asked once a call.
  private struct Ledgered {
    let ledger: (any ReceiptLedger)?
    private var calls: [String: [AwaitedMember: KnownReceipt]] = [:]

    init(ledger: (any ReceiptLedger)?) { self.ledger = ledger }

    /// By the first call that knows it; of a text in several parts by all of them, as each part has one of its own.
    private mutating func known(_ standing: Standing) -> [KnownReceipt] {
      guard let ledger else { return [] }
      let member = AwaitedMember(to: standing.result.to, address: standing.result.address)
      var all: [KnownReceipt] = []
      for call in [standing.result.call].compactMap({ $0 }) + standing.calls {
        let recipients = calls[call] ?? (try? ledger.awaited(ofCall: call)) ?? [:]
        calls[call] = recipients
        guard let known = recipients[member] else { continue }
        if standing.result.parts.count < 2 { return [known] }
        all.append(known)
      }
      return all
    }

    mutating func state(of standing: Standing) -> ReceiptState? { Standing.whole(known(standing).map(\.state)) }
    mutating func isAwaited(_ standing: Standing) -> Bool { known(standing).contains { $0.state == nil } }
  }
}
