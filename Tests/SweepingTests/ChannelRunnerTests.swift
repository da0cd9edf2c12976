import Core
import Foundation
import Ledgers
import TestSupport
import Testing

@testable import Sweeping

private let now = moment("2026-11-22T09:00:00Z")
private let throttled = Outcome.deferred(.throttled, code: "429", reason: "slow down")

private func runner(concurrency: Int = 8, wasSuspended: Bool = false) -> ChannelRunner {
  ChannelRunner(.plain { $0.concurrency = concurrency }, wasSuspended: wasSuspended)
}

extension ChannelRunner {
  /// Starts a call and lands it with trouble, as seen from outside.
  fileprivate mutating func fail(_ outcome: Outcome? = throttled, retryAfter: Double? = nil, at time: Date = now) {
    let era = start()
    end()
    gotTrouble(era: era, outcome, retryAfter: retryAfter, now: time)
  }

  fileprivate mutating func succeed() {
    let era = start()
    end()
    succeeded(era: era)
  }
}

@Suite struct ChannelRunnerTests {
  // MARK: Places

  @Test func asManyCallsMayFlyAsTheChannelAllows() {
    var runner = runner(concurrency: 3)
    #expect(runner.places(now: now) == 3)
    _ = runner.start()
    _ = runner.start()
    #expect(runner.places(now: now) == 1 && runner.inFlight == 2)
    runner.end()
    #expect(runner.places(now: now) == 2)
  }

  @Test func thePaceHoldsThemUntilItsMoment() {
    var runner = runner()
    runner.wait(until: now + 1)
    #expect(runner.places(now: now) == 0 && runner.places(now: now + 0.999) == 0)
    #expect(runner.places(now: now + 1) == 8)
  }

  @Test func onlyThePauseOfAChannelThatGoesOnIsWorthWakingUpFor() {
    var runner = runner()
    #expect(runner.wakeUp(now: now) == nil)
    runner.wait(until: now + 1)
    #expect(runner.wakeUp(now: now) == now + 1)
    #expect(runner.wakeUp(now: now + 1) == nil)
    runner.suspend(Suspension(channel: "plain", kind: .quota, reason: "", since: now))
    #expect(runner.wakeUp(now: now) == nil)
  }

  // MARK: Probing

  @Test func aChannelThatWasSuspendedTriesOneCallFirst() {
    var runner = runner(wasSuspended: true)
    #expect(runner.isProbing && runner.places(now: now) == 1)
    let era = runner.start()
    #expect(runner.places(now: now) == 0)
    runner.end()
    runner.succeeded(era: era)
    #expect(!runner.isProbing && runner.places(now: now) == 2)
    for _ in 0..<5 { runner.succeed() }
    #expect(runner.places(now: now) == 8)
  }

  @Test func aSuspendedChannelGivesEverythingBack() throws {
    var runner = runner()
    #expect(runner.end(now: now) == nil)
    runner.suspend(Suspension(channel: "plain", kind: .credentials, reason: "401", since: now))
    #expect(runner.isStopped && runner.places(now: now) == 0)
    let end = try #require(runner.end(now: now))
    #expect(end.outcome == nil && end.due == nil)
  }

  // MARK: Trouble

  @Test func troubleMakesAPauseAndThenOneCallAtATime() {
    var runner = runner()
    runner.fail()
    #expect(runner.places(now: now) == 0 && !runner.isStopped)
    #expect(runner.places(now: now + 0.5) == 1)
    runner.succeed()
    #expect(runner.places(now: now + 0.5) == 2)
  }

  @Test func callsThatWereInFlightTogetherAreOneTrouble() {
    var runner = runner()
    let eras = (0..<8).map { _ in runner.start() }
    for era in eras {
      runner.end()
      runner.gotTrouble(era: era, throttled, retryAfter: nil, now: now)
    }
    #expect(!runner.isStopped && runner.places(now: now + 0.5) == 1)
  }

  @Test func aSuccessThatWasUnderWayBeforeTheTroubleProvesNothing() {
    var runner = runner()
    let early = runner.start()
    runner.fail()
    runner.end()
    runner.succeeded(era: early)
    #expect(runner.places(now: now + 0.5) == 1)
  }

