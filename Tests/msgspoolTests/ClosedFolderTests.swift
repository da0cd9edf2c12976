import Foundation
import TestSupport
import Testing

@Suite("Whoever may read only part of a spool sees that part, and how to see the rest")
struct ClosedFolderTests {
  /// A user that no system knows. Root, which may read everything, acts as the spool's owner.
  private static let nobody: uid_t = 31_500

  /// With a folder that its own owner may not look into.
  private func withClosed(_ folder: String, body: (Yard) async throws -> Void) async throws {
    let yard = try Yard()
    try FileManager.default.createDirectory(atPath: yard.path("cur/dead"), withIntermediateDirectories: false)
    for place in ["failed/f", "cur/dead/c", "done/d"] { try yard.put(place, settled("failed")) }
    _ = try await run("chmod", ["000", yard.path(folder)])
    if geteuid() == 0 { _ = try await run("chown", ["-R", "\(Self.nobody):\(Self.nobody)", yard.spool]) }
    try await body(yard)
    _ = try await run("chmod", ["755", yard.path(folder)])
  }

  /// The owner, as a word that a shell takes.
  private var remedy: String { geteuid() == 0 ? "sudo -u '#\(Self.nobody)' msgspool" : "sudo -u " }

  @Test("A sweep's folder in cur/ that is closed is told by status, list and check")
  func sweep() async throws {
    try await withClosed("cur/dead") { yard in
      let status = try await yard.msgspool("status")
      #expect(status.status == 0 && status.stderr.contains("may not read cur/dead/"), "\(status.stderr)")
      #expect(status.stderr.contains(remedy), "\(status.stderr)")
      let list = try await yard.msgspool("list", "cur")
      #expect(list.status == 0 && list.stderr.contains("may not read cur/dead/"), "\(list.stderr)")
      let check = try await yard.msgspool("check", "--json")
      #expect(check.status == 1)
      #expect(try check.rows.contains { $0["subject"] as? String == "cur/dead" }, "\(check.stdout)")
    }
  }

  @Test("A name that is not found may be where this user may not look", arguments: ["failed", "cur/dead"])
  func name(folder: String) async throws {
    try await withClosed(folder) { yard in
      let hidden = try await yard.msgspool("show", folder == "failed" ? "f" : "c")
      #expect(hidden.status == 77 && hidden.stderr.contains("may not read \(folder)/"), "\(hidden.stderr)")
      #expect(hidden.stderr.contains(remedy), "\(hidden.stderr)")
      #expect(try await yard.msgspool("show", "d").status == 0)
      #expect(try await yard.msgspool("status").status == 0)
    }
  }
}
