import Core
import Foundation
import Testing

@testable import Providers

extension Gotify: Exemplified {
  static let specimen = Specimen(
    provider: Gotify.self, values: ["token": .string("As3cret")], message: Message(body: "text"), addresses: [""],
    success: (200, #"{"id":25,"appid":5,"message":"m","priority":5}"#), throttled: (429, ""),
    wrongCredentials: (401, #"{"error":"Unauthorized","errorCode":401,"errorDescription":"m"}"#),
    unknownCode: (200, #"{"id":25,"message":"m"}"#))
}

private let gotify: @Sendable (String) throws -> Gotify = { token in
  try Gotify(settings(Gotify.self, ["token": .string(token)], endpoint: "https://gotify.example.com"))
}

@Suite struct GotifyTests {
  static let sending = GoldenCase.load("gotify")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let token = try #require(golden.input["token"]?.string)
    let provider = try gotify(token)
    let message = Message(
      body: golden.input["message"]?.string, title: golden.input["title"]?.string,
      priority: golden.input["priority"]?.number == 8 ? .high : .normal)
    let call = try provider.call(message, to: [""])
    let request = provider.request(for: call)
    // One client puts the token into the query; the header is the document's preference, and the other's way.
    #expect(differences(request, golden, ignoring: ["token"]) == [])
    #expect(request.query.isEmpty && request.header("x-gotify-key") == token)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "apprise/unauthorized-answer" {
      #expect(answer.advice == .suspend && answer.outcomes[0].kind == .credentials)
      #expect(answer.outcomes[0].reason?.hasPrefix("you need to provide") == true)
    } else {
      #expect(answer == Answer([.accepted(id: "25")]))
    }
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try gotify("A")
    for text in hostileTexts {
      let message = Message(body: text, title: text, format: .markdown, url: text, priority: .low)
      let json = provider.request(for: try provider.call(message, to: [""])).json
      #expect(json?["message"] == .string(text) && json?["title"] == .string(text))
      #expect(json?["extras"]?["client::notification"]?["click"]?["url"] == .string(text))
      #expect(json?["extras"]?["client::display"]?["contentType"] == .string("text/markdown"))
      #expect(json?["priority"] == .number(2) && json?.object?.count == 4)
    }
  }

  @Test func fieldsAndSettingsAreChecked() throws {
    let provider = try gotify("A")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, .with("priority", .integer(11))) == "options.priority")
    #expect(try provider.rendered(.with("priority", .integer(0)))["priority"] == "0")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
    #expect(throws: RecipientFault.self) { try provider.target("me") }
    let fault = #expect(throws: SettingFault.self) {
      try Gotify(settings(Gotify.self, ["token": .string("A")], endpoint: ""))
    }
    #expect(fault?.setting == "endpoint" && fault?.problem.contains("missing") == true)
  }

  private static func error(_ code: Int) -> String {
    #"{"error":"e","errorCode":\#(code),"errorDescription":"m"}"#
  }

  static let rows = [
    AnswerRow(400, error(400), .rejected, .message), AnswerRow(400, "bad", .rejected, .message),
    AnswerRow(401, error(401), .deferred, .credentials, .suspend),
    AnswerRow(403, error(403), .deferred, .credentials, .suspend),
    AnswerRow(404, "", .deferred, .credentials, .suspend),
    AnswerRow(413, "", .rejected, .message), AnswerRow(429, "", .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(418, "<html>", .deferred, .provider, attempts: 3), AnswerRow(500, error(500), .deferred, .provider),
    AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{}", .unconfirmed, .uncertain),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try gotify("A")
    row.check(provider, try provider.call(Message(body: "x"), to: [""]))
  }
}
