import Foundation
import TestSupport
import Testing

@Suite("An operator's slip is answered where it is made, and what is asked is what is told")
struct SlipTests {
  @Test(
    "A wrong word is a usage error that names the nearest right one, or the way out",
    arguments: [
      (["help", "sned"], "did you mean \"send\"?"), (["sned"], "did you mean \"send\"?"),
      (["help", "xyzzy"], "see: msgspool help"), (["help", "sweep", "extra"], "usage: msgspool help [COMMAND]\n"),
      (["help", "hepl"], "did you mean \"help\"?"), (["version", "extra"], "usage: msgspool version\n"),
      (["--quite", "status"], "did you mean \"--quiet\"?"), (["--spool", "--json", "status"], "--spool needs a value"),
      (["providers", "twillio"], "did you mean \"twilio\"?"),
      (["providers", "zulip"], "through webhook"), (["sweep", "--log", "jsn"], "did you mean \"json\"?"),
      (["watch", "--log", "jsn"], "did you mean \"json\"?"),
      (["sweep", "--chanel", "a"], "did you mean \"--channel\"?"),
      (["retry", "--kind", "netwrok"], "did you mean \"network\"?"),
      (["retry", "--state", "faild"], "did you mean \"failed\"?"),
      (["retry", "--provider", "twillio"], "did you mean \"twilio\"?"),
      (["retry", "--channel", "aa"], "did you mean \"a\"?"),
      (["list", "deffered"], "did you mean \"deferred\"?"), (["flush", "--channel", "aa"], "did you mean \"a\"?"),
      (["init", "--provider", "twillio"], "did you mean \"twilio\"?"),
      (["sweep", "extra"], "usage: msgspool sweep [options]\n"),
      (["status", "extra"], "usage: msgspool status [options]\n"),
      (["watch", "extra"], "usage: msgspool watch [options]\n"),
      (["show"], "usage: msgspool show NAME\n"), (["send", "--priority", "hgih", "--to", "UID_1", "x"], "priority"),
    ])
  func slips(arguments: [String], answer: String) async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    let isPlain = ["help", "sned", "version"].contains(arguments[0]) || arguments[0].hasPrefix("-")
    let line = isPlain ? arguments : arguments + ["--spool", yard.spool]
    let ran = try await run(program, line, env: ["PATH": "/usr/bin:/bin"], timeout: patience)
    #expect(ran.status == 64 && ran.stdout == "", "\(ran.stdout)")
    #expect(ran.stderr.contains(answer), "\(ran.stderr)")
    #expect(!ran.stderr.contains(" \n"), "no blank at a line's end")
  }

  @Test(
    "send refuses what the sweep would: no recipient, no text, an unknown channel",
    arguments: [
      (["hello"], "to"), (["--to", "UID_1"], "body"),
      (["--to", "UID_1", "--channel", "tt", "hello"], "did you mean \"t\"?"),
    ])
  func send(arguments: [String], answer: String) async throws {
    let yard = try Yard()
    let ran = try await yard.msgspool(["send"] + arguments)
    #expect(ran.status == 64 && ran.stderr.contains(answer), "\(ran.stderr)")
    let lines = #"{"to":"UID_1","body":"x"}"# + "\n" + #"{"body":"x"}"#
    let many = try await yard.msgspool(["send", "--json"], stdin: lines)
    #expect(many.status == 64 && many.stderr.contains("line 2: to"), "\(many.stderr)")
    #expect(try yard.names("new").isEmpty, "all or none")
  }

  @Test("A message that reaches some is dropped, and so is any where the configuration is not known")
  func sendAnyway() async throws {
    let yard = try Yard()
    let some = ["send", "--channel", "t", "--to", "+49", "--to", "+12125550100", "x"]
    #expect(try await yard.msgspool(some).status == 0)
    unlink(yard.path("config.json"))
    #expect(try await yard.msgspool("send", "hello").status == 0)
    #expect(try yard.names("new").count == 2)
  }

  @Test("What every command takes may stand before the command's name")
  func optionsFirst() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    func msgspool(_ arguments: String...) async throws -> Ran {
      try await run(program, arguments, env: ["PATH": "/usr/bin:/bin"], timeout: patience)
    }
    let plain = try await yard.msgspool("status", "--json")
    #expect(try await msgspool("--spool", yard.spool, "--json", "status").stdout == plain.stdout)
    #expect(try await msgspool("--spool=\(yard.spool)", "-q", "status", "--json").stdout == plain.stdout)
    #expect(try await msgspool("--config", yard.path("config.json"), "check", "--spool", yard.spool).status == 0)
    let twice = try await msgspool("--spool", "a", "status", "--spool", yard.spool)
    #expect(twice.status == 64 && twice.stderr.contains("given twice"), "\(twice.stderr)")
    #expect(try await msgspool("--spool", yard.spool).status == 64)
    #expect(try await msgspool("--quiet", "--help").stdout.contains("sweep"))
    #expect(try await msgspool("-V").stdout == msgspool("version").stdout)
    #expect(try await msgspool("help", "help").stdout.contains("usage: msgspool help [options] [COMMAND]"))
    #expect(try await msgspool("help", "sweep").stdout == msgspool("sweep", "--help").stdout)
  }

  @Test(
    "A preloaded library that moves the environment does not take the command line away",
    .enabled(if: find(program: "cc") != nil, "needs a C compiler"))
  func movedEnvironment() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    // As libfaketime does.
    let source = #"#include <stdlib.h>\n__attribute__((constructor)) void move() { setenv("A", "b", 1); }"#
    let script =
      #"printf "$2" > "$1/p.c" && cc -shared -fPIC -o "$1/p.so" "$1/p.c" && LD_PRELOAD="$1/p.so" exec "$0" status --spool "$1/spool" --json"#
    let ran = try await run("sh", ["-c", script, program, yard.root, source], timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    #expect(ran.stdout == (try await yard.msgspool("status", "--json").stdout))
  }

  // MARK: What is told

  @Test("show unfolds a name of the address book, settled or not")
  func addressBook() async throws {
    try await withSandbox { yard in
      let configuration = try yard.text(of: "config.json")
      try yard.configure(
        configuration.replacing("rate: 0,", with: "rate: 0, recipients: { team: [\"UID_1\", \"UID_2\"] },"))
      try yard.put("new/m", #"{"to":"team","body":"x"}"#)
      for _ in 0..<2 {
        let text = try await yard.msgspool("show", "m").stdout
        #expect(text.contains("recipients (2)\n  team → UID_1, UID_2\n  UID_1"), "\(text)")
        _ = try await yard.msgspool("sweep")
      }
      let text = try await yard.msgspool("show", "m").stdout
      #expect(text.contains("done") && text.split(separator: "\n").count { $0.contains("accepted") } == 3, "\(text)")
    }
  }

  @Test("A message that waits for its send_at, or for the end of quiet hours, has no error")
  func scheduled() async throws {
    let yard = try Yard()
    try yard.put("new/s", #"{"to":"UID_1","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
    _ = try await yard.msgspool("sweep")
    let row = try #require(try await yard.msgspool("list", "deferred", "--json").rows.first)
    #expect(row["error"] is NSNull && row["due"] as? String == "2099-01-01T00:00:00.000Z")
    let text = try await yard.msgspool("list", "deferred").stdout
    #expect(!text.contains("send_at") && text.contains("in "), "\(text)")
    #expect(try await yard.msgspool("show", "s").stdout.contains("send_at: waits until 2099"))
  }

  @Test("A reason that does not fit beside its message stands below it, on a terminal as wide as it is")
  func narrow() async throws {
    let yard = try Yard()
    try yard.put("failed/1795338000.4711-1-0a1b2c3d.json", settled("failed", kind: "recipient"))
    let program = try #require(builtProgram())
    for (columns, isBelow) in [(70, true), (200, false)] {
      // `script` gives it a terminal.
      let line = "stty cols \(columns); '\(program)' list failed --spool '\(yard.spool)'"
      let ran = try await run(
        "script", ["-qec", line, "/dev/null"], env: ["PATH": "/usr/bin:/bin", "TERM": "dumb"], timeout: patience)
      let lines = ran.stdout.split(whereSeparator: \.isNewline)
      #expect(lines.count == (isBelow ? 2 : 1), "\(ran.stdout)")
      #expect(lines.last?.hasSuffix("recipient: 1001: said no") == true, "\(ran.stdout)")
      #expect(!ran.stdout.contains("\u{1B}"), "a dumb terminal shows no colours")
    }
  }

  @Test("check warns of a suspended channel, with the reason and since when")
  func suspended() async throws {
    try await withSandbox("credentials:provider=wxpusher") { yard in
      try yard.put("new/1", #"{"to":"UID_1","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      let ran = try await yard.msgspool("check")
      #expect(ran.status == 1)
      #expect(ran.stdout.contains("channels.a") && ran.stdout.contains("is suspended since 20"), "\(ran.stdout)")
      #expect(ran.stdout.contains("credentials"))
    }
  }

  @Test("Files that keep folders in Git are nobody's mistake, and stay")
  func keepers() async throws {
    let yard = try Yard()
    for folder in ["tmp", "new", "cur", "deferred", "done", "failed"] {
      try yard.put("\(folder)/.gitkeep", "", age: 40 * 3600)
      // A file system's own, or another program's.
      mkdir(yard.path("\(folder)/.snapshot"), 0o755)
    }
    for arguments in [["check"], ["check", "--repair"], ["prune", "--older-than", "1s"], ["sweep"], ["check"]] {
      let ran = try await yard.msgspool(arguments)
      #expect(ran.status == 0, "\(arguments): \(ran.stdout)\(ran.stderr)")
    }
    for folder in ["tmp", "new", "cur", "deferred", "done", "failed"] { #expect(yard.exists("\(folder)/.gitkeep")) }
  }
}
