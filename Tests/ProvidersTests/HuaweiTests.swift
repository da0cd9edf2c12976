import Core
import Foundation
import Signing
import Testing

@testable import Providers

let huaweiValues: [String: JSON] = [
  "app_key": .string("dummyAppKey0001"), "app_secret": .string("dummyAppSecret0001"),
  "sender": .string("8823040504797"), "template": .string("8ff55eac1d0b478ab3c06c3c6a492300"),
]
let huawei: @Sendable () throws -> HuaweiSMS = { try HuaweiSMS(settings(HuaweiSMS.self, huaweiValues)) }
let huaweiSigned: @Sendable () throws -> HuaweiSMS = {
  try HuaweiSMS(settings(HuaweiSMS.self, huaweiValues.merging(["authentication": .string("ak_sk")]) { $1 }))
}

@Suite struct HuaweiGoldenTests {
  static let uniform = GoldenCase.load("huawei") { $0.hasPrefix("batchsendsms") }
  static let mixed = GoldenCase.load("huawei") { $0.hasPrefix("batchsenddiff") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.uniform.count == 5)
    #expect(Self.mixed.count == 2)
  }

  /// The recorded inputs are the API's own parameters; this is the message that means the same.
  private func message(_ input: Value, call: Value) -> Message {
    let text = input["templateParas"]?.string.flatMap { Value(Data($0.utf8))?.strings }
    let parameters = text ?? input["templateParas"]?.strings
    var options: [JSON.Member] = []
    if let signature = input["signature"]?.string { options.append(.init("signature", .string(signature))) }
    for (name, option) in [("extend", "extend"), ("statusCallback", "status_callback")] {
      if let value = call[name]?.string { options.append(.init(option, .string(value))) }
    }
    return Message(
      template: input["templateId"]?.string, params: parameters.map(Message.Parameters.positional), options: options)
  }

  @Test(arguments: uniform)
  func ourBatchSendSmsMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let to = (golden.input["to"]?.string ?? "").split(separator: ",").map(String.init)
    for provider in [try huawei(), try huaweiSigned()] {
      let content = try provider.rendered(message(golden.input, call: golden.input))
      // One case is of a number that is refused before sending; its answer counts all the same.
      let targets = try to.map { $0 == "+86abc" ? Target($0) : try provider.target($0) }
      let call = Call(id: "call-1", contents: [content], recipients: targets.map { Call.Recipient($0) })
      #expect(differences(provider.request(for: call), golden) == [])
      let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
      switch golden.name {
      case "batchsendsms_error_http400":
        #expect(throws: RecipientFault.self) { try provider.target("+86abc") }
        #expect(
          answer
            == .all(.rejected(.message, code: "E000503", reason: "The request parameters are incorrect."), in: call)
        )
      case "batchsendsms_partial_failure":
        #expect(answer.outcomes.map(\.state) == [.accepted, .accepted, .rejected])
        #expect(answer.outcomes[2].code == "E200028" && answer.outcomes[2].kind == .message)
        #expect(answer.advice == .proceed)
      default:
        #expect(answer.outcomes.count == to.count)
        #expect(answer.outcomes.allSatisfy { $0.state == .accepted && $0.id?.hasPrefix("b4b4b34e-") == true })
      }
    }
  }

  @Test(arguments: mixed)
  func ourBatchSendDiffSmsMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try huaweiSigned()
    let entries = try #require(golden.input["smsContent"]?.array)
    var contents = try entries.map { try provider.rendered(message($0, call: golden.input)) }
    #expect(Set(contents.map(\.mixKey)).count == 1)
    // A single content goes out by the other operation; a second one without recipients says nothing.
    if contents.count == 1 { contents.append(contents[0]) }
    let recipients = try entries.enumerated().flatMap { index, entry in
      try (entry["to"]?.strings ?? []).map { Call.Recipient(try provider.target($0), content: index) }
    }
    let call = Call(id: "call-1", contents: contents, recipients: recipients)
    let request = provider.request(for: call)
    #expect(differences(request, golden) == [])
    try checkSignature(of: request)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(
      answer.outcomes.map(\.id) == (0..<recipients.count).map { "b4b4b34e-7a9e-42ac-b309-d1099714890\($0)_\($0)" })
    #expect(answer.outcomes.allSatisfy { $0.state == .accepted })
  }

  @Test func aFormIsSignedAsTheVendorsSignerDoes() throws {
    let vector = try #require(GoldenCase.file("vector_aksk_form_unsigned_payload", in: "huawei"))
    let provider = try huaweiSigned()
    let message = Message(
      params: .positional(["3", "人民公园正门"]), options: [.init("extend", .string("batch-0001"))])
    let request = provider.request(for: try provider.call(message, to: ["13800138000", "13900139000"]))
    let recorded = try #require(vector["request"])
    #expect(request.header("authorization") == recorded["headers"]?["Authorization"]?.string)
    let form = WireRequest.pairs(try #require(recorded["body"]?.string))
    #expect(Set(request.form) == Set(form) && request.form.count == form.count)
    try checkSignature(of: request)
  }

  @Test func theTokenIsTheDocumentedOne() throws {
    let vector = try #require(GoldenCase.file("wsse_lowercase_nonce", in: "huawei")?["expected"])
    let provider = try huawei()
    let request = provider.request(for: try provider.call(Message(), to: ["13800138000"]))
    #expect(request.header("authorization") == vector["Authorization"]?.string)
    #expect(request.header("x-wsse") == vector["X-WSSE"]?.string)
    #expect(request.header("x-sdk-date") == nil)
  }

  /// Computes the signature from what is on the wire alone, as the vendor does.
  private func checkSignature(of request: WireRequest) throws {
    let authorization = try #require(request.header("authorization"))
    let names = try #require(authorization.components(separatedBy: ", ").first { $0.hasPrefix("SignedHeaders=") })
      .dropFirst("SignedHeaders=".count).split(separator: ";").map(String.init)
    #expect(Set(["host", "x-sdk-date", "content-type"]).isSubset(of: names))
    let headers = try names.map { Pair($0, $0 == "host" ? request.host : try #require(request.header($0))) }
    let payload = request.header("x-sdk-content-sha256")
    #expect((payload == nil) == (request.mediaType == "application/json"))
    let signer = SDKHMAC(
      method: "POST", path: request.path, headers: headers,
      bodyHash: payload ?? CanonicalRequest.bodyHash(request.http.body), date: "20240520T083015Z")
    #expect(authorization == signer.authorization(key: "dummyAppKey0001", secret: "dummyAppSecret0001"))
  }
}

@Suite struct HuaweiRequestTests {
  @Test(arguments: [
    ("13800138000", "+8613800138000"), ("+8613800138000", "+8613800138000"), ("8613800138000", "+8613800138000"),
    ("008613800138000", "+8613800138000"), ("+14155550100", "+14155550100"), ("+85212345678", "+85212345678"),
    ("+12125551234", "+12125551234"), ("+123456789012345", "+123456789012345"),
  ])
  func oneNumberHasOneFormOnTheWire(_ address: String, _ wire: String) throws {
    let target = try huawei().target(address)
    #expect(target.wire == wire && target.identity == wire && target.address == address)
  }

  @Test(arguments: [
    "", "+", "85212345678", "+123456", "+1234567890123456", "138 0013 8000", "13800138000,13900139000", "１３８００１３８０００",
    "+86", "+861012345678", "+86abc", "13800138000\n", "++13800138000", "topic:1", "0013800138000",
  ])
  func oneMalformedNumberWouldStopAllOfACallAndIsRefused(_ address: String) throws {
    let provider = try huawei()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    let provider = try huawei()
    for text in hostileTexts {
      let plain = text.filter { !"'{}".contains($0) }
      let message = Message(
        template: text, params: .positional([plain, "2"]),
        options: [
          .init("sender", .string(text)), .init("signature", .string(text)), .init("status_callback", .string(text)),
        ])
      let uniform = provider.request(for: try provider.call(message, to: ["13800138000"], id: "call-7"))
      for name in ["from", "templateId", "signature", "statusCallback"] { #expect(uniform.formValue(name) == text) }
      let parameters = try #require(uniform.formValue("templateParas"))
      #expect(Value(Data(parameters.utf8)) == .array([.string(plain), .string("2")]))
      #expect(uniform.form.count == 7 && uniform.formValue("extend") == "call-7")
      var other = message
      other.params = nil
      let mixed = provider.request(for: try provider.mixedCall([(message, "13800138000"), (other, "13900139000")]))
      #expect(mixed.json?["from"] == .string(text) && mixed.json?["statusCallback"] == .string(text))
      let entries = try #require(mixed.json?["smsContent"]?.array)
      #expect(entries[0]["templateParas"] == .array([.string(plain), .string("2")]))
      #expect(entries[1]["templateParas"] == nil && entries[1]["to"] == .array([.string("+8613900139000")]))
      #expect(entries.allSatisfy { $0["signature"] == .string(text) && $0["templateId"] == .string(text) })
    }
  }

  @Test func fiveHundredNumbersAreOneCallAndMixedOnesAreHalvedAtTheirLimit() throws {
    let provider = try huawei()
    let numbers = (0..<500).map { "+86138\(10_000_000 + $0)" }
    let request = provider.request(for: try provider.call(Message(), to: numbers))
    #expect(request.formValue("to") == numbers.joined(separator: ","))
    #expect(request.http.url == "https://smsapi.cn-north-4.myhuaweicloud.com/sms/batchSendSms/v1")
    let messages = numbers.map {
      (message: Message(params: .positional(["code \($0)", String(repeating: "x", count: 40)])), to: $0)
    }
    for (count, isOver) in [(400, false), (500, true)] {
      let call = try provider.mixedCall(Array(messages.prefix(count)))
      switch provider.begin(call, Session(), at: Pinned.now, nonce: Pinned.nonce) {
      case .finish(let answer, _): #expect(isOver && answer.advice == .split && answer.outcomes.count == count)
      case .send(let exchange, _):
        #expect(!isOver && WireRequest(exchange).json?["smsContent"]?.array?.count == count)
        #expect(WireRequest(exchange).http.body.count < 65_600)
      case .prepare, .again: Issue.record("nothing to prepare")
      }
    }
  }

  @Test func onlyCallsOfOneSenderMayBeMixed() throws {
    let provider = try huawei()
    func key(_ options: [JSON.Member], template: String? = nil) throws -> String? {
      try provider.rendered(Message(template: template, params: .positional(["1"]), options: options)).mixKey
    }
    let plain = try key([])
    #expect(try key([.init("signature", .string("s"))], template: "other") == plain)
    for option in ["sender", "status_callback", "extend"] { #expect(try key([.init(option, .string("o"))]) != plain) }
  }

  @Test func whatCannotBeSentIsNamed() throws {
    let provider = try huawei()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    #expect(fault(Message(params: .named([.init("a", "1")])))?.field == "params")
    for value in ["it's", "{x", "x}"] {
      #expect(fault(Message(params: .positional(["1", value])))?.field == "params[1]")
    }
    #expect(fault(Message(params: .positional([String(repeating: "x", count: 65_536)])))?.field == "params")
    func extend(_ text: String) -> Message { Message(options: [.init("extend", .string(text))]) }
    _ = try provider.rendered(extend(String(repeating: "o", count: 128)))
    #expect(fault(extend(String(repeating: "o", count: 129)))?.field == "options.extend")
    #expect(fault(extend("{x}"))?.field == "options.extend")
    #expect(fault(Message(options: [.init("signature", .boolean(true))]))?.field == "options.signature")
    #expect(fault(Message(attachments: [.init(source: .path("/x"))]))?.field == "attachments")
    var values = huaweiValues
    values["template"] = nil
    let without = try HuaweiSMS(settings(HuaweiSMS.self, values))
    #expect(#expect(throws: MessageFault.self) { try without.rendered(Message()) }?.field == "template")
    for (name, value) in [("authentication", "basic"), ("app_key", "a\"b"), ("app_key", "a\n"), ("sender", "")] {
      let values = huaweiValues.merging([name: .string(value)]) { $1 }
      let fault = #expect(throws: SettingFault.self) { try HuaweiSMS(settings(HuaweiSMS.self, values)) }
      #expect(fault?.setting == name)
    }
  }
}
