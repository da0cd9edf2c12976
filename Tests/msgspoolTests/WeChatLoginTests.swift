import Foundation
import TestSupport
import Testing

@Suite("Logging in to personal WeChat")
struct WeChatLoginTests {
  @Test("A code is drawn, each phase is told, and the session is nobody else's")
  func login() async throws {
    try await withStation { station in
      try station.configureBot()
      let ran = try await station.run("login", ["me"])
      #expect(ran.status == 0, "\(ran.stderr)")
      let lines = ran.stdout.split(separator: "\n")
      let code = lines.filter { $0.contains("█") }
      #expect(code.count > 15 && code.allSatisfy { $0.count < 80 && $0.count == code[0].count })
      #expect(lines.contains { $0.hasPrefix("https://liteapp.weixin.qq.com/") })
      #expect(ran.stdout.contains("Scanned") && ran.stdout.contains("Confirmed") && ran.stdout.contains("Logged in"))
      #expect(!ran.stdout.contains("\u{1B}"))
      var status = stat()
      #expect(stat("\(station.spool.path)/sessions/me.json", &status) == 0 && status.st_mode & 0o777 == 0o600)
      #expect(stat("\(station.spool.path)/sessions", &status) == 0 && status.st_mode & 0o777 == 0o700)
      let session = try Parsed(try station.spool.bytes("sessions/me.json"))
      #expect(session["session"]?.int == 1 && session["provider"]?.text == "wechat-ilink")
      #expect(session["state"]?.text == "ok")
    }
  }

  @Test("A session that is still good is left alone, unless it is forced")
  func again() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn(saying: nil)
      let before = try station.spool.bytes("sessions/me.json")
      let again = try await station.run("login", ["me", "--json"])
      #expect(again.status == 0)
      let lines = try again.stdout.split(separator: "\n").map { try Parsed(String($0)) }
      #expect(lines.map { $0["phase"]?.text } == ["ready"])
      #expect(try station.spool.bytes("sessions/me.json") == before)
      let forced = try await station.run("login", ["me", "--json", "--force"])
      #expect(forced.status == 0)
      #expect(try forced.stdout.split(separator: "\n").map { try Parsed(String($0))["phase"]?.text }.first == "qr")
      #expect(try station.spool.bytes("sessions/me.json") != before)
    }
  }

  @Test("Nobody scans: 75, and the code's picture is gone", arguments: ["png", "svg"])
  func timeout(kind: String) async throws {
    try await withStation(sandbox: ["--phone", "manual"]) { station in
      try station.configureBot()
      let picture = "\(station.spool.path)/code.\(kind)"
      let ran = try await station.run("login", ["me", "--json", "--timeout", "2s", "--qr", picture])
      #expect(ran.status == 75, "\(ran.stderr)")
      let lines = try ran.stdout.split(separator: "\n").map { try Parsed(String($0)) }
      #expect(lines.last?["phase"]?.text == "failed" && lines.last?["error"]?["kind"]?.text != nil)
      #expect(access(picture, F_OK) != 0)
    }
  }

  @Test("The service is out of reach: 69; no such channel, or one without a login: 64")
  func refused() async throws {
    try await withStation { station in
      let nowhere = "http://127.0.0.1:1"
      try station.configureBot(
        "",
        """
        , other: { provider: "wechat-ilink", endpoint: "\(nowhere)" }, hook: { provider: "webhook", url: "\(nowhere)" }
        """)
      #expect(try await station.run("login", ["other"]).status == 69)
      #expect(try await station.run("login", ["nobody"]).status == 64)
      #expect(try await station.run("login", ["hook"]).status == 64)
    }
  }

  @Test("A session that others may read is refused, with the command that mends it")
  func exposed() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn(saying: nil)
      chmod("\(station.spool.path)/sessions/me.json", 0o644)
      for command in [["sweep"], ["login", "me"], ["contacts", "me"]] {
        let ran = try await station.run(command[0], Array(command[1...]))
        #expect(ran.status == 78, "\(command): \(ran.stderr)")
        #expect(ran.stderr.contains("chmod 600"))
      }
    }
  }

  @Test("Digits that the phone shows are typed; wrong ones are asked for again")
  func digits() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.phone("code", ["digits": "4711"])
      let ran = try await station.run("login", ["me", "--json"], stdin: "1234\n4711\n")
      #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
      let phases = try ran.stdout.split(separator: "\n").map { try Parsed(String($0))["phase"]?.text }
      #expect(phases.filter { $0 == "code" }.count >= 2)
      #expect(phases.last == "ready")
      try await station.phone("code", ["digits": "4711"])
      let ended = try await station.run("login", ["me", "--json", "--force"], stdin: "")
      #expect(ended.status == 75)
    }
  }

  @Test("While one logs in another one cannot, nor log out; a program is told so on its own stream")
  func twoAtOnce() async throws {
    try await withStation(sandbox: ["--phone", "manual"]) { station in
      try station.configureBot()
      let line = ["login", "--spool", station.spool.path, "me", "--json"]
      try await whileRunning(station.program, line) { _ in
        let other = try await station.run("login", ["me", "--json"])
        #expect(other.status == 75)
        let last = try Parsed(other.stdout)
        #expect(last["phase"]?.text == "failed" && last["error"]?["message"]?.text?.contains("another login") == true)
        #expect(try await station.run("logout", ["me"]).status == 75)
      }
    }
  }

  @Test("Refused digits are 77")
  func blocked() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.phone("refuse")
      #expect(try await station.run("login", ["me"]).status == 77)
    }
  }

  @Test("Logging out removes the session; without one it is no error")
  func logout() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn(saying: nil)
      #expect(try await station.run("logout", ["me"]).status == 0)
      #expect(access("\(station.spool.path)/sessions/me.json", F_OK) != 0)
      #expect(try await station.run("logout", ["me"]).status == 0)
      #expect(try await station.run("contacts", ["me"]).status == 77)
    }
  }

  @Test("Without a login nothing is sent, what waits stays in new/, and it is said once")
  func notLoggedIn() async throws {
    try await withStation { station in
      try station.configureBot()
      try station.spool.drop("a", #"{"channel":"me","body":"x"}"#)
      let swept = try await station.sweep()
      #expect(swept.status == 0)
      #expect(swept.stderr.components(separatedBy: "not logged in: run msgspool login me").count == 2)
      #expect(station.spool.names(in: "new") == ["a"])
      #expect(try station.requests().isEmpty)
      let status = try Parsed(try await station.run("status", ["--json"]).stdout)
      #expect(status["sessions"]?.array.first?["state"]?.text == "none")
      #expect(status["suspended"]?.array.first?["reason"]?.text == "not logged in: run msgspool login me")
      #expect(try await station.run("check").status == 1)
      try await station.logIn()
      #expect(try await station.sweep()["done"] == 1)
    }
  }

  @Test("watch takes a new session up by itself")
  func watch() async throws {
    try await withStation { station in
      try station.configureBot()
      try station.spool.drop("a", #"{"channel":"me","body":"x"}"#)
      try await station.watching {
        try await station.logIn()
        #expect(try await eventually { station.spool.names(in: "done") == ["a"] })
      }
    }
  }
}
