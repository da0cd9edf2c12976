import Foundation
import TestSupport
import Testing

@Suite("A message's name is bytes, and every command takes it as bytes or as list prints it")
struct NameTests {
  /// `$0` is the program, `$1` the spool, `$2` the octal escapes of a name.
  private func shell(_ yard: Yard, _ script: String, _ name: String) async throws -> Ran {
    let program = try #require(builtProgram())
    let begin = #"n="$(printf -- "$2")"; "# + script
    return try await run(
      "sh", ["-c", begin, program, yard.spool, name], env: ["PATH": "/usr/bin:/bin"], timeout: patience)
  }

  private func put(_ yard: Yard, _ folder: String, _ name: String, state: String) async throws {
    let script = #"cat > "$1/\#(folder)/$n""#
    let program = try #require(builtProgram())
    let ran = try await run(
      "sh", ["-c", #"n="$(printf -- "$2")"; "# + script, program, yard.spool, name], stdin: Data(settled(state).utf8),
      timeout: patience)
    try #require(ran.status == 0, "\(ran.stderr)")
  }

  @Test(
    "Raw bytes and the escaped form find the same message",
    arguments: [#"bad\377name"#, #"tab\011and\\back"#, #"-dash"#, #"\351t\351.json"#])
  func forms(_ name: String) async throws {
    let yard = try Yard()
    try await put(yard, "failed", name, state: "failed")
    let raw = try await shell(yard, #"exec "$0" show --spool "$1" -- "$n""#, name)
    #expect(raw.status == 0, "\(raw.stderr)")
    let listed = try #require(try await yard.msgspool("list", "failed", "--json").rows.first?["name"] as? String)
    #expect(try await yard.msgspool("show", "./\(listed)").stdout == raw.stdout)

    let retried = try await shell(yard, #"exec "$0" retry --spool "$1" -- "failed/$n""#, name)
    #expect(retried.status == 0 && retried.stdout == listed + "\n", "\(retried.stderr)")
    for command in ["hold", "release", "delete"] {
      let ran = try await shell(yard, #"exec "$0" \#(command) --spool "$1" -- "$n""#, name)
      #expect(ran.status == 0 && ran.stdout == listed + "\n", "\(command): \(ran.stderr)")
    }
    #expect(try yard.names("new").isEmpty)
    try await put(yard, "deferred", name, state: "deferred")
    #expect(try await shell(yard, #"exec "$0" flush --spool "$1" -- "$n""#, name).status == 0)
  }

  @Test("The command that a report recommends works as it stands there")
  func recommended() async throws {
    let yard = try Yard()
    try await put(yard, "failed", #"un sure\377"#, state: "unconfirmed")
    let ran = try await shell(yard, #"exec "$0" delete --spool "$1" "$n""#, #"un sure\377"#)
    let hint = try #require(ran.stderr.split(separator: "msgspool delete ").last)
    #expect(ran.status == 64 && hint.hasPrefix(#"'un sure\xff' --force"#), "\(ran.stderr)")
    #expect(try await yard.msgspool("delete", #"un sure\xff"#, "--force").status == 0)
  }

  @Test("What may be either of two messages is neither's, and nothing is removed")
  func ambiguous() async throws {
    let yard = try Yard()
    try await put(yard, "failed", #"a\377"#, state: "failed")
    try await put(yard, "failed", #"a\\xff"#, state: "failed")
    let ran = try await yard.msgspool("delete", #"a\xff"#)
    #expect(ran.status == 64 && ran.stderr.contains("either of two"), "\(ran.stderr)")
    #expect(try await yard.msgspool("show", #"a\xff"#, "--json").rows.count == 2)
    #expect(try await yard.msgspool("delete", #"a\x5cxff"#).status == 0)
    #expect(try await yard.msgspool("delete", #"a\xff"#).status == 0)
  }

  @Test("Texts that are no UTF-8 are refused, and not changed")
  func texts() async throws {
    let yard = try Yard()
    let ran = try await shell(yard, #"exec "$0" send --spool "$1" --to UID_1 "$n""#, #"caf\351"#)
    #expect(ran.status == 64 && ran.stderr.contains(#"caf\xe9 is not valid UTF-8"#), "\(ran.stderr)")
    #expect(try yard.names("new").isEmpty)
  }
}
