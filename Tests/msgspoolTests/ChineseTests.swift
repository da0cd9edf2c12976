import Foundation
import Providers
import TestSupport
import Testing

@testable import msgspool

/// The tables by which people read Chinese, held against all that there is to say.
@Suite("Whatever people may read has a line in Chinese, and the tables have no other")
struct ChineseTests {
  private static let guides = Program.commands.map { $0.guide }

  /// Of the program's own sources.
  private static func sources(below folder: String = "Sources/msgspool") throws -> [(path: String, text: String)] {
    try Repository.files(below: folder, ending: ".swift").filter { !$0.contains("/Chinese/") }
      .map { ($0, try Repository.text($0)) }
  }

  /// Sentences in English, as far as they are neither names nor something that one types.
  /// Lists of names are none.
  static func english(in text: String) -> [String] {
    var rest = text
    for command in [
      #/"[^"\n]*"/#, #/'[^'\n]*'/#,
      #/(?:msgspool|sudo|chown|chmod|chgrp|setpriv|find|apt-get|mv|curl|ln|git|make) [^，。；：（）\n]*/#,
      #/(?:\n|^)  [^\n]*(?:msgspool|sendmail)[^\n]*/#,
    ] as [Regex<Substring>] {
      rest = rest.replacing(command, with: "\n")
    }
    return rest.matches(of: /(?:[A-Za-z][A-Za-z']* ){2,}[a-z][A-Za-z']+/).map { String($0.0) }
  }

  // MARK: What --help says

  @Test("Each command, option and caption")
  func help() {
    let options = Set(Self.guides.flatMap { $0.allOptions.map(\.summary) })
    #expect(Set(Chinese.options.keys) == options, "\(options.symmetricDifference(Chinese.options.keys).sorted())")
    let captions = Set(Self.guides.flatMap { $0.examples.map(\.summary) })
    #expect(Set(Chinese.captions.keys) == captions, "\(captions.symmetricDifference(Chinese.captions.keys).sorted())")
    #expect(Set(Chinese.commands.keys) == Set(Self.guides.map(\.name)))
    let services = Set(Catalogue.providers.map { $0.card.name } + Presets.all.map(\.name))
    #expect(Set(Chinese.providers.keys) == services, "\(services.symmetricDifference(Chinese.providers.keys).sorted())")
    let detailed = Set(Self.guides.filter { !$0.details.isEmpty }.map(\.name))
    #expect(Set(Chinese.details.keys) == detailed, "\(detailed.symmetricDifference(Chinese.details.keys).sorted())")
    let all =
      [Chinese.options, Chinese.captions, Chinese.commands, Chinese.details, Chinese.providers].flatMap(\.values)
      + Chinese.phraseParts.flatMap { $0.map(\.value) }
    for line in all where line.unicodeScalars.count > 2 {
      #expect(Self.english(in: line).isEmpty, "\(line)")
      // A full stop of the one language in the text of the other is a slip.
      let words = line.replacing("to=老张,code", with: "")
      #expect(!words.contains(/\p{Han}[,;:?!]/) && !words.contains(/\p{Han}\.(?:$|\s)/), "\(line)")
    }
  }

  @Test("Help fits into 80 columns, in its own language", arguments: Program.commands.map { $0.guide.name })
  func helpIsRead(name: String) async throws {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    let ran = try await run(
      program, ["help", name], env: ["PATH": "/usr/bin:/bin", "MSGSPOOL_LANG": "zh"], timeout: patience)
    #expect(ran.status == 0 && ran.stdout.contains("用法：msgspool \(name)") && ran.stdout.contains("\n选项\n"))
    #expect(Self.english(in: ran.stdout).isEmpty, "\(Self.english(in: ran.stdout)): \(ran.stdout)")
    let examples = try #require(Self.guides.first { $0.name == name }).examples.map { "  \($0.line)" }
    for line in ran.stdout.split(separator: "\n").map(String.init) where !examples.contains(line) {
      #expect(width(line) <= 80, "\(line)")
    }
  }

  // MARK: What is said through `phrase`

  @Test("Each phrase and each thing that is counted")
  func phrases() throws {
    let sources = try Self.sources().map(\.text).joined(separator: "\n")
    let said = Set(sources.matches(of: /phrase\(\s*"((?:[^"\\\n]|\\.)+)"/).map { String($0.1) })
    let keys = Chinese.phraseParts.flatMap { $0.map(\.key) }
    #expect(Set(keys).count == keys.count, "\(keys.filter { key in keys.count { $0 == key } > 1 })")
    // The one of several lines is not written where it is said.
    let known = Set(keys.filter { !$0.contains("\n") })
    #expect(known.count > 150 && known == said, "\(known.symmetricDifference(said).sorted())")
    let counted = Set(sources.matches(of: /counted\([^"\n]*"([a-z ]+)"/).map { String($0.1) })
    #expect(Set(Chinese.things.keys) == counted)
    for (key, value) in Chinese.phraseParts.flatMap({ Array($0) }) {
      #expect(Self.places(key).sorted() == Self.places(value).sorted(), "\(key)")
    }
  }

  private static func places(_ text: String) -> [String] {
    text.replacing("{{", with: "").matches(of: /\{(\d)\+?\}/).map { String($0.1) }
  }

  // MARK: Errors

  @Test("Errors are no others than those that the program has, and lose nothing of what stands in them")
  func errors() throws {
    let words = (1...133).map { String(cString: strerror($0)) }
    let files = try Self.sources(below: "Sources").map(\.text)
    // As they are written, too: some stand within others.
    let said = files.flatMap { Self.literals(in: $0) } + files + words
    let text = said.joined(separator: "\n").utf8CString
    func isSaid(_ words: String) -> Bool {
      text.withUnsafeBufferPointer { $0.baseAddress.map { strstr($0, words) != nil } ?? false }
    }
    let all = Chinese.errors
    #expect(all.count > 300 && Set(all.map(\.key)).count == all.count)
    for (key, value) in all {
      #expect(Self.places(key).sorted() == Self.places(value).sorted(), "\(key)")
      let plain = key.replacing("{{", with: "{").replacing("}}", with: "}")
      // Whether one or several, and other parts of a sentence, may be put into it.
      for part in plain.split(separator: #/\{\d\+?\}|, /#) {
        let words = part.trimmingCharacters(in: .whitespaces.union([":", ".", ",", "(", ")", "/"]))
        #expect(words.count < 4 || isSaid(words), "\(key): \(words)")
      }
    }
  }

  /// Files whose texts are for others than those who type: pages of the manual and of the web, metrics, scripts, what goes
  /// into messages, configurations and tables of names.
  private static let others: Set<String> = [
    "Manual", "Mdoc", "ReportPage", "ReportFunnel", "Metrics", "ReceiptMetrics", "Completion", "FailureText",
    "ConfigurationKeys", "MessageField", "MessageSchema", "SpoolLayout", "Zones",
    // What mail servers say, by which their answers are known.
    "SMTPVerdict",
  ]

  /// What is no sentence by itself, with the reason.
  private static let exceptions: [(part: String, reason: String)] = [
    ("is missing something", "a part: msgspool COMMAND is missing something"),
    ("not sent: ", "goes into a message"), ("more characters were cut off", "goes into a message"),
    ("X: call X for X: X", "the log of --verbose"),
    ("X ms", "the log of --verbose"),
    ("batch push count exceeds", "Bark's words, by which an answer is known"),
    ("can't parse entities", "Telegram's"), ("chat not found", "Telegram's"), ("user not found", "Telegram's"),
    ("upgraded to a supergroup", "Telegram's"), ("rights to send", "Telegram's"),
    ("Sent from your Twilio trial account", "Twilio's"), ("AppleWebKit", "a browser's name"),
    ("curl -d", "a command"), ("sudo msgspool", "a command"), ("apt install", "a command"), ("source <(", "a command"),
  ]

  @Test(
    "Every sentence that may be read on a terminal is translated, all of it",
    arguments: [
      "msgspool", "Core", "Spooling", "Configuring", "Inspecting", "Sweeping", "Transports", "Providers", "Domains",
    ])
  func sentences(target: String) throws {
    var known = Set(Self.guides.flatMap { guide in [guide.summary, guide.details] + guide.examples.map(\.line) })
    // Held by `help` and by ChineseCardTests.
    let cards = Catalogue.providers.map { $0.card }
    known.formUnion(cards.map(\.summary) + Presets.all.map(\.summary) + cards.flatMap { $0.limits.map(\.unit) })
    known.formUnion(Chinese.cards.keys)
    known.formUnion(Chinese.options.keys)
    known.formUnion(Chinese.captions.keys)
    known.formUnion(Chinese.phrases.keys)
    known.formUnion(ExitStatus.allCases.map(\.meaning))
    known.formUnion(Surroundings.variables.map(\.summary) + Surroundings.files.map(\.summary))
    let all = known
    /// A card may have a list put into its line.
    func isKnown(_ literal: String) -> Bool {
      if all.contains(literal) { return true }
      let parts = literal.split(separator: "X", omittingEmptySubsequences: false)
      return parts.count == 2 && literal.contains("; ")
        && Chinese.cards.keys.contains { $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }
    }
    var count = 0
    for (path, text) in try Self.sources(below: "Sources/\(target)") {
      let file = path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
      if Self.others.contains(String(file)) { continue }
      // What stops the program is for those who work on it.
      let text = text.replacing(/precondition\([^\n]*/, with: "")
      for literal in Self.literals(in: text) where !isKnown(literal) && !literal.contains("\n") {
        let isSentence = literal.replacing("X", with: "").contains(/(?:[A-Za-z']+,? ){2,}[A-Za-z']+/)
        if !isSentence || literal.hasPrefix("msgspool ") || literal.hasPrefix("#") { continue }
        if Self.exceptions.contains(where: { literal.contains($0.part) }) { continue }
        count += 1
        // Parts that may be absent stand at the end, or within.
        let forms = [
          literal, literal.trimmingCharacters(in: .whitespaces), String(literal.dropLast()),
          literal.replacing("X", with: ""), literal + ".",
          literal.replacing("X", with: "") + ".",
        ]
        let isTranslated = forms.contains { form in
          Phrases.translated(form).map { Self.english(in: $0).isEmpty } ?? false
        }
        #expect(isTranslated, "\(path): \(literal) => \(Phrases.translated(literal) ?? "nothing")")
      }
    }
    #expect(count > (["Core": 20, "Domains": 1][target] ?? 30), "\(count)")
  }

  @Test(
    "An error is put together from its parts",
    arguments: [
      (
        "config.json: channels.a.rate: found \"x\"; expected a number from 0.0 to 5.0",
        "config.json：channels.a.rate：写的是：\"x\"；应为：0.0 到 5.0 的数字"
      ),
      (
        "bdy: is no field of a message; did you mean \"body\"? (line 1, column 2)",
        "bdy：不是消息的字段；是不是想写 \"body\"？（第 1 行，第 2 列）"
      ),
      ("gave up after 8 attempts: the sweep died before an answer came", "尝试 8 次后放弃：应答到来之前投递死了"),
      ("the quota or balance is used up (44001)", "额度或余额已用完（44001）"),
      ("/x: No such file or directory (open)", "/x：没有那个文件或目录（open）"),
      ("there is no message \"a; b\" in failed/; nothing was moved", "failed/ 里没有消息 \"a; b\"；什么都没有移动"),
      (
        "channels.a.app_token: is missing (the application's token, AT_...)",
        "channels.a.app_token：缺少（应用的 appToken，AT_...）"
      ),
      (
        "options.msgtype: is \"x\"; expected text, markdown or link",
        "options.msgtype：写的是：\"x\"；应为：text、markdown 或 link"
      ),
      (
        "body: has 1601 UTF-16 units; twilio takes at most 1600; options.long: \"cut\" shortens it, \"split\" sends it in parts",
        "body：有 1601 个 UTF-16 单元；twilio 最多 1600；options.long：\"cut\" 把它截短，\"split\" 分成几条发送"
      ),
      ("body: has 4097 bytes of UTF-8; ntfy takes at most 4096", "body：有 4097 字节（UTF-8）；ntfy 最多 4096 字节"),
      ("format: is html; wecom-app takes text or markdown", "format：是 html；wecom-app 接受 text 或 markdown"),
      ("is not used: the channel sends to the robot's group; leave to out", "用不上：通道只发给机器人所在的群；请不要写 to"),
      (
        "url: has an unknown place {x}; known are {to} and {call}",
        "url：有不认识的空位 {x}；已知的有 {to} 和 {call}"
      ),
      (
        "no group is called so; the nearest is 老张, b. msgspool contacts CHANNEL lists them; save a group to the contacts in WeChat to have it listed",
        "没有叫这个名字的群；最接近的是 老张, b。msgspool contacts 通道 会列出；群要在微信里存到通讯录才会列出"
      ),
      (
        "WeChat ended the session right after the login: the phone has ended the session (1100)",
        "刚登录，微信就结束了会话：手机结束了会话（1100）"
      ),
    ])
  func parts(english: String, chinese: String) {
    #expect(Phrases.translated(english) == chinese)
  }

  @Test(
    "What others said stays as it is", arguments: ["Authenticate", "too many requests; see: the manual of X", "x: y"])
  func strangers(text: String) {
    #expect(Phrases.translated(text)?.hasPrefix("too many requests") ?? true)
  }

  // MARK: Literals

  /// The texts in a source, with an X for what is put into them; pieces that are added to each other are one.
  static func literals(in source: String) -> [String] {
    var all: [String] = []
    let text = Array(source.unicodeScalars)
    var index = 0
    func holds(_ word: String, at place: Int) -> Bool {
      var place = place
      for scalar in word.unicodeScalars {
        if place >= text.count || text[place] != scalar { return false }
        place += 1
      }
      return true
    }
    func skip(to word: String, from place: Int) -> Int {
      var place = place
      while place < text.count, !holds(word, at: place) { place += 1 }
      return min(text.count, place + word.unicodeScalars.count)
    }
    var isAdded = false
    while index < text.count {
      guard text[index] == "/" || text[index] == "\"" else {
        index += 1
        continue
      }
      if holds("//", at: index) {
        index = skip(to: "\n", from: index)
      } else if holds("/*", at: index) {
        index = skip(to: "*/", from: index)
      } else if holds("\"\"\"", at: index) {
        let end = skip(to: "\"\"\"", from: index + 3)
        all.append(String(String.UnicodeScalarView(text[(index + 3)..<max(index + 3, end - 3)])))
        index = end
      } else if text[index] == "\"" {
        let (literal, end) = literal(text, from: index + 1)
        if isAdded, let last = all.popLast() { all.append(last + literal) } else { all.append(literal) }
        index = end
        isAdded = false
        // `"..." + "..."`
        var next = end
        while next < text.count, text[next].properties.isWhitespace || text[next] == "+" {
          isAdded = isAdded || text[next] == "+"
          next += 1
        }
        isAdded = isAdded && next < text.count && text[next] == "\""
        if isAdded { index = next }
      } else {
        index += 1
      }
    }
    return all
  }

  /// One literal from behind its quote, and the place behind it.
  private static func literal(_ text: [Unicode.Scalar], from start: Int) -> (String, Int) {
    var literal = String.UnicodeScalarView()
    var index = start
    while index < text.count, text[index] != "\"", text[index] != "\n" {
      guard text[index] == "\\", index + 1 < text.count else {
        literal.append(text[index])
        index += 1
        continue
      }
      guard text[index + 1] == "(" else {
        literal.append(text[index + 1] == "n" ? "\n" : text[index + 1])
        index += 2
        continue
      }
      literal.append("X")
      var depth = 1
      index += 2
      while index < text.count, depth > 0 {
        if text[index] == "\"" { index = Self.literal(text, from: index + 1).1 - 1 }
        if text[index] == "(" { depth += 1 }
        if text[index] == ")" { depth -= 1 }
        index += 1
      }
    }
    return (String(literal), min(text.count, index + 1))
  }
}
