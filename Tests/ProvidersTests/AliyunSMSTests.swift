import Core
import Foundation
import Signing
import Testing

@testable import Providers

let aliyunValues: [String: JSON] = [
  "access_key_id": .string("testAccessKeyId"), "access_key_secret": .string("testAccessKeySecret"),
  "sign_name": .string("阿里云"), "template": .string("SMS_15305****"),
]
let aliyun: @Sendable () throws -> AliyunSMS = { try AliyunSMS(settings(AliyunSMS.self, aliyunValues)) }

/// The neutral form of the recorded inputs, which are the API's own parameters.
enum AliyunInput {
  static func parameters(_ text: String?) throws -> Message.Parameters? {
    guard let text else { return nil }
    let values = try #require(Value(Data(text.utf8))?.object)
    // Decoding loses the order; the text still has it.
    let ordered = values.sorted { one, other in
      let place = { (name: String) in text.range(of: "\"\(name)\":")?.lowerBound ?? text.endIndex }
      return place(one.key) < place(other.key)
    }
    return .named(ordered.map { .init($0.key, $0.value.string ?? "") })
  }

  static func message(_ input: Value) throws -> (message: Message, to: [String]) {
    var options = [JSON.Member("sign_name", .string(input["SignName"]?.string ?? ""))]
    if let outID = input["OutId"]?.string { options.append(.init("out_id", .string(outID))) }
    let message = Message(
      template: input["TemplateCode"]?.string, params: try parameters(input["TemplateParam"]?.string), options: options)
    return (message, (input["PhoneNumbers"]?.string ?? "").split(separator: ",").map(String.init))
  }

  static func batch(_ input: Value) throws -> [(message: Message, to: String)] {
    func list(_ name: String) throws -> [Value] {
      try #require(input[name]?.string.flatMap { Value(Data($0.utf8)) }?.array)
    }
    let signs = try list("SignNameJson")
    let parameters = try list("TemplateParamJson")
    return try list("PhoneNumberJson").enumerated().map { index, number in
      let named = (parameters[index].object ?? [:]).map { Message.Parameters.Named($0.key, $0.value.string ?? "") }
      let message = Message(
        template: input["TemplateCode"]?.string, params: .named(named),
        options: [.init("sign_name", .string(signs[index].string ?? ""))])
      return (message, number.string ?? "")
    }
  }
}

