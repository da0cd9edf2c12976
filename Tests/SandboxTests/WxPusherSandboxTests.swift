import Testing

@testable import Sandbox

@Suite struct WxPusherSandboxTests {
  @Test func aSendIsAnsweredPerTargetAndRecorded() throws {
    let server = try sandbox()
    let response = try server.pushWx(uids: ["UID_a", "UID_b"], extra: [WireMember("topicIds", [7])])
    #expect(response.json["code"] == 1000)
    #expect(response.json["success"] == true)
    let data = try #require(response.json["data"]?.array)
    #expect(data.map { $0["uid"] } == ["UID_a", "UID_b", .null])
    #expect(data.map { $0["topicId"] } == [.null, .null, 7])
    #expect(Set(data.map { $0["sendRecordId"]?.int }).count == 3)
    #expect(Set(data.map { $0["messageContentId"]?.int }).count == 1)

    let record = try #require(server.records.first)
    #expect(record.provider == "wxpusher")
    #expect(record.recipients == ["UID_a", "UID_b", "7"])
    #expect(record.outcome == .accepted)
    #expect(record.content == ["content": "hello", "topicIds": [7]])
  }

  @Test func theLimitOfUIDsIsInclusive() throws {
    let server = try sandbox()
    #expect(try server.pushWx(uids: WxPusherRequest.uids(2000)).json["data"]?.array?.count == 2000)
    #expect(try server.pushWx(uids: WxPusherRequest.uids(2001)).json["code"] == 1001)
    #expect(server.records.map(\.outcome) == [.accepted, .rejected])
  }

  @Test(arguments: [
    (#"{"appToken":"AT_x","content":"c","uids":"UID_a"}"#, 1005),
    (#"{"appToken":"AT_x","content":"c","uids":[1]}"#, 1005),
    (#"{"appToken":"AT_x","content":"c","topicIds":["7"]}"#, 1005),
    (#"{"appToken":"AT_x","content":"c","topicIds":[7.5]}"#, 1005),
    (#"{"appToken":"AT_x","content":1,"uids":["UID_a"]}"#, 1005),
    (#"{"appToken":"AT_x","content":"c","contentType":"1","uids":["UID_a"]}"#, 1005),
    (#"{"appToken":"AT_x","content":"c","uids":["UID_a"]"#, 1005),
    (#"["AT_x"]"#, 1005),
    (#"{"content":"c","uids":["UID_a"]}"#, 1002),
    (#"{"appToken":"","content":"c","uids":["UID_a"]}"#, 1002),
    (#"{"appToken":null,"content":"c","uids":["UID_a"]}"#, 1002),
    (#"{"appToken":"AT_x","uids":["UID_a"]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c"}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","uids":[],"topicIds":null}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","uids":["UID_a","UID_a"]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","topicIds":[1,2,3,4,5,6]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","topicIds":[1,1]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","contentType":4,"uids":["UID_a"]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","uids":["13800138000"]}"#, 1001),
    (#"{"appToken":"AT_x","content":"c","summary":null,"url":null,"topicIds":[],"uids":["UID_a"]}"#, 1000),
  ])
  func aBodyIsRefusedAsTheServerDoes(body: String, code: Int) throws {
    let server = try sandbox()
    let response = try server.pushWx(Array(body.utf8))
    #expect(response.status == 200)
    #expect(response.json["code"]?.int == code)
    #expect(response.json["success"] == .bool(code == 1000))
    let expected: SandboxOutcome = code == 1000 ? .accepted : code == 1002 ? .credentials : .rejected
    #expect(server.records.map(\.outcome) == [expected])
  }

  @Test(arguments: [("content", 40_000), ("summary", 100), ("url", 1000)])
  func lengthsCountUTF16Units(field: String, limit: Int) throws {
    let server = try sandbox()
    for (length, code) in [(limit, 1000), (limit + 2, 1001)] {
      let text = String(repeating: "🚀", count: length / 2)
      let extra = field == "content" ? [] : [WireMember(field, .string(text))]
      let response = try server.pushWx(uids: ["UID_a"], content: field == "content" ? text : "c", extra: extra)
      #expect(response.json["code"]?.int == code)
    }
  }

  @Test func oneBadUIDAmongGoodOnesFailsAlone() throws {
    let server = try sandbox()
    let response = try server.pushWx(uids: ["UID_a", "nobody", "UID_b"])
    #expect(response.json["code"] == 1000)
    #expect(response.json["data"]?.array?.map { $0["code"] } == [1000, 1001, 1000])
    #expect(server.records.map(\.outcome) == [.partial])
  }

  @Test func onlyKnownTokensAreTakenOnceAnyAreKnown() throws {
    let known = ["wxpusher": [["app_token": "AT_one"], ["app_token": "AT_two"]]]
    let server = try sandbox(credentials: known)
    #expect(try server.pushWx(token: "AT_one", uids: ["UID_a"]).json["code"] == 1000)
    #expect(try server.pushWx(token: "AT_two", uids: ["UID_a"]).json["code"] == 1000)
    #expect(try server.pushWx(token: "AT_three", uids: ["UID_a"]).json["code"] == 1002)
    let others = try sandbox(credentials: ["twilio": []])
    #expect(try others.pushWx(token: "AT_one", uids: ["UID_a"]).json["code"] == 1002)
  }

  @Test func aSendRecordCanBeAskedAbout() throws {
    let server = try sandbox()
    let data = try server.pushWx(uids: ["UID_a"]).json["data"]?.array
    let id = try #require(data?.first?["sendRecordId"]?.int)
    #expect(try server.response("GET", "/api/send/query/status?sendRecordId=\(id)").json["code"] == 1000)
    #expect(try server.response("GET", "/api/send/query/\(id)").json["data"] == 1)
    #expect(try server.response("GET", "/api/send/query/status?sendRecordId=\(id + 1)").json["code"] == 1001)
    #expect(server.records.map(\.outcome) == [.accepted, .lookup, .lookup, .lookup])
  }

  @Test func theGetFormTakesOneTarget() throws {
    let server = try sandbox()
    let path = "/api/send/message/?appToken=AT_x&content=a+b"
    #expect(try server.response("GET", path + "&uid=UID_a").json["code"] == 1000)
    #expect(try server.response("GET", path + "&topicId=7").json["code"] == 1000)
    #expect(try server.response("GET", path + "&uid=UID_a&uid=UID_b").json["code"] == 1001)
    #expect(server.records.first?.content == ["content": "a b"])
  }

  @Test func anythingElseIsNoInterface() throws {
    let server = try sandbox()
    #expect(try server.response("GET", "/api/fun/nothing").json["code"] == 1004)
    #expect(try server.response("POST", "/api/send/message", body: [0x7B, 0x7D]).json["code"] == 1005)
  }
}
