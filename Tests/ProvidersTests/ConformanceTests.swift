import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

/// What the suite must know of a provider to hold it to what all of them promise.
struct Specimen: Sendable, CustomTestStringConvertible {
  var provider: any Provider.Type
  var values: [String: JSON]
  var message: Message
  /// Addresses that may share a call, as many as a call takes or two.
  var addresses: [String]
  /// Answers: status and body.
  var success: (Int, String)
  /// Nil where the service has no such answer: its limits are those of a day.
  var throttled: (Int, String)?
  var wrongCredentials: (Int, String)
  var unknownCode: (Int, String)
  /// Seconds that its document tells to wait when a throttling answer names none.
  var pause: Double?
  /// The service takes its secret in the URL and nowhere else.
  var urlHoldsSecret = false

  /// It shows HTML as HTML.
  var takesHTML = false

  /// The setting that holds its address, when that is no endpoint.
  var addressSetting = "endpoint"

  var testDescription: String { provider.card.name }

  func make(endpoint: String? = nil) throws -> any Provider {
    if addressSetting != "endpoint", let endpoint {
      return try provider.init(
        settings(provider, values.merging([addressSetting: .string(endpoint + "/hook")]) { $1 }))
    }
    return try provider.init(settings(provider, values, endpoint: endpoint))
  }

  /// Every provider that speaks HTTP, in the catalogue's order: each one's own test has its specimen.
  static let all = Catalogue.providers.compactMap { ($0 as? any Exemplified.Type)?.specimen }
}

/// A provider of which the suite knows what it must.
protocol Exemplified: Provider {
  static var specimen: Specimen { get }
}

