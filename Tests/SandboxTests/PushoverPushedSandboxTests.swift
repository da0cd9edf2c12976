import Testing

@testable import Sandbox

@Suite struct PushoverSandboxTests {
  static let path = "/1/messages.json"
  static let token = "a" + String(repeating: "0", count: 29)
  static func user(_ number: Int) -> String {
    "u" + String(String(100_000 + number) + String(repeating: "x", count: 23))
  }
  static func users(_ count: Int) -> String { (0..<count).map(user).joined(separator: ",") }
  static let message: WireJSON = ["token": .string(token), "user": .string(user(0)), "message": "hello"]
  private static func long(_ count: Int) -> String { String(repeating: "😀", count: count) }

  @Test(arguments: [
    ("{}", ""), (#"{"token":null}"#, "token"), (#"{"token":"x"}"#, "token"),
    (#"{"user":null}"#, "user"), (#"{"user":"x"}"#, "user"), (#"{"user":"\#(user(0)),"}"#, "user"),
    (#"{"user":"\#(users(50))"}"#, ""), (#"{"user":"\#(users(51))"}"#, "user"),
    (#"{"message":""}"#, "message"), (#"{"message":"\#(long(1024))"}"#, ""),
    (#"{"message":"\#(long(1025))"}"#, "message"),
    (#"{"title":"\#(long(251))"}"#, "title"), (#"{"url":"\#(long(513))"}"#, "url"),
    (#"{"url_title":"\#(long(101))"}"#, "url_title"), (#"{"device":"\#(users(1))"}"#, "device"),
    (#"{"priority":3}"#, "priority"), (#"{"priority":2}"#, "retry"),
    (#"{"priority":2,"retry":29,"expire":60}"#, "retry"),
    (#"{"priority":2,"retry":30}"#, "expire"), (#"{"priority":2,"retry":30,"expire":10801}"#, "expire"),
    (#"{"priority":2,"retry":30,"expire":1501}"#, ""), (#"{"priority":2,"retry":30,"expire":1530}"#, "expire"),
    (#"{"html":1,"monospace":1}"#, "html"), (#"{"ttl":-1}"#, "ttl"), (#"{"timestamp":"x"}"#, "timestamp"),
    (#"{"attachment_base64":"QUJD","attachment_type":"image/png"}"#, ""),
    (#"{"attachment_base64":"QUJD"}"#, "attachment_base64"), (#"{"attachment":"x"}"#, "attachment"),
  ])
  func aMessageIsRefusedAsTheServiceDoes(changes: String, field: String) throws {
    let server = try sandbox(credentials: ["pushover": [["token": Self.token]]])
    let response = try server.post(Self.path, try Self.message.with(changes))
    #expect(response.status == (field.isEmpty ? 200 : 400))
    #expect(response.json["status"]?.int == (field.isEmpty ? 1 : 0))
    if !field.isEmpty { #expect(response.json[field] == "invalid") }
    #expect(server.outcomes == [field.isEmpty ? .accepted : field == "token" ? .credentials : .rejected])
  }

  @Test(arguments: [(5_242_880, 200), (5_242_881, 413)]) func anAttachmentHasALimit(bytes: Int, status: Int) throws {
    let server = try sandbox()
    let (type, body) = MultipartRequest.body(
      [("token", Self.token), ("user", Self.user(0)), ("message", "字")],
      file: ("attachment", "a.png", [UInt8](repeating: 0x0D, count: bytes)))
    let response = try server.response("POST", Self.path, headers: [FormPair("Content-Type", type)], body: body)
    #expect(response.status == status)
    #expect(server.records[0].content["attachment"]?["bytes"]?.int == bytes)
    #expect(server.records[0].content["message"] == "字")
  }

  @Test func anEmergencyHasAReceiptAndEveryUserCounts() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let sent = try server.post(
      Self.path, try Self.message.with(#"{"user":"\#(Self.users(3))","priority":2,"retry":60,"expire":600}"#))
    #expect(sent.header("x-limit-app-remaining") == "9997")
    #expect(sent.header("x-limit-app-reset") == String(try #require(WireTime.unix(2024, 6, 1, 6))))
    let receipt = try #require(sent.json["receipt"]?.string)
    #expect(receipt.utf8.count == 30)
    let path = "/1/receipts/\(receipt)"
    #expect(try server.response("GET", "\(path).json?token=\(Self.token)").json["expired"] == 0)
    _ = try server.post("\(path)/cancel.json", form: [("token", Self.token)])
    #expect(try server.response("GET", "\(path).json?token=\(Self.token)").json["expired"] == 1)
    #expect(try server.response("GET", "/1/receipts/x.json?token=\(Self.token)").status == 404)
    #expect(server.records[0].recipients == (0..<3).map(Self.user))
  }

  @Test func oneBadKeyFailsTheCall() throws {
    let server = try sandbox(faults: ["recipient:to=\(Self.user(1))"])
    let response = try server.post(Self.path, try Self.message.with(#"{"user":"\#(Self.users(2))"}"#))
    #expect(response.json["user"] == "invalid")
    #expect(server.outcomes == [.rejected])
  }
}

@Suite struct PushedSandboxTests {
  static let known = ["pushed": [["app_key": "k", "app_secret": "s"]]]
  static let message: WireJSON = ["app_key": "k", "app_secret": "s", "target_type": "app", "content": "x"]
  private static func long(_ count: Int) -> String { String(repeating: "😀", count: count) }

  @Test(arguments: [
    ("{}", ""), (#"{"app_key":"x"}"#, "app_key_invalid"), (#"{"app_key":null}"#, "app_key_invalid"),
    (#"{"app_secret":"x"}"#, "app_secret_invalid"), (#"{"content":null}"#, "content_missing"),
    (#"{"content":"\#(long(140))"}"#, ""), (#"{"content":"\#(long(141))"}"#, "content_too_long"),
    (#"{"target_type":"all"}"#, "target_type_invalid"), (#"{"target_type":"channel"}"#, "target_alias_missing"),
    (#"{"target_type":"channel","target_alias":"c"}"#, ""), (#"{"target_type":"pushed_id"}"#, "pushed_id_missing"),
    (#"{"target_type":"user"}"#, "access_token_missing"), (#"{"content_type":"url"}"#, "content_type_invalid"),
  ])
  func aShipmentIsRefusedAsTheServiceDoes(changes: String, type: String) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try server.post("/1/push", try Self.message.with(changes))
    #expect(response.status == (type.isEmpty ? 200 : 400))
    #expect((response.json["error"]?["type"]?.string ?? "") == type)
  }

  @Test func aFormIsTakenAndFaultsAreInItsOwnWords() throws {
    let server = try sandbox(
      credentials: Self.known, faults: ["quota:after=1,count=1", "credentials:after=2", "recipient:to=c"])
    let form = [
      ("app_key", "k"), ("app_secret", "s"), ("target_type", "channel"), ("target_alias", "c"), ("content", "x"),
    ]
    #expect(try server.post("/1/push", form: form).json["error"]?["type"] == "target_not_found")
    #expect(try server.post("/1/push", Self.message).status == 429)
    #expect(try server.post("/1/push", Self.message).json["error"]?["type"] == "app_key_invalid")
    #expect(server.outcomes == [.rejected, .quota, .credentials])
    #expect(server.records[0].recipients == ["c"])
  }
}
