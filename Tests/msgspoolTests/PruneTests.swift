import Foundation
import TestSupport
import Testing

@Suite("prune: an end for what is settled")
struct PruneTests {
  private func fill(_ yard: Yard) throws {
    try yard.put("done/old", settled("done", ago: 10 * 86400), age: 60)
    try yard.put("done/young", settled("done", ago: 3600), age: 3600)
    try yard.put("done/bare", #"{"to":"UID_1"}"#, age: 10 * 86400)
    try yard.put("done/torn", settled("done", ago: 10 * 86400) + "{\"msgspool\":1,")
    try yard.put("done/elsewhere", settled("failed", ago: 10 * 86400))
    try yard.put("failed/old", settled("failed", ago: 10 * 86400))
    try yard.put("failed/doubt", settled("unconfirmed", ago: 10 * 86400))
    try yard.put("deferred/old", settled("deferred", ago: 10 * 86400), age: 10 * 86400)
    try yard.put("new/old", #"{"to":"UID_1"}"#, age: 10 * 86400)
    try FileManager.default.createDirectory(atPath: yard.path("cur/dead"), withIntermediateDirectories: true)
    try yard.put("cur/dead/old", #"{"to":"UID_1"}"#, age: 10 * 86400)
    try yard.put("tmp/.forgotten", "x", age: 37 * 3600)
    try yard.put("tmp/at-work", "x", age: 35 * 3600)
  }

  @Test(
    "what is old and settled goes, by its last line or its file's time; what waits, is in hand or is in doubt stays",
    arguments: [
      ([], ["done/old", "done/bare", "tmp/.forgotten"]),
      (["--failed"], ["done/old", "done/bare", "tmp/.forgotten", "failed/old", "failed/doubt"]),
    ])
  func selection(_ options: [String], _ expected: [String]) async throws {
    let yard = try Yard()
    try fill(yard)
    let before = try yard.snapshot()
    let dry = try await yard.msgspool(["prune", "--older-than", "7d", "--dry-run", "--json"] + options)
    #expect(try yard.snapshot() == before)
    let ran = try await yard.msgspool(["prune", "--older-than", "7d", "--json"] + options)
    #expect(ran.status == 0)
    let gone = try Set(before.keys).subtracting(yard.snapshot().keys)
    #expect(gone == Set(expected))
    for row in [try #require(try dry.rows.first), try #require(try ran.rows.first)] {
      #expect(row["done"] as? Int == 2)
      #expect(row["failed"] as? Int == (options.isEmpty ? 0 : 2))
      #expect(row["tmp"] as? Int == 1)
      #expect(row["left"] as? Int == 2)
    }
    #expect(!yard.exists("ledger.db"))
  }

  @Test(
    "without an age, or with none that is one, it is a usage error",
    arguments: [[], ["--older-than", "week"], ["--older-than", "7"], ["--older-than", "0"]])
  func usage(_ options: [String]) async throws {
    let yard = try Yard()
    try fill(yard)
    let before = try yard.snapshot()
    let ran = try await yard.msgspool(["prune"] + options)
    #expect(ran.status == 64)
    if options.last == "7" { #expect(ran.stderr.contains("7 what? write 7d, 7h, 7m or 7s")) }
    #expect(try yard.snapshot() == before)
  }

  @Test("ids are remembered although their messages went")
  func ids() async throws {
    try await withSandbox { yard in
      try yard.put("new/1", #"{"to":"UID_1","body":"x","id":"k"}"#)
      _ = try await yard.msgspool("sweep")
      #expect(try await yard.msgspool("prune", "--older-than", "0s").status == 0)
      #expect(try yard.names("done") == [])
      try yard.put("new/2", #"{"to":"UID_1","body":"x","id":"k"}"#)
      let row = try #require(try await yard.msgspool("sweep", "--json").rows.last)
      #expect(row["calls"] as? Int == 0)
      #expect(try yard.text(of: "done/2").contains("duplicate"))
    }
  }
}
