import Foundation
import TestSupport
import Testing

/// Tests/Fixtures/mails holds what programs handed to /usr/sbin/sendmail on a Debian 12, with the arguments that they gave it:
/// captured from cron 3.0pl1, git send-email 2.39.5, mutt 2.2.12 and smartd_warning.sh 7.3 (through s-nail); written by the
/// same calls of Python's email package as unattended-upgrades 2.9.1 makes; and, as it needs an array to fail, mdadm's after
/// the text in its program (4.2).
@Suite("The sendmail door: mails of cron, smartd and others become messages")
struct SendmailTests {
  private static let mails = Repository.file("Tests/Fixtures/mails")

  private func yard(endpoint: String = "http://127.0.0.1:9") throws -> Yard {
    let yard = try Yard()
    try yard.configure(
      """
      { default_channel: "mail",
        aliases: {
          root: { channel: "push", to: "UID_ops" }, postmaster: "root", "Dev@Example.org": { channel: "tg", to: [42, 43] },
          both: ["root", { channel: "tg", to: "44" }], robot: { channel: "robot" }, otp: { channel: "sms", to: "+12125550100" } },
        channels: {
          push: { provider: "wxpusher", app_token: "AT_a", endpoint: "\(endpoint)", rate: 0 },
          tg: { provider: "telegram", token: "1:a", endpoint: "\(endpoint)" },
          robot: { provider: "wecom-robot", key: "k", endpoint: "\(endpoint)" },
          sms: { provider: "twilio", account_sid: "AC00000000000000000000000000000000", auth_token: "t",
                 from: "+15005550006", endpoint: "\(endpoint)" },
          mail: { provider: "email", url: "smtp://127.0.0.1:9", from: "ops@example.org",
                  recipients: { staff: ["a@example.org", "b@example.org"] } } } }
      """)
    return yard
  }

  private func sendmail(_ yard: Yard, _ arguments: [String], mail: String) async throws -> Ran {
    let text = try String(contentsOf: Self.mails.appending(path: mail), encoding: .utf8)
    let program = try #require(builtProgram())
    // In front, as some programs end their options.
    return try await run(
      program, ["sendmail", "--spool", yard.spool] + arguments, stdin: Data(text.utf8), env: ["PATH": "/usr/bin:/bin"],
      timeout: patience)
  }

  private func messages(_ yard: Yard) throws -> [[String: Any]] {
    try yard.names("new").sorted().map { name in
      let value = try JSONSerialization.jsonObject(with: Data(try yard.text(of: "new/\(name)").utf8))
      return try #require(value as? [String: Any])
    }
  }

  // MARK: Programs' mails

  @Test(
    "What programs mail to root becomes a push to whoever that is",
    arguments: [
      (
        "cron", ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"],
        "Cron <root@vm> echo \"backup: disk 95 % full\"; echo \"Füße 磁盘\" >&2", "backup: disk 95 % full\nFüße 磁盘"
      ),
      ("mdadm", ["-t"], "DegradedArray event on /dev/md0:host", "unused devices: <none>"),
      (
        "smartd", ["-i", "--", "root"], "SMART error (CurrentPendingSector) detected on host: vm",
        "8 Currently unreadable (pending) sectors"
      ),
      (
        "unattended-upgrades", ["-oi", "-t"],
        "[reboot required] unattended-upgrades result for host.example.org: SUCCESS",
        "Allowed origins are: origin=Debian,codename=bookworm,label=Debian"
      ),
      (
        "git-send-email", ["-i", "root"],
        "[PATCH] Übungen für 中文 readers: a subject that is long enough to be folded by git format-patch",
        "\n+.\n+Übung und 中文\n"
      ),
      (
        "mutt", ["-oem", "-oi", "-f", "ops@example.org", "--", "root@localhost"], "Wöchentlicher Bericht 周报",
        "the report from Müller is attached. 报告见附件。\n.\nEnd\n\n[not sent: report Übersicht.csv, text/csv, 8 bytes]"
      ),
    ])
  func programs(mail: String, arguments: [String], title: String, body: String) async throws {
    let yard = try yard()
    let ran = try await sendmail(yard, arguments, mail: mail)
    #expect(ran.status == 0 && ran.stdout.isEmpty && ran.stderr.isEmpty, "\(ran.stdout)\(ran.stderr)")
    let message = try #require(try messages(yard).first)
    #expect(message["channel"] as? String == "push" && message["to"] as? [String] == ["UID_ops"])
    #expect(message["title"] as? String == title, "\(message)")
    #expect((message["body"] as? String)?.contains(body) == true, "\(message)")
    #expect(try await yard.msgspool("check").status == 0, "what was taken can be sent")
  }

