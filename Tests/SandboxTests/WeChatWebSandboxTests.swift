import Digests
import Foundation
import Testing

@testable import Sandbox

/// What a client of the web protocol gets to hear, in the order of a login.
@Suite struct WeChatWebSandboxTests {
  @Test func anAutomaticPhoneScansAfterASecondAndConfirmsAfterTwo() throws {
    var client = try WeChatWebClient()
    let start = client.bench.now
    let uuid = try client.drawCode()
    #expect(client.poll(uuid).hasPrefix("window.code=201;"))
    #expect(client.bench.now.timeIntervalSince(start) == 1)
    #expect(client.poll(uuid).hasPrefix("window.code=200;\nwindow.redirect_uri=\"https://wx2.qq.com/"))
    #expect(client.bench.now.timeIntervalSince(start) == 2)
  }

  @Test func aCodeThatNobodyScansIsWaitedForAndThenExpires() throws {
    var client = try WeChatWebClient(isPhoneAutomatic: false)
    let uuid = try client.drawCode()
    for _ in 0..<11 { #expect(client.poll(uuid) == "window.code=408;") }
    #expect(client.poll(uuid) == "window.code=400;")
    #expect(client.bench.now.timeIntervalSince1970 == Golden.pushTime + 300)
  }

  @Test func thePhoneDoesWhatItIsTold() throws {
    var client = try WeChatWebClient(isPhoneAutomatic: false)
    #expect(throws: LoopbackError.self) { try client.phone("scan") }
    var uuid = try client.drawCode()
    try client.phone("scan")
    #expect(client.poll(uuid).hasPrefix("window.code=201;"))
    #expect(client.poll(uuid) == "window.code=408;")
    try client.phone("confirm")
    #expect(client.poll(uuid).hasPrefix("window.code=200;"))
    uuid = try client.drawCode()
    try client.phone("expire")
    #expect(client.poll(uuid) == "window.code=400;")
  }

  @Test func whoMayNotUseTheWebIsToldSoAndSoIsWhoLacksTheHeaders() throws {
    var client = try WeChatWebClient()
    try client.phone("refuse")
    let page = try client.waitForPage(try client.drawCode())
    #expect(try client.enter(page).text.contains("<ret>1203</ret><message>"))
    #expect(client.cookies.isEmpty)
    // The next code is an ordinary one.
    let second = try client.waitForPage(try client.drawCode())
    let bare = client.get(second, [FormPair("client-version", "2.0.0"), FormPair("extspam", "x")])
    #expect(bare.text.contains("<ret>1203</ret>"))
    let third = try client.waitForPage(try client.drawCode())
    let answer = try client.enter(third)
    #expect(answer.status == 301)
    #expect(answer.text.hasPrefix("<error><ret>0</ret>"))
    #expect(try !client.enter(third).text.contains("<ret>0</ret>"), "a ticket is good once")
  }

  @Test func contactsComeInPagesAndWithASavedGroupOnlyAmongTheRecent() throws {
    let client = try WeChatWebClient.ready()
    #expect(
      client.users.keys.sorted()
        == [
          "filehelper", "家人群", "同事", "文件传输助手", "李四<span class=\"emoji emoji1f604\"></span>", "某公众号", "老张",
          "重名",
        ].filter { $0 != "filehelper" }.sorted())
    #expect(client.users["老张"]?.hasPrefix("@") == true)
    #expect(client.users["家人群"]?.hasPrefix("@@") == true)
  }

