import Core
import Foundation
import Ledger
import TestSupport
import Testing

/// What is counted of calls and messages.
@Suite struct MetersTests {
  private func value(_ meters: Meters, _ name: Meters.Name, _ label: String, _ channel: String = "c") -> Int {
    meters.rows.first { $0.name == name && $0.channel == channel && $0.label == label }?.value ?? 0
  }

  @Test func aCallIsCountedByItsOutcomeAndItsRecipientsByTheirs() {
    var meters = Meters()
    meters.count([.accepted(), .accepted()], of: "c", seconds: 0.01)
    meters.count([.accepted(), .rejected(.recipient)], of: "c", seconds: 0.2)
    meters.count([.deferred(.throttled)], of: "c", seconds: 0.2)
    meters.count([.rejected(.recipient)], of: "c", seconds: 7)
    meters.count([.unconfirmed()], of: "c", seconds: 31)
    for label in ["accepted", "partial", "refused", "deferred", "unconfirmed"] {
      #expect(value(meters, .calls, label) == 1)
    }
    #expect(value(meters, .recipients, "accepted") == 3 && value(meters, .recipients, "rejected") == 2)
    #expect(value(meters, .callSeconds, "0.025") == 1 && value(meters, .callSeconds, "0.25") == 2)
    #expect(value(meters, .callSeconds, "10") == 1 && value(meters, .callSeconds, "+Inf") == 1)
    #expect(value(meters, .callSum, "") == 38_410)
  }

  @Test func aMessageIsCountedByItsStateAndTheTimeSinceItsDrop() {
    let now = moment("2026-11-22T09:00:00Z")
    var meters = Meters()
    meters.count(HistoryLine(at: now, state: .done, channel: "c", dropped: now - 40))
    meters.count(HistoryLine(at: now, state: .deferred, channel: "c", dropped: now - 40))
    meters.count(HistoryLine(at: now, state: .expired, channel: "c", dropped: now - 1e6))
    #expect(value(meters, .messages, "done") == 1 && value(meters, .messages, "deferred") == 1)
    #expect(value(meters, .settleSeconds, "60") == 1 && value(meters, .settleSeconds, "+Inf") == 1)
  }

  @Test func whatAnInvalidMessageCallsItsChannelIsNoLabel() {
    var meters = Meters()
    meters.count(HistoryLine(at: .distantPast, state: .invalid, channel: "anything"))
    #expect(value(meters, .messages, "invalid", "") == 1 && meters.rows.allSatisfy { $0.channel == "" })
  }

  @Test func manyMessagesAreFewRows() {
    var meters = Meters()
    for number in 0..<10_000 {
      meters.count([.accepted()], of: number % 2 == 0 ? "a" : "b", seconds: 0.1)
      meters.count(HistoryLine(at: .distantPast, state: .done, channel: "a", dropped: .distantPast))
    }
    #expect(meters.rows.count <= 12)
  }
}