@Suite struct AliyunGoldenTests {
  /// What only the older scheme puts among the parameters; in ours it is in the headers.
  static let schemeParameters: Set<String> = [
    "AccessKeyId", "Action", "Format", "RegionId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureType",
    "SignatureVersion", "Timestamp", "Version",
  ]
  static let single = GoldenCase.load("aliyun") {
    !$0.hasPrefix("vector") && !$0.contains("batch") && !$0.contains("query")
  }
  static let batch = GoldenCase.load("aliyun") { $0.contains("sendbatch") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.single.count == 12)
    #expect(Self.batch.count == 3)
  }

  @Test(arguments: single)
  func ourSendSmsMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try aliyun()
    let (message, to) = try AliyunInput.message(golden.input)
    let call = try provider.call(message, to: to)
    let request = provider.request(for: call)
    let hasOutID = golden.input["OutId"] != nil
    #expect(request.queryValue("OutId") == (hasOutID ? golden.input["OutId"]?.string : call.id))
    #expect(
      differences(request, golden, ignoring: Self.schemeParameters.union(hasOutID ? [] : ["OutId"])) == [])
    #expect(request.header("x-acs-action") == "SendSms")
    try checkSignature(of: request, isRecordedIn: nil)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer.outcomes.count == to.count)
    switch golden.name {
    case "v3_error_business_limit_http200":
      #expect(
        answer.outcomes == [
          .deferred(
            .throttled, code: "isv.BUSINESS_LIMIT_CONTROL", reason: "触发分钟级流控Permits:1", retryAfter: 60
          ).blaming(.recipient)
        ])
      #expect(answer.advice == .proceed)
    case "v3_error_signature_http400":
      #expect(answer.outcomes[0].kind == .credentials && answer.advice == .suspend)
    default:
      #expect(answer == .all(.accepted(id: "900619746936498440^0"), in: call))
    }
  }

  @Test(arguments: batch)
  func ourSendBatchSmsMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try aliyun()
    let messages = try AliyunInput.batch(golden.input)
    let call = try provider.mixedCall(messages)
    #expect(Set(call.contents.map(\.mixKey)).count == 1)
    let request = provider.request(for: call)
    #expect(request.queryValue("OutId") == call.id)
    if golden.name.hasPrefix("legacy") {
      // The oldest client puts the arrays into the query; what they say is the same.
      var golden = golden
      golden.form = golden.query.filter { $0[0].hasSuffix("Json") }
      golden.query.removeAll { $0[0].hasSuffix("Json") }
      golden.headers["content-type"] = "application/x-www-form-urlencoded"
      #expect(differences(request, golden, ignoring: Self.schemeParameters.union(["OutId"])) == [])
    } else {
      #expect(differences(request, golden, ignoring: Self.schemeParameters.union(["OutId"])) == [])
    }
    #expect(request.header("x-acs-action") == "SendBatchSms")
    try checkSignature(of: request, isRecordedIn: nil)
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    #expect(answer == .all(.accepted(id: "900619746936498440^0"), in: call))
  }

  @Test func aRequestWithTheDocumentedHeadersIsSignedAsTheVendorsSignerDoes() throws {
    let golden = try #require(GoldenCase.named("vector_v3_minimal_sendsms", in: "aliyun"))
    let provider = try aliyun()
    let message = Message(params: .named([.init("code", "1234")]), options: [.init("out_id", .string("order-0001"))])
    let request = provider.request(for: try provider.call(message, to: ["13800138000", "13900139000"]))
    #expect(differences(request, golden) == [])
    try checkSignature(of: request, isRecordedIn: golden)
    // Here even the bytes of the target agree, since the vector's query is the canonical one.
    #expect(request.http.url.hasSuffix("TemplateParam=%7B%22code%22%3A%221234%22%7D"))
  }

  /// Computes the signature from what is on the wire alone, as the vendor does.
  private func checkSignature(of request: WireRequest, isRecordedIn golden: GoldenCase?) throws {
    let authorization = try #require(request.header("authorization"))
    let names = try #require(authorization.split(separator: ",").first { $0.hasPrefix("SignedHeaders=") })
      .dropFirst("SignedHeaders=".count).split(separator: ";").map(String.init)
    let required = request.http.headers.map { $0.name.lowercased() }.filter { $0.hasPrefix("x-acs-") }
    #expect(Set(required + ["host"]).isSubset(of: names))
    #expect(names.contains("content-type") == !request.http.body.isEmpty)
    let headers = try names.map { Pair($0, $0 == "host" ? request.host : try #require(request.header($0))) }
    let signer = ACS3(
      method: "POST", path: request.path, query: request.query.map { Pair($0[0], $0[1]) }, headers: headers,
      bodyHash: ACS3.bodyHash(request.http.body))
    #expect(request.header("x-acs-content-sha256") == ACS3.bodyHash(request.http.body))
    #expect(authorization == signer.authorization(keyID: "testAccessKeyId", secret: "testAccessKeySecret"))
    if let golden { #expect(authorization == golden.headers["authorization"]) }
  }

  @Test func hostAndPathAreSignedAsTheyGoOnTheWire() throws {
    for (endpoint, host, path) in [
      ("http://127.0.0.1:8080/sms", "127.0.0.1:8080", "/sms/"), ("HTTPS://Sms.Example:443", "sms.example", "/"),
      ("http://[::1]:80/a/b/", "[::1]", "/a/b/"),
    ] {
      let provider = try AliyunSMS(settings(AliyunSMS.self, aliyunValues, endpoint: endpoint))
      let request = provider.request(for: try provider.call(Message(), to: ["13800138000"]))
      #expect(request.host == host && request.path == path)
      try checkSignature(of: request, isRecordedIn: nil)
    }
  }

  @Test func temporaryCredentialsAreSignedToo() throws {
    let values = aliyunValues.merging(["security_token": .string("token")]) { $1 }
    let provider = try AliyunSMS(settings(AliyunSMS.self, values))
    let request = provider.request(for: try provider.call(Message(), to: ["13800138000"]))
    #expect(request.header("x-acs-security-token") == "token")
    #expect(request.header("x-acs-accesskey-id") == "testAccessKeyId")
    try checkSignature(of: request, isRecordedIn: nil)
  }
}

@Suite struct AliyunRequestTests {
  @Test(arguments: [
    ("13800138000", "+8613800138000", "domestic"), ("+8613800138000", "+8613800138000", "domestic"),
    ("8613800138000", "+8613800138000", "domestic"), ("008613800138000", "+8613800138000", "domestic"),
    ("+13800138000", "+8613800138000", "domestic"), ("85212345678", "+85212345678", "international"),
    ("+85212345678", "+85212345678", "international"), ("+12125551234", "+12125551234", "international"),
    ("1234567", "+1234567", "international"), ("+123456789012345", "+123456789012345", "international"),
  ])
  func oneNumberHasOneIdentityHoweverItIsWritten(_ address: String, _ identity: String, _ lane: String) throws {
    let target = try aliyun().target(address)
    #expect(target.identity == identity)
    #expect(target.lane.name == lane)
    #expect(target.wire == address && target.address == address)
  }

  @Test(arguments: [
    "", "+", "123456", "+1234567890123456", "138 0013 8000", "138-0013-8000", "13800138000,13900139000", "１３８００１３８０００",
    "+86", "861380013800", "+86138001380001", "0085212345678", "abc", "13800138000\n", "13800138000\u{0}", "topic:1",
    "++13800138000", "+86+13800138000",
  ])
  func whatIsNoNumberIsRefused(_ address: String) throws {
    let provider = try aliyun()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    let provider = try aliyun()
    for text in hostileTexts {
      let message = Message(
        template: text, params: .named([.init(text, text), .init("z", "1"), .init("a", "2")]),
        options: [
          .init("sign_name", .string(text)), .init("out_id", .string(text)), .init("sms_up_extend_code", .string(text)),
        ])
      let uniform = provider.request(for: try provider.call(message, to: ["13800138000"]))
      for name in ["SignName", "TemplateCode", "OutId", "SmsUpExtendCode"] {
        #expect(uniform.queryValue(name) == text)
      }
      #expect(uniform.query.count == 6)
      let parameters = try #require(uniform.queryValue("TemplateParam"))
      #expect(Value(Data(parameters.utf8)) == .object([text: .string(text), "z": .string("1"), "a": .string("2")]))
      #expect(parameters.hasSuffix(#","z":"1","a":"2"}"#))
      let mixed = provider.request(for: try provider.mixedCall([(message, "13800138000"), (message, "13900139000")]))
      #expect(mixed.query.count == 2 && mixed.form.count == 4)
      let signs = try #require(mixed.formValue("SignNameJson"))
      #expect(Value(Data(signs.utf8)) == .array([.string(text), .string(text)]))
      #expect(mixed.http.headers.allSatisfy { $0.value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } })
    }
  }

  @Test func aThousandNumbersAreOneCall() throws {
    let provider = try aliyun()
    let numbers = (0..<1000).map { "138\(10_000_000 + $0)" }
    let request = provider.request(for: try provider.call(Message(), to: numbers))
    #expect(request.queryValue("PhoneNumbers") == numbers.joined(separator: ","))
    #expect(request.http.body.isEmpty && request.header("content-type") == nil)
    #expect(request.queryValue("TemplateParam") == nil)
  }

  @Test func onlyContentsOfOneShapeMayShareACall() throws {
    let provider = try aliyun()
    func key(_ message: Message) throws -> String? { try provider.rendered(message).mixKey }
    let plain = try key(Message(params: .named([.init("a", "1")])))
    #expect(try key(Message(params: .named([.init("a", "2")]), options: [.init("sign_name", .string("s"))])) == plain)
    #expect(try key(Message(params: nil)) != plain)
    #expect(try key(Message(template: "SMS_2", params: .named([.init("a", "1")]))) != plain)
    for option in ["out_id", "sms_up_extend_code"] {
      let message = Message(params: .named([.init("a", "1")]), options: [.init(option, .string("o"))])
      #expect(try key(message) != plain)
    }
  }

  @Test func whatCannotBeSentIsNamed() throws {
    let provider = try aliyun()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    #expect(fault(Message(params: .positional(["1"])))?.field == "params")
    #expect(fault(Message(options: [.init("sign_name", .boolean(true))]))?.field == "options.sign_name")
    _ = try provider.rendered(Message(options: [.init("out_id", .string(String(repeating: "o", count: 255)))]))
    #expect(
      fault(Message(options: [.init("out_id", .string(String(repeating: "o", count: 256)))]))?.field == "options.out_id"
    )
    #expect(fault(Message(attachments: [.init(source: .path("/x"))]))?.field == "attachments")
    var values = aliyunValues
    values["template"] = nil
    let without = try AliyunSMS(settings(AliyunSMS.self, values))
    #expect(#expect(throws: MessageFault.self) { try without.rendered(Message()) }?.field == "template")
    #expect(try without.rendered(Message(template: "SMS_2"))["TemplateCode"] == "SMS_2")
  }
}
