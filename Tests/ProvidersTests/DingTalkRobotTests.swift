import Core
import Foundation
import Testing

@testable import Providers

extension DingTalkRobot: Exemplified {
  static let specimen = Specimen(
    provider: DingTalkRobot.self, values: ["access_token": .string("s3cret-token"), "secret": .string("SECs3cret")],
    message: Message(body: "text"), addresses: [""], success: (200, #"{"errcode":0,"errmsg":"ok"}"#),
    throttled: (200, #"{"errcode":130101,"errmsg":"send too fast"}"#),
    wrongCredentials: (200, #"{"errcode":310000,"errmsg":"sign not match"}"#),
    unknownCode: (200, #"{"errcode":31337,"errmsg":"ok"}"#), pause: 600, urlHoldsSecret: true)
}

private let dingTalkRobot: @Sendable (Bool) throws -> DingTalkRobot = { isSigned in
  var values = ["access_token": JSON.string("dummydingtoken00000000000000000000000000000000000000000000000000")]
  if isSigned { values["secret"] = .string("SECdummysecret0000000000000000000000000000000000000000000000000") }
  return try DingTalkRobot(settings(DingTalkRobot.self, values))
}

@Suite struct DingTalkRobotTests {
  static let sending = GoldenCase.load("dingtalk")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try dingTalkRobot(true)
    let mobiles = golden.input["atMobiles"]?.strings.map { [JSON.Member("at_mobiles", .strings($0))] } ?? []
    let call = try provider.call(Message(body: golden.input["text"]?.string, options: mobiles), to: [""])
    let request = WireRequest(
      provider.exchange(for: call, at: Date(timeIntervalSince1970: 1_700_000_000), nonce: Pinned.nonce))
    let isTwiceEncoded = golden.name == "apprise/text-signed-phone"
    #expect(differences(request, golden, ignoring: isTwiceEncoded ? ["sign"] : []) == [])
    #expect(request.queryValue("sign") == "eT2v/v12WCtgrtOsA2lYDHczCq4Qnl37M57C3uY8Hw8=")
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer == Answer([.accepted()]))
  }

  @Test func withoutASecretNothingIsSigned() throws {
    let provider = try dingTalkRobot(false)
    let request = provider.request(for: try provider.call(Message(body: "x"), to: [""]))
    #expect(request.query.map { $0[0] } == ["access_token"])
    #expect(throws: RecipientFault.self) { try provider.target("13800001111") }
  }

  @Test func theTypesHaveTheirFields() throws {
    let provider = try dingTalkRobot(false)
    func json(_ message: Message) throws -> Value? { provider.request(for: try provider.call(message, to: [""])).json }
    let text = try json(Message(body: "b", title: "t", url: "https://u"))
    #expect(text?["text"] == .object(["content": .string("t\nb\nhttps://u")]))
    let markdown = try json(Message(body: "# Head\nrest", format: .markdown, url: "https://u"))
    #expect(
      markdown?["markdown"] == .object(["title": .string("# Head"), "text": .string("# Head\nrest\n\nhttps://u")]))
    let link = try json(
      Message(
        body: "b", title: "t", url: "https://u",
        options: [.init("msgtype", .string("link")), .init("pic_url", .string("https://p"))]))
    #expect(
      link?["link"]
        == .object([
          "title": .string("t"), "text": .string("b"), "messageUrl": .string("https://u"),
          "picUrl": .string("https://p"),
        ]))
    let all = try json(
      Message(body: "b", options: [.init("is_at_all", .boolean(true)), .init("at_user_ids", .strings(["u"]))]))
    #expect(all?["at"] == .object(["atUserIds": .array([.string("u")]), "isAtAll": .boolean(true)]))
  }

  @Test func limitsAreChecked() throws {
    let provider = try dingTalkRobot(false)
    let frame = #"{"msgtype":"text","text":{"content":""}}"#.utf8.count
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 20_000 - frame))) == nil)
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 20_001 - frame))) == "body")
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, .with("msgtype", .string("card"))) == "options.msgtype")
    #expect(faultyField(provider, .with("msgtype", .string("link"))) == "title")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try dingTalkRobot(true)
    for text in hostileTexts {
      let message = Message(
        body: text, title: text, format: .markdown, options: [.init("at_mobiles", .strings([text]))])
      let json = provider.request(for: try provider.call(message, to: [""])).json
      #expect(json?["markdown"] == .object(["title": .string(text), "text": .string(text)]))
      #expect(json?["at"]?["atMobiles"] == .array([.string(text)]) && json?.object?.count == 3)
    }
  }

  private static func error(_ code: Int, _ text: String = "m") -> String {
    #"{"errcode":\#(code),"errmsg":"\#(text)"}"#
  }

  static let rows =
    [300005, 400013, 400101, 400102].map { AnswerRow(200, error($0), .deferred, .credentials, .suspend) }
    + [40035, 43004].map { AnswerRow(200, error($0), .rejected, .message) }
    + [
      AnswerRow(200, error(-1), .deferred, .provider),
      AnswerRow(200, error(130101), .deferred, .throttled, .slowDown(retryAfter: 600), wait: 600),
      AnswerRow(200, error(410100), .deferred, .throttled, .slowDown(retryAfter: 600), wait: 600),
      AnswerRow(200, error(660026), .deferred, .throttled, .slowDown(retryAfter: 600), wait: 600),
      AnswerRow(200, error(430102), .rejected, .message),
      AnswerRow(200, error(400106), .deferred, .credentials, .suspend),
      AnswerRow(200, error(310000, "keywords not in content"), .rejected, .message),
      AnswerRow(200, error(310000, "关键词不匹配"), .rejected, .message),
      AnswerRow(200, error(310000, "sign not match"), .deferred, .credentials, .suspend),
      AnswerRow(200, error(310000, "ip not in whitelist"), .deferred, .credentials, .suspend),
      AnswerRow(200, error(460101, "message too long"), .rejected, .message),
      AnswerRow(200, error(31337), .deferred, .provider, attempts: 3),
      AnswerRow(502, "<html>", .deferred, .provider), AnswerRow(200, "<html>", .deferred, .provider),
      AnswerRow(200, "{}", .unconfirmed, .uncertain),
    ]

  @Test(arguments: rows)
  func aCodeMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try dingTalkRobot(true)
    row.check(provider, try provider.call(Message(body: "x"), to: [""]))
  }
}
