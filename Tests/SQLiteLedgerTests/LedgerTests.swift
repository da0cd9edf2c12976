import Core
import FoundationEssentials
import Ledger
import SQLiteLedger
import TestSupport
import Testing

/// A kind of ledger, and how to get one of one's own: what every conforming type is held to, each test runs on all.
struct LedgerKind: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var make: @Sendable () throws -> LedgerBench

  static let all = [
    LedgerKind(testDescription: "SQLite") {
      let folder = try ScratchFolder()
      return try LedgerBench { try SQLiteLedger(folder.path("ledger.db"), now: now, generation: "g\($0)") }
    }
  ]
}

/// One ledger, and further connections to it as other sweepers have them.
struct LedgerBench {
  let ledger: any Ledger
  private let connect: (Int) throws -> any Ledger

  init(_ connect: @escaping (Int) throws -> any Ledger) throws {
    self.connect = connect
    ledger = try connect(1)
  }

  func another() throws -> any Ledger { try connect(2) }
}

private let now = moment("2026-11-22T09:00:00Z")

// MARK: - Builders

private func proposal(
  _ id: String, to: [String] = ["a"], channel: String = "plain", sweep: String = "sweep-1", rate: Double = 0,
  day: Int = 20_000, daily: Int = 0, each: Int = 0, file: String = "file"
) -> ProposedCall {
  ProposedCall(
    id: id, sweep: sweep, channel: channel, provider: "plain", members: to.map { CallMember(file: file, to: $0) },
    rate: rate, day: day, daily: daily, dailyPerRecipient: each, identities: each > 0 ? to : [])
}

private func back(_ recipients: Int, _ identities: [String] = [], day: Int = 20_000) -> FinishedCall.Uncounted {
  .init(channel: "plain", day: day, recipients: recipients, identities: identities)
}

private func owner(
  _ inode: UInt64, id: String = "id-1", channel: String = "plain", hasHistory: Bool = false, isDeferred: Bool = false,
  now: Date = now
) -> IdentifierClaim {
  IdentifierClaim(
    channel: channel, id: id, owner: Owner(file: inode), hasHistory: hasHistory, isDeferred: isDeferred, now: now)
}

extension Ledger {
  fileprivate func commit(at time: Date = now, _ fill: (inout GroupCommit) -> Void) throws(LedgerFault) -> [Admission] {
    var group = GroupCommit(now: time)
    fill(&group)
    return try commit(group)
  }

  @discardableResult
  fileprivate func propose(_ calls: ProposedCall..., at time: Date = now) throws(LedgerFault) -> [Admission] {
    try commit(at: time) { $0.proposed = calls }
  }

  fileprivate func finish(
    _ id: String, _ outcomes: [Outcome], at time: Date = now, uncounted: FinishedCall.Uncounted? = nil
  ) throws(LedgerFault) {
    _ = try commit(at: time) { $0.finished = [FinishedCall(id: id, outcomes: outcomes, uncounted: uncounted)] }
  }

  fileprivate func settle(_ inode: UInt64, isFree: Bool, id: String = "id-1") throws(LedgerFault) {
    _ = try commit {
      $0.settledIds = [SettledIdentifier(channel: "plain", id: id, owner: Owner(file: inode), isFree: isFree)]
    }
  }

  fileprivate func isDuplicate(_ claim: IdentifierClaim, window: Double = 3600) throws(LedgerFault) -> Bool {
    try self.claim([claim], newerThan: claim.now - window)[0]
  }

  fileprivate func calls(of sweep: String = "sweep-1") throws(LedgerFault) -> [CallRecord] {
    var records: [CallRecord] = []
    try calls(ofSweep: sweep) { records.append($0) }
    return records
  }
}

// MARK: - The suite

@Suite struct LedgerTests {
  // MARK: Itself

  @Test(arguments: LedgerKind.all) func itIsTheSameLedgerToEverybodyAndEveryTime(kind: LedgerKind) throws {
    let bench = try kind.make()
    let other = try bench.another()
    #expect(bench.ledger.generation == "g1" && other.generation == "g1")
    #expect(bench.ledger.createdAt == now && other.createdAt == now)
  }

  // MARK: Calls

  @Test(arguments: LedgerKind.all) func anIntentIsThereForEverybodyBeforeItsOutcome(kind: LedgerKind) throws {
    let bench = try kind.make()
    #expect(try bench.ledger.propose(proposal("c1", to: ["a", "b"])) == [.start(without: [])])
    let record = try #require(try bench.another().call("c1"))
    #expect(record.id == "c1" && record.channel == "plain" && record.provider == "plain" && record.startedAt == now)
    #expect(record.members == [CallMember(file: "file", to: "a"), CallMember(file: "file", to: "b")])
    #expect(record.outcomes == nil)
  }

