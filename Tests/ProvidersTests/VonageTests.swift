import Core
import Foundation
import Testing

@testable import Providers

private let values: [String: JSON] = [
  "api_key": .string("abcd1234"), "api_secret": .string("abcdef0123456789"), "from": .string("Acme"),
]
private let vonage: @Sendable () throws -> Vonage = { try Vonage(settings(Vonage.self, values)) }

extension Vonage: Exemplified {
  static let specimen = Specimen(
    provider: Vonage.self, values: values.merging(["api_secret": .string("s3cret")]) { $1 },
    message: Message(body: "text"), addresses: ["+447700900000"],
    success: (200, #"{"message-count":"1","messages":[{"to":"447700900000","message-id":"0C","status":"0"}]}"#),
    throttled: (200, #"{"message-count":"1","messages":[{"status":"1","error-text":"m"}]}"#),
    wrongCredentials: (200, #"{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}"#),
    unknownCode: (200, #"{"message-count":"1","messages":[{"status":"31337","error-text":"OK"}]}"#))
}

@Suite struct VonageTests {
  static let sending = GoldenCase.load("vonage")

  @Test func allCasesAreThere() { #expect(Self.sending.count == 6) }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try vonage()
    var options: [JSON.Member] = []
    for (field, option) in [("from", "from"), ("callback", "callback"), ("client-ref", "client_ref")] {
      if let value = golden.input[field]?.string { options.append(.init(option, .string(value))) }
    }
    if let time = golden.input["ttl"]?.string { options.append(.init("ttl", .number(time))) }
    let message = Message(body: golden.input["text"]?.string, options: options)
    let call = try provider.call(message, to: ["+" + (golden.input["to"]?.string ?? "")])
    // Ours has the call's id where the client gave no reference.
    let ours = golden.input["client-ref"] == nil ? ["client-ref"] : []
    #expect(differences(provider.request(for: call), golden, ignoring: Set(ours)) == [])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    switch golden.name {
    case "error_invalid_credentials":
      #expect(answer.advice == .suspend && answer.outcomes[0].kind == .credentials)
      #expect(answer.outcomes[0].code == "4" && answer.outcomes[0].reason == "Bad Credentials")
    case "error_throttled": #expect(answer.advice == .slowDown(retryAfter: nil) && answer.outcomes[0].code == "1")
    default: #expect(answer == Answer([.accepted(id: "0C000000217B7F01")]))
    }
  }

  @Test func numbersAreCompletedByTheCountryCodeAndGoWithoutPlus() throws {
    let provider = try Vonage(settings(Vonage.self, values.merging(["country_code": .string("86")]) { $1 }))
    #expect(
      try provider.target("13800138000") == Target("13800138000", wire: "8613800138000", identity: "+8613800138000"))
    #expect(try provider.target("+447700900000").wire == "447700900000")
    for address in ["", "+", "0044770090", "abc", "+44 7700", "１３８００１３８０００"] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
    #expect(throws: RecipientFault.self) { try vonage().target("13800138000") }
  }

  @Test(arguments: [
    ("Hello", false), ("50 % {€} [~] ^|\\ é à ñ Ω\n", false), ("天气", true), ("ç", true), ("🌧", true),
    ("e\u{301}", true),
  ])
  func whatTheAlphabetLacksGoesAsUnicode(_ text: String, _ isUnicode: Bool) throws {
    let content = try vonage().rendered(Message(body: text))
    #expect((content["type"] == "unicode") == isUnicode)
  }

  @Test(arguments: [
    ("2", RecipientState.rejected, ErrorKind.message), ("3", .rejected, .provider), ("5", .unconfirmed, .uncertain),
    ("6", .rejected, .recipient), ("7", .rejected, .recipient), ("8", .deferred, .credentials),
    ("9", .deferred, .quota),
    ("10", .deferred, .throttled), ("15", .deferred, .credentials), ("29", .deferred, .credentials),
    ("33", .rejected, .recipient), ("x", .unconfirmed, .uncertain),
  ])
  func whatACodeMeans(_ code: String, _ state: RecipientState, _ kind: ErrorKind) throws {
    let provider = try vonage()
    let call = try provider.call(Message(body: "x"), to: ["+447700900000"])
    let answer = provider.answer(200, #"{"messages":[{"status":"\#(code)","error-text":"m"}]}"#, to: call)
    #expect(answer.outcomes[0].state == state && answer.outcomes[0].kind == kind)
  }

  @Test func aSenderThatTheMessageNamedIsTheMessagesTrouble() throws {
    let provider = try vonage()
    let message = Message(body: "x", options: [.init("from", .string("Other"))])
    let call = try provider.call(message, to: ["+447700900000"])
    let answer = provider.answer(200, #"{"messages":[{"status":"15","error-text":"m"}]}"#, to: call)
    #expect(answer.outcomes[0].state == .rejected && answer.outcomes[0].kind == .message)
  }

  @Test func aTextOfWhichSomePartsWereTakenIsInDoubt() throws {
    let provider = try vonage()
    let call = try provider.call(Message(body: "x"), to: ["+447700900000"])
    let answer = provider.answer(200, #"{"messages":[{"status":"0","message-id":"1"},{"status":"1"}]}"#, to: call)
    #expect(answer.outcomes[0].state == .unconfirmed && answer.advice == .proceed)
    let broken = provider.answer(500, #"{"messages":[{"status":"0","message-id":"1"}]}"#, to: call)
    #expect(broken.outcomes[0].state == .unconfirmed)
    #expect(provider.answer(200, #"{"messages":[]}"#, to: call).outcomes[0].state == .unconfirmed)
  }
}
