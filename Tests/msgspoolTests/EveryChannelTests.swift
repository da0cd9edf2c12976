import Foundation
import TestSupport
import Testing

/// What a channel needs at the least, and a message that its service takes, as members of a JSON object.
private struct Sample: Sendable {
  var settings: String
  var message: String
}

/// Those that speak HTTP, which the sandbox answers. The fuzzer reads the file, too.
private let samples: [String: Sample] = {
  let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  let data = try? Data(contentsOf: tests.appending(path: "Corpus/channels.json"))
  let channels = data.flatMap { try? JSONSerialization.jsonObject(with: $0) } as? [String: [String: Any]]
  return (channels ?? [:]).mapValues { channel in
    let members = { (key: String) in
      let bytes = channel[key].flatMap { try? JSONSerialization.data(withJSONObject: $0) } ?? Data()
      return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
    }
    return Sample(settings: members("settings"), message: members("message"))
  }
}()

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
    let server = Repository.file("Tests/Fixtures/mail_server.py").path
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