  @Test(arguments: LedgerKind.all) func outcomesComeBackAsTheyWere(kind: LedgerKind) throws {
    let bench = try kind.make()
    let outcomes: [Outcome] = [
      .accepted(), .accepted(id: "m-1"), .accepted(id: ""),
      .rejected(.recipient, code: "21211", reason: "\"no\"\n\u{0}"),
      .deferred(.throttled, code: nil, reason: nil, retryAfter: 1.5, attempts: 3), .unconfirmed(code: "timeout"),
    ]
    _ = try bench.ledger.propose(proposal("c1", to: ["a", "b", "c", "d", "e", "f"]))
    try bench.ledger.finish("c1", outcomes)
    #expect(try bench.another().call("c1")?.outcomes == outcomes)
  }

  @Test(arguments: LedgerKind.all) func manyEqualOutcomesComeBackForEach(kind: LedgerKind) throws {
    let bench = try kind.make()
    let everybody = (0..<1000).map { "r\($0)" }
    _ = try bench.ledger.propose(proposal("c1", to: everybody))
    try bench.ledger.finish("c1", Array(repeating: .accepted(id: "batch"), count: 1000))
    let record = try #require(try bench.ledger.call("c1"))
    #expect(record.members.map(\.to) == everybody)
    #expect(record.outcomes == Array(repeating: .accepted(id: "batch"), count: 1000))
  }

  @Test(arguments: LedgerKind.all) func aSweepsCallsComeInTheirOrderAndNobodyElses(kind: LedgerKind) throws {
    let bench = try kind.make()
    _ = try bench.ledger.propose(proposal("z"), proposal("a"), proposal("o", sweep: "sweep-2"))
    _ = try bench.ledger.propose(proposal("m"))
    try bench.ledger.finish("a", [.accepted()])
    let records = try bench.ledger.calls()
    #expect(records.map(\.id) == ["z", "a", "m"])
    #expect(records.map { $0.outcomes != nil } == [false, true, false])
    #expect(try bench.ledger.calls(of: "sweep").isEmpty)
  }

  @Test(arguments: LedgerKind.all) func filesAndRecipientsOfAnyNameComeBackByteForByte(kind: LedgerKind) throws {
    let bench = try kind.make()
    let members = [
      CallMember(file: "\u{E9}", to: "a"), CallMember(file: "e\u{301}", to: "a"), CallMember(file: "e\u{301}", to: "b"),
      CallMember(file: "", to: ""), CallMember(file: "\\x0a\"", to: "\u{0}'; DROP TABLE calls; --"),
      CallMember(file: "f", to: "a", address: "+1"), CallMember(file: "f", to: "a", address: ""),
      CallMember(file: "f", to: "[\"a\",\"b\"]"),
    ]
    var call = proposal("c1")
    call.members = members
    _ = try bench.ledger.propose(call)
    let back = try #require(try bench.ledger.call("c1")).members
    #expect(back == members)
    #expect(back.map { Array($0.file.utf8) } == members.map { Array($0.file.utf8) })
  }

  @Test(arguments: LedgerKind.all) func anUnknownCallIsUnknown(kind: LedgerKind) throws {
    let bench = try kind.make()
    #expect(try bench.ledger.call("c1") == nil)
    try bench.ledger.finish("c1", [.accepted()])
    #expect(try bench.ledger.call("c1") == nil)
  }

  @Test(arguments: LedgerKind.all) func aRepeatedCallIsOpenAgainInItsNewSweep(kind: LedgerKind) throws {
    let bench = try kind.make()
    _ = try bench.ledger.propose(proposal("c1", sweep: "sweep-1"))
    try bench.ledger.finish("c1", [.unconfirmed()])
    _ = try bench.ledger.propose(proposal("c1", sweep: "sweep-2"), at: now + 60)
    #expect(try bench.ledger.calls(of: "sweep-1").isEmpty)
    let record = try #require(try bench.ledger.calls(of: "sweep-2").first)
    #expect(record.outcomes == nil && record.startedAt == now + 60)
  }

