import Foundation
import TestSupport
import Testing

@Suite("The dry run says what a sweep would do, and touches nothing")
struct DryRunTests {
  @Test("What a sweep leaves alone has no call: a file under two names, and one that is still being written")
  func leftAlone() async throws {
    let yard = try Yard()
    try yard.put("new/linked", Mishap.message, age: 120)
    link(yard.path("new/linked"), yard.root + "/other")
    try yard.put("new/half", #"{"to":"UID_1","#, age: 0)
    try yard.put("new/wrong", #"{"tu":"UID_1"}"#, age: 0)
    let row = try #require(try await yard.msgspool("sweep", "--dry-run", "--json").rows.last)
    #expect(row["calls"] as? Int == 0 && row["left"] as? Int == 2 && row["invalid"] as? Int == 1, "\(row)")
  }

  /// Everything in the spool with its size, rights and time. Not when its rights were last set: SQLite, run by root, sets
  /// the owner of its companions to what it is.
  private func facts(_ yard: Yard) async throws -> String {
    let script = #"cd "$0" && find . -printf '%p %i %s %m %n %T@\n' | sort"#
    return try await run("sh", ["-c", script, yard.spool], timeout: patience).stdout
  }

  @Test("Not even the times of the ledger and of its companions change, whether a sweep has it open, died, or ended")
  func traces() async throws {
    try await withSandbox("delay:ms=300000,count=1") { yard in
      try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
      let program = try #require(builtProgram())
      let begin =
        #""$0" sweep --spool "$1/spool" > /dev/null 2>&1 & echo $! > "$1/pid"; while ! [ -s "$1/requests" ]; do sleep 0.1; done"#
      _ = try await run("sh", ["-c", begin, program, yard.root], timeout: patience)
      try yard.put("new/n", #"{"to":"UID_1","body":"y","id":"n"}"#)
      for state in ["runs", "died", "ended"] {
        if state == "died" {
          _ = try await run(
            "sh",
            [
              "-c", #"kill -KILL "$(cat "$0/pid")"; while kill -0 "$(cat "$0/pid")" 2>/dev/null; do sleep 0.1; done"#,
              yard.root,
            ],
            timeout: patience)
        }
        if state == "ended" { _ = try await yard.msgspool("sweep") }
        for arguments in [["sweep", "--dry-run"], ["prune", "--older-than", "1s", "--dry-run"]] {
          let before = try await facts(yard)
          let ran = try await yard.msgspool(arguments)
          #expect(ran.status == 0 && ran.stderr == "", "\(state): \(ran.stderr)")
          #expect(try await facts(yard) == before, "\(state) \(arguments)")
        }
        if state != "ended" { #expect(yard.exists("ledger.db-shm")) }
      }
    }
  }
}
