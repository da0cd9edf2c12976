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
      { when: { kind: ["file"], from: ["owner"] }, answer: { forward: "ops", to: ["42"] } },
      { when: { text: "nothing" }, answer: null },
    ]
    """

  /// The channel that messages are forwarded to.
  private static func ops(_ station: Station) -> String {
    """
    , ops: { provider: "telegram", token: "123456789:sandbox-sandbox-sandbox", endpoint: "\(station.address)", rate: 0 }
    """
  }

  @Test("Rules answer: a text, a program, an echo; each message once, also when it is delivered twice")
  func replies() async throws {
    try await withStation { station in
      try station.configureBot(Self.rules, Self.ops(station))
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
      try station.configureBot(Self.rules, Self.ops(station))
      try await station.logIn(saying: nil)
      try await station.say("", ["kind": "file", "name": "a.txt", "base64": Data("hello".utf8).base64EncodedString()])
      _ = try await station.sweep()
      #expect(station.spool.names(in: "done").count { $0.hasPrefix("reply.me.") } == 1)
      let forwarded = try station.requests().filter { $0.provider == "telegram" }
      #expect(forwarded.count == 1 && forwarded[0].outcome == "accepted" && forwarded[0].recipients == ["42"])
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
      try station.configureBot(Self.rules, Self.ops(station))
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
