import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

/// A text that is split: each part is a call's business of its own, and none that was accepted is sent again.
@Suite struct LongTextTests {
  private static let body = "one and two and three and four and five"
  private static let parts = ["(1/3) one and two and", "(2/3) three and four and", "(3/3) five"]

  private func drop(_ rig: Rig, _ name: String, to: [String] = ["r1"], long: String = "split") {
    rig.disk.drop(message(to: to, body: Self.body, more: #""options":{"long":"\#(long)"}"#), as: name)
    rig.settle()
  }

  private func states(_ rig: Rig, _ name: String) throws -> [[String]] {
    try rig.history(name).map { line in
      line.results.flatMap { result in result.parts.map { "\(result.to) \($0.name) \($0.state)" } }
    }
  }

  @Test func partsGoOneAfterAnotherAndAreRecordedEach() throws {
    let rig = try Rig(.of(.word()))
    drop(rig, "a")
    var texts: [String] = []
    while let request = rig.transport.waiting.first {
      #expect(rig.transport.waiting.count == 1)
      texts.append(request.text)
      rig.answer("a")
    }
    #expect(texts == Self.parts && rig.names(.done) == ["a"])
    let line = try #require(try rig.history("a").last)
    #expect(line.attempt == 1 && line.calls.count == 3 && line.results.map(\.state) == [.accepted])
    #expect(line.results[0].parts == (1...3).map { .init("text \($0)/3", .accepted, id: "id") })
  }

  @Test func thoseOfSeveralPeopleShareTheCallsOfEachPart() throws {
    let rig = try Rig(.of(.word()))
    for (name, to) in [("a", ["r1", "r2", "r3"]), ("b", ["r4"])] {
      rig.disk.drop(message(to: to, body: Self.body, more: #""options":{"long":"split"}"#), as: name)
    }
    rig.settle()
    for part in Self.parts {
      #expect(rig.transport.waiting.map(\.text) == [part])
      #expect(rig.transport.waiting.map { $0.recipients.sorted() } == [["r1", "r2", "r3", "r4"]])
      rig.answer("a")
    }
    #expect(rig.names(.done) == ["a", "b"] && rig.end().calls == 3)
  }

  @Test func whoIsRefusedOnePartGetsNoMoreAndTheOthersDo() throws {
    let rig = try Rig(.of(.word()))
    drop(rig, "a", to: ["r1", "r2"])
    rig.answer("a", "gone")
    #expect(rig.transport.waiting.map(\.recipients) == [["r1"]])
    rig.acceptAll()
    #expect(rig.names(.failed) == ["a"])
    let all = (1...3).map { "r1 text \($0)/3 accepted" } + ["r2 text 1/3 rejected"]
    #expect(try states(rig, "a") == [all])
  }

  @Test func aDeferredPartIsTriedAgainAndTheAcceptedOnesAreNot() throws {
    let rig = try Rig(.of(.word()), isEndless: true)
    drop(rig, "a")
    rig.answer("a")
    rig.answer("d")
    #expect(rig.names(.deferred) == ["a"])
    #expect(try states(rig, "a") == [["r1 text 1/3 accepted", "r1 text 2/3 deferred"]])
    rig.advance(100)
    #expect(rig.transport.waiting.map(\.text) == [Self.parts[1]])
    rig.acceptAll()
    #expect(rig.names(.done) == ["a"])
    #expect(try states(rig, "a").last == (1...3).map { "r1 text \($0)/3 accepted" })
  }

  @Test func aLostPartIsHeldAndAPersonsRetryGoesOnThere() throws {
    let rig = try Rig(.of(.word()))
    drop(rig, "a")
    rig.answer("a")
    rig.lose()
    #expect(rig.names(.failed) == ["a"])
    #expect(try rig.history("a").last?.state == .unconfirmed)
    #expect(try states(rig, "a") == [["r1 text 1/3 accepted", "r1 text 2/3 unconfirmed"]])
    rig.end()
    let text = try #require(rig.disk.everything.first { $0.name == FileName("a") }?.text)
    rig.disk.drop(text, as: "again")
    let second = try Rig(.of(.word()), disk: rig.disk, ledger: rig.ledger)
    second.settle()
    #expect(second.transport.waiting.map(\.text) == [Self.parts[1]])
    second.acceptAll()
    #expect(second.names(.done) == ["again"])
  }

  @Test func aLostPartIsRepeatedUnderItsKeyOrAskedAbout() throws {
    for recovery in [Recovery.idempotencyKey, .lookup(settles: 10)] {
      let rig = try Rig(.of(.word(recovery: recovery)), isEndless: true)
      drop(rig, "a")
      rig.answer("a")
      let lost = try #require(rig.transport.waiting.first)
      rig.lose()
      rig.advance(100)
      let again = try #require(rig.transport.waiting.first)
      #expect(again.call == lost.call && again.text == lost.text, "\(recovery)")
      if again.isQuestion {
        // It was not carried out, and goes now.
        rig.reply(.http(404))
        #expect(rig.transport.waiting.map(\.text) == [lost.text])
      }
      rig.answer("a")
      #expect(rig.transport.waiting.map(\.text) == [Self.parts[2]], "\(recovery)")
      rig.acceptAll()
      #expect(rig.names(.done) == ["a"])
    }
  }

  @Test func whatAKilledSweepHadAcceptedIsNotSentAgain() throws {
    let rig = try Rig(.of(.word()))
    drop(rig, "a")
    rig.answer("a")
    // The second part's call has begun, and its answer is never heard.
    rig.process.die()
    rig.retire()
    let second = try Rig(.of(.word { $0.onUnconfirmed = .resend }), disk: rig.disk, ledger: rig.ledger)
    _ = try second.rescue()
    #expect(try states(second, "a") == [["r1 text 1/3 accepted", "r1 text 2/3 deferred"]])
    second.clock.advance(4000)
    let third = try Rig(.of(.word()), disk: rig.disk, ledger: rig.ledger)
    third.settle()
    #expect(third.transport.waiting.map(\.text) == [Self.parts[1]])
    third.acceptAll()
    #expect(third.names(.done) == ["a"])
  }

  @Test func aTextThatWouldBeSplitOtherwiseNowIsNotSentOn() throws {
    let rig = try Rig(.of(.word()))
    let line =
      #"{"msgspool":1,"at":"2026-11-22T08:00:00Z","state":"deferred","channel":"word","provider":"word","attempt":1,"recipients":{"deferred":1},"calls":["c"],"results":[{"to":"r1","state":"deferred","parts":[{"part":"text 1/2","state":"accepted"},{"part":"text 2/2","state":"deferred"}]}],"dropped":"2026-11-22T08:00:00Z"}"#
    rig.disk.drop(message(body: Self.body, more: #""options":{"long":"split"}"#) + "\n" + line + "\n", as: "a")
    rig.settle()
    #expect(rig.transport.waiting.isEmpty && rig.names(.failed) == ["a"])
    let result = try rig.history("a").last?.results.last
    #expect(result?.code == "parts" && result?.reason?.contains("text 1/2") == true)
  }

  @Test func aChannelsDigestLeavesItAlone() throws {
    let rig = try Rig(.of(.word { $0.digest = DigestRule(every: 600) }), isEndless: true)
    drop(rig, "a")
    rig.disk.drop(message(body: "of b"), as: "b")
    rig.disk.drop(message(body: "of c"), as: "c")
    rig.settle()
    rig.advance(601)
    #expect(Set(rig.transport.waiting.map(\.text)) == [Self.parts[0], "of b||of c"])
    rig.acceptAll()
    #expect(rig.names(.done) == ["a", "b", "c"])
  }

  @Test func aCutTextIsOneCall() throws {
    let rig = try Rig(.of(.word()))
    drop(rig, "a", long: "cut")
    #expect(rig.transport.waiting.map(\.text) == ["one and two and three…"])
    rig.acceptAll()
    #expect(try rig.history("a").last?.results[0].parts == [])
  }

  @Test func theDayCountsEachPart() throws {
    let rig = try Rig(.of(.word { $0.daily = 2 }))
    drop(rig, "a")
    rig.acceptAll()
    #expect(rig.names(.deferred) == ["a"])
    #expect(try states(rig, "a") == [["r1 text 1/3 accepted", "r1 text 2/3 accepted", "r1 text 3/3 deferred"]])
  }
}
