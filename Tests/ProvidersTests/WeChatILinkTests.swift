import Core
import Digests
import Foundation
import Testing

@testable import Providers

private let own = JSON.object([
  .init("bot_token", .string("T")), .init("ilink_bot_id", .string("b@im.bot")),
  .init("ilink_user_id", .string("u@im.wechat")), .init("host", .string("ilinkai.weixin.qq.com")),
])

private let now = Date(timeIntervalSince1970: 1_800_000_000)
private let nonce = "00000007abcdefabcdefabcdefabcdef"

private func provider(_ values: [String: JSON] = [:], endpoint: String = "") throws -> WeChatILink {
  try WeChatILink(Settings(endpoint: endpoint, values: values))
}

private func session(tokens: [String: String] = ["u@im.wechat": "ctx"]) -> Session {
  var session = Session()
  session.account = Account(provider: "wechat-ilink", name: "b@im.bot", since: now, own: own)
  session.learned = .object([
    .init("buf", .string("B1")), .init("tokens", .object(tokens.map { .init($0.key, .string($0.value)) })),
  ])
  return session
}

private func call(_ message: Message, to address: String = "owner", part: Int = 0) throws -> Call {
  let provider = try provider()
  let content = try provider.content(of: message)
  var whole = content
  whole.attachments = try Attachments.resolve(message.attachments, below: [])
  return Call(
    id: "c-1", contents: [provider.parts(of: whole)[part].content], recipients: [.init(try provider.target(address))])
}

private func json(_ text: String) -> HTTPResponse { HTTPResponse(status: 200, body: Array(text.utf8)) }

private func sent(_ step: Step) -> HTTPRequest? {
  switch step {
  case .send(.http(let request), _), .prepare(.http(let request), _, _): request
  default: nil
  }
}

