import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

/// Messages to one recipient go out as one text, and each keeps its own file, history and outcome.
@Suite struct DigestTests {
  private func rig(
    isEndless: Bool = true, recovery: Recovery = .none, max: Int = 100, window: Int = 64,
    _ change: (Channel) -> Void = { _ in }
  ) throws -> Rig {
    let channel = Channel.word(recovery: recovery) {
      $0.digest = DigestRule(every: 600, max: max)
      change($0)
    }
    return try Rig(.of(channel), isEndless: isEndless, window: window)
  }

  private func drop(_ rig: Rig, _ names: String..., to: [String] = ["r1"], priority: String? = nil) {
    for name in names { rig.disk.drop(message(to: to, body: "of \(name)", priority: priority), as: name) }
    rig.settle()
  }

  @Test func messagesToOneRecipientWaitForTheWindowAndGoOutTogether() throws {
    let rig = try rig()
    drop(rig, "a", "b", "c")
    #expect(rig.transport.waiting.isEmpty && rig.names(.deferred) == ["a", "b", "c"])
    rig.advance(601)
    #expect(rig.transport.waiting.map(\.text) == ["of a||of b||of c"])
    #expect(rig.transport.waiting.map(\.recipients) == [["r1"]])
    rig.answer("a")
    #expect(rig.names(.done) == ["a", "b", "c"])
    for name in ["a", "b", "c"] {
      let line = try #require(try rig.history(name).last)
      #expect(line.state == .done && line.results.map(\.id) == ["id"] && line.results.map(\.digest) == [3])
      #expect(line.attempt == 1 && line.calls.count == 1)
    }
  }

  @Test func equalTextsShareACallWhomeverTheyAreFor() throws {
    let rig = try rig()
    drop(rig, "a", "b", to: ["r1", "r2"])
    rig.advance(601)
    #expect(rig.transport.waiting.map(\.recipients) == [["r1", "r2"]])
    rig.answer("a", "gone")
    #expect(rig.names(.failed) == ["a", "b"])
    #expect(try rig.history("b").last?.results.map(\.state) == [.accepted, .rejected])
  }

  @Test func anUrgentOneGoesAtOnceByItself() throws {
    let rig = try rig()
    drop(rig, "a", "b")
    drop(rig, "h", priority: "high")
    #expect(rig.transport.waiting.map(\.text) == ["of h"])
    rig.answer("a")
    #expect(try rig.history("h").last?.results.map(\.digest) == [nil])
    #expect(rig.names(.deferred) == ["a", "b"])
  }

  @Test func oneAloneGoesAsItIs() throws {
    let rig = try rig()
    drop(rig, "a")
    rig.advance(601)
    #expect(rig.transport.waiting.map(\.text) == ["of a"])
    rig.answer("a")
    #expect(try rig.history("a").last?.results.map(\.digest) == [nil])
  }

  @Test func moreThanATextTakesGoOutInSeveral() throws {
    let rig = try rig(max: 2)
    drop(rig, "a", "b", "c")
    rig.advance(601)
    #expect(rig.transport.waiting.map(\.text) == ["of a||of b", "of c"])
    rig.acceptAll()
    #expect(rig.names(.done) == ["a", "b", "c"])
  }

  @Test func aSweepThatEndsSendsWhatAnEarlierOnePutOff() throws {
    let first = try rig(isEndless: false)
    drop(first, "a", "b")
    #expect(first.engine.isFinished)
    first.end()
    first.clock.advance(601)
    let second = try Rig(first.engine.environment.configuration, disk: first.disk, ledger: first.ledger)
    second.settle()
    second.acceptAll()
    #expect(second.engine.isFinished && second.names(.done) == ["a", "b"])
    #expect(second.end().calls == 1)
  }

  @Test func whatWasPutOffTogetherComesTogetherAgain() throws {
    let rig = try rig()
    drop(rig, "a", "b")
    rig.advance(601)
    rig.answer("d")
    #expect(rig.names(.deferred) == ["a", "b"])
    rig.advance(130)
    #expect(rig.transport.waiting.map(\.text) == ["of a||of b"])
    rig.answer("a")
    #expect(try rig.history("a").map(\.attempt) == [0, 1, 2])
  }

  @Test func whatIsFlushedGoesBeforeItsWindowEnds() throws {
    let rig = try rig()
    drop(rig, "a", "b")
    rig.clock.advance(5)
    for file in rig.disk.everything { rig.disk.makeDue(file.name, at: rig.clock.now.date) }
    rig.settle()
    #expect(rig.transport.waiting.map(\.text) == ["of a||of b"])
  }

  @Test func aBacklogBeyondTheShareGoesInSeveral() throws {
    let rig = try rig(window: 16)
    for number in 0..<60 { rig.disk.drop(message(to: ["r1"], body: "of \(number)"), as: "m\(number)") }
    rig.settle()
    rig.advance(601)
    var calls = 0
    while !rig.transport.waiting.isEmpty {
      calls += 1
      rig.answer("a")
    }
    #expect(rig.names(.done).count == 60 && calls < 20)
  }

