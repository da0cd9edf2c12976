import Foundation
import TestSupport
import Testing

@Suite(
  "Examples: what people build first, run as cron runs it",
  .enabled(if: Example.missing.isEmpty, "not here: \(Example.missing)"))
struct ExampleTests {
  private let recipients = ["--channel", "a", "--to", "UID_a", "--to", "UID_b"]

  /// Runs an example against a sandbox: what it tells is one message for each event, also when it is run again, and when
  /// it has lost its memory; and a sweep sends it.
  private func expectTold(
    _ example: Example, _ language: ExampleLanguage, _ arguments: [String], status: Int32 = 0,
    check: @Sendable ([String: [String: Any]]) throws -> Void
  ) async throws {
    try await withSandbox { yard in
      let command = recipients + arguments
      for _ in 1...2 {
        let ran = try await example.run(language, in: yard, command)
        #expect(ran.status == status && ran.stdout == "", "\(ran.stdout)\(ran.stderr)")
        #expect(status != 0 || ran.stderr == "", "\(ran.stderr)")
      }
      let messages = try yard.waiting()
      var byID: [String: [String: Any]] = [:]
      for message in messages {
        #expect(message["channel"] as? String == "a" && message["to"] as? [String] == ["UID_a", "UID_b"])
        #expect((message["expires_at"] as? Double ?? 0) > Date().timeIntervalSince1970, "\(message)")
        byID[try #require(message["id"] as? String)] = message
      }
      #expect(byID.count == messages.count)
      try check(byID)
      yard.expectNothingHalfWritten()

      let swept = try await yard.msgspool("sweep", "--strict")
      #expect(swept.status == 0, "\(swept.stdout)\(swept.stderr)")
      #expect(try yard.names("done").count == messages.count && yard.names("failed").isEmpty)
      let sent = yard.requests
      #expect(sent > 0)
      try FileManager.default.removeItem(atPath: yard.memory(example))
      _ = try await example.run(language, in: yard, command)
      #expect(try yard.names("new").count == messages.count)
      #expect(try await yard.msgspool("sweep", "--strict").status == 0)
      #expect(try yard.names("new").isEmpty && yard.requests == sent)
    }
  }

  // MARK: What each of them tells

  private static func forecast(_ today: String) -> String {
    """
    latitude,longitude,elevation,utc_offset_seconds,timezone,timezone_abbreviation
    30.25,120.125,10.0,28800,Asia/Shanghai,GMT+8

    time,wind_gusts_10m_max (km/h),precipitation_sum (mm),temperature_2m_min (°C),temperature_2m_max (°C)
    \(today),95.4,49.99,0.0,8.0
    2199-12-31,NaN,80.10,4.0,36.9

    """
  }

  @Test("Weather: each kind and day beyond its limit, until that day ends there", arguments: ExampleLanguage.allCases)
  func weather(language: ExampleLanguage) async throws {
    let today = "2199-12-30"
    let server = try answering(Array(Self.forecast(today).utf8))
    let arguments = Example.weather.source(at: server.port) + ["--place", "杭州", "--heat=off"]
    try await expectTold(.weather, language, arguments) { told in
      let place = "weather/30.27,120.15"
      #expect(
        Set(told.keys) == ["\(place)/\(today)/gusts", "\(place)/\(today)/frost", "\(place)/2199-12-31/rain"],
        "\(told.keys)")
      let gusts = try #require(told["\(place)/\(today)/gusts"])
      #expect(gusts["title"] as? String == "杭州: gusts of 95.4 km/h")
      // 2199-12-31T00:00+08:00
      #expect(gusts["expires_at"] as? Int == 7_258_003_200)
    }
    let asked = try #require(server.finish().first).text
    #expect(asked.contains("latitude=30.27&longitude=120.15&") && asked.contains("format=csv"))
  }

  /// A quote, with a name in GBK.
  private static func quote(
    _ code: String, _ name: [UInt8], _ price: String, _ close: String, limits: (String, String) = ("", ""),
    day: String
  ) -> [UInt8] {
    let fields = [code.dropFirst(2).description, price, close] + Array(repeating: "0", count: 25)
    let rest = (fields + [day + "143102"] + Array(repeating: "0", count: 16) + [limits.0, limits.1])
    return Array("v_\(code)=\"1~".utf8) + name + Array("~\(rest.joined(separator: "~"))\";\n".utf8)
  }