extension WeChatILink: Exemplified {
  /// Its throttle is the allowance, which is a quota.
  static let specimen = Specimen(
    provider: WeChatILink.self, values: [:], message: Message(body: "text"), addresses: ["owner"],
    success: (200, #"{"ret":0,"message_id":"7497484083968569736"}"#), throttled: nil,
    wrongCredentials: (200, #"{"ret":-14,"errmsg":"session timeout"}"#),
    unknownCode: (200, #"{"ret":31337,"errmsg":"ok"}"#))
}

@Suite struct WeChatILinkTests {
  @Test("A text goes with every header that the service wants, and the newest context token")
  func text() throws {
    let step = try provider().begin(try call(Message(body: "你好", title: "t")), session(), at: now, nonce: nonce)
    let request = try #require(sent(step))
    #expect(request.url == "https://ilinkai.weixin.qq.com/ilink/bot/sendmessage")
    let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { $1 }
    #expect(headers["Authorization"] == "Bearer T" && headers["AuthorizationType"] == "ilink_bot_token")
    #expect(headers["iLink-App-Id"] == "bot" && headers["iLink-App-ClientVersion"] == "132099")
    #expect(headers["X-WECHAT-UIN"] == "Nw==" && headers["Content-Type"] == "application/json")
    #expect(
      String(decoding: request.body, as: UTF8.self)
        == #"{"msg":{"from_user_id":"","to_user_id":"u@im.wechat","client_id":"c-1","message_type":2,"message_state":2,"#
        + #""item_list":[{"type":1,"text_item":{"text":"t\n你好"}}],"context_token":"ctx"},"#
        + #""base_info":{"channel_version":"2.4.3","bot_agent":"msgspool/0.1"}}"#)
  }

  @Test("With an endpoint all goes there, and the host that was meant goes along")
  func endpoint() throws {
    let provider = try provider(endpoint: "http://127.0.0.1:9/x")
    let request = try #require(sent(provider.begin(try call(Message(body: "a")), session(), at: now, nonce: nonce)))
    #expect(request.url == "http://127.0.0.1:9/x/ilink/bot/sendmessage")
    #expect(request.headers.contains(HTTPHeader("X-Forwarded-Host", "ilinkai.weixin.qq.com")))
  }

  @Test(
    "Addresses that the service hands out are followed to WeChat's own hosts alone",
    arguments: [
      ("https://a.qq.com/p?q=1", true), ("https://wechat.com", true), ("b.weixin.qq.com", true),
      ("http://a.qq.com/", false), ("https://qq.com.evil.test/", false), ("https://evilqq.com/", false),
      ("https://a.qq.com:8443/", false), ("https://u@a.qq.com/", false), ("https://a.qq.com/ x", false), ("", false),
    ])
  func handedOut(address: String, isFollowed: Bool) throws {
    #expect((try provider().origins.handedOut(address) != nil) == isFollowed)
  }

  @Test("A file is announced, encrypted and uploaded, and only then sent")
  func file() throws {
    let provider = try provider()
    let bytes = Array("%PDF-1.4 test".utf8)
    let call = try call(
      Message(body: "x", attachments: [.init(name: "报告.pdf", source: .data(bytes))]), part: 1)
    guard
      case .prepare(.http(let announce), let stage, let kept?) = provider.begin(call, session(), at: now, nonce: nonce)
    else { return #expect(Bool(false)) }
    let fields = try JSONScanner.value(of: announce.body)
    #expect(
      fields["media_type"] == .integer(3) && fields["rawsize"] == .integer(13) && fields["filesize"] == .integer(16))
    #expect(fields["rawfilemd5"]?.string == Digest.md5.of(bytes).hex && fields["no_need_thumb"] == .boolean(true))
    let key = try #require(fields["aeskey"]?.string.flatMap { WeChatILink.key(hex: $0) })
    var after = session()
    after.takeValues(of: kept)
    let upload = provider.proceed(
      json(#"{"ret":0,"upload_full_url":"https://cdn.qq.com/c2c/upload?a=1","upload_param":"p"}"#), after: stage, call,
      after, at: now, nonce: nonce)
    guard case .prepare(.http(let request), let uploading, _) = upload else { return #expect(Bool(false), "\(upload)") }
    #expect(request.url == "https://cdn.qq.com/c2c/upload?a=1")
    #expect(AES128.decrypted(request.body, key: key) == bytes)
    let answer = HTTPResponse(status: 200, headers: [HTTPHeader("x-encrypted-param", "DOWN")])
    let step = provider.proceed(answer, after: uploading, call, after, at: now, nonce: nonce)
    guard case .send(.http(let message), _) = step else { return #expect(Bool(false), "\(step)") }
    let item = try #require(try JSONScanner.value(of: message.body)["msg"]?["item_list"]?.array?.first)
    #expect(item["type"] == .integer(4) && item["file_item"]?["file_name"]?.string == "报告.pdf")
    #expect(item["file_item"]?["len"]?.string == "13")
    let media = item["file_item"]?["media"]
    #expect(media?["encrypt_query_param"]?.string == "DOWN")
    #expect(media?["aes_key"]?.string == Data(key.hex.utf8).base64EncodedString())
  }

  @Test("Of an upload 5xx and a missing parameter are tried anew, 4xx is final with the service's words")
  func uploads() throws {
    let provider = try provider()
    let call = try call(Message(attachments: [.init(name: "a", source: .data([1]))]))
    func step(_ response: HTTPResponse) -> Step {
      provider.proceed(response, after: "upload", call, session(), at: now, nonce: nonce)
    }
    guard case .again = step(HTTPResponse(status: 502)) else { return #expect(Bool(false)) }
    guard case .again = step(HTTPResponse(status: 200)) else { return #expect(Bool(false)) }
    guard
      case .finish(let answer, _) = step(
        HTTPResponse(status: 413, headers: [HTTPHeader("x-error-message", "too big")]))
    else { return #expect(Bool(false)) }
    #expect(answer.outcomes == [.rejected(.message, code: "413", reason: "too big")])
  }

  @Test(
    "What a send's answer means",
    arguments: [
      (#"{"ret":0,"message_id":"7"}"#, RecipientState.accepted, nil), (#"{"ret":0,"message_id":7}"#, .accepted, nil),
      (#"{"ret":0}"#, .unconfirmed, "no-id"), ("{}", .unconfirmed, "no-id"),
      (#"{"ret":0,"message_id":""}"#, .unconfirmed, "no-id"),
      (#"{"ret":-2,"errmsg":"prepare failed"}"#, .deferred, "-2"), (#"{"errcode":-14}"#, .deferred, "-14"),
      (#"{"ret":-14}"#, .deferred, "-14"), (#"{"ret":5}"#, .deferred, "5"), ("oops", .unconfirmed, "answer"),
    ] as [(String, RecipientState, String?)])
  func answers(body: String, state: RecipientState, code: String?) throws {
    let answer = try provider().answer(json(body), to: try call(Message(body: "a")), at: now)
    #expect(answer.outcomes.map(\.state) == [state] && answer.outcomes[0].code == code)
    #expect(answer.isAllowanceSpent == (code == "-2"))
    #expect((answer.rest == .untilLogin) == (code == "-14"))
  }

  @Test("Only the owner, a reply, and who has written are reached")
  func addresses() throws {
    let provider = try provider()
    for address in ["", "owner", "reply:1", "x@im.wechat"] { _ = try provider.target(address) }
    for address in ["filehelper", "老张", "@abc", "reply:", "@im.wechat"] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
    func user(_ address: String, _ session: Session) throws -> String? {
      let step = provider.begin(try call(Message(body: "a"), to: address), session, at: now, nonce: nonce)
      return try sent(step).flatMap { try JSONScanner.value(of: $0.body)["msg"]?["to_user_id"]?.string }
    }
    var session = session(tokens: ["w@im.wechat": "x"])
    #expect(try user("w@im.wechat", session) == "w@im.wechat")
    #expect(try user("z@im.wechat", session) == nil)
    #expect(try user("reply:9", session) == nil)
    session.correspondent = Correspondent(user: "w@im.wechat", to: "w@im.wechat", token: "t", since: now)
    #expect(try user("reply:9", session) == "w@im.wechat")
  }

  @Test("What came in becomes a message; one without an id gets one from what it is")
  func incoming() throws {
    let body = #"""
      {"ret":0,"get_updates_buf":"B2","longpolling_timeout_ms":20000,"msgs":[
      {"from_user_id":"u@im.wechat","message_id":7,"create_time_ms":1800000000000,"message_type":1,"context_token":"new",
       "item_list":[{"type":1,"text_item":{"text":"hi"}}]},
      {"from_user_id":"u@im.wechat","create_time_ms":1800000000000,"message_type":1,
       "item_list":[{"type":3,"voice_item":{"text":"说","media":{"encrypt_query_param":"p","aes_key":"AAAAAAAAAAAAAAAAAAAAAA=="}}}]},
      {"from_user_id":"b@im.bot","message_id":8,"message_type":2,"item_list":[{"type":1,"text_item":{"text":"own"}}]}]}
      """#
    guard
      case .batch(let messages, let after, isMore: false) = try provider().harvest(
        json(body), after: "updates", session(), at: now, nonce: nonce)
    else { return #expect(Bool(false)) }
    #expect(messages.map(\.id).first == "7" && messages[1].id.hasPrefix("x") && messages[1].id.utf8.count == 33)
    #expect(messages.map(\.from.kind) == [.owner, .owner, .own] && messages.map(\.isWord) == [true, true, false])
    #expect(messages.map(\.kind) == [.text, .voice, .text] && messages[1].text == "说")
    #expect(after.learned["buf"]?.string == "B2" && after.learned["tokens"]?["u@im.wechat"]?.string == "new")
    #expect(try provider().poll(after, waits: true, at: now, nonce: nonce).timeout == 25)
  }

  @Test("A file is decrypted under its key, however that is written; damage is said")
  func media() throws {
    let provider = try provider()
    let key = Array(0..<16).map { UInt8($0) }
    let secret = try #require(AES128.encrypted(Array("hello".utf8), key: key))
    func file(_ own: [JSON.Member], _ body: [UInt8]) -> Result<[UInt8], MediaFault> {
      Result { () throws(MediaFault) in
        try provider.file(
          in: HTTPResponse(status: 200, body: body), of: .init(name: "", type: "", own: .object(own)))
      }
    }
    for own in [
      [JSON.Member("aeskey", .string(key.hex))], [.init("aes_key", .string(Data(key).base64EncodedString()))],
      [.init("aes_key", .string(Data(key.hex.utf8).base64EncodedString()))],
    ] { #expect(file(own, secret) == .success(Array("hello".utf8))) }
    let good = [JSON.Member("aeskey", .string(key.hex))]
    for body in [[], Array(secret.dropLast()), secret + secret.prefix(1), Array(repeating: 7, count: 16)] as [[UInt8]] {
      guard case .failure(let fault) = file(good, body) else { return #expect(Bool(false)) }
      #expect(!fault.isPassing)
    }
    guard case .failure = file([], secret) else { return #expect(Bool(false)) }
  }

  @Test("A login draws three codes at the most, and goes on at the host that it is sent to")
  func login() throws {
    let provider = try provider()
    var turn = provider.converse(.begin(.login(isFresh: false)), .null, Session(), at: now, nonce: nonce)
    for number in 1...3 {
      turn = provider.converse(
        .replied(.http(json(#"{"qrcode":"q\#(number)","qrcode_img_content":"https://l/\#(number)"}"#))), turn.memory,
        Session(), at: now, nonce: nonce)
      #expect(turn.news == [.qr(url: "https://l/\(number)", expires: 300)])
      turn = provider.converse(
        .replied(.http(json(#"{"status":"expired"}"#))), turn.memory, Session(), at: now, nonce: nonce)
      #expect(turn.news == [.expired])
    }
    guard case .over(let failure) = turn.next else { return #expect(Bool(false)) }
    #expect(failure.kind == .timeout)
  }
}
