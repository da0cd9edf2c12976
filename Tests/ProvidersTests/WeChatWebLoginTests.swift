import Core
import Foundation
import Testing

@testable import Providers

/// A conversation taken turn by turn.
private struct Talk {
  var requests: [WireRequest] = []
  var news: [Dialogue.Phase] = []
  var end: Session?
  var failure: Dialogue.Failure?
  private var memory = JSON.null
  private let provider: WeChatWeb
  private let session: Session
  private var next = Dialogue.Next.pause(0)

  init(_ purpose: Dialogue.Purpose, _ session: Session = Session()) throws {
    self.session = session
    provider = try WebLogin.provider()
    take(.begin(purpose))
  }

  private mutating func take(_ event: Dialogue.Event) {
    let turn = provider.converse(event, memory, session, at: WebLogin.now, nonce: WebLogin.nonce)
    news += turn.news
    (memory, next) = (turn.memory, turn.next)
    switch turn.next {
    case .ask(let request, _): requests.append(WireRequest(request))
    case .end(let session): end = session
    case .over(let failure): self.failure = failure
    case .pause, .read: break
    }
  }

  /// Answers what was asked; pauses are over at once.
  mutating func answer(_ reply: Reply) {
    take(.replied(reply))
    if case .pause = next { take(.waited) }
  }

  mutating func answer(_ response: HTTPResponse) { answer(.http(response)) }

  mutating func answer(_ text: String) { answer(WebLogin.json(text)) }
}

