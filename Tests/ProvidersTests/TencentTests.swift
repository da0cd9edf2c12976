import Core
import Foundation
import Signing
import Testing

@testable import Providers

let tencentValues: [String: JSON] = [
  "secret_id": .string("AKIDdummydummydummy"), "secret_key": .string("dummySecretKey"),
  "sms_sdk_app_id": .string("1400006666"), "sign_name": .string("腾讯云"), "template": .string("1110"),
]
let tencent: @Sendable () throws -> TencentSMS = { try TencentSMS(settings(TencentSMS.self, tencentValues)) }

@Suite struct TencentGoldenTests {
  static let sending = GoldenCase.load("tencent") { $0.hasPrefix("sendsms") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 4)
  }

  @Test(arguments: sending)
  func ourSendSmsMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try tencent()
    let context = golden.input["SessionContext"]?.string
    let message = Message(
      template: golden.input["TemplateId"]?.string,
      params: golden.input["TemplateParamSet"]?.strings.map(Message.Parameters.positional),
      options: context.map { [.init("session_context", .string($0))] } ?? [])
    let to = try #require(golden.input["PhoneNumberSet"]?.strings)
    let call = try provider.call(message, to: to)
    let request = provider.request(for: call)
    #expect(request.json?["SessionContext"] == .string(context ?? call.id))
    var expected = try #require(golden.json?.object)
    expected["SessionContext"] = .string(context ?? call.id)
    var withReference = golden
    withReference.json = .object(expected)
    #expect(differences(request, withReference) == [])
    for name in ["x-tc-action", "x-tc-version", "x-tc-timestamp", "x-tc-region", "content-type"] {
      #expect(request.header(name) == golden.headers[name])
    }
    try checkSignature(of: request)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    switch golden.name {
    case "sendsms_error_signature":
      #expect(answer.outcomes[0].kind == .credentials && answer.advice == .suspend)
    case "sendsms_partial_failure":
      #expect(answer.outcomes.map(\.state) == [.accepted, .rejected, .deferred])
      // 08:30:15 UTC is 16:30:15 in China.
      #expect(answer.outcomes[2].kind == .throttled && answer.outcomes[2].retryAfter == 26_985)
      #expect(answer.advice == .proceed)
    default:
      #expect(answer.outcomes.map(\.id) == to.indices.map { "5000:104571052816216000000\($0)" })
      #expect(answer.outcomes.allSatisfy { $0.state == .accepted })
    }
  }

  @Test func theQueryIsTheRecordedOne() throws {
    let golden = try #require(GoldenCase.named("pullstatus_by_number", in: "tencent"))
    let provider = try tencent()
    let started = Date(timeIntervalSince1970: 1_716_190_060)
    let call = try provider.call(Message(), to: ["13800138000"])
    let question = Question(call: call, startedAt: started)
    let request = WireRequest(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce))
    #expect(differences(request, golden) == [])
    #expect(request.header("x-tc-action") == golden.headers["x-tc-action"])
    try checkSignature(of: request)
    // The recorded report came an hour after that start, so it isn't that call's; asked about a call just before, it is.
    let reply = try #require(golden.response)
    #expect(provider.finding(in: reply, for: question, at: Pinned.now) == .undecided)
    let theirs = Question(call: call, startedAt: Pinned.now)
    let found = Finding.found([.accepted(id: "5000:1045710528162160000000")])
    #expect(provider.finding(in: reply, for: theirs, at: Pinned.now) == found)
  }

  /// Computes the signature from what is on the wire alone, as the vendor does.
  private func checkSignature(of request: WireRequest) throws {
    let headers = [
      Pair("content-type", try #require(request.header("content-type"))), Pair("host", request.host),
    ]
    let signer = TC3(
      method: "POST", path: request.path, headers: headers, body: request.http.body, timestamp: 1_716_193_815,
      day: "2024-05-20", service: "sms")
    let authorization = signer.authorization(keyID: "AKIDdummydummydummy", secret: "dummySecretKey")
    #expect(request.header("authorization") == authorization)
  }

  @Test func hostAndPathAreSignedAsTheyGoOnTheWireAndTemporaryKeysHaveAToken() throws {
    let values = tencentValues.merging(["token": .string("t0ken"), "region": .string("ap-singapore")]) { $1 }
    let provider = try TencentSMS(settings(TencentSMS.self, values, endpoint: "http://127.0.0.1:8080/sms"))
    let request = provider.request(for: try provider.call(Message(), to: ["13800138000"]))
    #expect(request.host == "127.0.0.1:8080" && request.path == "/sms/")
    #expect(request.header("x-tc-token") == "t0ken" && request.header("x-tc-region") == "ap-singapore")
    try checkSignature(of: request)
  }
}

