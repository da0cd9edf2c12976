import Foundation
import TestSupport
import Testing

/// What a terminal shows of a text: Chinese characters and their punctuation are two columns wide.
private func width(_ text: some StringProtocol) -> Int {
  text.unicodeScalars.reduce(0) { sum, scalar in
    let isWide = (0x2E80...0xFFEF).contains(scalar.value)
    return sum + (isWide ? 2 : 1)
  }
}

private func hasHan(_ text: some StringProtocol) -> Bool {
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

  // MARK: The table

  private static let table = "Sources/msgspool/Views/Chinese.swift"

  /// Of the program's own sources.
  private static func sources(below folder: String = "Sources/msgspool") throws -> String {
    try Repository.files(below: folder, ending: ".swift").filter { $0 != table }.map { try Repository.text($0) }
      .joined(separator: "\n")
  }

  /// The keys of one of its parts, as they are written there.
  private static func keys(of part: String) throws -> [String] {
    let text = try Repository.text(table)
    let begin = try #require(text.range(of: "static let \(part):"))
    let end = text.range(of: "\n  ]", range: begin.upperBound..<text.endIndex)?.lowerBound ?? text.endIndex
    // A key begins a line or follows a comma; values are behind colons.
    let keys = text[begin.upperBound..<end].matches(of: /(?:^|[\[,]) *"((?:[^"\\\n]|\\.)+)":/.anchorsMatchLineEndings())
    return keys.map { String($0.1) }
  }

  @Test("Every phrase of the table is said somewhere, and everything that is said through it is in it")
  func used() throws {
    let sources = try Self.sources()
    let said = Set(sources.matches(of: /phrase\(\s*"((?:[^"\\\n]|\\.)+)"/).map { String($0.1) })
    let known = Set(try Self.keys(of: "phrases"))
    // A dictionary that names one twice ends the program.
    for part in ["commands", "things", "phrases"] {
      let keys = try Self.keys(of: part)
      #expect(Set(keys).count == keys.count, "\(part)")
    }
    #expect(known.count > 80 && known == said, "\(known.symmetricDifference(said).sorted())")
    let counted = Set(sources.matches(of: /counted\([^"\n]*"([a-z]+)"\)/).map { String($0.1) })
    #expect(Set(try Self.keys(of: "things")) == counted)
  }

  @Test("Every error of the table is one that the program has")
  func errors() throws {
    let sources = try Self.sources(below: "Sources")
    let errors = try Self.keys(of: "errors")
    #expect(errors.count > 30)
    for error in errors {
      for part in error.split(separator: /\{\d\}/) {
        let words = part.trimmingCharacters(in: .whitespaces.union([":"]))
        #expect(words.count < 4 || sources.contains(words), "\(error): \(words)")
      }
    }
  }

  @Test("Every command has a line in Chinese, and every line of the overview fits")
  func commands() async throws {
    let yard = try Yard()
    let english = try await msgspool(yard, ["help"], [:])
    let names = english.stdout.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map { String($0) } }
    #expect(names.count > 20)
    #expect(try Set(names) == Set(Self.keys(of: "commands")))
    let shown = try await msgspool(yard, ["help"], Self.chinese)
    for name in names {
      let line = shown.stdout.split(separator: "\n").first { $0.hasPrefix("  \(name) ") }
      #expect(line.map { hasHan($0) } == true, "\(name)")
      let help = try await msgspool(yard, ["help", name], Self.chinese)
      #expect(help.stdout.contains("用法：msgspool \(name)") && help.stdout.contains("\n选项\n"))
    }
    #expect(shown.stdout.split(separator: "\n").allSatisfy { width($0) <= 80 }, "\(shown.stdout)")
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
        (["list", "deferred"], []), (["providers"], ["每次 ", "webhook 和 exec 的预设"]),
        (["providers", "slack"], ["需要做什么"]),
        (["check"], ["警告", "提示：", "个警告"]),
      ]
      for (arguments, words) in views {
        let ran = try await msgspool(yard, arguments, Self.chinese)
        for word in words { #expect(ran.stdout.contains(word), "\(arguments): \(word)\n\(ran.stdout)") }
        let lines = ran.stdout.split(separator: "\n").filter { !$0.contains("http") }
        for line in lines where arguments != ["check"] { #expect(width(line) <= 80, "\(line)") }
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

  // MARK: What programs read

  @Test("JSON, metrics, pages, names of states and exit statuses are the same in every language")
  func machines() async throws {
    try await busy { yard in
      let commands = [
        ["status", "--json"], ["status", "--prometheus"], ["channels", "--json"], ["list", "failed", "--json"],
        ["show", "f", "--json"], ["providers", "--json"], ["providers", "slack", "--json"], ["check", "--json"],
        ["schema"],
        ["sweep", "--dry-run", "--json"], ["report", "--json"], ["manual", "1"], ["manual", "conf"], ["version"],
        ["list", "failed"], ["list", "new"], ["completion", "bash"], ["providers", "nothing"], ["status", "--nothing"],
        ["show", "nobody"], ["list", "nowhere"], ["status", "--spool", "/nonexistent"], ["status", "--config"],
        ["sweep", "--config", "/nonexistent"], ["sweep", "--channel", "none"], ["retry", "--kind", "x"], ["top"], [],
        ["prune"],
      ]
      for arguments in commands {
        let english = try await msgspool(yard, arguments, ["LANG": "C.UTF-8"])
        let chinese = try await msgspool(yard, arguments, ["LANG": "zh_CN.UTF-8"])
        #expect(english.status == chinese.status, "\(arguments)")
        // Ages go on.
        func steady(_ text: String) -> String { text.replacing(/[0-9.]+/, with: "0") }
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
