import Foundation
import TestSupport
import Testing

@Suite("A disk that cannot record stops sending", .disabled(if: Injection.isMissing, "strace is missing"))
struct DiskTroubleTests {
  @Test("A disk found full before a call: nothing is sent, 73, and the next sweep sends")
  func fullBeforeCall() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let message = #"{"channel":"push","to":["UID_a","UID_b"],"body":"hello"}"#
      try station.spool.drop("a", message)
      let swept = try await station.sweep(under: Injection.strace("fstatfs", "error=ENOSPC", when: "1"))
      #expect(swept.status == 73)
      #expect(try station.calls().isEmpty)
      #expect(station.spool.folders(of: "a") == ["new"])
      #expect(try station.spool.history("new/a", of: message).isEmpty)
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["UID_a": 1, "UID_b": 1])
    }
  }
}