@Suite struct WeChatWebLoginTests {
  @Test("A login asks what a real client asks, in its order, and ends ready to send")
  func recorded() throws {
    let golden = try WebGolden("login-sequence")
    var talk = try Talk(.login(isFresh: false))
    for place in 0..<8 { talk.answer(try golden.response(place)) }
    #expect(talk.requests.count == 8)
    for (place, request) in talk.requests.enumerated() {
      // Its ticket is encoded twice in one place; ours goes as it came.
      let ignoring: Set<String> = place == 5 ? ["pass_ticket"] : []
      let differences = try golden.differences(request, place, ignoring: ignoring)
      #expect(differences == [], "\(place): \(differences)")
    }
    #expect(talk.requests[5].http.url.hasSuffix("&pass_ticket=Dummy%2BPass%3DTicket"))
    let door = talk.requests[4]
    let recorded = try golden.request(4)["headers"]?.array?.compactMap(\.strings) ?? []
    for name in ["client-version", "extspam", "referer", "User-Agent"] {
      #expect(door.header(name.lowercased()) == recorded.first { $0[0] == name }?[1], "\(name)")
    }
    #expect(
      talk.news == [.qr(url: "https://login.weixin.qq.com/l/DummyUuid==", expires: 300), .scanned, .confirmed])
    let ready = try #require(talk.end)
    #expect(ready.account?.name == "发送机器人🚀")
    #expect(ready.account?.since == WebLogin.now)
    let login = try #require(WeChatWebLogin(ready.account?.own))
    #expect(login.user == WebLogin.own)
    #expect(login.cookieHeader == WebLogin.login.cookieHeader || login.cookies.count == 7)
    #expect(login.device.utf8.count == 16)
    #expect(SyncKeys(ready.learned).checkText == "1_640000001|2_640000002|3_640000003|1000_1700000000")
    #expect(ready.contacts?.entries.map(\.name) == ["老张", "李四😄", "某公众号"])
    #expect(ready.contacts?.entries.map(\.kind) == [.friend, .friend, .public])
    #expect(ready.contacts?.entries.first?.alias == "zhangsan1")
  }

  @Test func anExpiredCodeIsDrawnAnewThreeTimesInAll() throws {
    var talk = try Talk(.login(isFresh: true))
    for number in 1...3 {
      talk.answer("window.QRLogin.code = 200; window.QRLogin.uuid = \"u\(number)==\";")
      talk.answer("window.code=400;")
    }
    #expect(talk.failure?.kind == .timeout)
    #expect(talk.news.filter { $0 == .expired }.count == 3)
    #expect(talk.requests.count == 6)
  }

  @Test("Who was here is asked on the phone; where that is refused or runs out, a code is drawn")
  func push() throws {
    var talk = try Talk(.login(isFresh: false), WebLogin.session)
    #expect(talk.requests[0].path.hasSuffix("/webwxpushloginurl"))
    #expect(talk.requests[0].queryValue("uin") == "123456789")
    #expect(talk.requests[0].header("cookie")?.contains("wxsid=DummySid+/0") == true)
    talk.answer(#"{"msg":"all ok","ret":"0","uuid":"p=="}"#)
    #expect(talk.news == [.push])
    talk.answer("window.code=400;")
    #expect(talk.requests.last?.path == "/jslogin")
    var refused = try Talk(.login(isFresh: false), WebLogin.session)
    refused.answer(#"{"ret":"1","msg":"all error"}"#)
    #expect(refused.requests.last?.path == "/jslogin")
    #expect(refused.news.isEmpty)
    let fresh = try Talk(.login(isFresh: true), WebLogin.session)
    #expect(fresh.requests[0].path == "/jslogin")
  }

  /// Up to the page behind the redirection.
  private func atTheDoor() throws -> Talk {
    var talk = try Talk(.login(isFresh: true))
    talk.answer("window.QRLogin.code = 200; window.QRLogin.uuid = \"u==\";")
    talk.answer(
      "window.code=200;\nwindow.redirect_uri=\"https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t\";")
    return talk
  }

  @Test func whoMayNotUseTheWebIsToldTheOtherWay() throws {
    var talk = try atTheDoor()
    talk.answer("<error><ret>1203</ret><message>不允许登录</message></error>")
    #expect(talk.failure?.kind == .refused)
    #expect(talk.failure?.code == "1203")
    #expect(talk.failure?.message.contains("不允许登录") == true)
    #expect(talk.failure?.hint?.contains("wechat-ilink") == true)
    var bare = try atTheDoor()
    bare.answer("<error><ret>0</ret><skey>k</skey><pass_ticket>p</pass_ticket></error>")
    #expect(bare.failure?.code == "cookies")
  }

  @Test func aRedirectionOutOfWeChatIsNotFollowed() throws {
    for page in [
      "https://evil.example/x", "http://wx.qq.com/x", "https://wx.qq.com.evil.example/x", "https://qq.com@evil/x",
    ] {
      var talk = try Talk(.login(isFresh: true))
      talk.answer("window.QRLogin.code = 200; window.QRLogin.uuid = \"u==\";")
      talk.answer("window.code=200;\nwindow.redirect_uri=\"\(page)\";")
      #expect(talk.failure?.kind == .refused, "\(page)")
      #expect(talk.requests.count == 2)
    }
  }

  @Test func theNetworkIsForgivenAFewTimesAndAPollAsOftenAsItRunsOut() throws {
    let lost = Reply.lost(TransportFailure(code: "timeout", message: "no answer"))
    var talk = try Talk(.login(isFresh: true))
    for _ in 0..<5 { talk.answer(lost) }
    #expect(talk.failure?.kind == .unreachable)
    var poll = try Talk(.login(isFresh: true))
    poll.answer("window.QRLogin.code = 200; window.QRLogin.uuid = \"u==\";")
    for _ in 0..<10 { poll.answer(lost) }
    #expect(poll.failure == nil)
    #expect(poll.requests.count == 12)
  }

  @Test func aSessionThatEndsWithItsFirstCallsIsSaidToHave() throws {
    var talk = try atTheDoor()
    let golden = try WebGolden("login-sequence")
    talk.answer(try golden.response(4))
    talk.answer(WebLogin.ret(1101))
    #expect(talk.failure?.kind == .refused)
    #expect(talk.failure?.message.contains("right after the login") == true)
  }

  @Test func aCheckSynchronisesAndKeepsNothingOfIt() throws {
    var talk = try Talk(.check, WebLogin.session)
    #expect(talk.requests[0].path.hasSuffix("/webwxsync"))
    talk.answer(WebLogin.ret(0, #","AddMsgList":[],"SyncKey":{"Count":0,"List":[]}"#))
    #expect(talk.end?.learned == WebLogin.session.learned)
    var over = try Talk(.check, WebLogin.session)
    over.answer(WebLogin.ret(1102))
    #expect(over.failure?.kind == .ended)
    #expect(try Talk(.check).failure?.kind == .ended)
  }

  @Test func contactsAreFetchedAndGroupsThatAreNotListedStay() throws {
    var talk = try Talk(.refresh, WebLogin.session)
    talk.answer(WebLogin.ret(0, #","MemberList":[{"UserName":"@9","NickName":"王五"}],"Seq":0"#))
    #expect(talk.end?.contacts?.entries.map(\.name) == ["家人群", "王五"])
    #expect(talk.end?.account?.since == WebLogin.now)
  }

  @Test func aLogoutIsToldAndEndsWhateverIsSaid() throws {
    for reply in [Reply.http(WebLogin.json("", 301)), .lost(TransportFailure(code: "timeout", message: "x"))] {
      var talk = try Talk(.logout, WebLogin.session)
      #expect(talk.requests[0].path.hasSuffix("/webwxlogout"))
      talk.answer(reply)
      #expect(talk.end != nil)
    }
  }
}
