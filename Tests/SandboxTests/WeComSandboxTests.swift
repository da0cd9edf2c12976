import Digests
import Testing

@testable import Sandbox

@Suite struct WeComRobotSandboxTests {
  static let known = ["wecom-robot": [["key": "k"]]]
  static let send = "/cgi-bin/webhook/send?key=k"
  private static func text(_ bytes: Int) -> String {
    String(repeating: "字", count: bytes / 3) + String(repeating: "x", count: bytes % 3)
  }
  private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A]
  private static var image: String {
    #"{"msgtype":"image","image":{"base64":"\#(Base64.encode(png))","md5":"\#(Digest.md5.of(png).hex)"}}"#
  }
  private static func news(_ count: Int, title: Int = 1) -> String {
    let article = #"{"title":"\#(text(title))","url":"https://example.com"}"#
    return
      #"{"msgtype":"news","news":{"articles":[\#(Array(repeating: article, count: count).joined(separator: ","))]}}"#
  }

  @Test(arguments: [
    (#"{"msgtype":"text","text":{"content":"\#(text(2048))"}}"#, 0),
    (#"{"msgtype":"text","text":{"content":"\#(text(2049))"}}"#, 45002),
    (#"{"msgtype":"markdown","markdown":{"content":"\#(text(4096))"}}"#, 0),
    (#"{"msgtype":"markdown_v2","markdown_v2":{"content":"\#(text(4097))"}}"#, 45002),
    (#"{"msgtype":"text","text":{"content":""}}"#, 44004), (#"{"msgtype":"text"}"#, 44004),
    (#"{"msgtype":"text","text":"x"}"#, 44004), (#"{"msgtype":"poem","poem":{}}"#, 40008), ("{}", 40008),
    (#"{"msgtype":"text","text":{"content":"x","mentioned_list":"@all"}}"#, 40035), ("{", 40033),
    (image, 0), (image.replacing("base64\":\"i", with: "base64\":\"j"), 40004),
    (image.replacing("md5\":\"", with: "md5\":\"0"), 40035),
    (image.replacing("base64\":\"", with: "base64\":\"\\n"), 40035),
    (news(8), 0), (news(9), 45008), (news(0), 45008), (news(1, title: 128), 0), (news(1, title: 129), 45002),
    (#"{"msgtype":"file","file":{"media_id":"x"}}"#, 40007),
    (#"{"msgtype":"template_card","template_card":{"card_type":"text_notice"}}"#, 0),
    (#"{"msgtype":"template_card","template_card":{"card_type":"x"}}"#, 40035),
  ])
  func aMessageIsRefusedAsTheServerDoes(body: String, code: Int) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try server.response("POST", Self.send, headers: WxPusherRequest.json, body: Array(body.utf8))
    #expect(response.status == 200)
    #expect(response.json["errcode"]?.int == code)
    #expect(server.outcomes == [code == 0 ? .accepted : .rejected])
  }

  @Test func anUploadIsKnownToItsRobotForThreeDays() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let id = try server.upload("/cgi-bin/webhook/upload_media?key=k&type=file", 5).json["media_id"] ?? .null
    let file: WireJSON = ["msgtype": "file", "file": ["media_id": id]]
    #expect(try server.post(Self.send, file).json["errcode"] == 0)
    #expect(try server.post("/cgi-bin/webhook/send?key=other", file).json["errcode"] == 40007)
    #expect(try server.post(Self.send, ["msgtype": "voice", "voice": ["media_id": id]]).json["errcode"] == 40007)
    clock.advance(3 * 86_400)
    #expect(try server.post(Self.send, file).json["errcode"] == 40007)
    #expect(server.outcomes == [.lookup, .accepted, .rejected, .rejected, .rejected])
  }

  @Test(arguments: [
    ("k&type=file", 4, 40006), ("k&type=image", 9, 40004), ("k", 9, 40004), ("k&type=voice", 9, 40004),
    ("x&type=file", 9, 93000),
  ])
  func anUploadIsRefused(query: String, bytes: Int, code: Int) throws {
    let server = try sandbox(credentials: Self.known)
    #expect(try server.upload("/cgi-bin/webhook/upload_media?key=\(query)", bytes).json["errcode"]?.int == code)
    #expect(try server.post("/cgi-bin/webhook/upload_media?key=k&type=file", [:]).json["errcode"] == 40035)
  }

  @Test func aWrongKeyAndARate() throws {
    let server = try sandbox(credentials: Self.known, faults: ["throttle:after=1"])
    let text: WireJSON = ["msgtype": "text", "text": ["content": "x"]]
    #expect(try server.post("/cgi-bin/webhook/send?key=x", text).json["errcode"] == 93000)
    #expect(try server.post(Self.send, text).json["errcode"] == 45009)
    #expect(server.outcomes == [.credentials, .throttled])
  }
}

@Suite struct WeComAppSandboxTests {
  static let known = ["wecom-app": [["corp_id": "c", "agent_id": "7", "secret": "s"]]]
  static let message: WireJSON = ["touser": "ZhangSan|lisi", "agentid": 7, "msgtype": "text", "text": ["content": "x"]]
  private static func items(_ count: Int) -> String { (0..<count).map { "u\($0)" }.joined(separator: "|") }
  private static func text(_ bytes: Int) -> String { String(repeating: "x", count: bytes) }

  @Test(arguments: ["onepush-app-text-two-users", "push_tools-app-token-expired-retry"])
  func everyRequestIsAnsweredAsItsClientWas(name: String) throws {
    let golden = try Golden.named("wecom", name)
    let account = ["corp_id": "wwdummycorpid00000", "agent_id": "1000002", "secret": "dummy-corp-secret"]
    let expires = name.contains("expired") ? ["credentials:on=send,count=1,code=42001"] : []
    let server = try sandbox(credentials: ["wecom-app": [account]], faults: expires)
    var token = ""
    for (request, expected) in golden.exchanges {
      var request = request
      request.target = request.target.replacing("DUMMY_ACCESS_TOKEN", with: token)
      let response = try request.replay(to: server)
      let recorded = try #require(expected)
      FurtherGoldenTests.compare(response.json, recorded.json)
      if let new = response.json["access_token"]?.string {
        #expect(new != token)
        token = new
      }
    }
    #expect(server.outcomes.last == .accepted)
    for record in server.records { #expect(!record.content.text.contains("dummy-corp-secret")) }
  }

  private func token(_ server: SandboxServer, _ corporation: String = "c", _ secret: String = "s") throws -> WireJSON {
    try server.response("GET", "/cgi-bin/gettoken?corpid=\(corporation)&corpsecret=\(secret)").json
  }

  private func send(_ message: WireJSON, _ server: SandboxServer) throws -> WireJSON {
    let token = try token(server)["access_token"]?.string ?? ""
    return try server.post("/cgi-bin/message/send?access_token=\(token)", message).json
  }

  @Test(arguments: [
    ("{}", 0), (#"{"agentid":"7"}"#, 40056), (#"{"agentid":8}"#, 40056), (#"{"agentid":null}"#, 40056),
    (#"{"touser":null}"#, 81013), (#"{"touser":["a"]}"#, 40035), (#"{"touser":"a||b"}"#, 40031),
    (#"{"touser":"\#(items(1000))"}"#, 0), (#"{"touser":"\#(items(1001))"}"#, 40032),
    (#"{"touser":null,"toparty":"\#(items(100))"}"#, 0), (#"{"totag":"\#(items(101))"}"#, 40035),
    (#"{"touser":"@all"}"#, 0), (#"{"text":{"content":"\#(text(5000))"}}"#, 0), (#"{"text":{"content":""}}"#, 44004),
    (#"{"msgtype":"markdown","markdown":{"content":"\#(text(2049))"}}"#, 45002),
    (#"{"msgtype":"textcard","textcard":{"title":"t","description":"d","url":"u"}}"#, 0),
    (#"{"msgtype":"textcard","textcard":{"title":"t","description":"d"}}"#, 44004),
    (#"{"msgtype":"image","image":{"media_id":"x"}}"#, 40007), (#"{"msgtype":"poem","poem":{}}"#, 40008),
    (#"{"duplicate_check_interval":14401}"#, 40035),
  ])
  func aMessageIsRefusedAsTheServerDoes(changes: String, code: Int) throws {
    let server = try sandbox(credentials: Self.known)
    let answer = try send(try Self.message.with(changes), server)
    #expect(answer["errcode"]?.int == code)
    #expect((answer["msgid"] == nil) == (code != 0))
  }

  @Test func aTokenIsKeptUntilItExpires() throws {
    let clock = ManualClock()
    let server = try sandbox(credentials: Self.known, clock: clock)
    #expect(try token(server, "x")["errcode"] == 40013)
    #expect(try token(server, "c", "x")["errcode"] == 40001)
    let first = try token(server)
    clock.advance(100)
    let again = try token(server)
    #expect(again["access_token"] == first["access_token"])
    #expect(again["expires_in"] == 7100)
    let path = "/cgi-bin/message/send"
    #expect(try server.post(path, Self.message).json["errcode"] == 41001)
    #expect(try server.post(path + "?access_token=x", Self.message).json["errcode"] == 40014)
    clock.advance(7100)
    let old = first["access_token"]?.string ?? ""
    #expect(try server.post(path + "?access_token=\(old)", Self.message).json["errcode"] == 42001)
    #expect(try send(Self.message, server)["errcode"] == 0)
  }

  @Test func usersFailInLowerCaseAndAllOfThemTogether() throws {
    let server = try sandbox(faults: ["recipient:to=ZhangSan", "recipient:to=wang,code=unlicenseduser"])
    let some = try send(try Self.message.with(#"{"touser":"ZhangSan|lisi|wang"}"#), server)
    #expect(some["errcode"] == 0)
    #expect(some["invaliduser"] == "zhangsan")
    #expect(some["unlicenseduser"] == "wang")
    #expect(try send(try Self.message.with(#"{"touser":"ZhangSan"}"#), server)["errcode"] == 81013)
    #expect(server.records.filter { $0.outcome != .lookup }.map(\.outcome) == [.partial, .rejected])
    #expect(server.records[1].recipients == ["ZhangSan", "lisi", "wang"])
    #expect(server.records[1].content["touser"] == nil)
  }

  @Test func aDuplicateIsTakenOnceWithinItsInterval() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let message = try Self.message.with(#"{"enable_duplicate_check":1,"duplicate_check_interval":60}"#)
    let first = try send(message, server)["msgid"]
    #expect(try send(message, server)["msgid"] == first)
    clock.advance(60)
    #expect(try send(message, server)["msgid"] != first)
    #expect(server.records.filter { $0.outcome == .accepted }.count == 2)
    let token = try token(server)["access_token"]?.string ?? ""
    let recall = "/cgi-bin/message/recall?access_token=\(token)"
    #expect(try server.post(recall, ["msgid": first ?? .null]).json["errcode"] == 0)
    #expect(try server.post(recall, ["msgid": "x"]).json["errcode"] == 40035)
  }

  @Test func anUploadIsSentByItsId() throws {
    let server = try sandbox()
    let token = try token(server)["access_token"]?.string ?? ""
    let id = try server.upload("/cgi-bin/media/upload?access_token=\(token)&type=image", 100).json["media_id"] ?? .null
    #expect(try send(Self.message.merging(["msgtype": "image", "image": ["media_id": id]]), server)["errcode"] == 0)
    #expect(server.records[1].content["media"]?["filename"] == "报告.txt")
  }
}

extension SandboxServer {
  fileprivate func upload(_ target: String, _ bytes: Int) throws -> Response {
    let (type, body) = MultipartRequest.body([], file: ("media", "报告.txt", [UInt8](repeating: 1, count: bytes)))
    return try response("POST", target, headers: [FormPair("Content-Type", type)], body: body)
  }
}
