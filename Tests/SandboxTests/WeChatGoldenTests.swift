import Foundation
import Testing

@testable import Sandbox

/// What a real client said must be answered as it was answered, with the values of this login in place of its.
@Suite struct WeChatGoldenTests {
  /// A login by the recorded requests themselves, and what stands for what.
  private struct Replay {
    var bench: WeChatBench
    var values: [(golden: String, own: String)] = []
    var syncKey: WireJSON = .null
    var checkKey: WireJSON = .null

    init() throws { bench = try WeChatBench(isPhoneAutomatic: false) }

    mutating func learn(_ golden: String, _ own: String?) throws {
      values.append((golden, try #require(own, "\(golden)")))
    }

    func translated(_ bytes: [UInt8]) -> [UInt8] {
      var data = Data(bytes)
      for value in values {
        var from = data.startIndex
        while let found = data.range(of: Data(value.golden.utf8), in: from..<data.endIndex) {
          data.replaceSubrange(found, with: Data(value.own.utf8))
          from = found.lowerBound + value.own.utf8.count
        }
      }
      return [UInt8](data)
    }

    func translated(_ text: String) -> String { String(decoding: translated(Array(text.utf8)), as: UTF8.self) }

    /// The recorded request, with this login's values and keys.
    mutating func send(_ request: WireJSON) throws -> Response {
      let url = try #require(request["url"]?.string)
      let host = try #require(url.between("https://", "/"))
      var target = translated(String(url.dropFirst("https://".count + host.count)))
      if let keys = target.between("synckey=", "&") {
        let list = (checkKey["List"]?.array ?? []).map { "\($0["Key"]?.int ?? 0)_\($0["Val"]?.int ?? 0)" }
        target = target.replacing(keys, with: list.joined(separator: "%7C"))
      }
      var headers = (request["headers"]?.array ?? []).compactMap(\.strings).map {
        FormPair($0[0].lowercased(), translated($0[1]))
      }
      headers = headers.filter { $0.name != "host" && $0.name != "content-length" }
      headers.append(FormPair("host", host.replacing("wx.qq.com", with: "wx2.qq.com")))
      let recorded = request["body"] ?? .null
      var body =
        recorded["base64"]?.string.flatMap { Base64.decode($0.utf8) } ?? Array((recorded["text"]?.string ?? "").utf8)
      body = translated(body)
      if let json = recorded["json"], json["SyncKey"] != nil {
        let whole = try WireJSON(parsing: body).without("SyncKey")
        body = whole.merging(["SyncKey": syncKey]).bytes
      }
      return bench.ask(request["method"]?.string ?? "", target, headers: headers, body: body)
    }

    mutating func phone(_ command: String, _ body: String = "{}") throws {
      let answer = bench.ask("POST", "/sandbox/wechat-web/\(command)", body: Array(body.utf8))
      #expect(answer.status == 200, "\(command): \(answer.text)")
    }
  }

  private static let own = "@0000000000000000000000000000000000000000000000000000000000000me0"
  private static let friend = "@1111111111111111111111111111111111111111111111111111111111111111"

  private func exchanges(_ name: String) throws -> [WireJSON] {
    let fixture = try Golden.named("wechat-web", "itchat_uos-\(name)").fixture
    return fixture["exchanges"]?.array ?? [fixture]
  }

  private func loggedIn() throws -> Replay {
    var replay = try Replay()
    let steps = try exchanges("login-sequence").map { try #require($0["request"]) }
    #expect(steps.count == 8)
    let code = try replay.send(steps[0]).text
    try replay.learn("DummyUuid==", code.between("uuid = \"", "\""))
    #expect(try replay.send(steps[1]).text == "window.code=408;")
    try replay.phone("scan")
    #expect(try replay.send(steps[2]).text == "window.code=201;window.userAvatar = 'data:img/jpg;base64,AAAA';")
    try replay.phone("confirm")
    let page = try replay.send(steps[3]).text
    try replay.learn("ADummyTicket@qrticket_0", page.between("ticket=", "&"))
    let door = try replay.send(steps[4])
    #expect(door.status == 301)
    func element(_ name: String) -> String? { WeChatText.element(name, in: door.text) }
    func cookie(_ name: String) -> String? {
      door.headers.first { $0.value.hasPrefix(name + "=") }?.value.between("=", ";")
    }
    let ticket = try #require(element("pass_ticket"))
    try replay.learn("Dummy%252BPass%253DTicket", PercentEncoding.text(ticket))
    try replay.learn("Dummy%2BPass%3DTicket", ticket)
    try replay.learn("@crypt_dummy_skey", element("skey"))
    try replay.learn("%40crypt_dummy_skey", element("skey").map { PercentEncoding.text($0) })
    try replay.learn("DummySid+/0", element("wxsid"))
    try replay.learn("DummySid%2B%2F0", element("wxsid").map { PercentEncoding.text($0) })
    try replay.learn("gSDummyDataTicket", cookie("webwx_data_ticket"))
    try replay.learn("CIsBDummyAuthTicket", cookie("webwx_auth_ticket"))
    let start = try replay.send(steps[5]).json
    #expect(start["BaseResponse"] == ["Ret": 0, "ErrMsg": ""])
    try replay.learn(Self.own, start["User"]?["UserName"]?.string)
    try replay.learn(Self.friend, start["ContactList"]?.array?[1]["UserName"]?.string)
    replay.syncKey = start["SyncKey"] ?? .null
    replay.checkKey = replay.syncKey
    #expect(try replay.send(steps[6]).json["MsgID"]?.string?.count == 19)
    let contacts = try replay.send(steps[7]).json
    #expect(contacts["MemberList"]?.array?.first?["RemarkName"] == "老张")
    #expect(try members(start) == members(try recorded("login-sequence", 5)))
    return replay
  }

  private func recorded(_ name: String, _ place: Int) throws -> WireJSON {
    try WireJSON(parsing: try #require(try exchanges(name)[place]["response"]?["text"]?.string))
  }

  private func members(_ answer: WireJSON) throws -> [String] {
    guard case .object(let members) = answer else { return [] }
    return members.map(\.name).sorted()
  }

  @Test func aRecordedLoginIsOne() throws { _ = try loggedIn() }

  @Test(arguments: [
    ("send-text-filehelper", "filehelper", "text"), ("search-friend-send-text", "老张", "text"),
    ("send-file-txt", "filehelper", "file"), ("send-image-jpg", "filehelper", "image"),
    ("send-video-mp4", "老张", "video"),
  ])
  func whatARealClientSentIsTaken(name: String, recipient: String, kind: String) throws {
    var replay = try loggedIn()
    for (place, exchange) in try exchanges(name).enumerated() {
      let answer = try replay.send(try #require(exchange["request"])).json
      #expect(answer["BaseResponse"]?["Ret"] == 0, "\(answer.text)")
      let text = try #require(exchange["response"]?["text"]?.string)
      #expect(try members(answer) == members(try WireJSON(parsing: text)), "\(place)")
      if let media = answer["MediaId"]?.string { try replay.learn("@crypt_dummy_media_id", media) }
    }
    let got = replay.bench.ask("GET", "/sandbox/wechat-web/received").json[recipient]?.array
    #expect(got?.map { $0["kind"]?.string } == [kind])
  }

  @Test func whatARealClientReceivedAndAnsweredGoesRound() throws {
    var replay = try loggedIn()
    let steps = try exchanges("receive-and-auto-reply").map { try #require($0["request"]) }
    try replay.phone("say", #"{"from":"老张","text":"你好 <b> 😄\n第二行"}"#)
    #expect(try replay.send(steps[0]).text == "window.synccheck={retcode:\"0\",selector:\"2\"}")
    let batch = try replay.send(steps[1]).json
    let wanted = try recorded("receive-and-auto-reply", 1)
    let message = try #require(batch["AddMsgList"]?.array?.last)
    #expect(message["Content"] == wanted["AddMsgList"]?.array?.first?["Content"])
    #expect(try members(message) == members(try #require(wanted["AddMsgList"]?.array?.first)))
    #expect(try members(batch) == members(wanted))
    replay.syncKey = batch["SyncKey"] ?? .null
    replay.checkKey = batch["SyncCheckKey"] ?? .null
    #expect(try replay.send(steps[2]).json["BaseResponse"]?["Ret"] == 0)
    let got = replay.bench.ask("GET", "/sandbox/wechat-web/received").json["老张"]?.array
    #expect(got?.map { $0["text"] } == ["自动回复：你好 <b> 😄\n第二行"])
    // The answer comes back, too; then there is nothing.
    #expect(try replay.send(steps[3]).text == "window.synccheck={retcode:\"0\",selector:\"2\"}")
  }

  @Test func tooFrequentIsSaidAsItWasRecorded() throws {
    let recorded = try #require(try exchanges("send-too-frequent-1205").first?["response"]?["text"]?.string)
    var client = try WeChatWebClient.ready(faults: ["throttle:on=send,code=1205"])
    #expect(client.text("x") == (try WireJSON(parsing: recorded)))
  }
}
