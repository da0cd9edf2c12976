import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

/// The rules of contract 5, each in milliseconds: a real engine, source, desk and ledger; the disk, the network and the
/// clocks are the test's.
@Suite struct EngineTests {
  private func rig(
    _ change: (Channel) -> Void = { _ in }, isEndless: Bool = false, recovery: Recovery = .none, window: Int = 64
  ) throws -> Rig {
    try Rig(.of(.word(recovery: recovery, change)), isEndless: isEndless, window: window)
  }

  // MARK: A sweep

  @Test func aMessageGoesOutAndIsDone() throws {
    let rig = try rig()
    rig.disk.drop(message(to: ["r1", "r2"]), as: "m")
    rig.settle()
    #expect(rig.transport.waiting.map(\.recipients) == [["r1", "r2"]])
    #expect(rig.names(.new).isEmpty && !rig.engine.isFinished)
    rig.answer("a")
    #expect(rig.names(.done) == ["m"] && rig.engine.isFinished)
    #expect(try rig.history("m").map(\.state) == [.done])
    #expect(rig.end().calls == 1)
  }

  @Test func messagesOfOneTextShareCalls() throws {
    let rig = try rig { $0.recipientsPerCall = 4 }
    for number in 0..<6 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    #expect(rig.transport.waiting.map(\.recipients.count) == [4, 2])
    rig.acceptAll()
    #expect(rig.names(.done).count == 6 && rig.engine.isFinished)
  }

  @Test func aBacklogBeyondTheShareStillMakesFullCalls() throws {
    let rig = try rig({ $0.recipientsPerCall = 8 }, window: 16)
    for number in 0..<64 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    var counts: [Int] = []
    rig.settle()
    while !rig.transport.waiting.isEmpty {
      counts.append(rig.transport.waiting[0].recipients.count)
      rig.answer("a")
    }
    #expect(counts == Array(repeating: 8, count: 8) && rig.names(.done).count == 64 && rig.engine.isFinished)
  }

  @Test func anInvalidMessageIsSettledAndTheOthersGoOut() throws {
    let rig = try rig()
    rig.disk.drop("[]", as: "bad")
    rig.disk.drop(message(), as: "good")
    rig.clock.advance(60)
    rig.settle()
    rig.acceptAll()
    #expect(rig.names(.failed) == ["bad"] && rig.names(.done) == ["good"])
  }

  @Test func aProviderThatNamesTooFewLeavesTheOthersUnconfirmed() throws {
    let rig = try rig()
    rig.disk.drop(message(to: ["r1", "r2", "r3"]), as: "m")
    rig.settle()
    rig.reply(.words([("r1", "a")]))
    let line = try #require(try rig.history("m").last)
    #expect(line.state == .unconfirmed && line.results.map(\.state) == [.accepted, .unconfirmed, .unconfirmed])
    #expect(rig.names(.failed) == ["m"] && rig.engine.isFinished)
  }

  @Test func aProviderThatNamesTooManyIsReadAsFarAsItWasAsked() throws {
    let rig = try rig()
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.reply(.words([("r1", "a"), ("r8", "gone"), ("r9", "gone")]))
    #expect(try rig.history("m").last?.state == .done)
  }

  @Test func theSameIdIsSentOnce() throws {
    let rig = try rig()
    rig.disk.drop(message(id: "x"), as: "a")
    rig.disk.drop(message(id: "x"), as: "b")
    rig.settle()
    #expect(rig.transport.waiting.count == 1)
    rig.acceptAll()
    #expect(try rig.history("a").last?.state == .done && rig.history("b").last?.state == .duplicate)
  }

  @Test func stoppingGivesBackWhatWasNotSent() throws {
    let rig = try rig {
      $0.concurrency = 1; $0.recipientsPerCall = 1
    }
    rig.disk.drop(message(to: ["r1"]), as: "a")
    rig.disk.drop(message(to: ["r2"]), as: "b")
    rig.settle()
    rig.engine.stopper()
    rig.settle()
    #expect(!rig.engine.isFinished)
    rig.answer("a")
    #expect(rig.engine.isFinished)
    rig.end()
    #expect(rig.names(.done).count == 1 && rig.names(.new).count == 1)
  }

  // MARK: Retry and doubt

  @Test func whatIsDeferredIsTriedAgainWhenItIsDueAndNotBefore() throws {
    let rig = try rig(isEndless: true)
    rig.disk.drop(message(), as: "m")
    rig.settle()
    rig.answer("d")
    #expect(rig.names(.deferred) == ["m"])
    rig.advance(59)
    #expect(rig.transport.waiting.isEmpty)
    rig.advance(7)
    rig.answer("a")
    #expect(rig.names(.done) == ["m"])
    #expect(try rig.history("m").map(\.attempt) == [1, 2])
  }

