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
    whole: Bool = false, ofAll: Bool = false, at: Date? = nil
  ) -> ReceiptClaim {
    var claim = ReceiptClaim(
      [name], channels: [channel: to.map { ReceiptKey.of($0) }], news: state.map { ReceiptNews($0, at: at) })
    if whole { claim.wholeChannels = [channel] }
    claim.isOfAll = ofAll
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
    #expect(try ledger.nextReceiptWork(asking: ["sms"]) == nil)
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
    let ofAll = claim(.id("biz"), to: nil, .undelivered, ofAll: true)
    #expect(try ledger.apply([ofAll], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["a": .undelivered, "b": .delivered])
  }

  @Test func whatNamesNobodyCountsWhereThereIsNoChoice() throws {
    // Three of whom two have no id of their own, one of them refused.
    try make(record("c1", [("a", nil), ("b", nil), ("c", "own")], shared: "biz"))
    for name in [ReceiptName.id("biz"), .reference("c1")] {
      #expect(try ledger.apply([claim(name, to: nil, .undelivered)], at: now) == [.noRecipient])
    }
    #expect(try states().isEmpty)
    #expect(try ledger.apply([claim(.id("own"), to: nil)], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["c": .delivered])
    // A call for one alone; and one of which the other was refused, whom the receipt may mean as well.
    try make(record("c2", [("d", nil)]))
    #expect(try ledger.apply([claim(.reference("c2"), to: nil)], at: now) == [.counted(isNews: true)])
    var two = record("c3", [("e", nil), ("f", nil)])
    try make(two)
    two.call = "c4"
    two.recipients.removeLast()
    var group = GroupCommit(now: now)
    group.proposed = [
      ProposedCall(
        id: "c4", sweep: "s", channel: "sms", provider: "p",
        members: ["e", "f"].map { CallMember(file: "file-\($0)", to: $0) }, rate: 0, day: 1, daily: 0,
        dailyPerRecipient: 0, identities: [])
    ]
    _ = try ledger.commit(group)
    var finished = FinishedCall(id: "c4", outcomes: [.accepted(), .rejected(.recipient)])
    finished.awaited = two
    group = GroupCommit(now: now)
    group.finished = [finished]
    _ = try ledger.commit(group)
    #expect(try ledger.apply([claim(.reference("c4"), to: nil)], at: now) == [.noRecipient])
  }

  @Test func anIdThatTwoChannelsGiveIsEachChannelsOwn() throws {
    try make(record("c1", [("a", "7")], channel: "one"))
    try make(record("c2", [("a", nil), ("b", nil)], channel: "two", shared: "7"))
    #expect(try ledger.apply([claim(.id("7"), to: "b", channel: "two")], at: now) == [.counted(isNews: true)])
    #expect(try states("c2") == ["b": .delivered] && states("c1").isEmpty)
    #expect(try ledger.apply([claim(.id("7"), to: "b", channel: "one")], at: now) == [.noRecipient])
  }

  @Test func anIdOfACallIsNotHiddenByOneOfARecipient() throws {
    try make(record("c1", [("a", nil), ("b", nil)], shared: "F"))
    // Deferred then, and accepted alone under the same id.
    try make(record("c2", [("c", "F")]))
    #expect(try ledger.apply([claim(.id("F"), to: "b")], at: now) == [.counted(isNews: true)])
    #expect(try states("c1") == ["b": .delivered] && states("c2").isEmpty)
  }

  @Test func anIdThatComesAgainIsTheNewestCallsThatIsOpen() throws {
    for call in ["c1", "c2", "c3"] {
      try make(record(call, [("a", "F")]))
      if call == "c1" { _ = try ledger.apply([claim(.id("F"), .undelivered)], at: now) }
    }
    #expect(try ledger.apply([claim(.id("F"))], at: now) == [.counted(isNews: true)])
    #expect(try [states("c1"), states("c2"), states("c3")] == [["a": .undelivered], [:], ["a": .delivered]])
    #expect(try ledger.apply([claim(.id("F"), .undelivered)], at: now) == [.counted(isNews: true)])
    #expect(try states("c2") == ["a": .undelivered])
    #expect(try ledger.apply([claim(.id("F"))], at: now) == [.counted(isNews: false)])
  }

  @Test func aReferenceThatIsAnothersCallIsTheProducersAllTheSame() throws {
    try make(record("c1", [("a", nil)], channel: "one"))
    try make(record("c2", [("b", nil)], channel: "one", reference: "c1"))
    #expect(try ledger.apply([claim(.reference("c1"), to: "b", channel: "one")], at: now) == [.counted(isNews: true)])
    #expect(try states("c2") == ["b": .delivered] && states("c1").isEmpty)
  }

  @Test func aReferenceThatIsUsedAgainWaitsForTheAnswerToTheNewerCall() throws {
    try make(record("c1", [("a", nil)], reference: "order"))
    func begin(_ id: String, _ channel: String) throws {
      var group = GroupCommit(now: now)
      var call = ProposedCall(
        id: id, sweep: "s2", channel: channel, provider: "p", members: [CallMember(file: "f", to: "a")], rate: 0,
        day: 1,
        daily: 0, dailyPerRecipient: 0, identities: [])
      call.reference = "order"
      group.proposed = [call]
      _ = try ledger.commit(group)
    }
    // Open: it is the older one's, whatever has begun.
    try begin("c2", "sms")
    try begin("c3", "other")
    #expect(try ledger.apply([claim(.reference("order"), .undelivered)], at: now) == [.counted(isNews: true)])
    #expect(try states() == ["a": .undelivered])
    #expect(try ledger.apply([claim(.reference("order"))], at: now) == [.early(call: "c2", sweep: "s2")])
    #expect(
      try ledger.apply([claim(.reference("order"), channel: "other")], at: now) == [.early(call: "c3", sweep: "s2")])
  }

  @Test func anIdThatStandsForEverythingCostsNoMoreThanItTells() throws {
    var group = GroupCommit(now: now)
    for number in 0...ReceiptChoice.most + 1 {
      var finished = FinishedCall(id: "c\(number)", outcomes: [.accepted(id: "same")])
      finished.awaited = record("c\(number)", [(number == 1 ? "first" : "a", "same")])
      group.finished.append(finished)
    }
    _ = try ledger.commit(group)
    #expect(try ledger.apply([claim(.id("same"))], at: now) == [.counted(isNews: true)])
    #expect(try states("c\(ReceiptChoice.most + 1)") == ["a": .delivered])
    #expect(try ledger.apply([claim(.id("same"), to: "first")], at: now) == [.noRecipient], "it is too far away")
  }

  @Test func aFileIsKnownByTheNameItWasSettledUnder() throws {
    try make(record("c1", [("a", "i1"), ("b", "i2")]))
    var group = GroupCommit(now: now)
    group.renamed = [RenamedFile(calls: ["c1", "unknown"], file: "file-a", name: "file-a~2")]
    _ = try ledger.commit(group)
    #expect(try ledger.awaitedFiles() == ["file-a~2", "file-b"])
    _ = try ledger.apply([claim(.id("i1")), claim(.id("i2"), to: "b")], at: now)
    let untold = try ledger.untold(limit: 10, at: now).sorted { $0.member.file < $1.member.file }
    #expect(untold.map(\.member.file) == ["file-a", "file-b"] && untold.map(\.name) == ["file-a~2", nil])
    try ledger.tell(untold.map(\.key), later: [], at: now)
    _ = try ledger.prune(before: now + 7200)
    try make(record("c2", [("a", "i3")]))
    #expect(try ledger.awaitedFiles() == ["file-a"])
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
    #expect(try ledger.nextReceiptWork(asking: ["sms"]) == now + 60)
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
    try ledger.tell(try ledger.untold(limit: 10, at: now).map(\.key), later: [], at: now)
    // Of a channel that is asked no more nothing is due but the end of its waits.
    #expect(try ledger.nextReceiptWork(asking: ["sms"]) == now + 90)
    #expect(try ledger.nextReceiptWork(asking: []) == now + 3600)
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
