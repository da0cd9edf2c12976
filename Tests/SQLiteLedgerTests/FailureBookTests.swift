import Core
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SQLiteLedger

private let now = moment("2026-11-22T09:00:00Z")

/// What failed is told once, however many tell it and whenever they die.
@Suite struct FailureBookTests {
  private let folder: ScratchFolder
  private let ledger: SQLiteLedger

  init() throws {
    folder = try ScratchFolder()
    ledger = try SQLiteLedger(folder.path("ledger.db"), now: now, generation: "g1")
  }

  private func failed(
    _ name: String, _ code: String = "gone", channel: String = "sms", at: Date = now, in ledger: SQLiteLedger? = nil
  ) throws {
    let line = HistoryLine(
      at: at, state: .failed, channel: channel, error: Fault(.recipient, code: code, "of \(name)"))
    var group = GroupCommit(now: at)
    group.failures = [try #require(FailureNote(line, name: name, id: nil))]
    _ = try (ledger ?? self.ledger).commit(group)
  }

  @Test func failuresOfOneCauseAreOneLine() throws {
    try failed("a")
    try failed("b", at: now + 5)
    try failed("c", "full")
    let summary = try #require(try ledger.takeFailures(at: now + 10, every: 3600))
    #expect(summary.notes.map(\.count) == [2, 1] && summary.notes.map(\.code) == ["gone", "full"])
    #expect(summary.notes[0].name == "b" && summary.notes[0].reason == "of b")
    #expect(summary.notes[0].first == now && summary.notes[0].last == now + 5)
  }

  @Test func nothingFailedIsNothingToTell() throws {
    #expect(try ledger.takeFailures(at: now, every: 3600) == nil)
  }

  @Test func whatIsToldIsNotToldAgainAndTheNextWaitsAnHour() throws {
    try failed("a")
    let summary = try #require(try ledger.takeFailures(at: now, every: 3600))
    try ledger.told(summary)
    #expect(try ledger.takeFailures(at: now + 1, every: 3600) == nil)
    try failed("b")
    #expect(try ledger.takeFailures(at: now + 3599, every: 3600) == nil)
    let next = try #require(try ledger.takeFailures(at: now + 3600, every: 3600))
    #expect(next.notes.map(\.name) == ["b"] && next.id != summary.id)
  }

  @Test func twoProcessesTellOnce() throws {
    let other = try SQLiteLedger(folder.path("ledger.db"), now: now, generation: "g2")
    try failed("a")
    try failed("b", in: other)
    #expect(try ledger.takeFailures(at: now, every: 3600)?.notes.first?.count == 2)
    #expect(try other.takeFailures(at: now, every: 3600) == nil)
    #expect(try other.takeFailures(at: now + 59, every: 3600) == nil)
  }

  @Test func whoDiedOverTellingIsReplacedUnderTheSameName() throws {
    try failed("a")
    let first = try #require(try ledger.takeFailures(at: now, every: 3600))
    // What fails meanwhile waits for its own summary.
    try failed("b")
    let again = try #require(try ledger.takeFailures(at: now + 61, every: 3600))
    #expect(again == first)
    try ledger.told(again)
    #expect(try ledger.takeFailures(at: now + 3600, every: 3600)?.notes.map(\.name) == ["b"])
  }

  @Test func aClockThatWasTurnedBackKeepsNobodyWaiting() throws {
    try failed("a")
    try ledger.told(try #require(try ledger.takeFailures(at: now, every: 3600)))
    try failed("b")
    #expect(try ledger.takeFailures(at: now - 86_400, every: 3600) != nil)
  }

  @Test func codesThatAreInventedForEachAnswerTakeNoSpaceWithoutEnd() throws {
    for number in 0..<300 { try failed("m\(number)", "code-\(number)") }
    let summary = try #require(try ledger.takeFailures(at: now, every: 3600))
    #expect(summary.notes.count <= 201 && summary.notes.reduce(0) { $0 + $1.count } == 300)
  }

  @Test func summariesAreNoFailuresThemselves() {
    let line = HistoryLine(at: now, state: .failed, channel: "ops", error: Fault(.recipient, "x"))
    #expect(FailureNote(line, name: "m", id: "\(FailureNote.ownId)g1-5") == nil)
    #expect(FailureNote(line, name: "m", id: "other") != nil)
    for state in MessageState.allCases {
      let isFailure = [.failed, .expired, .unconfirmed].contains(state)
      #expect((FailureNote(HistoryLine(at: now, state: state), name: "m", id: nil) != nil) == isFailure)
    }
  }

  // MARK: Counts

  @Test func countsAddUpOverCommitsAndProcesses() throws {
    var meters = Meters()
    meters.count([.accepted(), .accepted(), .rejected(.recipient)], of: "sms", seconds: 0.3)
    meters.count([.accepted()], of: "push", seconds: 40)
    var group = GroupCommit(now: now)
    group.meters = meters.rows
    #expect(group.isEmpty)
    _ = try ledger.commit(group)
    let other = try SQLiteLedger(folder.path("ledger.db"), now: now, generation: "g2")
    _ = try other.commit(group)
    let rows = try ledger.meters()
    func value(_ name: Meters.Name, _ channel: String, _ label: String) -> Int? {
      rows.first { $0.name == name && $0.channel == channel && $0.label == label }?.value
    }
    #expect(value(.recipients, "sms", "accepted") == 4 && value(.recipients, "sms", "rejected") == 2)
    #expect(value(.calls, "sms", "partial") == 2 && value(.calls, "push", "accepted") == 2)
    #expect(value(.callSeconds, "sms", "0.5") == 2 && value(.callSeconds, "push", "+Inf") == 2)
    #expect(value(.callSum, "push", "") == 80_000)
  }
}
