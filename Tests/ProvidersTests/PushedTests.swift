import Core
import Foundation
import Testing

@testable import Providers

extension Pushed: Exemplified {
  static let specimen = Specimen(
    provider: Pushed.self, values: ["app_key": .string("dummyAppKey000000000"), "app_secret": .string("s3cret")],
    message: Message(body: "text"), addresses: [""],
    success: (200, #"{"response":{"type":"shipment_successfully_sent","data":{"shipment":"S1"}}}"#),
    throttled: (429, "slow down"), wrongCredentials: (400, #"{"error":{"type":"app_key_invalid","message":"m"}}"#),
    unknownCode: (200, #"{"response":{"type":"shipment_something","message":"m"}}"#))
}

private let pushed: @Sendable (String) throws -> Pushed = { key in
  let secret = "dummyAppSecret00000000000000000000000000000000000000000000000000"
  return try Pushed(settings(Pushed.self, ["app_key": .string(key), "app_secret": .string(secret)]))
}

@Suite struct PushedTests {
  static let sending = GoldenCase.load("pushed")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 3)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try pushed(try #require(golden.input["app_key"]?.string))
    let to = golden.input["target_alias"]?.string.map { "channel:\($0)" } ?? ""
    let message = Message(body: golden.input["content"]?.string, url: golden.input["content_extra"]?.string)
    let call = try provider.call(message, to: [to])
    #expect(differences(provider.request(for: call), golden) == [])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "pushed/error-answer" {
      #expect(answer.outcomes[0].kind == .credentials && answer.outcomes[0].code == "app_key_invalid")
      #expect(answer.advice == .suspend)
    } else {
      #expect(answer == Answer([.accepted(id: "1lbHvNM7mYGuHzB7fVrGmUoGyUoA")]))
    }
  }

  @Test(
    arguments: [
      ("", "app", nil, nil), ("channel:news", "channel", "target_alias", "news"),
      ("user:tok.en", "user", "access_token", "tok.en"), ("PID1", "pushed_id", "pushed_id", "PID1"),
    ] as [(String, String, String?, String?)])
  func targetsAreNamedInTheirOwnFields(_ address: String, _ type: String, _ field: String?, _ value: String?) throws {
    let provider = try pushed("k")
    let request = provider.request(for: try provider.call(Message(body: "x"), to: [address]))
    #expect(request.json?["target_type"] == .string(type))
    if let field { #expect(request.json?[field]?.string == value) }
    #expect(request.json?.object?.count == (field == nil ? 4 : 5))
  }

  @Test(arguments: ["channel:", "user:", "a b", "channel:a b", "group:1", "channel:a:b", "ü", "a\n"])
  func wrongTargetsAreRefused(_ address: String) throws {
    let provider = try pushed("k")
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func theLimitIsInclusiveAndCuttingIsAskedFor() throws {
    let provider = try pushed("k")
    #expect(faultyField(provider, Message(body: String(repeating: "字", count: 140))) == nil)
    let long = String(repeating: "🚀", count: 71)
    let fault = #expect(throws: MessageFault.self) { try provider.rendered(Message(body: long)) }
    #expect(fault?.field == "body" && fault?.problem == "has 142 UTF-16 units; pushed takes at most 140")
    let cut = try provider.rendered(Message(body: "x" + long, options: [.init("cut", .boolean(true))]))
    #expect(cut["content"] == "x" + String(repeating: "🚀", count: 69))
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try pushed("k")
    for text in hostileTexts {
      let call = try provider.call(Message(body: text, url: text), to: ["channel:\"}{"])
      let json = provider.request(for: call).json
      #expect(json?["content"] == .string(text) && json?["content_extra"] == .string(text))
      #expect(json?["target_alias"] == .string("\"}{") && json?.object?.count == 7)
    }
  }

  private static func error(_ type: String) -> String { #"{"error":{"type":"\#(type)","message":"m"}}"# }

  static let rows = [
    AnswerRow(400, error("app_secret_invalid"), .deferred, .credentials, .suspend),
    AnswerRow(401, error("x"), .deferred, .credentials, .suspend),
    AnswerRow(403, "", .deferred, .credentials, .suspend),
    AnswerRow(400, error("monthly_limit_reached"), .deferred, .quota, .suspend),
    AnswerRow(429, error("x"), .deferred, .quota, .suspend),
    AnswerRow(429, "x", .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(400, error("target_alias_invalid"), .rejected, .recipient),
    AnswerRow(400, error("content_too_long"), .rejected, .message), AnswerRow(400, error(""), .rejected, .message),
    AnswerRow(200, error("content_missing"), .rejected, .message), AnswerRow(500, error("x"), .deferred, .provider),
    AnswerRow(502, "<html>", .deferred, .provider), AnswerRow(400, "<html>", .deferred, .provider, attempts: 3),
    AnswerRow(200, "{}", .unconfirmed, .uncertain), AnswerRow(200, "<html>", .deferred, .provider),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try pushed("k")
    row.check(provider, try provider.call(Message(body: "x"), to: [""]))
  }

  @Test func aUsersTokenIsTheRecipientsAndNotTheChannels() throws {
    let provider = try pushed("k")
    let call = try provider.call(Message(body: "x"), to: ["user:T"])
    let answer = provider.answer(400, Self.error("access_token_invalid"), to: call)
    #expect(answer.outcomes[0].kind == .recipient && answer.advice == .proceed)
  }
}
