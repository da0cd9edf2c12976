import Foundation
import TestSupport
import Testing

@Suite("init: from nothing to a message that was sent")
struct InitTests {
  private static let secrets = [
    "WXPUSHER_APP_TOKEN": "AT_x", "TWILIO_AUTH_TOKEN": "secret", "MAIL_PASSWORD": "secret",
    "HOOK_AUTHORIZATION": "Bearer secret",
  ]

  private func msgspool(
    _ arguments: [String], in folder: String, _ environment: [String: String] = [:]
  ) async throws -> Ran {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    return try await run(
      program, arguments, env: environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }, directory: folder,
      timeout: patience)
  }

  private func scratch() throws -> Yard {
    let yard = try Yard()
    try FileManager.default.removeItem(atPath: yard.spool)
    return yard
  }

  @Test("Every piece of the configuration can be uncommented, each by itself and all of them together")
  func uncommented() async throws {
    let yard = try scratch()
    #expect(try await msgspool(["init"], in: yard.root).status == 0)
    let lines = try yard.text(of: "config.json").split(separator: "\n", omittingEmptySubsequences: false)
    let isCode = lines.map { $0.drop { $0 == " " }.hasPrefix("// ") }
    // Pieces are lines one after the other.
    let begins = lines.indices.filter { isCode[$0] && !isCode[$0 - 1] }
    #expect(begins.count >= 5 && lines.count < 80)
    let pieces = begins.map { begin in Set((begin..<lines.count).prefix { isCode[$0] }) }
    for chosen in pieces + [pieces.reduce([]) { $0.union($1) }] {
      let text = lines.indices.map { index in
        chosen.contains(index)
          ? String(lines[index]).replacing("// ", with: "", maxReplacements: 1) : String(lines[index])
      }
      try yard.configure(text.joined(separator: "\n"))
      let ran = try await msgspool(["check", "--json"], in: yard.root, Self.secrets)
      #expect(ran.status == 0, "\(ran.stdout)")
    }
  }

  @Test("With a provider the configuration lacks only what is the account's")
  func provider() async throws {
    let known = try await msgspool(["providers", "--json"], in: "/")
    let names = try #require(
      try JSONSerialization.jsonObject(with: known.standardOutput) as? [[String: Any]]
    ).compactMap { $0["name"] as? String }
    for name in names where name != "instapush" {
      let yard = try scratch()
      let ran = try await msgspool(["init", "--provider", name], in: yard.root)
      #expect(ran.status == 0, "\(ran.stderr)")
      let checked = try await msgspool(["check"], in: yard.root)
      // A secret that is not there yet, or nothing at all.
      let isSecret = ["is not set", "No such file"].contains { checked.stdout.contains($0) }
      #expect(checked.status == 0 || checked.status == 1 || isSecret, "\(name): \(checked.stdout)")
    }
    let yard = try scratch()
    let gone = try await msgspool(["init", "--provider", "instapush"], in: yard.root)
    #expect(gone.status == 64 && gone.stderr.contains("pushover") && !yard.exists(""))
    let slip = try await msgspool(["init", "--provider", "wxpuser"], in: yard.root)
    #expect(slip.status == 64 && slip.stderr.contains("did you mean \"wxpusher\""))
  }

  @Test("With --sandbox init, send and sweep lead to a settled message, whatever the provider")
  func sandbox() async throws {
    let yard = try scratch()
    let script = #"""
      set -eu
      for name in $("$1" providers | sed -n 's/^\([a-z-][a-z-]*\)  *[0-9]* per call.*/\1/p'); do
        case $name in instapush | email | wechat-*) continue ;; esac
        mkdir "$name" && cd "$name"
        msgspool init --provider "$name" --sandbox > said
        # The port that it names may be another's.
        sed -i "s|http://127.0.0.1:8517|$2|; /sandbox: 8517/d" spool/config.json
        eval "$(grep 'msgspool send' said)" > /dev/null
        eval "$(grep 'msgspool sweep' said)" > swept
        grep -q '1 done' swept || { echo "$name"; cat swept; tail -n 1 spool/*/*.json; }
        cd ..
      done
      """#
    let program = try #require(builtProgram())
    symlink(program, yard.root + "/msgspool")
    let path = "\(yard.root):/usr/bin:/bin"
    try await whileRunning(program, ["sandbox"], timeout: patience) { (address: String) async throws in
      let ran = try await run(
        "bash", ["-c", script, "bash", program, address], env: ["PATH": path], directory: yard.root, timeout: patience)
      #expect(ran.status == 0 && ran.stdout == "", "\(ran.stdout)\(ran.stderr)")
    }
  }

  @Test("check leads from nothing to a message that can go, one step at a time, in the order in which they are needed")
  func steps() async throws {
    let yard = try scratch()
    func check(_ environment: [String: String] = [:]) async throws -> Ran {
      try await msgspool(["check", "--spool", "spool"], in: yard.root, environment)
    }
    let none = try await check()
    #expect(none.status == 66 && none.stderr.contains("msgspool init spool"), "\(none.stderr)")
    _ = try await msgspool(["init"], in: yard.root)
    let empty = try await check()
    #expect(empty.stdout.contains("the configuration names none yet") && empty.stdout.contains("msgspool providers"))
    let early = try await msgspool(["send", "hello"], in: yard.root)
    #expect(early.status == 64 && early.stderr.contains("msgspool init --provider NAME"), "\(early.stderr)")
    try FileManager.default.removeItem(atPath: yard.spool)
    _ = try await msgspool(["init", "--provider", "wxpusher"], in: yard.root)
    let secret = try await check()
    #expect(secret.status == 78 && secret.stdout.contains("export WXPUSHER_APP_TOKEN=..."), "\(secret.stdout)")
    try yard.put("new/m", #"{"body":"x"}"#)
    let nobody = try await check(Self.secrets)
    #expect(nobody.status == 1 && nobody.stdout.contains("to: is missing"), "\(nobody.stdout)")
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    let ready = try await check(Self.secrets)
    #expect(ready.status == 0 && ready.stdout == "all is well\n", "\(ready.stdout)")
  }

  @Test("What the sandbox is no far side of is told, with what would do")
  func noSandbox() async throws {
    let yard = try scratch()
    let ran = try await msgspool(["init", "--sandbox", "--provider", "email"], in: yard.root)
    #expect(ran.status == 64 && ran.stderr.contains("needs another server") && ran.stderr.contains("smtp://127.0.0.1"))
    #expect(!yard.exists(""))
  }

  @Test("What is in the way is named, and a hint that leads nowhere is not given")
  func inTheWay() async throws {
    let ran = try await msgspool(["init", "/proc/x"], in: "/")
    #expect(ran.status == 73 && ran.stderr.contains("init DIR") && !ran.stderr.contains("with: msgspool init"))
  }

  // MARK: README

  @Test(
    "README's boxes work as they stand there: three commands to a settled message",
    arguments: ["# msgspool", "## Try it"])
  func readme(heading: String) async throws {
    let text = try Repository.text("README.md")
    let part = try #require("\n\(text)".components(separatedBy: "\n\(heading)\n").last)
    let lines = part.components(separatedBy: "```sh\n")[1].components(separatedBy: "```")[0].split(separator: "\n")
    let yard = try scratch()
    let program = try #require(builtProgram())
    symlink(program, yard.root + "/msgspool")
    // Nothing is built here, and the port may be another's: a free one, and the configuration told of it.
    let script = lines.drop { $0.hasPrefix("make build") }.map { line in
      line.contains("msgspool sandbox")
        ? "\(line.prefix { $0 != "&" }.replacing("8517", with: "$port")) > address & sandbox=$!\nuntil [ -s address ]; do sleep 0.05; done"
        : line.contains("msgspool init") ? "\(line)\nsed -i \"s|8517|$port|g\" spool/config.json" : String(line)
    }
    #expect(script.count == 3 || script.count == 5)
    let port =
      "port=$(python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])')"
    let ran = try await run(
      "bash", ["-euc", ([port] + script + ["[ -z \"${sandbox-}\" ] || kill $sandbox"]).joined(separator: "\n")],
      env: ["PATH": "\(yard.root):/usr/bin:/bin"], directory: yard.root, timeout: patience)
    #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
    #expect(try yard.names("done").count == 1, "\(ran.stdout)\(ran.stderr)")
    // Nobody takes a rehearsal for the real thing.
    #expect(ran.stderr.contains("nobody gets them") == (heading == "# msgspool"), "\(ran.stderr)")
  }
}
