import FoundationEssentials
import TestSupport
import Testing

@testable import Ledger

@Suite struct IdentifierRuleTests {
  private func claim(
    by file: UInt64, of spool: String = "", hasHistory: Bool = false, isDeferred: Bool = false
  ) -> IdentifierClaim {
    IdentifierClaim(
      channel: "a", id: "k", owner: Owner(spool: spool, file: file), hasHistory: hasHistory, isDeferred: isDeferred,
      now: moment("2026-11-22T09:00:00Z"))
  }

  private func known(_ file: UInt64, of spool: String = "", isDone: Bool = false) -> KnownIdentifier {
    KnownIdentifier(owner: Owner(spool: spool, file: file), isDone: isDone)
  }

  @Test func anIdThatNobodyHasIsTheClaimants() {
    #expect(IdentifierRule.judge(claim(by: 1), nil) == .new)
  }

  @Test func itsOwnerMayComeBack() {
    #expect(IdentifierRule.judge(claim(by: 1), known(1)) == .own)
    #expect(IdentifierRule.judge(claim(by: 1, hasHistory: true), known(1, isDone: true)) == .own)
  }

  @Test func aFreshFileWithTheInodeOfADeletedOneIsAnotherMessage() {
    #expect(IdentifierRule.judge(claim(by: 1), known(1, isDone: true)) == .duplicate)
  }

  @Test func anotherMessageIsADuplicate() {
    #expect(IdentifierRule.judge(claim(by: 2), known(1)) == .duplicate)
    #expect(
      IdentifierRule.judge(claim(by: 2, hasHistory: true, isDeferred: true), known(1, isDone: true)) == .duplicate)
  }

  @Test func whoWaitedInASpoolThatWasCopiedIsStillTheOwner() {
    #expect(IdentifierRule.judge(claim(by: 2, hasHistory: true, isDeferred: true), known(1)) == .new)
  }

  @Test func inodesOfTwoSpoolsAreNotCompared() {
    #expect(IdentifierRule.judge(claim(by: 1, of: "north"), known(1, of: "south")) == .duplicate)
  }
}

@Suite struct PaceTests {
  @Test func theFirstCallStartsAndTheNextWaitsItsInterval() {
    #expect(Pace.slot(nil, now: 100, rate: 2) == .start(next: 100.5))
    #expect(Pace.slot(100.5, now: 100.2, rate: 2) == .wait(until: 100.5))
    #expect(Pace.slot(100.5, now: 100.5, rate: 2) == .start(next: 101))
  }

  @Test func whatASlowLoopMissedIsCaughtUpAndNoBurstFollowsAPause() {
    #expect(Pace.slot(100, now: 100.04, rate: 10) == .start(next: 100.1))
    #expect(Pace.slot(100, now: 107, rate: 10) == .start(next: 106.95 + 0.1))
  }

  @Test func aClockThatWasTurnedBackHoldsNobodyLongerThanAnIntervalAndASecond() {
    #expect(Pace.slot(3700, now: 100, rate: 0.5) == .start(next: 102))
    #expect(Pace.slot(102.9, now: 100, rate: 0.5) == .wait(until: 102.9))
  }
}

@Suite struct DayCountTests {
  @Test(arguments: [(5, 0, 0, 5), (5, 0, 3, 3), (5, 2, 3, 1), (5, 3, 3, 0), (5, 9, 3, 0)])
  func asManyAsTheDayHasLeft(wanted: Int, used: Int, limit: Int, granted: Int) {
    #expect(DayCount.granted(wanted, used: used, limit: limit) == granted)
  }
}
