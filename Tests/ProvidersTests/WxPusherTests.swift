import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

let wxPusher: @Sendable () throws -> WxPusher = {
  try WxPusher(settings(WxPusher.self, ["app_token": .string("AT_dummyAppToken0000000000000000000")]))
}

@Suite struct WxPusherRequestTests {
  /// The recorded inputs are the API's own parameters; this is the message that means the same.
  private func message(_ input: Value) throws -> (message: Message, to: [String]) {
    let format: Message.Format = [2: .html, 3: .markdown][input["contentType"]?.number ?? 1] ?? .text
    let topics = (input["topicIds"]?.array ?? []).compactMap(\.number).map { "topic:\($0)" }
    let message = Message(
      body: input["content"]?.string, title: input["summary"]?.string, format: format, url: input["url"]?.string)
    return (message, (input["uids"]?.strings ?? []) + topics)
  }

  static let sending = GoldenCase.load("wxpusher") { !$0.contains("qrcode") && !$0.contains("query") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 6)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try wxPusher()
    let (message, to) = try message(golden.input)
    let call = try provider.call(message, to: to)
    #expect(differences(provider.request(for: call), golden) == [])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer.outcomes.count == to.count)
    switch golden.name {
    case "apprise/business-error-answer":
      #expect(answer.outcomes[0].state == .deferred && answer.outcomes[0].code == "1005")
    case "wxpusher/partial-failure-answer":
      #expect(answer.outcomes.map(\.state) == [.accepted, .rejected])
      #expect(answer.outcomes[1] == .rejected(.recipient, code: "1001", reason: "（示例）目标级失败").blaming(.recipient))
    default:
      #expect(answer.outcomes.allSatisfy { $0.state == .accepted && $0.id?.hasPrefix("123") == true })
    }
  }

  @Test func twoThousandUsersShareACallAndAnEndpointMayHaveAPath() throws {
    let provider = try WxPusher(
      settings(WxPusher.self, ["app_token": .string("t")], endpoint: "http://127.0.0.1:8080/wx"))
    let uids = (0..<2000).map { "UID_dummy\($0)" }
    let request = provider.request(for: try provider.call(Message(body: "x"), to: uids))
    #expect(request.http.url == "http://127.0.0.1:8080/wx/api/send/message")
    #expect(request.json?["uids"]?.strings == uids)
    #expect(request.json?.object?.keys.sorted() == ["appToken", "content", "contentType", "uids"])
  }

  @Test func topicsAreNumbersInALaneOfFive() throws {
    let provider = try wxPusher()
    let target = try provider.target("topic:0123")
    #expect(target.lane.capacity == 5)
    #expect(target.identity == "topic:123" && target.address == "topic:0123")
    #expect(try provider.target("UID_a").lane != target.lane)
    #expect(try provider.target("UID_a").lane.capacity == nil)
    let request = provider.request(for: try provider.call(Message(body: "x"), to: ["topic:0123", "topic:7"]))
    #expect(request.json?["topicIds"] == .array([.number(123), .number(7)]))
    #expect(request.json?["uids"] == nil)
  }

  @Test(arguments: [
    "", "UID_", "uid_a", "UID_a b", "UID_a\n", "UID_\u{0}", "UID_a\u{2028}", "UID_a\u{200B}", "UID_\u{7F}", "topic:",
    "topic:-1", "topic:0", "topic:1.5", "topic:99999999999999999999", "topic:１", "13800138000", "user:1",
  ])
  func wrongAddressesAreRefused(_ address: String) throws {
    let provider = try wxPusher()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func userIdsAreComparedExactly() throws {
    let provider = try wxPusher()
    #expect(try provider.target("UID_a").identity != provider.target("UID_A").identity)
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try wxPusher()
    for text in hostileTexts {
      let message = Message(body: text, title: text, format: .html, url: text)
      let json = try #require(provider.request(for: try provider.call(message, to: ["UID_\"\\&"])).json)
      #expect(json["content"] == .string(text))
      #expect(json["summary"] == .string(text))
      #expect(json["url"] == .string(text))
      #expect(json["uids"] == .array([.string("UID_\"\\&")]))
      #expect(json["appToken"] == .string("AT_dummyAppToken0000000000000000000"))
      #expect(json.object?.count == 6)
    }
  }

  @Test func usersAreMatchedByTheBytesOfTheirIDs() throws {
    let provider = try wxPusher()
    let call = try provider.call(Message(body: "x"), to: ["UID_caf\u{E9}", "UID_cafe\u{301}"])
    let body =
      #"{"code":1000,"data":[{"uid":"UID_cafe\u0301","code":1000,"sendRecordId":2},{"uid":"UID_caf\u00e9","code":1000,"sendRecordId":1}]}"#
    #expect(provider.answer(200, body, to: call).outcomes == [.accepted(id: "1"), .accepted(id: "2")])
  }

  @Test func limitsAreInclusiveAndCountUTF16Units() throws {
    let provider = try wxPusher()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    _ = try provider.rendered(Message(body: String(repeating: "字", count: 40_000)))
    _ = try provider.rendered(Message(body: String(repeating: "🚀", count: 20_000)))
    #expect(fault(Message(body: String(repeating: "字", count: 40_001)))?.field == "body")
    #expect(fault(Message(body: String(repeating: "🚀", count: 20_000) + "x"))?.field == "body")
    _ = try provider.rendered(Message(body: "x", title: String(repeating: "字", count: 100)))
    #expect(fault(Message(body: "x", title: String(repeating: "字", count: 101)))?.field == "title")
    _ = try provider.rendered(Message(body: "x", url: String(repeating: "u", count: 1_000)))
    #expect(fault(Message(body: "x", url: String(repeating: "u", count: 1_001)))?.field == "url")
    #expect(fault(Message())?.field == "body")
    #expect(fault(Message(body: ""))?.field == "body")
    #expect(fault(Message(body: "x", attachments: [.init(source: .data([]))]))?.field == "attachments")
  }

  @Test func optionsAreCheckedAndLeftOutWhenUnset() throws {
    let provider = try wxPusher()
    func json(_ options: [JSON.Member], title: String? = nil) throws -> Value? {
      provider.request(for: try provider.call(Message(body: "x", title: title, options: options), to: ["UID_a"])).json
    }
    let set = try json([.init("verify_pay_type", .integer(2)), .init("summary", .string("head"))], title: "title")
    #expect(set?["verifyPayType"] == .number(2))
    #expect(set?["summary"] == .string("head"))
    #expect(try json([.init("verify_pay_type", .null)])?["verifyPayType"] == nil)
    for (value, field) in [
      (JSON.Member("verify_pay_type", .integer(3)), "options.verify_pay_type"),
      (.init("verify_pay_type", .string("1")), "options.verify_pay_type"),
      (.init("summary", .boolean(true)), "options.summary"),
      (.init("summary", .string(String(repeating: "s", count: 101))), "options.summary"),
    ] {
      let fault = #expect(throws: MessageFault.self) {
        try provider.rendered(Message(body: "x", options: [value]))
      }
      #expect(fault?.field == field)
    }
  }
}

