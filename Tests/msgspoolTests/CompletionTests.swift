import Foundation
import TestSupport
import Testing

@Suite("Completions, manual and schema are made of what the program itself goes by")
struct CompletionTests {
  private func yard() throws -> Yard {
    let yard = try Yard()
    try yard.configure(
      """
      { default_channel: "alerts", channels: {
          alerts: { provider: "wxpusher", app_token: "AT_a", recipients: { team: ["UID_1"], "tea time": ["UID_2"] } },
          alarms: { provider: "telegram", token: "1:a" } } }
      """)
    try yard.put("failed/f1.json", settled("failed"))
    try yard.put("new/n1.json", #"{"to":"UID_1","body":"x"}"#)
    // Names in new/ are anybody's.
    try yard.put("new/$(touch owned)", #"{"to":"UID_1","body":"x"}"#)
    try yard.put("new/n 2:x", #"{"to":"UID_1","body":"x"}"#)
    symlink(try #require(builtProgram()), yard.root + "/msgspool")
    return yard
  }

  private static let lines: [(line: String, words: [String])] = [
    ("msgspool se", ["send", "sendmail"]), ("msgspool help ret", ["retry"]), ("msgspool nonsense x", []),
    ("msgspool send --pri", ["--priority"]), ("msgspool send --priority ", ["low", "normal", "high"]),
    ("msgspool send --channel al", ["alarms", "alerts"]), ("msgspool send --channel=ale", ["alerts"]),
    ("msgspool send --channel alerts --to tea", ["tea\\ time", "team"]),
    ("msgspool send --format=", ["text", "markdown", "html"]),
    ("msgspool send --channel alarms --to ", []), ("msgspool list fa", ["failed"]),
    ("msgspool retry --kind n", ["network"]),
    ("msgspool retry ", ["f1.json"]), ("msgspool hold n", ["n1.json", "n\\ 2:x"]),
    ("msgspool hold n1.json n1", ["n1.json"]),
    ("msgspool hold \\$", []), ("msgspool show f", ["f1.json"]),
    ("msgspool init --provider weco", ["wecom-app", "wecom-robot"]),
    ("msgspool providers twi", ["twilio"]), ("msgspool completion ", ["bash", "zsh", "fish"]),
    ("msgspool sweep --log ", ["text", "json"]), ("msgspool status x", []), ("msgspool list failed ", []),
    ("msgspool send --to team --channel alerts --ti", ["--title"]),
  ]

  @Test("Bash completes commands, options and values", arguments: lines)
  func bash(line: String, words: [String]) async throws {
    let yard = try yard()
    // As bash does it: words parted at blanks, = and :, which stay words of their own.
    let script = #"""
      source <(msgspool completion bash)
      COMP_LINE=$1
      read -ra COMP_WORDS <<< "$(printf '%s' "$1" | sed 's/=/ = /g')"
      [[ $1 != *' ' ]] || COMP_WORDS+=("")
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _msgspool msgspool
      printf '%s\n' "${COMPREPLY[@]}"
      """#
    let ran = try await run(
      "bash", ["-c", script, "bash", line],
      env: ["PATH": "\(yard.root):/usr/bin:/bin", "MSGSPOOL_DIR": yard.spool, "LC_ALL": "C.UTF-8"],
      directory: yard.root,
      timeout: patience)
    #expect(ran.status == 0 && ran.stderr.isEmpty, "\(ran.stderr)")
    let found = ran.stdout.split(separator: "\n").map { String($0) }
    #expect(Set(found) == Set(words) && found.count == words.count, "\(line): \(found)")
    #expect(!FileManager.default.fileExists(atPath: yard.root + "/owned"))
  }

  @Test("A hostile name is a quoted word")
  func quoted() async throws {
    let yard = try yard()
    let script = #"""
      source <(msgspool completion bash)
      COMP_WORDS=(msgspool hold "") COMP_CWORD=2
      _msgspool msgspool
      for word in "${COMPREPLY[@]}"; do eval "printf '%s\n' $word"; done
      """#
    let ran = try await run(
      "bash", ["-c", script], env: ["PATH": "\(yard.root):/usr/bin:/bin", "MSGSPOOL_DIR": yard.spool],
      directory: yard.root, timeout: patience)
    #expect(ran.lines == ["n1.json", "n 2:x", "$(touch owned)"], "\(ran.stdout)\(ran.stderr)")
    #expect(!FileManager.default.fileExists(atPath: yard.root + "/owned"))
  }

  @Test("Files are the shell's own business")
  func files() async throws {
    let yard = try yard()
    let program = yard.root + "/msgspool"
    for (words, kind) in [
      (["send", "--attach", ""], "files"), (["list", "--spool", ""], "folders"), (["list", ""], "words"),
    ] {
      let ran = try await run(program, ["__complete", "zsh", "msgspool"] + words, timeout: patience)
      #expect(ran.stdout.split(separator: "\n").first.map(String.init) == kind)
    }
  }

  @Test("A spool or configuration that is not there, or can't be read, completes to nothing, and says nothing")
  func nothing() async throws {
    let yard = try yard()
    mkfifo(yard.path("pipe"), 0o600)
    for arguments in [["--spool", "/nonexistent"], ["--config", yard.path("pipe")], ["--config", "/etc/passwd"]] {
      let ran = try await run(
        yard.root + "/msgspool", ["__complete", "fish", "msgspool", "send"] + arguments + ["--channel", ""],
        env: ["PATH": "/usr/bin:/bin"], timeout: patience)
      #expect(ran.status == 0 && ran.stdout == "words\n" && ran.stderr.isEmpty, "\(ran.stdout)\(ran.stderr)")
    }
  }

  @Test("Zsh and fish take their scripts, and complete with them", arguments: ["zsh", "fish"])
  func others(shell: String) async throws {
    guard let path = find(program: shell) else { return }
    let yard = try yard()
    let script = try await run(yard.root + "/msgspool", ["completion", shell], timeout: patience)
    let file = yard.root + "/script"
    try script.standardOutput.write(to: URL(filePath: file))
    let environment = [
      "PATH": "\(yard.root):/usr/bin:/bin", "MSGSPOOL_DIR": yard.spool, "HOME": yard.root, "LC_ALL": "C.UTF-8",
    ]
    let checked = try await run(path, ["-n", file], env: environment, timeout: patience)
    #expect(checked.status == 0 && checked.stderr.isEmpty, "\(checked.stderr)")
    if shell == "fish" {
      let ran = try await run(
        path, ["-c", "source \(file); complete -C 'msgspool send --channel al'"], env: environment, timeout: patience)
      #expect(ran.lines == ["alarms", "alerts"], "\(ran.stdout)\(ran.stderr)")
    } else {
      // `compadd` outside of completion is an error: what it would get is printed in its place.
      let line = #"""
        compdef() { : }; compadd() { shift 4; print -l -- "${(@P)1:-${values[@]}}" ${values[@]} }
        source "$0"; words=(msgspool send --channel al) CURRENT=4; _msgspool
        """#
      let ran = try await run(path, ["-f", "-c", line, file], env: environment, timeout: patience)
      #expect(ran.lines.isSuperset(of: ["alarms", "alerts"]), "\(ran.stdout)\(ran.stderr)")
    }
  }

  // MARK: Manual

  @Test(
    "The manual's pages are clean", .disabled(if: find(program: "mandoc") == nil, "needs mandoc"),
    arguments: ["1", "5", "conf"])
  func mandoc(page: String) async throws {
    let program = try #require(builtProgram())
    let text = try await run(program, ["manual", page], timeout: patience)
    let ran = try await run("mandoc", ["-Tlint", "-Wall"], stdin: text.standardOutput, timeout: patience)
    #expect(ran.status == 0 && ran.stdout.isEmpty, "\(ran.stdout)")
  }

  @Test("Every command, option, field, setting and provider is in the manual")
  func whole() async throws {
    let program = try #require(builtProgram())
    func text(_ arguments: String...) async throws -> String {
      try await run(program, arguments, timeout: patience).stdout.replacing("\\-", with: "-").replacing("\\&", with: "")
    }
    let page = try await text("manual", "1")
    let help = try await text("help")
    let commands = help.split(separator: "\n").compactMap { $0.firstMatch(of: #/^  ([a-z]+)  /#)?.1 }
    #expect(commands.count > 20)
    for command in commands {
      #expect(page.contains("\n.Ss msgspool \(command)\n"), "\(command)")
      for option in try await text("help", String(command)).matches(of: #/\n  (--[a-z-]+)/#) {
        #expect(page.contains("Fl \(option.1.dropFirst())"), "\(command) \(option.1)")
      }
    }
    let configuration = try await text("manual", "conf")
    let providers = try await text("providers")
    for provider in providers.matches(of: #/\n([a-z-]+) +[0-9]/#) {
      #expect(configuration.contains("\n.Ss \(provider.1)\n"))
    }
    for key in ["aliases", "quiet_hours", "app_token"] { #expect(configuration.contains("Cm \(key)")) }
    let formats = try await text("manual", "5")
    for field in ["send_at", "attachments", "use"] { #expect(formats.contains("Cm \(field)")) }
    for folder in ["tmp/", "hold/", "templates/", "ledger.db"] { #expect(formats.contains("Pa \(folder)")) }
  }
}