  @Test(arguments: LedgerKind.all) func outcomesAreCommittedBeforeTheIntentsOfTheSameGroup(kind: LedgerKind) throws {
    let bench = try kind.make()
    _ = try bench.ledger.propose(proposal("c1", daily: 1))
    // What the first call gives back is there for the second.
    let admissions = try bench.ledger.commit {
      $0.finished = [FinishedCall(id: "c1", outcomes: [.deferred(.network)], uncounted: back(1))]
      $0.proposed = [proposal("c2", daily: 1)]
    }
    #expect(admissions == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func aProvidersIdIsFoundInItsChannelSinceThen(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a", "b"]))
    try ledger.finish("c1", [.accepted(id: "SM12"), .accepted(id: "quote\"d")])
    #expect(try ledger.knows(providerId: "SM12", channel: "plain", since: now))
    #expect(try ledger.knows(providerId: "quote\"d", channel: "plain", since: now - 60))
    #expect(try !ledger.knows(providerId: "SM1", channel: "plain", since: now))
    #expect(try !ledger.knows(providerId: "M12", channel: "plain", since: now))
    #expect(try !ledger.knows(providerId: "SM12", channel: "other", since: now))
    #expect(try !ledger.knows(providerId: "SM12", channel: "plain", since: now + 1))
    #expect(try !ledger.knows(providerId: "%", channel: "plain", since: now))
  }

  // MARK: Pace

  @Test(arguments: LedgerKind.all) func theFirstCallStartsAndTheNextWaitsForItsSlot(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    let admissions = try ledger.propose(proposal("c1", rate: 2), proposal("c2", rate: 2))
    #expect(admissions == [.start(without: []), .wait(until: now + 0.5)])
    #expect(try ledger.call("c2") == nil, "a call that waits is no intent")
    #expect(try ledger.propose(proposal("c2", rate: 2), at: now + 0.49) == [.wait(until: now + 0.5)])
    #expect(try ledger.propose(proposal("c2", rate: 2), at: now + 0.5) == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func allSweepersTogetherKeepThePace(kind: LedgerKind) throws {
    let bench = try kind.make()
    let sweepers = [bench.ledger, try bench.another(), try bench.another()]
    for rate in [2.0, 7, 40] {
      var starts: [Double] = []
      for step in 0..<1000 {
        let time = now + Double(step) * 0.013
        let channel = "rate-\(rate)"
        let call = proposal("\(rate)-\(step)", channel: channel, rate: rate)
        if try sweepers[step % 3].propose(call, at: time) == [.start(without: [])] {
          starts.append(time.timeIntervalSince(now))
        }
      }
      // In any window of a second no more than the rate, and one for its edges, and the slack of a twentieth.
      for start in starts {
        let inSecond = starts.count { $0 >= start && $0 < start + 1 }
        #expect(Double(inSecond) <= rate * 1.05 + 1, "rate \(rate)")
      }
      #expect(Double(starts.count) >= 13 * rate * 0.85, "rate \(rate): the pace is used, not only kept")
      #expect(Double(starts.count) <= 13 * rate + 2, "rate \(rate)")
    }
  }

  @Test(arguments: LedgerKind.all) func aPauseEarnsNoBurst(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c0", rate: 2))
    let later = (0..<5).map { proposal("c\($0 + 1)", rate: 2) }
    let admissions = try ledger.commit(at: now + 3600) { $0.proposed = later }
    #expect(admissions.count { $0 == .start(without: []) } == 1)
  }

  @Test(arguments: LedgerKind.all) func channelsDoNotSlowEachOther(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    let admissions = try ledger.propose(
      proposal("c1", channel: "one", rate: 1), proposal("c2", channel: "two", rate: 1), proposal("c3", channel: "none"))
    #expect(admissions.allSatisfy { $0 == .start(without: []) })
  }

  @Test(arguments: LedgerKind.all) func aClockThatWasTurnedBackDoesNotStopTheChannel(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", rate: 2), at: now + 86_400)
    #expect(try ledger.propose(proposal("c2", rate: 2)) == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func aSlowRateIsKeptOverAnHour(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    let rate = 1.0 / 600
    _ = try ledger.propose(proposal("c1", rate: rate))
    guard case .wait(let until) = try ledger.propose(proposal("c2", rate: rate), at: now + 1)[0] else {
      Issue.record("the second call started")
      return
    }
    #expect(abs(until.timeIntervalSince(now) - 600) < 1)
  }

  // MARK: Counts

