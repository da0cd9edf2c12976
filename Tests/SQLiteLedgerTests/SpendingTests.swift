import Core
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SQLiteLedger

private let now = moment("2026-11-22T09:00:00Z")

/// A budget is spent once, whoever spends it, and never by what was not accepted.
@Suite struct SpendingTests {
  private let ledger: SQLiteLedger

  init() throws { ledger = try SQLiteLedger(":memory:", now: now, generation: "g1") }

  private func call(
    _ id: String, costs: [Int], day: Int = 100, daily: Int? = nil, monthly: Int? = nil, month: Int = 90,
    perRecipient: Int = 0, limit: Int = 0
  ) -> ProposedCall {
    let members = costs.indices.map { CallMember(file: "f\($0)", to: "r\($0)") }
    var call = ProposedCall(
      id: id, sweep: "s", channel: "sms", provider: "plain", members: members, rate: 0, day: day, daily: limit,
      dailyPerRecipient: perRecipient, identities: perRecipient > 0 ? members.map(\.to) : [])
    call.charge = Charge(costs: costs, daily: daily, monthly: monthly, month: month)
    return call
  }

  private func propose(_ calls: ProposedCall...) throws -> [Admission] {
    var group = GroupCommit(now: now)
    group.proposed = calls
    return try ledger.commit(group)
  }

  private func finish(_ id: String, _ outcomes: [Outcome], refund: Int) throws {
    var group = GroupCommit(now: now)
    var finished = FinishedCall(id: id, outcomes: outcomes)
    finished.refund = refund
    group.finished = [finished]
    _ = try ledger.commit(group)
  }

  private func spent(_ day: Int = 100) throws -> Int { try ledger.spent("sms", from: day, through: day) }

  @Test func anIntentIsChargedAndWhatWasNotAcceptedGivenBack() throws {
    #expect(try propose(call("c1", costs: [5, 7, 9])) == [.start(without: [])])
    #expect(try spent() == 21)
    try finish("c1", [.accepted(), .rejected(.recipient), .unconfirmed()], refund: 7)
    #expect(try spent() == 14)
    // Nothing is given back twice.
    try finish("c1", [.rejected(.recipient), .rejected(.recipient), .rejected(.recipient)], refund: 21)
    #expect(try spent() == 0)
  }

  @Test func aCallInDoubtStaysCharged() throws {
    _ = try propose(call("c1", costs: [50], daily: 50))
    #expect(try propose(call("c2", costs: [1], daily: 50)) == [.startWithin(budget: .day, without: [], beyond: [0])])
    #expect(try ledger.call("c2") == nil && spent() == 50)
  }

  @Test func aBudgetIsGivenOutInOrderAsFarAsItGoes() throws {
    #expect(
      try propose(call("c1", costs: [20, 40, 10], daily: 50))
        == [.startWithin(budget: .day, without: [], beyond: [1])])
    #expect(try ledger.call("c1")?.members.map(\.to) == ["r0", "r2"] && spent() == 30)
    // Another sweeper's call in the same commit sees what the first took.
    #expect(
      try propose(call("c2", costs: [20], daily: 50), call("c3", costs: [20], daily: 50))
        == [.start(without: []), .startWithin(budget: .day, without: [], beyond: [0])])
  }

  @Test func aMonthIsTheSumOfItsDays() throws {
    _ = try propose(call("c1", costs: [30], day: 91, monthly: 50), call("c2", costs: [30], day: 80, monthly: 50))
    #expect(
      try propose(call("c3", costs: [21], monthly: 50)) == [.startWithin(budget: .month, without: [], beyond: [0])])
    #expect(try propose(call("c4", costs: [20], daily: 100, monthly: 50)) == [.start(without: [])])
    #expect(try ledger.spent("sms", from: 90, through: 100) == 50)
  }

  @Test func whatTheBudgetLeavesOutIsNotCountedElsewhere() throws {
    let admission = try propose(call("c1", costs: [10, 10, 10], daily: 10, perRecipient: 1, limit: 10))
    #expect(admission == [.startWithin(budget: .day, without: [], beyond: [1, 2])])
    #expect(try ledger.counted("sms", day: 100) == 1)
    #expect(
      try propose(call("c2", costs: [10, 10, 10], daily: 100, perRecipient: 1, limit: 10)) == [.start(without: [0])])
  }

  @Test func aCallThatIsRepeatedUnderItsKeyIsPaidForOnce() throws {
    _ = try propose(call("c1", costs: [50], daily: 50))
    #expect(try propose(call("c1", costs: [50], daily: 50)) == [.start(without: [])])
    #expect(try spent() == 50)
  }

  @Test func aMillionTenthsAreExact() throws {
    for number in 0..<1000 { _ = try propose(call("c\(number)", costs: Array(repeating: 100_000, count: 100))) }
    #expect(try spent() == 10_000_000_000)
  }

  @Test func pruningKeepsTheMonth() throws {
    _ = try propose(call("c1", costs: [30], day: 20_000), call("c2", costs: [40], day: 19_900))
    let day = Date(timeIntervalSince1970: 20_010 * 86_400)
    _ = try ledger.prune(LedgerHorizon(calls: day, ids: day), isDry: false)
    #expect(try spent(20_000) == 30 && spent(19_900) == 0)
  }
}
