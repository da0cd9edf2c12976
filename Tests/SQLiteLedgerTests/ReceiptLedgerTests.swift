import Core
import FoundationEssentials
import Ledger
import SQLiteLedger
import TestSupport
import Testing

private let now = moment("2026-11-22T09:00:00Z")

@Suite("What is awaited, and what became of it") struct ReceiptLedgerTests {
  private let folder: ScratchFolder
  private let ledger: SQLiteLedger

  init() throws {
    folder = try ScratchFolder()
    ledger = try SQLiteLedger(folder.path("ledger.db"), now: now, generation: "g")
  }

  // MARK: Builders

  private func record(
    _ call: String = "c1", _ recipients: [(to: String, id: String?)] = [("a", "i1")], channel: String = "sms",
    shared: String? = nil, reference: String? = nil, inDoubt: Bool = false, until: Date = now + 3600, due: Date? = nil
  ) -> AwaitedRecord {
    AwaitedRecord(
      call: call, channel: channel, sharedId: shared, reference: reference, acceptedAt: now, until: until, due: due,
      recipients: recipients.map {
        .init(CallMember(file: "file-\($0.to)", to: $0.to), key: ReceiptKey.of($0.to), id: $0.id, isInDoubt: inDoubt)
      })
  }

  /// A call that was made and answered.
  private func make(_ record: AwaitedRecord, outcomes: [Outcome]? = nil) throws {
    var group = GroupCommit(now: now)
    group.proposed = [
      ProposedCall(
        id: record.call, sweep: "s", channel: record.channel, provider: "p", members: record.recipients.map(\.member),
        rate: 0, day: 1, daily: 0, dailyPerRecipient: 0, identities: [])
    ]
    _ = try ledger.commit(group)
    group = GroupCommit(now: now)
    var finished = FinishedCall(
      id: record.call, outcomes: outcomes ?? record.recipients.map { .accepted(id: $0.id) })
    finished.awaited = record
    group.finished = [finished]
    _ = try ledger.commit(group)
  }

  private func claim(
    _ name: ReceiptName, to: String? = "a", channel: String = "sms", _ state: ReceiptState? = .delivered,
    whole: Bool = false, at: Date? = nil
  ) -> ReceiptClaim {
    var claim = ReceiptClaim(
      [name], channels: [channel: to.map { ReceiptKey.of($0) }], news: state.map { ReceiptNews($0, at: at) })
    if whole { claim.wholeChannels = [channel] }
    return claim
  }

  private func states(_ call: String = "c1") throws -> [String: ReceiptState] {
    try ledger.awaited(ofCall: call).reduce(into: [:]) { $0[$1.key.to.text] = $1.value.state }
  }

  // MARK: -

  @Test func aSpoolWithoutReceiptsHasNoTablesOfThem() throws {
    try make(record("c1", []))
    #expect(try ledger.apply([claim(.id("i1"))], at: now) == [.noCall])
    #expect(try ledger.untold(limit: 10, at: now).isEmpty && ledger.receiptTotals().isEmpty)
    #expect(try ledger.nextReceiptWork() == nil)
  }

  @Test func aReceiptCountsOnceAndTheFirstStands() throws {
    try make(record())
    #expect(try ledger.apply([claim(.id("i1"))], at: now) == [.counted(isNews: true)])
    #expect(try ledger.apply([claim(.id("i1"))], at: now) == [.counted(isNews: false)])
    #expect(try ledger.apply([claim(.id("i1"), .undelivered)], at: now) == [.counted(isNews: false)])
    #expect(try states() == ["a": .delivered])
    #expect(try ledger.receiptTotals()["sms"]?.counts == [.delivered: 1])
  }

  @Test func idsAreTextAndLeadingZerosCount() throws {
    try make(record("c1", [("a", "007"), ("b", "7")]))
    #expect(try ledger.apply([claim(.id("7"), to: "b", .undelivered)], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["b": .undelivered])
  }

  @Test func itNamesItsCallAndARecipientOfItOnItsOwnChannel() throws {
    try make(record())
    #expect(try ledger.apply([claim(.id("other"))], at: now) == [.noCall])
    #expect(try ledger.apply([claim(.id("i1"), to: "somebody else")], at: now) == [.noRecipient])
    #expect(try ledger.apply([claim(.id("i1"), channel: "another account")], at: now) == [.noCall])
    #expect(try states().isEmpty)
  }

  @Test func theCallsIdSpeaksOfEverybodyAndOfTheOneItNames() throws {
    try make(record("c1", [("a", nil), ("b", nil)], shared: "biz"))
    #expect(try ledger.apply([claim(.id("biz"), to: "b")], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["b": .delivered])
    #expect(try ledger.apply([claim(.id("biz"), to: nil, .undelivered)], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["a": .undelivered, "b": .delivered])
  }

  @Test func aReferenceOfTheProducersOwnIsKnownBeforeTheCall() throws {
    var group = GroupCommit(now: now)
    var call = ProposedCall(
      id: "c1", sweep: "s", channel: "sms", provider: "p", members: [CallMember(file: "f", to: "a")], rate: 0, day: 1,
      daily: 0, dailyPerRecipient: 0, identities: [])
    call.reference = "order-1"
    group.proposed = [call]
    _ = try ledger.commit(group)
    #expect(try ledger.apply([claim(.reference("order-1"))], at: now) == [.early(call: "c1", sweep: "s")])
    #expect(try ledger.apply([claim(.reference("c1"))], at: now) == [.early(call: "c1", sweep: "s")])
    group = GroupCommit(now: now)
    var finished = FinishedCall(id: "c1", outcomes: [.accepted(id: "i1")])
    finished.awaited = record(reference: "order-1")
    group.finished = [finished]
    _ = try ledger.commit(group)
    #expect(try ledger.apply([claim(.reference("order-1"))], at: now) == [.counted(isNews: true)])
  }

