import Testing

@testable import Sandbox

@Suite struct BarkSandboxTests {
  @Test func devicesFailOneByOneInABatch() throws {
    let server = try sandbox(faults: ["recipient:to=b", "recipient:to=c,code=500"])
    let batch = try server.post("/push", ["device_keys": ["a", "b", "c"], "body": "x"])
    #expect(batch.status == 200)
    #expect(batch.json["data"]?.array?.map { $0["code"] } == [200, 400, 500])
    #expect(try server.post("/push", ["device_keys": "a,b", "body": "x"]).json["data"]?.array?.count == 2)
    #expect(try server.post("/push", ["device_key": "b", "body": "x"]).status == 400)
    #expect(server.outcomes == [.partial, .partial, .rejected])
    #expect(server.records[0].recipients == ["a", "b", "c"])
    #expect(server.records[0].content == ["body": "x"])
  }

  @Test(arguments: [
    ("{}", 400), (#"{"device_key":""}"#, 400), ("[", 400), (#"{"device_key":"a"}"#, 200),
    (#"{"device_key":"a","body":"\#(String(repeating: "x", count: 4097))"}"#, 500),
  ])
  func aPushIsRefusedAsTheServerDoes(body: String, code: Int) throws {
    let server = try sandbox()
    let response = try server.response("POST", "/push", headers: WxPusherRequest.json, body: Array(body.utf8))
    #expect(response.status == code)
    #expect(response.json["code"]?.int == code)
  }
}

@Suite struct NtfySandboxTests {
  private static let long = String(repeating: "x", count: 4097)

  @Test(arguments: [
    ("{}", 0), (#"{"topic":null}"#, 40009), (#"{"topic":"a b"}"#, 40009), (#"{"topic":"é"}"#, 40009),
    (#"{"topic":"\#(String(repeating: "x", count: 64))"}"#, 0),
    (#"{"topic":"\#(String(repeating: "x", count: 65))"}"#, 40009), (#"{"priority":5}"#, 0),
    (#"{"priority":6}"#, 40007),
    (#"{"priority":"5"}"#, 40007), (#"{"tags":"x"}"#, 40017), (#"{"message":1}"#, 40017), (#"{"delay":"9s"}"#, 40005),
    (#"{"delay":"10s"}"#, 0), (#"{"delay":"4d"}"#, 40006), (#"{"delay":"tomorrow, 3pm"}"#, 0),
  ])
  func aMessageIsRefusedAsTheServerDoes(changes: String, code: Int) throws {
    let server = try sandbox()
    let message: WireJSON = ["topic": "t", "message": "x"]
    let response = try server.post("/", try message.with(changes))
    #expect(response.status == (code == 0 ? 200 : 400))
    #expect((response.json["code"]?.int ?? 0) == code)
    #expect(server.records[0].provider == "ntfy")
  }

  @Test func aTextGoesToATopicsPathAndALongOneBecomesAFile() throws {
    let server = try sandbox()
    let headers = [FormPair("Title", "t"), FormPair("X-Tags", "a,b"), FormPair("Priority", "high")]
    let answer = try server.response("POST", "/alerts", headers: headers, body: Array("内容".utf8)).json
    #expect(answer["message"] == "内容")
    #expect(server.records[0].content == ["message": "内容", "title": "t", "priority": "high", "tags": "a,b"])
    #expect(try server.response("PUT", "/alerts", body: [0xFF]).json["code"] == 40011)
    #expect(try server.post("/", ["topic": "alerts", "message": .string(Self.long)]).json["attachment"] != nil)
    let lines = try server.response("GET", "/alerts/json?poll=1&since=all").text.split(separator: "\n")
    #expect(lines.count == 2)
    let later = try server.response("GET", "/alerts/json?poll=1&since=\(answer["id"]?.string ?? "")").text
    #expect(later.split(separator: "\n").count == 1)
    #expect(server.records.map(\.recipients) == Array(repeating: ["alerts"], count: 5))
  }

  @Test func aTokenIsAskedForWhereThereIsOne() throws {
    let server = try sandbox(credentials: ["ntfy": [["token": "tk_a"]]])
    func status(_ header: String?) throws -> Int {
      let headers = header.map { [FormPair("Authorization", $0)] } ?? []
      return try server.post("/", ["topic": "t", "message": "x"], headers: headers).status
    }
    #expect(try status("Bearer tk_a") == 200)
    #expect(try status("Basic " + Base64.encode(Array(":tk_a".utf8))) == 200)
    #expect(try status("Bearer tk_b") == 401)
    #expect(try status("Bearer ") == 401)
    #expect(try status(nil) == 403)
    let open = try sandbox(credentials: ["ntfy": [[:]]], faults: ["throttle:after=1,count=1", "quota:after=2"])
    #expect(try open.post("/", ["topic": "t", "message": "x"]).status == 200)
    #expect(try open.post("/", ["topic": "t", "message": "x"]).json["code"] == 42901)
    #expect(try open.post("/", ["topic": "t", "message": "x"]).json["code"] == 42908)
  }
}

@Suite struct GotifySandboxTests {
  static let key = [FormPair("X-Gotify-Key", "k")]

  @Test(arguments: [
    (#"{"message":"x"}"#, 200), ("{}", 400), (#"{"message":""}"#, 400), (#"{"message":1}"#, 400),
    (#"{"message":"x","title":1}"#, 400), (#"{"message":"x","priority":"high"}"#, 400),
    (#"{"message":"x","extras":"e"}"#, 400), (#"{"message":"x","priority":10,"extras":{"a":{}}}"#, 200), ("[", 400),
  ])
  func aMessageIsRefusedAsTheServerDoes(body: String, status: Int) throws {
    let server = try sandbox(credentials: ["gotify": [["token": "k"]]])
    let headers = WxPusherRequest.json + Self.key
    #expect(try server.response("POST", "/message", headers: headers, body: Array(body.utf8)).status == status)
  }

  @Test func aTokenComesThreeWaysAndItsMessagesAreListed() throws {
    let server = try sandbox(credentials: ["gotify": [["token": "k"]]], faults: ["quota:after=6"])
    let message: WireJSON = ["message": "x"]
    #expect(try server.post("/message", message, headers: Self.key).status == 200)
    #expect(try server.post("/message?token=k", message).status == 200)
    #expect(try server.post("/message", message, headers: [FormPair("Authorization", "Bearer k")]).status == 200)
    #expect(try server.post("/message", message).status == 401)
    #expect(try server.post("/message?token=x", message).status == 401)
    let list = try server.response("GET", "/application/1/message?limit=2&token=client").json
    #expect(list["messages"]?.array?.map { $0["id"] } == [3, 2])
    #expect(try server.post("/message?token=k", message).status == 429)
  }
}

@Suite struct PushDeerSandboxTests {
  private func push(_ keys: String, _ server: SandboxServer) throws -> Response {
    try server.post("/message/push", form: [("pushkey", keys), ("text", "x")])
  }

  @Test func aListStopsAtTheFirstUnknownKey() throws {
    let server = try sandbox(faults: [
      "recipient:to=PDUb", "recipient:to=PDUc,code=empty", "recipient:to=PDUd,code=80502",
    ])
    #expect(try push("PDUa,PDUb,PDUe", server).status == 500)
    let empty = try push("PDUc", server)
    #expect(empty.json == ["code": 0, "content": ["result": []]])
    #expect(try push("PDUa,PDUa", server).json["content"]?["result"]?.count == 1)
    #expect(
      try push((0..<12).map { "PDU\($0)" }.joined(separator: ","), server).json["content"]?["result"]?.count == 10)
    #expect(try push("PDUd", server).json["code"] == 80502)
    #expect(try push("x", server).status == 500)
    #expect(server.outcomes == [.partial, .rejected, .accepted, .partial, .rejected, .rejected])
    #expect(server.records[0].recipients == ["PDUa", "PDUb", "PDUe"])
  }

  @Test(arguments: [
    (#"{"pushkey":"PDUa"}"#, 80501), (#"{"text":"x"}"#, 80501),
    (#"{"pushkey":"PDUa","text":"x","type":"poem"}"#, 80501),
    (#"{"pushkey":"PDUa","text":"x","type":"image"}"#, 0), ("[", 80501),
  ])
  func aPushIsRefusedAsTheServerDoes(body: String, code: Int) throws {
    let server = try sandbox()
    let response = try server.response("POST", "/message/push", headers: WxPusherRequest.json, body: Array(body.utf8))
    #expect(response.json["code"]?.int == code)
  }

  @Test func itsRateIsInHeaders() throws {
    let server = try sandbox(faults: ["throttle"])
    let response = try push("PDUa", server)
    #expect(response.status == 429)
    #expect(response.header("x-ratelimit-remaining") == "0")
  }
}

@Suite struct WebhookSandboxTests {
  @Test func whateverIsPostedIsRecorded() throws {
    let server = try sandbox(credentials: ["wxpusher": []])
    #expect(try server.post("/webhook/a/b?c=d", ["to": ["u1", "u2"], "text": "字"]).json == ["ok": true])
    #expect(try server.post("/webhook", form: [("recipient", "u"), ("a", "b")]).status == 200)
    #expect(try server.response("PUT", "/webhook/x", body: Array("plain".utf8)).status == 200)
    #expect(try server.post("/webhook/x", [1, 2]).status == 200)
    #expect(try server.response("POST", "/webhook/x", body: [0xFF]).status == 200)
    #expect(try server.response("GET", "/webhook/x").status == 405)
    #expect(server.records.map(\.recipients) == [["u1", "u2"], ["u"], [], [], [], []])
    #expect(server.records[0].content == ["to": ["u1", "u2"], "text": "字"])
    #expect(server.records[2].content == ["body": "plain"])
    #expect(server.records[3].content == ["body": [1, 2]])
    #expect(server.records[4].content["bytes"] == 1)
  }

  @Test func itFailsOnDemand() throws {
    let server = try sandbox(faults: [
      "throttle:count=1,retry-after=3", "recipient:to=u1", "credentials:after=1,count=1",
    ])
    let throttled = try server.post("/webhook/x", ["to": "u"])
    #expect(throttled.status == 429)
    #expect(throttled.header("retry-after") == "3")
    #expect(try server.post("/webhook/x", ["to": "u"]).status == 401)
    #expect(try server.post("/webhook/x", ["to": "u1"]).status == 422)
    #expect(server.outcomes == [.throttled, .credentials, .rejected])
  }
}

/// Which service a request is for, where paths are alike.
@Suite struct RoutingTests {
  @Test(arguments: [
    ("POST", "/", "{\"topic\":\"t\"}", "ntfy"), ("POST", "/?Action=SendSms", "", "aliyun-sms"),
    ("POST", "/", "x", "unknown"),
    ("GET", "/", "", "unknown"), ("POST", "/push", "{}", "bark"), ("GET", "/push?readkey=x", "", "serverchan"),
    ("GET", "/push", "", "unknown"), ("POST", "/send", "{}", "pushplus"), ("POST", "/send/t", "{}", "pushplus"),
    ("POST", "/send/sctp1tx.send", "{}", "serverchan"), ("POST", "/SCTx.send", "{}", "serverchan"),
    ("POST", "/message", "{}", "gotify"), ("POST", "/message/push", "{}", "pushdeer"),
    ("POST", "/message/info", "{}", "serverfan"), ("POST", "/1/push", "{}", "pushed"),
    ("POST", "/1/messages.json", "{}", "pushover"), ("POST", "/notifications", "{}", "onesignal"),
    ("POST", "/cgi-bin/webhook/send", "{}", "wecom-robot"), ("POST", "/cgi-bin/message/send", "{}", "wecom-app"),
    ("POST", "/bot1:a/sendMessage", "{}", "telegram"), ("GET", "/bots/json", "", "ntfy"),
    ("POST", "/bots", "x", "ntfy"),
    ("POST", "/api/send/message", "{}", "wxpusher"), ("POST", "/api/open/message/list", "{}", "pushplus"),
    ("POST", "/webhook/x", "", "webhook"), ("POST", "/elsewhere/x", "{}", "unknown"),
  ])
  func pathsTellServicesApart(method: String, target: String, body: String, provider: String) throws {
    let server = try sandbox()
    _ = try server.response(method, target, body: Array(body.utf8))
    #expect(server.records.map(\.provider) == [provider])
  }

  @Test func tencentIsKnownByItsHeaderAndJSONForNobodyIsNotNtfys() throws {
    let server = try sandbox()
    _ = try server.post("/", ["topic": "t"], headers: [FormPair("X-TC-Action", "SendSms")])
    _ = try server.post("/sendmail", ["topic": "t"])
    #expect(server.records.map(\.provider) == ["tencent-sms", "unknown"])
  }

  /// Every service, spoken to in the dark: none may crash or take a message that says nothing.
  @Test(arguments: [
    "/sms/batchSendSms/v1", "/sms/batchSendDiffSms/v1", "/", "/send", "/batchSend", "/SCTx.send", "/send/sctp1tx.send",
    "/message/info", "/notifications", "/1/messages.json", "/1/push", "/cgi-bin/webhook/send", "/cgi-bin/message/send",
    "/cgi-bin/gettoken", "/cgi-bin/webhook/upload_media", "/bot1:a/sendMessage", "/push", "/robot/send",
    "/open-apis/bot/v2/hook/t", "/message", "/message/push",
  ])
  func nothingIsMadeOfNonsense(path: String) throws {
    let server = try sandbox()
    let bodies: [[UInt8]] = [
      [], Array("{".utf8), Array("[]".utf8), Array("{}".utf8), [0xFF, 0x00], Array("--b0--".utf8),
    ]
    let types = [
      "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b0",
      "multipart/form-data",
    ]
    for type in types {
      for body in bodies {
        _ = try server.response("POST", path, headers: [FormPair("Content-Type", type)], body: body)
      }
    }
    #expect(server.records.count == types.count * bodies.count)
    #expect(!server.outcomes.contains { [.accepted, .partial].contains($0) })
  }
}
