import Core
import Foundation
import Signing
import Testing

@testable import Providers

let oneSignalValues: [String: JSON] = [
  "app_id": .string("00000000-0000-4000-8000-000000000001"), "api_key": .string("os_v2_app_dummykey000000000000000"),
]
let oneSignal: @Sendable ([String: JSON]) throws -> OneSignal = { values in
  try OneSignal(settings(OneSignal.self, oneSignalValues.merging(values) { $1 }))
}
private let ids = (0..<3).map { "1dd608f2-c6a1-41e3-851d-00000000000\($0)" }

@Suite struct OneSignalGoldenTests {
  static let sending = GoldenCase.load("onesignal") { !$0.contains("view-message") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 5)
  }

  private func message(_ input: Value) -> Message {
    func others(_ name: String) -> [JSON.Member] {
      let texts = (input[name]?.object ?? [:]).filter { $0.key != "en" }
      return texts.isEmpty ? [] : [.init(name, .object(texts.map { .init($0.key, .string($0.value.string ?? "")) }))]
    }
    var options = others("contents") + others("headings")
    if let ttl = input["ttl"]?.number { options.append(.init("ttl", .integer(ttl))) }
    return Message(
      body: input["contents"]?["en"]?.string, title: input["headings"]?["en"]?.string, url: input["url"]?.string,
      options: options)
  }

  private func targets(_ input: Value) -> [String] {
    (input["include_subscription_ids"]?.strings ?? []) + (input["include_player_ids"]?.strings ?? [])
      + (input["include_aliases"]?["external_id"]?.strings ?? []).map { "external:\($0)" }
      + (input["included_segments"]?.strings ?? []).map { "segment:\($0)" }
  }

  /// The recorded request in the fields and at the place of today, with the key that our call has.
  private func modern(_ golden: GoldenCase, _ key: Value?) throws -> GoldenCase {
    var golden = golden
    var members = try #require(golden.json?.object)
    members["content_available"] = nil
    if members.removeValue(forKey: "include_player_ids") != nil {
      // That client sends one by one.
      members["include_subscription_ids"] = golden.input["include_player_ids"]
    }
    members["idempotency_key"] = key
    golden.json = .object(members)
    golden.path = "/notifications"
    return golden
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try oneSignal([:])
    let to = targets(golden.input)
    let call = try provider.call(message(golden.input), to: to)
    let request = provider.request(for: call)
    let key = request.json?["idempotency_key"]
    #expect(key?.string.flatMap { UUID(uuidString: $0) } != nil)
    #expect(differences(request, try modern(golden, key)) == [])
    #expect(request.header("authorization") == "Key os_v2_app_dummykey000000000000000")
    let recorded = golden.headers["authorization"]
    #expect(recorded == request.header("authorization") || recorded?.hasPrefix("Basic ") == true)
    guard let response = golden.response else {
      #expect(golden.name == "apprise/players-title", "its answers are among the exchanges")
      return
    }
    let answer = provider.answer(.http(response), to: call, at: Pinned.now)
    if golden.name == "onesignal-python-api/not-sent-answer" {
      #expect(
        answer == Answer([.rejected(.recipient, reason: "All included players are not subscribed").blaming(.recipient)])
      )
    } else {
      #expect(answer == .all(.accepted(id: "b98881cc-1e94-4366-bbd9-db8f3429292b"), in: call))
    }
  }
}

@Suite struct OneSignalRequestTests {
  @Test func theKeyIsTheCallsOwnAndTheSameEachTime() throws {
    let provider = try oneSignal([:])
    #expect(Recovery(provider) == .idempotencyKey)
    func key(_ id: String) throws -> String? {
      let call = try provider.call(Message(body: "x"), to: [ids[0]], id: id)
      return provider.request(for: call).json?["idempotency_key"]?.string
    }
    #expect(try key("call-1") == key("call-1") && key("call-1") != key("call-2"))
    #expect(
      try key("call-1")?.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
  }