@Suite struct WxPusherAnswerTests {
  struct Row: CustomTestStringConvertible {
    var code: Int
    var text: String
    var one: RecipientState
    var kind: ErrorKind
    var advice: Answer.Advice
    var several: Answer.Advice
    var attempts: Int?
    var testDescription: String { "\(code) \(text)" }

    init(
      _ code: Int, _ text: String, _ one: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice = .proceed,
      several: Answer.Advice? = nil, attempts: Int? = nil
    ) {
      (self.code, self.text, self.one, self.kind, self.advice) = (code, text, one, kind, advice)
      self.several = several ?? advice
      self.attempts = attempts
    }
  }

  static let rows = [
    Row(1000, "…", .unconfirmed, .uncertain),
    Row(1001, "发送过于频繁", .deferred, .throttled, .slowDown(retryAfter: nil)),
    Row(1001, "触发限流", .deferred, .throttled, .slowDown(retryAfter: nil)),
    Row(1001, "超过QPS限制", .deferred, .throttled, .slowDown(retryAfter: nil)),
    Row(1001, "UID不正确", .rejected, .recipient, several: .split),
    Row(1001, "内容过长", .rejected, .message, several: .split),
    Row(1001, "参数错误", .rejected, .message, several: .split),
    Row(1001, "出错了", .deferred, .provider, several: .split, attempts: 3),
    Row(1001, "", .deferred, .provider, several: .split, attempts: 3),
    Row(1002, "…", .deferred, .credentials, .suspend),
    Row(1003, "…", .deferred, .credentials, .suspend),
    Row(1004, "…", .deferred, .credentials, .suspend),
    Row(1005, "…", .deferred, .provider, attempts: 3),
    Row(1006, "…", .deferred, .provider),
    Row(1007, "…", .deferred, .provider),
    Row(1008, "…", .rejected, .message, several: .split),
    Row(1009, "…", .deferred, .provider, attempts: 3),
    Row(4711, "…", .deferred, .provider, attempts: 3),
    Row(0, "…", .deferred, .provider, attempts: 3),
    Row(200, "…", .deferred, .provider, attempts: 3),
  ]