  @Test func oneThatHasExpiredMeanwhileDoesNotGoWithTheOthers() throws {
    let rig = try rig { $0.concurrency = 1 }
    drop(rig, "first")
    rig.clock.advance(10)
    rig.disk.drop(
      message(to: ["r2"], body: "of brief", more: #""expires_at":"2026-11-22T09:10:30Z""#), as: "brief")
    rig.disk.drop(message(to: ["r2"], body: "of long"), as: "long")
    rig.settle()
    rig.advance(595)
    // The first one's call keeps the others waiting until one of them is late.
    #expect(rig.transport.waiting.count == 1)
    rig.advance(60)
    rig.answer("a")
    rig.settle()
    while !rig.transport.waiting.isEmpty { rig.answer("a") }
    rig.advance(200)
    while !rig.transport.waiting.isEmpty { rig.answer("a") }
    #expect(try rig.history("brief").last?.state == .expired)
    #expect(try rig.history("long").last?.state == .done)
  }

  // MARK: Doubt

  @Test func aLostOneLeavesEachOfItsMessagesInDoubt() throws {
    let rig = try rig()
    drop(rig, "a", "b")
    rig.advance(601)
    rig.lose()
    #expect(rig.names(.failed) == ["a", "b"])
    #expect(try rig.history("b").last?.state == .unconfirmed)
  }

  @Test func aLostOneIsRepeatedAsItWas() throws {
    let rig = try rig(recovery: .idempotencyKey)
    drop(rig, "b", "a", to: ["r1", "r2"])
    rig.advance(601)
    let lost = try #require(rig.transport.waiting.first)
    rig.lose()
    rig.advance(120)
    #expect(rig.transport.waiting == [lost])
    rig.answer("a")
    #expect(rig.names(.done) == ["a", "b"])
  }

  @Test func aLostOneIsAskedAboutAsAWhole() throws {
    let rig = try rig(recovery: .lookup(settles: 10))
    drop(rig, "a", "b")
    rig.advance(601)
    rig.lose()
    rig.advance(1)
    #expect(rig.transport.waiting.map(\.isQuestion) == [true])
    rig.answer("a")
    #expect(rig.names(.done) == ["a", "b"])
    #expect(try rig.history("a").last?.results.map(\.digest) == [2])
  }

  @Test func aLostOneIsNotJudgedWithoutAllWhoSharedIt() throws {
    let rig = try rig(recovery: .lookup(settles: 10))
    drop(rig, "a", "b")
    rig.advance(601)
    rig.lose()
    rig.advance(1)
    rig.reply(.lost(.init(code: "reset", message: "reset")))
    // Somebody sets one of them aside.
    rig.disk.remove(FileName("b"), from: .folder(.deferred))
    rig.advance(100)
    #expect(rig.transport.waiting.isEmpty && rig.names(.deferred) == ["a"])
    // By the hour: each look adds a line to the file, and a day of minutes is a minute of reading them.
    for _ in 0..<34 where rig.names(.failed).isEmpty { rig.advance(3600) }
    #expect(try rig.history("a").last?.state == .unconfirmed)
  }

  // MARK: Limits

  @Test func aDigestCountsAsOneMessageOfItsRecipientsDay() throws {
    let rig = try rig {
      $0.dailyPerRecipient = 1
      $0.daily = 10
    }
    drop(rig, "a", "b", "c")
    rig.advance(601)
    rig.answer("a")
    #expect(rig.names(.done) == ["a", "b", "c"])
    drop(rig, "d", "e")
    rig.advance(601)
    #expect(rig.transport.waiting.isEmpty && rig.names(.deferred) == ["d", "e"])
    #expect(try rig.history("d").last?.error?.code == "daily")
    #expect(try rig.ledger.counted("word", day: LocalTime.day(of: rig.clock.now.date, in: .gmt)) == 1)
  }

  @Test func placesWhoseDayIsUsedUpLeaveTheCallWithAllTheirMessages() throws {
    let rig = try rig { $0.daily = 1 }
    drop(rig, "a", "b", to: ["r1", "r2"])
    rig.advance(601)
    #expect(rig.transport.waiting.map(\.recipients) == [["r1"]])
    rig.answer("a")
    for name in ["a", "b"] {
      #expect(try rig.history(name).last?.results.map(\.state) == [.accepted, .deferred])
    }
  }

  @Test func theFallbackPutsTogetherWhatWasRefusedWhereItMakesDigests() throws {
    let primary = Channel.word { $0.fallback = "second" }
    let fallback = Channel.word("second") { $0.digest = DigestRule(every: 600) }
    let rig = try Rig(.of(primary, fallback), isEndless: true)
    rig.disk.drop(message(body: "of a"), as: "a")
    rig.disk.drop(message(body: "of b"), as: "b")
    rig.settle()
    // Both answers are there when the engine looks.
    let (first, second) = (try #require(rig.transport.take()), try #require(rig.transport.take()))
    first.deliver(.words([("r1", "gone")]))
    second.deliver(.words([("r1", "gone")]))
    rig.settle()
    #expect(rig.transport.waiting.map(\.text) == ["of a||of b"])
    rig.answer("a")
    #expect(rig.names(.done) == ["a", "b"])
  }
}