  @Test func eachKindOfTargetHasALane() throws {
    let provider = try oneSignal([:])
    let id = try provider.target("1DD608F2-C6A1-41E3-851D-000000000000")
    #expect(id.wire == ids[0] && id.identity == ids[0])
    let user = try provider.target("external:\(ids[0])")
    let segment = try provider.target("segment:Active Users")
    #expect(user.wire == ids[0] && user.identity != id.identity && segment.wire == "Active Users")
    #expect(Set([id.lane, user.lane, segment.lane]).count == 3)
    for address in [
      "", "x", "external:", "segment: ", "topic:1", "1dd608f2c6a141e3851d000000000000", ids[0] + "0", "{\(ids[0])}",
    ] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
  }

  @Test func twentyThousandIdsAreOneCall() throws {
    let provider = try oneSignal([:])
    let users = (0..<20_000).map { "external:u\($0)" }
    let request = provider.request(for: try provider.call(Message(body: "x"), to: users))
    #expect(request.json?["include_aliases"]?["external_id"]?.array?.count == 20_000)
    #expect(request.json?["target_channel"] == .string("push"))
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    let provider = try oneSignal(["target_channel": .string("email")])
    for text in hostileTexts {
      let texts = JSON.object([.init("zh", .string(text))])
      var options = ["web_url", "app_url", "big_picture", "name", "subtitle"].map { JSON.Member($0, .string(text)) }
      options += [
        .init("contents", texts), .init("headings", texts), .init("data", texts),
        .init("excluded_segments", .strings([text])), .init("priority", .integer(5)),
      ]
      let message = Message(
        body: text, title: text, url: text, template: text, priority: .high, options: options)
      let users = try #require(provider.request(for: try provider.call(message, to: ["external:\(text)"])).json)
      for name in ["url", "web_url", "app_url", "big_picture", "name", "template_id"] {
        #expect(users[name] == .string(text))
      }
      let both = Value.object(["en": .string(text), "zh": .string(text)])
      #expect(users["contents"] == both && users["headings"] == both)
      #expect(users["data"] == .object(["zh": .string(text)]) && users["subtitle"] == .object(["en": .string(text)]))
      #expect(users["include_aliases"] == .object(["external_id": .array([.string(text)])]))
      #expect(users["target_channel"] == .string("email") && users["priority"] == .number(5))
      #expect(users["excluded_segments"] == nil)
      let segments = provider.request(for: try provider.call(message, to: ["segment:\(text)"])).json
      #expect(segments?["included_segments"] == .array([.string(text)]))
      #expect(segments?["excluded_segments"] == .array([.string(text)]) && segments?["target_channel"] == nil)
    }
  }

  @Test func usersAreMatchedByTheBytesOfTheirIDs() throws {
    let provider = try oneSignal(["strict_aliases": .boolean(true)])
    let call = try provider.call(Message(body: "x"), to: ["external:caf\u{E9}", "external:cafe\u{301}"])
    #expect(call.recipients[0].target != call.recipients[1].target)
    let answer = provider.answer(
      200, #"{"id":"1","errors":{"invalid_aliases":{"external_id":["cafe\u0301"]}}}"#, to: call)
    #expect(answer.outcomes.map(\.state) == [.accepted, .rejected])
  }

  @Test func whatCannotBeSentIsNamed() throws {
    let provider = try oneSignal([:])
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    #expect(fault(Message())?.field == "body")
    _ = try provider.rendered(Message(body: String(repeating: "x", count: 4_096)))
    #expect(fault(Message(body: String(repeating: "字", count: 1_366)))?.field == "body")
    #expect(try provider.rendered(Message(template: "t"))["template_id"] == "\"t\"")
    #expect(try oneSignal(["template": .string("d")]).rendered(Message())["template_id"] == "\"d\"")
    #expect(fault(Message(body: "x", params: .positional(["1"])))?.field == "params")
    #expect(fault(Message(body: "x", attachments: [.init(source: .data([]))]))?.field == "attachments")
    #expect(try provider.rendered(Message(body: "x", priority: .high))["priority"] == "10")
    for (name, value, field) in [
      ("ttl", .integer(2_419_201), "ttl"), ("priority", .integer(11), "priority"), ("data", .string("x"), "data"),
      ("contents", .string("x"), "contents"), ("contents", .object([.init("en", .string("x"))]), "contents.en"),
      ("contents", .object([.init("zh", .integer(1))]), "contents.zh"),
      ("headings", .object([.init("zh", .string("x"))]), "headings"),
    ] as [(String, JSON, String)] {
      #expect(fault(Message(body: "x", options: [.init(name, value)]))?.field == "options.\(field)")
    }
    for (name, value) in [("app_id", "x"), ("api_key", "a\r\nb"), ("target_channel", "fax")] {
      #expect(#expect(throws: SettingFault.self) { try oneSignal([name: .string(value)]) }?.setting == name)
    }
  }
}

@Suite struct OneSignalAnswerTests {
  private let sent = "b98881cc-1e94-4366-bbd9-db8f3429292b"

