import Core
import Testing

@testable import Ledger

@Suite struct ReceiptRuleTests {
  private func judge(_ state: ReceiptState?, _ news: ReceiptState?, inDoubt: Bool = false) -> ReceiptRule {
    ReceiptRule.judge(KnownReceipt(state: state, isInDoubt: inDoubt), news)
  }

  @Test func theFirstFinalStateStandsWhateverComesLater() {
    let final: [ReceiptState] = [.delivered, .undelivered, .acknowledged, .read]
    for state in final {
      #expect(judge(nil, state).state == state)
      for later in ReceiptState.allCases { #expect(judge(state, later).state == nil, "\(state), then \(later)") }
    }
  }

  @Test func theWaitsEndIsNobodysWord() {
    #expect(judge(nil, .noReceipt).state == .noReceipt)
    #expect(judge(.noReceipt, .delivered).state == .delivered)
    #expect(judge(.noReceipt, .undelivered).state == .undelivered)
    #expect(judge(.noReceipt, .noReceipt).state == nil)
  }

  @Test func whatIsUnderWayIsNoState() {
    for state in [nil] + ReceiptState.allCases.map(Optional.init) { #expect(judge(state, nil).state == nil) }
  }

  @Test func whoeverSpeaksOfItEndsTheDoubtButNotTheClock() {
    #expect(judge(nil, nil, inDoubt: true).endsDoubt)
    #expect(judge(nil, .undelivered, inDoubt: true) == ReceiptRule(state: .undelivered, endsDoubt: true))
    #expect(!judge(nil, .noReceipt, inDoubt: true).endsDoubt)
    #expect(!judge(nil, .delivered).endsDoubt)
  }
}

@Suite struct ReceiptChoiceTests {
  private func best(_ calls: (call: Int, isOpen: Bool)...) -> Int? {
    ReceiptChoice.best(of: calls.map { .init(call: $0.call, isOpen: $0.isOpen) })
  }

  @Test func theNewestThatIsOpenIsMeantAndElseTheNewest() {
    #expect(best() == nil)
    #expect(best((7, false)) == 0)
    #expect(best((1, true), (2, true)) == 1 && best((2, true), (1, true)) == 0)
    #expect(best((9, false), (1, true), (5, false)) == 1)
    #expect(best((3, false), (9, false), (5, false)) == 1)
  }

  @Test func oneOfOneIsMeantWithoutBeingNamed() {
    #expect(ReceiptChoice.isCertain(recipients: 1, isOwn: true, members: 3))
    #expect(ReceiptChoice.isCertain(recipients: 1, isOwn: false, members: 1))
    #expect(ReceiptChoice.isCertain(recipients: 1, isOwn: false, members: nil), "nobody knows any more of another")
    #expect(!ReceiptChoice.isCertain(recipients: 1, isOwn: false, members: 2))
    #expect(!ReceiptChoice.isCertain(recipients: 2, isOwn: true, members: nil))
  }

  @Test func onlyWhatIsNoNewsOfTheOlderCallWaitsForTheNewer() {
    let (open, over) = (ReceiptChoice.Candidate(call: 1, isOpen: true), ReceiptChoice.Candidate(call: 1, isOpen: false))
    #expect(ReceiptChoice.waits(forNewerThan: over, isByReference: true))
    #expect(!ReceiptChoice.waits(forNewerThan: open, isByReference: true))
    #expect(!ReceiptChoice.waits(forNewerThan: over, isByReference: false))
  }
}

@Suite struct ReceiptTimesTests {
  @Test func pausesDoubleFromHalfAMinuteToHalfAnHour() {
    let pauses = (0..<9).map { ReceiptPause.seconds(after: $0, every: nil, least: 0) }
    #expect(pauses == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800])
    #expect(ReceiptPause.seconds(after: 1000, every: nil, least: 0) == 1800)
  }

  @Test func theChannelsPauseCountsAndTheProvidersMinimumHolds() {
    #expect(ReceiptPause.seconds(after: 3, every: 0, least: 0) == 0)
    #expect(ReceiptPause.seconds(after: 3, every: 0, least: 5) == 5)
    #expect(ReceiptPause.seconds(after: 0, every: 0, least: 5) == 0)
  }

  @Test func quantilesAreValuesThatOccurred() {
    #expect(ReceiptSeconds.quantile(0.5, of: []) == nil)
    #expect(ReceiptSeconds.quantile(0.5, of: [3]) == 3)
    #expect(ReceiptSeconds.quantile(0.5, of: [1, 2, 3, 4]) == 2)
    #expect(ReceiptSeconds.quantile(0.95, of: (1...100).map(Double.init)) == 95)
  }

  @Test func everySecondHasItsClass() {
    #expect(ReceiptSeconds.index(0) == 0)
    #expect(ReceiptSeconds.index(1) == 0)
    #expect(ReceiptSeconds.index(1.1) == 1)
    #expect(ReceiptSeconds.index(1e9) == ReceiptSeconds.bounds.count)
  }
}
