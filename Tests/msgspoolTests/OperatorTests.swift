import Foundation
import TestSupport
import Testing

@Suite("status, list and show: what is where, and why")
struct LookingTests {
  @Test("status counts every folder, and looks without touching or making anything")
  func counts() async throws {
    let yard = try Yard()
    try yard.put("new/1", #"{"to":"UID_1"}"#, age: 90)
    try yard.put("new/2", #"{"to":"UID_1"}"#, age: 30)
    try yard.put("new/.hidden", "x")
    try yard.put("new/unfinished.part", "x")
    try FileManager.default.createDirectory(atPath: yard.path("cur/s1"), withIntermediateDirectories: true)
    try yard.put("cur/s1/3", #"{"to":"UID_1"}"#)
    try yard.put("deferred/4", settled("deferred", kind: "network"), age: -60)
    try yard.put("done/5", settled("done"))
    for (name, state) in [("6", "failed"), ("7", "unconfirmed"), ("8", "unconfirmed")] {
      try yard.put("failed/\(name)", settled(state, kind: "provider"))
    }
    let before = try yard.snapshot()
    let ran = try await yard.msgspool("status", "--json")
    #expect(ran.status == 0)
    #expect(ran.stderr == "")
    let row = try #require(try ran.rows.first)
    #expect(
      Set(row.keys) == [
        "new", "cur", "deferred", "done", "failed", "unconfirmed", "oldest_new_seconds", "suspended",
        "recipients", "channels",
      ])
    let counts = ["new": 2, "cur": 1, "deferred": 1, "done": 1, "failed": 3, "unconfirmed": 2]
    for (key, count) in counts { #expect(row[key] as? Int == count, "\(key)") }
    let oldest = try #require(row["oldest_new_seconds"] as? Double)
    #expect((89...120).contains(oldest))
    #expect((row["suspended"] as? [Any])?.isEmpty == true)
    #expect(try yard.snapshot() == before)
    #expect(!yard.exists("ledger.db"))
  }

  @Test(
    "What is wrong with the ledger is told once, as status opens it once", arguments: ["--json", "--prometheus", ""])
  func oneLook(form: String) async throws {
    let yard = try Yard()
    try yard.configure(
      #"{ channels: { c: { provider: "exec", command: ["/bin/true"], receipts: "drop", price: 1 } } }"#)
    try yard.put("ledger.db", "no database, and long enough that it could be one\n")
    let ran = try await yard.msgspool(["status"] + [form].filter { !$0.isEmpty })
    #expect(ran.status == 0 && ran.stderr.matches(of: /cannot be read/).count == 1, "\(ran.stderr)")
  }

  @Test("status tells people what to do about unconfirmed messages, in plain text when nobody looks on")
  func advice() async throws {
    let yard = try Yard()
    try yard.put("failed/1", settled("unconfirmed", kind: "uncertain"))
    let ran = try await yard.msgspool("status")
    #expect(ran.stdout.contains("retry NAME --state unconfirmed"))
    #expect(!ran.stdout.contains("\u{1B}"))
    #expect(ran.stdout.split(separator: "\n").allSatisfy { $0.count < 80 })
  }

  @Test("the metrics are what node_exporter's textfile collector reads")
  func prometheus() async throws {
    let yard = try Yard()
    try yard.put("new/1", #"{"to":"UID_1"}"#, age: 90)
    try yard.put("failed/1", settled("unconfirmed"))
    let ran = try await yard.msgspool("status", "--prometheus")
    #expect(
      ran.lines.isSuperset(of: [
        "# TYPE msgspool_messages gauge", #"msgspool_messages{folder="new"} 1"#, #"msgspool_messages{folder="cur"} 0"#,
        #"msgspool_messages{folder="failed"} 1"#, "msgspool_unconfirmed 1",
      ]))
    let metric = /[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.]+/
    for line in ran.stdout.split(separator: "\n") where !line.hasPrefix("#") {
      #expect(line.wholeMatch(of: metric) != nil, "\(line)")
    }
    #expect(try await yard.msgspool("status", "--prometheus", "--json").status == 64)
  }

  @Test("a suspended channel is named with its reason")
  func suspended() async throws {
    try await withSandbox("credentials:provider=wxpusher") { yard in
      try yard.put("new/1", #"{"to":"UID_1","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      let row = try #require(try await yard.msgspool("status", "--json").rows.first)
      let suspended = try #require(row["suspended"] as? [[String: String]])
      #expect(suspended.map { $0["channel"] } == ["a"])
      #expect(suspended.first?["reason"]?.isEmpty == false)
      #expect(row["new"] as? Int == 1)
      let metrics = try await yard.msgspool("status", "--prometheus").lines
      #expect(metrics.contains(#"msgspool_suspended{channel="a"} 1"#))
      #expect(try await yard.msgspool("status").stdout.contains("suspended"))
    }
  }

  @Test("what a living sweep has in hand is counted, listed, and no complaint of check's")
  func whileSweeping() async throws {
    let yard = try Yard()
    try FileManager.default.createDirectory(atPath: yard.path("cur/s1"), withIntermediateDirectories: true)
    try yard.put("cur/s1/m", #"{"to":"UID_1","body":"x"}"#)
    let hold = #"exec 9<"$1"; flock 9; echo held; exec sleep 600"#
    try await whileRunning("sh", ["-c", hold, "sh", yard.path("cur/s1")], timeout: patience) { _ in
      #expect(try await yard.msgspool("status", "--json").rows.first?["cur"] as? Int == 1)
      let row = try #require(try await yard.msgspool("list", "cur", "--json").rows.first)
      #expect(row["state"] as? String == "claimed")
      #expect(row["folder"] as? String == "cur")
      #expect(try await yard.msgspool("show", "m").stdout.contains("cur/s1"))
      for arguments in [["check"], ["check", "--repair"]] {
        let ran = try await yard.msgspool(arguments)
        #expect(ran.status == 0, "\(ran.stdout)")
      }
      #expect(yard.exists("cur/s1/m"))
    }
    #expect(try await yard.msgspool("check").status == 1)
  }

  // MARK: List

  @Test("rows have the contract's keys, and say what each message is")
  func rows() async throws {
    let yard = try Yard()
    try yard.put("new/good", #"{"to":"UID_1","body":"x"}"#)
    try yard.put("new/bad", "{")
    try yard.put("new/elsewhere", #"{"to":"UID_1","channel":"aa"}"#)
    try yard.put("deferred/later", settled("deferred", kind: "network"), age: -600)
    try yard.put("failed/gone", settled("expired", channel: "t", kind: "message"))
    var rows: [String: [String: Any]] = [:]
    for folder in ["new", "deferred", "failed"] {
      for row in try await yard.msgspool("list", folder, "--json").rows {
        #expect(Set(row.keys) == ["name", "folder", "state", "channel", "at", "due", "error"])
        #expect(row["folder"] as? String == folder)
        rows[try #require(row["name"] as? String)] = row
      }
    }
    #expect(rows["good"]?["state"] as? String == "new")
    #expect(rows["good"]?["channel"] as? String == "a")
    #expect(rows["bad"]?["state"] as? String == "invalid")
    #expect(rows["elsewhere"]?["state"] as? String == "invalid")
    #expect(rows["later"]?["due"] is String)
    #expect(rows["gone"]?["state"] as? String == "expired")
    #expect(rows["gone"]?["channel"] as? String == "t")
    #expect((rows["gone"]?["error"] as? [String: Any])?["kind"] as? String == "message")
  }

  @Test("an unknown folder is a usage error that names the nearest")
  func unknownFolder() async throws {
    let yard = try Yard()
    let ran = try await yard.msgspool("list", "faild")
    #expect(ran.status == 64)
    #expect(ran.stderr.contains("did you mean \"failed\""))
    #expect(try await yard.msgspool("list", "failed/").status == 0)
  }

  @Test("no name and no provider's text speaks to the terminal, and what is shown can be given back")
  func escapes() async throws {
    let yard = try Yard()
    let name = "a\u{1B}[31m\n\\b\u{202E}.json"
    let error = #"{"kind":"provider","message":"no\u001b[2J\u009b"}"#
    let text = settled("failed").replacing("}]}", with: "}],\"error\":\(error)}")
    try yard.put("failed/\(name)", text)
    for arguments in [["list", "failed"], ["check"], ["retry", "--all", "--dry-run"]] {
      let ran = try await yard.msgspool(arguments)
      #expect(!(ran.stdout + ran.stderr).contains { "\u{1B}\u{9B}\u{202E}".contains($0) }, "\(arguments)")
    }
    let shown = try #require(try await yard.msgspool("list", "failed", "--json").rows.first?["name"] as? String)
    let ran = try await yard.msgspool("show", shown)
    #expect(ran.status == 0)
    #expect(!ran.stdout.contains { "\u{1B}\u{9B}\u{202E}".contains($0) })
    #expect(try await yard.msgspool("retry", shown).status == 0)
    #expect(try yard.names("new") == [name])
  }

  // MARK: Show

  @Test("show tells message and history from every folder that has the name")
  func show() async throws {
    let yard = try Yard()
    let message = #"{"to":["UID_1","UID_2"],"body":"two\nlines","meta":{"k":[1,2.50]}}"#
    try yard.put("failed/m", settled("failed", kind: "recipient", message: message))
    try yard.put("new/m", #"{"to":"UID_3","body":"other"}"#)
    let rows = try await yard.msgspool("show", "m", "--json").rows
    #expect(rows.map { $0["folder"] as? String } == ["new", "failed"])
    #expect(((rows[1]["message"] as? [String: Any])?["meta"] as? [String: [Double]])?["k"] == [1, 2.5])
    #expect((rows[1]["history"] as? [[String: Any]])?.map { $0["state"] as? String } == ["failed"])
    let text = try await yard.msgspool("show", "\(yard.spool)/failed/m").stdout
    for word in ["two", "lines", "UID_1", "rejected", "UID_2", "recipient: 1001: said no"] {
      #expect(text.contains(word), "\(word)")
    }
  }

  @Test("a hundred thousand recipients are twenty lines and a number")
  func manyRecipients() async throws {
    let yard = try Yard()
    let to = (1...1000).map { "\"UID_\($0)\"" }.joined(separator: ",")
    try yard.put("new/m", #"{"to":[\#(to)],"body":"x"}"#)
    let text = try await yard.msgspool("show", "m").stdout
    #expect(text.contains("… and 980 more"))
    #expect(text.split(separator: "\n").count < 50)
  }

  @Test("a name that is nowhere is status 66, with the nearest there is")
  func missing() async throws {
    let yard = try Yard()
    try yard.put("done/1795338000.4711-1.json", settled("done"))
    let ran = try await yard.msgspool("show", "1795338000.4712-1.json")
    #expect(ran.status == 66)
    #expect(ran.stderr.contains("did you mean \"1795338000.4711-1.json\""))
    for name in ["..", "", "/", "."] { #expect(try await yard.msgspool("show", name).status == 66, "\(name)") }
  }
}