  @Test func unsubscribedIdsAreRejectedAndTheRestIsAccepted() throws {
    let provider = try oneSignal([:])
    let call = try provider.call(Message(body: "x"), to: ids)
    let body = #"{"id":"\#(sent)","errors":{"invalid_player_ids":["\#(ids[1].uppercased())","other"]}}"#
    #expect(
      provider.answer(200, body, to: call)
        == Answer([
          .accepted(id: sent), .rejected(.recipient, reason: "unsubscribed").blaming(.recipient), .accepted(id: sent),
        ]))
  }

  @Test func anUnsubscribedDeviceOfAUserIsAWarningUnlessTheChannelIsStrict() throws {
    let body = #"{"id":"\#(sent)","errors":{"invalid_aliases":{"external_id":["u2","u2"]}}}"#
    for (isStrict, state) in [(false, RecipientState.accepted), (true, .rejected)] {
      let provider = try oneSignal(["strict_aliases": .boolean(isStrict)])
      let call = try provider.call(Message(body: "x"), to: ["external:u1", "external:u2"])
      #expect(provider.answer(200, body, to: call).outcomes.map(\.state) == [.accepted, state])
    }
  }

  @Test func anEmptyIdIsNotSentToAnybody() throws {
    let provider = try oneSignal([:])
    let call = try provider.call(Message(body: "x"), to: ids)
    for body in [
      #"{"id":"","errors":["All included players are not subscribed"]}"#, #"{"id":""}"#,
      #"{"id":"","errors":{"invalid_player_ids":["\#(ids[0])"]}}"#,
    ] {
      let answer = provider.answer(200, body, to: call)
      #expect(answer.outcomes.allSatisfy { $0.state == .rejected && $0.kind == .recipient && $0.reason != nil })
      #expect(answer.advice == .proceed)
    }
  }

  @Test(arguments: [
    (400, "contents is required", RecipientState.rejected, ErrorKind.message, Answer.Advice.proceed),
    (400, "app_id not found", .deferred, .credentials, .suspend),
    (400, "include_subscription_ids has bad values", .rejected, .message, .split),
    (401, "x", .deferred, .credentials, .suspend), (403, "x", .deferred, .credentials, .suspend),
    (404, "x", .deferred, .credentials, .suspend), (409, "x", .unconfirmed, .uncertain, .proceed),
    (413, "x", .rejected, .message, .split), (422, "x", .deferred, .quota, .suspend),
    (429, "API rate limit exceeded", .deferred, .throttled, .slowDown(retryAfter: nil)),
    (429, "Too many messages to this audience", .deferred, .quota, .suspend),
    (500, "x", .unconfirmed, .uncertain, .proceed), (503, "x", .unconfirmed, .uncertain, .proceed),
    (200, "x", .unconfirmed, .uncertain, .proceed), (418, "x", .deferred, .provider, .proceed),
  ])
  func aStatusMeansWhatTheDocumentSays(
    _ status: Int, _ text: String, _ state: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice
  ) throws {
    let provider = try oneSignal([:])
    let call = try provider.call(Message(body: "x"), to: ids)
    let answer = provider.answer(status, #"{"errors":["\#(text)"]}"#, to: call)
    #expect(answer.outcomes.map(\.state) == ids.map { _ in state })
    #expect(answer.outcomes[0].kind == kind && answer.outcomes[0].code == "HTTP \(status)")
    #expect(answer.outcomes[0].reason == text && answer.advice == advice)
  }

  @Test(arguments: [(500, ""), (502, "<html>"), (503, ""), (504, "<html>"), (200, ""), (200, "<html>")])
  func whatMayHaveBeenCreatedIsRepeatedUnderItsKey(_ status: Int, _ body: String) throws {
    let provider = try oneSignal([:])
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: ids))
    #expect(answer.outcomes.allSatisfy { $0.state == .unconfirmed })
  }
}
