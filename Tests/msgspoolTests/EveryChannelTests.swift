import Foundation
import TestSupport
import Testing

/// What a channel needs at the least, and a message that its service takes, both as JSON5.
private struct Sample {
  var settings: String
  var message: String

  init(_ settings: String, _ message: String = "") {
    self.settings = settings
    self.message = message
  }
}

/// Those that speak HTTP, which the sandbox answers.
private let samples: [String: Sample] = [
  "wxpusher": Sample(#"app_token: "AT_token""#, #""to":"UID_a","body":"天气 🌧""#),
  "aliyun-sms": Sample(
    #"access_key_id: "LTAI", access_key_secret: "secret", sign_name: "阿里云", template: "SMS_1""#,
    #""to":"13800138000","params":{"code":"1"}"#),
  "twilio": Sample(
    #"account_sid: "AC00000000000000000000000000000000", auth_token: "secret", from: "+15005550006""#,
    #""to":"+8613800138000","body":"天气 🌧""#),
  "huawei-sms": Sample(
    #"app_key: "key", app_secret: "secret", sender: 8823040504797, template: "ff1b", signature: "华为云""#,
    #""to":"+8613800138000","params":["1"]"#),
  "tencent-sms": Sample(
    #"secret_id: "AKID", secret_key: "secret", sms_sdk_app_id: 1400006666, sign_name: "腾讯云", template: "449739""#,
    #""to":"+8613800138000","params":["1"]"#),
  "serverchan": Sample(#"sendkey: "SCT123456Tabcdefgh""#, #""title":"天气","body":"🌧""#),
  "serverfan": Sample(#"token: "tokentokentoken""#, #""title":"天气","body":"🌧""#),
  "pushplus": Sample(#"token: "0123456789abcdef0123456789abcdef""#, #""body":"天气 🌧""#),
  "onesignal": Sample(
    #"app_id: "11111111-2222-3333-4444-555555555555", api_key: "os_v2_app_secret""#,
    #""to":"66666666-2222-4333-8444-555555555555","body":"天气 🌧""#),
  "pushover": Sample(
    #"token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#, #""to":"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu","body":"天气 🌧""#),
  "pushed": Sample(#"app_key: "key", app_secret: "secret""#, #""body":"天气 🌧""#),
  "wecom-robot": Sample(#"key: "11111111-2222-3333-4444-555555555555""#, #""body":"天气 🌧""#),
  "wecom-app": Sample(
    #"corp_id: "ww1234", agent_id: "1000002", secret: "secret""#, #""to":"zhangsan","body":"天气 🌧""#),
  "telegram": Sample(#"token: "123456789:AAAbbbcccdddeeefff""#, #""to":"-1001234567890","body":"天气 🌧""#),
  "bark": Sample("", #""to":"aaaaaaaaaaaaaaaaaaaaaa","body":"天气 🌧""#),
  "ntfy": Sample("", #""to":"alerts","body":"天气 🌧""#),
  "dingtalk-robot": Sample(
    #"access_token: "ffffffffffffffffffffffffffffffff", secret: "SEC00000000""#, #""body":"天气 🌧""#),
  "feishu-robot": Sample(
    #"token: "11111111-2222-3333-4444-555555555555", secret: "secret""#, #""body":"天气 🌧""#),
  "gotify": Sample(#"token: "AbCdEfGhIjKlMnO""#, #""body":"天气 🌧""#),
  "pushdeer": Sample("", #""to":"PDU1abcdefghij","body":"天气 🌧""#),
  "webhook": Sample("", #""to":"ops","body":"天气 🌧""#),
]

extension Station {
  fileprivate func configure(all more: [String] = []) throws {
    let channels = samples.map { name, sample in
      let place = name == "webhook" ? "url: \"\(address)/webhook/x\"" : "endpoint: \"\(address)\""
      return "\"\(name)\": { provider: \"\(name)\", \(place), \(sample.settings) }"
    }
    try configure(text: "{ channels: { \((channels + more).joined(separator: ",\n")) } }")
  }

  /// One message for each, in a file of the channel's name.
  fileprivate func dropAll() throws {
    for (name, sample) in samples { try spool.drop(name, "{\"channel\":\"\(name)\",\(sample.message)}") }
  }

  /// Where the message is, and the kind of its error.
  fileprivate func end(of name: String) throws -> String {
    guard let folder = spool.folders(of: name).first else { return "lost" }
    guard folder != "new" else { return "new" }
    return [folder, try spool.last("\(folder)/\(name)")["error"]?["kind"]?.text].compactMap { $0 }.joined(
      separator: " ")
  }
}

/// A trouble at the far side and what comes of it: for most, and for those whose service says or knows something else.
private struct Trouble: Sendable, CustomTestStringConvertible {
  var fault: String
  var most: String
  var others: [String: Set<String>]

  var testDescription: String { fault }

  init(_ fault: String, _ most: String, _ others: [String: Set<String>] = [:]) {
    self.fault = fault
    self.most = most
    self.others = others
  }

  /// Services that can be asked, or know a call by its key.
  private static let recovering: Set = ["aliyun-sms", "tencent-sms", "twilio", "ntfy", "onesignal", "bark"]

  static let all = [
    Trouble(
      "recipient", "failed recipient",
      [
        // Nobody is named in the call: the channel has its target.
        "done": [
          "dingtalk-robot", "feishu-robot", "gotify", "pushed", "pushplus", "serverchan", "serverfan", "wecom-robot",
        ],
        "failed message": ["ntfy", "huawei-sms"], "failed provider": ["webhook"], "deferred provider": ["pushdeer"],
      ]),
    // Some know only limits of a day.
    Trouble(
      "throttle", "deferred throttled", ["new": ["pushed", "pushover", "pushplus", "serverchan", "serverfan"]]),
    // PushDeer's keys are its recipients.
    Trouble("credentials", "new", ["failed recipient": ["pushdeer"]]),
    Trouble(
      "quota", "new",
      [
        "deferred throttled": [
          "feishu-robot", "dingtalk-robot", "bark", "telegram", "wecom-app", "wecom-robot", "gotify", "pushdeer",
          "webhook",
        ],
        "deferred provider": ["wxpusher"],
      ]),
    Trouble(
      "truncate", "failed uncertain",
      // WeCom's application asks for a token first; Server饭 is done when it has answered 202.
      ["deferred uncertain": recovering, "deferred network": ["wecom-app"], "done": ["serverfan"]]),
    Trouble(
      "empty", "failed uncertain",
      ["deferred uncertain": recovering, "deferred provider": ["wecom-app"], "done": ["webhook"]]),
    // A page of a gateway, before which the call did not get through, says every document but these.
    Trouble(
      "non-json", "deferred provider",
      [
        "deferred uncertain": ["aliyun-sms", "onesignal", "tencent-sms", "twilio"],
        "failed uncertain": ["huawei-sms", "serverfan"], "done": ["webhook"],
      ]),
    Trouble(
      "reset-before", "failed uncertain", ["deferred uncertain": recovering, "deferred network": ["wecom-app"]]),
    Trouble(
      "reset-after", "failed uncertain", ["deferred uncertain": recovering, "deferred network": ["wecom-app"]]),
    Trouble(
      "status:http=503", "deferred provider",
      ["deferred uncertain": ["aliyun-sms", "onesignal", "tencent-sms", "twilio"], "failed uncertain": ["huawei-sms"]]),
    Trouble("status:http=401", "new"),
    Trouble("status:http=413", "failed message"),
    Trouble("status:http=429,retry-after=7", "deferred throttled", ["new": ["serverchan", "serverfan"]]),
  ]
}

@Suite struct EveryChannelTests {
  @Test("One sweep sends one message through every channel there is")
  func onePassThroughAll() async throws {
    try await withStation { station in
      // What speaks no HTTP is a program here; mail has a test of its own.
      let exec =
        #"exec: { provider: "exec", command: ["/usr/bin/env", "sed", "#
        + #"'s/.*\"to\":\"\\([^\"]*\\)\".*/{\"to\":\"\\1\",\"state\":\"accepted\"}/'] }"#
      try station.configure(all: [exec])
      try station.dropAll()
      try station.spool.drop("exec", #"{"channel":"exec","to":"anybody","body":"天气 🌧"}"#)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == samples.count + 1, "\(swept.stderr)")
      #expect(swept["calls"] == samples.count + 1 && swept["recipients"] == samples.count + 1)
      #expect(Set(station.spool.names(in: "done")) == Set(samples.keys).union(["exec"]))
      let reached = Set(try station.calls().filter { $0.outcome == "accepted" }.map(\.provider))
      #expect(reached == Set(samples.keys))

      let known = try await station.run("providers", ["--json"])
      let names = try Parsed(known.stdout).array.compactMap { $0["name"]?.text }
      // A provider that is added belongs into the list above.
      #expect(Set(names) == Set(samples.keys).union(["exec", "email", "instapush"]))
    }
  }

  @Test("What each provider makes of each trouble", arguments: Trouble.all)
  fileprivate func troubles(_ trouble: Trouble) async throws {
    try await withStation(faults: [trouble.fault]) { station in
      try station.configure(all: [])
      try station.dropAll()
      let swept = try await station.sweep()
      #expect(swept.status == 0, "\(swept.stderr)")
      for name in samples.keys.sorted() {
        let expected = trouble.others.first { $0.value.contains(name) }?.key ?? trouble.most
        #expect(try station.end(of: name) == expected, "\(name)")
      }
    }
  }

  @Test("A channel of a service that is gone is refused with what to use instead")
  func aServiceThatIsGone() async throws {
    try await withStation { station in
      try station.configure(text: #"{ channels: { a: { provider: "instapush" } } }"#)
      let swept = try await station.sweep()
      #expect(swept.status == 78)
      #expect(swept.stderr.contains("November 2018") && swept.stderr.contains("pushover"), "\(swept.stderr)")
    }
  }

  @Test(
    "Mail reaches a real server, with one answer for each recipient",
    .enabled(if: TestPython.with("aiosmtpd") != nil, TestPython.missing("aiosmtpd")))
  func mail() async throws {
    let python = try #require(TestPython.with("aiosmtpd"))
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let server = tests.appending(path: "TransportsTests/Fixtures/mail_server.py").path
    try await withStation { station in
      let record = "\(station.spool.path)/mail.jsonl"
      try await whileRunning(python, [server, record]) { port in
        try station.configure(
          text: #"{ channels: { mail: { provider: "email", from: "Alerts <alert@example.com>", security: "none", "#
            + "url: \"smtp://127.0.0.1:\(port)\" } } }")
        try station.spool.drop(
          "m",
          #"{"channel":"mail","to":["a@example.com","gone@example.com","full@example.com"],"title":"告警","body":"x"}"#)
        let swept = try await station.sweep()
        #expect(swept["deferred"] == 1 && swept["calls"] == 1, "\(swept.stderr)")
        let results = try station.spool.last("deferred/m")["results"]?.array ?? []
        #expect(results.map { $0["state"]?.text } == ["accepted", "rejected", "deferred"])
        #expect(results.map { $0["code"]?.text } == [nil, "550 5.1.1", "452 4.2.2"])
        let mails = try Data(contentsOf: URL(filePath: record)).split(separator: UInt8(ascii: "\n")).map {
          try Parsed($0)
        }
        #expect(mails.count == 1 && mails.first?["headers"]?["subject"]?.text == "告警")
      }
    }
  }
}
