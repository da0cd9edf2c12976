import Digests
import Testing

@testable import Sandbox

@Suite struct DingTalkSandboxTests {
  static let known = ["dingtalk-robot": [["access_token": "t", "secret": "SEC1"], ["access_token": "open"]]]
  static let message: WireJSON = ["msgtype": "text", "text": ["content": "x"]]

  static func target(_ token: String = "t", milliseconds: Int = 1_716_193_815_000, secret: String = "SEC1") -> String {
    let sign = Base64.encode(Digest.sha256.hmac(key: secret.utf8, "\(milliseconds)\n\(secret)".utf8))
    return "/robot/send?"
      + PercentEncoding.query([
        FormPair("access_token", token), FormPair("timestamp", String(milliseconds)), FormPair("sign", sign),
      ])
  }

  @Test(arguments: [
    (target(), 0), (target("x"), 300_005), (target(secret: "SEC2"), 310_000), ("/robot/send", 300_005),
    ("/robot/send?access_token=t", 310_000), ("/robot/send?access_token=open", 0),
    (target(milliseconds: 1_716_193_815_000 - 3_600_000), 0),
    (target(milliseconds: 1_716_193_815_000 - 3_600_001), 310_000), (target(milliseconds: 1_716_193_815), 310_000),
    (target().replacing("sign=", with: "sign=A"), 310_000),
  ])
  func aSignatureIsVerified(target: String, code: Int) throws {
    let server = try sandbox(credentials: Self.known)
    #expect(try server.post(target, Self.message).json["errcode"]?.int == code)
    #expect(server.outcomes == [code == 0 ? .accepted : .credentials])
  }

  @Test func aSignThatIsEncodedTwiceIsRefused() throws {
    let golden = try Golden.named("dingtalk", "apprise-text-signed-phone")
    let account = [
      "access_token": "dummydingtoken00000000000000000000000000000000000000000000000000",
      "secret": "SECdummysecret0000000000000000000000000000000000000000000000000",
    ]
    let server = try sandbox(credentials: ["dingtalk-robot": [account]], clock: ManualClock(Golden.pushTime))
    #expect(try golden.replay(to: server).json["errcode"] == 310_000)
    var once = golden
    once.target = golden.target.replacing("%25", with: "%")
    #expect(try once.replay(to: server).json["errcode"] == 0)
  }

