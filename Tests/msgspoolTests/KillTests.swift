import Foundation
import TestSupport
import Testing

/// One moment: the N-th call of a system call, in any thread.
struct Moment: Sendable, CustomTestStringConvertible {
  var call: String
  var number: Int

  var testDescription: String { "\(call) \(number)" }

  /// More moments than a run has; the ones behind its end are not counted.
  static func all(_ limits: [(String, Int)]) -> [Moment] {
    limits.flatMap { call, count in (1...count).map { Moment(call: call, number: $0) } }
  }

  var killing: [String] { Injection.strace(call, "signal=KILL", when: String(number)) }
}

@Suite("Killed at any moment, nothing is lost and nothing sent twice", .disabled(if: Injection.isMissing, "no strace"))
struct KillTests {
  static let killed: Int32 = 128 + 9

  /// Calls of several messages, messages of several recipients, calls of one.
  private static func cargo() -> Cargo {
    var cargo = Cargo()
    for number in 0..<6 {
      cargo.add("p\(number)", channel: "push", to: ["UID_\(number)a", "UID_\(number)b"], body: "text \(number % 2)")
      cargo.add("t\(number)", channel: "text", to: ["+1212555010\(number)"], body: "text")
    }
    return cargo
  }

  private static let channels: [String: Station.Channel] = [
    "push": .wxpusher("max_recipients_per_call: 4, concurrency: 2"),
    "text": .twilio("reconcile_after: 0, concurrency: 3"),
  ]
  /// Concurrency times recipients per call: what one kill may leave in doubt on the channel that cannot be asked.
  private static let mostInDoubt = 2 * 4

  private static let moments = Moment.all([
    ("renameat2", 14), ("fsync", 4), ("fdatasync", 14), ("pwrite64", 60), ("write", 14), ("sendto", 10), ("syncfs", 2),
    ("recvfrom", 16), ("unlinkat", 1), ("openat", 160),
  ])

  @Test("A killed sweep", arguments: Torture.some(moments, 12))
  func sweep(moment: Moment) async throws {
    try await withStation { station in
      try station.configure(Self.channels)
      let cargo = Self.cargo()
      try cargo.drop(into: station.spool)
      let swept = try await station.sweep(under: moment.killing)
      #expect([0, Self.killed].contains(swept.status), "\(swept.stderr)")
      try await station.sweepToTheEnd()
      try await Self.expectPromisesKept(station, cargo, kills: 1, swept.status == Self.killed ? "killed sweep" : nil)
    }
  }

  @Test("A killed rescue of a killed sweep", arguments: Torture.some(moments, 8))
  func rescue(moment: Moment) async throws {
    try await withStation { station in
      try station.configure(Self.channels)
      let cargo = Self.cargo()
      try cargo.drop(into: station.spool)
      // Some calls have been answered by then, and some have not.
      try await station.sweep(under: Moment(call: "sendto", number: 3).killing)
      let swept = try await station.sweep(under: moment.killing)
      try await station.sweepToTheEnd()
      try await Self.expectPromisesKept(station, cargo, kills: 2, swept.status == Self.killed ? "killed rescue" : nil)
    }
  }

  @Test(
    "A killed sweep that asks what became of lost calls",
    arguments: Torture.some(
      Moment.all([("fdatasync", 6), ("write", 6), ("sendto", 8), ("pwrite64", 24), ("renameat2", 6)]), 4)
      + [Moment(call: "write", number: 1), Moment(call: "fdatasync", number: 3)])
  func asking(moment: Moment) async throws {
    // Three are carried out, two are not, and of none the answer comes.
    let faults = ["reset-after:on=send,count=3", "reset-before:on=send,count=2"]
    try await withStation(faults: faults) { station in
      try station.configure(["text": .twilio("reconcile_after: 0")])
      var cargo = Cargo()
      for number in 0..<5 { cargo.add("t\(number)", channel: "text", to: ["+1212555010\(number)"], body: "text") }
      try cargo.drop(into: station.spool)
      #expect(try await station.sweep()["deferred"] == 5)
      try station.spool.letDeferredFallDue()
      let swept = try await station.sweep(under: moment.killing)
      try await station.sweepToTheEnd()
      let aftermath = try Aftermath(station, cargo)
      if swept.status == Self.killed { Tally.shared.count(aftermath, as: "killed while asking") }
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty && aftermath.unconfirmed.isEmpty)
      #expect(aftermath.problems.isEmpty)
    }
  }

  @Test(
    "A killed sweep between a refused call and its halves",
    arguments: Torture.some(Moment.all([("fdatasync", 14), ("sendto", 6)]), 2) + [Moment(call: "sendto", number: 2)])
  func splitting(moment: Moment) async throws {
    try await withStation(faults: ["status:http=413,count=1"]) { station in
      try station.configure(["push": .wxpusher("concurrency: 1")])
      var cargo = Cargo()
      for number in 0..<8 { cargo.add("p\(number)", channel: "push", to: ["UID_\(number)"], body: "text") }
      try cargo.drop(into: station.spool)
      let swept = try await station.sweep(under: moment.killing)
      try await station.sweepToTheEnd()
      let aftermath = try Aftermath(station, cargo)
      if swept.status == Self.killed { Tally.shared.count(aftermath, as: "killed while splitting") }
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty)
      #expect(aftermath.problems.isEmpty, "nobody is refused because the whole call was")
    }
  }

  @Test(
    "A killed sweep whose refused recipients go on through a fallback channel",
    arguments: Torture.some(Moment.all([("fdatasync", 14), ("sendto", 9), ("write", 8), ("pwrite64", 66)]), 3) + [
      Moment(call: "fdatasync", number: 12), Moment(call: "write", number: 4),
    ])
  func fallingBack(moment: Moment) async throws {
    try await withStation(faults: ["recipient:provider=twilio,nth=2"]) { station in
      let book = (0..<6).map { "\"+1212555010\($0)\": \"UID_\($0)\"" }.joined(separator: ", ")
      try station.configure([
        "text": .twilio(#"concurrency: 3, reconcile_after: 0, fallback: "push""#),
        "push": .wxpusher("concurrency: 1, max_recipients_per_call: 2, recipients: { \(book) }"),
      ])
      var cargo = Cargo()
      for number in 0..<6 { cargo.add("t\(number)", channel: "text", to: ["+1212555010\(number)"], body: "text") }
      try cargo.drop(into: station.spool)
      let swept = try await station.sweep(under: moment.killing)
      try await station.sweepToTheEnd()
      let aftermath = try Aftermath(station, cargo) { $0.replacing("UID_", with: "+1212555010") }
      if swept.status == Self.killed { Tally.shared.count(aftermath, as: "killed while falling back") }
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty && aftermath.problems.isEmpty)
      #expect(aftermath.unconfirmed.count <= 2)
    }
  }

  private static func expectPromisesKept(_ station: Station, _ cargo: Cargo, kills: Int, _ kind: String?) async throws {
    let ledger = LedgerView.isMissing ? nil : try await LedgerView(station.spool)
    let aftermath = try Aftermath(station, cargo, ledger: ledger)
    if let kind { Tally.shared.count(aftermath, as: kind) }
    #expect(aftermath.lost.isEmpty, "recorded as accepted, and never sent")
    #expect(aftermath.duplicated.isEmpty, "accepted more than once")
    #expect(aftermath.unconfirmed.count <= kills * mostInDoubt)
    #expect(aftermath.problems.isEmpty)
  }
}
