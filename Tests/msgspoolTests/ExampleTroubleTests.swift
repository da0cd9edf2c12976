import Foundation
import TestSupport
import Testing

@Suite(
  "Examples: what goes wrong is an error, and never a message",
  .enabled(if: Example.missing.isEmpty, "not here: \(Example.missing)"))
struct ExampleTroubleTests {
  private static let everyOne = Example.allCases.flatMap { example in
    ExampleLanguage.allCases.map { (example, $0) }
  }
  private let recipients = ["--channel", "a", "--to", "UID_a"]

  /// Nothing was dropped, and nothing is left that was half written.
  private func expectNothing(_ yard: Yard) throws {
    #expect(try yard.names("new").isEmpty && yard.names("tmp").isEmpty)
    yard.expectNothingHalfWritten()
  }

  @Test("A server that cannot be reached: 75, and a line that names it", arguments: everyOne)
  func unreachable(example: Example, language: ExampleLanguage) async throws {
    let yard = try Yard()
    let server = try ScriptedServer { _ in }
    _ = server.finish()
    let ran = try await example.run(language, in: yard, recipients + example.source(at: server.port))
    #expect(ran.status == 75, "\(ran.stderr)")
    #expect(ran.stderr.contains("cannot reach") && ran.stderr.contains("127.0.0.1:\(server.port)"), "\(ran.stderr)")
    try expectNothing(yard)
  }

  @Test(
    "A server that is busy or lost: 75 for what may pass, 65 for what will not",
    arguments: everyOne.filter { [.weather, .limit, .build].contains($0.0) },
    [
      ("503 Service Unavailable", Int32(75)), ("429 Too Many Requests", 75), ("404 Not Found", 65),
      ("204 No Content", 65),
    ])
  func status(one: (Example, ExampleLanguage), answer: (String, Int32)) async throws {
    let yard = try Yard()
    let server = try answering([], status: answer.0)
    let ran = try await one.0.run(one.1, in: yard, recipients + one.0.source(at: server.port))
    #expect(ran.status == answer.1 && ran.stderr.contains("HTTP \(answer.0.prefix(3))"), "\(ran.status) \(ran.stderr)")
    try expectNothing(yard)
  }

