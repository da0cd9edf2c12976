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
]

@Suite struct EveryChannelTests {
  @Test("One sweep sends one message through every channel there is")
  func onePassThroughAll() async throws {
    try await withStation { station in
      // What speaks no HTTP is a program here; mail has a server of its own in the transport's tests.
      var channels = samples.map { name, sample in
        "\"\(name)\": { provider: \"\(name)\", endpoint: \"\(station.address)\", \(sample.settings) }"
      }
      channels.append("webhook: { provider: \"webhook\", url: \"\(station.address)/webhook/x\" }")
      channels.append(
        #"exec: { provider: "exec", command: ["/usr/bin/env", "sed", "#
          + #"'s/.*\"to\":\"\\([^\"]*\\)\".*/{\"to\":\"\\1\",\"state\":\"accepted\"}/'] }"#)
      try station.configure(text: "{ channels: { \(channels.joined(separator: ",\n")) } }")
      var messages = samples.mapValues(\.message)
      messages["webhook"] = #""to":"ops","body":"天气 🌧""#
      messages["exec"] = #""to":"anybody","body":"天气 🌧""#
      for (name, message) in messages { try station.spool.drop(name, "{\"channel\":\"\(name)\",\(message)}") }

      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == messages.count, "\(swept.stderr)")
      #expect(swept["calls"] == messages.count && swept["recipients"] == messages.count)
      #expect(station.spool.names(in: "done").sorted() == messages.keys.sorted())
      let reached = Set(try station.calls().filter { $0.outcome == "accepted" }.map(\.provider))
      #expect(reached == Set(samples.keys).union(["webhook"]))

      let known = try await station.run("providers", ["--json"])
      let names = try Parsed(known.stdout).array.compactMap { $0["name"]?.text }
      // A provider that is added belongs into the list above.
      #expect(Set(names) == Set(messages.keys).union(["email", "instapush"]))
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
