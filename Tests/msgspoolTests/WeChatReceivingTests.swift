import Foundation
import TestSupport
import Testing

@Suite("Receiving from personal WeChat")
struct WeChatReceivingTests {
  @Test("A message comes into the inbox once, with what came with it, under a name that is safe")
  func inbox() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn(saying: nil)
      let text = try await station.say("第一\n行")
      let file = try await station.say(
        "",
        [
          "kind": "file", "name": "../../.\u{202E}evil/..\\a\u{7}b.txt",
          "base64": Data("hello".utf8).base64EncodedString(),
        ])
      let picture = try await station.say(
        "", ["kind": "image", "base64": Data([0x89, 0x50, 0x4E, 0x47, 1]).base64EncodedString()])
      for _ in 0..<2 { _ = try await station.sweep() }
      let messages = try station.inbox()
      #expect(messages.map { $0["id"]?.text } == [text, file, picture])
      #expect(messages[0]["text"]?.text == "第一\n行" && messages[0]["kind"]?.text == "text")
      #expect(messages[0]["from"]?["kind"]?.text == "owner" && messages[0]["reply_to"]?.text == "reply:\(text)")
      let attached = try #require(messages[1]["files"]?.array.first)
      #expect(attached["name"]?.text == "ab.txt" && attached["bytes"]?.int == 5)
      #expect(attached["path"]?.text == "inbox/files/me.\(file)/ab.txt")
      #expect(try station.spool.bytes("inbox/files/me.\(file)/ab.txt") == Array("hello".utf8))
      #expect(messages[2]["files"]?.array.first?["name"]?.text == "image.png")
      #expect(station.spool.names(in: "inbox/tmp").isEmpty)
      #expect(try Parsed(try await station.run("status", ["--json"]).stdout)["inbox"]?.int == 3)
    }
  }

  @Test("What is too large, or can't be fetched, leaves its name and why")
  func media() async throws {
    try await withStation { station in
      try station.configureBot("max_media_bytes: 4")
      try await station.logIn(saying: nil)
      try await station.say("", ["kind": "file", "name": "a.txt", "base64": Data("hello".utf8).base64EncodedString()])
      _ = try await station.sweep()
      let attached = try #require(try station.inbox().first?["files"]?.array.first)
      #expect(attached["name"]?.text == "a.txt" && attached["error"]?.text?.contains("max_media_bytes") == true)
    }
  }

  private static let rules = """
    replies: [
      { when: { text: "在吗" }, answer: "在的，{name}" },
      { when: { from: ["owner"], text: { prefix: "run" } }, answer: { exec: ["/bin/sh", "-c", "cat > /dev/null; echo ran"] } },
      { when: { from: ["owner"], text: "fail" }, answer: { exec: ["/bin/false"] } },
      { when: { text: { regex: "^echo (.*)$" } }, answer: { echo: true } },
      { when: { kind: ["file"], from: ["owner"] }, answer: { forward: "ops", to: ["x"] } },
      { when: { text: "nothing" }, answer: null },
    ]
    """

  @Test("Rules answer: a text, a program, an echo; each message once, also when it is delivered twice")
  func replies() async throws {
    try await withStation { station in
      try station.configureBot(Self.rules)
      try await station.logIn(saying: nil)
      for text in ["在吗", "run", "fail", "nothing"] { try await station.say(text) }
      try await station.say("echo foo", ["twice": true])
      _ = try await station.sweep()
      _ = try await station.sweep()
      #expect(try await station.textsOfOwner().sorted() == ["echo foo", "ran", "在的，owner"])
      #expect(try station.inbox().count == 6)
    }
  }

  @Test("A message is forwarded to another channel, with its file")
  func forward() async throws {
    try await withStation { station in
      try station.configureBot(
        Self.rules,
        """
        , ops: { provider: "telegram", bot_token: "1:a", endpoint: "\(station.address)", rate: 0 }
        """)
      try await station.logIn(saying: nil)
      try await station.say("", ["kind": "file", "name": "a.txt", "base64": Data("hello".utf8).base64EncodedString()])
      _ = try await station.sweep()
      let names =
        station.spool.names(in: "done") + station.spool.names(in: "failed") + station.spool.names(in: "deferred")
      #expect(names.contains { $0.hasPrefix("reply.me.") }, "\(names)")
    }
  }

  @Test("Rules that would let anybody start programs, and expressions that are none, are refused by their name")
  func badRules() async throws {
    try await withStation { station in
      for (rule, place) in [
        (#"{ when: { text: "x" }, answer: { exec: ["/bin/ls"] } }"#, "replies[0].when.from"),
        (#"{ when: { from: ["*"] }, answer: { forward: "me" } }"#, "replies[0].when.from"),
        (#"{ when: { text: { regex: "(" } }, answer: "x" }"#, "replies[0].when.text.regex"),
        (#"{ when: { from: ["owner"] }, answer: { forward: "nobody" } }"#, "replies[0].answer.forward"),
      ] {
        try station.configureBot("replies: [\(rule)]")
        let swept = try await station.sweep()
        #expect(swept.status == 78 && swept.stderr.contains(place), "\(rule): \(swept.stderr)")
      }
    }
  }

  @Test("watch receives by a long poll, answers, and one process at a time does; the next takes over")
  func watch() async throws {
    try await withStation { station in
      try station.configureBot(Self.rules)
      try await station.logIn(saying: nil)
      try await station.watching {
        try await station.say("在吗")
        #expect(try await eventually { try await station.textsOfOwner() == ["在的，owner"] })
        let status = try Parsed(try await station.run("status", ["--json"]).stdout)
        #expect(status["sessions"]?.array.first?["receiving"] == true)
        // While it holds the lock, a sweep does not receive.
        _ = try await station.sweep()
      }
      #expect(try station.inbox().count == 1)
      let status = try Parsed(try await station.run("status", ["--json"]).stdout)
      #expect(status["sessions"]?.array.first?["receiving"] == false)
    }
  }

  @Test("What nobody took is pruned when it is old, with its files")
  func prune() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn(saying: nil)
      let id = try await station.say(
        "", ["kind": "file", "name": "a.txt", "base64": Data("hello".utf8).base64EncodedString()])
      try await station.say("new")
      _ = try await station.sweep()
      for file in ["inbox/new/me.\(id).json", "inbox/files/me.\(id)"] { try station.spool.age(file, seconds: 3600) }
      let kept = try await station.run("prune", ["--older-than", "30m"])
      #expect(kept.status == 0 && station.spool.names(in: "inbox/new").count == 2)
      let pruned = try Parsed(try await station.run("prune", ["--older-than", "30m", "--inbox", "--json"]).stdout)
      #expect(pruned["inbox"]?.int == 1)
      #expect(station.spool.names(in: "inbox/new").count == 1 && station.spool.names(in: "inbox/files").isEmpty)
    }
  }
}

@Suite(
  "Killed at any system call while receiving and answering, nothing is lost, nothing twice in the inbox, nothing answered twice",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct WeChatCrashTests {
  @Test("A sweep that receives, runs a program and answers", arguments: [Calamity.Act.kill, .torn])
  func kills(act: Calamity.Act) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      let marks = "\(station.spool.path)/marks"
      try station.configureBot(
        """
        repeat_window: "0s", replies_per_sender: 1000, per_word: 1000,
        replies: [
          { when: { from: ["owner"], text: { prefix: "run" } },
            answer: { exec: ["/bin/sh", "-c", "cat | head -c 200 | tr -cd '0-9' | cut -c2-20 >> \(marks); echo ran $$"] } },
          { when: { text: { prefix: "q" } }, answer: "a {text}" },
        ]
        """)
      try await station.logIn(saying: nil)
      var said: [String] = []
      var number = 0
      func sayAll() async throws {
        number += 1
        said.append(try await station.say("q\(number)"))
        said.append(try await station.say("run \(number)"))
        said.append(
          try await station.say(
            "", ["kind": "file", "name": "f\(number)", "base64": Data("hello".utf8).base64EncodedString()]))
      }
      // How many calls there are.
      try await sayAll()
      let whole = try await Calamity.none.strike { try await station.run("sweep", ["--json"], with: $0) }
      #expect(whole.ran.status == 0, "\(whole.ran.stderr)")
      let points = Torture.isOn ? Array(1...whole.calls.count) : Torture.some(Array(1...whole.calls.count), 8)
      for point in points {
        try await sayAll()
        _ = try await Calamity(act, at: point).strike { try await station.run("sweep", ["--json"], with: $0) }
      }
      for _ in 0..<3 {
        let swept = try await station.sweep()
        #expect(swept.status == 0, "\(swept.stderr)")
        try station.spool.letDeferredFallDue()
      }
      let ids = try station.inbox().compactMap { $0["id"]?.text }
      #expect(ids.sorted() == said.sorted(), "each once in the inbox")
      #expect(station.spool.names(in: "inbox/tmp").isEmpty)
      for id in try station.inbox().filter({ $0["kind"]?.text == "file" }).compactMap({ $0["id"]?.text }) {
        #expect(station.spool.names(in: "inbox/files/me.\(id)").count == 1)
      }
      let texts = try await station.textsOfOwner()
      #expect(Set(texts).count == texts.count, "nothing was answered twice")
      // In doubt is only what was in flight: at most one call a kill.
      let unconfirmed = try station.spool.names(in: "failed").filter {
        try station.spool.last("failed/\($0)")["state"]?.text == "unconfirmed"
      }
      #expect(unconfirmed.count <= points.count)
      let answered = texts.filter { $0.hasPrefix("a q") }.count
      let heldQuestions = try unconfirmed.filter {
        String(decoding: try station.spool.bytes("failed/\($0)"), as: UTF8.self).contains("\"body\":\"a q")
      }.count
      #expect(answered <= number && answered + heldQuestions >= number, "\(answered) + \(heldQuestions) of \(number)")
      // No program was started twice.
      let runs = ((try? String(contentsOfFile: marks, encoding: .utf8)) ?? "").split(separator: "\n")
      #expect(Set(runs).count == runs.count && runs.count <= number)
    }
  }
}
