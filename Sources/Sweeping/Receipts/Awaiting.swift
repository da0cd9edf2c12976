import Core
import FoundationEssentials
import Ledger

/// What an outcome leaves to be awaited: it rides on the outcome's commit. Pure.
enum Awaiting {
  /// Nil where the channel's receipts are off, or nobody is awaited.
  /// - Parameters:
  ///   - batch: who was in the call; all who share a place are awaited by its outcome.
  ///   - outcomes: one for each place.
  static func record(
    of call: Call, _ channel: Channel, _ batch: Batch, _ outcomes: [Outcome], startedAt: Date, at now: Date
  ) -> AwaitedRecord? {
    guard channel.receipts != .off, let provider = channel.receipting, provider.givesReceipts(for: call.content) else {
      return nil
    }
    let ids = Set(outcomes.lazy.filter { $0.state == .accepted }.compactMap(\.id).map(Verbatim.init(_:)))
    // One id for several is the call's.
    let accepted = outcomes.count { $0.state == .accepted }
    let shared = ids.count == 1 && accepted > 1 ? ids.first?.text : nil
    let reference = provider.reference(of: call)
    var recipients: [AwaitedRecord.Recipient] = []
    for (entry, outcome) in zip(batch.entries, outcomes) {
      let isInDoubt = outcome.state == .unconfirmed
      guard outcome.state == .accepted || (isInDoubt && provider.endsDoubt) else { continue }
      // Nobody can ask about, or name, what has no id.
      if outcome.state == .accepted, outcome.id == nil, reference == nil, !provider.endsDoubt {
        continue
      }
      let key = ReceiptKey.of(provider.receiptIdentity(of: entry.target))
      entry.item.forEach { passenger in
        recipients.append(
          .init(
            CallMember(passenger), key: key, id: shared == nil ? outcome.id : nil, readKey: outcome.readKey,
            isInDoubt: isInDoubt))
      }
    }
    guard !recipients.isEmpty else { return nil }
    return record(
      of: call.id, channel, sharedId: shared, reference: reference, recipients, startedAt: startedAt,
      at: now)
  }

  /// Of a call whose sweep died before an answer came.
  static func record(of call: CallRecord, _ channel: Channel, at now: Date) -> AwaitedRecord? {
    guard channel.receipts != .off, let provider = channel.receipting, provider.endsDoubt else { return nil }
    let recipients = call.members.compactMap { member -> AwaitedRecord.Recipient? in
      guard let target = target(of: member, channel) else { return nil }
      return .init(member, key: ReceiptKey.of(provider.receiptIdentity(of: target)), id: nil, isInDoubt: true)
    }
    guard !recipients.isEmpty else { return nil }
    return record(
      of: call.id, channel, sharedId: nil, reference: nil, recipients, startedAt: call.startedAt, at: now)
  }

  /// Whom a member of a call is, by what the configuration says now.
  static func target(of member: CallMember, _ channel: Channel) -> Target? {
    try? channel.target(of: channel.contact(recorded: member.address ?? member.to))
  }

  private static func record(
    of call: String, _ channel: Channel, sharedId: String?, reference: String?,
    _ recipients: [AwaitedRecord.Recipient], startedAt: Date, at now: Date
  ) -> AwaitedRecord {
    let least = channel.asking?.receiptPause ?? 0
    let pause = ReceiptPause.seconds(after: 0, every: channel.receiptEvery, least: least)
    return AwaitedRecord(
      call: call, channel: channel.name, sharedId: sharedId, reference: reference, acceptedAt: startedAt,
      until: now + channel.receiptWait, due: channel.receipts.asks ? now + pause : nil, recipients: recipients)
  }
}
