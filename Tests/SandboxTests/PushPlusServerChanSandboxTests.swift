import Testing

@testable import Sandbox

@Suite struct PushPlusSandboxTests {
  static let message: WireJSON = ["token": "t", "content": "内容", "title": "标题"]
  private static func long(_ count: Int) -> String { String(repeating: "字", count: count) }

  @Test(arguments: [
    ("{}", 200), (#"{"token":null}"#, 903), (#"{"token":""}"#, 903), (#"{"token":"x"}"#, 903),
    (#"{"content":null}"#, 999), (#"{"content":""}"#, 999), (#"{"content":1}"#, 999),
    (#"{"content":"\#(long(20_000))","title":"\#(long(100))"}"#, 200), (#"{"content":"\#(long(20_001))"}"#, 999),
    (#"{"title":"\#(long(101))"}"#, 999), (#"{"template":"word"}"#, 999), (#"{"template":"txt"}"#, 200),
    (#"{"channel":"pigeon"}"#, 999), (#"{"channel":"mail,cp"}"#, 999), (#"{"to":["a"]}"#, 999),
    (#"{"timestamp":1716193814999}"#, 999), (#"{"timestamp":1716193815000}"#, 200),
  ])
  func aBodyIsRefusedAsTheServerDoes(changes: String, code: Int) throws {
    let server = try sandbox(credentials: ["pushplus": [["token": "t"]]])
    let response = try server.post("/send", try Self.message.with(changes))
    #expect(response.status == 200)
    #expect(response.json["code"]?.int == code)
    #expect(server.outcomes == [code == 200 ? .accepted : code == 903 ? .credentials : .rejected])
  }

  @Test func theTokenMayBeInThePathAndTheFieldsInTheQuery() throws {
    let server = try sandbox(credentials: ["pushplus": [["token": "t"]]])
    #expect(try server.response("GET", "/send/t?content=a").json["code"] == 200)
    #expect(try server.response("GET", "/send?token=t&content=a").json["code"] == 200)
    #expect(try server.post("/send", form: [("token", "t"), ("content", "a")]).json["code"] == 200)
    #expect(try server.response("POST", "/send", body: Array("{".utf8)).json["code"] == 600)
  }

  @Test func friendsBeyondTheTenthAreLostSilently() throws {
    let server = try sandbox()
    let friends = (0..<11).map { "f\($0)" }
    let to = try Self.message.with(#"{"to":"\#(friends.joined(separator: ","))"}"#)
    #expect(try server.post("/send", to).json["code"] == 200)
    #expect(server.records[0].recipients == friends)
    _ = try server.post("/send", try to.with(#"{"topic":"ops"}"#))
    #expect(server.records[1].recipients == ["ops"])
    #expect(server.outcomes == [.partial, .accepted])
    #expect(server.records[0].content == ["content": "内容", "title": "标题"])
  }

  @Test(arguments: [
    (#"{"channel":"wechat,mail","option":",x"}"#, 200), (#"{"channel":"wechat,mail","option":"x"}"#, 999),
    (#"{"channel":"wechat,mail,cp,sms,app,qq"}"#, 999),
  ])
  func severalChannelsHaveAsManyOptions(changes: String, code: Int) throws {
    #expect(try sandbox().post("/batchSend", try Self.message.with(changes)).json["code"]?.int == code)
  }

  @Test func anUnknownChannelFailsAlone() throws {
    let server = try sandbox()
    let answer = try server.post("/batchSend", try Self.message.with(#"{"channel":"wechat,pigeon"}"#)).json
    #expect(answer["data"]?.array?.map { $0["code"] } == [200, 999])
    #expect(server.outcomes == [.partial])
  }

  @Test func aShortCodeCanBeAskedAbout() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let code = try #require(try server.post("/send", Self.message).json["data"]?.string)
    let path = "/api/open/message/sendMessageResult?shortCode="
    #expect(try server.response("GET", path + code).json["code"] == 401)
    let access = try server.post("/api/common/openApi/getAccessKey", ["token": "t", "secretKey": "s"]).json["data"]
    let headers = [FormPair("access-key", access?["accessKey"]?.string ?? "")]
    #expect(try server.response("GET", path + code, headers: headers).json["data"]?["status"] == 1)
    clock.advance(10)
    #expect(try server.response("GET", path + code, headers: headers).json["data"]?["status"] == 2)
    #expect(try server.response("GET", path + "x", headers: headers).json["code"] == 600)
  }

  @Test func faultsAreInItsOwnWords() throws {
    let server = try sandbox(faults: ["quota:count=1", "credentials:count=1", "throttle:count=1,code=500"])
    #expect(try (0..<3).map { _ in try server.post("/send", Self.message).json["code"] } == [900, 903, 500])
    #expect(server.outcomes == [.quota, .credentials, .throttled])
  }
}

@Suite struct ServerChanSandboxTests {
  static let turbo = "/SCT1T0.send"
  static let third = "/send/sctp12tabc.send"
  static let known = ["serverchan": [["sendkey": "SCT1T0"], ["sendkey": "sctp12tabc"]]]
  private static func long(_ count: Int) -> String { String(repeating: "字", count: count) }

  @Test(arguments: [
    (turbo, #"{"title":"t"}"#, 0), (third, #"{"title":"t"}"#, 0), (turbo, #"{"text":"t","desp":"d"}"#, 0),
    (turbo, #"{"desp":"d"}"#, 20001), (third, #"{"desp":"d"}"#, 0), (third, "{}", 20001), (turbo, "{", 20001),
    (turbo, #"{"title":"\#(long(32))"}"#, 0), (turbo, #"{"title":"\#(long(33))"}"#, 20001),
    (turbo, #"{"title":"a\nb"}"#, 20001), (turbo, #"{"title":"t","desp":"\#(long(10_923))"}"#, 20001),
    (turbo, #"{"title":"t","channel":"9|66"}"#, 0), (turbo, #"{"title":"t","channel":9}"#, 0),
    (turbo, #"{"title":"t","channel":"9|66|1"}"#, 20001), (turbo, #"{"title":"t","channel":"x"}"#, 20001),
    ("/SCT2T0.send", #"{"title":"t"}"#, 40001), ("/send/SCT1T0.send", #"{"title":"t"}"#, 40001),
    ("/sctp12tabc.send", #"{"title":"t"}"#, 0), ("/.send", #"{"title":"t"}"#, 40001),
  ])
  func aRequestIsRefusedAsTheServerDoes(path: String, body: String, code: Int) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try server.response("POST", path, headers: WxPusherRequest.json, body: Array(body.utf8))
    #expect(response.json["code"]?.int == code)
    #expect(response.status == (code == 0 ? 200 : 400))
    #expect(server.outcomes == [code == 0 ? .accepted : code == 40001 ? .credentials : .rejected])
    #expect(server.records[0].provider == "serverchan")
  }

  @Test func aKeyHasItsVendorsForm() throws {
    let server = try sandbox()
    for (path, code) in [("/x.send", 40001), ("/send/sctpt1.send", 40001), ("/send/sctp1t.send", 0)] {
      #expect(try server.post(path, ["title": "t"]).json["code"]?.int == code)
    }
  }

  @Test func turboTellsWhatBecameOfAMessage() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let data = try server.post(Self.turbo, form: [("title", "t"), ("openid", "a|b")]).json["data"]
    #expect(server.records[0].recipients == ["a", "b"])
    let path = "/push?id=\(data?["pushid"]?.string ?? "")&readkey="
    let readKey = data?["readkey"]?.string ?? ""
    #expect(try server.response("GET", path + readKey).json["data"]?["wxstatus"] == "")
    clock.advance(5)
    #expect(try server.response("GET", path + readKey).json["data"]?["wxstatus"] == #"{"errcode":0,"errmsg":"ok"}"#)
    #expect(try server.response("GET", path + "x").json["code"] == 40001)
  }

  @Test func quotaAndWrongKeyDifferOnlyInTheirText() throws {
    let server = try sandbox(faults: ["quota:count=1", "credentials:count=1", "throttle:retry-after=9"])
    let quota = try server.post(Self.turbo, ["title": "t"])
    let key = try server.post(Self.turbo, ["title": "t"])
    #expect([quota.status, key.status] == [400, 400])
    #expect([quota.json["code"], key.json["code"]] == [40001, 40001])
    #expect(quota.json["message"]?.string?.contains("超过当天的发送次数限制") == true)
    #expect(key.json["message"] == "[AUTH]错误的Key")
    #expect(try server.post(Self.turbo, ["title": "t"]).header("retry-after") == "9")
    #expect(server.outcomes == [.quota, .credentials, .throttled])
  }
}

@Suite struct ServerFanSandboxTests {
  static let bearer = [FormPair("Authorization", "Bearer k")]

  @Test func eachOfItsCallsIsTaken() throws {
    let server = try sandbox(credentials: ["serverfan": [["sendkey": "k"]]])
    #expect(try server.response("GET", "/message/info?token=k&msg=a").status == 202)
    #expect(try server.post("/message/auto", ["message": "a"], headers: Self.bearer).status == 202)
    let agent = try server.post("/agent/message/warning", ["message": "a"], headers: Self.bearer)
    #expect(agent.status == 202)
    #expect(agent.body.isEmpty)
    #expect(server.outcomes == [.accepted, .accepted, .accepted])
    #expect(server.records[1].content == ["message": "a", "type": "auto"])
  }

  @Test func whatItRefuses() throws {
    let server = try sandbox(credentials: ["serverfan": [["sendkey": "k"]]], faults: ["quota:after=5"])
    #expect(try server.response("GET", "/message/info?token=x&msg=a").status == 401)
    #expect(try server.response("GET", "/message/info?token=k").status == 400)
    #expect(try server.post("/message/text", ["message": "a"]).status == 401)
    #expect(try server.post("/message/text", ["message": ""], headers: Self.bearer).status == 400)
    #expect(try server.response("GET", "/agent/message/text?token=k&msg=a").status == 405)
    #expect(try server.post("/message/text", ["message": "a"], headers: Self.bearer).status == 429)
  }
}
