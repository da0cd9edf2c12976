import Digests
import Foundation
import Testing

@testable import Sandbox

/// A client of the iLink API, which does everything right unless it is told otherwise.
struct ILinkClient {
  var bench: WeChatBench
  var token = ""
  var owner = ""
  var cursor = ""
  var headers = [
    FormPair("Content-Type", "application/json"), FormPair("AuthorizationType", "ilink_bot_token"),
    FormPair("X-WECHAT-UIN", Base64.encode(Array("4711".utf8))), FormPair("iLink-App-Id", "bot"),
    FormPair("iLink-App-ClientVersion", "768"),
  ]

  init(isPhoneAutomatic: Bool = true, faults: [String] = []) throws {
    bench = try WeChatBench(isPhoneAutomatic: isPhoneAutomatic, faults: faults)
  }

  static func ready(faults: [String] = []) throws -> ILinkClient {
    var client = try ILinkClient(faults: faults)
    try client.logIn()
    return client
  }

  mutating func post(_ call: String, _ body: WireJSON) -> Response {
    let info: WireJSON = ["base_info": ["channel_version": "1.0", "bot_agent": "test/1"]]
    return bench.ask(
      "POST", "/ilink/bot/\(call)", headers: headers + [FormPair("Authorization", "Bearer \(token)")],
      body: body.merging(info).bytes)
  }

  @discardableResult
  mutating func phone(_ command: String, _ body: String = "{}") throws -> WireJSON {
    let answer = bench.ask("POST", "/sandbox/wechat-ilink/\(command)", body: Array(body.utf8))
    guard answer.status == 200 else { throw LoopbackError(what: "\(command): \(answer.text)") }
    return answer.json
  }

  mutating func received() -> [WireJSON] {
    bench.ask("GET", "/sandbox/wechat-ilink/received").json["owner"]?.array ?? []
  }

  mutating func drawCode(_ tokens: [String] = []) throws -> String {
    try #require(post("get_bot_qrcode?bot_type=3", ["local_token_list": .strings(tokens)]).json["qrcode"]?.string)
  }

  mutating func status(_ code: String, digits: String? = nil, host: String = "ilinkai.weixin.qq.com") -> WireJSON {
    let answer = bench.ask(
      "GET", "/ilink/bot/get_qrcode_status?qrcode=\(code)\(digits.map { "&verify_code=\($0)" } ?? "")",
      headers: headers.suffix(2) + [FormPair("X-Forwarded-Host", host)])
    return answer.status == 200 ? answer.json : ["status": .int(answer.status)]
  }

  mutating func logIn() throws {
    let code = try drawCode()
    #expect(status(code)["status"] == "scaned")
    let binding = status(code)
    #expect(binding["status"] == "confirmed")
    token = try #require(binding["bot_token"]?.string)
    owner = try #require(binding["ilink_user_id"]?.string)
  }

  mutating func updates() -> WireJSON {
    let answer = post("getupdates", ["get_updates_buf": .string(cursor)]).json
    cursor = answer["get_updates_buf"]?.string ?? cursor
    return answer
  }

  mutating func send(_ item: WireJSON, _ more: WireJSON = .object([])) -> WireJSON {
    let message: WireJSON = [
      "from_user_id": "", "to_user_id": .string(owner), "client_id": "c1", "message_type": 2, "message_state": 2,
      "item_list": [item],
    ]
    return post("sendmessage", ["msg": message.merging(more)]).json
  }

  mutating func text(_ text: String = "x", _ more: WireJSON = .object([])) -> WireJSON {
    send(["type": 1, "text_item": ["text": .string(text)]], more)
  }
}

@Suite struct WeChatILinkSandboxTests {
  @Test func aCodeGoesThroughWaitScannedAndConfirmed() throws {
    var client = try ILinkClient(isPhoneAutomatic: false)
    let code = try client.drawCode()
    #expect(client.status(code)["status"] == "wait")
    #expect(client.bench.now.timeIntervalSince1970 == Golden.pushTime + 35)
    try client.phone("scan")
    #expect(client.status(code)["status"] == "scaned")
    try client.phone("confirm")
    let binding = client.status(code)
    #expect(binding["status"] == "confirmed")
    #expect(binding["ilink_bot_id"]?.string?.hasSuffix("@im.bot") == true)
    #expect(binding["ilink_user_id"]?.string?.hasSuffix("@im.wechat") == true)
    #expect(binding["baseurl"]?.string?.hasPrefix("https://") == true)
    let second = try client.drawCode()
    try client.phone("expire")
    #expect(client.status(second)["status"] == "expired")
    #expect(client.status("unheard-of")["status"] == "expired")
  }