  @Test func textsArriveAndComeBack() throws {
    var client = try WeChatWebClient.ready()
    let answer = client.text("你好 <b> 😄\n第二行", to: client.users["老张"] ?? "")
    #expect(WeChatWebClient.ret(answer) == 0)
    #expect(answer["MsgID"]?.string?.count == 19)
    let got = client.received("老张")
    #expect(got.map { $0["text"] } == ["你好 <b> 😄\n第二行"])
    #expect(client.check().contains("selector:\"2\""))
    let echo = try #require(client.sync()["AddMsgList"]?.array?.last)
    #expect(echo["MsgId"] == answer["MsgID"])
    #expect(echo["FromUserName"]?.string == client.own)
    #expect(echo["Content"] == "你好 &lt;b&gt; <span class=\"emoji emoji1f604\"></span><br/>第二行")
    try client.phone("echo", #"{"on":false}"#)
    _ = client.text("silent")
    #expect(client.sync()["AddMsgCount"] == 0)
  }

  @Test func escapedCharactersAreSeenAsTheirEscapes() throws {
    var client = try WeChatWebClient.ready()
    let body = (["BaseRequest": client.base] as WireJSON).merging(
      client.message(to: "filehelper", ["Type": 1, "Content": "PLACE"]))
    let escaped = body.text.replacing("PLACE", with: #"\u4f60\\u\n"#)
    _ = client.bench.ask(
      "POST", WeChatWebClient.folder + "webwxsendmsg",
      headers: [WeChatWebClient.browser, client.cookieHeader, WeChatWebClient.json], body: Array(escaped.utf8))
    #expect(client.received("filehelper").map { $0["text"] } == ["\\u4f60\\u\n"])
  }

  @Test func whatIsWrongWithACallIsAnsweredAsTheServiceDoes() throws {
    let good = try WeChatWebClient.ready()
    func ret(_ spoil: (inout WeChatWebClient) -> Void) -> Int? {
      var client = good
      spoil(&client)
      return WeChatWebClient.ret(client.text("x"))
    }
    #expect(ret { _ in } == 0)
    #expect(ret { $0.cookies["wxsid"] = nil } == 1102)
    #expect(ret { $0.cookies["webwx_data_ticket"] = "other" } == 1102)
    #expect(ret { $0.base = $0.base.with("Sid", "other") } == 1102)
    #expect(ret { $0.base = $0.base.with("Skey", "other") } == 1)
    #expect(ret { $0.base = $0.base.with("DeviceID", "e1") } == 1)
    #expect(ret { $0.own = "@other" } == 1)
    var client = good
    #expect(WeChatWebClient.ret(client.text("x", to: "@stale")) == -1)
    #expect(WeChatWebClient.ret(client.text("x", to: client.users["某公众号"] ?? "")) == -1)
    #expect(WeChatWebClient.ret(client.post("webwxsendmsg?pass_ticket=other", .object([])).json) == 1)
    let unequal = client.message(to: "filehelper", ["Type": 1, "Content": "x", "ClientMsgId": 5])
    #expect(WeChatWebClient.ret(client.post("webwxsendmsg", unequal).json) == 1)
    #expect(client.post("webwxunheardof", .object([])).status == 404)
    #expect(client.bench.outcomes.suffix(2) == [.rejected, .error])
  }

  @Test func aHostThatIsNamedMustBeTheRightOne() throws {
    var client = try WeChatWebClient.ready()
    let message = client.message(to: "filehelper", ["Type": 1, "Content": "x"])
    func status(_ host: String) -> Int {
      client.post("webwxsendmsg", message, headers: [WeChatWebClient.json, FormPair("X-Forwarded-Host", host)]).status
    }
    #expect(status("wx2.qq.com") == 200)
    #expect(status("wx.qq.com") == 404)
    #expect(status("file.wx2.qq.com") == 404)
    #expect(status("127.0.0.1:80") == 200)
  }

  @Test func anotherLoginEndsTheFirstAndAKickEndsBoth() throws {
    var client = try WeChatWebClient.ready()
    let first = (client.cookies, client.base)
    let name = client.users["老张"]
    try client.logIn()
    #expect(client.users["老张"] != name, "user names live for one login")
    let second = (client.cookies, client.base)
    (client.cookies, client.base) = first
    #expect(WeChatWebClient.ret(client.text("x")) == 1101)
    (client.cookies, client.base) = second
    #expect(WeChatWebClient.ret(client.text("x")) == 0)
    try client.phone("kick", #"{"code":1100}"#)
    #expect(WeChatWebClient.ret(client.text("x")) == 1100)
    #expect(client.check() == "window.synccheck={retcode:\"1100\",selector:\"0\"}")
  }

  @Test func whoWasHereIsAskedOnThePhoneUntilHeLogsOut() throws {
    var client = try WeChatWebClient.ready()
    try client.phone("kick", #"{"code":1101}"#)
    let push = client.get("\(WeChatWebClient.folder)webwxpushloginurl?uin=123456789").json
    let uuid = try #require(push["uuid"]?.string)
    // Nothing is to be scanned: the first answer is the confirmation.
    #expect(client.poll(uuid).hasPrefix("window.code=200;"))
    try client.logIn()
    _ = client.get("\(WeChatWebClient.folder)webwxlogout?redirect=1&type=1&skey=\(client.skey)")
    #expect(WeChatWebClient.ret(client.text("x")) != 0)
    #expect(client.get("\(WeChatWebClient.folder)webwxpushloginurl?uin=123456789").json["ret"] == "1")
  }

  @Test func faultsAreRefusalsInTheServicesOwnWords() throws {
    var client = try WeChatWebClient.ready(faults: [
      "throttle:provider=wechat-web,on=send,count=1", "credentials:on=receive,code=1102,count=1",
      "recipient:provider=wechat-web,to=老张,code=no-id", "throttle:on=upload,code=no-media",
    ])
    #expect(WeChatWebClient.ret(client.text("x")) == 1205)
    #expect(client.check().contains("retcode:\"1102\""))
    let silent = client.text("x", to: client.users["老张"] ?? "")
    #expect(WeChatWebClient.ret(silent) == 0)
    #expect(silent["MsgID"] == "")
    #expect(client.received("老张").isEmpty)
    #expect(WeChatWebClient.ret(client.text("x")) == 0)
    var barred = try WeChatWebClient(faults: ["credentials:on=login,code=1203,after=3"])
    let page = try barred.waitForPage(try barred.drawCode())
    #expect(try barred.enter(page).text.contains("<ret>1203</ret>"))
  }
}

extension WireJSON {
  func with(_ name: String, _ value: WireJSON) -> WireJSON { without(name).merging(.object([WireMember(name, value)])) }
}

/// What comes in.
@Suite struct WeChatWebReceivingSandboxTests {
  @Test func aPollWaitsUntilThereIsNews() throws {
    var client = try WeChatWebClient.ready()
    // The read marks of the login itself.
    #expect(client.sync()["AddMsgList"]?.array?.map { $0["MsgType"] } == [51])
    let start = client.bench.now
    #expect(client.check() == "window.synccheck={retcode:\"0\",selector:\"0\"}")
    #expect(client.bench.now.timeIntervalSince(start) == 25)
    let id = try client.phone("say", #"{"text":"在吗"}"#)["id"]
    #expect(client.check() == "window.synccheck={retcode:\"0\",selector:\"2\"}")
    let batch = client.sync()
    #expect(batch["AddMsgList"]?.array?.map { $0["MsgId"] } == [id])
    #expect(batch["AddMsgList"]?.array?.first?["FromUserName"]?.string == client.users["老张"])
    try client.phone("befriend", #"{"nick":"王五","alias":"ww"}"#)
    #expect(client.check() == "window.synccheck={retcode:\"0\",selector:\"4\"}")
    #expect(client.sync()["ModContactList"]?.array?.map { $0["NickName"] } == ["王五"])
  }

  @Test func anOldKeyBringsTheSameAgainAndMoreThanFiveComeInParts() throws {
    var client = try WeChatWebClient.ready()
    _ = client.sync()
    let old = client.syncKey
    for number in 0..<7 { try client.phone("say", "{\"text\":\"\(number)\"}") }
    let first = client.sync()
    #expect(first["AddMsgCount"] == 5)
    #expect(first["ContinueFlag"] == 1)
    let second = client.sync()
    #expect(second["AddMsgCount"] == 2)
    #expect(second["ContinueFlag"] == 0)
    client.syncKey = old
    #expect(client.sync()["AddMsgList"] == first["AddMsgList"])
  }

  @Test func whoTakesOneKeyForTheOtherIsFoundOut() throws {
    var client = try WeChatWebClient.ready()
    _ = client.sync()
    #expect(client.get(client.checkTarget(client.syncKey)).text.contains("retcode:\"1102\""))
    client.syncKey = client.checkKey
    #expect(WeChatWebClient.ret(client.sync()) == 1)
  }

  @Test func groupsNameTheirMembersAndTheOwnPhoneIsHeard() throws {
    var client = try WeChatWebClient.ready()
    _ = client.sync()
    try client.phone("say", #"{"from":"三叔","group":"家人群","text":"吃饭"}"#)
    try client.phone("say", #"{"from":"self","to":"老张","text":"好"}"#)
    let messages = client.sync()["AddMsgList"]?.array ?? []
    #expect(messages.map { $0["FromUserName"]?.string } == [client.users["家人群"], client.own])
    let content = messages.first?["Content"]?.string ?? ""
    #expect(content.hasSuffix(":<br/>吃饭"))
    let room = client.post(
      "webwxbatchgetcontact?type=ex&r=1",
      ["Count": 1, "List": [["UserName": .string(client.users["家人群"] ?? ""), "EncryChatRoomId": ""]]]
    ).json["ContactList"]?.array?.first
    let member = room?["MemberList"]?.array?.last
    #expect(member?["NickName"] == "三叔")
    #expect(content.hasPrefix(member?["UserName"]?.string ?? "-"))
  }

  @Test(arguments: [
    ("image", "webwxgetmsgimg?MsgID=ID&skey=SKEY"), ("voice", "webwxgetvoice?msgid=ID&skey=SKEY"),
    ("video", "webwxgetvideo?msgid=ID&skey=SKEY"),
    (
      "file",
      "webwxgetmedia?sender=@x&mediaid=@media_ID&filename=a&fromuser=123456789&pass_ticket=TICKET&webwx_data_ticket=DATA"
    ),
  ])
  func mediaAreFetchedEachInItsWay(kind: String, target: String) throws {
    var client = try WeChatWebClient.ready()
    _ = client.sync()
    let bytes = Base64.encode(Array("bytes of it".utf8))
    let id = try client.phone("say", "{\"kind\":\"\(kind)\",\"name\":\"a\",\"base64\":\"\(bytes)\"}")["id"]?.string
    let ready = target.replacing("ID&", with: "\(id ?? "")&").replacing("SKEY", with: client.skey)
      .replacing("TICKET", with: client.ticket).replacing("DATA", with: client.cookies["webwx_data_ticket"] ?? "")
    let answer = client.get(WeChatWebClient.folder + ready, [FormPair("Range", "bytes=0-")])
    #expect(answer.text == "bytes of it")
    let bare = client.get(WeChatWebClient.folder + ready)
    #expect(bare.text == (kind == "video" ? "" : "bytes of it"))
    let wrong = ready.replacing(client.skey, with: "x").replacing(client.ticket, with: "x")
    #expect(client.get(WeChatWebClient.folder + wrong, [FormPair("Range", "bytes=0-")]).text != "bytes of it")
  }
}