  private func chinaCalendar() throws -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(secondsFromGMT: 8 * 3600))
    return calendar
  }

  @Test(
    "A share's limit: as the exchanges round it, for each kind of share, and not what only looks like it",
    arguments: ExampleLanguage.allCases)
  func limit(language: ExampleLanguage) async throws {
    let china = try chinaCalendar()
    let parts = china.dateComponents([.year, .month, .day], from: Date())
    let today = String(format: "%04d%02d%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    let plain = Array("A".utf8)
    let quotes: [[UInt8]] = [
      // 浦发银行; half a cent is rounded up: 11.055 is 11.06, and 9.045 is 9.05.
      Self.quote("sh600000", [0xC6, 0xD6, 0xB7, 0xA2, 0xD2, 0xF8, 0xD0, 0xD0], "11.06", "10.05", day: today),
      Self.quote("sh600001", plain, "11.05", "10.05", day: today),
      // 葉, whose second byte is the one that parts fields.
      Self.quote("sz000001", [0xC8, 0x7E], "9.05", "10.05", day: today),
      Self.quote("sh600002", Array("*ST A".utf8), "4.41", "4.20", day: today),
      Self.quote("sz300750", plain, "12.00", "10.00", day: today),
      Self.quote("sz301000", plain, "11.00", "10.00", day: today),
      Self.quote("sh688001", plain, "8.000", "10.000", day: today),
      Self.quote("bj920001", plain, "13.00", "10.00", day: today),
      // In its first five days.
      Self.quote("sh600003", [0x43, 0xD6, 0xD0], "99.00", "10.00", day: today),
      Self.quote("sh600004", plain, "11.00", "10.00", day: "20200102"),
      // 0.055 is 0.06 and 0.045 is 0.05: a limit is at least 0.01 away.
      Self.quote("sh600005", plain, "0.04", "0.05", day: today),
      Self.quote("sh600006", plain, "0.05", "0.05", day: today),
      // It knows better.
      Self.quote("sh600007", Array("ST B".utf8), "4.62", "4.20", limits: ("4.62", "3.78"), day: today),
      Self.quote("sh600008", Array("ST C".utf8), "4.41", "4.20", limits: ("4.62", "3.78"), day: today),
      Self.quote("sh600009", plain, "0.00", "10.00", day: today),
    ]
    let server = try answering(Array(quotes.joined()))
    let codes = [
      "sh600000", "sh600001", "sz000001", "sh600002", "sz300750", "sz301000", "sh688001", "bj920001", "sh600003",
      "sh600004", "sh600005", "sh600006", "sh600007", "sh600008", "sh600009",
    ]
    let arguments = ["--url", server.url("/q=")] + codes.flatMap { ["--share", $0] }
    try await withSandbox { yard in
      let ran = try await Example.limit.run(language, in: yard, recipients + arguments)
      #expect(ran.status == 0 && ran.stderr.contains("sh600008") && ran.stderr.contains("--st"), "\(ran.stderr)")
      let told = try yard.waiting().compactMap { $0["id"] as? String }
      let expected = [
        "sh600000/up", "sz000001/down", "sh600002/up", "sz300750/up", "sh688001/down", "bj920001/up", "sh600005/down",
        "sh600007/up",
      ]
      #expect(Set(told) == Set(expected.map { "daily-limit/\($0.replacing("/", with: "/\(today)/"))" }), "\(told)")
    }
    let one = ["--url", server.url("/q="), "--share", "sz000001", "--share", "sh600000"]
    try await expectTold(.limit, language, one) { told in
      let titles = Set(told.values.compactMap { $0["title"] as? String })
      #expect(
        titles == ["浦发银行 sh600000 at its upper limit (涨停): 11.06", "葉 sz000001 at its lower limit (跌停): 9.05"])
      let midnight = try #require(china.date(byAdding: .day, value: 1, to: china.startOfDay(for: Date())))
      #expect(told.values.allSatisfy { $0["expires_at"] as? Double == midnight.timeIntervalSince1970 })
    }
    let absent = ["--url", server.url("/q="), "--share", "sh609999", "--share", "sh600000"]
    try await expectTold(.limit, language, absent, status: 65) { #expect($0.count == 1) }
  }

  private static let feed = """
    <?xml version="1.0" encoding="UTF-8"?>
    <Projects>
      <Project name="app &gt; &quot;main&quot; &#26477;" activity="Sleeping" lastBuildStatus="Failure"
        lastBuildLabel="1817" lastBuildTime="2026-11-28T10:00:00Z" webUrl="https://ci.example/app?a=1&amp;b=2"/>
      <Project name='lib' activity='Building' lastBuildStatus='Success' lastBuildLabel='9'/>
      <Project name="nightly" lastBuildStatus="Exception" lastBuildTime="2026-11-28T10:00:00Z"></Project>
      <Project name="other" lastBuildStatus="Failure" lastBuildLabel="1"/>
    </Projects>

    """

  @Test("A build: once for each that failed, with the page that tells why", arguments: ExampleLanguage.allCases)
  func build(language: ExampleLanguage) async throws {
    let server = try answering(Array(Self.feed.utf8))
    let name = #"app > "main" 杭"#
    let url = "http://someone:secret@127.0.0.1:\(server.port)/cc.xml?token=secret"
    let arguments = ["--url", url, "--project", name, "--project", "lib", "--project", "nightly"]
    try await expectTold(.build, language, arguments) { told in
      let source = "build/127.0.0.1:\(server.port)/cc.xml"
      #expect(Set(told.keys) == ["\(source)/\(name)/1817", "\(source)/nightly/2026-11-28T10:00:00Z"], "\(told.keys)")
      let failed = try #require(told["\(source)/\(name)/1817"])
      #expect(failed["title"] as? String == "Build failed: \(name)")
      #expect(failed["url"] as? String == "https://ci.example/app?a=1&b=2")
    }
    #expect(server.finish().allSatisfy { $0.text.lowercased().contains("authorization: basic c29tzw9uztpzzwnyzxq=") })
    let next = try answering(Array(Self.feed.replacing("1817", with: "1818").utf8))
    try await withSandbox { yard in
      let ran = try await Example.build.run(
        language, in: yard, ["--url", next.url("/cc.xml?token=secret"), "--project", "x"])
      #expect(ran.status == 65 && ran.stderr.contains("no project \"x\"") && !ran.stderr.contains("secret"))
      #expect(try yard.names("new").isEmpty)
    }
  }

  @Test(
    "A certificate: when few days are left, again when fewer are, and when it has expired",
    arguments: ExampleLanguage.allCases)
  func certificate(language: ExampleLanguage) async throws {
    let place = try Yard()
    try await withCertificate(days: 2, in: place) { port in
      try await expectTold(.certificate, language, ["--host", "127.0.0.1:\(port)", "--host", "localhost:\(port)"]) {
        told in
        #expect(told.count == 2 && told.keys.allSatisfy { $0.hasPrefix("certificate/") && $0.hasSuffix("/3") })
        #expect(
          told.values.allSatisfy { ($0["body"] as? String)?.contains(/^In (?:1 day|2 days), on\b/) == true }, "\(told)")
      }
      let command = recipients + ["--host", "127.0.0.1:\(port)"]
      for (days, count) in [("1", 0), ("30,60", 1), ("30,60", 1), ("14,30", 2), ("2,14", 3)] {
        let ran = try await Example.certificate.run(language, in: place, command + ["--days", days])
        #expect(ran.status == 0, "\(ran.stderr)")
        #expect(try place.names("new").count == count, "\(days)")
      }
    }
    try await withCertificate(days: -1, in: place) { port in
      try await expectTold(.certificate, language, ["--host", "127.0.0.1:\(port)"]) { told in
        #expect(told.count == 1 && told.keys.allSatisfy { $0.hasSuffix("/0") })
      }
    }
  }

  @Test("Whether the same was told already is asked in one place")
  func asked() throws {
    for example in [Example.weather, .limit, .build] {
      for language in ExampleLanguage.allCases {
        let text = try Repository.text("Sources/Extras/Examples/\(example.rawValue).\(language.suffix)")
        #expect(!text.contains("remember") && !text.contains("$(last "), "\(example) \(language)")
      }
    }
  }

  @Test("Mail: what is unread, as often as something new has come", arguments: ExampleLanguage.allCases)
  func mail(language: ExampleLanguage) async throws {
    let server = try mailbox([4, 7, 9])
    try await expectTold(.mail, language, Example.mail.source(at: server.port)) { told in
      #expect(Set(told.keys) == ["mail/me@127.0.0.1:\(server.port)/INBOX/77/9"])
      let message = try #require(told.values.first)
      #expect((message["title"] as? String)?.hasPrefix("3 unread mails") == true)
      let body = message["body"] as? String
      #expect(
        language == .sh
          || body == "张 <z9@example.com>: 你好 9\n张 <z7@example.com>: 你好 7\n张 <z4@example.com>: 你好 4", "\(body ?? "")")
    }
    let yard = try Yard()
    // A box of another validity has other mail under the same numbers; what was read leaves an older one on top.
    for (uids, validity, count) in [([3, 4], 1, 1), ([3], 1, 1), ([], 1, 1), ([3, 5], 1, 2), ([3, 5], 2, 3)] {
      let server = try mailbox(uids, validity: validity)
      let told = try? String(contentsOfFile: yard.memory(.mail), encoding: .utf8)
      // The same box at another port.
      try told?.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:\(server.port)")
        .write(toFile: yard.memory(.mail), atomically: false, encoding: .utf8)
      let ran = try await Example.mail.run(language, in: yard, recipients + Example.mail.source(at: server.port))
      #expect(ran.status == 0, "\(ran.stderr)")
      #expect(try yard.names("new").count == count, "\(uids) of \(validity)")
    }
    let command = recipients + ["--url", "imap://127.0.0.1:\(server.port)"]
    let stranger = try await Example.mail.run(language, in: yard, command + ["--user", "you"])
    #expect(stranger.status == 77 && stranger.stderr.contains("is the password right?"), "\(stranger.stderr)")
    let elsewhere = try await Example.mail.run(language, in: yard, command + ["--user", "me", "--mailbox", "Nope"])
    #expect(elsewhere.status == 65 && elsewhere.stderr.contains("mailbox"), "\(elsewhere.stderr)")
    #expect(!stranger.stderr.contains("p\"w") && !elsewhere.stderr.contains("p\"w"))
    #expect(try yard.names("new").count == 3)
  }
}
