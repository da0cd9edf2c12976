import Testing

@testable import Sandbox

@Suite struct OneSignalSandboxTests {
  static let app = "00000000-0000-4000-8000-000000000001"
  static let known = ["onesignal": [["app_id": app, "api_key": "k"]]]
  static let key = [FormPair("Authorization", "Key k")]

  static func id(_ number: Int) -> String {
    let text = String(number)
    return "1dd608f2-c6a1-41e3-851d-" + String(repeating: "0", count: 12 - text.utf8.count) + text
  }

  static func ids(_ count: Int) -> String { WireJSON.strings((0..<count).map(id)).text }

  static let message: WireJSON = [
    "app_id": .string(app), "contents": ["en": "hello"], "include_subscription_ids": [.string(id(0)), .string(id(1))],
  ]

  @Test(arguments: [
    ("{}", 200), (#"{"app_id":null}"#, 400), (#"{"app_id":"x"}"#, 400),
    (#"{"app_id":"00000000-0000-4000-8000-000000000002"}"#, 403),
    (#"{"contents":null}"#, 400), (#"{"contents":{"zh":"x"}}"#, 400),
    (#"{"contents":null,"template_id":"t"}"#, 200), (#"{"contents":null,"content_available":true}"#, 200),
    (#"{"headings":"x"}"#, 400), (#"{"ttl":2419200}"#, 200), (#"{"ttl":2419201}"#, 400), (#"{"ttl":"1"}"#, 400),
    (#"{"idempotency_key":"x"}"#, 400), (#"{"include_subscription_ids":null}"#, 400),
    (#"{"include_subscription_ids":[]}"#, 400), (#"{"include_subscription_ids":["x"]}"#, 400),
    (#"{"include_subscription_ids":[1]}"#, 400),
    (#"{"include_subscription_ids":\#(ids(20_000))}"#, 200),
    (#"{"include_subscription_ids":\#(ids(20_001))}"#, 400),
    (#"{"included_segments":["All"]}"#, 400),
    (#"{"include_subscription_ids":null,"include_aliases":{"external_id":["a"]}}"#, 400),
    (#"{"include_subscription_ids":null,"include_aliases":{},"target_channel":"push"}"#, 400),
    (#"{"include_subscription_ids":null,"include_aliases":{"external_id":["a"]},"target_channel":"push"}"#, 200),
    (#"{"include_subscription_ids":null,"included_segments":["All"]}"#, 200),
  ])
  func aBodyIsRefusedAsTheServiceDoes(changes: String, status: Int) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try server.post("/notifications", try Self.message.with(changes), headers: Self.key)
    #expect(response.status == status)
    #expect((response.json["errors"] == nil) == (status == 200))
    #expect(server.records[0].content["include_subscription_ids"] == nil)
  }

  @Test(arguments: [("Key k", 200), ("Basic k", 200), ("Key x", 403), ("Bearer k", 401), ("Key ", 401)])
  func theKeyIsInAHeader(header: String, status: Int) throws {
    let server = try sandbox(credentials: Self.known)
    let headers = [FormPair("Authorization", header)]
    #expect(try server.post("/notifications", Self.message, headers: headers).status == status)
  }

  @Test func aRepeatedKeyDeliversNothing() throws {
    let clock = ManualClock()
    let server = try sandbox(credentials: Self.known, clock: clock)
    let message = try Self.message.with(#"{"idempotency_key":"11111111-2222-4333-8444-555555555555"}"#)
    let first = try server.post("/notifications?c=push", message, headers: Self.key)
    let second = try server.post("/notifications", message, headers: Self.key)
    #expect(first.header("idempotent-replayed") == nil)
    #expect(second.header("idempotent-replayed") == "true")
    #expect(second.body == first.body)
    #expect(first.json["external_id"] == "11111111-2222-4333-8444-555555555555")
    #expect(server.outcomes == [.accepted, .lookup])
    clock.advance(31 * 86_400)
    #expect(try server.post("/notifications", message, headers: Self.key).json["id"] != first.json["id"])
    #expect(server.outcomes == [.accepted, .lookup, .accepted])
  }

  @Test func aKeyIsUsedUpByALostAnswerButNotByARefusal() throws {
    let server = try sandbox(faults: ["throttle:count=1", "reset-after:count=1"])
    let message = try Self.message.with(#"{"idempotency_key":"11111111-2222-4333-8444-555555555555"}"#)
    #expect(try server.post("/notifications", message, headers: Self.key).json["errors"] == ["API rate limit exceeded"])
    let lost = try server.ask("POST", "/notifications", headers: Self.key + WxPusherRequest.json, body: message.bytes)
    #expect(lost == .reset)
    #expect(try server.post("/notifications", message, headers: Self.key).header("idempotent-replayed") == "true")
    #expect(server.outcomes == [.throttled, .accepted, .lookup])
  }

  @Test func refusedIdsAreListed() throws {
    let server = try sandbox(faults: ["recipient:to=\(Self.id(1))", "recipient:to=u2"])
    let ids = try server.post("/notifications", Self.message, headers: Self.key).json
    #expect(ids["errors"] == ["invalid_player_ids": [.string(Self.id(1))]])
    let aliases = try Self.message.with(
      #"{"include_subscription_ids":null,"include_aliases":{"external_id":["u1","u2"]},"target_channel":"push"}"#)
    let answer = try server.post("/notifications", aliases, headers: Self.key).json
    #expect(answer["errors"] == ["invalid_aliases": ["external_id": ["u2"]]])
    #expect(answer["id"]?.string?.isEmpty == false)
    #expect(server.outcomes == [.partial, .partial])
    #expect(server.records[1].recipients == ["u1", "u2"])
  }

  @Test func aMessageCanBeViewedAsRecorded() throws {
    let golden = try Golden.named("onesignal", "onesignal_python_api-view-message")
    let server = try sandbox(clock: ManualClock(Golden.pushTime))
    #expect(try golden.replay(to: server).status == 404)
    let id = try server.post("/notifications", Self.message, headers: Self.key).json["id"]?.string ?? ""
    let view = try server.response("GET", "/notifications/\(id)?app_id=\(Self.app)", headers: Self.key)
    let recorded = try #require(golden.exchanges[0].answer)
    FurtherGoldenTests.compare(view.json, recorded.json)
    #expect(view.json["successful"] == 2)
    let list = try server.response("GET", "/notifications?app_id=\(Self.app)&limit=50&offset=0", headers: Self.key)
    #expect(list.json["notifications"]?.array?.count == 1)
  }
}
