import Core
import Foundation
import Testing

@testable import Providers

@Suite struct WeChatWebReceivingTests {
  private func harvest(
    _ response: HTTPResponse, _ stage: String, _ session: Session = WebLogin.session
  ) throws -> Harvest {
    try WebLogin.provider().harvest(response, after: stage, session, at: WebLogin.now, nonce: WebLogin.nonce)
  }

  private func batch(_ harvest: Harvest) -> (messages: [Incoming], session: Session, isMore: Bool)? {
    if case .batch(let messages, let session, let isMore) = harvest { return (messages, session, isMore) }
    return nil
  }

  /// The messages of one synchronisation.
  private func incoming(_ messages: String..., session: Session = WebLogin.session) throws -> [Incoming] {
    let list = messages.map { message in
      #"{"MsgId":"1","FromUserName":"\#(WebLogin.friend)","ToUserName":"\#(WebLogin.own)","CreateTime":1700000000,"#
        + message + "}"
    }.joined(separator: ",")
    let answer = WebLogin.ret(0, #","AddMsgList":[\#(list)],"ContinueFlag":0"#)
    return try #require(batch(try harvest(answer, "sync", session))).messages
  }

  @Test("A recorded poll and synchronisation are asked and understood")
  func recorded() throws {
    let golden = try WebGolden("receive-and-auto-reply")
    let provider = try WebLogin.provider()
    let poll = provider.poll(WebLogin.session, waits: true, at: WebLogin.now, nonce: WebLogin.nonce)
    #expect(try golden.differences(WireRequest(poll.request), 0, ignoring: ["deviceid"]) == [])
    #expect(poll.mayRunOut)
    guard case .ask(let sync, let asked?) = try harvest(try golden.response(0), poll.stage) else {
      Issue.record("no synchronisation")
      return
    }
    #expect(try golden.differences(WireRequest(sync.request), 1) == [])
    let taken = try #require(batch(try harvest(try golden.response(1), sync.stage, asked)))
    let message = try #require(taken.messages.first)
    #expect(message.id == "2000000000000000002")
    #expect(message.kind == .text)
    #expect(message.text == "你好 <b> 😄\n第二行")
    #expect(message.from.kind == .friend)
    #expect(message.from.to == "老张")
    #expect(message.correspondent == Correspondent(user: WebLogin.friend, to: "老张", since: WebLogin.now))
    #expect(message.at == WebLogin.now)
    #expect(!taken.isMore)
    let next = provider.poll(taken.session, waits: true, at: WebLogin.now, nonce: WebLogin.nonce)
    #expect(try golden.differences(WireRequest(next.request), 3, ignoring: ["deviceid", "_"]) == [])
  }

  @Test("Without waiting there is no poll: what is there is synchronised at once")
  func once() throws {
    let poll = try WebLogin.provider().poll(WebLogin.session, waits: false, at: WebLogin.now, nonce: WebLogin.nonce)
    #expect(WireRequest(poll.request).path.hasSuffix("/webwxsync"))
    #expect(!poll.mayRunOut)
  }

  @Test func oneKeyIsNeverTakenForTheOther() throws {
    let answer = WebLogin.ret(
      0,
      #","AddMsgList":[{"MsgId":"1","FromUserName":"@3","ToUserName":"x","MsgType":1,"Content":"a"}],"ContinueFlag":1,"#
        + #""SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"#
        + #""SyncCheckKey":{"Count":2,"List":[{"Key":1,"Val":5},{"Key":11,"Val":7}]}"#)
    let taken = try #require(batch(try harvest(answer, "sync")))
    #expect(taken.isMore)
    let provider = try WebLogin.provider()
    let poll = WireRequest(provider.poll(taken.session, waits: true, at: WebLogin.now, nonce: "").request)
    #expect(poll.queryValue("synckey") == "1_5|11_7")
    let sync = WireRequest(provider.poll(taken.session, waits: false, at: WebLogin.now, nonce: "").request)
    #expect(sync.json?["SyncKey"]?["Count"]?.number == 1)
    #expect(sync.json?["rr"]?.number == -1_700_000_001)
  }

  @Test(arguments: [1100, 1101, 1102])
  func aSessionThatIsOverIsLost(code: Int) throws {
    let replies = [
      ("check", WebLogin.json("window.synccheck={retcode:\"\(code)\",selector:\"0\"}")), ("sync", WebLogin.ret(code)),
    ]
    for (stage, reply) in replies {
      guard case .lost(let session) = try harvest(reply, stage) else {
        Issue.record("\(stage) does not lose the session")
        continue
      }
      #expect(session.account?.state == .ended)
      #expect(session.account?.reason?.contains(String(code)) == true)
    }
  }

  @Test func troubleIsNotTakenForNothing() throws {
    for (stage, reply) in [
      ("check", WebLogin.json("<html>")), ("check", WebLogin.json("", 502)), ("sync", WebLogin.json("{}")),
      ("sync", WebLogin.ret(1205)), ("check", WebLogin.json("window.synccheck={retcode:\"9\",selector:\"0\"}")),
    ] {
      guard case .trouble = try harvest(reply, stage) else {
        Issue.record("\(stage) \(reply.status) is no trouble")
        continue
      }
    }
    let nothing = batch(try harvest(WebLogin.json("window.synccheck={retcode:\"0\",selector:\"0\"}"), "check"))
    #expect(nothing?.messages.isEmpty == true)
    #expect(nothing?.session.learned == WebLogin.session.learned)
  }

  @Test func whatIsAnnouncedAndNeverBroughtIsAskedForWithPauses() throws {
    guard
      case .ask(_, let asked?) = try harvest(
        WebLogin.json("window.synccheck={retcode:\"0\",selector:\"7\"}"), "check")
    else { throw SettingFault("step", "asks nothing") }
    guard case .trouble = try harvest(WebLogin.ret(0, #","AddMsgList":[],"ContinueFlag":0"#), "sync", asked) else {
      Issue.record("would be asked again at once")
      return
    }
  }

  @Test func readMarksAndNoticesAreNoMessages() throws {
    #expect(try incoming(#""MsgType":51,"Content":"x""#, #""MsgType":9999,"Content":"x""#).isEmpty)
  }

  @Test(
    "What each kind of message is",
    arguments: [
      (#""MsgType":1,"Content":"在吗""#, Incoming.Kind.text, "在吗", ""),
      (
        #""MsgType":1,"SubMsgType":48,"Content":"人民广场:<br/>/cgi-bin/x","Url":"http://apis.map.qq.com/x""#, .location,
        "人民广场", ""
      ),
      (#""MsgType":3,"Content":"&lt;msg/&gt;""#, .image, "", ""), (#""MsgType":47,"Content":"""#, .image, "", ""),
      (#""MsgType":34,"Content":"""#, .voice, "", ""), (#""MsgType":43,"Content":"""#, .video, "", ""),
      (#""MsgType":62,"Content":"""#, .video, "", ""),
      (
        #""MsgType":49,"AppMsgType":6,"FileName":"a&amp;b.pdf","FileSize":"9","MediaId":"@m","Content":"""#, .file, "",
        "a&b.pdf"
      ),
      (
        #""MsgType":49,"AppMsgType":5,"FileName":"标题","Url":"https://x/?a=1&amp;b=2","Content":"&lt;des&gt;说明&lt;/des&gt;""#,
        .link, "说明", "标题"
      ),
      (#""MsgType":49,"AppMsgType":2000,"FileName":"转账","Content":"""#, .other, "", "转账"),
      (#""MsgType":42,"RecommendInfo":{"NickName":"李雷"},"Content":"""#, .card, "", "李雷"),
      (#""MsgType":10000,"Content":"你已添加""#, .system, "你已添加", ""),
      (
        #""MsgType":10002,"Content":"&lt;sysmsg type=\"revokemsg\"&gt;&lt;replacemsg&gt;&lt;![CDATA[撤回]]&gt;&lt;/replacemsg&gt;""#,
        .recall, "撤回", ""
      ),
      (#""MsgType":37,"RecommendInfo":{"Content":"加我"},"Content":"""#, .other, "加我", ""),
    ])
  func kinds(raw: String, kind: Incoming.Kind, text: String, title: String) throws {
    let message = try #require(try incoming(raw).first)
    #expect(message.kind == kind)
    #expect(message.text == text)
    #expect(message.title == title)
    #expect(message.media.count == ([.image, .voice, .video, .file].contains(kind) ? 1 : 0))
    if kind == .link { #expect(message.url == "https://x/?a=1&b=2") }
    if kind == .file { #expect(message.media[0].size == 9) }
  }

  @Test("In a group the member speaks, the group is answered, and a mention is one")
  func groups() throws {
    let raw =
      #""MsgType":1,"Content":"@6:<br/>@发送机器人🚀\u2005吃饭","FromUserName":"@@7""#
    let list = #"{"MsgId":"1","ToUserName":"\#(WebLogin.own)",\#(raw)}"#
    let answer = WebLogin.ret(0, #","AddMsgList":[\#(list)],"ContinueFlag":0"#)
    let message = try #require(batch(try harvest(answer, "sync"))?.messages.first)
    #expect(message.text == "@发送机器人🚀\u{2005}吃饭")
    #expect(message.from.kind == .stranger)
    #expect(message.from.name == "三叔")
    #expect(message.group?.to == "group:家人群")
    #expect(message.correspondent.to == "group:家人群")
    #expect(message.correspondent.user == "@@7")
    #expect(message.isMention)
  }

  @Test("A group that is not known is asked for before its message is told")
  func unknownGroup() throws {
    let list = #"{"MsgId":"1","FromUserName":"@@new","ToUserName":"me","MsgType":1,"Content":"@6:<br/>hi"}"#
    let answer = WebLogin.ret(
      0, #","AddMsgList":[\#(list)],"ContinueFlag":0,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]}"#)
    guard case .ask(let poll, let asked?) = try harvest(answer, "sync") else {
      Issue.record("the group is not asked for")
      return
    }
    let wire = WireRequest(poll.request)
    #expect(wire.path.hasSuffix("/webwxbatchgetcontact"))
    #expect(wire.json?["List"]?.array?.first?["UserName"]?.string == "@@new")
    #expect(asked.learned == WebLogin.session.learned, "no key is stored before what it stands for")
    let room =
      #","ContactList":[{"UserName":"@@new","NickName":"新群","MemberList":[{"UserName":"@6","NickName":"三叔"}]}]"#
    let taken = try #require(batch(try harvest(WebLogin.ret(0, room), poll.stage, asked)))
    #expect(taken.messages.first?.group?.name == "新群")
    #expect(taken.messages.first?.from.name == "三叔")
    #expect(taken.session.learned != WebLogin.session.learned)
    #expect(poll.isOptional)
    for answer in [WebLogin.ret(1), WebLogin.json("no such page", 404), HTTPResponse(status: 503)] {
      let nameless = try #require(batch(try harvest(answer, poll.stage, asked)), "\(answer.status)")
      #expect(nameless.messages.count == 1)
    }
  }

  @Test func contactsThatChangeAreMendedAndThoseThatGoAreGone() throws {
    let answer = WebLogin.ret(
      0,
      #","AddMsgList":[],"ModContactList":[{"UserName":"@9","NickName":"王五"},{"UserName":"@@7","NickName":"新名"}],"#
        + #""DelContactList":[{"UserName":"@3"}],"SKey":"@crypt_new""#)
    let session = try #require(batch(try harvest(answer, "sync"))).session
    let names = session.contacts?.entries.map(\.nick) ?? []
    #expect(names.contains("王五") && names.contains("新名") && !names.contains("家人群"))
    #expect(session.contacts?.entries.contains { $0.user == "@3" } == false)
    #expect(session.contacts?[user: "@@7"]?.member("@6") == "三叔", "members that are not listed stay")
    #expect(WeChatWebLogin(session.account?.own)?.skey == "@crypt_new")
  }

  @Test("Own messages are marked as such, public accounts and strangers are told apart")
  func senders() throws {
    func sender(_ user: String, to: String = WebLogin.own) throws -> Incoming? {
      let list = #"{"MsgId":"1","FromUserName":"\#(user)","ToUserName":"\#(to)","MsgType":1,"Content":"a"}"#
      return batch(try harvest(WebLogin.ret(0, #","AddMsgList":[\#(list)]"#), "sync"))?.messages.first
    }
    let own = try #require(try sender(WebLogin.own, to: WebLogin.friend))
    #expect(own.from.kind == .own)
    #expect(own.mark != nil)
    #expect(own.correspondent.to == "老张")
    #expect(try sender(WebLogin.own, to: "filehelper")?.correspondent.to == "filehelper")
    #expect(try sender("@gh")?.from.kind == .public)
    #expect(try sender("weixin")?.from.kind == .public)
    #expect(try sender("@nobody")?.from.kind == .stranger)
    #expect(try sender("@3")?.from.to == "同事")
  }

  @Test(
    "Each file is fetched from where it lies",
    arguments: [
      ("image", "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?MsgID=5&skey=%40crypt_dummy_skey"),
      ("voice", "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvoice?msgid=5&skey=%40crypt_dummy_skey"),
      ("video", "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvideo?msgid=5&skey=%40crypt_dummy_skey"),
      (
        "file",
        "https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia?sender=%401&mediaid=%40m&filename=%E6%8A%A5.pdf"
          + "&fromuser=123456789&pass_ticket=Dummy%2BPass%3DTicket&webwx_data_ticket=gSDummyDataTicket"
      ),
    ])
  func media(kind: String, url: String) throws {
    let provider = try WebLogin.provider()
    let media = Incoming.Media(
      name: "报.pdf", type: "",
      own: .object([
        .init("kind", .string(kind)), .init("id", .string("5")), .init("media", .string("@m")),
        .init("sender", .string("@1")),
      ]))
    let request = provider.request(for: media, WebLogin.session, at: WebLogin.now, nonce: "")
    #expect(request.url == url)
    #expect(request.headers.contains { $0.name == "Range" } == (kind == "video"))
    #expect(try provider.file(in: HTTPResponse(status: 206, body: [1, 2]), of: media) == [1, 2])
    for (response, isPassing) in [
      (HTTPResponse(status: 200, body: []), true), (WebLogin.ret(1), false), (HTTPResponse(status: 404), false),
      (HTTPResponse(status: 502), true),
    ] {
      let fault = #expect(throws: MediaFault.self) { try provider.file(in: response, of: media) }
      #expect(fault?.isPassing == isPassing)
    }
  }
}

@Suite struct WeChatMarkupTests {
  @Test(arguments: [
    ("a<br/>b<br>c", "a\nb\nc"), ("&lt;b&gt; &amp;lt;", "<b> &lt;"), ("&#39;&#x41;&quot;&nbsp;", "'A\" "),
    ("<span class=\"emoji emoji1f604\"></span>!", "😄!"), ("<span class=\"emoji emoji1f1e81f1f3\"></span>", "🇨🇳"),
    ("<span class=\"emoji emoji2764\"></span>", "❤"), ("<span class=\"emoji emoji2320e3\"></span>", "#\u{20E3}"),
    ("<span class=\"qqemoji qqemoji13\"></span>x", "x"),
    ("<b>bold</b> & more; &unknown; <", "<b>bold</b> & more; &unknown; <"),
    ("&#xD800;&#99999999;", "&#xD800;&#99999999;"), ("<span class=\"emoji emojizz\"></span>", ""),
  ])
  func whatWasWrittenIsReadOnce(text: String, plain: String) { #expect(WeChatMarkup.plain(text) == plain) }

  @Test func scriptsAreReadWithTheirQuotes() {
    let script = Script(WebLogin.json("window.code=201;window.userAvatar = 'data:img/jpg;base64,AA==';a=\"x;y=z\""))
    #expect(script["window.code"] == "201")
    #expect(script["window.userAvatar"] == "data:img/jpg;base64,AA==")
    #expect(script["a"] == "x;y=z")
  }
}
