import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Several sweepers at once share the work, and nobody is sent to twice")
struct ManySweepersTests {
  private static let count = Torture.isOn ? 4000 : 600

  @Test(
    "Four over thousands of messages, with a producer dropping meanwhile: each recipient exactly once")
  func four() async throws {
    try await withStation(faults: ["delay:ms=20,every=10"]) { station in
      try station.configure(["push": .wxpusher("max_recipients_per_call: 10"), "text": .twilio("concurrency: 8")])
      let spool = station.spool
      let drop = { @Sendable (range: Range<Int>) throws in
        for number in range {
          let isPush = number % 2 == 0
          try spool.drop(
            "m\(number)",
            isPush
              ? #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#
              : #"{"channel":"text","to":"+1212\#(5_550_000 + number)","body":"hi"}"#)
        }
      }
      try drop(0..<Self.count / 2)
      async let dropping: Void = offload { try drop(Self.count / 2..<Self.count) }
      // Each in a window of its own, so that no one claims everything at once.
      let narrow = ["sh", "-c", #"ulimit -n 664; exec "$0" "$@""#]
      let shares = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 {
          group.addTask {
            let swept = try await station.sweep(under: narrow)
            #expect(swept.status == 0, "\(swept.stderr)")
            return swept["done"] ?? 0
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      try await dropping
      // On a busy machine the first may be through before the last has begun; the long part below asks for shares.
      #expect(shares.reduce(0, +) <= Self.count, "\(shares)")
      try await station.sweepToTheEnd()
      let accepted = try station.accepted()
      #expect(accepted.count == Self.count && accepted.values.allSatisfy { $0 == 1 })
      #expect(spool.names(in: "done").count == Self.count && spool.names(in: "cur").isEmpty)
    }
  }

  /// So many sweepers, and messages for them.
  struct Crowd: Sendable, CustomTestStringConvertible {
    var sweepers: Int
    var messages: Int

    var testDescription: String { "\(sweepers) over \(messages)" }

    static let all =
      Torture.isOn
      ? [
        Crowd(sweepers: 2, messages: 10_000), Crowd(sweepers: 5, messages: 15_000),
        Crowd(sweepers: 16, messages: 25_000),
      ]
      : [Crowd(sweepers: 5, messages: 500)]
  }

  @Test(
    "Killed again and again while producers drop: each recipient once, or said to be in doubt where nobody can be asked",
    .disabled(if: Calamity.isMissing, "no C compiler for what strikes"), arguments: Crowd.all)
  func killed(crowd: Crowd) async throws {
    try await withStation(faults: ["delay:ms=5,every=10"], timeout: .seconds(3600)) { station in
      try station.configure([
        "push": .wxpusher("max_recipients_per_call: 10, concurrency: 4"),
        "text": .twilio("concurrency: 4, reconcile_after: 0"),
      ])
      let spool = station.spool
      let producers = 2
      let dropping = Dropping(producers)
      let results = try await withThrowingTaskGroup(of: Share.self) { group in
        for producer in 0..<producers {
          group.addTask {
            try await offload {
              for number in stride(from: producer, to: crowd.messages, by: producers) {
                try spool.drop("m\(number)", Self.message(number))
              }
            }
            dropping.end()
            return Share()
          }
        }
        for sweeper in 0..<crowd.sweepers {
          group.addTask { try await Self.toil(sweeper, crowd, station, dropping) }
        }
        return try await group.reduce(into: [Share]()) { if $1.sweeps > 0 { $0.append($1) } }
      }
      try await station.sweepToTheEnd(atMost: 20)
      let kills = results.reduce(0) { $0 + $1.kills }
      try Self.judge(station, crowd, kills: kills)
      #expect(kills > 0)
      // A few hundred messages may well be settled before the last sweeper has got up from a kill.
      guard Torture.isOn else { return }
      print("\(crowd): \(kills) kills; settled by each: \(results.map(\.settled).sorted())")
      #expect(results.allSatisfy { $0.settled > 0 }, "\(results): one of them starves")
    }
  }

  private static func message(_ number: Int) -> String {
    number % 2 == 0
      ? #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#
      : #"{"channel":"text","to":"\#(recipient(number))","body":"hi"}"#
  }

  private static func recipient(_ number: Int) -> String {
    number % 2 == 0 ? "UID_\(number)" : "+1212\(5_000_000 + number)"
  }

  /// What one sweeper came to.
  private struct Share: Sendable {
    var sweeps = 0
    var kills = 0
    var settled = 0
  }

  private final class Dropping: Sendable {
    private let under: Mutex<Int>
    init(_ producers: Int) { under = Mutex(producers) }
    func end() { under.withLock { $0 -= 1 } }
    var hasEnded: Bool { under.withLock { $0 == 0 } }
  }

  /// Sweeps, is killed so many times, and goes on until all is dropped and swept.
  private static func toil(_ number: Int, _ crowd: Crowd, _ station: Station, _ dropping: Dropping) async throws
    -> Share
  {
    var random = Torture.SplitMix(state: Torture.seed &* 1000 &+ UInt64(number))
    var share = Share()
    let kills = Torture.isOn ? 12 : 2
    // In a window of its own, so that no one claims everything at once.
    var station = station
    station.wrapper = ["sh", "-c", #"ulimit -n 664; exec "$0" "$@""#]
    while true {
      let isLast = dropping.hasEnded
      let calamity = share.kills < kills ? Calamity(.kill, at: Int.random(in: 20...600, using: &random)) : .none
      let struck = try await calamity.strike { try await station.run("sweep", ["--json"], with: $0) }
      share.sweeps += 1
      if struck.ran.status == Calamity.killed {
        share.kills += 1
        continue
      }
      guard struck.ran.status == 0 else { throw SpoolDamage(description: "\(struck.ran.status): \(struck.ran.stderr)") }
      share.settled += try Parsed(struck.ran.stdout)["done"]?.int ?? 0
      if isLast { return share }
    }
  }

  private static func judge(_ station: Station, _ crowd: Crowd, kills: Int) throws {
    let accepted = try station.accepted()
    var duplicated = 0
    var lost = 0
    var doubtful = 0
    let done = Set(station.spool.names(in: "done"))
    let failed = Set(station.spool.names(in: "failed"))
    #expect(done.count + failed.count == crowd.messages && done.isDisjoint(with: failed))
    #expect(station.spool.names(in: "cur").isEmpty)
    for number in 0..<crowd.messages {
      let times = accepted[recipient(number)] ?? 0
      if times > 1 { duplicated += 1 }
      if done.contains("m\(number)") {
        if times == 0 { lost += 1 }
      } else if failed.contains("m\(number)"), try station.spool.last("failed/m\(number)")["state"] == "unconfirmed" {
        doubtful += 1
        #expect(number % 2 == 0, "one that could be asked about")
      } else {
        lost += 1
      }
    }
    if Torture.isOn {
      print("\(crowd): \(accepted.count) accepted, \(lost) lost, \(duplicated) duplicated, \(doubtful) unconfirmed")
    }
    #expect(lost == 0 && duplicated == 0)
    // Four calls of ten in flight for each kill.
    #expect(doubtful <= kills * 40)
  }

  @Test("Eight that begin on a new spool at once agree on one ledger")
  func freshSpool() async throws {
    for _ in 0..<(Torture.isOn ? 20 : 2) {
      try await withStation { station in
        try station.configure(["push": .wxpusher()])
        for number in 0..<40 {
          try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<8 {
            group.addTask {
              let swept = try await station.sweep()
              #expect(swept.status == 0)
            }
          }
          try await group.waitForAll()
        }
        try await station.sweepToTheEnd()
        #expect(try station.accepted().count == 40 && station.accepted().values.allSatisfy { $0 == 1 })
      }
    }
  }

  @Test(
    "A dead sweep's folder that another rescuer removes at this moment stops nobody",
    .disabled(if: Injection.isMissing, "strace is missing"))
  func vanishing() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      try station.spool.drop("a", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      mkdir("\(station.spool["cur"])/dead", 0o750)
      let trace = "\(station.spool.path)/trace"
      // It has opened the folder, and hesitates to lock it until the other one has removed it.
      async let slow = station.sweep(
        under: [
          "strace", "-f", "-o", trace, "-e", "trace=openat,flock", "-e", "inject=flock:delay_enter=3000000:when=1",
        ])
      let deadline = Date(timeIntervalSinceNow: 20)
      while !String(decoding: (try? station.spool.bytes("trace")) ?? [], as: UTF8.self).contains(#", "dead", "#),
        Date() < deadline
      { try await Task.sleep(for: .milliseconds(10)) }
      let fast = try await station.sweep()
      let swept = try await slow
      #expect(fast.status == 0 && swept.status == 0, "\(fast.stderr)\(swept.stderr)")
      #expect(try station.accepted() == ["UID_a": 1] && station.spool.names(in: "cur").isEmpty)
    }
  }

  @Test("A rescuer leaves alone what a living sweeper has in hand")
  func living() async throws {
    try await withStation(faults: ["delay:ms=1500"]) { station in
      try station.configure(["push": .wxpusher()])
      try station.spool.drop("a", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      async let slow = station.sweep()
      // Its call has arrived, and its answer is held back.
      let deadline = Date(timeIntervalSinceNow: 20)
      while try station.calls().isEmpty, Date() < deadline { try await Task.sleep(for: .milliseconds(20)) }
      let other = try await station.sweep()
      #expect(other["claimed"] == 0 && other.stderr.isEmpty)
      #expect(try await slow["done"] == 1)
      #expect(try station.accepted() == ["UID_a": 1])
    }
  }

}

private func offload(_ work: @escaping @Sendable () throws -> Void) async throws {
  try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
    DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
  }
}