extension WxPusher: Exemplified {
  static let specimen = Specimen(
    provider: WxPusher.self, values: ["app_token": .string("AT_s3cret")], message: Message(body: "text"),
    addresses: ["UID_a", "UID_b"],
    success: (200, #"{"code":1000,"data":[{"uid":"UID_a","code":1000,"sendRecordId":1},{"uid":"UID_b","code":1000}]}"#),
    throttled: (200, #"{"code":1001,"msg":"发送频繁"}"#), wrongCredentials: (200, #"{"code":1002,"msg":"m"}"#),
    unknownCode: (200, #"{"code":31337,"msg":"m","success":true}"#), takesHTML: true)
}

extension AliyunSMS: Exemplified {
  static let specimen = Specimen(
    provider: AliyunSMS.self,
    values: aliyunValues.merging(["access_key_secret": .string("s3cret"), "security_token": .string("s3cret-t")]) {
      $1
    },
    message: Message(params: .named([.init("a", "1")])), addresses: ["13800138000", "13900139000"],
    success: (200, #"{"Code":"OK","Message":"OK","BizId":"9^0"}"#),
    throttled: (400, #"{"Code":"Throttling.User","Message":"m"}"#),
    wrongCredentials: (404, #"{"Code":"InvalidAccessKeyId.NotFound","Message":"m"}"#),
    unknownCode: (200, #"{"Code":"Surprise","Message":"OK"}"#))
}

extension Webhook: Exemplified {
  static let specimen = Specimen(
    provider: Webhook.self,
    values: [
      "url": .string("https://example.invalid/hook"), "headers": .object([.init("Authorization", .string("s3cret"))]),
      "success": .object([.init("field", .string("errcode")), .init("equals", .integer(0))]),
      "recipients_per_call": .integer(2),
    ],
    message: Message(body: "text"), addresses: ["a", "b"], success: (200, #"{"errcode":0,"id":"1"}"#),
    throttled: (429, #"{"errcode":1}"#), wrongCredentials: (401, #"{"errcode":1}"#),
    unknownCode: (200, #"{"errcode":31337}"#), takesHTML: true, addressSetting: "url")
}

extension Twilio: Exemplified {
  static let specimen = Specimen(
    provider: Twilio.self, values: twilioValues.merging(["auth_token": .string("s3cret")]) { $1 },
    message: Message(body: "text"), addresses: ["+15005550001"],
    success: (201, #"{"sid":"SM1","status":"queued"}"#), throttled: (429, #"{"code":20429,"message":"m"}"#),
    wrongCredentials: (401, #"{"code":20003,"message":"m"}"#), unknownCode: (400, #"{"code":31337,"message":"OK"}"#))
}

extension HuaweiSMS: Exemplified {
  static let specimen = Specimen(
    provider: HuaweiSMS.self, values: huaweiValues.merging(["app_secret": .string("s3cret")]) { $1 },
    message: Message(params: .positional(["1"])), addresses: ["13800138000", "+85212345678"],
    success: (
      200,
      #"""
      {"code":"000000","description":"Success","result":[
      {"originTo":"+8613800138000","smsMsgId":"a_0","status":"000000"},
      {"originTo":"+85212345678","smsMsgId":"a_1","status":"000000"}]}
      """#
    ),
    throttled: (429, "slow down"), wrongCredentials: (403, #"{"code":"E000101","description":"m"}"#),
    unknownCode: (200, #"{"code":"E999999","description":"Success"}"#))
}

extension TencentSMS: Exemplified {
  static let specimen = Specimen(
    provider: TencentSMS.self,
    values: tencentValues.merging(["secret_key": .string("s3cret"), "token": .string("s3cret-t")]) { $1 },
    message: Message(params: .positional(["1"])), addresses: ["13800138000", "13900139000"],
    success: (
      200,
      #"""
      {"Response":{"SendStatusSet":[{"SerialNo":"1","PhoneNumber":"+8613800138000","Code":"Ok"},
      {"SerialNo":"2","PhoneNumber":"+8613900139000","Code":"Ok"}],"RequestId":"r"}}
      """#
    ),
    throttled: (200, #"{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"m"}}}"#),
    wrongCredentials: (200, #"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"m"}}}"#),
    unknownCode: (200, #"{"Response":{"Error":{"Code":"Surprise","Message":"send success"}}}"#))
}

extension ServerChan: Exemplified {
  static let specimen = Specimen(
    provider: ServerChan.self, values: ["sendkey": .string("SCT1Tkey")], message: Message(body: "text", title: "title"),
    addresses: [""],
    success: (200, #"{"code":0,"message":"","data":{"pushid":"1","readkey":"SCTr","error":"SUCCESS","errno":0}}"#),
    throttled: nil, wrongCredentials: (400, #"{"message":"[AUTH]错误的Key","code":40001,"scode":461}"#),
    unknownCode: (200, #"{"code":31337,"message":"SUCCESS"}"#))
}

extension ServerFan: Exemplified {
  static let specimen = Specimen(
    provider: ServerFan.self, values: ["token": .string("s3cret")], message: Message(body: "text"), addresses: [""],
    success: (202, ""), throttled: nil, wrongCredentials: (401, #"{"error":"Unauthorized"}"#),
    unknownCode: (200, #"{"error":"Surprise","message":"OK"}"#))
}

extension PushPlus: Exemplified {
  static let specimen = Specimen(
    provider: PushPlus.self, values: ["token": .string("s3cret")], message: Message(body: "text"),
    addresses: ["friend1", "friend2"], success: (200, #"{"code":200,"msg":"请求成功","data":"3cbc5eab"}"#),
    throttled: (429, "slow down"), wrongCredentials: (200, #"{"code":903,"msg":"m","data":null}"#),
    unknownCode: (200, #"{"code":31337,"msg":"请求成功","data":"3cbc5eab"}"#), takesHTML: true)
}

extension OneSignal: Exemplified {
  static let specimen = Specimen(
    provider: OneSignal.self, values: oneSignalValues.merging(["api_key": .string("s3cret")]) { $1 },
    message: Message(body: "text"), addresses: ["external:a", "external:b"],
    success: (200, #"{"id":"b98881cc-1e94-4366-bbd9-db8f3429292b","external_id":null}"#),
    throttled: (429, #"{"errors":["API rate limit exceeded"]}"#), wrongCredentials: (401, #"{"errors":["m"]}"#),
    unknownCode: (200, #"{"errors":["Surprise"],"success":true}"#))
}

@Suite struct ConformanceTests {
  @Test func everyProviderIsHeldToThis() {
    // Those that speak no HTTP have suites of their own.
    for type in Catalogue.providers where type is any HTTPProvider.Type {
      #expect(type is any Exemplified.Type, "the test of \(type.card.name) has no specimen of it")
    }
    #expect(Specimen.all.allSatisfy { $0.provider.card.name == $0.testDescription } && Specimen.all.count > 20)
  }

  @Test("The README's table has a row for every provider, and knows what becomes of a lost answer")
  func readme() throws {
    let rows = try Repository.text("README.md").split(separator: "\n").filter { $0.hasPrefix("| `") }
    for type in Catalogue.providers where type != Instapush.self {
      let word =
        if type is any RepeatableProvider.Type {
          "is repeated under its key"
        } else if type is any AskableProvider.Type { "is looked up" } else { "can't be asked about" }
      let row = rows.first { $0.hasPrefix("| `\(type.card.name)` |") }
      #expect(row?.hasSuffix("| \(word) |") == true, "\(type.card.name)")
    }
  }

  @Test(arguments: Specimen.all)
  func successIsRecognised(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    let answer = provider.answer(specimen.success.0, specimen.success.1, to: call)
    #expect(answer.outcomes.map(\.state) == specimen.addresses.map { _ in .accepted })
    #expect(answer.advice == .proceed)
  }

  @Test(arguments: Specimen.all)
  func aThrottleSlowsTheChannelDownAsLongAsItSays(_ specimen: Specimen) throws {
    guard let throttled = specimen.throttled else { return }
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    for (value, expected) in [("5", 5.0), ("100000", 86_400), ("soon", specimen.pause)] as [(String, Double?)] {
      let answer = provider.answer(
        throttled.0, throttled.1, headers: [HTTPHeader("retry-after", value)], to: call)
      #expect(answer.outcomes.map(\.kind) == specimen.addresses.map { _ in .throttled })
      #expect(answer.outcomes.allSatisfy { $0.state == .deferred && $0.retryAfter == expected })
      #expect(answer.advice == .slowDown(retryAfter: expected))
    }
  }

  @Test(arguments: Specimen.all)
  func wrongCredentialsSuspendTheChannelAndUseUpNobody(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    let answer = provider.answer(specimen.wrongCredentials.0, specimen.wrongCredentials.1, to: call)
    #expect(answer.advice == .suspend)
    #expect(answer.outcomes.allSatisfy { $0.state == .deferred && $0.kind == .credentials })
    #expect(answer.outcomes.count == specimen.addresses.count)
  }

  @Test(arguments: Specimen.all)
  func nothingButTheProvidersOwnSuccessIsSuccess(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let bodies = [
      "", " ", "{}", "[]", "null", "true", "1000", "\"OK\"", "{\"code\":", "<html><body>OK</body></html>", "OK",
      "\u{FEFF}",
      "{\"ok\":true,\"success\":true,\"status\":\"success\"}", "[[[[[[[[", String(repeating: "[", count: 2_000),
      specimen.unknownCode.1, specimen.throttled?.1 ?? "", specimen.wrongCredentials.1,
    ]
    for addresses in [specimen.addresses, [specimen.addresses[0]]] {
      let call = try provider.call(specimen.message, to: addresses)
      for status in [
        0, 100, 200, 201, 202, 204, 206, 302, 304, 400, 401, 403, 404, 409, 413, 418, 429, 500, 502, 503, 504, 599,
      ] {
        for body in bodies where (status, body) != specimen.success {
          let answer = provider.answer(status, body, to: call)
          #expect(answer.outcomes.count == addresses.count)
          #expect(!answer.outcomes.contains { $0.state == .accepted }, "\(status) \(body)")
          #expect(answer.outcomes.allSatisfy { $0.kind != nil })
        }
        guard status >= 400 else { continue }
        let answer = provider.answer(status, specimen.success.1, to: call)
        #expect(!answer.outcomes.contains { $0.state == .accepted }, "\(status) with the text of a success")
      }
    }
  }

  @Test(arguments: Specimen.all)
  func whoGaveUpWaitingForTheAnswerDoesNotKnowWhatWasDone(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    for status in [408, 504] {
      for body in ["", "<html><body>Gateway Time-out</body></html>", "stream timeout", "{}"] {
        let answer = provider.answer(status, body, to: call)
        #expect(answer.outcomes.map(\.state) == specimen.addresses.map { _ in .unconfirmed }, "\(status) \(body)")
      }
    }
  }

  @Test(arguments: Specimen.all)
  func aTornAnswerIsInDoubtWhereverItWasTorn(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    let body = Array(specimen.success.1.utf8)
    for length in body.indices {
      let response = HTTPResponse(status: specimen.success.0, body: Array(body[..<length]))
      let answer = provider.answer(.http(response), to: call, at: Pinned.now)
      #expect(answer.outcomes == specimen.addresses.map { _ in answer.outcomes[0] })
      #expect(answer.outcomes[0].state == .unconfirmed, "\(length) bytes")
    }
    for index in body.indices {
      var damaged = body
      damaged[index] = 0xFF
      let response = HTTPResponse(status: specimen.success.0, body: damaged)
      #expect(provider.answer(.http(response), to: call, at: Pinned.now).outcomes.count == specimen.addresses.count)
    }
  }

  @Test(arguments: Specimen.all)
  func aReplyThatNeverCameIsNoSuccess(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    let channel = Channel("main", provider)
    let failure = TransportFailure(code: "timeout", message: "no answer")
    let lost = Classification.answer(.lost(failure), to: call, by: channel, at: Pinned.now)
    #expect(lost.outcomes == specimen.addresses.map { _ in .unconfirmed(code: "timeout", reason: "no answer") })
    let notSent = Classification.answer(.notSent(failure), to: call, by: channel, at: Pinned.now)
    #expect(notSent.outcomes.allSatisfy { $0.state == .deferred && $0.kind == .network && !$0.usesAttempt })
  }

  @Test(arguments: Specimen.all)
  func requestsGoToTheEndpointAndKeepSecretsOutOfTheURL(_ specimen: Specimen) throws {
    for endpoint in ["http://127.0.0.1:8080", "https://proxy.example/a/b%20c"] {
      let provider = try specimen.make(endpoint: endpoint)
      let call = try provider.call(specimen.message, to: specimen.addresses)
      let request = provider.request(for: call)
      #expect(request.http.url.hasPrefix(endpoint + "/"))
      #expect(specimen.urlHoldsSecret || !request.http.url.contains("s3cret"))
      #expect(request.http.url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
      for header in request.http.headers {
        #expect(!["host", "content-length", "connection", "user-agent"].contains(header.name.lowercased()))
        #expect(header.value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
      }
      #expect(request.http == provider.request(for: call).http, "the same values make the same request")
      guard let provider = provider as? any AskableProvider else { continue }
      #expect(provider.settles >= 60)
      let question = Question(call: call, startedAt: Pinned.now)
      let lookup = provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce)
      #expect(lookup.url.hasPrefix(endpoint + "/"))
      #expect(!lookup.url.contains("s3cret"))
    }
  }

  @Test(arguments: Specimen.all)
  func anEndpointThatWouldBeRewrittenIsRefused(_ specimen: Specimen) {
    for endpoint in [
      "", "example.com", "ftp://example.com", "https://", "https://user@example.com", "https://a b", "https://a:0",
      "https://a:65536", "https://a:x", "https://a/../b", "https://a/b?c=d", "https://a/b#c", "https://例.com",
      "https://a\\b", "https://a/ä",
    ] {
      // The webhook's address may have a query, and anything that is empty becomes its path.
      if specimen.addressSetting != "endpoint", endpoint.isEmpty || endpoint.contains("?") { continue }
      // None at all is the service's own hosts, where the card names no single one.
      if endpoint.isEmpty, specimen.provider.card.endpoint == nil { continue }
      let fault = #expect(throws: SettingFault.self) { try specimen.make(endpoint: endpoint) }
      #expect(fault?.setting == specimen.addressSetting)
    }
  }

  @Test(arguments: Specimen.all)
  func whatTheServiceHasNoRoomForIsRefusedByName(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let card = specimen.provider.card
    var template = specimen.message
    template.template = "T1"
    var params = specimen.message
    params.params = .named([.init("a", "1")])
    var html = specimen.message
    html.format = .html
    switch card.templates {
    case .none:
      #expect(faultyField(provider, template) == "template")
      #expect(faultyField(provider, params) == "params")
    case .bare: #expect(faultyField(provider, params) == "params")
    case .positional: #expect(faultyField(provider, params) == "params")
    case .named, .either: break
    }
    if card.attachments == 0 {
      #expect(faultyField(provider, .init(body: "x", attachments: [.init(source: .data([]))])) == "attachments")
    }
    // Those that take approved templates alone have no text to show.
    let hasText = specimen.message.body != nil
    #expect((faultyField(provider, html) == "format") == (hasText && !specimen.takesHTML))
  }

  @Test(arguments: Specimen.all)
  func whatLooksAlikeIsTwoRecipients(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let targets = ["caf\u{E9}", "cafe\u{301}"].map { name in
      specimen.addresses.compactMap { address in
        let kind = address.pieces(at: ":")
        return try? provider.target(kind.count > 1 ? "\(kind[0]):\(name)" : name)
      }
    }
    for (one, other) in zip(targets[0], targets[1]) { #expect(Verbatim(one.identity) != Verbatim(other.identity)) }
  }

  @Test(arguments: Specimen.all)
  func theCardIsComplete(_ specimen: Specimen) throws {
    let card = specimen.provider.card
    let isSnakeCase = { (name: String) in name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil }
    #expect(Catalogue.named(card.name)?.card.name == card.name)
    #expect(card.document.hasPrefix("https://") && !card.summary.isEmpty && !card.notes.isEmpty)
    #expect(card.recipientsPerCall >= specimen.addresses.count)
    #expect(Set(card.settings.map(\.name)).count == card.settings.count)
    #expect(Set(card.options.map(\.name)).count == card.options.count)
    #expect((card.settings.map(\.name) + card.options.map(\.name) + card.limits.map(\.name)).allSatisfy(isSnakeCase))
    #expect(card.example.contains("provider: \"\(card.name)\""))
    for setting in card.settings where setting.required {
      #expect(card.example.contains("\(setting.name):"), "\(setting.name) is required and not in the example")
    }
    for name in specimen.values.keys {
      #expect(card.settings.contains { $0.name == name })
    }
  }
}
