import Foundation
import TestSupport
import Testing

/// A page that people copy from.
struct Page: Sendable, CustomTestStringConvertible {
  struct Block: Equatable {
    var language: String
    var text: String
  }

  /// What stands under one heading of the second or third level, or before the first of them.
  struct Section {
    var heading: String
    var blocks: [Block]
  }

  static let readme = Page("README.md")
  static let chinese = Page("Sources/Documentation/README.zh.md")
  static let services = Page("Sources/Documentation/services.md")
  static let chineseServices = Page("Sources/Documentation/services.zh.md")
  static let comingFrom = Page("Sources/Documentation/coming-from.md")
  static let all = [readme, chinese, services, chineseServices, comingFrom]

  let path: String
  var testDescription: String { path }

  private init(_ path: String) { self.path = path }

  func text() throws -> String { try Repository.text(path) }

  func sections() throws -> [Section] {
    var sections = [Section(heading: "", blocks: [])]
    var open: Block?
    for line in try text().split(separator: "\n", omittingEmptySubsequences: false) {
      if let block = open {
        if line.hasPrefix("```") {
          sections[sections.count - 1].blocks.append(block)
          open = nil
        } else {
          open?.text += line + "\n"
        }
      } else if line.hasPrefix("```") {
        open = Block(language: String(line.dropFirst(3)), text: "")
      } else if line.hasPrefix("## ") || line.hasPrefix("### ") {
        sections.append(Section(heading: String(line), blocks: []))
      }
    }
    return sections
  }

  func blocks(of language: String) throws -> [String] {
    try sections().flatMap(\.blocks).filter { $0.language == language }.map(\.text)
  }
}

@Suite("Pages: what people copy from them works")
struct PageTests {
  /// What the secrets of the pages have to look like, where anything at all would not do.
  private static let secrets = [
    "WXPUSHER_APP_TOKEN": "AT_x", "SERVERCHAN_SENDKEY": "SCT1", "TELEGRAM_BOT_TOKEN": "123456789:ABC",
    "PUSHOVER_TOKEN": String(repeating: "a", count: 30),
  ]

  /// Runs a shell line in a folder with a spool of this configuration, and with a value for each secret that it names.
  private func sh(_ line: String, in yard: Yard, configuration: String, stdin: String = "") async throws -> Ran {
    // There is no such file here.
    try yard.configure(configuration.replacing(/\{ file: "[^"]*" \}/, with: "\"secret\""))
    symlink(try #require(builtProgram()), yard.root + "/msgspool")
    var environment = ["PATH": "\(yard.root):/usr/bin:/bin", "LANG": "C.UTF-8", "MSGSPOOL_DIR": yard.spool]
    for match in configuration.matches(of: /\benv: "(\w+)"/) {
      environment[String(match.1)] = Self.secrets[String(match.1)] ?? "secret"
    }
    return try await run(
      "sh", ["-c", line], stdin: Data(stdin.utf8), env: environment, directory: yard.root, timeout: patience)
  }

  /// A whole configuration around what a page shows of one.
  private func configuration(_ piece: String) -> String {
    if piece.hasPrefix("{") { return piece }
    if piece.contains(/^\w[\w-]*: \{\s*provider:/) { return "{ channels: { \(piece) } }" }
    return """
      { default_channel: "alerts", channels: {
          alerts: { provider: "wxpusher", app_token: "AT_x" },
          otp: { provider: "twilio", account_sid: "AC00000000000000000000000000000000", auth_token: "t",
                 from: "+15005550006" } },
        \(piece) }
      """
  }

  @Test("Every piece of a configuration is one that check finds nothing wrong with", arguments: Page.all)
  func configurations(page: Page) async throws {
    let pieces = try page.blocks(of: "json5")
    #expect(pieces.count >= 2)
    let asked = try page.blocks(of: "sh").flatMap { $0.split(separator: "\n") }
    for piece in pieces {
      let yard = try Yard()
      let ran = try await sh("msgspool check --json", in: yard, configuration: configuration(piece))
      let complaints = try ran.rows.filter { ["error", "warning"].contains($0["severity"] as? String) }
      let logins = complaints.filter { complaint in asked.contains { isLogin(complaint, by: $0) } }
      // A channel without a login is an error (1), and nothing else may be.
      #expect(
        ran.status == (logins.isEmpty ? 0 : 1) && logins.count == complaints.count,
        "\(piece)\(ran.stdout)\(ran.stderr)")
    }
  }

  /// Whether check misses only the login that this line of the page asks for.
  private func isLogin(_ complaint: [String: Any], by line: Substring) -> Bool {
    let command = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
    return complaint["problem"] as? String == "not logged in: nobody has logged in"
      && command.hasPrefix("msgspool login ") && complaint["hint"] as? String == command
  }

  @Test(
    "Commands and messages go with the channels beside them: each becomes part of a call",
    arguments: [Page.services, .chineseServices, .comingFrom])
  func commands(page: Page) async throws {
    var sections = 0
    for section in try page.sections() {
      let channels = section.blocks.filter { $0.language == "json5" }.map(\.text).joined()
      guard !channels.isEmpty else { continue }
      sections += 1
      let yard = try Yard()
      var dropped = 0
      for block in section.blocks {
        for line in block.text.split(separator: "\n").map(String.init) {
          let isCommand = block.language == "sh" && line.hasPrefix("msgspool send ")
          guard isCommand || block.language == "json" else { continue }
          let ran = try await sh(
            isCommand ? line : "msgspool send --json", in: yard, configuration: "{ channels: { \(channels) } }",
            stdin: isCommand ? "" : line + "\n")
          #expect(ran.status == 0, "\(line): \(ran.stderr)")
          dropped += 1
        }
      }
      #expect(dropped > 0, "\(section.heading)")
      let ran = try await sh(
        "msgspool sweep --dry-run --json", in: yard, configuration: "{ channels: { \(channels) } }")
      let last = try #require(try ran.rows.last, "\(section.heading): \(ran.stderr)")
      #expect(
        last["claimed"] as? Int == dropped && last["invalid"] as? Int == 0 && last["failed"] as? Int == 0
          && last["calls"] as? Int ?? 0 > 0, "\(section.heading): \(ran.stdout)")
    }
    #expect(sections >= 3)
  }

