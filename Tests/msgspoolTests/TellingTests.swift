import Foundation
import TestSupport
import Testing

@Suite("What is said, and to whom, never holds up what is done")
struct TellingTests {
  /// Nobody listens on that port.
  private func yard() throws -> Yard { try Yard() }

  private func drop(_ yard: Yard, _ count: Int, _ message: String = #"{"to":"UID_1","body":"x"}"#) throws {
    for number in 0..<count { try yard.put("new/m\(number)", message) }
  }

  // MARK: Causes

  @Test("--quiet says a line for each cause: what, how many, the reason, and the command that shows more")
  func causes() async throws {
    let yard = try yard()
    try drop(yard, 3)
    for name in ["bad1", "bad2"] { try yard.put("new/\(name)", #"{"to":"UID_1","channel":"nope","body":"x"}"#) }
    try yard.put("new/late", #"{"to":"UID_1","body":"x","expires_at":1600000000}"#)
    let ran = try await yard.msgspool("sweep", "--quiet")
    #expect(ran.status == 0 && ran.stdout == "")
    let lines = ran.stderr.split(separator: "\n").map(String.init)
    #expect(lines.count == 3, "\(ran.stderr)")
    for words in [
      ["a: 3 messages deferred: network: ", "refused", "see: msgspool list deferred --spool \(yard.spool)"],
      ["2 messages are invalid: message: channel: \"nope\"", "see: msgspool list failed"],
      ["a: late expired: message: expires_at: ", "see: msgspool show late"],
    ] {
      #expect(lines.contains { line in words.allSatisfy(line.contains) }, "\(words): \(ran.stderr)")
    }
  }

  @Test("What was deferred before is no news, and neither is what its producer wanted to wait")
  func oldNews() async throws {
    let yard = try yard()
    try drop(yard, 1)
    try yard.put("new/scheduled", #"{"to":"UID_1","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
    let first = try await yard.msgspool("sweep", "--quiet")
    #expect(first.stderr.contains("m0 deferred") && !first.stderr.contains("scheduled"), "\(first.stderr)")
    try yard.setAge(of: "deferred/m0", 1)
    let again = try await yard.msgspool("sweep", "--quiet", "--json")
    #expect(try again.rows.last?["deferred"] as? Int == 1)
    #expect(again.stderr == "")
  }

  @Test("A name that was used again: the first deferral is said, with the name that the file has now")
  func nameUsedAgain() async throws {
    let yard = try yard()
    try yard.put("deferred/m", settled("deferred", kind: "network"), age: -3600)
    try yard.put("new/m", #"{"to":"UID_1","body":"another"}"#)
    let ran = try await yard.msgspool("sweep", "--quiet")
    #expect(ran.stderr.contains("a: m~2 deferred: network"), "\(ran.stderr)")
    #expect(ran.stderr.contains("see: msgspool show m~2"), "\(ran.stderr)")
    try yard.put("new/m", #"{"to":"UID_1","channel":"nope","body":"x"}"#)
    try yard.put("failed/m", settled("failed"))
    let logged = try await yard.msgspool("sweep", "--log", "json")
    #expect(logged.stderr.contains(#""name":"m~2","state":"invalid""#), "\(logged.stderr)")
    #expect(logged.stderr.contains(#""was":"m""#), "\(logged.stderr)")
  }

  @Test("--log text has a line for each call and each message that is not done, and none for those that are")
  func followed() async throws {
    try await withSandbox { yard in
      try yard.put("new/good", #"{"to":"UID_1","body":"x"}"#)
      try yard.put("new/bad", #"{"to":"+4","channel":"t","body":"x"}"#)
      let ran = try await yard.msgspool("sweep", "--log", "text")
      #expect(ran.stderr.contains("bad: failed (recipient"), "\(ran.stderr)")
      #expect(!ran.stderr.contains("good"))
    }
    let yard = try yard()
    try drop(yard, 1)
    let ran = try await yard.msgspool("sweep", "--log", "text")
    #expect(ran.stderr.contains("a: call ") && ran.stderr.contains("for 1 recipient: refused, 1 deferred"))
    #expect(ran.stderr.contains("m0: deferred (network: refused") && ran.stderr.contains("; due "))
  }

  @Test("watch tells of a cause within moments, and does not wait for its end")
  func watched() async throws {
    let yard = try yard()
    try await watching(yard, "--quiet") { (said: @Sendable () -> String) async throws in
      for name in ["m0", "m1"] {
        try yard.put("tmp/\(name)", #"{"to":"UID_1","body":"x"}"#)
        #expect(rename(yard.path("tmp/\(name)"), yard.path("new/\(name)")) == 0)
      }
      #expect(try await eventually { said().contains("a: 2 messages deferred") }, "\(said())")
    }
  }

  @Test("Under systemd each line has its priority; where standard error is not the journal, none has")
  func priorities() async throws {
    let program = try #require(builtProgram())
    let yard = try yard()
    let script =
      #"JOURNAL_STREAM=${3:-$(stat -Lc %d:%i /proc/self/fd/2)} exec "$1" sweep --verbose --spool "$2""#
    for (stream, isJournal) in [("", true), ("1:2", false)] {
      try drop(yard, 1)
      try yard.put("new/bad", "[]")
      let ran = try await run(
        "sh", ["-c", script, "sh", program, yard.spool, stream], env: ["PATH": "/usr/bin:/bin"], timeout: patience)
      let lines = ran.stderr.split(separator: "\n")
      #expect(lines.count > 2)
      #expect(lines.allSatisfy { ($0.wholeMatch(of: /<[3-7]>.*/) != nil) == isJournal }, "\(ran.stderr)")
      if isJournal {
        #expect(lines.contains { $0.hasPrefix("<3>msgspool: bad: invalid") }, "\(ran.stderr)")
        #expect(lines.contains { $0.hasPrefix("<4>msgspool: m0: deferred") }, "\(ran.stderr)")
      }
    }
  }

  // MARK: Nobody reads

  @Test("A pipe that nobody reads holds up neither sending nor the end")
  func unread() async throws {
    let program = try #require(builtProgram())
    let yard = try yard()
    // Far more to say than a pipe takes.
    for number in 0..<1500 {
      try yard.put("new/\(String(repeating: "n", count: 200))\(number)", #"{"to":"UID_1","channel":"nope"}"#)
    }
    let pipe = yard.root + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    // Opened to read and write, so that it has a reader who never reads.
    let script =
      #"exec 9<>"$3"; echo ready; "$1" watch --verbose --spool "$2" 2>&9 & trap 'kill "$!"' TERM; wait; wait"#
    try await whileRunning("bash", ["-c", script, "sh", program, yard.spool, pipe], timeout: patience) {
      (_: String) async throws in
      #expect(try await eventually { try yard.names("failed").count == 1500 })
    }
  }

  // MARK: Standard output

  @Test(
    "Output that can't be written is status 74, whatever command has it to tell",
    arguments: [
      ["status"], ["status", "--json"], ["status", "--prometheus"], ["list", "new"], ["list", "new", "--json"],
      ["show", "m0"], ["show", "m0", "--json"], ["providers"], ["providers", "twilio"], ["check"], ["check", "--json"],
      ["sweep", "--dry-run"], ["sweep", "--json"], ["sweep"], ["prune", "--older-than", "7d"], ["retry", "--all"],
      ["send", "--to", "UID_1", "hello"], ["help"], ["send", "--help"], ["version"], ["sandbox"], ["flush"],
      ["hold", "m0"], ["delete", "m0"],
    ])
  func full(arguments: [String]) async throws {
    let program = try #require(builtProgram())
    let yard = try yard()
    try drop(yard, 1)
    if arguments[0] == "retry" { try yard.put("failed/f", settled("failed")) }
    if arguments[0] == "flush" { try yard.put("deferred/d", settled("deferred"), age: -600) }
    let line = ["-c", #"exec "$@" > /dev/full"#, "sh", program] + arguments
    let isPlain = ["help", "version"].contains(arguments[0])
    let ran = try await run(
      "sh", isPlain ? line : line + ["--spool", yard.spool], env: ["PATH": "/usr/bin:/bin"], timeout: patience)
    #expect(ran.status == 74, "\(ran.stderr)")
    #expect(ran.stderr.contains("standard output cannot be written: No space left on device"), "\(ran.stderr)")
  }

  @Test("A send whose name can't be printed says that the message is on its way")
  func unprinted() async throws {
    let program = try #require(builtProgram())
    let yard = try yard()
    let ran = try await run(
      "sh", ["-c", #"exec "$1" send --spool "$2" --to UID_1 x > /dev/full"#, "sh", program, yard.spool],
      env: ["PATH": "/usr/bin:/bin"], timeout: patience)
    let name = try #require(try yard.names("new").first)
    #expect(ran.status == 74 && ran.stderr.contains("\(name) was dropped all the same"), "\(ran.stderr)")
  }

  @Test("A reader that has had enough is no failure, and ends a long list early")
  func closed() async throws {
    let program = try #require(builtProgram())
    let yard = try yard()
    for number in 0..<2000 { try yard.put("new/m\(number)", "{}") }
    let script = #""$1" list new --spool "$2" | head -n 1 > /dev/null; exit "${PIPESTATUS[0]}""#
    let ran = try await run(
      "bash", ["-c", script, "sh", program, yard.spool], env: ["PATH": "/usr/bin:/bin"], timeout: patience)
    #expect(ran.status == 0 && ran.stderr == "", "\(ran.stderr)")
  }
}

/// While `watch` runs over the yard's spool, with what it said so far.
func watching<Result: Sendable>(
  _ yard: Yard, _ options: String..., body: @Sendable (_ said: @escaping @Sendable () -> String) async throws -> Result
) async throws -> Result {
  let program = try #require(builtProgram(), "swift build makes msgspool")
  let said = yard.root + "/said"
  let script = #"echo ready; said=$1; shift; exec "$@" 2> "$said""#
  let line = ["-c", script, "sh", said, program, "watch", "--spool", yard.spool] + options
  return try await whileRunning("sh", line, env: ["PATH": "/usr/bin:/bin"], timeout: patience) { _ in
    try await body { (try? String(contentsOfFile: said, encoding: .utf8)) ?? "" }
  }
}

/// Whether it becomes so; looks often, and gives up only when nobody would wait any longer.
func eventually(_ body: () async throws -> Bool) async throws -> Bool {
  for _ in 0..<3000 {
    if try await body() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return false
}
