import Foundation
import TestSupport
import Testing

@Suite("Several processes, and several logins, of personal WeChat")
struct WeChatTogetherTests {
  @Test("A second watch sends, says once that another one receives, and takes over when that one is killed")
  func takeover() async throws {
    try await withStation { station in
      try station.configureWeb(#"replies: [{ when: { text: { prefix: "q" } }, answer: "a {text}" }]"#)
      try await station.logInToWeb()
      try await station.watching("first") {
        #expect(try await eventually { try await station.login("wx")?["receiving"] == true })
        try await station.watching("second") {
          #expect(try await eventually { station.said("second").contains("another process receives") })
          try await station.hear("q1")
          try station.spool.drop("a", #"{"to":"老张","body":"sent"}"#)
          #expect(try await eventually { try await station.texts("老张").count == 2 })
          try station.killWatch("first")
          try await station.hear("q2")
          #expect(try await eventually { try station.inbox().compactMap { $0["text"]?.text } == ["q1", "q2"] })
          #expect(try await eventually { try await station.texts("老张").count == 3 })
          #expect(try await station.login("wx")?["receiving"] == true)
        }
      }
      #expect(station.said("second").components(separatedBy: "another process receives").count == 2)
      #expect(!station.said("first").contains("another process"))
      #expect(try await station.texts("老张").sorted() == ["a q1", "a q2", "sent"])
    }
  }

  @Test("Two channels have a login each: what ends one says nothing of the other, and their messages don't mix")
  func twoLogins() async throws {
    try await withStation { station in
      let rule = #"replies: [{ when: { text: "q" }, answer: "a" }]"#
      try station.configureWeb(
        rule,
        """
        , me: { provider: "wechat-ilink", endpoint: "\(station.address)", rate: 0, receive: "watch", \(rule) }
        """)
      try await station.logInToWeb()
      try await station.logIn(saying: nil)
      try await station.watching {
        let friends = try await station.hear("q")
        let owners = try await station.say("q")
        #expect(try await eventually { try await station.texts("老张") == ["a"] })
        #expect(try await eventually { try await station.textsOfOwner() == ["a"] })
        let inbox = try station.inbox()
        #expect(Set(inbox.compactMap { $0["channel"]?.text }) == ["wx", "me"])
        #expect(Set(inbox.compactMap { $0["id"]?.text }) == [friends, owners])
        try await station.phone("kick", ["code": 1101], of: Station.web)
        #expect(try await eventually { try await station.login("wx")?["state"]?.text == "ended" })
        #expect(try await station.login("me")?["state"]?.text == "ok")
        try station.spool.drop("m", #"{"channel":"me","body":"still"}"#)
        try station.spool.drop("w", #"{"channel":"wx","to":"老张","body":"later"}"#)
        #expect(try await eventually { try await station.textsOfOwner() == ["a", "still"] })
        #expect(station.spool.names(in: "new") == ["w"])
        #expect(try await station.run("logout", ["me"]).status == 0)
        #expect(try await station.login("me")?["state"]?.text == "none")
        try await station.logInToWeb()
        #expect(try await eventually { try await station.texts("老张") == ["a", "later"] })
      }
    }
  }

  @Test("What came in one login is answered in the next by name, since user names live for one login")
  func nextLogin() async throws {
    try await withStation { station in
      try station.configureWeb(#"receive: "sweep""#)
      try await station.logInToWeb()
      let friends = try await station.hear("x", ["from": "老张"])
      let groups = try await station.hear("y", ["group": "家人群", "from": "三叔"])
      let nobodys = try await station.hear("z", ["from": "三叔"])
      _ = try await station.sweep()
      let user = try #require(try station.inbox().first?["raw"]?["FromUserName"]?.text)
      let again = try await station.run("login", ["wx", "--json", "--force"])
      #expect(again.status == 0, "\(again.stderr)")
      #expect(
        !String(decoding: try station.spool.bytes("sessions/wx.json.contacts"), as: UTF8.self).contains(user),
        "contacts of the login before")
      for (name, id) in [("a", friends), ("b", groups), ("c", nobodys)] {
        try station.spool.drop(name, #"{"to":"reply:\#(id)","body":"\#(name)"}"#)
      }
      _ = try await station.sweep()
      #expect(try await station.texts("老张") == ["a"])
      #expect(try await station.texts("group:家人群") == ["b"])
      #expect(try station.spool.last("failed/c")["error"]?["kind"]?.text == "recipient")
    }
  }

  @Test("A login waits for calls in flight, and those of a watch go on after it", .timeLimit(.minutes(5)))
  func callsInFlight() async throws {
    try await withStation(faults: ["delay:provider=wechat-web,on=send,ms=3000,count=1"]) { station in
      try station.configureWeb()
      try await station.logInToWeb()
      try station.spool.drop("a", #"{"to":"老张","body":"slow"}"#)
      async let swept = station.sweep()
      #expect(try await eventually { !station.spool.names(in: "cur").isEmpty })
      let again = try await station.run("login", ["wx", "--json", "--force"])
      #expect(again.status == 0, "\(again.stderr)")
      _ = try await swept
      #expect(try await station.texts("老张") == ["slow"])
      #expect(station.spool.names(in: "done") == ["a"])
    }
  }
}