  @Test func onlyTheDeferredAreInTheNextTry() throws {
    let rig = try rig(isEndless: true)
    rig.disk.drop(message(to: ["r1", "r2", "r3"]), as: "m")
    rig.settle()
    rig.answer("a", "d", "gone")
    rig.advance(100)
    #expect(rig.transport.waiting.map(\.recipients) == [["r2"]])
    rig.answer("a")
    #expect(try rig.history("m").last?.state == .failed)
  }

  @Test func aCallThatNeverGotThereUsesUpNoAttempt() throws {
    let rig = try rig({ $0.retry.attempts = 2 }, isEndless: true)
    rig.disk.drop(message(), as: "m")
    for _ in 0..<6 {
      rig.settle()
      while !rig.transport.waiting.isEmpty { rig.reply(.notSent(.init(code: "refused", message: "refused"))) }
      rig.advance(4000)
    }
    while !rig.transport.waiting.isEmpty { rig.answer("a") }
    #expect(rig.names(.done) == ["m"])
  }

  @Test func aLostAnswerIsHeld() throws {
    let rig = try rig()
    rig.disk.drop(message(), as: "m")
    rig.settle()
    rig.lose()
    #expect(rig.names(.failed) == ["m"])
    #expect(try rig.history("m").last?.state == .unconfirmed)
  }

  @Test func aLostAnswerIsAskedAboutWithinTheSameWatch() throws {
    let rig = try rig(isEndless: true, recovery: .lookup(settles: 0))
    rig.disk.drop(message(), as: "m")
    rig.settle()
    rig.lose()
    rig.advance(1)
    #expect(rig.transport.waiting.map(\.isQuestion) == [true])
    rig.answer("a")
    #expect(rig.names(.done) == ["m"])
  }

  @Test func aQuestionWaitsForThePauseAfterTheLostAnswerAndNoLonger() throws {
    let rig = try rig(isEndless: true, recovery: .lookup(settles: 0))
    rig.disk.drop(message(), as: "m")
    rig.settle()
    rig.lose()
    let patience = try #require(rig.engine.patience)
    #expect(patience < 1, "the pause of the channel that has a question to ask")
    rig.clock.advance(patience)
    rig.settle()
    #expect(rig.transport.waiting.map(\.isQuestion) == [true])
  }

  @Test func aCallThatTheProviderDoesNotKnowIsClosedByASweepThatStopsToo() throws {
    let ledger = try Rig.ledger()
    let configuration = Configuration.of(.word(recovery: .lookup(settles: 0)))
    let dead = try Rig(configuration, ledger: ledger)
    dead.disk.drop(message(), as: "m")
    dead.settle()
    dead.process.die()
    let rig = try Rig(configuration, isEndless: true, disk: dead.disk, ledger: ledger, process: SimProcess("two"))
    _ = try rig.rescue()
    rig.settle()
    rig.advance(1)
    #expect(rig.transport.waiting.map(\.isQuestion) == [true])
    rig.engine.stopper()
    rig.settle()
    rig.reply(.http(404))
    rig.end()
    #expect(rig.names(.new) + rig.names(.deferred) == ["m"], "it is sent another time")
    var open: [String] = []
    try ledger.calls(onlyOpen: true) { open.append($1.id) }
    #expect(open.isEmpty)
  }

  @Test func aLostCallIsRepeatedUnderItsKey() throws {
    let rig = try rig(isEndless: true, recovery: .idempotencyKey)
    rig.disk.drop(message(), as: "m")
    rig.settle()
    let call = rig.transport.waiting[0].call
    rig.lose()
    rig.advance(61)
    #expect(rig.transport.waiting.map(\.call) == [call])
    rig.answer("a")
    #expect(rig.names(.done) == ["m"])
  }

  @Test func aProviderThatCannotBeAskedIsNotAskedAboutTheCallOfAnother() throws {
    let earlier = try rig(isEndless: true, recovery: .lookup(settles: 0))
    earlier.disk.drop(message(), as: "m")
    earlier.settle()
    earlier.lose()
    earlier.end()
    let rig = try Rig(.of(.word()), isEndless: true, disk: earlier.disk, ledger: earlier.ledger)
    rig.settle()
    rig.advance(1)
    #expect(rig.transport.waiting.isEmpty)
    #expect(rig.names(.failed) == ["m"])
    #expect(try rig.history("m").last?.state == .unconfirmed)
  }

  // MARK: Pace and fairness