  @Test func fourTroublesInARowParkTheChannel() throws {
    var runner = runner()
    for index in 0..<4 {
      #expect(!runner.isStopped)
      runner.fail(at: now + Double(index * 10))
    }
    #expect(runner.isStopped && runner.parkedUntil == now + 30 + 60)
    let end = try #require(runner.end(now: now + 31))
    #expect(end.due == now + 90 && end.outcome?.state == .deferred && end.outcome?.kind == .throttled)
    #expect(end.outcome?.code == "429" && end.outcome?.reason?.contains("slow down") == true)
    #expect(runner.end(now: now + 1000)?.due == now + 1000)
  }

  @Test func aSuccessInBetweenForgivesThem() {
    var runner = runner()
    for index in 0..<12 {
      runner.fail(at: now + Double(index * 10))
      if index % 3 == 2 { runner.succeed() }
    }
    #expect(!runner.isStopped)
  }

  @Test func aNetworkThatIsDownIsNoThrottle() {
    var runner = runner()
    for _ in 0..<4 { runner.fail(.deferred(.network, code: "refused")) }
    #expect(runner.parkedOutcome?.kind == .network)
  }

  // MARK: What the provider asks for

  @Test func aShortRetryAfterIsWaitedFor() {
    var runner = runner()
    runner.fail(retryAfter: 3)
    #expect(!runner.isStopped)
    #expect(runner.places(now: now + 2.9) == 0 && runner.places(now: now + 3) == 1)
  }

  @Test func aLongRetryAfterParksTheChannelAtOnce() {
    // Calling again after a few seconds would be what we were asked not to do.
    var runner = runner()
    runner.fail(retryAfter: 60)
    #expect(runner.isStopped && runner.parkedUntil == now + 60)
    #expect(runner.parkedOutcome?.state == .deferred)
  }

  @Test func aPauseIsNeverShortenedByTheNextTrouble() {
    var runner = runner()
    runner.fail(retryAfter: 5)
    runner.fail(at: now + 0.1)
    #expect(runner.places(now: now + 4.9) == 0 && runner.places(now: now + 5) == 1)
  }
}

@Suite struct SweepSummaryTests {
  @Test func everyStateIsCountedWhereSweepJSONHasIt() {
    var summary = SweepSummary()
    for state in MessageState.allCases { summary.count(state) }
    #expect(summary.done == 2 && summary.deferred == 1 && summary.failed == 2)
    #expect(summary.unconfirmed == 1 && summary.invalid == 1)
  }
}

@Suite struct InboxTests {
  @Test func everythingPostedIsTakenOnceAndInOrder() {
    let inbox = Inbox<Int>()
    for index in 0..<3 { inbox.post(index) }
    #expect(inbox.takeAll() == [0, 1, 2])
    inbox.post(3)
    #expect(inbox.takeAll() == [3])
  }

  @Test func waitingEndsWithTheTime() {
    #expect(Inbox<Int>().takeAll(within: 0.001).isEmpty)
    #expect(Inbox<Int>().takeAll(within: -5).isEmpty)
  }

  @Test func aClosedInboxGivesTheRestAndThenNothingForGood() {
    let inbox = Inbox<Int>()
    inbox.post(1)
    inbox.close()
    #expect(inbox.takeAll() == [1])
    #expect(inbox.takeAll().isEmpty && inbox.takeAll().isEmpty)
  }

  @Test func whatAnotherThreadPostsWakesTheTaker() throws {
    let inbox = Inbox<Int>()
    let worker = try #require(Worker { for index in 0..<100 { inbox.post(index) } })
    var taken: [Int] = []
    while taken.count < 100 { taken += inbox.takeAll(within: 10) }
    worker.join()
    #expect(taken == Array(0..<100))
  }
}

@Suite struct WindowTests {
  @Test func whatIsTakenComesBackWhenItIsGivenBack() {
    let window = Window(messages: 10)
    #expect(window.room() == 10)
    window.take(messages: 10, bytes: 100)
    #expect(window.room() == 0)
    window.giveBack(messages: 4, bytes: 40)
    #expect(window.wait() && window.room() == 4)
  }

  @Test func aHugeMessageFillsTheWindowAloneAndLeavesItWhole() {
    let window = Window(messages: 10)
    window.take(messages: 1, bytes: Window.bytes * 2)
    #expect(window.room() == 0)
    window.giveBack(messages: 1, bytes: Window.bytes * 2)
    #expect(window.wait() && window.room() == 10)
  }

  @Test func nobodyWaitsForAClosedWindow() {
    let window = Window(messages: 1)
    window.close()
    #expect(!window.wait())
  }
}
