import Core
import Testing

@Suite struct RetryScheduleTests {
  @Test func theDefaultDoublesFromAMinuteToAnHour() {
    let schedule = RetrySchedule()
    #expect(schedule.attempts == 8)
    #expect((1...8).map { schedule.delay(after: $0, random: 0.5) / 60 } == [1, 2, 4, 8, 16, 32, 60, 60])
  }

  @Test func jitterIsATenthEitherWay() {
    let schedule = RetrySchedule(first: 100, max: 1000)
    #expect(schedule.delay(after: 1, random: 0) == 90)
    #expect(abs(schedule.delay(after: 1, random: 0.999_999) - 110) < 0.001)
    #expect(abs(schedule.delay(after: 60, random: 0.999_999) - 1100) < 0.001)
  }

  @Test(arguments: [Int.min, -1, 0, 1, 40, 41, 62, 63, 64, 65, 1_000_000, Int.max])
  func noNumberOfAttemptsOverflows(attempt: Int) {
    let delay = RetrySchedule(first: 1e10, max: 1e10).delay(after: attempt, random: 0.5)
    #expect(delay == 1e10)
    #expect(RetrySchedule(first: 0).delay(after: attempt, random: 0.5) == 0)
  }

  @Test func theCapHoldsBelowTheFirstDelayToo() {
    #expect(RetrySchedule(first: 60, max: 10).delay(after: 1, random: 0.5) == 10)
  }
}