  @Test(arguments: rows)
  func aCodeMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try wxPusher()
    let body = #"{"code":\#(row.code),"msg":"\#(row.text)","data":null,"success":false}"#
    let one = provider.answer(200, body, to: try provider.call(Message(body: "x"), to: ["UID_a"]))
    #expect(one.outcomes.map(\.state) == [row.one])
    #expect(one.outcomes[0].kind == row.kind)
    #expect(one.outcomes[0].code == String(row.code))
    #expect(one.outcomes[0].reason == row.text)
    #expect(one.outcomes[0].attempts == row.attempts)
    #expect(one.advice == row.advice)
    let several = provider.answer(200, body, to: try provider.call(Message(body: "x"), to: ["UID_a", "UID_b"]))
    #expect(several.outcomes.count == 2 && several.advice == row.several)
  }

  @Test(arguments: [
    (200, "", RecipientState.unconfirmed), (200, " \r\n", .unconfirmed), (200, "{\"code\":10", .unconfirmed),
    (200, "{}", .unconfirmed), (200, "null", .unconfirmed), (200, "\u{FEFF}{\"code\"", .unconfirmed),
    (200, "<html>502</html>", .deferred), (200, "Service busy", .deferred), (502, "<html>", .deferred),
    (500, "", .deferred), (503, "{\"code\":1001}", .deferred), (429, "", .deferred), (400, "bad", .deferred),
    (413, "", .rejected), (401, "", .deferred), (404, "", .deferred), (302, "", .deferred), (204, "", .unconfirmed),
    (500, "{\"code\":1000,\"data\":[{\"uid\":\"UID_a\",\"code\":1000}]}", .unconfirmed),
  ])
  func whatIsNoProperAnswerIsJudgedByHowItLooks(_ status: Int, _ body: String, _ state: RecipientState) throws {
    let provider = try wxPusher()
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: ["UID_a"]))
    #expect(answer.outcomes.map(\.state) == [state])
  }

  /// Wherever they stand, and however often: of two about one the first counts.
  @Test(arguments: 0..<100) func elementsMayStandInAnyOrder(seed: Int) throws {
    var random = SeededGenerator(UInt64(seed))
    let uids = (0..<12).map { "UID_\($0)" }
    var named = seed % 4 == 0 ? uids.shuffled(using: &random) : uids
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let place = Int.random(in: 0..<named.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: named.remove(at: place)
      case 1: named.insert(uids.randomElement(using: &random) ?? "", at: place)
      default: named.swapAt(place, 0)
      }
    }
    let elements = named.enumerated().map { #"{"uid":"\#($1)","code":1000,"sendRecordId":\#($0)}"# }
    let body = #"{"code":1000,"data":[\#(elements.joined(separator: ","))]}"#
    let provider = try wxPusher()
    let answer = provider.answer(200, body, to: try provider.call(Message(body: "x"), to: uids))
    #expect(answer.outcomes.map(\.id) == uids.map { uid in named.firstIndex(of: uid).map(String.init) })
    #expect(answer.outcomes.map(\.state) == uids.map { named.contains($0) ? .accepted : .unconfirmed })
  }

  @Test func elementsAreMatchedByNameAndAMissingTargetIsUnconfirmed() throws {
    let provider = try wxPusher()
    let call = try provider.call(Message(body: "x"), to: ["UID_a", "UID_b", "UID_c", "UID_d", "UID_e"])
    let body = """
      {"code":1000,"msg":"ok","data":[
        {"uid":"UID_d","code":1001,"status":"发送频繁"},{"uid":"UID_c","code":"1000","sendRecordId":"3"},
        {"uid":"UID_x","code":1000,"sendRecordId":9},{"uid":"UID_a","topicId":null,"code":1000,"sendRecordId":1},
        {"uid":"UID_e","sendRecordId":5}
      ]}
      """
    let answer = provider.answer(200, body, to: call)
    #expect(answer.outcomes.map(\.state) == [.accepted, .unconfirmed, .accepted, .deferred, .unconfirmed])
    #expect(answer.outcomes.map(\.id) == ["1", nil, "3", nil, nil])
    #expect(answer.outcomes[3].kind == .throttled)
    #expect(answer.advice == .proceed)
  }

  @Test(
    arguments: [
      (1001, "UID不正确", "rejected recipient", Blame.recipient, nil), (1002, "m", "deferred credentials", .account, nil),
      (1005, "m", "deferred provider", .unclear, 3), (1006, "m", "deferred provider", .unclear, nil),
      (1007, "m", "deferred provider", .unclear, nil), (1008, "m", "rejected message", .unclear, nil),
      (1009, "m", "deferred provider", .unclear, 3), (4711, "m", "deferred provider", .unclear, 3),
    ] as [(Int, String, String, Blame, Int?)])
  func anElementsCodeMeansWhatTheAnswersOwnDoes(
    _ code: Int, _ text: String, _ expected: String, _ blame: Blame, _ attempts: Int?
  ) throws {
    let provider = try wxPusher()
    let call = try provider.call(Message(body: "x"), to: ["UID_a", "UID_b"])
    let element = #"{"uid":"UID_b","code":\#(code),"status":"\#(text)"}"#
    let answer = provider.answer(200, #"{"code":1000,"data":[{"uid":"UID_a","code":1000},\#(element)]}"#, to: call)
    let outcome = answer.outcomes[1]
    #expect("\(outcome.state) \(outcome.kind.map { "\($0)" } ?? "")" == expected)
    #expect(outcome.blame == blame && outcome.attempts == attempts && outcome.code == String(code))
    #expect(answer.advice == .proceed)
    // The same of all of them: a wall is one only where it is surely the channel's.
    let all = [#"{"uid":"UID_a","code":\#(code),"status":"\#(text)"}"#, element].joined(separator: ",")
    let advice = provider.answer(200, #"{"code":1000,"data":[\#(all)]}"#, to: call).advice
    #expect(advice == (code == 1002 ? .suspend : .proceed))
  }

  @Test func elementsInsideAFailureAreNoSuccess() throws {
    let provider = try wxPusher()
    let call = try provider.call(Message(body: "x"), to: ["UID_a", "UID_b"])
    let body = #"{"code":1001,"data":[{"uid":"UID_a","code":1000},{"uid":"UID_b","code":1001,"status":"no"}]}"#
    #expect(provider.answer(200, body, to: call).outcomes.map(\.state) == [.unconfirmed, .rejected])
  }

  @Test func aThrottleSaysHowLong() throws {
    let provider = try wxPusher()
    let call = try provider.call(Message(body: "x"), to: ["UID_a"])
    let body = #"{"code":1001,"msg":"发送频繁"}"#
    let answer = provider.answer(200, body, headers: [HTTPHeader("retry-after", "7")], to: call)
    #expect(answer.advice == .slowDown(retryAfter: 7))
    #expect(answer.outcomes[0].retryAfter == 7)
  }
}
