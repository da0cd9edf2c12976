import Foundation
import TestSupport
import Testing

@Suite(
  "Files of other users", .enabled(if: geteuid() == 0 && find(program: "setpriv") != nil, "takes root, to be two users")
)
struct ForeignFileTests {
  @Test("a producer needs tmp/ and new/ alone, and need not read them; the sweeper can read what it drops")
  func producer() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    let open =
      #"cp "$0" "$1/msgspool" && chmod 755 "$1" && chmod 711 "$2" && chmod 1733 "$2/tmp" "$2/new" && "#
      + #"chmod 700 "$2/cur" "$2/deferred" "$2/done" "$2/failed""#
    #expect(
      try await run("sh", ["-c", open, program, yard.root, yard.spool], timeout: patience).status == 0)
    let ran = try await run(
      "setpriv",
      [
        "--reuid", "nobody", "--clear-groups", "\(yard.root)/msgspool", "send", "--spool", yard.spool, "--to", "UID_1",
        "hi",
      ],
      timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    let name = ran.stdout.trimmingCharacters(in: .newlines)
    let mode = try FileManager.default.attributesOfItem(atPath: yard.path("new/\(name)"))[.posixPermissions] as? Int
    #expect(mode == 0o644)
    #expect(try yard.names("tmp") == [])
  }

  @Test(
    "a producer's file that the sweeper may write and does not own is deferred like any other",
    arguments: [0o666, 0o644])
  func deferred(_ mode: Int) async throws {
    let yard = try Yard()
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    let program = try #require(builtProgram())
    let own = #"cp "$0" "$1/msgspool" && chown -R nobody "$1" && chown root "$2/new/m" && chmod "$3" "$2/new/m""#
    #expect(
      try await run("sh", ["-c", own, program, yard.root, yard.spool, String(mode, radix: 8)], timeout: patience).status
        == 0)
    let sweeper = ["--reuid", "nobody", "--clear-groups", "\(yard.root)/msgspool", "--spool", yard.spool]
    // Nobody listens at the channel's endpoint: the call is not sent, and the message waits for its next try.
    var words = sweeper
    words.insert("sweep", at: 4)
    let ran = try await run("setpriv", words, timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    #expect(yard.exists("deferred/m"))
    let mode = try FileManager.default.attributesOfItem(atPath: yard.path("ledger.db"))[.posixPermissions] as? Int
    #expect(mode == 0o640, "whom messages went to is nobody else's business")
  }

  // MARK: Root at a spool of somebody else

  /// The spool belongs to nobody, and others can reach it.
  private func serviceYard() async throws -> Yard {
    let yard = try Yard()
    let program = try #require(builtProgram())
    let own = #"cp "$0" "$1/msgspool" && chmod 755 "$1" && chown -R nobody:nogroup "$1""#
    #expect(try await run("sh", ["-c", own, program, yard.root], timeout: patience).status == 0)
    return yard
  }

  private func asService(_ yard: Yard, _ arguments: String...) async throws -> Ran {
    try await run(
      "setpriv",
      ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "\(yard.root)/msgspool"] + arguments
        + ["--spool", yard.spool], timeout: patience)
  }

  private func owners(_ yard: Yard) throws -> Set<String> {
    var owners: Set<String> = []
    for case let name as String in FileManager.default.enumerator(atPath: yard.spool) ?? .init() {
      let attributes = try FileManager.default.attributesOfItem(atPath: yard.path(name))
      owners.insert(attributes[.ownerAccountName] as? String ?? "?")
    }
    return owners
  }

  @Test("whatever root makes or claims belongs to the spool's owner, and root's secrets are read all the same")
  func root() async throws {
    let yard = try await serviceYard()
    try yard.put("a.secret", "AT_a")
    chmod(yard.path("a.secret"), 0o600)
    chown(yard.path("a.secret"), 0, 0)
    try FileManager.default.moveItem(atPath: yard.path("a.secret"), toPath: yard.root + "/a.secret")
    try yard.configure(
      """
      { default_channel: "a", channels: {
          a: { provider: "wxpusher", app_token: { file: "\(yard.root)/a.secret" }, endpoint: "http://127.0.0.1:9" } } }
      """)
    // Root's own, too; the rest is to be the owner's.
    try FileManager.default.moveItem(atPath: yard.path("config.json"), toPath: yard.root + "/config.json")
    chown(yard.root + "/config.json", 0, 0)
    try yard.put("new/private", #"{"to":"UID_2","body":"x"}"#)
    chmod(yard.path("new/private"), 0o600)
    chown(yard.path("new/private"), 1, 1)
    for command in [
      ["init"], ["send", "--to", "UID_1", "hi"], ["sweep"], ["check", "--repair"], ["prune", "--older-than", "9d"],
    ] {
      let ran = try await yard.msgspool(command + ["--config", yard.root + "/config.json"])
      #expect(ran.status == 0, "\(command): \(ran.stdout)\(ran.stderr)")
    }
    #expect(yard.exists("deferred/private") && yard.exists("ledger.db"))
    #expect(try owners(yard) == ["nobody"])
  }

  @Test("what root left there stops nobody, is named by check, and mended when root repairs")
  func leftByRoot() async throws {
    let yard = try await serviceYard()
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    chown(yard.path("new/m"), 65534, 65534)
    try FileManager.default.createDirectory(
      atPath: yard.path("cur/20261122T090000-abc123-0a1b2c3d"), withIntermediateDirectories: false)
    chmod(yard.path("cur/20261122T090000-abc123-0a1b2c3d"), 0o750)
    try yard.put("cur/20261122T090000-abc123-0a1b2c3d/left", #"{"to":"UID_1","body":"y"}"#)
    let swept = try await asService(yard, "sweep", "--json")
    #expect(swept.status == 0 && swept.stderr.contains("cur/20261122T090000-abc123-0a1b2c3d"), "\(swept.stderr)")
    // Nobody listens at the channel's endpoint.
    #expect(yard.exists("deferred/m"), "\(swept.stderr)")
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] where yard.exists(name) { chown(yard.path(name), 0, 0) }
    let seen = try await asService(yard, "check", "--json")
    let subjects = try Set(seen.rows.compactMap { $0["subject"] as? String })
    #expect(seen.status == 1 && subjects.isSuperset(of: ["cur/20261122T090000-abc123-0a1b2c3d", "ledger.db"]))
    let mended = try await yard.msgspool("check", "--repair", "--json")
    #expect(try mended.rows.count { $0["repaired"] as? Bool == true } >= 2, "\(mended.stdout)")
    #expect(try await asService(yard, "check").status == 0)
    #expect(try owners(yard) == ["nobody"])
  }

  @Test("a file of another user is put back as it is, and one whose time can't be set is named and stops nobody")
  func times() async throws {
    let yard = try await serviceYard()
    for name in ["deferred/a", "deferred/foreign", "deferred/z"] { try yard.put(name, settled("deferred"), age: -3600) }
    try yard.put("failed/foreign", settled("failed"))
    for name in ["deferred/a", "deferred/z"] { chown(yard.path(name), 65534, 65534) }
    for name in ["deferred/foreign", "failed/foreign"] {
      chown(yard.path(name), 1, 1)
      chmod(yard.path(name), 0o644)
    }
    let flushed = try await asService(yard, "flush")
    #expect(flushed.stderr.contains("foreign: belongs to another user"), "\(flushed.stderr)")
    #expect(flushed.stderr.contains("2 messages fell due") && flushed.status == 64, "\(flushed.stderr)")
    #expect(try await asService(yard, "retry", "foreign").status == 0)
    #expect(yard.exists("new/foreign"))
  }

  @Test("who may only drop sees in status what is theirs to see, and how to see the rest")
  func partOfIt() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    try yard.put("failed/f", settled("failed"))
    let open =
      #"cp "$0" "$1/msgspool" && chmod 755 "$1" "$2" && chmod 1777 "$2/tmp" "$2/new" && "#
      + #"chmod 700 "$2/cur" "$2/deferred" "$2/done" "$2/failed" && chown -R daemon "$2""#
    #expect(try await run("sh", ["-c", open, program, yard.root, yard.spool], timeout: patience).status == 0)
    func asNobody(_ arguments: String...) async throws -> Ran {
      let line =
        ["--reuid", "nobody", "--clear-groups", "\(yard.root)/msgspool"] + arguments + ["--spool", yard.spool]
      return try await run("setpriv", line, timeout: patience)
    }
    let text = try await asNobody("status")
    #expect(text.status == 0, "\(text.stderr)")
    #expect(text.stdout.hasPrefix("\(yard.spool)\nnew                1"), "\(text.stdout)")
    #expect(text.stdout.contains("failed             ?"), "\(text.stdout)")
    #expect(text.stderr.contains("sudo -u daemon msgspool") && !text.stderr.contains("chown"), "\(text.stderr)")
    let row = try #require(try await asNobody("status", "--json").rows.first)
    #expect(row["new"] as? Int == 1 && row["failed"] is NSNull && row["unconfirmed"] is NSNull)
    #expect(try await asNobody("list", "new").status == 0)
    let closed = try await asNobody("list", "failed")
    #expect(closed.status == 77 && closed.stderr.contains("sudo -u daemon"), "\(closed.stderr)")
    let sweep = try await asNobody("sweep")
    #expect(sweep.status == 77 && sweep.stderr.contains("sudo -u daemon"), "\(sweep.stderr)")
  }
}
