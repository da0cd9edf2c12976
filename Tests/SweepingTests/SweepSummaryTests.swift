import Core
import Testing

@testable import Sweeping

@Suite struct SweepSummaryTests {
  @Test func everyStateIsCountedWhereSweepJSONHasIt() {
    var summary = SweepSummary()
    for state in MessageState.allCases { summary.count(state) }
    #expect(summary.done == 2 && summary.deferred == 1 && summary.failed == 2)
    #expect(summary.unconfirmed == 1 && summary.invalid == 1)
  }
}
