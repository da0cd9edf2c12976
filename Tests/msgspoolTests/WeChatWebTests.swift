import Foundation
import TestSupport
import Testing

@Suite("Personal WeChat over the web protocol, from the login to the answer")
struct WeChatWebTests {
  @Test("A code is scanned and confirmed; then texts and files go to oneself, friends and groups, in order and once")
  func whole() async throws {
    try await withStation { station in
      try station.configureWeb(
        #"replies: [{ when: { text: "在吗" }, answer: "在的，{name}" }, "#
          + #"{ when: { group: ["group:家人群"], text: { regex: "^echo (.*)$" } }, answer: "{1}" }]"#)
      let login = try await station.run("login", ["wx", "--json"])
      #expect(login.status == 0, "\(login.stderr)")
      #expect(try station.phases(login) == ["qr", "scanned", "confirmed", "ready"])
      let report = try station.attach("报告.bin", (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
      try station.spool.drop("a", #"{"to":"filehelper","body":"hello"}"#)
      try station.spool.drop(
        "b",
        #"{"to":["老张","group:家人群"],"title":"标题","body":"你好 <b> 😄","url":"https://x.test","attachments":["\#(report)","#
          + #"{"name":"a.gif","base64":"R0lGODlhAA=="},{"name":"p.jpg","base64":"/9j/4AA="}]}"#)
      let swept = try await station.sweep()
      #expect(swept["done"] == 2, "\(swept.stderr)")
      #expect(try await station.texts("filehelper") == ["hello"])
      for name in ["老张", "group:家人群"] {
        let got = try await station.received(name)
        #expect(got.map { $0["kind"]?.text } == ["text", "file", "emoticon", "image"])
        #expect(got[0]["text"]?.text == "标题\n你好 <b> 😄\nhttps://x.test")
        #expect(got[1]["name"]?.text == "报告.bin" && got[1]["bytes"]?.int == 600_000)
      }
      let ids = try await ["filehelper", "老张", "group:家人群"].asyncFlatMap { try await station.received($0) }
        .compactMap { $0["local_id"]?.text }.compactMap { Int($0) }
      #expect(Set(ids).count == ids.count && ids.count == 9)
      try await station.watching {
        let asked = try await station.hear("在吗")
        try await station.hear("echo 好 😄", ["group": "家人群", "from": "三叔"])
        try await station.hear("own", ["from": "self", "to": "老张"])
        #expect(try await eventually { try await station.texts("老张").contains("在的，老张") })
        #expect(try await eventually { try await station.texts("group:家人群").last == "好 😄" })
        let inbox = try station.inbox()
        #expect(inbox.map { $0["text"]?.text } == ["在吗", "echo 好 😄"], "what one says oneself is no message")
        #expect(inbox[0]["id"]?.text == asked && inbox[0]["from"]?["to"]?.text == "老张")
        #expect(inbox[1]["group"]?["to"]?.text == "group:家人群" && inbox[1]["from"]?["name"]?.text == "三叔")
        #expect(inbox[1]["from"]?["kind"]?.text == "stranger")
      }
      #expect(try await station.texts("老张").filter { $0.hasPrefix("在的") }.count == 1)
    }
  }

  @Test("What comes with messages is fetched, each kind in its way")
  func media() async throws {
    try await withStation { station in
      try station.configureWeb(#"receive: "sweep""#)
      try await station.logInToWeb()
      let bytes = Data("bytes of it".utf8).base64EncodedString()
      for kind in ["image", "voice", "video", "file"] {
        try await station.hear("", ["kind": kind, "name": "../a\u{7}.pdf", "base64": bytes])
      }
      _ = try await station.sweep()
      let messages = try station.inbox()
      #expect(messages.map { $0["kind"]?.text } == ["image", "voice", "video", "file"])
      for message in messages {
        let path = try #require(message["files"]?.array.first?["path"]?.text)
        #expect(try station.spool.bytes(path) == Array("bytes of it".utf8))
      }
      #expect(messages[3]["files"]?.array.first?["name"]?.text == "a.pdf")
    }
  }

  @Test("More than one answer of the service holds is taken whole, and a second time nothing comes")
  func many() async throws {
    try await withStation { station in
      try station.configureWeb(#"receive: "sweep""#)
      try await station.logInToWeb()
      var said: [String] = []
      for number in 0..<13 { said.append(try await station.hear("\(number)")) }
      for _ in 0..<2 { _ = try await station.sweep() }
      #expect(try station.inbox().compactMap { $0["id"]?.text }.sorted() == said)
    }
  }

  @Test("A name that several have, or nobody, is rejected with the way out, and a new friend is found")
  func names() async throws {
    try await withStation { station in
      try station.configureWeb()
      try await station.logInToWeb()
      try station.spool.drop("several", #"{"to":"重名","body":"x"}"#)
      try station.spool.drop("nobody", #"{"to":"老章","body":"x"}"#)
      try station.spool.drop("raw", #"{"to":"@1111","body":"x"}"#)
      try station.spool.drop("remark", #"{"to":"remark:同事","body":"x"}"#)
      let swept = try await station.sweep()
      #expect(swept["done"] == 1 && swept["failed"] == 2 && swept["invalid"] == 1, "\(swept.stderr)")
      let several = try station.spool.last("failed/several")["error"]
      #expect(several?["kind"]?.text == "recipient")
      #expect(several?["message"]?.text?.contains("2 friends are called 重名: nick 重名, remark 同事") == true)
      #expect(try station.spool.last("failed/nobody")["error"]?["message"]?.text?.contains("老张") == true)
      #expect(try station.sends().count == 1)
      try await station.watching {
        try await station.phone("befriend", ["nick": "王五"], of: Station.web)
        #expect(
          try await eventually { try await station.run("contacts", ["wx"]).stdout.contains("王五") })
        try station.spool.drop("new", #"{"to":"王五","body":"hi"}"#)
        #expect(try await eventually { try await station.texts("王五") == ["hi"] })
      }
    }
  }

  // MARK: Trouble

  @Test("A session that ends stops all calls and loses nothing; the phone confirms the next, and watch takes it up")
  func ending() async throws {
    try await withStation { station in
      try station.configureWeb()
      try await station.logInToWeb()
      try await station.phone("kick", ["code": 1101], of: Station.web)
      try station.spool.drop("a", #"{"to":"老张","body":"after"}"#)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["left"] == 1 && swept.stderr.contains("msgspool login wx"), "\(swept.stderr)")
      let calls = try station.requests().count
      _ = try await station.sweep()
      #expect(try station.requests().count == calls, "nobody calls a service whose session is over")
      let status = try Parsed(try await station.run("status", ["--json"]).stdout)
      #expect(status["sessions"]?.array.first?["state"]?.text == "ended")
      #expect(String(decoding: try station.spool.bytes("new/a"), as: UTF8.self) == #"{"to":"老张","body":"after"}"#)
      try await station.watching {
        let login = try await station.run("login", ["wx", "--json"])
        let phases = try station.phases(login)
        #expect(login.status == 0 && phases == ["push", "confirmed", "ready"], "\(login.stderr)")
        #expect(try await eventually { try await station.texts("老张") == ["after"] })
        // The long poll notices by itself.
        try await station.phone("kick", ["code": 1100], of: Station.web)
        #expect(
          try await eventually {
            try Parsed(try await station.run("status", ["--json"]).stdout)["sessions"]?.array.first?["state"]?.text
              == "ended"
          })
      }
    }
  }

  @Test("Told that it sends too often, the channel rests for hours, whoever sweeps")
  func tooFrequent() async throws {
    try await withStation(faults: ["throttle:provider=wechat-web,on=send,code=1205,count=1"]) { station in
      try station.configureWeb()
      try await station.logInToWeb()
      for name in ["a", "b"] { try station.spool.drop(name, #"{"to":"老张","body":"x"}"#) }
      for _ in 0..<2 {
        let swept = try await station.sweep()
        #expect(swept["left"] == 2, "\(swept.stderr)")
      }
      #expect(try station.sends().count == 1)
      try station.configureWeb(#"throttle_pause: "1s""#)
      #expect(
        try await eventually {
          _ = try await station.sweep()
          return station.spool.names(in: "done").count == 2
        })
    }
  }

  @Test(
    "A message whose answer was lost is done as soon as it comes back, and never sent again",
    arguments: [
      ("老张", #""body":"你好 😄 <x>\r\n  ""#, 1), ("group:家人群", #""body":"&amp;""#, 1),
      ("filehelper", #""attachments":[{"name":"报告 a&b.bin","base64":"AAAA"}]"#, 1),
      ("老张", #""body":"both","attachments":[{"name":"b.txt","base64":"AAAA"}]"#, 2),
    ])
  func echo(to: String, content: String, sends: Int) async throws {
    try await withStation(faults: ["reset-after:provider=wechat-web,on=send,count=1"]) { station in
      // Until nobody waits any more the channel's echo_wait of an hour is far from over.
      try station.configureWeb(#"echo_wait: "1h""#)
      try await station.logInToWeb()
      try await station.watching {
        try station.spool.drop("a", #"{"to":"\#(to)",\#(content)}"#)
        #expect(try await eventually { station.spool.names(in: "done") == ["a"] }, "\(station.said())")
      }
      let result = try station.spool.last("done/a")["results"]?.array.first
      #expect(result?["id"]?.text == (try await station.received(to).last?["id"]?.text))
      #expect(try station.sends().count == sends)
      let line = try #require(try station.spool.bytes("done/a").split(separator: UInt8(ascii: "\n")).dropFirst().first)
      let error = try Parsed(line)["error"]
      #expect(error?["hint"]?.text?.contains("asked") == false && error?["hint"]?.text?.contains("comes back") == true)
    }
  }

  @Test("Where nothing comes back nobody knows, and that is what is said")
  func silence() async throws {
    try await withStation(faults: ["reset-after:provider=wechat-web,on=send,count=1"]) { station in
      try station.configureWeb(#"echo_wait: "1s""#)
      try await station.logInToWeb()
      try await station.phone("echo", ["on": false], of: Station.web)
      try await station.watching {
        try station.spool.drop("a", #"{"to":"老张","body":"x"}"#)
        #expect(try await eventually { station.spool.names(in: "failed") == ["a"] })
      }
      #expect(try station.spool.last("failed/a")["state"]?.text == "unconfirmed")
      #expect(try station.sends().count == 1)
    }
  }

  @Test("An upload whose answer was lost sends nothing, and is made again; only then the message goes")
  func uploads() async throws {
    try await withStation(
      faults: [
        "reset-after:provider=wechat-web,on=upload,after=1,count=1",
        "status:provider=wechat-web,on=upload,after=2,count=1",
      ]
    ) { station in
      try station.configureWeb()
      try await station.logInToWeb()
      let file = try station.attach("a.bin", [UInt8](repeating: 3, count: 600_000))
      try station.spool.drop("a", #"{"to":"老张","attachments":["\#(file)"]}"#)
      #expect(try await station.sweep()["done"] == 1)
      let got = try await station.received("老张")
      #expect(got.map { $0["bytes"]?.int } == [600_000])
      #expect(try station.sends() == ["webwxsendappmsg"])
    }
  }

  @Test("What the service refuses as stale is sent once more with the contacts fetched anew, then rejected")
  func stale() async throws {
    for (count, end) in [(1, "done"), (2, "failed")] {
      try await withStation(faults: ["recipient:provider=wechat-web,code=-1,count=\(count)"]) { station in
        try station.configureWeb()
        try await station.logInToWeb()
        try station.spool.drop("a", #"{"to":"老张","body":"x"}"#)
        _ = try await station.sweep()
        #expect(station.spool.names(in: end) == ["a"])
        #expect(try station.sends().count == 2)
      }
    }
  }

  @Test("A success without an id is not called one, nor where its echo was waited for in vain")
  func noId() async throws {
    try await withStation(faults: ["recipient:provider=wechat-web,code=no-id"]) { station in
      try station.configureWeb(#"receive: "off""#)
      try await station.logInToWeb()
      try station.spool.drop("a", #"{"to":"老张","body":"x"}"#)
      #expect(try await station.sweep()["unconfirmed"] == 1)
      #expect(try station.spool.last("failed/a")["error"]?["code"]?.text == "no-id")
      try await station.phone("echo", ["on": false], of: Station.web)
      try station.configureWeb(#"echo_wait: "1s""#)
      try await station.watching {
        try station.spool.drop("b", #"{"to":"老张","body":"y"}"#)
        #expect(try await eventually { station.spool.names(in: "failed") == ["a", "b"] })
      }
      #expect(try station.spool.last("failed/b")["error"]?["code"]?.text == "no-id")
    }
  }

  @Test("Where the ledger is lost the session is not: receiving begins anew from where the service is")
  func lostLedger() async throws {
    try await withStation { station in
      try station.configureWeb(#"receive: "sweep""#)
      try await station.logInToWeb()
      for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] { unlink("\(station.spool.path)/\(name)") }
      #expect(try await station.sweep().status == 0)
      let id = try await station.hear("x")
      #expect(try await station.sweep().status == 0)
      #expect(try station.inbox().compactMap { $0["id"]?.text } == [id])
    }
  }

  // MARK: Logins that fail

  @Test("An account that may not use the web is told the other way, three codes in vain are a time-out")
  func refusals() async throws {
    try await withStation { station in
      try station.configureWeb()
      try await station.phone("refuse", of: Station.web)
      let refused = try await station.run("login", ["wx", "--json"])
      #expect(refused.status == 77)
      #expect(refused.stdout.contains("1203") && refused.stdout.contains("wechat-ilink"))
      #expect(station.spool.names(in: "sessions").allSatisfy { $0 != "wx.json" })
    }
    try await withStation(faults: ["throttle:provider=wechat-web,on=login,code=400,every=2"]) { station in
      try station.configureWeb()
      let expired = try await station.run("login", ["wx", "--json"])
      #expect(expired.status == 75, "\(expired.stderr)")
      #expect(try station.phases(expired).filter { $0 == "qr" }.count == 3)
    }
  }

  @Test("Nothing is sent before the risk is accepted, and the sentence says why")
  func risk() async throws {
    try await withStation { station in
      try station.configure(
        text: #"{ channels: { wx: { provider: "wechat-web", endpoint: "\#(station.address)" } } }"#)
      let swept = try await station.run("sweep")
      #expect(swept.status == 78)
      #expect(swept.stderr.contains("accept_risk") && swept.stderr.contains("barred or banned"), "\(swept.stderr)")
    }
  }

  @Test("Sweeps at the same time send under numbers of their own, which rise")
  func numbers() async throws {
    try await withStation { station in
      try station.configureWeb()
      try await station.logInToWeb()
      for number in 0..<30 { try station.spool.drop("m\(number)", #"{"to":"老张","body":"\#(number)"}"#) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 { group.addTask { _ = try await station.sweep() } }
        try await group.waitForAll()
      }
      _ = try await station.sweep()
      let got = try await station.received("老张")
      #expect(Set(got.compactMap { $0["text"]?.text }).count == 30 && got.count == 30)
      #expect(Set(got.compactMap { $0["local_id"]?.text }).count == 30)
    }
  }
}

extension Sequence {
  fileprivate func asyncFlatMap<Result>(_ transform: (Element) async throws -> [Result]) async rethrows -> [Result] {
    var all: [Result] = []
    for element in self { all += try await transform(element) }
    return all
  }
}
