import Foundation
import TestSupport
import Testing

@Suite("retry: failed/ back to new/")
struct RetryTests {
  /// One of each kind that can lie in failed/.
  private func fill(_ yard: Yard) throws {
    try yard.put("failed/young", settled("failed", kind: "network", ago: 60))
    try yard.put("failed/old", settled("failed", kind: "credentials", ago: 90_000))
    try yard.put("failed/t", settled("failed", channel: "t", provider: "twilio", kind: "network", ago: 90_000))
    try yard.put("failed/invalid", settled("invalid", kind: "message", message: "{"))
    try yard.put("failed/expired", settled("expired", kind: "message"))
    try yard.put("failed/doubt", settled("unconfirmed", kind: "uncertain"))
    try yard.put("failed/by-hand", #"{"to":"UID_1","body":"x"}"#)
    try yard.put("done/twice", settled("duplicate"))
  }

  @Test(
    "what is selected comes back, and nothing else",
    arguments: [
      (["--all"], ["young", "old", "t", "invalid", "expired", "by-hand"]),
      (["--channel", "t"], ["t"]),
      (["--provider", "twilio"], ["t"]),
      (["--kind", "network"], ["young", "t"]),
      (["--kind", "network", "--channel", "a"], ["young"]),
      (["--state", "invalid"], ["invalid"]),
      (["--state", "expired"], ["expired"]),
      (["--state", "unconfirmed"], ["doubt"]),
      (["--state", "failed", "--since", "12h"], ["young", "by-hand"]),
      (["--all", "--since", "2000-01-01T00:00:00Z", "--channel", "t"], ["t"]),
      (["old", "t"], ["old", "t"]),
      (["old", "t", "--channel", "t"], ["t"]),
      (["doubt", "--state", "unconfirmed"], ["doubt"]),
      (["--channel", "nobody"], []),
    ])
  func selection(_ arguments: [String], _ expected: [String]) async throws {
    let yard = try Yard()
    try fill(yard)
    let before = try yard.snapshot()
    let dry = try await yard.msgspool(["retry", "--dry-run"] + arguments)
    #expect(dry.lines == Set(expected))
    #expect(try yard.snapshot() == before)
    let ran = try await yard.msgspool(["retry"] + arguments)
    #expect(ran.status == 0)
    #expect(ran.lines == Set(expected))
    #expect(try yard.names("new") == Set(expected))
    #expect(ran.stderr.contains("\(expected.count) message"))
    // The bytes are as they were, and so is everything else.
    for name in expected {
      #expect(try yard.text(of: "new/\(name)").utf8.elementsEqual(before["failed/\(name)"] ?? Data()))
    }
    #expect(try yard.names("done") == ["twice"])
  }

  @Test(
    "a wrong word is a usage error, and nothing moves",
    arguments: [
      [], ["--kind", "netwrok"], ["--state", "done"], ["--since", "yesterday"], ["--al"],
    ])
  func usage(_ arguments: [String]) async throws {
    let yard = try Yard()
    try fill(yard)
    let before = try yard.snapshot()
    #expect(try await yard.msgspool(["retry"] + arguments).status == 64)
    #expect(try yard.snapshot() == before)
  }

  @Test("an unconfirmed one that is named stays, and stderr says how it would go")
  func named() async throws {
    let yard = try Yard()
    try fill(yard)
    let ran = try await yard.msgspool("retry", "doubt", "young")
    #expect(ran.status != 0)
    #expect(ran.stderr.contains("--state unconfirmed"))
    #expect(try yard.names("new") == ["young"])
    #expect(yard.exists("failed/doubt"))
  }

  @Test("a name that is not in failed/ is status 66, and nothing moves", arguments: ["yuong", "twice"])
  func missing(_ name: String) async throws {
    let yard = try Yard()
    try fill(yard)
    let ran = try await yard.msgspool("retry", "young", name)
    #expect(ran.status == 66)
    #expect(ran.stderr.contains(name == "twice" ? "done/" : "did you mean \"young\""))
    #expect(try yard.names("new") == [])
  }

  @Test("nothing in new/ is overwritten: the later one gets a number")
  func taken() async throws {
    let yard = try Yard()
    try fill(yard)
    try yard.put("new/young", #"{"to":"UID_9"}"#)
    let row = try #require(try await yard.msgspool("retry", "young", "--json").rows.first)
    #expect(row["name"] as? String == "young~2")
    #expect(row["was"] as? String == "young")
    #expect(try yard.text(of: "new/young") == #"{"to":"UID_9"}"#)
    #expect(yard.exists("new/young~2"))
  }

  @Test(
    "a file whose history is torn or says another folder is left to check",
    arguments: [
      settled("failed") + #"{"msgspool":1,"at":"2026-"#, settled("failed") + "\0\0\0\0", settled("done"),
    ])
  func doubtful(_ text: String) async throws {
    let yard = try Yard()
    try yard.put("failed/m", text)
    // Who asks for all gets what can be had; who asks for this one is told by the status.
    for (arguments, status) in [(["--all"], 0), (["m"], 64)] as [([String], Int32)] {
      let ran = try await yard.msgspool(["retry"] + arguments)
      #expect(ran.status == status && ran.stderr.contains("msgspool check"), "\(ran.stderr)")
      #expect(try yard.names("new") == [])
    }
  }

  @Test("one operator command at a time: the second is told to try again")
  func locked() async throws {
    let yard = try Yard()
    try fill(yard)
    let program = try #require(builtProgram())
    for command in [["retry", "--all"], ["prune", "--older-than", "0s"], ["check", "--repair"]] {
      let ran = try await run(
        "flock", [yard.spool, program] + command + ["--spool", yard.spool])
      #expect(ran.status == 75, "\(command): \(ran.stderr)")
    }
    #expect(try yard.names("new") == [])
  }

  @Test("a retried message's age counts anew, and what did not parse is judged by the very next sweep")
  func ages() async throws {
    try await withSandbox { yard in
      try yard.put("failed/old", settled("expired", kind: "message", ago: 900_000), age: 900_000)
      try yard.put("failed/broken", settled("invalid", kind: "message", message: "{"), age: 900_000)
      try yard.put("failed/bare", "{", age: 900_000)
      _ = try await yard.msgspool("retry", "--all")
      for name in ["old", "broken", "bare"] { #expect(try yard.age(of: "new/\(name)") < 60, "\(name)") }
      let row = try #require(try await yard.msgspool("sweep", "--json").rows.last)
      #expect(row["done"] as? Int == 1)
      #expect(row["invalid"] as? Int == 2)
      #expect(try yard.names("done") == ["old"])
    }
  }

  @Test("recipients that were accepted are not sent to again")
  func accepted() async throws {
    try await withSandbox("recipient:to=UID_2,count=1") { yard in
      try yard.put("new/m", #"{"to":["UID_1","UID_2"],"body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      #expect(yard.exists("failed/m"))
      _ = try await yard.msgspool("retry", "m")
      let row = try #require(try await yard.msgspool("sweep", "--json").rows.last)
      #expect(row["recipients"] as? Int == 1)
      #expect(yard.exists("done/m"))
    }
  }

  @Test("ten thousand come back in one go")
  func many() async throws {
    let yard = try Yard()
    let text = settled("failed", kind: "network")
    for number in 0..<10_000 {
      _ = FileManager.default.createFile(atPath: yard.path("failed/\(number)"), contents: Data(text.utf8))
    }
    let ran = try await yard.msgspool("retry", "--all")
    #expect(ran.lines.count == 10_000)
    #expect(try yard.names("new").count == 10_000)
  }
}
