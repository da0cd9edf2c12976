import Foundation
import TestSupport
import Testing

/// Something wrong with a spool, and what check is to say and do about it.
struct Mishap: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// What the complaint is about.
  let subject: String
  var severity = "error"
  /// Where the file is after repair; nil when nothing can be mended.
  var mended: String?
  let make: @Sendable (Yard) throws -> Void

  static let message = #"{"to":"UID_1","body":"x"}"#

  static let all = [
    Mishap(testDescription: "a message that is no JSON", subject: "new/m") { try $0.put("new/m", "{") },
    Mishap(testDescription: "an unknown channel", subject: "new/m") {
      try $0.put("new/m", #"{"to":"UID_1","body":"x","channel":"aa"}"#)
    },
    Mishap(testDescription: "an address that the provider would refuse", subject: "new/m") {
      try $0.put("new/m", #"{"to":["UID_1","nobody"],"body":"x"}"#)
    },
    Mishap(testDescription: "a broken message among the deferred", subject: "deferred/m") {
      try $0.put("deferred/m", settled("deferred", message: #"{"tu":"UID_1"}"#), age: -600)
    },
    Mishap(testDescription: "a symbolic link", subject: "new/m") {
      symlink("/etc/passwd", $0.path("new/m"))
    },
    Mishap(testDescription: "a FIFO", subject: "done/m") { mkfifo($0.path("done/m"), 0o600) },
    Mishap(testDescription: "a second hard link", subject: "new/m") {
      try $0.put("new/m", message, age: 120)
      link($0.path("new/m"), $0.root + "/other")
    },
    Mishap(testDescription: "a retry that was cut short between two names", subject: "failed/m", mended: "new/m") {
      try $0.put("failed/m", settled("failed", kind: "recipient"), age: 120)
      link($0.path("failed/m"), $0.path("new/m"))
    },
    Mishap(testDescription: "such a one whose name was taken", subject: "failed/m", mended: "new/m~2") {
      try $0.put("failed/m", settled("failed", kind: "recipient"), age: 120)
      try $0.put("new/m", message)
      link($0.path("failed/m"), $0.path("new/m~2"))
    },
    Mishap(testDescription: "a mending that was cut short between two names", subject: "failed/m", mended: "done/m") {
      try $0.put("failed/m", settled("done"), age: 120)
      link($0.path("failed/m"), $0.path("done/m"))
    },
    Mishap(testDescription: "a file in cur/ itself", subject: "cur/m") { try $0.put("cur/m", message) },
    Mishap(testDescription: "an attachment that is not there", subject: "new/m") {
      try $0.configure(
        """
        { attachment_directories: ["\($0.root)"],
          channels: { mail: { provider: "email", url: "smtp://127.0.0.1:9", from: "msgspool@example.com" } } }
        """)
      let report = #"{"to":"ops@example.com","channel":"mail","body":"x","attachments":["\#($0.root)/report.pdf"]}"#
      try $0.put("new/m", report)
    },
    Mishap(testDescription: "what a producer forgot", subject: "tmp/m", severity: "warning", mended: "") {
      try $0.put("tmp/m", "half", age: 37 * 3600)
    },
    Mishap(
      testDescription: "a copy that was not finished", subject: "new/.copy-7", severity: "warning", mended: ""
    ) { try $0.put("new/.copy-7", "half") },
    Mishap(
      testDescription: "what a dead sweep left, and no ledger that could tell what it sent", subject: "cur/dead",
      severity: "warning", mended: "failed/m"
    ) {
      try FileManager.default.createDirectory(atPath: $0.path("cur/dead"), withIntermediateDirectories: true)
      try $0.put("cur/dead/m", message)
    },
    Mishap(testDescription: "a done message in failed/", subject: "failed/m", mended: "done/m") {
      try $0.put("failed/m", settled("done"))
    },
    Mishap(testDescription: "a failed message in deferred/", subject: "deferred/m", mended: "failed/m") {
      try $0.put("deferred/m", settled("failed", kind: "recipient"), age: -600)
    },
    Mishap(testDescription: "a torn line that the ledger does not know", subject: "done/m") {
      try $0.put("done/m", message + "\n{\"msgspool\":1,\"at\":\"2026")
    },
    Mishap(testDescription: "no line that the ledger knows", subject: "failed/m", severity: "warning") {
      try $0.put("failed/m", message)
    },
    Mishap(
      testDescription: "a message that anybody may change", subject: "new/m", severity: "warning", mended: "new/m"
    ) {
      try $0.put("new/m", message)
      chmod($0.path("new/m"), 0o666)
    },
    Mishap(testDescription: "a folder that anybody may write in", subject: "SPOOL/done") {
      chmod($0.path("done"), 0o777)
    },
    Mishap(testDescription: "producers that could remove each other's files", subject: "SPOOL/new", severity: "warning")
    { chmod($0.path("new"), 0o777) },
    Mishap(testDescription: "a write-ahead log without its ledger", subject: "ledger.db-wal", mended: "") {
      try $0.put("ledger.db-wal", "left")
    },
    Mishap(testDescription: "a ledger that is none", subject: "ledger.db", mended: "ledger.db") {
      try $0.put("ledger.db", String(repeating: "not SQLite ", count: 1000))
    },
  ]
}

@Suite("check: is everything in order?")
struct CheckTests {
  @Test("a spool in order is status 0, whatever is settled and waits in it")
  func well() async throws {
    try await withSandbox("recipient:to=UID_2") { yard in
      chmod(yard.path("tmp"), 0o1777)
      try yard.put("new/1", #"{"to":"UID_1","body":"x"}"#)
      try yard.put("new/2", #"{"to":"UID_2","body":"x"}"#)
      try yard.put("new/3", #"{"to":"UID_1","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
      try yard.put("new/4", "no message")
      _ = try await yard.msgspool("sweep")
      try yard.put("new/5", #"{"to":"UID_1","body":"x"}"#)
      try yard.put("new/.unfinished", "x")
      let before = try yard.snapshot()
      for arguments in [["check"], ["check", "--json"], ["check", "--repair"]] {
        let ran = try await yard.msgspool(arguments)
        #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
      }
      // Repair takes over what the ledger's write-ahead log holds; its lock is on the spool's folder, and takes no file.
      #expect(try yard.snapshot().filter { $0.key != "ledger.db" } == before.filter { $0.key != "ledger.db" })
    }
  }

  @Test("what is wrong is found, named, and mended where it can be", arguments: Mishap.all)
  func mishap(_ mishap: Mishap) async throws {
    let yard = try Yard()
    try mishap.make(yard)
    let subject = mishap.subject.replacing("SPOOL", with: yard.spool)
    let before = try yard.snapshot()
    let ran = try await yard.msgspool("check", "--json")
    #expect(ran.status == 1, "\(ran.stdout)\(ran.stderr)")
    let found = try #require(try ran.rows.first { $0["subject"] as? String == subject }, "\(ran.stdout)")
    #expect(found["severity"] as? String == mishap.severity)
    #expect((found["problem"] as? String)?.isEmpty == false)
    #expect((found["hint"] as? String)?.isEmpty == false)
    #expect(found["repaired"] as? Bool == false)
    #expect(try yard.snapshot() == before, "check alone changes nothing")

    let repair = try await yard.msgspool("check", "--repair", "--json")
    let after = try #require(try repair.rows.first { $0["subject"] as? String == subject })
    #expect(after["repaired"] as? Bool == (mishap.mended != nil), "\(repair.stdout)")
    #expect(repair.status == (mishap.mended == nil ? 1 : 0), "\(repair.stdout)\(repair.stderr)")
    if let place = mishap.mended {
      if !place.isEmpty { #expect(yard.exists(place)) }
      if place != mishap.subject { #expect(!yard.exists(mishap.subject)) }
      let again = try await yard.msgspool("check")
      #expect(again.status == 0, "\(again.stdout)")
    }
  }

  @Test("a secret's relative path starts at the configuration, wherever the command runs")
  func relativeSecret() async throws {
    let yard = try Yard()
    try yard.configure(#"{ channels: { a: { provider: "wxpusher", app_token: { file: "a.secret" } } } }"#)
    #expect(try await yard.msgspool("check").status == 78)
    try yard.put("a.secret", "AT_a\n")
    let ran = try await yard.msgspool("check")
    #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
  }

  @Test(
    "a configuration that can't be used is status 78, and says where",
    arguments: [
      ("", "config.json:1:1: found the end of the file; expected a value"),
      ("{\n  channels: {},\n  channels: {},\n}", "config.json:3:3: the key"),
      ("{ channels: { a: { provider: \"wxpushr\" } } }", "channels.a.provider"),
      ("{ channels: { a: { provider: \"wxpusher\", app_token: { env: \"NOT_SET\" } } } }", "NOT_SET"),
      ("{ channels: { a: { provider: \"wxpusher\", app_token: { file: \"/nowhere\" } } } }", "/nowhere"),
    ])
  func configuration(_ text: String, _ word: String) async throws {
    let yard = try Yard()
    try yard.configure(text)
    try yard.put("new/m", "{")
    let ran = try await yard.msgspool("check", "--json")
    #expect(ran.status == 78)
    #expect(ran.stdout.contains(word), "\(ran.stdout)")
    #expect(!ran.stdout.contains("config.json: /"), "the file is named once: \(ran.stdout)")
    // The rest is looked at all the same.
    #expect(try ran.rows.contains { $0["subject"] as? String == "new/m" })
  }

  @Test("hundreds of bad messages are twenty and a number for people, and all of them for a program")
  func bounded() async throws {
    let yard = try Yard()
    for number in 0..<300 { try yard.put("new/\(number)", "{") }
    let text = try await yard.msgspool("check").stdout
    #expect(text.contains("280 more"))
    #expect(text.split(separator: "\n").count < 100)
    let rows = try await yard.msgspool("check", "--json").rows
    #expect(rows.count { $0["severity"] as? String == "error" } == 300)
    #expect(rows.last?["errors"] as? Int == 300)
  }

  @Test("A thousand folders among the messages are one complaint, and status tells of them")
  func strays() async throws {
    let yard = try Yard()
    for number in 0..<1000 {
      try FileManager.default.createDirectory(atPath: yard.path("new/d\(number)"), withIntermediateDirectories: false)
    }
    mkfifo(yard.path("done/fifo"), 0o600)
    let ran = try await yard.msgspool("check")
    #expect(ran.status == 1)
    #expect(ran.stdout.split(separator: "\n").count < 12, "\(ran.stdout)")
    #expect(ran.stdout.contains("and 996 more") && ran.stdout.contains("1001 files"), "\(ran.stdout)")
    let status = try await yard.msgspool("status")
    #expect(status.status == 0 && status.stderr.contains("1000 in new/, 1 in done/"), "\(status.stderr)")
  }

  // MARK: The ledger's age

  private static let python = TestPython.with("sqlite3") ?? "/usr/bin/python3"

  private func sql(_ yard: Yard, _ statements: String) async throws {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.close()"
    let ran = try await run(Self.python, ["-c", script, yard.path("ledger.db"), statements], timeout: patience)
    try #require(ran.status == 0, "\(ran.stderr)")
  }

  @Test(
    "A ledger that is not of this version, or not made yet, is no failing disk, and what repair does about it is told",
    .enabled(if: FileManager.default.isExecutableFile(atPath: CheckTests.python), "needs Python"))
  func ledgerAge() async throws {
    let yard = try Yard()
    _ = try await yard.msgspool("sweep")
    try await sql(
      yard,
      "UPDATE about SET value = '1' WHERE key = 'version'; DROP TABLE suspensions; DROP TABLE seen;"
        + "CREATE TABLE suspensions (channel TEXT PRIMARY KEY, kind TEXT, reason TEXT, since REAL, until REAL)")
    let older = try await yard.msgspool("check")
    #expect(older.status == 0 && older.stdout.contains("an older msgspool's") && !older.stdout.contains("kernel"))
    #expect(try await yard.msgspool("check", "--repair").stdout.contains("mended: brought up to date"))
    #expect(try await !yard.msgspool("check", "--repair").stdout.contains("mended"))

    try "".write(toFile: yard.path("ledger.db"), atomically: false, encoding: .utf8)
    let empty = try await yard.msgspool("check")
    #expect(
      empty.status == 0 && empty.stdout.contains("is empty") && !empty.stdout.contains("kernel"), "\(empty.stdout)")
    #expect(try await yard.msgspool("check", "--repair").stdout.contains("mended: a new one begins"))
  }

  @Test(
    "A ledger whose tables are gone is set aside as a damaged one: it could not tell what was sent",
    .enabled(if: FileManager.default.isExecutableFile(atPath: CheckTests.python), "needs Python"),
    arguments: [
      "DROP TABLE calls", "DROP TABLE ids", "ALTER TABLE calls RENAME COLUMN members TO people",
      "UPDATE about SET value = '0' WHERE key = 'version'",
    ])
  func tablesMissing(_ harm: String) async throws {
    let yard = try Yard()
    _ = try await yard.msgspool("sweep")
    try await sql(yard, harm)
    let look = try await yard.msgspool("check")
    #expect(look.status == 1 && look.stdout.contains("ledger.db"), "\(look.stdout)")
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    let ran = try await yard.msgspool("sweep")
    #expect(ran.status == 0 && ran.stderr.contains("set aside"), "\(ran.stderr)")
    #expect(try yard.names("deferred") == ["m"])
  }

  @Test(
    "Beside a newer msgspool's ledger nothing is done, foretold or removed",
    .enabled(if: FileManager.default.isExecutableFile(atPath: CheckTests.python), "needs Python"),
    arguments: [
      ["sweep"], ["sweep", "--dry-run"], ["prune", "--older-than", "1s"], ["prune", "--older-than", "1s", "--dry-run"],
      ["delete", "m"],
    ])
  func newer(arguments: [String]) async throws {
    let yard = try Yard()
    _ = try await yard.msgspool("sweep")
    try await sql(yard, "UPDATE about SET value = '99' WHERE key = 'version'")
    try yard.put("done/m", settled("done"))
    let ran = try await yard.msgspool(arguments)
    #expect(ran.status == 78 && ran.stderr.contains("newer msgspool"), "\(ran.stderr)")
    #expect(yard.exists("done/m"))
    #expect(try await yard.msgspool("check").status == 1)
    #expect(try await yard.msgspool("status").status == 0)
  }

  // MARK: The ledger knows

  @Test(
    "a line that was torn off is written again from the ledger, and nobody is sent to twice",
    arguments: ["", "{\"msgspool\":1,\"at\":\"2026-11-22T", "\0\0\0\0\0\0\0\0"])
  func torn(_ rest: String) async throws {
    try await withSandbox("recipient:to=UID_2") { yard in
      let message = #"{"to":["UID_1","UID_2"],"body":"x"}"# + "\n"
      try yard.put("new/m", message)
      _ = try await yard.msgspool("sweep")
      let whole = try yard.text(of: "failed/m")
      try yard.put("failed/m", message + rest, age: rest.isEmpty ? 60 : 0)
      #expect(try await yard.msgspool("check").status == 1)
      let repair = try await yard.msgspool("check", "--repair")
      #expect(repair.status == 0, "\(repair.stdout)\(repair.stderr)")
      let text = try yard.text(of: "failed/m")
      let results = /"results":.*?\]/
      #expect(text.firstMatch(of: results)?.output == whole.firstMatch(of: results)?.output)
      #expect(try await yard.msgspool("check").status == 0)
      _ = try await yard.msgspool("retry", "m")
      let row = try #require(try await yard.msgspool("sweep", "--json").rows.last)
      #expect(row["recipients"] as? Int == 1)
    }
  }

  @Test("calls of an earlier message of the same name are nobody's evidence")
  func namesake() async throws {
    try await withSandbox { yard in
      try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      try FileManager.default.removeItem(atPath: yard.path("done/m"))
      try yard.put("failed/m", #"{"to":"UID_1","body":"another"}"#, age: -1)
      let ran = try await yard.msgspool("check", "--repair", "--json")
      #expect(try ran.rows.first { $0["subject"] as? String == "failed/m" }?["repaired"] as? Bool == false)
      #expect(try yard.text(of: "failed/m") == #"{"to":"UID_1","body":"another"}"#)
    }
  }

  /// The provider has it, the answer is on its way: then the power goes.
  private func killInCall(_ yard: Yard) async throws {
    let kill = """
      "$0" sweep --spool "$1/spool" & pid=$!
      while ! [ -s "$1/requests" ]; do sleep 0.1; done
      kill -KILL $pid; wait $pid 2>/dev/null; true
      """
    _ = try await run("sh", ["-c", kill, try #require(builtProgram()), yard.root], timeout: patience)
  }

  @Test("a sweep that was killed in a call: repair settles its message as unconfirmed and closes the call")
  func killed() async throws {
    try await withSandbox("delay:ms=300000") { yard in
      try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
      try await killInCall(yard)
      let look = try await yard.msgspool("check", "--json")
      #expect(look.status == 1)
      #expect(try look.rows.contains { ($0["subject"] as? String)?.hasPrefix("cur/") == true }, "\(look.stdout)")
      let repair = try await yard.msgspool("check", "--repair", "--json")
      #expect(repair.status == 0, "\(repair.stdout)\(repair.stderr)")
      #expect(try yard.names("cur") == [])
      #expect(try await yard.msgspool("list", "failed", "--json").rows.first?["state"] as? String == "unconfirmed")
      #expect(try await yard.msgspool("check").status == 0)
    }
  }

  @Test("a sweep that was killed in a call: the next one counts what it settles, and leaves everything in order")
  func killedAndSwept() async throws {
    try await withSandbox("delay:ms=300000,count=1") { yard in
      try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
      try await killInCall(yard)
      let sweep = try await yard.msgspool("sweep", "--strict", "--json")
      #expect(sweep.status == 1)
      #expect(try sweep.rows.first?["unconfirmed"] as? Int == 1 && sweep.rows.first?["claimed"] as? Int == 1)
      #expect(try await yard.msgspool("check").status == 0)
    }
  }

  @Test("a suspension of a channel that is no longer configured is forgotten")
  func suspension() async throws {
    try await withSandbox("credentials:provider=wxpusher") { yard in
      try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      try yard.configure("{ channels: {} }")
      try FileManager.default.removeItem(atPath: yard.path("new/m"))
      #expect(try await yard.msgspool("check").status == 1)
      #expect(try await yard.msgspool("check", "--repair").status == 0)
      #expect((try await yard.msgspool("status", "--json").rows.first?["suspended"] as? [Any])?.isEmpty == true)
    }
  }

  @Test("a backup by cp -al is one complaint with the number of files, and says what to do")
  func linkedBackup() async throws {
    let yard = try Yard()
    for number in 1...50 { try yard.put("new/m\(number)", Mishap.message, age: 120) }
    #expect(try await run("cp", ["-al", yard.spool, yard.root + "/backup"]).status == 0)
    let ran = try await yard.msgspool("check", "--json")
    let rows = try ran.rows.filter { ($0["problem"] as? String)?.contains("second hard link") == true }
    #expect(ran.status == 1 && rows.count == 1)
    #expect((rows.first?["subject"] as? String)?.hasSuffix("and 45 more") == true)
    #expect((rows.first?["problem"] as? String)?.hasPrefix("50 files") == true)
    #expect((rows.first?["problem"] as? String)?.contains("cp -al") == true)
  }
}