  @Test func aReceiptEndsDoubtOfTheOneItNamesOrOfTheWholeCall() throws {
    try make(record("c1", [("a", nil), ("b", nil)], inDoubt: true), outcomes: [.unconfirmed(), .unconfirmed()])
    #expect(try ledger.apply([claim(.reference("c1"), nil)], at: now) == [.counted(isNews: true)])
    #expect(try ledger.untold(limit: 10, at: now).map(\.member.to) == ["a"])
    #expect(try ledger.apply([claim(.reference("c1"), nil, whole: true)], at: now) == [.counted(isNews: true)])
    let untold = try ledger.untold(limit: 10, at: now)
    #expect(Set(untold.map(\.member.to)) == ["a", "b"] && untold.allSatisfy { $0.endsDoubt && $0.news == nil })
    try ledger.tell(untold.map(\.key), later: [], at: now)
    #expect(try ledger.untold(limit: 10, at: now).isEmpty)
    #expect(try ledger.receiptTotals()["sms"]?.awaited == 2)
  }

  @Test func whatIsToBeToldStaysSoUntilItIs() throws {
    try make(record())
    _ = try ledger.apply([claim(.id("i1"))], at: now)
    let untold = try ledger.untold(limit: 10, at: now)
    #expect(untold.map(\.call) == ["c1"] && untold[0].news?.state == .delivered)
    try ledger.tell([], later: untold.map(\.key), at: now + 60)
    #expect(try ledger.untold(limit: 10, at: now).isEmpty)
    #expect(try ledger.nextReceiptWork() == now + 60)
    #expect(try ledger.untold(limit: 10, at: now + 60).count == 1)
  }

  @Test func waitsEndAndWhatComesLaterStillCounts() throws {
    try make(record("c1", [("a", "i1"), ("b", "i2")], until: now + 10))
    #expect(try ledger.endWaits(limit: 10, at: now) == 0)
    _ = try ledger.apply([claim(.id("i1"))], at: now)
    #expect(try ledger.endWaits(limit: 10, at: now + 10) == 1)
    #expect(try states() == ["a": .delivered, "b": .noReceipt])
    #expect(try ledger.apply([claim(.id("i2"), to: "b", .undelivered)], at: now + 20) == [.counted(isNews: true)])
    #expect(try states()["b"] == .undelivered)
  }

  @Test func onlyCallsThatAreOpenAndDueAreAskedAbout() throws {
    try make(record("c1", [("a", "i1"), ("b", "i2")], due: now + 30))
    try make(record("c2", [("a", "i3")], due: now + 40))
    try make(record("c3", [("a", "i4")]))
    #expect(try ledger.due("sms", limit: 10, at: now).isEmpty)
    _ = try ledger.apply([claim(.id("i1"))], at: now)
    let due = try ledger.due("sms", limit: 10, at: now + 60)
    #expect(due.map(\.call) == ["c1", "c2"])
    #expect(due[0].recipients.map(\.member.to) == ["b"])
    try ledger.asked([("c1", now + 90), ("c2", now + 90)])
    #expect(try ledger.due("sms", limit: 10, at: now + 60).isEmpty)
    _ = try ledger.apply([claim(.id("i2"), to: "b")], at: now)
    #expect(try ledger.due("sms", limit: 10, at: now + 90).map(\.call) == ["c2"])
  }

  @Test func filesOfWhichSomebodyIsAwaitedAreKnownAndRowsStayUntilTheyAreTold() throws {
    try make(record("c1", [("a", "i1")]))
    #expect(try ledger.awaitedFiles() == ["file-a"])
    _ = try ledger.apply([claim(.id("i1"))], at: now)
    #expect(try ledger.awaitedFiles() == ["file-a"])
    try ledger.tell(try ledger.untold(limit: 10, at: now).map(\.key), later: [], at: now)
    #expect(try ledger.awaitedFiles().isEmpty)
    _ = try ledger.prune(before: now)
    #expect(try states() == ["a": .delivered])
    _ = try ledger.prune(before: now + 7200)
    #expect(try states().isEmpty)
  }

  @Test func secondsFromAcceptedToDeliveredAreCounted() throws {
    try make(record("c1", [("a", "i1"), ("b", "i2")]))
    _ = try ledger.apply(
      [claim(.id("i1"), at: now + 4), claim(.id("i2"), to: "b", .undelivered)], at: now + 60)
    let totals = try #require(try ledger.receiptTotals()["sms"])
    #expect(totals.counts == [.delivered: 1, .undelivered: 1] && totals.awaited == 0)
    #expect(totals.classes[ReceiptSeconds.index(4)] == 1 && totals.seconds == 4)
    let recent = try #require(try ledger.receipts(since: now)["sms"])
    #expect(recent.seconds == [4] && recent.counts == [.delivered: 1, .undelivered: 1])
    #expect(try ledger.receipts(since: now + 61).isEmpty)
  }
}