  /// What each of them might get instead of what it asked for.
  private static let rubbish: [(Example, String)] = [
    (.weather, "<html>sign in</html>"), (.weather, ""), (.weather, #"{"error":true,"reason":"no"}"#),
    (
      .weather,
      """
      latitude,longitude,elevation,utc_offset_seconds,timezone,timezone_abbreviation
      30,120,1,28800,a,b

      time,wind_gusts_10m_max (km/h),precipitation_sum (mm),temperature_2m_min (°C)
      2199-12-31,999,1,1
      """
    ),
    (
      .weather,
      """
      latitude,longitude,elevation,utc_offset_seconds,timezone,timezone_abbreviation
      30,120,1,28800,a,b

      time,wind_gusts_10m_max (km/h),precipitation_sum (mm),temperature_2m_min (°C),temperature_2m_max (°C)
      2199-12-31,much,1,1,1
      """
    ),
    (.limit, ""), (.limit, "v_pv_none_match=\"1\";\n"), (.limit, "v_sh600000=\"1~a~600000~11.00~10.00\";\n"),
    (.limit, "v_sh600000=\"1~a~600000~much~10.00" + String(repeating: "~0", count: 25) + "~20991231143102\";\n"),
    (.build, ""), (.build, "<html><body>sign in</body></html>"),
    (.build, #"<Projects><Project name="a" lastBuildStatus="Failure" lastBuildLabel="1"/>"#),
    (.build, #"<Projects><Project name="a" lastBuildStatus="Failure" lastBuildLabel="1/></Projects>"#),
    (.build, #"<Projects><Project name="a" lastBuildLabel="1"/></Projects>"#),
    (.build, #"<Projects><Project name="a" lastBuildStatus="Odd" lastBuildLabel="1"/></Projects>"#),
    (.build, #"<Projects><Project name="&a;" lastBuildStatus="Failure" lastBuildLabel="1"/></Projects>"#),
    (.build, #"<Projects><Project name="a" lastBuildStatus="Failure"/></Projects>"#),
  ]

  @Test("An answer that is none: 65, and a line that says what was expected", arguments: ExampleLanguage.allCases)
  func rubbish(language: ExampleLanguage) async throws {
    for (example, answer) in Self.rubbish {
      let yard = try Yard()
      let server = try answering(Array(answer.utf8))
      let ran = try await example.run(language, in: yard, recipients + example.source(at: server.port))
      #expect(
        ran.status == 65 && ran.stderr.contains(example.rawValue), "\(example) \(answer): \(ran.status) \(ran.stderr)")
      #expect(!ran.stderr.contains("Traceback"), "\(ran.stderr)")
      try expectNothing(yard)
    }
    // What is no GBK.
    let yard = try Yard()
    let server = try answering([0xFF, 0xFF])
    let ran = try await Example.limit.run(language, in: yard, recipients + Example.limit.source(at: server.port))
    #expect(ran.status == 65, "\(ran.stderr)")
    // What speaks no TLS, and what speaks no IMAP.
    for (example, greeting) in [(Example.certificate, "SSH-2.0-x\r\n"), (.mail, "220 mail ESMTP\r\n")] {
      let server = try ScriptedServer { peer in
        peer.write(greeting)
        _ = peer.readSome()
      }
      let ran = try await example.run(language, in: yard, recipients + example.source(at: server.port))
      #expect(ran.status == 65, "\(example): \(ran.status) \(ran.stderr)")
      try expectNothing(yard)
    }
  }

  @Test(
    "Of several servers one that cannot be reached keeps nobody from hearing of the others",
    arguments: ExampleLanguage.allCases)
  func several(language: ExampleLanguage) async throws {
    let yard = try Yard()
    let gone = try ScriptedServer { _ in }
    _ = gone.finish()
    try await withCertificate(days: 2, in: yard) { port in
      let hosts = ["--host", "127.0.0.1:\(gone.port)", "--host", "127.0.0.1:\(port)"]
      let ran = try await Example.certificate.run(language, in: yard, recipients + hosts)
      #expect(ran.status == 75 && ran.stderr.contains("cannot reach 127.0.0.1:\(gone.port)"), "\(ran.stderr)")
      #expect(try yard.names("new").count == 1)
      #expect(FileManager.default.fileExists(atPath: yard.memory(.certificate)))
    }
  }

  private static let failed = Array(
    #"<Projects><Project name="a" lastBuildStatus="Failure" lastBuildLabel="1"/></Projects>"#.utf8)

  @Test(
    "A memory that cannot be read or written stops it before it tells anything", arguments: ExampleLanguage.allCases)
  func memory(language: ExampleLanguage) async throws {
    let yard = try Yard()
    let server = try answering(Self.failed)
    let command = recipients + Example.build.source(at: server.port)
    let file = yard.root + "/memory"
    for (text, line) in [("build\tx\n", 1), ("a\tb\t1\nrubbish\n", 2), ("a\tb\tlong ago\n", 1)] {
      try text.write(toFile: file, atomically: false, encoding: .utf8)
      let ran = try await Example.build.run(language, in: yard, command + ["--state", file])
      #expect(ran.status == 65 && ran.stderr.contains("line \(line)"), "\(ran.stderr)")
      #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
    }
    let ran = try await Example.build.run(language, in: yard, command + ["--state", file + "/x"])
    #expect(ran.status == 73 && ran.stderr.contains("--state"), "\(ran.stderr)")
    try expectNothing(yard)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: yard.root).filter { $0.hasPrefix("memory") } == ["memory"])
    // What did not come up for 30 days is forgotten, and what is remembered is one line.
    let today = Int(Date().timeIntervalSince1970) / 86400
    try "old\tx\t\(today - 31)\nnew\tx\t\(today - 29)\n".write(toFile: file, atomically: false, encoding: .utf8)
    for _ in 1...2 {
      #expect(try await Example.build.run(language, in: yard, command + ["--state", file]).status == 0)
      let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init).sorted()
      #expect(lines == ["127.0.0.1:\(server.port)/cc.xml/a\t1\t\(today)", "new\tx\t\(today - 29)"], "\(lines)")
    }
    #expect(try yard.names("new").count == 1)
  }

  @Test("Without a spool it is told again at the next run", arguments: ExampleLanguage.allCases)
  func spool(language: ExampleLanguage) async throws {
    let yard = try Yard()
    let server = try answering(Self.failed)
    let command = recipients + Example.build.source(at: server.port)
    let ran = try await Example.build.run(language, in: yard, command, to: yard.root + "/none")
    #expect(ran.status == 66 && ran.stderr.contains("msgspool init"), "\(ran.stderr)")
    #expect(try await Example.build.run(language, in: yard, command).status == 0)
    #expect(try yard.names("new").count == 1)
  }

  @Test("What was mistyped is a usage error", arguments: everyOne)
  func usage(example: Example, language: ExampleLanguage) async throws {
    let yard = try Yard()
    let right = recipients + example.source(at: 9)
    let wrong: [Example: [String]] = [
      .weather: ["--gusts", "much"], .limit: ["--share", "600000"], .build: ["--url", "ftp://127.0.0.1/cc.xml"],
      .certificate: ["--host", "-connect"], .mail: ["--url", "pop3://127.0.0.1"],
    ]
    for arguments in [
      [], right + ["--priorities", "x"], right + ["word"], right + ["--to"], right + (wrong[example] ?? []),
    ] {
      let ran = try await example.run(language, in: yard, arguments)
      #expect(
        ran.status == 64 && !ran.stderr.isEmpty && ran.stdout.isEmpty, "\(arguments): \(ran.status) \(ran.stderr)")
    }
    try expectNothing(yard)
  }

  @Test("--help has a line for cron, and README's lines for cron have its options", arguments: everyOne)
  func help(example: Example, language: ExampleLanguage) async throws {
    let yard = try Yard()
    let ran = try await example.run(language, in: yard, ["--help"])
    let file = "\(example.rawValue).\(language.suffix)"
    #expect(ran.status == 0 && ran.stderr.isEmpty)
    #expect(ran.stdout.contains(/(?m)^ +[*\d\/,\-]+ [*\d,\-]+ \* \* [*\d\-]+ .*(?:sh|python3)\b/), "\(ran.stdout)")
    let readme = try Repository.text("Sources/Extras/Examples/README.md")
    #expect(readme.contains("[\(file)](\(file))"))
    let line = try #require(
      readme.split(separator: "\n").first { $0.contains(" sh ~/examples/\(example.rawValue).sh ") })
    let options = line.matches(of: /\s(--[a-z]+)\b/).map { String($0.1) }
    #expect(options.count >= 2)
    for option in options + ["--channel", "--spool", "--state", "--priority"] {
      #expect(ran.stdout.contains(option), "\(option)")
    }
  }
}
