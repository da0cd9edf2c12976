import Core
import Digests
import Foundation
import Testing

@testable import Providers

/// A login that the recorded requests were made with, and what goes wrong with it.
enum WebLogin {
  static let own = "@0000000000000000000000000000000000000000000000000000000000000me0"
  static let friend = "@1111111111111111111111111111111111111111111111111111111111111111"
  /// When the recorded requests were made.
  static let now = Date(timeIntervalSince1970: 1_700_000_000)
  static let nonce = "3f1c6f2a9b8d4e7f8a0b1c2d3e4f5061"

  static var login: WeChatWebLogin {
    var login = WeChatWebLogin(
      host: "wx.qq.com", folder: "/cgi-bin/mmwebwx-bin", uin: "123456789", sid: "DummySid+/0",
      skey: "@crypt_dummy_skey", ticket: "Dummy%2BPass%3DTicket", device: "e012345678901234",
      cookies: [
        .init("wxuin", .string("123456789")), .init("wxsid", .string("DummySid+/0")),
        .init("wxloadtime", .string("1700000000")), .init("mm_lang", .string("zh_CN")),
        .init("webwxuvid", .string("dummyuvid")), .init("webwx_auth_ticket", .string("CIsBDummyAuthTicket")),
        .init("webwx_data_ticket", .string("gSDummyDataTicket")),
      ])
    (login.user, login.nick) = (own, "发送机器人🚀")
    return login
  }

  static var session: Session {
    var session = Session()
    session.account = Account(provider: "wechat-web", name: "发送机器人🚀", since: now, own: login.json)
    session.contacts = ContactBook(
      [
        ContactBook.Entry(.friend, user: friend, remark: "老张", nick: "张三", alias: "zhangsan1"),
        ContactBook.Entry(.friend, user: "@3", remark: "同事", nick: "重名"),
        ContactBook.Entry(.friend, user: "@4", nick: "重名", alias: "ch2"),
        ContactBook.Entry(
          .group, user: "@@7", nick: "家人群", own: .object([.init("members", .object([.init("@6", .string("三叔"))]))])),
        ContactBook.Entry(.public, user: "@gh", nick: "某公众号"),
      ], fetched: now)
    session.learned = SyncKeys(sync: syncKey(1), check: syncKey(1)).json
    session.number = 17_000_000_000_000
    return session
  }

  /// The recorded keys: values that begin so far from their base.
  static func syncKey(_ offset: Int) -> JSON {
    let pairs = [
      (1, 640_000_000 + offset), (2, 640_000_001 + offset), (3, 640_000_002 + offset), (1000, 1_699_999_999 + offset),
    ]
    return .object([
      .init("Count", .integer(4)),
      .init("List", .array(pairs.map { .object([.init("Key", .integer($0.0)), .init("Val", .integer($0.1))]) })),
    ])
  }

  static func provider(_ values: [String: JSON] = [:], endpoint: String = "") throws -> WeChatWeb {
    try WeChatWeb(
      Settings(endpoint: endpoint, values: values.merging(["accept_risk": .boolean(true)]) { own, _ in own }))
  }

  static func call(_ message: Message, to address: String = "filehelper", part: Int = 0) throws -> Call {
    let provider = try provider()
    var whole = try provider.content(of: message)
    whole.attachments = try Attachments.resolve(message.attachments, below: [])
    return Call(
      id: "c-1", contents: [provider.parts(of: whole)[part].content], recipients: [.init(try provider.target(address))])
  }

  static func json(_ text: String, _ status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, body: Array(text.utf8))
  }

  static func ret(_ code: Int, _ more: String = "") -> HTTPResponse {
    json(#"{"BaseResponse":{"Ret":\#(code),"ErrMsg":""}\#(more)}"#)
  }
}

/// A call taken step by step.
struct WebWalk {
  var requests: [WireRequest] = []
  var sends = 0
  var answer: Answer?
  var session: Session
  /// That it is to be begun anew.
  var retreats = false

