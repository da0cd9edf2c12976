import Core
import Foundation
import Testing

@testable import Providers

extension Ntfy: Exemplified {
  static let specimen = Specimen(
    provider: Ntfy.self, values: ["token": .string("tk_s3cret")], message: Message(body: "text"), addresses: ["topic"],
    success: (200, #"{"id":"X1","time":1700000000,"event":"message","topic":"t","message":"m"}"#),
    throttled: (429, #"{"code":42901,"http":429,"error":"limit reached"}"#),
    wrongCredentials: (401, #"{"code":40101,"http":401,"error":"unauthorized"}"#),
    unknownCode: (200, #"{"id":"X1","event":"keepalive"}"#))
}

private let ntfy: @Sendable () throws -> Ntfy = { try Ntfy(settings(Ntfy.self, [:])) }

@Suite struct NtfyTests {
  static let sending = GoldenCase.load("ntfy")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try ntfy()
    var options: [JSON.Member] = []
    if let tags = golden.input["tags"]?.strings { options.append(.init("tags", .strings(tags))) }
    if let priority = golden.input["priority"]?.number { options.append(.init("priority", .integer(priority))) }
    let message = Message(
      body: golden.input["message"]?.string, title: golden.input["title"]?.string, options: options)
    let call = try provider.call(message, to: ["dummy-topic"])
    #expect(differences(provider.request(for: call), golden) == [])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer == Answer([.accepted(id: "Xyz123abc")]))
  }

  @Test func credentialsAreATokenOrALoginOrNone() throws {
    func header(_ values: [String: JSON]) throws -> String? {
      let provider = try Ntfy(settings(Ntfy.self, values))
      return provider.request(for: try provider.call(Message(body: "x"), to: ["t"])).header("authorization")
    }
    #expect(try header([:]) == nil)
    #expect(try header(["token": .string("tk_1")]) == "Bearer tk_1")
    let login: [String: JSON] = ["username": .string("u"), "password": .string("p")]
    #expect(try header(login) == "Basic " + Data("u:p".utf8).base64EncodedString())
    for values: [String: JSON] in [
      ["username": .string("u")], ["password": .string("p")], login.merging(["token": .string("t")]) { $1 },
      ["username": .string("u:v"), "password": .string("p")],
    ] {
      #expect(throws: SettingFault.self) { try Ntfy(settings(Ntfy.self, values)) }
    }
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try ntfy()
    let options = ["attach", "filename", "icon", "delay", "email", "call"]
    for text in hostileTexts {
      let message = Message(
        body: text, title: text, format: .markdown, url: text, priority: .high,
        options: options.map { .init($0, .string(text)) } + [.init("tags", .strings([text, text]))])
      let json = provider.request(for: try provider.call(message, to: ["a"])).json
      for name in ["message", "title", "click"] + options { #expect(json?[name] == .string(text)) }
      #expect(json?["tags"]?.strings == [text, text] && json?["markdown"] == .boolean(true))
      #expect(json?["priority"] == .number(4) && json?.object?.count == 13)
    }
  }

  @Test func limitsCountBytesAndTopicsAreChecked() throws {
    let provider = try ntfy()
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 4_096))) == nil)
    #expect(faultyField(provider, Message(body: String(repeating: "字", count: 1_366))) == "body")
    #expect(faultyField(provider, Message(body: "x", title: String(repeating: "x", count: 1_025))) == "title")
    #expect(faultyField(provider, .with("tags", .strings([String(repeating: "x", count: 513)]))) == "options.tags")
    #expect(faultyField(provider, .with("priority", .integer(6))) == "options.priority")
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, Message()) == "body")
    #expect(try provider.rendered(Message(body: "x", priority: .low))["priority"] == "2")
    for address in ["", "a b", "a/b", "a,b", "ü", String(repeating: "t", count: 65)] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
    #expect(try provider.target(String(repeating: "t", count: 64)).wire.count == 64)
  }

  @Test func actionsAreButtonsAsTheServiceHasThem() throws {
    let provider = try ntfy()
    let view = #"{"action":"view","label":"Open é\u0301","url":"https://e.example/?a=1&b=2","clear":true}"#
    let call =
      #"{"action":"http","label":"Close","url":"https://e.example","method":"PUT","headers":{"A":"b"},"body":"{}"}"#
    let cast = #"{"action":"broadcast","label":"Photo","extras":{"cmd":"pic"}}"#
    func options(_ json: String) throws -> Message {
      Message(body: "x", options: [.init("actions", try JSONScanner.value(of: Array(json.utf8)))])
    }
    func sent(_ json: String) throws -> Value? {
      provider.request(for: try provider.call(try options(json), to: ["t"])).json?["actions"]
    }
    #expect(try sent("[\(view),\(call),\(cast)]") == Value(Data("[\(view),\(call),\(cast)]".utf8)))
    #expect(try sent(view) == Value(Data("[\(view)]".utf8)), "one alone")
    #expect(try sent("[]") == nil && sent("null") == nil)
    for (json, field) in [
      ("[\(view),\(view),\(view),\(view)]", "actions"), ("[1]", "actions[0]"), (#"{"label":"x"}"#, "actions[0].action"),
      (#"{"action":"jump","label":"x"}"#, "actions[0].action"), (#"{"action":"view","url":"u"}"#, "actions[0].label"),
      ("[\(view),{\"action\":\"http\",\"label\":\"x\"}]", "actions[1].url"),
      (#"{"action":"copy","label":"x","value":7}"#, "actions[0].value"),
      (#"{"action":"view","label":"x","url":"u","method":"GET"}"#, "actions[0].method"),
    ] {
      #expect(faultyField(provider, try options(json)) == "options.\(field)")
    }
  }

  private static func error(_ code: Int) -> String { #"{"code":\#(code),"http":\#(code / 100),"error":"m"}"# }

  /// Pinned.now is half past eight in the morning, UTC.
  private static let untilMidnight = 86_400.0 - 30_615

  static let rows = [
    AnswerRow(400, error(40009), .rejected, .message), AnswerRow(401, error(40101), .deferred, .credentials, .suspend),
    AnswerRow(403, error(40301), .deferred, .credentials), AnswerRow(413, error(41301), .rejected, .message),
    AnswerRow(413, error(41303), .rejected, .message),
    AnswerRow(429, error(42901), .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(429, error(42908), .deferred, .quota, .suspend, wait: untilMidnight),
    AnswerRow(429, error(42902), .deferred, .quota, wait: untilMidnight),
    AnswerRow(429, error(42905), .deferred, .quota, wait: untilMidnight),
    AnswerRow(429, error(42910), .deferred, .quota, wait: untilMidnight),
    AnswerRow(429, error(42909), .deferred, .credentials, .suspend),
    AnswerRow(507, error(50701), .rejected, .recipient),
    AnswerRow(500, error(50001), .deferred, .provider), AnswerRow(404, error(40401), .deferred, .credentials, .suspend),
    AnswerRow(429, error(42999), .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(502, "<html>", .deferred, .provider), AnswerRow(200, "<html>", .deferred, .provider),
    AnswerRow(200, "{}", .unconfirmed, .uncertain), AnswerRow(200, error(40009), .rejected, .message),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try ntfy()
    row.check(provider, try provider.call(Message(body: "x"), to: ["t"]))
  }
}

@Suite struct NtfyLookupTests {
  private let now = Pinned.now
  private let start = Int(Pinned.now.timeIntervalSince1970)

  private func line(_ id: String, _ message: String, time: Int, title: String? = nil, event: String = "message")
    -> String
  {
    let title = title.map { ",\"title\":\"\($0)\"" } ?? ""
    return
      "{\"id\":\"\(id)\",\"time\":\(time),\"event\":\"\(event)\",\"topic\":\"t\",\"message\":\"\(message)\"\(title)}\n"
  }

  private func finding(_ text: String, known: Set<String> = [], cursor: String? = nil, status: Int = 200) throws
    -> Finding
  {
    let provider = try ntfy()
    let call = try provider.call(Message(body: " text\n", title: "head"), to: ["t"])
    let question = Question(call: call, startedAt: now, knownIds: known, cursor: cursor)
    return provider.finding(in: .json(text, status: status), for: question, at: now + 60)
  }

  @Test func theTopicsCacheIsAskedSinceShortlyBefore() throws {
    let provider = try ntfy()
    let call = try provider.call(Message(body: "x"), to: ["t-1"])
    var question = Question(call: call, startedAt: now)
    var request = WireRequest(provider.lookup(question, at: now, nonce: Pinned.nonce))
    #expect(request.path == "/t-1/json" && request.queryValue("since") == String(start - 60))
    #expect(request.queryValue("poll") == "1" && request.queryValue("sched") == "1")
    question.cursor = "all"
    request = WireRequest(provider.lookup(question, at: now, nonce: Pinned.nonce))
    #expect(request.queryValue("since") == "all")
  }

  @Test func aMessageOfTheSameTextAndTitleSinceThenIsOurs() throws {
    let mine = line("A", "text", time: start, title: "head")
    #expect(try finding(mine) == .found([.accepted(id: "A")]))
    #expect(try finding(line("B", "text", time: start) + mine) == .found([.accepted(id: "A")]))
    #expect(try finding(mine, known: ["A"]) == .notFound)
    #expect(try finding(line("A", "text", time: start - 61, title: "head"), cursor: "all") == .notFound)
    #expect(try finding(line("A", "other", time: start, title: "head")) == .notFound)
  }

  @Test func silenceProvesNothingUntilTheCacheHasShownItself() throws {
    #expect(try finding("") == .more("all"))
    #expect(try finding("", cursor: "all") == .undecided)
    #expect(try finding(line("A", "x", time: start, event: "open"), cursor: "all") == .undecided)
    #expect(try finding(line("A", "old", time: 1), cursor: "all") == .notFound)
    #expect(try finding("{\"id\":\"A\",") == .undecided)
    #expect(try finding("", status: 403) == .undecided)
  }
}
