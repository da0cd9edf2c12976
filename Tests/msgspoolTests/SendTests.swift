import Foundation
import TestSupport
import Testing

@Suite("send: files, options, meta, and what became of it")
struct SendTests {
  private func dropped(_ yard: Yard) throws -> [String: Any] {
    let name = try #require(try yard.names("new").first)
    let data = Data(try yard.text(of: "new/\(name)").utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func telegram(_ more: String = "") throws -> Yard {
    let yard = try Yard()
    try yard.configure(
      "{ default_channel: \"t\", \(more) channels: { t: { provider: \"telegram\", token: \"1:a\" }, "
        + "w: { provider: \"wxpusher\", app_token: \"AT_a\" } } }")
    return yard
  }

  // MARK: Values

  @Test("A value is what it reads as in JSON, else text; option names are checked where the channel is known")
  func values() async throws {
    let yard = try telegram()
    let ran = try await yard.msgspool(
      "send", "--to", "42", "--option", "disable_notification=true", "--option", "message_thread_id=7", "--meta",
      "tags=[\"a\",1]", "--meta", "run={\"n\": 1}", "--meta", "word=yes", "--meta", "nothing=null", "--meta", "empty=",
      "--meta", "equation=a=b", "--meta", "quoted=\"x\"", "--meta", "almost={1", "--meta", "day=2026-11-22", "hello")
    #expect(ran.status == 0, "\(ran.stderr)")
    let message = try dropped(yard)
    let options = try #require(message["options"] as? [String: Any])
    #expect(options["disable_notification"] as? Bool == true && options["message_thread_id"] as? Int == 7)
    let meta = try #require(message["meta"] as? [String: Any])
    #expect((meta["tags"] as? [Any])?.count == 2 && (meta["run"] as? [String: Any])?["n"] as? Int == 1)
    #expect(meta["word"] as? String == "yes" && meta["nothing"] as? String == "null" && meta["empty"] as? String == "")
    #expect(meta["equation"] as? String == "a=b" && meta["quoted"] as? String == "\"x\"")
    #expect(meta["almost"] as? String == "{1" && meta["day"] as? String == "2026-11-22")
  }

  @Test(
    "A slip in an option is a usage error, and nothing is dropped",
    arguments: [
      (["--option", "disable_notificatoin=true"], "did you mean \"disable_notification\"?"),
      (["--option", "disable_notification=maybe"], "options.disable_notification"),
      (["--option", "disable_notification"], "expected NAME=VALUE"), (["--meta", "=x"], "expected NAME=VALUE"),
      (["--meta", "a=1", "--meta", "a=2"], "a is given twice"), (["--wait", "30"], "30 what? write 30d"),
      (["--attach", "/nonexistent"], "No such file"), (["--attach", "/"], "Is a directory"),
      (["--attach", "/dev/null"], "plain file"), (["--json"], "--to is not taken"),
      (["--channel", "w", "--attach", "/etc/hostname"], "wxpusher cannot send attachments"),
    ])
  func slips(arguments: [String], answer: String) async throws {
    let yard = try telegram()
    let ran = try await yard.msgspool(["send", "--to", "42"] + arguments + (arguments == ["--json"] ? [] : ["x"]))
    #expect(ran.status == 64 && ran.stderr.contains(answer), "\(ran.status) \(ran.stderr)")
    #expect(try yard.names("new").isEmpty && yard.names("tmp").isEmpty)
  }

  // MARK: Files

  @Test("A file travels inside the message, as it was; the sweep sends its bytes under its name")
  func attach() async throws {
    let yard = try telegram()
    let path = yard.root + "/bericht für 周.txt"
    try Data("a\0b".utf8).write(to: URL(filePath: path))
    #expect(try await yard.msgspool("send", "--to", "42", "--attach", path, "see").status == 0)
    unlink(path)
    let attachments = try #require(try dropped(yard)["attachments"] as? [[String: String]])
    #expect(attachments == [["name": "bericht für 周.txt", "base64": Data("a\0b".utf8).base64EncodedString()]])
  }

  @Test("A file that has no room inside goes by its path, where the configuration allows it")
  func largeFile() async throws {
    for allows in [true, false] {
      let yard = try telegram()
      try yard.configure(
        "{ default_channel: \"t\", max_message_bytes: 4096, attachment_directories: [\"\(allows ? yard.root : "/srv")\"], "
          + "channels: { t: { provider: \"telegram\", token: \"1:a\" } } }")
      let path = yard.root + "/large.bin"
      try Data(count: 5000).write(to: URL(filePath: path))
      let ran = try await yard.msgspool("send", "--to", "42", "--attach", path, "see")
      #expect(ran.status == (allows ? 0 : 64), "\(ran.stderr)")
      if allows {
        #expect(try dropped(yard)["attachments"] as? [[String: String]] == [["name": "large.bin", "path": path]])
      } else {
        #expect(ran.stderr.contains("max_message_bytes") && ran.stderr.contains("attachment_directories"))
      }
    }
  }

  // MARK: Waiting

  @Test("With --wait the status tells what became of it: done, failed, or not yet")
  func wait() async throws {
    try await withSandbox { yard in
      let late = try await yard.msgspool("send", "--to", "UID_1", "--wait", "0s", "x")
      #expect(late.status == 75 && late.stderr.contains("it is in new/"), "\(late.stderr)")
      #expect(try await yard.msgspool("delete", late.stdout.trimmingCharacters(in: .newlines)).status == 0)
      async let good = yard.msgspool("send", "--to", "UID_1", "--wait", "5m", "x")
      async let mixed = yard.msgspool(
        ["send", "--json", "--wait", "5m"],
        stdin: "{\"to\":\"UID_2\",\"body\":\"a\"}\n{\"to\":\"UID_2\",\"body\":\"b\",\"expires_at\":1}\n")
      // A sweep may come before the drops: until there is nothing to wait for any more.
      var settled = 0
      while settled < 3 {
        _ = try await yard.msgspool("sweep")
        settled = try yard.names("done").count + yard.names("failed").count
      }
      let (one, three) = try await (good, mixed)
      #expect(one.status == 0 && one.stdout.hasSuffix(".json\n") && one.stderr.contains(": done"), "\(one.stderr)")
      #expect(three.status == 1 && three.lines.count == 2 && three.stderr.contains("expired"), "\(three.stderr)")
    }
  }

  @Test("Who may not look into done/ is told before anything is dropped")
  func closed() async throws {
    let yard = try Yard()
    chmod(yard.path("done"), 0)
    defer { chmod(yard.path("done"), 0o750) }
    // Root may read everything.
    guard geteuid() != 0 else { return }
    let ran = try await yard.msgspool("send", "--to", "UID_1", "--wait", "1s", "x")
    #expect(ran.status == 77 && ran.stderr.contains("nothing was dropped"))
    #expect(try yard.names("new").isEmpty)
  }
}
