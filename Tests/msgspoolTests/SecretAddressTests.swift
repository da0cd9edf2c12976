import Foundation
import TestSupport
import Testing

@Suite("Addresses that are secrets") struct SecretAddressTests {
  private static let secrets = ["slack://T0ken/S3cret/x", "mailto://user:passw0rd@host"]

  /// Repeats all it gets, in every form there is, and takes nobody.
  private static let program = """
    #!/bin/sh
    tee /dev/stderr | sed 's/.*"to":"\\([^"]*\\)".*/\\1/' | while read -r to; do
      echo "said $to" >&2
      printf '%s' "$to" | base64 -w0 >&2
      echo "{\\"to\\":\\"$to\\",\\"state\\":\\"rejected\\",\\"code\\":\\"$to\\",\\"reason\\":\\"no $to for you\\"}"
    done
    """

  @Test("show masks a secret address wherever it stands: as another name's plain value, in a text, in what was said")
  func everywhere() async throws {
    let yard = try Yard()
    try yard.put(".alice", Self.secrets[0])
    chmod(yard.path(".alice"), 0o600)
    try yard.configure(
      """
      { default_channel: "chat", channels: { chat: { provider: "exec", command: ["/bin/true"],
        recipients: { alice: { file: ".alice" }, bob: ["\(Self.secrets[0])", "plain"] } } } }
      """)
    let message = #"{"to":["alice","bob"],"body":"to \#(Self.secrets[0])","meta":{"\#(Self.secrets[0])":1}}"#
    try yard.put("new/m", message)
    try yard.put("failed/m", settled("failed", kind: "recipient", message: message, to: Self.secrets[0]))
    for arguments in [["show", "m"], ["show", "m", "--json"], ["list", "failed"], ["list", "new"], ["check"]] {
      let ran = try await yard.msgspool(arguments)
      #expect(!"\(ran.stdout)\(ran.stderr)".contains("T0ken"), "\(ran.stdout)\(ran.stderr)")
      if arguments[0] == "show" {
        #expect(ran.stdout.contains("***") && ran.stdout.contains("plain") != (arguments.count > 2))
      }
    }
  }

  @Test("History, ledger, show, list, log and dry run know them by their names; the program gets them")
  func names() async throws {
    try await withStation { station in
      let folder = station.spool.path
      for (name, text, mode) in [
        ("alice", Self.secrets[0] + "\n", 0o600), ("bob", Self.secrets[1], 0o600), ("say", Self.program, 0o755),
      ] {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/.\(name)"))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(folder)/.\(name)")
      }
      try station.configure(
        text: """
          { channels: {
            chat: { provider: "exec", command: ["\(folder)/.say"], fallback: "again",
              recipients: { alice: { file: ".alice" }, team: [{ file: ".alice" }, { file: ".bob" }] } },
            again: { provider: "exec", command: ["\(folder)/.say"], recipients: { alice: { file: ".bob" } } },
          } }
          """)
      try station.spool.drop("a", #"{"channel":"chat","to":"alice","body":"x"}"#)
      try station.spool.drop("b", #"{"channel":"chat","to":["team","plain"],"body":"y"}"#)
      var said = ""
      for arguments in [
        ["sweep", "--dry-run", "--json"], ["sweep", "--verbose", "--log", "json", "--log-addresses"], ["show", "a"],
        ["show", "b", "--json"], ["list", "failed"], ["check"], ["status", "--json"],
      ] {
        let ran = try await station.run(arguments[0], Array(arguments.dropFirst()))
        said += ran.stdout + ran.stderr
      }
      let results = try #require(try station.spool.last("failed/b")["results"]).array
      #expect(results.map { $0["to"] } == ["team (.alice)", "team (.bob)", "plain"])
      let only = try #require(try station.spool.last("failed/a")["results"]).array[0]
      #expect(only["to"] == "alice" && only["address"] == "alice" && only["code"] == "***")
      #expect("\(only)".contains("no *** for you"))
      for piece in ["T0ken", "S3cret", "passw0rd", "VDBrZW4", "cGFzc3cwcmQ"] {
        #expect(!said.contains(piece), "\(said)")
        for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init()
        where !name.hasPrefix(".") {
          let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()
          #expect(bytes.range(of: Data(piece.utf8)) == nil, "\(piece) in \(name)")
        }
      }
    }
  }
}
