import Foundation
import TestSupport
import Testing

@Suite("A spool restored without its empty folders is one still")
struct RestoredSpoolTests {
  private func rest(keeping: [String]) throws -> Yard {
    let yard = try Yard()
    for folder in ["tmp", "new", "cur", "deferred", "done", "failed"] where !keeping.contains(folder) {
      rmdir(yard.path(folder))
    }
    return yard
  }

  @Test(
    "check names what is missing and touches nothing; --repair makes it", arguments: [[], ["done", "failed"], ["new"]])
  func check(keeping: [String]) async throws {
    let yard = try rest(keeping: keeping)
    let before = try yard.snapshot()
    let ran = try await yard.msgspool("check", "--json")
    #expect(ran.status == 1, "\(ran.stderr)")
    let missing = try ran.rows.filter { ($0["problem"] as? String)?.hasPrefix("is missing") == true }
    #expect(missing.count == 6 - keeping.count)
    #expect(missing.allSatisfy { $0["repaired"] as? Bool == false })
    #expect(try yard.snapshot() == before)
    let repaired = try await yard.msgspool("check", "--repair")
    #expect(repaired.status == 0 && repaired.stdout.contains("mended: made"), "\(repaired.stdout)")
    #expect(try await yard.msgspool("check").status == 0)
  }

  @Test("A sweep makes what is missing, and says so; so does every command that has work to do there")
  func work() async throws {
    for arguments in [
      ["sweep"], ["retry", "--all"], ["flush"], ["prune", "--older-than", "7d"], ["send", "--to", "UID_1", "x"],
    ] {
      let yard = try rest(keeping: ["done"])
      let ran = try await yard.msgspool(arguments)
      #expect(ran.status == 0, "\(arguments): \(ran.stderr)")
      #expect(ran.stderr.contains("had no tmp/, new/, cur/, deferred/ and failed/"), "\(arguments): \(ran.stderr)")
      #expect(yard.exists("failed"))
    }
  }

  @Test("Looking at it makes nothing", arguments: [["status"], ["list", "new"], ["sweep", "--dry-run"]])
  func look(arguments: [String]) async throws {
    let yard = try rest(keeping: [])
    let before = try yard.snapshot()
    let ran = try await yard.msgspool(arguments)
    #expect(ran.status == 0, "\(ran.stderr)")
    #expect(try yard.snapshot() == before)
  }

  @Test("A folder with nothing of a spool's is none, and neither is one with a tmp/ alone")
  func none() async throws {
    let yard = try rest(keeping: ["tmp"])
    unlink(yard.path("config.json"))
    for arguments in [["status"], ["sweep"], ["check", "--repair"], ["send", "x"]] {
      #expect(try await yard.msgspool(arguments).status == 66, "\(arguments)")
    }
    #expect(!yard.exists("new"))
  }
}