  init(
    _ call: Call, _ session: Session = WebLogin.session, _ values: [String: JSON] = [:],
    _ responses: HTTPResponse...
  ) throws {
    self.session = session
    let provider = try WebLogin.provider(values)
    var stage = take(provider.begin(call, session, at: WebLogin.now, nonce: WebLogin.nonce))
    for response in responses {
      guard let asked = stage else { return }
      stage = take(
        provider.proceed(response, after: asked, call, self.session, at: WebLogin.now, nonce: WebLogin.nonce))
    }
  }

  private mutating func take(_ step: Step) -> String? {
    switch step {
    case .prepare(let exchange, let stage, let new):
      requests.append(WireRequest(exchange))
      session = new ?? session
      return stage
    case .send(let exchange, let new):
      requests.append(WireRequest(exchange))
      sends += 1
      session = new ?? session
      return Step.sending
    case .finish(let answer, let new):
      (self.answer, session) = (answer, new ?? session)
      return nil
    case .again(let answer, let new):
      (self.answer, session, retreats) = (answer, new ?? session, true)
      return nil
    }
  }

  var outcome: Outcome? { answer?.outcomes.first }
}

/// A real client's requests, and what ours have in common with them.
struct WebGolden: CustomTestStringConvertible {
  var name: String
  var exchanges: [Value]

  var testDescription: String { name }

  init(_ name: String) throws {
    self.name = name
    let root = try #require(GoldenCase.file("itchat_uos-\(name)", in: "wechat-web"))
    exchanges = root["exchanges"]?.array ?? [root]
  }

  func request(_ place: Int) throws -> Value { try #require(exchanges[place]["request"]) }

  func response(_ place: Int) throws -> HTTPResponse {
    let response = try #require(exchanges[place]["response"])
    let headers = (response["headers"]?.array ?? []).compactMap(\.strings).map {
      HTTPHeader($0[0].lowercased(), $0[1])
    }
    return HTTPResponse(
      status: response["status"]?.number ?? 0, headers: headers, body: Array((response["text"]?.string ?? "").utf8))
  }

  /// What differs in meaning; empty when nothing does.
  /// - Parameter ignoring: parameters of the query that only one side has, or that the clock and chance make.
  func differences(_ wire: WireRequest, _ place: Int, ignoring: Set<String> = []) throws -> [String] {
    let request = try request(place)
    var found: [String] = []
    func compare(_ what: String, _ ours: some Equatable, _ recorded: some Equatable) {
      if "\(ours)" != "\(recorded)" { found.append("\(what): ours \(ours), recorded \(recorded)") }
    }
    let url = request["url"]?.string ?? ""
    compare("method", wire.http.method.rawValue, request["method"]?.string ?? "")
    compare("host", wire.host, url.components(separatedBy: "/")[2])
    compare("path", wire.path, request["path"]?.string ?? "")
    func pairs(_ text: String) -> [[String]] {
      text.components(separatedBy: "&").filter { !$0.isEmpty }.map { pair in
        let name = pair.prefix { $0 != "=" }
        return [String(name), String(pair.dropFirst(name.count + 1)).removingPercentEncoding ?? "?"]
      }.filter { !ignoring.contains($0[0]) }
    }
    let query = { (url: String) in url.firstIndex(of: "?").map { String(url[url.index(after: $0)...]) } ?? "" }
    compare("query", pairs(query(wire.http.url)), pairs(query(url)))
    // In the order of its jar, which means nothing.
    func cookies(_ text: String) -> [String] { text.components(separatedBy: "; ").sorted() }
    compare("cookies", cookies(wire.header("cookie") ?? ""), cookies(header(request, "cookie")))
    let json = wire.http.body.isEmpty ? nil : Value(Data(wire.http.body))?.withoutDevice
    if json != request["body"]?["json"]?.withoutDevice {
      found.append("JSON: ours \(String(describing: json)), recorded \(String(describing: request["body"]?["json"]))")
    }
    try compareParts(wire, request["body"]?["multipart"]?.array ?? [], &found)
    return found
  }

  private func compareParts(_ wire: WireRequest, _ recorded: [Value], _ found: inout [String]) throws {
    guard wire.http.parts.count == recorded.count else {
      return found.append("parts: ours \(wire.http.parts.map(\.name)), recorded \(recorded.count)")
    }
    for (part, other) in zip(wire.http.parts, recorded) {
      let disposition = "form-data; name=\"\(part.name)\"" + (part.fileName.map { "; filename=\"\($0)\"" } ?? "")
      let type = part.type.map { [["Content-Type", $0]] } ?? []
      let headers = (other["headers"]?.array ?? []).compactMap(\.strings)
      if [["Content-Disposition", disposition]] + type != headers { found.append("\(part.name): \(headers)") }
      if part.name == "uploadmediarequest" {
        let ours = Value(Data((part.text ?? "").utf8))?.withoutDevice
        let theirs = Value(Data((other["text"]?.string ?? "").utf8))?.withoutDevice
        if ours != theirs { found.append("uploadmediarequest: ours \(String(describing: ours))") }
      } else if !["filename", "lastModifiedDate"].contains(part.name), part.text != other["text"]?.string {
        found.append("\(part.name): ours \(part.text ?? ""), recorded \(other["text"]?.string ?? "")")
      }
    }
  }

  private func header(_ request: Value, _ name: String) -> String {
    (request["headers"]?.array ?? []).compactMap(\.strings).first { $0[0].lowercased() == name }?[1] ?? ""
  }

  /// The bytes of the file in a recorded upload.
  func file() throws -> [UInt8] {
    let body = try #require(try request(0)["body"])
    let whole = try #require(
      body["base64"]?.string.flatMap { Data(base64Encoded: $0) } ?? body["text"]?.string.map { Data($0.utf8) })
    let start = try #require(whole.range(of: Data("octet-stream\r\n\r\n".utf8))).upperBound
    let end = try #require(whole.range(of: Data("\r\n--goldenboundary".utf8), in: start..<whole.endIndex)).lowerBound
    return Array(whole[start..<end])
  }
}