  @Test func thePaceIsKeptByTheSteadyClock() throws {
    let rig = try rig(
      {
        $0.rate = 1; $0.recipientsPerCall = 1
      }, isEndless: true)
    for number in 0..<3 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    #expect(rig.transport.waiting.count == 1)
    // An hour back: nobody waits longer than from one slot to the next, and a second.
    rig.clock.set(by: -3600)
    rig.advance(2)
    #expect(rig.transport.waiting.count == 2)
    rig.clock.set(by: 7200)
    rig.advance(1)
    #expect(rig.transport.waiting.count == 3)
  }

  @Test func anotherChannelsBacklogKeepsNobodyOut() throws {
    let rig = try Rig(
      .of(
        .word("bulk") {
          $0.rate = 1; $0.recipientsPerCall = 1
        }, .word("otp")), isEndless: true, window: 16)
    for number in 0..<100 { rig.disk.drop(message(to: ["r\(number)"], channel: "bulk"), as: "m\(number)") }
    rig.settle()
    rig.disk.drop(message(to: ["me"], channel: "otp"), as: "otp")
    rig.settle()
    #expect(rig.transport.waiting.contains { $0.recipients == ["me"] })
  }

  @Test func highGoesBeforeWhatWaitsInItsOwnChannelThoughTheShareIsFull() throws {
    let rig = try rig(
      {
        $0.rate = 1; $0.recipientsPerCall = 1
      }, isEndless: true, window: 16)
    for number in 0..<100 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.disk.drop(message(to: ["me"], priority: "high"), as: "high")
    rig.settle()
    rig.advance(2)
    #expect(rig.transport.waiting.last?.recipients == ["me"])
  }

  @Test func aCallThatHangsHoldsUpNobodyElse() throws {
    let rig = try Rig(.of(.word("slow") { $0.concurrency = 1 }, .word("otp")), isEndless: true)
    rig.disk.drop(message(channel: "slow"), as: "s")
    rig.settle()
    rig.disk.drop(message(channel: "otp"), as: "o")
    rig.settle()
    #expect(rig.transport.waiting.count == 2)
  }

  @Test func aReloadTakesEffectAtTheNextCall() throws {
    let rig = try rig(
      {
        $0.rate = 0.1; $0.recipientsPerCall = 1
      }, isEndless: true)
    for number in 0..<5 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    #expect(rig.transport.waiting.count == 1)
    rig.engine.reloader(
      .of(
        .word {
          $0.rate = 0; $0.recipientsPerCall = 1
        }))
    rig.settle()
    rig.acceptAll()
    #expect(rig.names(.done).count == 5)
  }

  // MARK: Whose trouble

  @Test func wrongCredentialsStopTheChannelAndWhatWaitsStaysInNewUnchanged() throws {
    let rig = try rig {
      $0.recipientsPerCall = 1; $0.concurrency = 1
    }
    for number in 0..<3 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.deny()
    #expect(rig.engine.isFinished && rig.end().left == 3)
    #expect(rig.names(.new).count == 3)
    #expect(try rig.history("m0").isEmpty)
    #expect(try rig.ledger.suspensions().map(\.kind) == [.credentials])
  }