  @Test("Every message is one", arguments: [Page.readme, .chinese])
  func messages(page: Page) async throws {
    let lines = try page.blocks(of: "json").flatMap { $0.split(separator: "\n") }
    #expect(lines.count >= 2)
    let yard = try Yard()
    for line in lines {
      let ran = try await sh(
        "msgspool send --json", in: yard, configuration: configuration(""), stdin: line + "\n")
      #expect(ran.status == 0, "\(line): \(ran.stderr)")
    }
  }

  @Test("Every command that is named is one, with the options that it is shown with", arguments: Page.all)
  func options(page: Page) async throws {
    var help: [String: String] = [:]
    /// What is missing in a command's help; nothing where all is there.
    func missing(_ option: Substring, of command: String) async throws -> String? {
      if help[command] == nil {
        let ran = try await run(try #require(builtProgram()), ["help", command])
        help[command] = ran.status == 0 ? ran.stdout : ""
      }
      let known = help[command] ?? ""
      if known.isEmpty { return "msgspool \(command)" }
      return known.contains(try Regex("\(option)\\b")) ? nil : "msgspool \(command) \(option)"
    }
    var (count, isCode) = (0, false)
    for line in try page.text().split(separator: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      // In a line of a block everything is code, in others what stands between backticks.
      let spans = isCode ? [line] : line.matches(of: /`([^`]+)`/).map(\.1)
      var command: String?
      for span in spans {
        if let named = span.firstMatch(of: /^msgspool ([a-z]+)/)?.1 {
          command = String(named)
        } else if !line.hasPrefix("|") || !span.hasPrefix("--") {
          continue
        }
        guard let command, command != "help" else { continue }
        // A shell's comment tells of other things.
        let code = span.prefix { $0 != "#" }
        for option in code.matches(of: /--[a-z][a-z-]*/).map(\.0) + ["--help"] {
          count += 1
          let absent = try await missing(option, of: command)
          #expect(absent == nil, "\(page.path): \(line)")
        }
      }
    }
    #expect(count > 5)
  }

  // MARK: In two languages

  /// What a reader may copy, without what people are told in their language.
  private func copied(_ page: Page) throws -> [Page.Block] {
    try page.sections().flatMap(\.blocks).filter { !$0.language.isEmpty }.map { block in
      let lines = block.text.split(separator: "\n").map { line in
        line.replacing(/\s+(?:\/\/|#) .*$/, with: "").replacing(/--title \S+/, with: "--title ...")
          .replacing(/"[^"]*%[^"]*"|"磁盘[^"]*"|"Disk[^"]*"|"Monday"|"周一"/, with: "\"...\"")
      }
      return Page.Block(language: block.language, text: lines.joined(separator: "\n"))
    }
  }

  /// What tables have rows for: the code in the first cell of each.
  private func rows(_ page: Page) throws -> [String] {
    try page.text().split(separator: "\n").compactMap { $0.firstMatch(of: /^\| (`[^|]+`) \|/) }.map {
      // One and the same comma between them.
      String($0.1).replacing("、", with: ", ")
    }
  }

  private func addresses(_ page: Page) throws -> Set<String> {
    Set(try page.text().matches(of: /\]\((https:[^)]+)\)/).map { String($0.1) })
  }

  @Test(
    "The Chinese page has what the English one has: headings, what is copied, rows of tables, addresses",
    arguments: [(Page.readme, Page.chinese), (.services, .chineseServices)])
  func translated(english: Page, chinese: Page) throws {
    func levels(_ page: Page) throws -> [Int] {
      try page.sections().map { $0.heading.prefix { $0 == "#" }.count }
    }
    #expect(try levels(chinese) == levels(english))
    let (first, second) = (try copied(english), try copied(chinese))
    #expect(first.count == second.count && first.count > 5)
    for (one, other) in zip(first, second) { #expect(other == one) }
    #expect(try rows(chinese) == rows(english))
    #expect(try addresses(english).subtracting(addresses(chinese)) == [])
    // Each leads to the other.
    let name = URL(filePath: chinese.path).lastPathComponent
    #expect(try english.text().split(separator: "\n").prefix(3).contains { $0.contains(name) })
    #expect(
      try chinese.text().split(separator: "\n").prefix(3).contains {
        $0.contains(URL(filePath: english.path).lastPathComponent)
      })
  }

  @Test("Which service for me? has every provider that is built in", arguments: [Page.services, .chineseServices])
  func everyProvider(page: Page) async throws {
    let ran = try await run(try #require(builtProgram()), ["providers", "--json"])
    let all = try #require(try JSONSerialization.jsonObject(with: ran.standardOutput) as? [[String: Any]])
    let names = all.compactMap { $0["name"] as? String }
    #expect(names.count > 20)
    let text = try page.text()
    for name in names where name != "instapush" { #expect(text.contains("`\(name)`"), "\(name)") }
  }
}
