import Foundation
import TestSupport
import Testing

@Suite("A spool whose folders are replaced under a running watch", .serialized)
struct ReplacedSpoolTests {
  private static func message(_ channel: String, _ to: String) -> String {
    #"{"channel":"\#(channel)","to":"\#(to)","body":"x \#(to)"}"#
  }

  private static func drop(_ yard: Yard, _ name: String, _ text: String) throws {
    try yard.put("tmp/\(name)", text)
    // Between the old folder and the new one there is none: a producer tries again.
    let end = ContinuousClock.now + .seconds(10)
    var moved = rename(yard.path("tmp/\(name)"), yard.path("new/\(name)"))
    while moved != 0, errno == ENOENT, ContinuousClock.now < end {
      moved = rename(yard.path("tmp/\(name)"), yard.path("new/\(name)"))
    }
    #expect(moved == 0)
  }

  /// Recipients that the far end has accepted so far.
  private static func accepted(_ yard: Yard) throws -> [String: Int] {
    let lines = (try? String(contentsOfFile: yard.root + "/requests", encoding: .utf8)) ?? ""
    return try lines.split(separator: "\n").map { try Parsed($0.utf8) }.filter { $0["outcome"] == "accepted" }
      .flatMap { $0["recipients"]?.array.compactMap(\.text) ?? [] }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  @Test(
    "mv new aside; mkdir new, under load and while another channel's call hangs: the next message goes within moments")
  func newReplaced() async throws {
    try await withSandbox("delay:provider=twilio,ms=25000") { yard in
      try await watching(yard) { (said: @Sendable () -> String) async throws in
        try Self.drop(yard, "hangs", Self.message("t", "+12125550100"))
        #expect(try await eventually { try !yard.names("cur").isEmpty })
        let load = Task {
          for number in 0..<300 { try? Self.drop(yard, "l\(number)", Self.message("a", "UID_l\(number)")) }
        }
        #expect(try await eventually { try Self.accepted(yard).count > 3 })
        #expect(rename(yard.path("new"), yard.root + "/aside") == 0)
        mkdir(yard.path("new"), 0o750)
        await load.value
        try Self.drop(yard, "after", Self.message("a", "UID_after"))
        #expect(try await eventually { try Self.accepted(yard)["UID_after"] == 1 })
        // It did not wait for the call that hangs.
        #expect(!yard.exists("done/hangs"))
        #expect(said().contains("were replaced"), "\(said())")
        #expect(yard.exists("new"))
        // What was claimed before goes out or back to the folder that has the name now, and nothing is sent twice.
        #expect(try await eventually { try yard.names("new").isEmpty && yard.exists("done/hangs") })
        let moved = Set(try FileManager.default.contentsOfDirectory(atPath: yard.root + "/aside"))
        let accepted = try Self.accepted(yard)
        for number in 0..<300 {
          #expect(accepted["UID_l\(number)", default: 0] == (moved.contains("l\(number)") ? 0 : 1), "l\(number)")
        }
        #expect(!said().contains("unconfirmed"), "\(said())")
      }
    }
  }

  @Test("The whole spool replaced: the one that has its name is watched")
  func allReplaced() async throws {
    try await withSandbox { yard in
      try await watching(yard) { (said: @Sendable () -> String) async throws in
        #expect(try await eventually { said().contains("watching") })
        #expect(try await run("cp", ["-a", yard.spool, yard.root + "/restored"]).status == 0)
        #expect(rename(yard.spool, yard.root + "/old") == 0)
        #expect(rename(yard.root + "/restored", yard.spool) == 0)
        try Self.drop(yard, "m", Self.message("a", "UID_1"))
        #expect(try await eventually { yard.exists("done/m") }, "\(said())")
      }
    }
  }

  @Test("The whole spool gone: watch says so and ends with 66")
  func gone() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    let script = #"""
      "$0" watch --spool "$1" 2> "$2" & pid=$!
      while ! grep -q watching "$2"; do sleep 0.05; done
      mv "$1" "$1.aside"; wait $pid
      """#
    let ran = try await run("sh", ["-c", script, program, yard.spool, yard.root + "/said"], timeout: patience)
    #expect(ran.status == 66)
    #expect(try String(contentsOfFile: yard.root + "/said", encoding: .utf8).contains("there is no spool"))
  }
}