  @Test("Files go along where the channel takes them; what is left behind is named, and the mail is kept")
  func attachments() async throws {
    let yard = try yard()
    #expect(try await sendmail(yard, ["-i", "both"], mail: "mutt").status == 0)
    let all = try messages(yard)
    let push = try #require(all.first { $0["channel"] as? String == "push" })
    let tg = try #require(all.first { $0["channel"] as? String == "tg" })
    let files = try #require(tg["attachments"] as? [[String: String]])
    #expect(
      files == [
        ["name": "report Übersicht.csv", "type": "text/csv", "base64": Data("a,b\n1,2\n".utf8).base64EncodedString()]
      ])
    #expect((tg["body"] as? String)?.hasSuffix("End") == true)
    let kept = ((push["meta"] as? [String: Any])?["mail"] as? [String: String])?["original_base64"]
    let original = try #require(kept.flatMap { Data(base64Encoded: $0) })
    #expect(String(decoding: original, as: UTF8.self).contains("a,b\n1,2\n"))
    #expect(try await sendmail(try self.yard(), ["-i", "root"], mail: "git-format-patch-attach").status == 0)
  }

  // MARK: Who

  @Test(
    "Aliases, address books and addresses tell where a mail goes",
    arguments: [
      ("postmaster", "push", ["UID_ops"]), ("ROOT@localhost", "push", ["UID_ops"]),
      ("dev@example.org", "tg", ["42", "43"]),
      ("staff", nil, ["staff"]), ("jane@example.net", nil, ["jane@example.net"]), ("robot", "robot", nil),
    ] as [(String, String?, [String]?)])
  func aliases(address: String, channel: String?, to: [String]?) async throws {
    let yard = try yard()
    #expect(try await sendmail(yard, [address], mail: "cron").status == 0)
    let message = try #require(try messages(yard).first)
    #expect(message["channel"] as? String == channel && message["to"] as? [String] == to, "\(message)")
  }

  @Test("Recipients of one channel share a message; nobody's address refuses the whole mail")
  func several() async throws {
    let yard = try yard()
    #expect(
      try await sendmail(yard, ["postmaster", "root", "jane@example.net", "joe@example.net"], mail: "cron").status == 0)
    #expect(Set(try messages(yard).map { ($0["to"] as? [String])?.count }) == [1, 2])
    let other = try self.yard()
    let ran = try await sendmail(other, ["root", "stranger"], mail: "cron")
    #expect(ran.status == 67 && ran.stderr.contains("stranger") && ran.stderr.contains("aliases"), "\(ran.stderr)")
    #expect(try messages(other).isEmpty)
  }

  @Test("-t takes To, Cc and Bcc; a Bcc is told nobody, and is not kept")
  func bcc() async throws {
    let yard = try yard()
    let mail =
      "To: root\nCc: jane@example.net (Jane)\nBcc: hidden@example.net,\n  otp\nSubject: s\n"
      + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\nContent-Type: x/y; name=f\n\nf\n--b--\n"
    #expect(try await yard.msgspool(["sendmail", "-ti"], stdin: mail).status == 0)
    let all = try messages(yard)
    #expect(all.count == 3)
    for message in all {
      let mail = (message["meta"] as? [String: Any])?["mail"] as? [String: String] ?? [:]
      let original = Data(base64Encoded: mail["original_base64"] ?? "") ?? Data()
      #expect(!String(decoding: original, as: UTF8.self).contains("hidden"))
      #expect((message["body"] as? String)?.contains("hidden") == false && mail["bcc"] == nil)
    }
  }

  // MARK: As programs use it

  @Test("Without -i a dot alone ends the mail; options come glued, apart or together")
  func options() async throws {
    for (arguments, body) in [
      (["root"], "a"), (["-i", "root"], "a\n.\nb"), (["-oi", "root"], "a\n.\nb"), (["-o", "i", "root"], "a\n.\nb"),
      (["-vi", "-fme@example.org", "-NNEVER", "-r", "x", "root"], "a\n.\nb"), (["-bm", "-G", "-odq", "root"], "a"),
    ] {
      let yard = try yard()
      let ran = try await yard.msgspool(["sendmail"] + arguments, stdin: "Subject: s\n\na\n.\nb\n")
      #expect(ran.status == 0, "\(arguments): \(ran.stderr)")
      #expect(try messages(yard).first?["body"] as? String == body, "\(arguments)")
      #expect(ran.stdout.isEmpty == !arguments.contains("-vi"))
    }
  }

  @Test(
    "What cannot be done ends with its own status, and drops nothing",
    arguments: [
      ([], 64, "no recipient"), (["-t"], 64, "no recipient"), (["-Z"], 64, "no option -Z"),
      (["-bd"], 64, "no mode -bd"),
      (["-bp"], 64, "msgspool list new"), (["stranger"], 67, "nobody is configured"),
      (["--config", "/nonexistent", "root"], 78, "/nonexistent"), (["-q"], 0, ""), (["-q30m"], 0, ""), (["-bi"], 0, ""),
    ] as [([String], Int32, String)])
  func refusals(arguments: [String], status: Int32, words: String) async throws {
    let yard = try yard()
    let ran = try await yard.msgspool(["sendmail"] + arguments, stdin: "Subject: s\n\nx\n")
    #expect(ran.status == status && (words.isEmpty || ran.stderr.contains(words)), "\(ran.status) \(ran.stderr)")
    #expect(try messages(yard).isEmpty)
  }

  @Test("Under the name sendmail it is sendmail, with the system's spool unless another is named")
  func name() async throws {
    let yard = try yard()
    let path = yard.root + "/sendmail"
    symlink(try #require(builtProgram()), path)
    let mail = Data("Subject: s\n\nx\n".utf8)
    let ran = try await run(path, ["-i", "root"], stdin: mail, env: ["MSGSPOOL_DIR": yard.spool], timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    #expect(try messages(yard).count == 1)
    let other = try await run(path, ["-i", "root"], stdin: mail, env: [:], directory: yard.root, timeout: patience)
    #expect(other.status != 0 && other.stderr.contains("/var/spool/msgspool"), "\(other.stderr)")
    #expect(try messages(yard).count == 1)
  }

  @Test("-bs speaks SMTP; 250 stands for what is on the disk, one refusal for one recipient")
  func session() async throws {
    let yard = try yard()
    let lines = [
      "EHLO localhost", "MAIL FROM:<cron@localhost> BODY=8BITMIME", "RCPT TO:<root>", "RCPT TO:<stranger>", "DATA",
      "Subject: one", "", "..", "last", ".", "MAIL FROM:<>", "RCPT TO:<jane@example.net>", "DATA", "", "two", ".",
      "QUIT",
    ]
    let ran = try await yard.msgspool(["sendmail", "-bs"], stdin: lines.map { $0 + "\r\n" }.joined())
    let codes = ran.stdout.split(separator: "\r\n").map { $0.prefix(4) }.filter { !$0.hasSuffix("-") }
    #expect(
      codes.map { $0.prefix(3) } == [
        "220", "250", "250", "250", "550", "354", "250", "250", "250", "354", "250", "221",
      ],
      "\(ran.stdout)")
    #expect(Set(try messages(yard).compactMap { $0["body"] as? String }) == [".\nlast", "two"])
    // Cut off in the middle of a mail: it was never accepted.
    let cut = try self.yard()
    _ = try await cut.msgspool(
      ["sendmail", "-bs"], stdin: lines.prefix(8).map { $0 + "\r\n" }.joined())
    #expect(try messages(cut).isEmpty && cut.names("tmp").isEmpty)
  }

  @Test("A mail that is longer than the provider takes is cut, says so, and is kept whole beside")
  func long() async throws {
    let yard = try yard()
    let text = String(repeating: "中", count: 5000)
    #expect(try await yard.msgspool(["sendmail", "otp"], stdin: "Subject: s\n\n\(text)\n").status == 0)
    let message = try #require(try messages(yard).first)
    let body = try #require(message["body"] as? String)
    #expect(body.count > 500 && body.count < 1700 && body.contains("more characters were cut off]"), "\(body.count)")
    let mail = (message["meta"] as? [String: Any])?["mail"] as? [String: String]
    #expect(
      Data(base64Encoded: mail?["original_base64"] ?? "").map { String(decoding: $0, as: UTF8.self) }?.contains(text)
        == true)
    #expect(try await yard.msgspool("check").status == 0)
  }

  @Test("Nothing in a mail becomes another field, another header or another line of the message")
  func injection() async throws {
    let yard = try yard()
    let mail =
      "Subject: =?utf-8?q?a=0D=0ABcc:_evil@example.net=0A=22,=22to=22:=22x?=\n"
      + "From: \"x\\\"\\r\\nBcc: y\" <a@b>\nMessage-ID: <x\"}>\n\n\"}\n{\"msgspool\":1}\n"
    #expect(try await yard.msgspool(["sendmail", "-i", "root"], stdin: mail).status == 0)
    let message = try #require(try messages(yard).first)
    #expect(message["title"] as? String == "a Bcc: evil@example.net \",\"to\":\"x")
    #expect(
      message["to"] as? [String] == ["UID_ops"] && Set(message.keys) == ["channel", "to", "title", "body", "meta"])
    let name = try #require(try yard.names("new").first)
    #expect(try yard.text(of: "new/\(name)").split(separator: "\n").count == 1)
  }

  @Test("The configuration's aliases are checked, and need no secret to be read")
  func configuration() async throws {
    for (aliases, problem) in [
      ("{ root: \"rot\", roots: { channel: \"a\" } }", "did you mean \"root"), ("{ root: \"root\" }", "circle"),
      ("{ root: { channel: \"b\" } }", "is no channel"), ("{ root: {} }", "names neither"), ("{ root: 7 }", "expected"),
      ("{ root: { chanel: \"a\" } }", "did you mean \"channel\"?"),
      ("{ root: { to: \"x\" }, Root: \"root\" }", "twice"),
      ("{ root: [] }", "aliases.root"),
    ] {
      let yard = try Yard()
      try yard.configure(
        "{ default_channel: \"a\", aliases: \(aliases), channels: { a: { provider: \"wxpusher\", app_token: \"AT_a\" } } }"
      )
      let checked = try await yard.msgspool("check")
      #expect(checked.status == 78 && checked.stdout.contains(problem), "\(aliases): \(checked.stdout)")
      #expect(try await yard.msgspool(["sendmail", "root"], stdin: "Subject: s\n\nx\n").status == 78)
    }
    let yard = try Yard()
    try yard.configure(
      "{ aliases: { root: { channel: \"a\", to: \"UID_1\" } }, channels: { a: { provider: \"wxpusher\", app_token: { env: \"UNSET\" } } } }"
    )
    let ran = try await yard.msgspool(["sendmail", "root"], stdin: "Subject: s\n\nx\n")
    #expect(ran.status == 0, "\(ran.stderr)")
  }
}