  @Test func digitsAreAskedForUntilTheyMatch() throws {
    var client = try ILinkClient()
    try client.phone("code", #"{"digits":"4821"}"#)
    let code = try client.drawCode()
    #expect(client.status(code)["status"] == "need_verifycode")
    #expect(client.status(code, digits: "1111")["status"] == "need_verifycode")
    #expect(client.status(code, digits: "4821")["status"] == "scaned")
    #expect(client.status(code)["status"] == "confirmed")
    try client.phone("refuse")
    let blocked = try client.drawCode()
    // Refused where the code would have been confirmed.
    #expect(client.status(blocked)["status"] == "scaned")
    #expect(client.status(blocked)["status"] == "verify_code_blocked")
  }

  @Test func whoIsBoundAlreadyIsToldSoAndAnotherTakesTheBindingOver() throws {
    var client = try ILinkClient.ready()
    let first = client.token
    let code = try client.drawCode([first])
    #expect(client.status(code)["status"] == "scaned")
    #expect(client.status(code)["status"] == "binded_redirect")
    try client.logIn()
    #expect(client.token != first)
    client.token = first
    #expect(client.updates()["errcode"] == -14)
    #expect(client.text()["ret"] == -14)
  }

  @Test func aPollGoesOnAtTheHostThatItIsToldOf() throws {
    var client = try ILinkClient(isPhoneAutomatic: false)
    try client.phone("scan", #"{"redirect":true}"#)
    let code = try client.drawCode()
    try client.phone("scan")
    let answer = client.status(code)
    #expect(answer["status"] == "scaned_but_redirect")
    let host = try #require(answer["redirect_host"]?.string)
    #expect(client.status(code)["status"] == 404)
    #expect(client.status(code, host: host)["status"] == "scaned")
  }

  @Test func withoutAWordNothingIsTakenAndWithOneTenAre() throws {
    var client = try ILinkClient.ready()
    #expect(client.text()["ret"] == -2)
    try client.phone("say", #"{"text":"hi"}"#)
    let ids = (0..<10).map { client.text("\($0)")["message_id"]?.string }
    #expect(Set(ids.compactMap { $0 }).count == 10)
    #expect(client.text() == ["ret": -2, "errmsg": "prepare failed"])
    try client.phone("say", #"{"text":"hi"}"#)
    #expect(client.text()["ret"] == 0)
    client.bench.now += 86_400
    #expect(client.text()["ret"] == -2)
    #expect(client.received().count == 11)
    #expect(client.bench.outcomes.filter { $0 == .quota }.count == 3)
  }

  @Test func theCursorAloneDecidesWhatComes() throws {
    var client = try ILinkClient.ready()
    let id = try client.phone("say", #"{"text":"一"}"#)["id"]?.string
    let first = client.updates()
    let message = first["msgs"]?.array?.first
    #expect(message?["message_id"] == .number(id ?? ""))
    #expect(message?["from_user_id"]?.string == client.owner)
    #expect(message?["item_list"] == [["type": 1, "text_item": ["text": "一"]]])
    #expect(message?["context_token"]?.string?.isEmpty == false)
    let start = client.bench.now
    #expect(client.updates()["msgs"] == [])
    #expect(client.bench.now.timeIntervalSince(start) == 35)
    client.cursor = ""
    #expect(client.updates()["msgs"] == first["msgs"])
    try client.phone("say", #"{"text":"二","twice":true}"#)
    let twice = client.updates()["msgs"]?.array ?? []
    #expect(twice.count == 2)
    #expect(twice.first?["message_id"] != twice.last?["message_id"])
    try client.phone("say", #"{"text":"三","nameless":true}"#)
    #expect(client.updates()["msgs"]?.array?.first?["message_id"] == nil)
  }

  @Test func whatIsWrongWithACallIsSaid() throws {
    var client = try ILinkClient.ready()
    try client.phone("say", #"{"text":"hi"}"#)
    func ret(without header: String) -> WireJSON? {
      var other = client
      other.headers.removeAll { $0.name == header }
      return other.text()["ret"]
    }
    #expect(ret(without: "iLink-App-Id") == -14)
    #expect(ret(without: "iLink-App-ClientVersion") == -14)
    #expect(ret(without: "X-WECHAT-UIN") == -1)
    #expect(ret(without: "AuthorizationType") == -1)
    #expect(ret(without: "Content-Type") == -1)
    #expect(client.text("x", ["to_user_id": "o2@im.wechat"])["ret"] == -2)
    #expect(client.text("x", ["client_id": ""])["ret"] == -1)
    #expect(client.text("x", ["item_list": []])["ret"] == -1)
    #expect(client.bench.ask("POST", "/ilink/bot/sendmessage", body: []).status == 400)
    #expect(client.text()["ret"] == 0)
  }

  /// What an upload needs, with the file itself.
  private struct Upload {
    var plain: [UInt8]
    let key = Array("0123456789abcdef".utf8)
    var encrypted: [UInt8] { AES128.encrypted(plain, key: key) ?? [] }

    func announcement(_ owner: String) -> WireJSON {
      [
        "filekey": "000102030405060708090a0b0c0d0e0f", "media_type": 3, "to_user_id": .string(owner),
        "rawsize": .int(plain.count), "rawfilemd5": .string(Digest.md5.of(plain).hex),
        "filesize": .int(encrypted.count), "no_need_thumb": true, "aeskey": .string(key.hex),
      ]
    }

    func item(_ parameter: String) -> WireJSON {
      let media: WireJSON = [
        "encrypt_query_param": .string(parameter), "aes_key": .string(Base64.encode(Array(key.hex.utf8))),
        "encrypt_type": 1,
      ]
      return [
        "type": 4, "file_item": ["media": media, "file_name": "报告.pdf", "len": .string(String(plain.count))],
      ]
    }
  }

  @Test func aFileIsAnnouncedEncryptedSentAndArrivesPlain() throws {
    var client = try ILinkClient.ready()
    try client.phone("say", #"{"text":"hi"}"#)
    let upload = Upload(plain: (0..<60_000).map { UInt8(truncatingIfNeeded: $0) })
    let answer = client.post("getuploadurl", upload.announcement(client.owner)).json
    let address = try #require(answer["upload_full_url"]?.string?.between("weixin.qq.com", "&taskid"))
    let octets = [FormPair("Content-Type", "application/octet-stream")]
    // The short address only takes small files.
    #expect(client.bench.ask("POST", address, headers: octets, body: upload.encrypted).status == 500)
    #expect(client.bench.ask("POST", address + "&taskid=1", headers: octets, body: upload.plain).status == 400)
    let stored = client.bench.ask("POST", address + "&taskid=1", headers: octets, body: upload.encrypted)
    let parameter = try #require(stored.header("x-encrypted-param"))
    #expect(client.send(upload.item("other"))["ret"] == -1)
    #expect(client.send(upload.item(parameter))["message_id"] != nil)
    let got = try #require(client.received().first)
    #expect(got["name"] == "报告.pdf")
    #expect(got["bytes"] == 60_000)
    #expect(got["sha256"]?.string == Digest.sha256.of(upload.plain).hex)
  }

  @Test func whatIsSaidWithAFileCanBeFetchedAndDecrypted() throws {
    var client = try ILinkClient.ready()
    let bytes = Base64.encode(Array("picture".utf8))
    try client.phone("say", "{\"kind\":\"image\",\"base64\":\"\(bytes)\"}")
    try client.phone("say", "{\"kind\":\"file\",\"name\":\"a.pdf\",\"base64\":\"\(bytes)\"}")
    let messages = client.updates()["msgs"]?.array ?? []
    let image = messages[0]["item_list"]?.array?.first?["image_item"]
    let file = messages[1]["item_list"]?.array?.first?["file_item"]
    let imageKey = Base64.decode((image?["media"]?["aes_key"]?.string ?? "").utf8) ?? []
    #expect(imageKey.hex == image?["aeskey"]?.string)
    #expect(Base64.decode((file?["media"]?["aes_key"]?.string ?? "").utf8)?.count == 32)
    let address = image?["media"]?["full_url"]?.string?.between(".qq.com", "?") ?? ""
    let parameter = image?["media"]?["encrypt_query_param"]?.string ?? ""
    let stored = client.bench.ask("GET", "\(address)?encrypted_query_param=\(parameter)")
    #expect(AES128.decrypted(stored.body, key: imageKey) == Array("picture".utf8))
    #expect(client.bench.ask("GET", "/c2c/download?encrypted_query_param=x").status == 404)
  }

  @Test func faultsAreRefusalsInTheServicesOwnWords() throws {
    var client = try ILinkClient.ready(faults: [
      "throttle:provider=wechat-ilink,on=send,count=1", "recipient:to=owner,code=no-id,after=1,count=1",
      "credentials:on=receive,after=1",
    ])
    try client.phone("say", #"{"text":"hi"}"#)
    #expect(client.text()["ret"] == -2)
    #expect(client.text() == ["ret": 0])
    #expect(client.text()["message_id"] != nil)
    #expect(client.updates()["ret"] == 0)
    #expect(client.updates()["errcode"] == -14)
    #expect(client.received().count == 1)
  }

  @Test func aKickEndsTheBinding() throws {
    var client = try ILinkClient.ready()
    try client.phone("kick")
    #expect(client.updates()["errcode"] == -14)
    #expect(throws: LoopbackError.self) { try client.phone("say") }
  }
}
