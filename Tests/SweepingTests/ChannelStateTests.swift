import Core
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Sweeping

private let throttled = Outcome.deferred(.throttled, code: "429", reason: "slow down")

private func state(concurrency: Int = 8) -> ChannelState {
  ChannelState(.plain { $0.concurrency = concurrency })
}

private func moment(_ steady: Double) -> Moment {
  Moment(date: TestSupport.moment("2026-11-22T09:00:00Z") + steady, steady: steady)
}

private let suspension = Suspension(
  channel: "plain", kind: .credentials, reason: "401", since: TestSupport.moment("2026-11-22T09:00:00Z"))

extension ChannelState {
  /// Starts a call and lands it with trouble, as seen from outside.
  fileprivate func fail(_ outcome: Outcome? = throttled, retryAfter: Double? = nil, at time: Double = 0) {
    let era = start()
    landed()
    gotTrouble(era: era, outcome, retryAfter: retryAfter, at: time)
  }

  fileprivate func succeed() {
    let era = start()
    landed()
    succeeded(era: era)
  }
}

@Suite struct ChannelStateTests {
  // MARK: Places

  @Test func asManyCallsMayFlyAsTheChannelAllows() {
    let state = state(concurrency: 3)
    #expect(state.places(at: 0) == 3)
    _ = state.start()
    _ = state.start()
    #expect(state.places(at: 0) == 1 && state.inFlight == 2)
    state.landed()
    #expect(state.places(at: 0) == 2)
  }

  @Test func thePaceHoldsThemUntilItsMoment() {
    let state = state()
    state.wait(1, at: 10)
    #expect(state.places(at: 10) == 0 && state.places(at: 10.999) == 0)
    #expect(state.places(at: 11) == 8)
  }

  @Test func aPauseIsWorthWakingUpForAndASuspensionOnlyForItsProbe() {
    let state = state()
    #expect(state.wakeUp(at: 0) == nil)
    state.wait(1, at: 0)
    #expect(state.wakeUp(at: 0) == 1 && state.wakeUp(at: 1) == nil)
    state.suspend(suspension, probesAt: nil)
    #expect(state.wakeUp(at: 0) == nil)
    state.suspend(suspension, probesAt: 300)
    #expect(state.wakeUp(at: 0) == 300)
  }

  // MARK: Suspension

  @Test func aChannelThatWasSuspendedTriesOneCallFirst() {
    let state = state()
    state.probe(suspension)
    #expect(state.isProbing && state.places(at: 0) == 1)
    let era = state.start()
    #expect(state.places(at: 0) == 0)
    state.landed()
    state.succeeded(era: era)
    #expect(!state.isProbing && state.places(at: 0) == 2)
    for _ in 0..<5 { state.succeed() }
    #expect(state.places(at: 0) == 8)
  }

  @Test func aSuspendedChannelGivesEverythingBack() {
    let state = state()
    #expect(state.ending(at: moment(0)) == nil)
    state.suspend(suspension, probesAt: nil)
    #expect(state.isStopped(at: 0) && state.places(at: 0) == 0)
    #expect(state.ending(at: moment(0)) == .untried(due: nil))
  }

  // MARK: Trouble

  @Test func troubleMakesAPauseAndThenOneCallAtATime() {
    let state = state()
    state.fail()
    #expect(state.places(at: 0) == 0 && !state.isStopped(at: 0))
    #expect(state.places(at: 0.5) == 1)
    state.succeed()
    #expect(state.places(at: 0.5) == 2)
  }

  @Test func callsThatWereInFlightTogetherAreOneTrouble() {
    let state = state()
    let eras = (0..<8).map { _ in state.start() }
    for era in eras {
      state.landed()
      state.gotTrouble(era: era, throttled, retryAfter: nil, at: 0)
    }
    #expect(!state.isStopped(at: 0) && state.places(at: 0.5) == 1)
  }

  @Test func aSuccessThatWasUnderWayBeforeTheTroubleProvesNothing() {
    let state = state()
    let early = state.start()
    state.fail()
    state.landed()
    state.succeeded(era: early)
    #expect(state.places(at: 0.5) == 1)
  }

