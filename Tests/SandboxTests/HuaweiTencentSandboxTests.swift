import Testing

@testable import Sandbox

@Suite struct HuaweiSandboxTests {
  static let known = ["huawei-sms": [HuaweiRequest.account]]

  static func numbers(_ count: Int) -> String { (0..<count).map { "+86\(13_800_000_000 + $0)" }.joined(separator: ",") }

  private func batch(_ changes: [String: String?], _ faults: [String] = []) throws -> (Response, SandboxServer) {
    let server = try sandbox(credentials: Self.known, faults: faults)
    return (
      try server.post(HuaweiRequest.batch, form: HuaweiRequest.form(changes), headers: HuaweiRequest.headers), server
    )
  }

  @Test(
    arguments: [
      (["from": nil], "E000503"), (["templateId": nil], "E000503"), (["to": nil], "E000503"),
      (["from": "another"], "E000503"), (["to": "+8613800138000,x"], "E000503"), (["to": "+8613800138000,"], "E000503"),
      (["to": numbers(501)], "E000503"), (["to": numbers(500)], "000000"), (["to": "+86138001380001234567"], "000000"),
      (["to": "+861380013800012345679"], "E000503"), (["extend": ""], "E000503"), (["extend": "a{b"], "E000503"),
      (["extend": String(repeating: "x", count: 128)], "000000"),
      (["extend": String(repeating: "x", count: 129)], "E000503"), (["templateParas": "3"], "E000000"),
      (["templateParas": "['3']"], "E000000"), (["templateParas": "[3]"], "E000000"),
      (["templateParas": #"["3"]"#], "000000"), (["templateParas": #"["it's"]"#], "E000510"),
      (["templateParas": #"["{x}"]"#], "E000510"),
    ] as [([String: String?], String)])
  func aFormIsRefusedAsTheServiceDoes(changes: [String: String?], code: String) throws {
    let (response, server) = try batch(changes)
    #expect(response.json["code"]?.string == code)
    #expect(response.status == (["000000", "E000510"].contains(code) ? 200 : 400))
    #expect(server.outcomes == [code == "000000" ? .accepted : changes["from"] == "another" ? .credentials : .rejected])
  }

  @Test func theRightContentTypeGoesWithEachPath() throws {
    let server = try sandbox(credentials: Self.known)
    #expect(try server.post(HuaweiRequest.batch, [:], headers: HuaweiRequest.headers).json["code"] == "E000040")
    let form = try server.post(HuaweiRequest.diff, form: HuaweiRequest.form(), headers: HuaweiRequest.headers)
    #expect(form.json["code"] == "E000040")
    #expect(try server.post(HuaweiRequest.batch, form: HuaweiRequest.form()).json["code"] == "E000001")
  }

  @Test(arguments: [
    ("{}", "000000"), (#"{"smsContent":[]}"#, "E000503"), (#"{"smsContent":null}"#, "E000503"),
    (#"{"smsContent":[{"to":[],"templateId":"t"}]}"#, "E000503"),
    (#"{"smsContent":[{"to":"+8613800138000","templateId":"t"}]}"#, "E000503"),
    (#"{"smsContent":[{"to":["+8613800138000"]}]}"#, "E000503"),
    (#"{"smsContent":[{"to":["+86x"],"templateId":"t"}]}"#, "E000503"),
    (#"{"smsContent":[{"to":["+8613800138000"],"templateId":"t","templateParas":"x"}]}"#, "E000503"),
    (#"{"smsContent":[{"to":["+8613800138000"],"templateId":"t","templateParas":["'"]}]}"#, "E000510"),
    (#"{"smsContent":[{"to":["+8613800138000"],"templateId":"t","templateParas":["\#(long)"]}]}"#, "E000503"),
  ])
  func aDifferentTextForEachIsCheckedLikewise(changes: String, code: String) throws {
    let server = try sandbox(credentials: Self.known)
    let body: WireJSON = ["from": "8823", "smsContent": [["to": ["+8613800138000"], "templateId": "t"]]]
    let response = try server.post(HuaweiRequest.diff, try body.with(changes), headers: HuaweiRequest.headers)
    #expect(response.json["code"]?.string == code)
  }

  private static let long = String(repeating: "x", count: 64 * 1024)

  @Test func eachNumberHasAStatusAndTheRecordItsRecipients() throws {
    let body: WireJSON = [
      "from": "8823",
      "smsContent": [
        ["to": ["+8613800138000", "+8613900139000"], "templateId": "a"], ["to": ["+8613800138000"], "templateId": "b"],
      ],
    ]
    let server = try sandbox(credentials: Self.known, faults: ["recipient:to=+8613900139000,code=E200030"])
    let response = try server.post(HuaweiRequest.diff, body, headers: HuaweiRequest.headers)
    #expect(response.json["result"]?.array?.map { $0["status"] } == ["000000", "E200030", "000000"])
    #expect(server.outcomes == [.partial])
    #expect(server.records[0].recipients == ["+8613800138000", "+8613900139000", "+8613800138000"])
  }

  @Test func itThrottlesByNumberAndHasAQuota() throws {
    let (throttled, server) = try batch([:], ["throttle:retry-after=5"])
    #expect(throttled.json["result"]?.array?.map { $0["status"] } == ["E200015"])
    #expect(throttled.header("retry-after") == "5")
    #expect(server.outcomes == [.throttled])
    #expect(try batch([:], ["quota"]).0.json["code"] == "E000623")
    #expect(try batch([:], ["credentials"]).0.json["code"] == "E000101")
  }
}

@Suite struct TencentSandboxTests {
  static let known = ["tencent-sms": [TencentRequest.account]]
  static func numbers(_ count: Int) -> String {
    WireJSON.strings((0..<count).map { "+86\(13_800_000_000 + $0)" }).text
  }

  private static let long = String(repeating: "x", count: 512)

  @Test(arguments: [
    (#"{"SmsSdkAppId":null}"#, "MissingParameter"), (#"{"TemplateId":null}"#, "MissingParameter"),
    (#"{"SmsSdkAppId":"15"}"#, "InvalidParameterValue.SdkAppIdNotExist"),
    (#"{"PhoneNumberSet":null}"#, "MissingParameter.EmptyPhoneNumberSet"),
    (#"{"PhoneNumberSet":[]}"#, "MissingParameter.EmptyPhoneNumberSet"),
    (#"{"PhoneNumberSet":"+8613800138000"}"#, "MissingParameter.EmptyPhoneNumberSet"),
    (#"{"PhoneNumberSet":\#(numbers(201))}"#, "LimitExceeded.PhoneNumberCountLimit"),
    (#"{"PhoneNumberSet":\#(numbers(200))}"#, ""),
    (
      #"{"PhoneNumberSet":["13800138000","+447700900123"]}"#,
      "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber"
    ),
    (#"{"SignName":null}"#, "FailedOperation.SignatureIncorrectOrUnapproved"),
    (#"{"SignName":null,"PhoneNumberSet":["+447700900123"]}"#, ""),
    (#"{"TemplateParamSet":[1]}"#, "InvalidParameter"), (#"{"TemplateParamSet":["1"]}"#, ""),
    (#"{"SessionContext":"\#(long)"}"#, "InvalidParameterValue"),
    (#"{"PhoneNumberSet":["13800138000","008613900139000","8613700137000"]}"#, ""),
  ])
  func aCallIsRefusedAsTheServiceDoes(changes: String, code: String) throws {
    let server = try sandbox(credentials: Self.known)
    let response = try TencentRequest.send(try TencentRequest.sms.with(changes), to: server)
    #expect(response.status == 200)
    #expect((response.json["Response"]?["Error"]?["Code"]?.string ?? "") == code)
    #expect((response.json["Response"]?["SendStatusSet"] == nil) == !code.isEmpty)
  }

  @Test func oneBadNumberFailsAloneAndTheOthersAreFoundAgain() throws {
    let clock = ManualClock()
    let server = try sandbox(credentials: Self.known, clock: clock)
    let body = try TencentRequest.sms.with(
      #"{"PhoneNumberSet":["13800138000","abc"],"SessionContext":"c"}"#)
    let sent = try TencentRequest.send(body, to: server).json["Response"]?["SendStatusSet"]?.array
    #expect(sent?.map { $0["Code"] } == ["Ok", "InvalidParameterValue.IncorrectPhoneNumber"])
    #expect(sent?.map { $0["PhoneNumber"] } == ["+8613800138000", "abc"])
    #expect(server.outcomes == [.partial])
    let question: WireJSON = [
      "BeginTime": 1_716_190_000, "Offset": 0, "Limit": 100, "PhoneNumber": "+8613800138000", "SmsSdkAppId": "14",
    ]
    func found() throws -> [WireJSON?]? {
      try TencentRequest.send(question, action: "PullSmsSendStatusByPhoneNumber", to: server)
        .json["Response"]?["PullSmsSendStatusSet"]?.array?.map { $0["SerialNo"] }
    }
    #expect(try found() == [])
    clock.advance(10)
    #expect(try found() == [sent?[0]["SerialNo"]])
    let tooMany = try TencentRequest.send(
      try question.with(#"{"Limit":101}"#), action: "PullSmsSendStatusByPhoneNumber", to: server)
    #expect(tooMany.json["Response"]?["Error"]?["Code"] == "InvalidParameterValue")
  }

  @Test func faultsAreInItsOwnWords() throws {
    let server = try sandbox(
      credentials: Self.known, faults: ["throttle:count=1", "quota:count=1", "credentials:count=1"])
    let codes = try (0..<3).map { _ in
      try TencentRequest.send(TencentRequest.sms, to: server).json["Response"]?["Error"]?["Code"]?.string
    }
    #expect(
      codes == [
        "RequestLimitExceeded", "FailedOperation.InsufficientBalanceInSmsPackage", "AuthFailure.SignatureFailure",
      ])
    #expect(server.outcomes == [.throttled, .quota, .credentials])
  }
}