  @Test(arguments: LedgerKind.all) func theDaysRecipientsAreCountedOverAllCallsAndSweepers(kind: LedgerKind) throws {
    let bench = try kind.make()
    #expect(try bench.ledger.propose(proposal("c1", to: ["a", "b"], daily: 3)) == [.start(without: [])])
    #expect(try bench.another().propose(proposal("c2", to: ["c", "d"], daily: 3)) == [.start(without: [1])])
    #expect(try bench.ledger.call("c2")?.members.map(\.to) == ["c"])
    #expect(try bench.ledger.propose(proposal("c3", to: ["e", "f"], daily: 3)) == [.start(without: [0, 1])])
    #expect(try bench.ledger.call("c3") == nil, "a call without anybody is no intent")
  }

  @Test(arguments: LedgerKind.all) func aNewDayCountsAnew(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", day: 1, daily: 1, each: 1))
    #expect(try ledger.propose(proposal("c2", day: 1, daily: 1, each: 1)) == [.start(without: [0])])
    #expect(try ledger.propose(proposal("c3", day: 2, daily: 1, each: 1)) == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func eachRecipientHasALimitOfItsOwn(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a", "b"], each: 2))
    _ = try ledger.propose(proposal("c2", to: ["a"], each: 2))
    #expect(try ledger.propose(proposal("c3", to: ["c", "a", "b"], each: 2)) == [.start(without: [1])])
    #expect(try ledger.call("c3")?.members.map(\.to) == ["c", "b"])
    #expect(try ledger.propose(proposal("c4", to: ["a"], channel: "other", each: 2)) == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func whoHasUsedUpTheDayDoesNotUseUpTheChannels(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a"], daily: 3, each: 1))
    #expect(
      try ledger.propose(proposal("c2", to: ["a", "b", "c", "d"], daily: 3, each: 1)) == [.start(without: [0, 3])])
    // d came too late for the channel's day, and has its own whole.
    #expect(try ledger.propose(proposal("c3", to: ["d"], daily: 4, each: 1)) == [.start(without: [])])
  }

  @Test(arguments: LedgerKind.all) func whatTheProviderDidNotTakeIsGivenBack(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a", "b"], daily: 2, each: 1))
    try ledger.finish("c1", [.accepted(), .deferred(.network)], uncounted: back(1, ["b"]))
    #expect(try ledger.propose(proposal("c2", to: ["a", "b"], daily: 2, each: 1)) == [.start(without: [0])])
    #expect(try ledger.propose(proposal("c3", to: ["c"], daily: 2, each: 1)) == [.start(without: [0])])
  }

  @Test(arguments: LedgerKind.all) func givingBackNeverMakesRoomForMoreThanTheLimit(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a"]))
    try ledger.finish("c1", [.deferred(.network)], uncounted: back(5, ["a", "a"]))
    #expect(
      try ledger.propose(proposal("c2", to: ["x", "y", "z"], daily: 2)) == [.start(without: [2])])
    #expect(try ledger.propose(proposal("c3", to: ["a"], each: 1)) == [.start(without: [])])
    #expect(try ledger.propose(proposal("c4", to: ["a"], each: 1)) == [.start(without: [0])])
    // The same for a day that is long forgotten.
    try ledger.finish("c2", [.deferred(.network), .accepted()], uncounted: back(3, [], day: 1))
    #expect(try ledger.propose(proposal("c5", to: ["x", "y", "z"], day: 1, daily: 2)) == [.start(without: [2])])
  }

  @Test(arguments: LedgerKind.all) func aCallThatMustWaitCountsNobody(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("c1", to: ["a"], rate: 1, daily: 2))
    #expect(try ledger.propose(proposal("c2", to: ["b"], rate: 1, daily: 2)) == [.wait(until: now + 1)])
    #expect(try ledger.propose(proposal("c2", to: ["b"], rate: 1, daily: 2), at: now + 1) == [.start(without: [])])
  }

  // MARK: Ids

  @Test(arguments: LedgerKind.all) func theFirstOwnsTheIdAndTheSecondIsADuplicate(kind: LedgerKind) throws {
    let bench = try kind.make()
    #expect(try !bench.ledger.isDuplicate(owner(1)))
    #expect(try bench.another().isDuplicate(owner(2)))
    #expect(try !bench.ledger.isDuplicate(owner(1)), "the owner comes again after a wait")
  }

  @Test(arguments: LedgerKind.all) func twoInOneClaimAreTwoMessages(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    #expect(try ledger.claim([owner(1), owner(2), owner(3, id: "id-2")], newerThan: now - 60) == [false, true, false])
  }

  @Test(arguments: LedgerKind.all) func theSameIdOnAnotherChannelIsAnother(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    #expect(try !ledger.isDuplicate(owner(1)))
    #expect(try !ledger.isDuplicate(owner(2, channel: "other")))
  }

  @Test(arguments: LedgerKind.all) func idsAreComparedByTheirBytes(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    let ids = ["\u{E9}", "e\u{301}", "E", "e", "a\u{0}b", "a\u{0}c", "a", " a", "1", "1.0"]
    for (index, id) in ids.enumerated() { #expect(try !ledger.isDuplicate(owner(UInt64(index), id: id)), "\(id)") }
  }

  @Test(arguments: LedgerKind.all) func anIdIsFreeAgainWhenItsMessageFailed(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.isDuplicate(owner(1))
    try ledger.settle(1, isFree: true)
    #expect(try !ledger.isDuplicate(owner(2)))
    #expect(try ledger.isDuplicate(owner(1, hasHistory: true)), "the other has taken it meanwhile")
  }

  @Test(arguments: LedgerKind.all) func aMessageFreesAndKeepsOnlyWhatItOwns(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.isDuplicate(owner(1))
    try ledger.settle(1, isFree: false)
    // An invalid message with the same id, which never owned it, ends.
    try ledger.settle(2, isFree: true)
    #expect(try ledger.isDuplicate(owner(3)))
  }

  @Test(arguments: LedgerKind.all) func aDoneMessagesIdIsRememberedForItsWindow(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.isDuplicate(owner(1))
    try ledger.settle(1, isFree: false)
    #expect(try ledger.isDuplicate(owner(2, now: now + 3600), window: 3600))
    #expect(try !ledger.isDuplicate(owner(3, now: now + 3601), window: 3600))
    // It owns the id from now on, and the window begins anew.
    #expect(try ledger.isDuplicate(owner(4, now: now + 7000), window: 3600))
  }

  @Test(arguments: LedgerKind.all) func aFreshFileWithADoneOnesInodeIsAnotherMessage(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.isDuplicate(owner(1))
    try ledger.settle(1, isFree: false)
    #expect(try ledger.isDuplicate(owner(1)))
    #expect(try !ledger.isDuplicate(owner(1, hasHistory: true)), "with history it is the owner come back")
  }

  @Test(arguments: LedgerKind.all) func anIdFromBeforeTheClockWasTurnedBackIsRememberedNoLongerThanItsWindow(
    kind: LedgerKind
  ) throws {
    let ledger = try kind.make().ledger
    let year = 365 * 86400.0
    #expect(try ledger.isDuplicate(owner(1, now: now + year)) == false)
    try ledger.settle(1, isFree: false)
    #expect(try ledger.isDuplicate(owner(2, now: now)))
    #expect(try ledger.isDuplicate(owner(2, now: now + 3000)))
    #expect(try ledger.isDuplicate(owner(2, now: now + 3700)) == false)
  }

  @Test(arguments: LedgerKind.all) func whoWaitsInARestoredSpoolStillOwnsTheId(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.isDuplicate(owner(1))
    #expect(try ledger.isDuplicate(owner(2)))
    #expect(try !ledger.isDuplicate(owner(3, hasHistory: true, isDeferred: true)), "its inode changed, its history not")
    try ledger.settle(3, isFree: false)
    #expect(try ledger.isDuplicate(owner(4, hasHistory: true, isDeferred: true)), "the message is done")
  }

  @Test(arguments: LedgerKind.all) func largeInodesAreInodesToo(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    #expect(try !ledger.isDuplicate(owner(.max)))
    #expect(try !ledger.isDuplicate(owner(.max)))
    #expect(try ledger.isDuplicate(owner(.max - 1)))
    try ledger.settle(.max, isFree: true)
    #expect(try !ledger.isDuplicate(owner(.max - 1)))
  }

  // MARK: Suspensions

  @Test(arguments: LedgerKind.all) func suspensionsAreSeenByAllUntilTheyEnd(kind: LedgerKind) throws {
    let bench = try kind.make()
    let one = Suspension(channel: "b", kind: .quota, reason: "balance \"0\"", since: now)
    let two = Suspension(channel: "a", kind: .credentials, reason: "", since: now - 60)
    _ = try bench.ledger.commit { $0.suspended = [one, two] }
    #expect(try bench.another().suspensions() == [two, one])
    let again = Suspension(channel: "b", kind: .credentials, reason: "key", since: now + 5)
    _ = try bench.another().commit {
      $0.suspended = [again]
      $0.resumed = ["a", "never suspended"]
    }
    #expect(try bench.ledger.suspensions() == [again])
  }

  // MARK: First sights

  @Test(arguments: LedgerKind.all) func whenAReturnedMessageWasSeenIsKeptUntilItIsForgotten(kind: LedgerKind) throws {
    let bench = try kind.make()
    #expect(try bench.ledger.seen([1, 2]) == [:])
    _ = try bench.ledger.commit {
      $0.returned = [Seen(file: 1, since: now - 5000), Seen(file: .max, since: now - 100)]
    }
    let all = [1: now - 5000, UInt64.max: now - 100]
    #expect(try bench.another().seen([1, 2, .max]) == all)
    // It goes back again and again; what is said of its first sight counts.
    _ = try bench.ledger.commit(at: now + 3600) { $0.returned = [Seen(file: 1, since: now - 5000)] }
    #expect(try bench.ledger.seen([1, .max]) == all)
    _ = try bench.ledger.commit { $0.forgotten = [1, 7] }
    #expect(try bench.ledger.seen([1, 2, .max]) == [.max: now - 100])
  }

  /// Its age may be a month (`expire_after`): what counts is whether it is still there.
  @Test(arguments: LedgerKind.all) func pruningForgetsWhoHasNotGoneBackSince(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    for day in 0..<10 {
      _ = try ledger.commit(at: now + Double(day) * 86_500) {
        $0.returned = [Seen(file: 1, since: now)] + (day == 0 ? [Seen(file: 2, since: now)] : [])
      }
    }
    #expect(try ledger.prune(before: now + 7 * 86_400) == 1)
    #expect(try ledger.seen([1, 2]) == [1: now])
  }

  // MARK: Pruning

  @Test(arguments: LedgerKind.all) func pruningForgetsWhatIsOldAndKeepsWhatIsOpen(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    _ = try ledger.propose(proposal("old"), proposal("open"), proposal("new"), at: now - 1000)
    try ledger.finish("old", [.accepted()], at: now - 500)
    try ledger.finish("new", [.accepted()], at: now)
    _ = try ledger.isDuplicate(owner(1, id: "old", now: now - 500))
    _ = try ledger.isDuplicate(owner(1, id: "new", now: now))
    #expect(try ledger.prune(before: now - 100) == 2)
    #expect(try ledger.calls().map(\.id) == ["open", "new"])
    #expect(try !ledger.isDuplicate(owner(2, id: "old"), window: 10_000))
    #expect(try ledger.isDuplicate(owner(2, id: "new"), window: 10_000))
    #expect(try ledger.prune(before: now - 100) == 0)
  }

  @Test(arguments: LedgerKind.all) func pruningKeepsTodaysCountsInEveryZone(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    let today = Int(now.timeIntervalSince1970 / 86_400)
    for day in [today - 10, today - 1, today, today + 1] {
      _ = try ledger.propose(proposal("c\(day)", day: day, daily: 1, each: 1))
    }
    #expect(try ledger.prune(before: now) == 2)
    for day in [today - 1, today, today + 1] {
      #expect(try ledger.propose(proposal("d\(day)", day: day, daily: 1)) == [.start(without: [0])])
    }
  }

  // MARK: All or nothing, one after the other

  @Test(arguments: LedgerKind.all) func anEmptyCommitIsFine(kind: LedgerKind) throws {
    let ledger = try kind.make().ledger
    #expect(GroupCommit(now: now).isEmpty)
    #expect(try ledger.commit { _ in } == [])
  }

  @Test(arguments: LedgerKind.all) func sweepersAtTheSameTimeLoseNothingAndExceedNothing(kind: LedgerKind) async throws
  {
    let bench = try kind.make()
    let ledgers: [any Ledger] = [bench.ledger, try bench.another(), try bench.another(), try bench.another()]
    let started = await withTaskGroup(of: Int.self) { group in
      for (number, ledger) in ledgers.enumerated() {
        group.addTask {
          var started = 0
          for round in 0..<25 {
            let call = proposal("c-\(number)-\(round)", to: ["a", "b"], daily: 100, each: 60)
            if case .start(let without, _)? = try? ledger.propose(call).first { started += 2 - without.count }
          }
          return started
        }
      }
      return await group.reduce(0, +)
    }
    #expect(started == 100)
    let members = try bench.ledger.calls().flatMap(\.members)
    #expect(members.count == 100)
    #expect(members.count { $0.to == "a" } <= 60 && members.count { $0.to == "b" } <= 60)
  }
}
