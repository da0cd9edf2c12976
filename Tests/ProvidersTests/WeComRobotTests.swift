import Core
import Foundation
import Testing

@testable import Providers

extension WeComRobot: Exemplified {
  static let specimen = Specimen(
    provider: WeComRobot.self, values: ["key": .string("s3cret-key")], message: Message(body: "text"), addresses: [""],
    success: (200, #"{"errcode":0,"errmsg":"ok"}"#), throttled: (200, #"{"errcode":45009,"errmsg":"m"}"#),
    wrongCredentials: (200, #"{"errcode":93000,"errmsg":"m"}"#),
    unknownCode: (200, #"{"errcode":31337,"errmsg":"ok"}"#), pause: 60, urlHoldsSecret: true)
}

private let weComRobot: @Sendable () throws -> WeComRobot = {
  try WeComRobot(settings(WeComRobot.self, ["key": .string("00000000-dummy-0000-0000-000000000000")]))
}

@Suite struct WeComRobotTests {
  static let sending = GoldenCase.load("wecom") { $0.contains("bot-") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 5)
  }

  private func message(_ golden: GoldenCase) -> Message {
    let input = golden.input
    if let article = input["articles"]?.array?.first {
      return Message(
        body: article["description"]?.string, title: article["title"]?.string, url: article["url"]?.string,
        options: [
          .init("msgtype", .string("news")), .init("picurl", .string(article["picurl"]?.string ?? "")),
        ])
    }
    var options: [JSON.Member] = []
    for name in ["mentioned_list", "mentioned_mobile_list"] {
      if let list = input[name]?.strings { options.append(.init(name, .strings(list))) }
    }
    return Message(
      body: input["content"]?.string, format: input["msgtype"]?.string == "markdown" ? .markdown : .text,
      options: options)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try weComRobot()
    let call = try provider.call(message(golden), to: [""])
    let request = provider.request(for: call)
    if golden.name == "apprise/bot-text-zh" {
      // Quirk: title and body are joined with CR LF.
      #expect(request.json?["text"]?["content"] == golden.input["content"])
    } else {
      #expect(differences(request, golden) == [])
    }
    // Raw UTF-8 (40033).
    #expect(!String(decoding: request.http.body, as: UTF8.self).contains("\\u"))
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "apprise/bot-rate-limited" {
      #expect(answer.outcomes[0].kind == .throttled && answer.outcomes[0].code == "45009")
      #expect(answer.advice == .slowDown(retryAfter: 60))
    } else {
      #expect(answer == Answer([.accepted()]))
    }
  }

  @Test func titleTextAndLinkAreLinesOfOneText() throws {
    let provider = try weComRobot()
    func content(_ format: Message.Format) throws -> String? {
      let message = Message(body: "b", title: "t", format: format, url: "https://u")
      return try provider.rendered(message)["content"]
    }
    #expect(try content(.text) == "t\nb\nhttps://u")
    #expect(try content(.markdown) == "t\n\nb\n\nhttps://u")
  }

  @Test func aPictureGoesWithItsDigest() throws {
    let provider = try weComRobot()
    var call = try provider.call(Message(attachments: [.init(source: .data([1, 2, 3]))]), to: [""])
    call.contents[0].attachments = [.init(name: "a.png", type: "image/png", source: .bytes(Array("abc".utf8)))]
    let walk = Walk(provider, call, .json(#"{"errcode":0}"#))
    #expect(walk.stages == [Step.sending] && walk.answer == Answer([.accepted()]))
    let image = walk.requests[0].json?["image"]
    #expect(walk.requests[0].json?["msgtype"] == .string("image"))
    #expect(image?["base64"] == .string("YWJj"))
    #expect(image?["md5"] == .string("900150983cd24fb0d6963f7d28e17f72"))
  }

  @Test func anythingElseIsUploadedFirst() throws {
    let provider = try weComRobot()
    var call = try provider.call(Message(attachments: [.init(source: .data([]))]), to: [""])
    let large = Array(repeating: UInt8(7), count: 2 * 1_048_576 + 1)
    for (type, bytes, kind) in [
      ("application/pdf", Array("hello".utf8), "file"), ("image/png", large, "file"),
      ("audio/amr", Array("voice".utf8), "voice"),
    ] {
      call.contents[0].attachments = [.init(name: "a.bin", type: type, source: .bytes(bytes))]
      let walk = Walk(
        provider, call, .json(#"{"errcode":0,"errmsg":"ok","type":"file","media_id":"M1"}"#), .json(#"{"errcode":0}"#))
      #expect(walk.stages == ["upload", Step.sending])
      #expect(walk.requests[0].path == "/cgi-bin/webhook/upload_media" && walk.requests[0].queryValue("type") == kind)
      #expect(
        walk.requests[0].http.parts
          == [FormPart("media", fileName: "a.bin", type: "application/octet-stream", .bytes(bytes))])
      #expect(walk.requests[1].json?["msgtype"] == .string(kind))
      #expect(walk.requests[1].json?[kind]?["media_id"] == .string("M1"))
      #expect(walk.answer == Answer([.accepted()]))
    }
  }

  @Test func anUploadThatFailsLeavesNobodyInDoubt() throws {
    let provider = try weComRobot()
    var call = try provider.call(Message(attachments: [.init(source: .data([]))]), to: [""])
    call.contents[0].attachments = [.init(name: "a", type: "text/plain", source: .bytes(Array("hello".utf8)))]
    for (response, state, kind) in [
      (HTTPResponse.json(""), RecipientState.deferred, ErrorKind.provider), (.json("{\"errco"), .deferred, .provider),
      (.json(#"{"errcode":0}"#), .deferred, .provider), (.json(#"{"errcode":40006}"#), .rejected, .message),
      (.json(#"{"errcode":93000}"#), .deferred, .credentials), (.json("", status: 502), .deferred, .provider),
    ] {
      let walk = Walk(provider, call, response)
      #expect(walk.answer?.outcomes.map(\.state) == [state] && walk.answer?.outcomes[0].kind == kind)
    }
    call.contents[0].attachments[0].source = .bytes(Array("four".utf8))
    let walk = Walk(provider, call)
    #expect(walk.requests.isEmpty && walk.answer?.outcomes[0].state == .rejected)
  }

  @Test func limitsCountBytesOfUTF8() throws {
    let provider = try weComRobot()
    func markdown(_ text: String) -> Message { Message(body: text, format: .markdown) }
    #expect(faultyField(provider, Message(body: String(repeating: "字", count: 682))) == nil)
    let fault = #expect(throws: MessageFault.self) {
      try provider.rendered(Message(body: String(repeating: "字", count: 683)))
    }
    #expect(fault?.problem == "has 2049 bytes of UTF-8; wecom-robot takes at most 2048")
    #expect(faultyField(provider, markdown(String(repeating: "x", count: 4_096))) == nil)
    #expect(faultyField(provider, markdown(String(repeating: "x", count: 4_097))) == "body")
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, .with("msgtype", .string("card"))) == "options.msgtype")
    #expect(faultyField(provider, .with("msgtype", .string("news"))) == "title")
    #expect(
      faultyField(
        provider, Message(body: "x", format: .markdown, options: [.init("mentioned_list", .strings(["a"]))]))
        == "options.mentioned_list")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([1]))])) == "body")
    #expect(throws: RecipientFault.self) { try provider.target("zhangsan") }
  }

  @Test func everyFieldArrivesAsItWasWrittenOrIsRefused() throws {
    let provider = try weComRobot()
    for text in hostileTexts {
      let message = Message(body: text, title: text, options: [.init("mentioned_list", .strings([text]))])
      if text.utf8.contains(where: { ($0 < 0x20 && $0 != 0x0D && $0 != 0x0A) || $0 == 0x7F }) {
        // Only an escape could say it, and escapes are refused.
        #expect(faultyField(provider, message) != nil)
        continue
      }
      let json = provider.request(for: try provider.call(message, to: [""])).json
      #expect(json?["text"]?["content"] == .string("\(text)\n\(text)"))
      #expect(json?["text"]?["mentioned_list"] == .array([.string(text)]) && json?.object?.count == 2)
    }
  }
}

@Suite struct WeComCodeTests {
  static let rows: [AnswerRow] =
    rows([40001, 40013, 40014, 42001, 40056, 41011, 41001, 48002, 60020, 93000, 93004, 93008, 301002]) {
      AnswerRow(200, $0, .deferred, .credentials, .suspend)
    }
    + rows([40003, 40031, 40032, 60111]) { AnswerRow(200, $0, .rejected, .recipient, several: .split) }
    + rows([60011]) { AnswerRow(200, $0, .deferred, .credentials, several: .split) }
    + rows([81013, 82001]) { AnswerRow(200, $0, .rejected, .recipient) }
    + rows([
      40004, 40005, 40006, 40007, 40008, 40009, 40011, 40033, 40035, 40058, 40063, 44004, 45002, 45007, 45008, 47001,
    ]) { AnswerRow(200, $0, .rejected, .message) }
    + rows([-1, 31337]) { AnswerRow(200, $0, .deferred, .provider, attempts: 3) }
    + rows([6000]) { AnswerRow(200, $0, .deferred, .provider) }
    + rows([45009]) { AnswerRow(200, $0, .deferred, .throttled, .slowDown(retryAfter: 60), wait: 60) }
    + rows([45033]) { AnswerRow(200, $0, .deferred, .throttled, .slowDown(retryAfter: nil)) }
    + [
      AnswerRow(502, "<html>", .deferred, .provider), AnswerRow(504, "<html>", .unconfirmed, .uncertain),
      AnswerRow(500, #"{"errcode":0}"#, .deferred, .provider),
      AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{\"errc", .unconfirmed, .uncertain),
      AnswerRow(200, "", .unconfirmed, .uncertain), AnswerRow(200, "{}", .unconfirmed, .uncertain),
    ]

  private static func rows(_ codes: [Int], _ row: (String) -> AnswerRow) -> [AnswerRow] {
    codes.map { row(#"{"errcode":\#($0),"errmsg":"ok"}"#) }
  }

  @Test(arguments: rows)
  func aCodeMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let robot = try weComRobot()
    row.check(robot, try robot.call(Message(body: "x"), to: [""]))
    let app = try weComApp()
    for to in [["a"], ["a", "b"]] { row.check(app, try app.call(Message(body: "x"), to: to)) }
  }
}