  @Test(arguments: [
    ("{}", 0), (#"{"msgtype":"poem"}"#, 40035), (#"{"text":null}"#, 40035), (#"{"text":{"content":""}}"#, 40035),
    (#"{"msgtype":"markdown","markdown":{"title":"t","text":"x"}}"#, 0),
    (#"{"msgtype":"markdown","markdown":{"text":"x"}}"#, 40035),
    (#"{"msgtype":"link","link":{"title":"t","text":"x"}}"#, 40035),
    (#"{"msgtype":"feedCard","feedCard":{"links":[]}}"#, 40035), (#"{"at":{"atMobiles":"1"}}"#, 40035),
    (#"{"text":{"content":"\#(String(repeating: "x", count: 20_000))"}}"#, 460_101),
  ])
  func aMessageIsRefusedAsTheServerDoes(changes: String, code: Int) throws {
    let server = try sandbox()
    let answer = try server.post("/robot/send?access_token=any", try Self.message.with(changes)).json
    #expect(answer["errcode"]?.int == code)
  }

  @Test func typesAndFaults() throws {
    let server = try sandbox(faults: ["throttle:after=1"])
    let text = try server.response("POST", "/robot/send?access_token=a", body: Self.message.bytes)
    #expect(text.json["errcode"] == 43004)
    #expect(try server.post("/robot/send?access_token=a", Self.message).json["errcode"] == 130_101)
  }
}

@Suite struct FeishuSandboxTests {
  static let known = ["feishu-robot": [["hook": "h", "secret": "s"], ["hook": "open"]]]
  static let path = "/open-apis/bot/v2/hook/"
  static let message: WireJSON = ["msg_type": "text", "content": ["text": "x"]]

  static func signed(_ seconds: Int = 1_716_193_815, secret: String = "s") -> WireJSON {
    let sign = Base64.encode(Digest.sha256.hmac(key: "\(seconds)\n\(secret)".utf8, []))
    return message.merging(["timestamp": .string(String(seconds)), "sign": .string(sign)])
  }

  @Test func aSignatureIsVerified() throws {
    let server = try sandbox(credentials: Self.known)
    func code(_ token: String, _ body: WireJSON) throws -> Int? {
      try server.post(Self.path + token, body).json["code"]?.int
    }
    #expect(try code("h", Self.signed()) == 0)
    #expect(try code("open", Self.message) == 0)
    #expect(try code("h", Self.message) == 19021)
    #expect(try code("h", Self.signed(secret: "x")) == 19021)
    #expect(try code("h", Self.signed(1_716_193_815 - 3600)) == 0)
    #expect(try code("h", Self.signed(1_716_193_815 - 3601)) == 19021)
    #expect(try code("x", Self.signed()) == 19001)
    #expect(try code("h/x", Self.signed()) == 19001)
    #expect(server.records[0].content == Self.message)
  }

  @Test(arguments: [
    ("{}", 0), (#"{"msg_type":null}"#, 9499), (#"{"msg_type":"poem"}"#, 9499), (#"{"content":{"text":""}}"#, 9499),
    (#"{"content":"x"}"#, 9499), (#"{"msg_type":"post","content":{"post":{"zh_cn":{}}}}"#, 0),
    (#"{"msg_type":"image"}"#, 9499), (#"{"msg_type":"interactive","card":{}}"#, 0),
    (#"{"sign":"x","timestamp":"1716193815"}"#, 19021),
    (#"{"content":{"text":"\#(String(repeating: "x", count: 20 * 1024))"}}"#, 19036),
  ])
  func aMessageIsRefusedAsTheServerDoes(changes: String, code: Int) throws {
    let server = try sandbox()
    let response = try server.post(Self.path + "any", try Self.message.with(changes))
    #expect(response.json["code"]?.int == code)
    #expect(response.status == (code == 9499 ? 400 : 200))
  }

  @Test func faultsAreInItsOwnWords() throws {
    let server = try sandbox(faults: ["throttle:count=1", "credentials:count=1", "quota:code=99991400"])
    #expect(
      try (0..<3).map { _ in try server.post(Self.path + "h", Self.message).json["code"] } == [
        11232, 19001, 99_991_400,
      ])
    #expect(server.outcomes == [.throttled, .credentials, .quota])
  }
}

@Suite struct TelegramSandboxTests {
  static let bot = "/bot1:a/"
  static let known = ["telegram": [["token": "1:a"]]]
  private static func long(_ count: Int) -> String { String(repeating: "字", count: count) }

  @Test(arguments: [
    (#"{"chat_id":1,"text":"\#(long(4096))"}"#, ""), (#"{"chat_id":1,"text":"\#(long(4097))"}"#, "message is too long"),
    (#"{"chat_id":1,"text":"\#(long(4097))","parse_mode":"HTML"}"#, ""),
    (#"{"chat_id":1,"text":""}"#, "message text is empty"), (#"{"text":"x"}"#, "chat_id is empty"),
    (#"{"chat_id":"nobody","text":"x"}"#, "chat not found"), (#"{"chat_id":"@channel","text":"x"}"#, ""),
    (#"{"chat_id":-1001,"text":"x"}"#, ""), (#"{"chat_id":1,"text":"x","parse_mode":"rtf"}"#, "unsupported parse_mode"),
    ("[]", "object expected as body"),
  ])
  func aMessageIsRefusedAsTheServerDoes(body: String, problem: String) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try server.response(
      "POST", Self.bot + "sendMessage", headers: WxPusherRequest.json, body: Array(body.utf8))
    #expect(response.status == (problem.isEmpty ? 200 : 400))
    #expect(response.json["ok"] == .bool(problem.isEmpty))
    if !problem.isEmpty { #expect(response.json["description"]?.string == "Bad Request: \(problem)") }
  }

  @Test func aTokenIsPartOfThePath() throws {
    let server = try sandbox(credentials: Self.known)
    for (path, status) in [
      ("/bot1:a/getMe", 200), ("/bot1%3Aa/getme", 200), ("/bot1:b/getMe", 401), ("/bota/getMe", 404),
    ] {
      #expect(try server.response("GET", path).status == status, "\(path)")
    }
    #expect(try server.response("GET", Self.bot + "sendMessage?chat_id=1&text=x").json["ok"] == true)
    #expect(try server.response("GET", Self.bot + "deleteWebhook").status == 404)
    #expect(!server.records.contains { $0.content.text.contains("1:a") })
  }

  @Test func filesComeAsMultipart() throws {
    let server = try sandbox()
    func send(_ method: String, _ bytes: Int, caption: String = "c") throws -> Response {
      let file = method == "sendPhoto" ? "photo" : "document"
      let (type, body) = MultipartRequest.body(
        [("chat_id", "7"), ("caption", caption)], file: (file, "a.png", [UInt8](repeating: 1, count: bytes)))
      return try server.response("POST", Self.bot + method, headers: [FormPair("Content-Type", type)], body: body)
    }
    #expect(try send("sendPhoto", 10).json["result"]?["photo"] != nil)
    #expect(try send("sendDocument", 10).json["result"]?["caption"] == "c")
    #expect(try send("sendPhoto", 10 * 1024 * 1024 + 1).status == 400)
    #expect(try send("sendPhoto", 0).status == 400)
    #expect(try send("sendPhoto", 1, caption: Self.long(1025)).status == 400)
    #expect(try server.post(Self.bot + "sendPhoto", ["chat_id": 7]).status == 400)
    #expect(server.records[0].recipients == ["7"])
    #expect(server.records[0].content["photo"]?["filename"] == "a.png")
  }

  @Test func whoBlockedItIsRefused() throws {
    let server = try sandbox(faults: ["recipient:to=1", "recipient:to=2,code=400"])
    let texts = try ["1", "2", "3"].map { chat in
      try server.post(Self.bot + "sendMessage", form: [("chat_id", chat), ("text", "x")]).json["description"]?.string
        ?? ""
    }
    #expect(texts == ["Forbidden: bot was blocked by the user", "Bad Request: chat not found", ""])
  }
}
