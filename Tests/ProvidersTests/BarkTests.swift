import Core
import Foundation
import Testing

@testable import Providers

extension Bark: Exemplified {
  static let specimen = Specimen(
    provider: Bark.self, values: [:], message: Message(body: "text"), addresses: ["keyA", "keyB"],
    success: (
      200,
      #"{"code":200,"message":"success","data":[{"code":200,"device_key":"keyA"},{"code":200,"device_key":"keyB"}]}"#
    ),
    throttled: (429, #"{"code":429,"message":"m"}"#), wrongCredentials: (401, ""),
    unknownCode: (200, #"{"code":31337,"message":"success"}"#))
}

private let bark: @Sendable () throws -> Bark = { try Bark(settings(Bark.self, [:])) }

@Suite struct BarkTests {
  static let sending = GoldenCase.load("bark")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try bark()
    var options: [JSON.Member] = []
    for name in ["group", "level"] {
      if let text = golden.input[name]?.string { options.append(.init(name, .string(text))) }
    }
    // Quirk: one request per device, with an icon of its own. This is the second device's.
    let key = golden.input["device_key"]?.string ?? golden.input["device_keys"]?.strings?.last
    let message = Message(
      body: golden.input["body"]?.string, title: golden.input["title"]?.string, options: options)
    let call = try provider.call(message, to: [try #require(key)])
    let request = provider.request(for: call)
    // The id makes a repetition harmless.
    #expect(fieldDifferences(request, golden, ignoring: ["icon", "id"]) == [])
    #expect(request.json?["id"] == .string("call-1"))
    let response = try #require(golden.response ?? golden.responses.first)
    #expect(provider.answer(.http(response), to: call, at: Pinned.now) == Answer([.accepted()]))
  }

  @Test func severalKeysShareACallAndEachHasItsResult() throws {
    let provider = try bark()
    let call = try provider.call(Message(body: "x"), to: ["a", "b", "c", "d", "e"])
    #expect(provider.request(for: call).json?["device_keys"]?.strings == ["a", "b", "c", "d", "e"])
    let body = """
      {"code":200,"message":"success","data":[{"code":400,"device_key":"b","message":"failed to get device token"},
      {"code":200,"device_key":"a"},{"code":500,"device_key":"c","message":"push failed: TooManyRequests"},
      {"code":500,"device_key":"d","message":"push failed: BadDeviceToken"}]}
      """
    let answer = provider.answer(200, body, to: call)
    #expect(answer.outcomes.map(\.state) == [.accepted, .rejected, .deferred, .rejected, .unconfirmed])
    #expect(answer.outcomes.map(\.kind) == [nil, .recipient, .provider, .recipient, .uncertain])
    #expect(answer.advice == .proceed)
  }

  @Test func aRepetitionHasTheSameId() throws {
    let provider = try bark()
    #expect(Recovery(provider) == .idempotencyKey)
    let call = try provider.call(.with("id", .string("mine")), to: ["a"])
    #expect(provider.request(for: call).json?["id"] == .string("mine"))
    #expect(faultyField(provider, .with("id", .string(String(repeating: "i", count: 65)))) == "options.id")
  }

  @Test func aMessagesPriorityIsALevel() throws {
    let provider = try bark()
    for (priority, level) in [(.low, "passive"), (.normal, nil), (.high, "timeSensitive")]
      as [(Message.Priority, String?)]
    {
      #expect(try provider.rendered(Message(body: "x", priority: priority))["level"] == level)
    }
    #expect(faultyField(provider, .with("level", .string("loud"))) == "options.level")
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try bark()
    let options = ["subtitle", "sound", "icon", "image", "group", "copy", "action"]
    for text in hostileTexts {
      let message = Message(
        body: text, title: text, url: text,
        options: options.map { .init($0, .string(text)) } + [
          .init("badge", .integer(3)), .init("volume", .integer(5)), .init("auto_copy", .boolean(true)),
          .init("is_archive", .boolean(false)),
        ])
      let json = provider.request(for: try provider.call(message, to: ["a"])).json
      for name in ["title", "body", "url"] + options { #expect(json?[name] == .string(text)) }
      #expect(json?["badge"] == .number(3) && json?["autoCopy"] == .string("1") && json?["isArchive"] == .string("0"))
      #expect(json?.object?.count == 16)
    }
  }

  @Test func limitsAndKeysAreChecked() throws {
    let provider = try bark()
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 4_085))) == nil)
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 4_086))) == "body")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
    for address in ["", "a b", "a,b", "a/b", "ü", "a\n"] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
  }

  private static func error(_ code: Int, _ text: String) -> String { #"{"code":\#(code),"message":"\#(text)"}"# }

  static let rows = [
    AnswerRow(400, error(400, "failed to get device token"), .rejected, .recipient, several: .split),
    AnswerRow(400, error(400, "batch push count exceeds the maximum limit: 1"), .rejected, .message, several: .split),
    AnswerRow(400, error(400, "request bind failed"), .rejected, .message),
    AnswerRow(500, error(500, "push failed: BadDeviceToken"), .rejected, .recipient, several: .split),
    AnswerRow(500, error(500, "push failed: Unregistered"), .rejected, .recipient, several: .split),
    AnswerRow(500, error(500, "push failed: 410"), .rejected, .recipient, several: .split),
    AnswerRow(500, error(500, "push failed: PayloadTooLarge"), .rejected, .message),
    AnswerRow(500, error(500, "push failed: InternalServerError"), .deferred, .provider),
    AnswerRow(429, error(429, "x"), .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(502, "<html>", .deferred, .provider), AnswerRow(418, error(418, "x"), .deferred, .provider, attempts: 3),
    AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{}", .unconfirmed, .uncertain),
    AnswerRow(500, error(200, "success"), .deferred, .provider),
  ]

  @Test func theServersOwnLimitOnKeysIsLearned() throws {
    let provider = try bark()
    let call = try provider.call(Message(body: "x"), to: ["a", "b", "c"])
    func capacity(_ text: String) -> Int? { provider.answer(400, Self.error(400, text), to: call).capacity }
    #expect(capacity("batch push count exceeds the maximum limit: 2") == 2)
    for text in ["batch push count exceeds the maximum limit: 3", "batch push count exceeds", "bad key 2"] {
      #expect(capacity(text) == nil)
    }
  }

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try bark()
    for to in [["a"], ["a", "b"]] { row.check(provider, try provider.call(Message(body: "x"), to: to)) }
  }
}
