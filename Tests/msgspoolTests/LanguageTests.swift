import Foundation
import TestSupport
import Testing

/// What a terminal shows of a text: Chinese characters and their punctuation are two columns wide.
func width(_ text: some StringProtocol) -> Int {
  text.unicodeScalars.reduce(0) { sum, scalar in
    let isWide = (0x2E80...0xFFEF).contains(scalar.value)
    return sum + (isWide ? 2 : 1)
  }
}

func hasHan(_ text: some StringProtocol) -> Bool {
  text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
}

@Suite("People read Chinese where they want to; programs read the same everywhere")
struct LanguageTests {
  private static let chinese = ["MSGSPOOL_LANG": "zh"]

  private func msgspool(
    _ yard: Yard, _ arguments: [String], _ environment: [String: String], stdin: String = ""
  ) async throws -> Ran {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    return try await run(
      program, arguments, stdin: Data(stdin.utf8),
      env: environment.merging(["PATH": "/usr/bin:/bin", "TZ": "UTC", "MSGSPOOL_DIR": yard.spool]) { first, _ in first
      },
      timeout: patience)
  }

  /// Something to tell in every view: what waits, failed and is unconfirmed, a suspended channel, one with a price.
  private func busy(_ body: @Sendable (Yard) async throws -> Void) async throws {
    try await withSandbox("credentials:provider=twilio") { yard in
      let text = try yard.text(of: "config.json")
      try yard.configure(
        text.replacing("daily_per_recipient: 0", with: "price: 0.045, budget: { daily: 50, monthly: 800 }"))
      try yard.put("new/a", #"{"to":"UID_1","body":"x"}"#)
      try yard.put("new/t", #"{"channel":"t","to":"+12125550100","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      try yard.put("new/w", #"{"to":"UID_4","body":"x"}"#)
      try yard.put("new/odd", "{")
      try yard.put("new/later", #"{"to":"UID_3","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
      try yard.put("failed/f", settled("failed", kind: "recipient"))
      try yard.put("failed/u", settled("unconfirmed", kind: "uncertain"))
      try await body(yard)
    }
  }

  // MARK: Which language

  @Test(
    "MSGSPOOL_LANG goes before the locale, of which the first that is set counts",
    arguments: [
      (["MSGSPOOL_LANG": "zh", "LC_ALL": "C"], true), (["MSGSPOOL_LANG": "zh_CN.UTF-8"], true),
      (["MSGSPOOL_LANG": "en", "LC_ALL": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"], false),
      (["LANG": "zh_CN.UTF-8"], true), (["LANG": "zh_TW.utf8"], true), (["LANG": "zh_CN"], true),
      (["LC_MESSAGES": "zh_CN.UTF-8", "LANG": "de_DE.UTF-8"], true), (["LC_ALL": "", "LANG": "zh_CN.UTF-8"], true),
      (["LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"], false), (["LANG": "C.UTF-8"], false), ([:], false),
      (["LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"], false), (["LANG": "zh_CN.GBK"], false),
      (["LANG": "zha_CN.UTF-8"], false), (["MSGSPOOL_LANG": "", "LANG": "zh_CN.UTF-8"], true),
    ] as [([String: String], Bool)])
  func choice(environment: [String: String], isChinese: Bool) async throws {
    let ran = try await msgspool(Yard(), ["swep"], environment)
    #expect(ran.status == 64)
    #expect(ran.stderr.contains("没有命令 \"swep\"") == isChinese, "\(ran.stderr)")
    #expect(ran.stderr.contains("there is no command \"swep\"") == !isChinese, "\(ran.stderr)")
    #expect(ran.stderr.contains(isChinese ? "提示：是不是想写 \"sweep\"？" : "hint: did you mean \"sweep\"?"))
  }

  @Test("What goes to the journal is a log, and stays English")
  func journal() async throws {
    let yard = try Yard()
    let program = try #require(builtProgram())
    let script = "exec 2> err; JOURNAL_STREAM=$(stat -L -c %d:%i err) exec \"$0\" swep"
    let ran = try await run(
      "/bin/sh", ["-c", script, program], env: ["PATH": "/usr/bin:/bin", "LANG": "zh_CN.UTF-8"], directory: yard.root,
      timeout: patience)
    let said = try String(contentsOfFile: yard.root + "/err", encoding: .utf8)
    #expect(ran.status == 64 && said.hasPrefix("<3>msgspool: error: there is no command"), "\(said)")
  }

  // MARK: What is read

  @Test("Views are Chinese, and their columns stand below each other, in 80 of them")
  func views() async throws {
    try await busy { yard in
      let views: [([String], [String])] = [
        (["status"], ["最早的已等", "暂停的通道", "1 未确认", "今天 0.045 / 50.00，本月 0.045 / 800.00", "未确认：没人知道"]),
        (["channels"], ["通道", "当日用量", "花费", "0.05/50", "已暂停", "1 个文件"]),
        (["show", "f"], ["状态", "消息\n", "收件人（1）", "历史\n"]), (["show", "w"], ["无：还没有投递处理过它"]),
        (["list", "deferred"], []), (["list", "new"], ["这里应为双引号里的键，却是结尾"]),
        (["providers"], ["每次 ", "webhook 和 exec 的预设"]),
        (["providers", "slack"], ["需要做什么"]),
        (["check"], ["警告", "提示：", "个警告"]),
      ]
      for (arguments, words) in views {
        let ran = try await msgspool(yard, arguments, Self.chinese)
        for word in words { #expect(ran.stdout.contains(word), "\(arguments): \(word)\n\(ran.stdout)") }
        let lines = ran.stdout.split(separator: "\n").filter { !$0.contains("http") }
        for line in lines where !["check", "list"].contains(arguments[0]) { #expect(width(line) <= 80, "\(line)") }
        #expect(try await msgspool(yard, arguments, [:]).status == ran.status)
      }
      let table = try await msgspool(yard, ["channels"], Self.chinese)
      let rows = table.stdout.split(separator: "\n").filter {
        $0.hasPrefix("通道") || $0.hasPrefix("a ") || $0.hasPrefix("t ")
      }
      #expect(rows.count == 3 && Set(rows.map { width($0) }).count == 1, "\(table.stdout)")
      let swept = try await msgspool(yard, ["sweep", "--channel", "a"], Self.chinese)
      #expect(swept.stdout.contains("条消息：1 完成，1 推迟") && swept.stdout.contains("1 次请求，1 位收件人，用时"), "\(swept.stdout)")
    }
  }

  @Test("Of what people read nothing is left in English but names, what one writes, and what others said")
  func nothingLeft() async throws {
    try await busy { yard in
      let far = ["Authenticate", "said no"]
      let name = "1795338000.4711-1-0a1b2c3d.json"
      try yard.put("new/\(name)", #"{"to":"UID_9","body":"x"}"#)
      try yard.put("new/nobody", #"{"to":[],"body":"x"}"#)
      try yard.put("new/slip", #"{"to":"UID_1","bdy":"x"}"#)
      try yard.put("done/g", settled("done"))
      let commands: [[String]] = [
        [], ["--nothing"], ["status"], ["status", "--verbose"], ["channels"], ["check"], ["list", "new"],
        ["list", "failed"], ["list", "deferred"], ["list", "nowhere"], ["list"], ["show", "f"], ["show", "u"],
        ["show", "odd"], ["show", "later"], ["show", "none"], ["hold", name], ["hold", "none"], ["list", "hold"],
        ["release", name], ["release", name], ["flush", "--dry-run"], ["flush", "--channel", "none"],
        ["delete", "u"], ["delete", name, "--nothing"], ["retry"], ["retry", "--kind", "x"], ["retry", "u"],
        ["retry", "--all", "--dry-run"], ["retry", "--state", "undelivered"], ["retry", "--provider", "none"],
        ["sweep", "--dry-run"], ["sweep", "--channel", "none"], ["sweep", "--limit", "0"], ["sweep", "--limit"],
        ["sweep"], ["status"], ["report"], ["report", "--since", "never"],
        ["report", "--since", "2099-01-01T00:00:00Z"],
        ["prune"], ["prune", "--older-than", "1s", "--failed", "--inbox", "--dry-run"], ["prune", "--older-than", "7"],
        ["send", "--to", "UID_1"], ["send", "--to", "UID_1", "--format", "x", "b"], ["send", "--channel", "none", "b"],
        ["send", "--to", "UID_1", "--attach", "/nonexistent", "b"], ["send", "--use", "none"],
        ["send", "--to", "UID_1", "--wait", "0.1s", "b"], ["send", "--to", "UID_1", "--send-at", "soon", "b"],
        ["send", "--json"], ["sendmail", "nobody@example.com"], ["sendmail"], ["top"], ["login", "a"],
        ["contacts", "a"],
        ["logout", "none"], ["manual", "9"], ["completion", "csh"], ["providers", "none"],
        ["init", "--provider", "none"],
        ["init", "/dev/null/x"], ["status", "--spool", "/nonexistent"], ["status", "--json", "--prometheus"],
        ["status", "--output", "x"], ["check", "--config", "/nonexistent"], ["sandbox", "--phone", "x"],
        ["watch", "--log", "x"], ["providers"], ["swep"], ["show"],
      ]
      for arguments in commands {
        let ran = try await msgspool(yard, arguments, Self.chinese)
        let left = ChineseTests.english(in: ran.stdout + ran.stderr).filter { left in
          !far.contains { left.contains($0) }
        }
        #expect(left.isEmpty, "\(arguments): \(left)\n\(ran.stdout)\(ran.stderr)")
        // In the frame of a terminal, but for what may be copied from there: names, paths, and reasons beside them.
        guard let command = arguments.first, ["status", "channels", "report"].contains(command) else { continue }
        for line in ran.stdout.split(separator: "\n") { #expect(width(line) <= 80, "\(arguments): \(line)") }
      }
    }
  }

  @Test(
    "What is wrong with a configuration is said in Chinese",
    arguments: [
      "{", "{ channels: 5 }", "{ chanels: {} }", "{ default_channel: 'x' }", "{ channels: { a: {} } }",
      "{ channels: { a: { provider: 'wxpuser' } } }", "{ channels: { a: { provider: 'slack' } } }",
      "{ channels: { a: { provider: 'wxpusher' } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: { env: 'NONE' } } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: ['x'] } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', rate: 'x' } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', expire_after: 7 } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', zone: 'CST' } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', zone: 'Mars' } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', fallback: 'a' } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', quiet_hours: { from: '9:00', to: '10:00' } } } }",
      "{ channels: { a: { provider: 'wxpusher', app_token: 'x', budget: { daily: 1 } } } }",
      "{ channels: { a: { provider: 'instapush' } } }",
      "{ channels: { a: { provider: 'wechat-web' } } }",
      "{ channels: { a: { provider: 'webhook', url: 'https://x' , template: { a: 'b {to}' }, recipients_per_call: 2 } } }",
      "{ channels: { a: { provider: 'twilio', receipts: 'x' } } }", "{ a: 1, a: 2 }", "{ a: \"x }", "/* x",
      "{ on_failure: { channel: 'x' } }", "{ aliases: { root: 'nobody' } }", "{ deduplicate_for: 'x' }",
    ])
  func configurations(text: String) async throws {
    let yard = try Yard()
    try yard.configure(text)
    let ran = try await msgspool(yard, ["sweep"], Self.chinese)
    #expect(ran.status == 78 && hasHan(ran.stderr), "\(ran.stderr)")
    let left = ChineseTests.english(in: ran.stderr)
    #expect(left.isEmpty, "\(left): \(ran.stderr)")
  }

  // MARK: What programs read

  @Test("JSON, metrics, pages, names of states and exit statuses are the same in every language")
  func machines() async throws {
    try await busy { yard in
      let commands = [
        ["status", "--json"], ["status", "--prometheus"], ["channels", "--json"], ["list", "failed", "--json"],
        ["show", "f", "--json"], ["providers", "--json"], ["providers", "slack", "--json"], ["check", "--json"],
        ["schema"],
        ["sweep", "--dry-run", "--json"], ["report", "--json"], ["manual", "1"], ["manual", "conf"], ["version"],
        ["list", "deferred"], ["completion", "bash"], ["providers", "nothing"], ["status", "--nothing"],
        ["show", "nobody"], ["list", "nowhere"], ["status", "--spool", "/nonexistent"], ["status", "--config"],
        ["sweep", "--config", "/nonexistent"], ["sweep", "--channel", "none"], ["retry", "--kind", "x"], ["top"], [],
        ["prune"],
      ]
      for arguments in commands {
        let english = try await msgspool(yard, arguments, ["LANG": "C.UTF-8"])
        let chinese = try await msgspool(yard, arguments, ["LANG": "zh_CN.UTF-8"])
        #expect(english.status == chinese.status, "\(arguments)")
        // Ages go on.
        func steady(_ text: String) -> String {
          text.replacing(/[0-9.]+[smhd]?(?: [0-9]+[smhd])?/, with: "0").replacing(#/ +/#, with: " ")
        }
        // A report's steps begin when it is asked for.
        func names(_ text: String) -> Set<String> { Set(text.matches(of: /"[a-z_0-9]+":/).map { String($0.0) }) }
        if arguments.first == "report" {
          #expect(names(english.stdout) == names(chinese.stdout) && !hasHan(chinese.stdout))
        } else {
          #expect(steady(english.stdout) == steady(chinese.stdout), "\(arguments)")
        }
      }
    }
  }

  @Test("History lines and the log are the same, whatever a sweep says to whoever started it")
  func history() async throws {
    /// The lines of both, without what differs from sweep to sweep.
    @Sendable func records(_ environment: [String: String]) async throws -> [String] {
      try await withSandbox("recipient") { yard in
        try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
        try yard.put("new/bad", #"{"to":"UID_1","bdy":"x"}"#)
        let swept = try await msgspool(yard, ["sweep", "--log", "json"], environment)
        #expect(swept.status == 0 && hasHan(swept.stdout) == (environment == Self.chinese), "\(swept.stdout)")
        let log = swept.stderr.split(separator: "\n").map { String($0) }
        #expect(log.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) != nil }, "\(log)")
        let history = try ["m", "bad"].map {
          String(try yard.text(of: "failed/\($0)").split(separator: "\n").last ?? "")
        }
        return (log + history).map { $0.replacing(/[0-9a-z]*[0-9][0-9a-z]*/, with: "") }.sorted()
      }
    }
    #expect(try await records(Self.chinese) == records([:]))
  }
}