@Suite struct TencentRequestTests {
  @Test func mainlandNumbersAndOthersHaveLanesOfTheirOwn() throws {
    let provider = try tencent()
    for address in ["13800138000", "+8613800138000", "8613800138000", "008613800138000"] {
      let target = try provider.target(address)
      #expect(target.wire == "+8613800138000" && target.identity == target.wire && target.lane.name == "domestic")
    }
    #expect(try provider.target("+85212345678").lane.name == "international")
    for address in ["", "85212345678", "+86101234", "138 0013 8000", "13800138000,13900139000", "１３８００１３８０００"] {
      #expect(throws: RecipientFault.self) { try provider.target(address) }
    }
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    let provider = try tencent()
    for text in hostileTexts {
      let message = Message(
        template: text, params: .positional([text, "2"]),
        options: [
          .init("sign_name", .string(text)), .init("extend_code", .string(text)), .init("sender_id", .string(text)),
          .init("session_context", .string(text)),
        ])
      let json = try #require(provider.request(for: try provider.call(message, to: ["13800138000"])).json)
      for name in ["TemplateId", "SignName", "ExtendCode", "SenderId", "SessionContext"] {
        #expect(json[name] == .string(text))
      }
      #expect(json["TemplateParamSet"] == .array([.string(text), .string("2")]) && json.object?.count == 8)
    }
  }

  @Test func twoHundredNumbersAreOneCall() throws {
    let provider = try tencent()
    let numbers = (0..<200).map { "+86138\(10_000_000 + $0)" }
    let request = provider.request(for: try provider.call(Message(), to: numbers))
    #expect(request.json?["PhoneNumberSet"]?.strings == numbers)
    #expect(request.json?["TemplateParamSet"] == nil)
  }

  @Test func whatCannotBeSentIsNamed() throws {
    let provider = try tencent()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    #expect(fault(Message(params: .named([.init("a", "1")])))?.field == "params")
    func context(_ text: String) -> Message { Message(options: [.init("session_context", .string(text))]) }
    _ = try provider.rendered(context(String(repeating: "字", count: 170) + "x"))
    #expect(fault(context(String(repeating: "字", count: 170) + "xx"))?.field == "options.session_context")
    #expect(fault(Message(options: [.init("sign_name", .boolean(true))]))?.field == "options.sign_name")
    #expect(fault(Message(attachments: [.init(source: .path("/x"))]))?.field == "attachments")
    for (name, value) in [("secret_id", "a b"), ("region", "ap\n"), ("token", "\u{7F}"), ("sms_sdk_app_id", "")] {
      let fault = #expect(throws: SettingFault.self) {
        try TencentSMS(settings(TencentSMS.self, tencentValues.merging([name: .string(value)]) { $1 }))
      }
      #expect(fault?.setting == name)
    }
  }

  @Test func onlyMainlandNumbersNeedASignature() throws {
    var values = tencentValues
    values["sign_name"] = nil
    let provider = try TencentSMS(settings(TencentSMS.self, values))
    for (address, isSent) in [("13800138000", false), ("+85212345678", true)] {
      let call = try provider.call(Message(), to: [address])
      switch provider.begin(call, Session(), at: Pinned.now, nonce: "") {
      case .send: #expect(isSent)
      case .finish(let answer, _): #expect(!isSent && answer.outcomes[0].state == .rejected)
      case .prepare, .again: Issue.record("nothing to prepare")
      }
    }
  }
}
