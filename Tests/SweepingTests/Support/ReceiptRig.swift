import Core
import Foundation
import Ledger
import SQLiteLedger
import Spooling
import Synchronization
import TestSupport

@testable import Sweeping

/// A far end that tells later: JSON with `id`, `to` and `state`, or text that begins with `told`, which is no receipt before
/// it ends with a full stop.
struct TellingProvider: WordSpeaking, ReceiptProvider {
  init() {}
  init(_ settings: Settings) throws(SettingFault) {}

  static func recognizes(_ drop: ReceiptDrop) -> Bool { drop.json != nil || drop.body.starts(with: "told".utf8) }

  static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    guard let json = drop.json else {
      let text = String(decoding: drop.body, as: UTF8.self).trimmingCharacters(in: .newlines)
      let words = text.split(separator: " ").map(String.init)
      guard text.hasSuffix("."), words.count > 2 else { return [ReceiptEntry(bad: "has no end", source: drop.body)] }
      return [
        ReceiptEntry(Receipt([.id(words[1])], to: words[2], ReceiptNews(.delivered)), source: drop.body)
      ]
    }
    return (json.array ?? [json]).map { value in
      guard let id = value["id"]?.string else { return ReceiptEntry(bad: "has no id", source: value.bytes) }
      let news = value["state"]?.string.flatMap(ReceiptState.init(rawValue:)).map {
        ReceiptNews($0, reason: value["reason"]?.string)
      }
      return ReceiptEntry(Receipt([.id(id), .reference(id)], to: value["to"]?.string, news), source: value.bytes)
    }
  }

  var endsDoubt: Bool { true }
}

extension Channel {
  /// A channel of which something is heard later.
  static func telling(_ name: String, _ change: (Channel) -> Void = { _ in }) -> Channel {
    let channel = Channel(name, TellingProvider())
    channel.zone = .gmt
    channel.receipts = .drop
    change(channel)
    return channel
  }
}

/// A spool on the disk whose receipts are applied, with a ledger in memory: what calls came to is put there by the test.
final class ReceiptRig {
  let folder: TemporarySpool
  let spool: Spool
  let ledger: SQLiteLedger
  let clock = ManualClock(Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded()))
  let seen = Seen()
  var configuration: Configuration

  init(_ channels: Channel...) throws {
    folder = try TemporarySpool()
    spool = try Spool(folder.path)
    ledger = try Rig.ledger()
    configuration = Configuration()
    for channel in channels { configuration.channels[channel.name] = channel }
    configuration.defaultChannel = channels.first?.name
    try ReceiptFolder.make(folder.path)
  }

  var environment: SweepEnvironment {
    let (clock, seen) = (clock, seen)
    let transport = KeptTransport(SimProcess("one"))
    return SweepEnvironment(
      spool: spool, ledger: ledger, configuration: configuration, transport: { _ in transport }, clock: { clock.now },
      random: { 0.5 }, nonce: { "0" }, observe: { seen.add($0) })
  }

  // MARK: What was sent

  /// A message that was sent to one recipient and settled.
  /// - Parameters:
  ///   - name: what it is called now.
  ///   - file: what it was called in hand, as its call knows it; nil for the same.
  ///   - id: the far end's; nil for none.
  ///   - more: further members of the message.
  func settle(
    _ name: String, in place: String = "done", as file: String? = nil, call: String, to: String, id: String? = nil,
    channel: String = "w", _ state: RecipientState = .accepted, _ more: String = ""
  ) throws {
    let message = #"{"channel":"\#(channel)","to":"\#(to)","body":"for \#(to)"\#(more)}"#
    try settle(message, name, in: place, as: file, call: call, to: to, id: id, channel: channel, state)
  }

  func settle(
    _ message: String, _ name: String, in place: String, as file: String?, call: String, to: String, id: String?,
    channel: String, _ state: RecipientState
  ) throws {
    let line =
      #"{"msgspool":1,"at":"2026-11-22T09:00:00.000Z","state":"\#(ReceiptRig.word(place, state))","channel":"\#(channel)","#
      + #""provider":"word","attempt":1,"calls":["\#(call)"],"results":[{"to":"\#(to)","state":"\#(state.rawValue)"}]}"#
    try Data("\(message)\n\(line)\n".utf8).write(to: URL(filePath: "\(folder.path)/\(place)/\(name)"))
    try make(call, file ?? name, to: to, id: id, channel, isInDoubt: state != .accepted)
  }

  private static func word(_ place: String, _ state: RecipientState) -> String {
    switch place {
    case "deferred": "deferred"
    case "failed": state == .unconfirmed ? "unconfirmed" : "failed"
    default: "done"
    }
  }

  /// A call of one recipient, and what its outcome left to be awaited.
  func make(_ call: String, _ file: String, to: String, id: String?, _ channel: String, isInDoubt: Bool) throws {
    let member = CallMember(file: file, to: to)
    let now = clock.now.date
    var group = GroupCommit(now: now)
    group.proposed = [
      ProposedCall(
        id: call, sweep: "s", channel: channel, provider: "word", members: [member], rate: 0, day: 1, daily: 0,
        dailyPerRecipient: 0, identities: [])
    ]
    _ = try ledger.commit(group)
    group = GroupCommit(now: now)
    var finished = FinishedCall(id: call, outcomes: [isInDoubt ? .unconfirmed() : .accepted(id: id)])
    let wait = configuration.channels[channel]?.receiptWait ?? 3600
    finished.awaited = AwaitedRecord(
      call: call, channel: channel, acceptedAt: now, until: now + wait,
      recipients: [.init(member, key: ReceiptKey.of(to), id: id, isInDoubt: isInDoubt)])
    group.finished = [finished]
    _ = try ledger.commit(group)
  }

  // MARK: What is heard

  /// Drops a receipt as a web server would, or half of it.
  func hear(_ text: String, as name: String, age: Double = 0) throws {
    try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/receipts/new/\(name)"))
    try folder.setModified("receipts/new/\(name)", clock.now.date - age)
  }

  func hear(of id: String, to: String? = nil, _ state: String, _ more: String = "", as name: String) throws {
    let recipient = to.map { #","to":"\#($0)""# } ?? ""
    try hear(#"{"id":"\#(id)"\#(recipient),"state":"\#(state)"\#(more)}"#, as: name)
  }

  /// Applies what is there, as every sweep does.
  func pass() throws { _ = try ReceiptStage(environment, spool, ledger).pass() }

  // MARK: What is where

  func receipts(_ part: String) -> [String] { folder.names(in: "receipts/\(part)") }

  /// What receipts a file tells of: call and state, in order.
  func told(_ file: String) throws -> [String] {
    let bytes = try folder.bytes(file)
    return bytes.withUnsafeBufferPointer { MessageFile.entries(in: $0, limit: 1 << 20) }.flatMap { entry -> [String] in
      guard case .receipt(let line) = entry else { return [] }
      return line.results.map { "\($0.call) \($0.state.rawValue)" }
    }
  }

  func text(_ file: String) throws -> String { String(decoding: try folder.bytes(file), as: UTF8.self) }
}
