import Core
import FoundationEssentials
import Ledger
import Spooling

/// What receivers need beside what a sweep has: the real disk and ledger, and connections of their own, which can be cut.
package struct ReceivingKit: Sendable {
  package var spool: Spool
  package var ledger: any PersonalLedger
  /// A transport for one receiver, and what ends it at once.
  package var connect: @Sendable (Channel) -> (transport: any Transport, cut: @Sendable () -> Void)

  package init(
    spool: Spool, ledger: any PersonalLedger,
    connect: @escaping @Sendable (Channel) -> (transport: any Transport, cut: @Sendable () -> Void)
  ) {
    self.spool = spool
    self.ledger = ledger
    self.connect = connect
  }

  /// What waits for an allowance of the channel falls due now: the other side has written.
  package func bringForward(_ channel: Channel, limit: Int, now: Date) {
    guard channel.allowing != nil else { return }
    bringForward(channel, limit: limit, now: now) { $0.error?.isOfAllowance == true }
  }

  /// What waits for its echo falls due now: something has come back.
  func bringDoubtsForward(_ channel: Channel, limit: Int, now: Date) {
    bringForward(channel, limit: limit, now: now) { line in
      line.results.contains { $0.state == .unconfirmed && $0.call != nil }
    }
  }

  private func bringForward(_ channel: Channel, limit: Int, now: Date, where waits: (HistoryLine) -> Bool) {
    guard let names = try? spool.names(in: .deferred) else { return }
    while let entry = try? names.next() {
      guard case .message(let file)? = spool.peek(entry.name, in: .deferred, limit: limit), let last = file.lines.last,
        last.channel == channel.name, waits(last), file.message.sendAt ?? now <= now
      else { continue }
      _ = try? spool.setTime(of: entry.name, in: .deferred, to: now)
    }
  }
}

/// What a receiver tells of.
enum ReceiverNews: Sendable {
  /// The other side wrote, which begins a new allowance.
  case word(channel: String, at: Date)
  /// The session is over.
  case lost(channel: String)
}
