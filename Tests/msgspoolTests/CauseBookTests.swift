import Core
import Foundation
import Testing

@testable import msgspool

@Suite("Causes are said once for all their messages, soon at first and then once a minute")
struct CauseBookTests {
  private func line(_ state: MessageState, _ code: String? = "503", channel: String = "a") -> HistoryLine {
    HistoryLine(
      at: Date(timeIntervalSince1970: 0), state: state, channel: channel,
      error: Fault(.provider, code: code, "is busy"))
  }

  private func said(_ book: inout CauseBook, at now: Double, all: Bool = false) -> [String] {
    book.lines(at: now, all: all) { "msgspool \($0)" }.map(\.1)
  }

  @Test func theFirstWaitsASecondForItsLikeAndTheNextAMinute() {
    var book = CauseBook()
    #expect(book.due == nil)
    book.note("m1", line(.deferred), at: 100) { true }
    book.note("m2", line(.deferred), at: 100.5) { true }
    #expect(book.due == 101)
    #expect(said(&book, at: 100.9) == [])
    #expect(
      said(&book, at: 101) == ["a: 2 messages deferred: provider: 503: is busy; see: msgspool list deferred"])
    #expect(book.due == nil)
    book.note("m3", line(.deferred), at: 110) { true }
    #expect(book.due == 161)
    #expect(said(&book, at: 160) == [])
    // Another cause does not wait for that.
    book.note("m4", line(.failed), at: 150) { true }
    #expect(said(&book, at: 151) == ["a: m4 failed: provider: 503: is busy; see: msgspool show m4"])
    #expect(said(&book, at: 161) == ["a: m3 deferred: provider: 503: is busy; see: msgspool show m3"])
    // Long after, it is news again.
    book.note("m5", line(.deferred), at: 500) { true }
    #expect(book.due == 501)
  }

  @Test func ourOwnWordsAreToldApartAsLongAsTheyAreFew() {
    func invalid(_ words: String) -> HistoryLine {
      HistoryLine(at: Date(timeIntervalSince1970: 0), state: .invalid, error: Fault(.message, words))
    }
    var book = CauseBook()
    book.note("m1", invalid("to: found 42"), at: 0) { true }
    book.note("m2", invalid("bdy: is no field"), at: 0) { true }
    let lines = said(&book, at: 0, all: true)
    #expect(lines.count == 2 && lines[0].contains("found 42") && lines[1].contains("no field"))
    for number in 0..<100 { book.note("n\(number)", invalid("to: found \(number)"), at: 100) { true } }
    #expect(said(&book, at: 100, all: true).count == 9)
  }

  @Test func atTheEndEverythingIsSaid() {
    var book = CauseBook()
    book.note("m1", line(.deferred), at: 0) { true }
    _ = said(&book, at: 1)
    book.note("m2", line(.deferred), at: 2) { true }
    book.note("m3", line(.expired, "expire_after"), at: 2) { true }
    #expect(said(&book, at: 2, all: true).count == 2)
  }

  @Test func whatIsNoTroubleOrNoNewsIsNotSaid() {
    var book = CauseBook()
    book.note("m", line(.done), at: 0) { true }
    book.note("m", line(.duplicate), at: 0) { true }
    book.note("m", line(.deferred, "send_at"), at: 0) { true }
    book.note("m", line(.deferred, "quiet_hours"), at: 0) { true }
    book.note("m", line(.deferred), at: 0) { false }
    #expect(book.due == nil)
  }

  @Test func aFarEndThatInventsCodesIsOneCauseInTheEnd() {
    var book = CauseBook()
    for code in 0..<10_000 { book.note("m", line(.failed, "\(code)"), at: 0) { true } }
    let lines = said(&book, at: 1)
    #expect(lines.count <= 201)
    #expect(lines.last?.contains(" 9800 messages failed") == true, "\(lines.last ?? "")")
  }
}

@Suite("The time left is told from the pace of the last seconds")
struct EstimateTests {
  @Test func whatWasFastBeforeDoesNotHideASlowRest() throws {
    var estimate = Estimate()
    estimate.total = 10_025
    _ = estimate.rate(10_000, at: 1)
    // Then one a second.
    for second in 2...15 { _ = estimate.rate(9999 + second, at: Double(second)) }
    let left = try #require(estimate.left(10_014))
    #expect((10...13).contains(left), "\(left)")
  }

  @Test func withoutAPaceNothingIsTold() {
    var estimate = Estimate()
    #expect(estimate.left(0) == nil)
    estimate.total = 5
    _ = estimate.rate(0, at: 3)
    #expect(estimate.left(0) == nil)
    #expect(estimate.left(5) == nil)
  }
}
