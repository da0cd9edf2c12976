import Core
import Foundation
import Providers
import Sandbox
import TestSupport
import Testing

/// What speaks no HTTP is tested apart, and so is what somebody has to log in to.
private let apart = Set(
  ["email", "exec", "instapush"] + Catalogue.providers.filter { $0 is any AccountProvider.Type }.map { $0.card.name })

/// A channel of every other provider, and a message that its service takes: what `init --sandbox` writes and says to send, so
/// that a provider that is added is here with its sandbox.
private struct Samples: Sendable {
  /// Settings beside provider and endpoint, as JSON5.
  var settings: [String: String] = [:]
  /// The file that `send` drops.
  var messages: [String: String] = [:]

  static let all = Task {
    var samples = Samples()
    let program = try #require(builtProgram())
    let folder = try ScratchFolder()
    #expect(try await run(program, ["init", folder.path("spool")]).status == 0)
    // Without a configuration nothing is known of the channels, and every message is taken.
    try FileManager.default.removeItem(atPath: folder.path("spool/config.json"))
    for name in Catalogue.providers.map({ $0.card.name }) where !apart.contains(name) {
      let sample = try #require(SandboxCatalogue.sample(of: name), "\(name) has no far side")
      samples.settings[name] = sample.settings.joined(separator: ", ")
      let line = "'\(program)' send --spool '\(folder.path("spool"))' --channel \(name) \(sample.send)"
      let sent = try await run("sh", ["-c", line])
      #expect(sent.status == 0, "\(sent.stderr)")
      samples.messages[name] = try folder.text(
        "spool/new/\(sent.stdout.trimmingCharacters(in: .whitespacesAndNewlines))")
    }
    return samples
  }
}

/// Services that can be asked, or know a call by its key.
private let recovering = Set(
  Catalogue.providers.filter { $0 is any AskableProvider.Type || $0 is any RepeatableProvider.Type }.map {
    $0.card.name
  })

/// Nobody is named in a call to them: the channel has its target.
private let targets = Set(
  Catalogue.providers.filter {
    $0.card.hasOwnTarget && SandboxCatalogue.sample(of: $0.card.name)?.send.contains("--to") != true
  }
  .map { $0.card.name })

extension Station {
  fileprivate func configure(_ samples: Samples, _ more: [String] = []) throws {
    let channels = samples.settings.map { name, settings in
      let place = name == "webhook" ? "url: \"\(address)/webhook/x\"" : "endpoint: \"\(address)\""
      return "\"\(name)\": { provider: \"\(name)\", \(place), \(settings) }"
    }
    try configure(text: "{ channels: { \((channels + more).joined(separator: ",\n")) } }")
  }

  /// One message for each, in a file of the channel's name.
  fileprivate func drop(_ samples: Samples) throws {
    for (name, message) in samples.messages { try spool.drop(name, message) }
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

  init(_ fault: String, _ most: String, _ others: [String: Set<String>] = [:], mayBeInDoubt: Bool = false) {
    self.fault = fault
    self.most = most
    self.others = others
    self.mayBeInDoubt = mayBeInDoubt
  }

  /// Whether a document may have it that a page of a gateway, or any 5xx, leaves the call in doubt.
  var mayBeInDoubt = false

  func expected(of name: String) -> Set<String> {
    let usual = others.first { $0.value.contains(name) }?.key ?? most
    guard mayBeInDoubt, usual == most else { return [usual] }
    return [usual, recovering.contains(name) ? "deferred uncertain" : "failed uncertain"]
  }

  static let all = [
    Trouble(
      "recipient", "failed recipient",
      [
        "done": targets,
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
    Trouble("non-json", "deferred provider", ["done": ["webhook"]], mayBeInDoubt: true),
    Trouble(
      "reset-before", "failed uncertain", ["deferred uncertain": recovering, "deferred network": ["wecom-app"]]),
    Trouble(
      "reset-after", "failed uncertain", ["deferred uncertain": recovering, "deferred network": ["wecom-app"]]),
    Trouble("status:http=503", "deferred provider", mayBeInDoubt: true),
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
      let samples = try await Samples.all.value
      try station.configure(samples, [exec])
      try station.drop(samples)
      try station.spool.drop("exec", #"{"channel":"exec","to":"anybody","body":"天气 🌧"}"#)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == samples.messages.count + 1, "\(swept.stderr)")
      #expect(swept["calls"] == samples.messages.count + 1 && swept["recipients"] == samples.messages.count + 1)
      #expect(Set(station.spool.names(in: "done")) == Set(samples.messages.keys).union(["exec"]))
      let reached = Set(try station.calls().filter { $0.outcome == "accepted" }.map(\.provider))
      #expect(reached == Set(samples.messages.keys))

      let known = try await station.run("providers", ["--json"])
      let names = try Parsed(known.stdout).array.compactMap { $0["name"]?.text }
      #expect(Set(names) == Set(samples.messages.keys).union(apart))
    }
  }

  @Test("What each provider makes of each trouble", arguments: Trouble.all)
  fileprivate func troubles(_ trouble: Trouble) async throws {
    try await withStation(faults: [trouble.fault]) { station in
      let samples = try await Samples.all.value
      try station.configure(samples)
      try station.drop(samples)
      let swept = try await station.sweep()
      #expect(swept.status == 0, "\(swept.stderr)")
      for name in samples.messages.keys.sorted() {
        let end = try station.end(of: name)
        #expect(trouble.expected(of: name).contains(end), "\(name): \(end)")
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
