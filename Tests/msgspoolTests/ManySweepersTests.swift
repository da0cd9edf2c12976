import Foundation
import TestSupport
import Testing

@Suite("Several sweepers at once share the work, and nobody is sent to twice")
struct ManySweepersTests {
  private static let count = Torture.isOn ? 4000 : 600

  @Test(
    "Four over thousands of messages, with a producer dropping meanwhile: each recipient exactly once, none starves")
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
      #expect(shares.count { $0 > 0 } >= 2, "\(shares)")
      try await station.sweepToTheEnd()
      let accepted = try station.accepted()
      #expect(accepted.count == Self.count && accepted.values.allSatisfy { $0 == 1 })
      #expect(spool.names(in: "done").count == Self.count && spool.names(in: "cur").isEmpty)
    }
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

  private func offload(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