  @Test func theProbeTakesAnotherMessageThanTheOneThatCausedIt() throws {
    let one = try rig {
      $0.recipientsPerCall = 1; $0.concurrency = 1
    }
    for number in 0..<3 { one.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    one.settle()
    let culprit = one.transport.waiting[0].recipients
    one.deny()
    one.end()
    let two = try Rig(
      .of(
        .word {
          $0.recipientsPerCall = 1; $0.concurrency = 1
        }), disk: one.disk, ledger: one.ledger)
    two.settle()
    #expect(two.transport.waiting.count == 1 && two.transport.waiting[0].recipients != culprit)
    two.acceptAll()
    #expect(two.names(.done).count == 3 && two.engine.isFinished)
    #expect(try two.ledger.suspensions().isEmpty)
  }

  @Test func aWatchProbesAfterFiveMinutesWithOneCall() throws {
    let rig = try rig({ $0.recipientsPerCall = 1 }, isEndless: true)
    rig.disk.drop(message(to: ["r0"]), as: "m0")
    rig.settle()
    rig.deny()
    for number in 1..<4 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.advance(200)
    #expect(rig.transport.waiting.isEmpty)
    rig.advance(101)
    #expect(rig.transport.waiting.count == 1)
    rig.acceptAll()
    #expect(rig.names(.done).count == 4)
  }

  @Test func theProbesOwnMessageIsTakenWhereThereIsNoOther() throws {
    let rig = try rig({ $0.recipientsPerCall = 1 }, isEndless: true)
    rig.disk.drop(message(to: ["r0"]), as: "m0")
    rig.settle()
    rig.deny()
    rig.advance(301)
    rig.acceptAll()
    #expect(rig.names(.done) == ["m0"])
  }

  @Test func aMessageWhoseFallbackIsSuspendedWaitsForIt() throws {
    let rig = try Rig(
      .of(.word { $0.fallback = "second" }, .word("second")), isEndless: true)
    rig.disk.drop(message(to: ["r0"], channel: "second"), as: "own")
    rig.settle()
    rig.deny()
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.answer("gone")
    rig.advance(200)
    #expect(rig.names(.deferred) == ["m"] && rig.transport.waiting.isEmpty && !rig.isRestless)
    rig.advance(200)
    rig.acceptAll()
    rig.advance(400)
    rig.acceptAll()
    #expect(rig.names(.done) == ["m", "own"])
  }

  @Test func oneRecipientsAnswerNeverStopsTheChannel() throws {
    let rig = try rig {
      $0.recipientsPerCall = 1; $0.concurrency = 1
    }
    for number in 0..<3 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.answer("account")
    rig.acceptAll()
    #expect(rig.names(.deferred).count == 1 && rig.names(.done).count == 2)
    #expect(try rig.ledger.suspensions().isEmpty)
  }

  @Test func aSecondWitnessSuspendsTheChannel() throws {
    let rig = try rig {
      $0.recipientsPerCall = 1; $0.concurrency = 1
    }
    for number in 0..<4 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.answer("account")
    rig.answer("account")
    #expect(rig.transport.waiting.isEmpty)
    rig.end()
    #expect(rig.names(.deferred).count == 1 && rig.names(.new).count == 3)
    #expect(try rig.ledger.suspensions().count == 1)
  }

  @Test func theBlastStopsAtTheSuspectedRecipients() throws {
    let rig = try rig {
      $0.recipientsPerCall = 1; $0.concurrency = 1; $0.suspectAfter = 5
    }
    for number in 0..<30 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    while !rig.transport.waiting.isEmpty { rig.answer("blocked") }
    rig.end()
    #expect(rig.names(.failed).count == 5 && rig.names(.new).count == 25)
    let suspension = try #require(try rig.ledger.suspensions().first)
    #expect(suspension.reason.contains("suspected") && suspension.reason.contains("blocked"))
  }

  @Test func whatIsSurelyTheRecipientsNeverSuspects() throws {
    let rig = try rig {
      $0.recipientsPerCall = 1; $0.suspectAfter = 5
    }
    for number in 0..<30 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    while !rig.transport.waiting.isEmpty { rig.answer("gone") }
    #expect(rig.names(.failed).count == 30)
  }

  @Test func aSuspectedChannelsProbeThatMeetsTheSameAddsToNothing() throws {
    let rig = try rig(
      {
        $0.recipientsPerCall = 1; $0.concurrency = 1; $0.suspectAfter = 3
      }, isEndless: true)
    for number in 0..<10 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    while !rig.transport.waiting.isEmpty { rig.answer("blocked") }
    #expect(rig.names(.failed).count == 3)
    rig.advance(301)
    rig.answer("blocked")
    #expect(rig.transport.waiting.isEmpty && rig.names(.failed).count == 3 && rig.names(.new).count == 7)
    rig.advance(301)
    rig.acceptAll()
    #expect(rig.names(.done).count == 7)
  }

  @Test func theSurplusGoesOutAgainAtOnceAndCostsNoAttempt() throws {
    let rig = try rig {
      $0.recipientsPerCall = 4; $0.concurrency = 1
    }
    rig.disk.drop(message(to: (0..<4).map { "r\($0)" }), as: "m")
    rig.settle()
    rig.answer("a", "x", "x", "x")
    #expect(rig.transport.waiting.map(\.recipients) == [["r1", "r2", "r3"]])
    rig.acceptAll()
    #expect(try rig.history("m").map(\.attempt) == [1])
    #expect(rig.names(.done) == ["m"])
  }

  @Test func aThrottleDefersWhatWaitsUntilItIsOver() throws {
    let rig = try rig(
      {
        $0.recipientsPerCall = 1; $0.concurrency = 1
      }, isEndless: true)
    for number in 0..<3 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.throttle("600")
    #expect(rig.names(.deferred).count == 3)
    rig.advance(599)
    #expect(rig.transport.waiting.isEmpty)
    rig.advance(2)
    rig.acceptAll()
    #expect(rig.names(.done).count == 3)
    #expect(try rig.history("m1").map(\.attempt).max() ?? 0 <= 2)
  }

  @Test func aDeferralFromBeforeTheClockWasTurnedBackWaitsNoLongerThanItsInterval() throws {
    let rig = try rig(isEndless: true)
    rig.disk.drop(message(), as: "m")
    rig.settle()
    rig.answer("d")
    rig.clock.set(by: -7200)
    rig.engine.parts.source.ask(.look)
    rig.advance(67)
    #expect(rig.transport.waiting.count == 1)
  }
}