extension Value {
  /// Without the id of the browser, which this client leaves out of its bodies.
  fileprivate var withoutDevice: Value {
    guard case .object(var members) = self else { return self }
    if case .object(var base)? = members["BaseRequest"] {
      base["DeviceID"] = nil
      members["BaseRequest"] = .object(base)
    }
    return .object(members)
  }
}

extension WeChatWeb: Exemplified {
  /// Its throttle suspends the channel for hours.
  static let specimen = Specimen(
    provider: WeChatWeb.self, values: ["accept_risk": .boolean(true)], message: Message(body: "text"),
    addresses: ["filehelper"], success: (200, #"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"3000000000000000003"}"#),
    throttled: nil, wrongCredentials: (200, #"{"BaseResponse":{"Ret":1101,"ErrMsg":""}}"#),
    unknownCode: (200, #"{"BaseResponse":{"Ret":31337,"ErrMsg":"请求成功"},"MsgID":"3000000000000000003"}"#))
}

@Suite struct WeChatWebTests {
  // MARK: Requests as a real client makes them

  @Test(arguments: [
    ("send-text-filehelper", "filehelper", "Hello, filehelper"),
    ("search-friend-send-text", "老张", "服务器告警：磁盘使用率 95%"), ("send-too-frequent-1205", "remark:老张", "x"),
  ])
  func textsAreSentAsRecorded(name: String, to: String, text: String) throws {
    let golden = try WebGolden(name)
    let walk = try WebWalk(
      WebLogin.call(Message(body: text), to: to), WebLogin.session, [:], try golden.response(0))
    #expect(try golden.differences(walk.requests[0], 0, ignoring: ["pass_ticket"]) == [])
    let frequent = name.hasSuffix("1205")
    #expect(walk.outcome?.state == (frequent ? .deferred : .accepted))
    #expect(walk.outcome?.id == (frequent ? nil : "3000000000000000003"))
    #expect(walk.answer?.rest == (frequent ? .throttled : .untilNextSweep))
  }

  @Test(arguments: [
    ("send-file-txt", "filehelper", "readme.txt", "text/plain"),
    ("send-image-jpg", "filehelper", "photo.jpg", "image/jpeg"),
    ("send-video-mp4", "老张", "clip.mp4", "video/mp4"),
  ])
  func filesAreUploadedAndSentAsRecorded(name: String, to: String, file: String, type: String) throws {
    let golden = try WebGolden(name)
    let attachment = Message.Attachment(name: file, type: type, source: .data(try golden.file()))
    let walk = try WebWalk(
      WebLogin.call(Message(attachments: [attachment]), to: to), WebLogin.session, [:], try golden.response(0),
      try golden.response(1))
    #expect(walk.requests.count == 2)
    let uploaded = try golden.differences(walk.requests[0], 0)
    #expect(uploaded == [], "\(uploaded)")
    let sent = try golden.differences(walk.requests[1], 1, ignoring: ["pass_ticket"])
    #expect(sent == [], "\(sent)")
    #expect(walk.outcome == .accepted(id: "3000000000000000003"))
    #expect(walk.sends == 1)
  }

  @Test("Every request is a browser's, says JSON where it is, and goes to the endpoint with the host that was meant")
  func headers() throws {
    let provider = try WebLogin.provider(endpoint: "http://127.0.0.1:8517/relay")
    let call = try WebLogin.call(Message(body: "x"))
    guard case .send(.http(let request), _) = provider.begin(call, WebLogin.session, at: WebLogin.now, nonce: "")
    else { throw SettingFault("step", "is none that sends") }
    #expect(request.url.hasPrefix("http://127.0.0.1:8517/relay/cgi-bin/mmwebwx-bin/webwxsendmsg?"))
    let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { $1 }
    #expect(headers["X-Forwarded-Host"] == "wx.qq.com")
    #expect(headers["User-Agent"]?.hasPrefix("Mozilla/5.0 ") == true)
    #expect(headers["Content-Type"] == "application/json; charset=UTF-8")
  }

  @Test("Texts are raw UTF-8: no escape that a receiver would see, and no control character that would need one")
  func rawText() throws {
    let walk = try WebWalk(WebLogin.call(Message(body: "a\u{1B}[31m\u{7F}\u{85}\t\"\\\n你好🚀\u{0}")))
    let body = String(decoding: walk.requests[0].http.body, as: UTF8.self)
    #expect(!body.contains("\\u"))
    #expect(walk.requests[0].json?["Msg"]?["Content"]?.string == "a[31m\u{7F}\u{85}\t\"\\\n你好🚀")
    for text in hostileTexts {
      let walk = try WebWalk(WebLogin.call(Message(body: text)))
      #expect(walk.requests[0].json?["Msg"]?["ToUserName"]?.string == "filehelper", "\(text)")
    }
  }

  @Test(
    "Hosts of files and of the poll follow the login's",
    arguments: [
      ("wx.qq.com", "file.wx.qq.com", "webpush.wx.qq.com"), ("wx2.qq.com", "file.wx2.qq.com", "webpush.wx2.qq.com"),
      ("wx8.qq.com", "file.wx8.qq.com", "webpush.wx8.qq.com"), ("x.qq.com", "file.wx.qq.com", "webpush.wx.qq.com"),
      ("web2.wechat.com", "file.web2.wechat.com", "webpush.web2.wechat.com"),
      ("web.wechat.com", "file.web.wechat.com", "webpush.web.wechat.com"), ("localhost", "localhost", "localhost"),
    ])
  func hosts(host: String, file: String, push: String) {
    var login = WebLogin.login
    login.host = host
    #expect(login.fileHost == file)
    #expect(login.pushHost == push)
  }

  // MARK: Files

  @Test("A file goes in pieces of 524,288 bytes, and only then the message")
  func pieces() throws {
    let bytes = [UInt8](repeating: 7, count: 2 * 524_288 + 1)
    let call = try WebLogin.call(Message(attachments: [.init(name: "报告 100%.bin", source: .data(bytes))]), to: "老张")
    let more = WebLogin.ret(0, #","MediaId":"""#)
    let walk = try WebWalk(
      call, WebLogin.session, [:], more, more, WebLogin.ret(0, #","MediaId":"@m""#), WebLogin.ret(0, #","MsgID":"9""#))
    let uploads = walk.requests.dropLast()
    #expect(uploads.map { $0.fields["chunk"] } == ["0", "1", "2"])
    #expect(uploads.map { $0.fields["chunks"] } == ["3", "3", "3"])
    #expect(uploads.map { $0.fields["filename"]?.utf8.count } == [524_288, 524_288, 1])
    #expect(Set(uploads.map { $0.fields["uploadmediarequest"] }).count == 1)
    #expect(uploads.allSatisfy { $0.fields["uploadmediarequest"]?.contains(Digest.md5.of(bytes).hex) == true })
    #expect(uploads.allSatisfy { $0.fields["name"] == "%E6%8A%A5%E5%91%8A 100%25.bin" })
    let content = walk.requests.last?.json?["Msg"]?["Content"]?.string
    #expect(content?.contains("<title>报告 100%.bin</title>") == true)
    #expect(content?.contains("<totallen>1048577</totallen><attachid>@m</attachid><fileext>bin</fileext>") == true)
    #expect(walk.outcome == .accepted(id: "9"))
  }

  @Test("A name cannot break out of the message's XML")
  func names() throws {
    let call = try WebLogin.call(
      Message(attachments: [.init(name: "]]><url>x&\"'.txt", source: .data([1]))]))
    let walk = try WebWalk(call, WebLogin.session, [:], WebLogin.ret(0, #","MediaId":"@m""#))
    let content = walk.requests.last?.json?["Msg"]?["Content"]?.string
    #expect(content?.contains("<title>]]&gt;&lt;url&gt;x&amp;&quot;&apos;.txt</title>") == true)
  }

  @Test(
    "What an upload's answer means: no id refuses the file, a server in trouble is asked again",
    arguments: [
      (200, 0, RecipientState.rejected, "media", false), (200, 1101, .deferred, "1101", false),
      (200, 1205, .deferred, "1205", false), (503, nil, .deferred, "503", true), (200, 5, .deferred, "5", false),
    ] as [(Int, Int?, RecipientState, String, Bool)])
  func uploadAnswers(status: Int, ret: Int?, state: RecipientState, code: String, retreats: Bool) throws {
    let call = try WebLogin.call(Message(attachments: [.init(name: "a.txt", source: .data([1]))]))
    let body = ret.map { #"{"BaseResponse":{"Ret":\#($0),"ErrMsg":""},"MediaId":""}"# } ?? "busy"
    let walk = try WebWalk(call, WebLogin.session, [:], WebLogin.json(body, status))
    #expect(walk.outcome?.state == state)
    #expect(walk.outcome?.code == code)
    #expect(walk.retreats == retreats)
    #expect(walk.sends == 0)
  }

  @Test("Pictures, emoticons, films and files each have their call")
  func kinds() throws {
    let film: [UInt8] = [0, 0, 0, 24] + Array("ftypmp42".utf8) + [UInt8](repeating: 0, count: 12)
    for (bytes, call, type, media) in [
      ([0xFF, 0xD8, 0xFF, 0xE0], "webwxsendmsgimg", 3, "pic"), (Array("GIF89a".utf8), "webwxsendemoticon", 47, "doc"),
      (film, "webwxsendvideomsg", 43, "video"), ([1, 2, 3], "webwxsendappmsg", 6, "doc"),
    ] as [([UInt8], String, Int, String)] {
      let message = Message(attachments: [.init(name: "x", source: .data(bytes))])
      let walk = try WebWalk(
        WebLogin.call(message), WebLogin.session, [:], WebLogin.ret(0, #","MediaId":"@m""#))
      #expect(walk.requests[0].fields["mediatype"] == media)
      #expect(walk.requests[1].path.hasSuffix("/\(call)"))
      #expect(walk.requests[1].json?["Msg"]?["Type"]?.number == type)
      #expect(walk.requests[1].json?["Msg"]?["EmojiFlag"]?.number == (type == 47 ? 2 : nil))
    }
  }

  // MARK: Names (wechat.md, section 3)

  @Test(arguments: [
    ("老张", WebLogin.friend), (" 张三 ", WebLogin.friend), ("alias:zhangsan1", WebLogin.friend), ("ch2", "@4"),
    ("remark:同事", "@3"), ("group:家人群", "@@7"), ("filehelper", "filehelper"),
  ])
  func aNameIsLookedUp(name: String, user: String) throws {
    let walk = try WebWalk(WebLogin.call(Message(body: "x"), to: name))
    #expect(walk.requests[0].json?["Msg"]?["ToUserName"]?.string == user)
  }

  @Test(arguments: ["重名", "张", "家人群", "某公众号", "group:老张", "remark:张三", "reply:7"])
  func whoIsNotFoundAloneIsRejectedAndNothingIsSent(name: String) throws {
    let walk = try WebWalk(WebLogin.call(Message(body: "x"), to: name))
    #expect(walk.requests.isEmpty)
    #expect(walk.outcome?.state == .rejected)
    #expect(walk.outcome?.kind == .recipient)
    if name == "重名" {
      #expect(
        walk.outcome?.reason?.hasPrefix("2 friends are called 重名: nick 重名, remark 同事; nick 重名, alias ch2.") == true)
    }
  }

  @Test("A name that is not known has the contacts fetched anew, by pages, when they are five minutes old")
  func refetch() throws {
    var session = WebLogin.session
    session.contacts?.fetched = WebLogin.now - 300
    let call = try WebLogin.call(Message(body: "x"), to: "王五")
    let pages = [
      #","MemberList":[{"UserName":"@8","NickName":"王<span class=\"emoji emoji1f604\"></span>"}],"Seq":2"#,
      #","MemberList":[{"UserName":"@9","NickName":"王五","VerifyFlag":0}],"Seq":0"#,
    ].map { WebLogin.ret(0, $0) }
    let walk = try WebWalk(call, session, [:], pages[0], pages[1])
    #expect(walk.requests.map { $0.queryValue("seq") } == ["0", "2", nil])
    #expect(walk.requests[2].json?["Msg"]?["ToUserName"]?.string == "@9")
    #expect(walk.session.contacts?.fetched == WebLogin.now)
    #expect(walk.session.contacts?.entries.map(\.nick) == ["家人群", "王😄", "王五"])
    let fruitless = try WebWalk(call, session, [:], WebLogin.ret(0, #","MemberList":[],"Seq":0"#))
    #expect(fruitless.requests.count == 1)
    #expect(fruitless.outcome?.kind == .recipient)
  }

  @Test("An answer to a message goes to its sender while the login lasts, then to whoever the name means")
  func replies() throws {
    var session = WebLogin.session
    session.correspondent = Correspondent(user: "@old", to: "老张", since: WebLogin.now)
    let call = try WebLogin.call(Message(body: "x"), to: "reply:7")
    #expect(try WebWalk(call, session).requests[0].json?["Msg"]?["ToUserName"]?.string == "@old")
    session.correspondent?.since = WebLogin.now - 1
    #expect(try WebWalk(call, session).requests[0].json?["Msg"]?["ToUserName"]?.string == WebLogin.friend)
    session.correspondent?.to = ""
    #expect(try WebWalk(call, session).outcome?.kind == .recipient)
  }

  @Test(arguments: ["", " ", "@1111", "@@7", "group:", "reply:", "alias:"])
  func anAddressThatCanMeanNobodyIsRefused(address: String) throws {
    let provider = try WebLogin.provider()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func theRiskMustBeAccepted() {
    for values in [[:], ["accept_risk": .boolean(false)]] as [[String: JSON]] {
      let fault = #expect(throws: SettingFault.self) { try WeChatWeb(Settings(endpoint: "", values: values)) }
      #expect(fault?.setting == "accept_risk")
      #expect(fault?.problem.contains("barred or banned") == true)
    }
  }

  // MARK: Answers (wechat.md, section 5)

  @Test(
    arguments: [
      (#","MsgID":"7""#, 0, RecipientState.accepted, nil), (#","MsgID":"""#, 0, .unconfirmed, "no-id"),
      ("", 0, .unconfirmed, "no-id"), ("", 1205, .deferred, "1205"), ("", 1204, .deferred, "1204"),
      ("", 1100, .deferred, "1100"), ("", 1101, .deferred, "1101"), ("", 1102, .deferred, "1102"),
    ] as [(String, Int, RecipientState, String?)])
  func whatASendsAnswerMeans(more: String, ret: Int, state: RecipientState, code: String?) throws {
    let walk = try WebWalk(WebLogin.call(Message(body: "x")), WebLogin.session, [:], WebLogin.ret(ret, more))
    #expect(walk.outcome?.state == state)
    #expect(walk.outcome?.code == code)
    let isOver = (1100...1102).contains(ret)
    #expect(walk.session.account?.state == (isOver ? .ended : .ok))
    #expect(walk.answer?.rest == (isOver ? .untilLogin : ret == 1205 ? .throttled : .untilNextSweep))
  }

  @Test func retZeroAloneIsBelievedWhereTheOperatorSaysSo() throws {
    let walk = try WebWalk(
      WebLogin.call(Message(body: "x")), WebLogin.session, ["require_message_id": .boolean(false)], WebLogin.ret(0))
    #expect(walk.outcome == .accepted())
  }

  @Test("Ret -1 and 1: once more with the contacts fetched anew, then rejected", arguments: [-1, 1])
  func stale(ret: Int) throws {
    let call = try WebLogin.call(Message(body: "x"), to: "老张")
    let contacts = WebLogin.ret(0, #","MemberList":[{"UserName":"@new","RemarkName":"老张"}],"Seq":0"#)
    let walk = try WebWalk(
      call, WebLogin.session, [:], WebLogin.ret(ret), contacts, WebLogin.ret(0, #","MsgID":"7""#))
    #expect(walk.sends == 2)
    #expect(walk.requests[2].json?["Msg"]?["ToUserName"]?.string == "@new")
    #expect(walk.outcome == .accepted(id: "7"))
    let refused = try WebWalk(call, WebLogin.session, [:], WebLogin.ret(ret), contacts, WebLogin.ret(ret))
    #expect(refused.sends == 2)
    #expect(refused.outcome?.state == .rejected)
    #expect(refused.outcome?.code == String(ret))
  }

  // MARK: Echoes

  @Test("What comes back is known again, whatever the way did to its letters")
  func marks() throws {
    let provider = try WebLogin.provider()
    let session = WebLogin.session
    let text = "第一行 <b> & \u{1F604}\nsecond\u{7}"
    let mark = provider.mark(of: try WebLogin.call(Message(body: text), to: "老张"), session)
    let reader = WeChatWebReader(
      login: WebLogin.login, account: try #require(session.account), book: try #require(session.contacts))
    func echo(_ content: String, _ more: [JSON.Member] = [], type: Int = 1, to: String = WebLogin.friend) -> String? {
      reader.incoming(
        .object(
          more + [
            .init("MsgId", .string("1")), .init("FromUserName", .string(WebLogin.own)),
            .init("ToUserName", .string(to)),
            .init("MsgType", .integer(type)), .init("Content", .string(content)),
          ]), at: WebLogin.now)?.mark
    }
    let content = "第一行 &lt;b&gt; &amp; <span class=\"emoji emoji1f604\"></span><br/>second"
    #expect(mark != nil)
    #expect(echo(content) == mark)
    #expect(echo(content, to: "@3") != mark)
    #expect(echo(content + "!") != mark)
    let file = provider.mark(
      of: try WebLogin.call(Message(attachments: [.init(name: "a&b.txt", source: .data([1, 2]))]), to: "老张"), session)
    let about: [JSON.Member] = [
      .init("AppMsgType", .integer(6)), .init("FileName", .string("a&amp;b.txt")), .init("FileSize", .string("2")),
    ]
    #expect(file != nil)
    #expect(echo("", about, type: 49) == file)
    let picture = Message(attachments: [.init(name: "a.jpg", source: .data([0xFF, 0xD8, 0xFF]))])
    #expect(provider.mark(of: try WebLogin.call(picture), session) == nil)
  }
}
