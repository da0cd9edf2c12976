import Core
import Foundation
import Testing

@testable import Providers

extension PushDeer: Exemplified {
  static let specimen = Specimen(
    provider: PushDeer.self, values: [:], message: Message(body: "text"), addresses: ["PDU1"],
    success: (200, #"{"code":0,"content":{"result":["{\"counts\":1,\"logs\":[],\"success\":\"ok\"}"]}}"#),
    throttled: (429, ""), wrongCredentials: (401, ""), unknownCode: (200, #"{"code":31337,"error":"ok"}"#))
}

private let pushDeer: @Sendable () throws -> PushDeer = { try PushDeer(settings(PushDeer.self, [:])) }

@Suite struct PushDeerTests {
  static let sending = GoldenCase.load("pushdeer")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try pushDeer()
    let message = Message(body: golden.input["desp"]?.string, title: golden.input["text"]?.string)
    let call = try provider.call(message, to: [try #require(golden.input["pushkey"]?.string)])
    let request = provider.request(for: call)
    // The clients put some or all of it into the query; we put nothing there.
    #expect(fieldDifferences(request, golden) == [])
    #expect(request.http.method == .post && request.query.isEmpty)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer == Answer([.accepted()]))
  }

  @Test func withoutATitleTheBodyIsTheText() throws {
    let provider = try pushDeer()
    func form(_ message: Message) throws -> [String: String] {
      provider.request(for: try provider.call(message, to: ["K"])).fields
    }
    #expect(try form(Message(body: "b", url: "https://u")) == ["pushkey": "K", "text": "b\nhttps://u", "type": "text"])
    let markdown = try form(Message(body: "b", title: "t", format: .markdown))
    #expect(markdown == ["pushkey": "K", "text": "t", "desp": "b", "type": "markdown"])
    #expect(try form(.with("image", .boolean(true))) == ["pushkey": "K", "text": "x", "type": "image"])
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try pushDeer()
    for text in hostileTexts {
      let fields = provider.request(for: try provider.call(Message(body: text, title: text), to: ["K"])).fields
      #expect(fields == ["pushkey": "K", "text": text, "desp": text, "type": "text"])
    }
  }

  @Test func fieldsAndKeysAreChecked() throws {
    let provider = try pushDeer()
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    let picture = Message(body: "x", title: "t", options: [.init("image", .boolean(true))])
    #expect(faultyField(provider, picture) == "title")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
    // A list of keys would be cut off, or stop somewhere without saying where.
    for address in ["", "a,b", "a b", "a-b", "ü"] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
  }

  static let rows = [
    AnswerRow(200, #"{"code":0,"content":{"result":[]}}"#, .rejected, .recipient),
    AnswerRow(200, #"{"code":0,"content":{"result":["{}"]}}"#, .unconfirmed, .uncertain),
    AnswerRow(200, #"{"code":0,"content":{"result":[false]}}"#, .unconfirmed, .uncertain),
    AnswerRow(200, #"{"code":0}"#, .unconfirmed, .uncertain),
    AnswerRow(200, #"{"code":80501,"error":"m"}"#, .rejected, .recipient),
    AnswerRow(400, #"{"code":80501,"error":"m"}"#, .rejected, .recipient),
    AnswerRow(500, #"{"code":80501,"error":"m"}"#, .deferred, .provider, attempts: 3),
    AnswerRow(500, "", .deferred, .provider, attempts: 3),
    AnswerRow(429, "", .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(429, #"{"code":1}"#, .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{}", .unconfirmed, .uncertain),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try pushDeer()
    row.check(provider, try provider.call(Message(body: "x"), to: ["K"]))
  }
}
