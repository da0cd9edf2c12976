import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

/// What a channel's budget has no room for waits for the next day or month.
@Suite struct ChargingTests {
  private func rig(daily: String? = nil, monthly: String? = nil, recovery: Recovery = .none) throws -> Rig {
    try Rig(
      .of(
        .word(recovery: recovery) {
          $0.price = Money("0.5") ?? .zero
          $0.budget = Budget(daily: daily.flatMap(Money.init(_:)), monthly: monthly.flatMap(Money.init(_:)))
          $0.expireAfter = 60 * 86_400
        }), isEndless: true)
  }

  private func spent(_ rig: Rig) throws -> Money {
    let day = LocalTime.day(of: rig.clock.now.date, in: .gmt)
    return Money(micros: try rig.ledger.spent("word", from: day, through: day))
  }

  @Test func whatTheDayHasNoRoomForWaitsForTheNext() throws {
    let rig = try rig(daily: "1")
    rig.disk.drop(message(to: ["r1", "r2", "r3"]), as: "m")
    rig.settle()
    #expect(rig.transport.waiting.map(\.recipients) == [["r1", "r2"]])
    rig.answer("a")
    #expect(rig.names(.deferred) == ["m"])
    let line = try #require(try rig.history("m").last)
    #expect(line.error?.kind == .quota && line.error?.code == "budget" && line.attempt == 1)
    #expect(line.due == moment("2026-11-23T00:00:00Z"))
    #expect(try spent(rig) == Money("1"))
    // Said once, however many have to wait.
    rig.disk.drop(message(to: ["r4"], body: "other"), as: "n")
    rig.settle()
    #expect(Set(rig.seen.notices.filter { $0.message.contains("budget of 1.00 a day") }).count == 1)
    #expect(try rig.history("n").last?.attempt == 0)
    rig.advance(16 * 3600)
    rig.acceptAll()
    #expect(rig.names(.done) == ["m", "n"])
    #expect(try spent(rig) == Money("1"))
  }

  @Test func aMonthsBudgetWaitsForTheNextMonth() throws {
    let rig = try rig(daily: "100", monthly: "0.5")
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.acceptAll()
    rig.disk.drop(message(to: ["r2"], body: "other"), as: "n")
    rig.settle()
    #expect(try rig.history("n").last?.due == moment("2026-12-01T00:00:00Z"))
  }

  @Test func whatIsNotAcceptedIsNotPaidFor() throws {
    let rig = try rig()
    rig.disk.drop(message(to: ["r1", "r2", "r3"]), as: "m")
    rig.settle()
    #expect(try spent(rig) == Money("1.5"))
    rig.answer("a", "gone", "d")
    #expect(try spent(rig) == Money("0.5"))
  }

  @Test func whatIsInDoubtCounts() throws {
    let rig = try rig(daily: "0.5")
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.lose()
    #expect(try rig.history("m").last?.state == .unconfirmed && spent(rig) == Money("0.5"))
    rig.disk.drop(message(to: ["r2"], body: "other"), as: "n")
    // After a lost answer the channel rests for a moment.
    rig.advance(5)
    #expect(rig.transport.waiting.isEmpty && rig.names(.deferred) == ["n"])
  }

  @Test func whatTurnsOutNotToHaveBeenCarriedOutIsGivenBackAndPaidAgain() throws {
    let rig = try rig(daily: "0.5", recovery: .lookup(settles: 0))
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.lose()
    rig.advance(1)
    rig.reply(.http(404))
    rig.acceptAll()
    #expect(rig.names(.done) == ["m"])
    #expect(try spent(rig) == Money("0.5"))
  }

  @Test func aRepetitionUnderItsKeyIsPaidOnce() throws {
    let rig = try rig(daily: "0.5", recovery: .idempotencyKey)
    rig.disk.drop(message(to: ["r1"]), as: "m")
    rig.settle()
    rig.lose()
    rig.advance(100)
    rig.acceptAll()
    #expect(rig.names(.done) == ["m"])
    #expect(try spent(rig) == Money("0.5"))
  }

  @Test func aMonthEndsWhereTheZoneSaysSo() {
    #expect(LocalTime.nextMonth(after: moment("2026-11-22T09:00:00Z"), in: .gmt) == moment("2026-12-01T00:00:00Z"))
    #expect(LocalTime.nextMonth(after: moment("2026-12-31T23:59:59Z"), in: .gmt) == moment("2027-01-01T00:00:00Z"))
    #expect(LocalTime.nextMonth(after: moment("2027-01-01T00:00:00Z"), in: .gmt) == moment("2027-02-01T00:00:00Z"))
    let day = LocalTime.day(of: moment("2028-02-29T12:00:00Z"), in: .gmt)
    #expect(LocalTime.month(of: day) == day - 28)
  }
}