  @Test func fourTroublesInARowParkTheChannelUntilItsPauseIsOver() throws {
    let state = state()
    for index in 0..<4 {
      #expect(!state.isStopped(at: Double(index * 10)))
      state.fail(at: Double(index * 10))
    }
    #expect(state.isStopped(at: 31) && state.parkedUntil == 90)
    guard case .deferred(let outcome, let due) = try #require(state.ending(at: moment(31))) else {
      Issue.record("a parked channel defers")
      return
    }
    #expect(due == moment(90).date && outcome.kind == .throttled && outcome.code == "429" && !outcome.usesAttempt)
    #expect(outcome.reason?.contains("slow down") == true)
    #expect(!state.isStopped(at: 90) && state.ending(at: moment(90)) == nil && state.places(at: 90) == 1)
  }

  @Test func afterThePauseOneMoreTroubleIsEnough() {
    let state = state()
    state.fail(retryAfter: 60)
    state.fail(at: 61)
    #expect(state.isStopped(at: 62))
  }

  @Test func aSuccessInBetweenForgivesThem() {
    let state = state()
    for index in 0..<12 {
      state.fail(at: Double(index * 10))
      if index % 3 == 2 { state.succeed() }
    }
    #expect(!state.isStopped(at: 120))
  }

  @Test func aShortRetryAfterIsWaitedFor() {
    let state = state()
    state.fail(retryAfter: 3)
    #expect(!state.isStopped(at: 0))
    #expect(state.places(at: 2.9) == 0 && state.places(at: 3) == 1)
  }

  @Test func aLongRetryAfterParksTheChannelAtOnce() {
    // Calling again after a few seconds would be what we were asked not to do.
    let state = state()
    state.fail(retryAfter: 60)
    #expect(state.isStopped(at: 59) && state.parkedUntil == 60)
  }

  @Test func aPauseIsNeverShortenedByTheNextTrouble() {
    let state = state()
    state.fail(retryAfter: 5)
    state.fail(at: 0.1)
    #expect(state.places(at: 4.9) == 0 && state.places(at: 5) == 1)
  }

  @Test func anotherConfigurationForgetsTroubleAndKeepsWhatIsInFlight() {
    let state = state()
    let era = state.start()
    state.fail(retryAfter: 600)
    let renewed = state.renewed(.plain { $0.concurrency = 2 })
    #expect(renewed.places(at: 0) == 1 && renewed.inFlight == 1)
    renewed.landed()
    // It was sent with the old settings.
    renewed.gotTrouble(era: era, throttled, retryAfter: 600, at: 0)
    #expect(renewed.places(at: 0) == 2)
  }
}

@Suite struct FateTests {
  private func call(_ count: Int) -> Call {
    Call(id: "c", contents: [Content([])], recipients: (0..<count).map { .init(Target("r\($0)")) })
  }

  private let suspended = Lesson.suspended(suspension, isRepeated: false)

  @Test func whoWasAcceptedBesideTheTroubleMustNotGetItAgain() {
    let trouble = Outcome.deferred(.credentials, code: "401")
    let answer = Answer([.accepted(), trouble, .rejected(.recipient)], advice: .suspend)
    #expect(Fate.fates(of: answer, isSplit: false, suspended) == [.concluded, .untried, .concluded])
  }

  @Test func aDeferralWithoutTroubleIsItsOwn() {
    let answer = Answer([.deferred(.provider, code: "later")], advice: .proceed)
    #expect(Fate.fates(of: answer, isSplit: false, .goesOn) == [.concluded])
    #expect(Fate.fates(of: answer, isSplit: false, suspended) == [.concluded])
  }

  @Test func theSurplusAndTheHalvesGoAgain() {
    #expect(Fate.fates(of: Answer([.accepted(), .surplus()]), isSplit: false, .goesOn) == [.concluded, .again])
    #expect(Fate.fates(of: Answer([.accepted(), .accepted()]), isSplit: true, .goesOn) == [.again, .again])
  }

  @Test func theRowThatLedToASuspicionKeepsTheProvidersWordAndAProbeAddsNothing() {
    let answer = Answer([.rejected(.provider, code: "30")])
    #expect(Fate.fates(of: answer, isSplit: false, suspended) == [.concluded])
    #expect(Fate.fates(of: answer, isSplit: false, .suspended(suspension, isRepeated: true)) == [.untried])
  }

  @Test func anAnswerHasOneOutcomeForEachRecipientWhateverTheProvidersCodeMade() {
    #expect(Answer([]).complete(for: call(2)).outcomes.map(\.state) == [.unconfirmed, .unconfirmed])
    #expect(Answer([.accepted(), .accepted(), .accepted()]).complete(for: call(1)).outcomes.count == 1)
    let whole = Answer([.accepted()])
    #expect(whole.complete(for: call(1)) == whole)
  }
}
