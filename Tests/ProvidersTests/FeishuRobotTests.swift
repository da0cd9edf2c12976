import Core
import Foundation
import Testing

@testable import Providers

extension FeishuRobot: Exemplified {
  static let specimen = Specimen(
    provider: FeishuRobot.self, values: ["token": .string("s3cret-token"), "secret": .string("s3cret")],
    message: Message(body: "text"), addresses: [""], success: (200, #"{"code":0,"msg":"success","data":{}}"#),
    throttled: (200, #"{"code":11232,"msg":"frequency limited"}"#),
    wrongCredentials: (200, #"{"code":19021,"msg":"sign match fail"}"#),
    unknownCode: (200, #"{"code":31337,"msg":"success"}"#), urlHoldsSecret: true)
}

private let feishuRobot: @Sendable (Bool) throws -> FeishuRobot = { isSigned in
  var values = ["token": JSON.string("00000000-dummy-4000-8000-000000000000")]
  if isSigned { values["secret"] = .string("dummyFeishuSecret") }
  return try FeishuRobot(settings(FeishuRobot.self, values))
}

@Suite struct FeishuRobotTests {
  static let sending = GoldenCase.load("feishu")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 3)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try feishuRobot(golden.input["secret"] != nil)
    let call = try provider.call(Message(body: golden.input["text"]?.string), to: [""])
    let request = WireRequest(
      provider.exchange(for: call, at: Date(timeIntervalSince1970: 1_700_000_000), nonce: Pinned.nonce))
    if golden.name == "apprise/text" {
      // Quirks: a slash after the token; title and body joined with CR LF.
      #expect(request.path + "/" == golden.path)
      #expect(request.json?["content"]?["text"] == golden.input["text"] && request.json?.object?.count == 2)
    } else {
      #expect(differences(request, golden) == [])
    }
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "onepush/sign-mismatch-answer" {
      #expect(answer.advice == .suspend && answer.outcomes[0].code == "19021")
    } else {
      #expect(answer == Answer([.accepted()]))
    }
  }

  @Test func markdownIsACard() throws {
    let provider = try feishuRobot(false)
    let message = Message(body: "**b**", title: "t", format: .markdown, url: "https://u")
    let json = provider.request(for: try provider.call(message, to: [""])).json
    #expect(json?["msg_type"] == .string("interactive"))
    #expect(json?["card"]?["header"]?["title"]?["content"] == .string("t"))
    #expect(json?["card"]?["elements"]?.array?[0]["content"] == .string("**b**\n\nhttps://u"))
    let text = try provider.rendered(Message(body: "b", title: "t", url: "https://u"))
    #expect(text["text"] == "t\nb\nhttps://u")
  }

  @Test func limitsCountTheWholeMessageWithItsSignature() throws {
    let plain = #"{"msg_type":"text","content":{"text":""}}"#.utf8.count
    let sign = #""timestamp":"1700000000","sign":"AIP7lS87fngQNMWa2JJmHR3kRX9zbEMIN3EQ5uwCD/Q=","#.utf8.count
    for (isSigned, frame) in [(false, plain), (true, plain + sign)] {
      let provider = try feishuRobot(isSigned)
      #expect(faultyField(provider, Message(body: String(repeating: "x", count: 20_480 - frame))) == nil)
      #expect(faultyField(provider, Message(body: String(repeating: "x", count: 20_481 - frame))) == "body")
    }
    let provider = try feishuRobot(false)
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
    #expect(throws: RecipientFault.self) { try provider.target("ou_1") }
    for token in ["", "a/b", "a?b", "a b"] {
      #expect(throws: SettingFault.self) { try FeishuRobot(settings(FeishuRobot.self, ["token": .string(token)])) }
    }
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try feishuRobot(true)
    for text in hostileTexts {
      let json = provider.request(for: try provider.call(Message(body: text), to: [""])).json
      #expect(json?["content"] == .object(["text": .string(text)]) && json?.object?.count == 4)
      let message = Message(body: text, title: text, format: .markdown)
      let card = provider.request(for: try provider.call(message, to: [""])).json?["card"]
      #expect(card?["header"]?["title"]?["content"] == .string(text))
      #expect(card?["elements"]?.array?.map { $0["content"] } == [.string(text)])
    }
  }

  private static func error(_ code: Int) -> String { #"{"code":\#(code),"msg":"m"}"# }

  static let rows =
    [19001, 19021, 19022].map { AnswerRow(200, error($0), .deferred, .credentials, .suspend) }
    + [9499, 19036].map { AnswerRow(400, error($0), .rejected, .message) }
    + [11232, 99_991_400].map { AnswerRow(200, error($0), .deferred, .throttled, .slowDown(retryAfter: nil)) }
    + [
      AnswerRow(200, error(19024), .deferred, .credentials),
      AnswerRow(200, error(31337), .deferred, .provider, attempts: 3),
      AnswerRow(503, error(31337), .deferred, .provider), AnswerRow(502, "<html>", .deferred, .provider),
      AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{}", .unconfirmed, .uncertain),
      AnswerRow(200, #"{"StatusCode":9499,"StatusMessage":"m"}"#, .rejected, .message),
    ]

  @Test(arguments: rows)
  func aCodeMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try feishuRobot(true)
    row.check(provider, try provider.call(Message(body: "x"), to: [""]))
  }

  @Test func theOldFormOfSuccessIsOne() throws {
    let provider = try feishuRobot(false)
    let call = try provider.call(Message(body: "x"), to: [""])
    let body = #"{"StatusCode":0,"StatusMessage":"success","Extra":null}"#
    #expect(provider.answer(200, body, to: call) == Answer([.accepted()]))
    let both = #"{"code":9499,"StatusCode":0}"#
    #expect(provider.answer(200, both, to: call).outcomes[0].state == .rejected)
  }
}
