import Testing

@testable import Sandbox

@Suite struct AliyunSandboxTests {
  static let known = ["aliyun-sms": [AliyunRequest.account]]

  static func numbers(_ count: Int) -> [String] { (0..<count).map { String(13_800_000_000 + $0) } }

  @Test func anAcceptedCallHasOneBizIdAndIsFoundByEachOfItsNumbers() throws {
    let clock = ManualClock()
    let server = try sandbox(credentials: Self.known, clock: clock)
    let sent = try server.sms(.sms(["13800138000", "+8613900139000", "008613700137000"], out: "order-1"))
    #expect(sent.json["Code"] == "OK")
    let businessID = try #require(sent.json["BizId"]?.string)
    for (index, number) in ["13800138000", "8613900139000", "+13700137000"].enumerated() {
      var question = AliyunRequest.details(number, day: "20240520", nonce: "q\(index)")
      if index == 0 { question.query.append(("BizId", businessID)) }
      let answer = try server.sms(question).json
      #expect(answer["TotalCount"] == 1)
      let detail = try #require(answer["SmsSendDetailDTOs"]?["SmsSendDetailDTO"]?.array?.first)
      #expect(detail["OutId"] == "order-1")
      #expect(detail["SendDate"] == "2024-05-20 16:30:15")
      #expect(detail["SendStatus"] == 1)
    }
    clock.advance(10)
    let later = try server.sms(.details("13800138000", day: "20240520", nonce: "q9")).json
    #expect(later["SmsSendDetailDTOs"]?["SmsSendDetailDTO"]?.array?.first?["ErrCode"] == "DELIVERED")
    #expect(server.records.map(\.outcome) == [.accepted, .lookup, .lookup, .lookup, .lookup])
    let record = server.records[0]
    #expect(record.recipients == ["13800138000", "+8613900139000", "008613700137000"])
    #expect(record.content["Action"] == "SendSms")
    #expect(record.content["OutId"] == "order-1")
    #expect(record.content["PhoneNumbers"] == nil)
  }

  @Test func aDayIsOneOfChina() throws {
    // 2024-05-20T16:00:00Z is midnight of the 21st in China.
    let clock = ManualClock(1_716_220_799)
    let server = try sandbox(credentials: Self.known, clock: clock)
    var before = AliyunRequest.sms(["13800138000"], out: "before", nonce: "1")
    before.date = "2024-05-20T15:59:59Z"
    _ = try server.sms(before)
    clock.advance(1)
    var after = AliyunRequest.sms(["13800138000"], out: "after", nonce: "2")
    after.date = "2024-05-20T16:00:00Z"
    _ = try server.sms(after)
    for (day, out) in [("20240520", "before"), ("20240521", "after")] {
      var question = AliyunRequest.details("13800138000", day: day, nonce: day)
      question.date = "2024-05-20T16:00:00Z"
      let details = try server.sms(question).json["SmsSendDetailDTOs"]?["SmsSendDetailDTO"]?.array ?? []
      #expect(details.map { $0["OutId"] } == [.string(out)])
    }
  }

  @Test func detailsComeInPagesOfAtMostFifty() throws {
    let server = try sandbox()
    for number in 0..<3 { _ = try server.sms(.sms(["13800138000"], out: "\(number)", nonce: "s\(number)")) }
    var seen: [WireJSON?] = []
    for page in 1...2 {
      let answer = try server.sms(.details("13800138000", day: "20240520", nonce: "p\(page)", page: page, size: 2)).json
      #expect(answer["TotalCount"] == 3)
      seen += answer["SmsSendDetailDTOs"]?["SmsSendDetailDTO"]?.array?.map { $0["OutId"] } ?? []
    }
    #expect(seen == ["2", "1", "0"])
    let tooMany = try server.sms(.details("13800138000", day: "20240520", nonce: "p3", size: 51))
    #expect(tooMany.json["Code"] == "isv.INVALID_PARAMETERS")
    let tooOld = try server.sms(.details("13800138000", day: "20240418", nonce: "p4"))
    #expect(tooOld.json["Code"] == "isv.INVALID_PARAMETERS")
  }

  @Test func aThousandNumbersFitInAQueryAndOneMoreIsRefused() throws {
    let server = try sandbox(credentials: Self.known)
    let prefixed = Self.numbers(1000).map { "+86" + $0 }
    #expect(try server.sms(.sms(prefixed, nonce: "a")).json["Code"] == "OK")
    let over = try server.sms(.sms(Self.numbers(1001), nonce: "b"))
    #expect(over.status == 200)
    #expect(over.json["Code"] == "isv.MOBILE_COUNT_OVER_LIMIT")
    #expect(over.json["BizId"] == nil)
    #expect(server.records.map(\.recipients.count) == [1000, 1001])
  }

  @Test(arguments: [
    ("13800138000", "OK"), ("+8613800138000", "OK"), ("8613800138000", "OK"), ("008613800138000", "OK"),
    ("+13800138000", "OK"), ("85261234567", "OK"), ("+447700900123", "OK"), ("+12025550123", "OK"),
    ("00447700900123", "OK"),
    ("1380013800", "isv.MOBILE_NUMBER_ILLEGAL"), ("138001380001234567", "isv.MOBILE_NUMBER_ILLEGAL"),
    ("+86138001380", "isv.MOBILE_NUMBER_ILLEGAL"), ("12800138000a", "isv.MOBILE_NUMBER_ILLEGAL"),
    ("", "MissingPhoneNumbers"), ("13800138000,", "isv.MOBILE_NUMBER_ILLEGAL"),
    ("13800138000,+447700900123", "isv.MOBILE_NUMBER_ILLEGAL"),
    ("+447700900123,13800138000", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"),
  ])
  func oneBadNumberRefusesTheCall(numbers: String, code: String) throws {
    let server = try sandbox()
    let answer = try server.sms(.sms([numbers]))
    #expect(answer.json["Code"]?.string == code)
    #expect(answer.status == (code.hasPrefix("Missing") ? 400 : 200))
  }

  @Test(arguments: [
    (#"{"code":1234}"#, "isv.TEMPLATE_PARAMS_ILLEGAL"), ("[1]", "isv.INVALID_JSON_PARAM"),
    ("code=1", "isv.INVALID_JSON_PARAM"), ("{}", "OK"), ("", "OK"),
    (#"{"code":"\#(String(repeating: "字", count: 501))"}"#, "isv.PARAM_LENGTH_LIMIT"),
  ])
  func templateVariablesAreStringsInAnObject(parameter: String, code: String) throws {
    let server = try sandbox()
    #expect(try server.sms(.sms(["13800138000"], parameter: parameter)).json["Code"]?.string == code)
  }

  @Test(arguments: ["SignName", "TemplateCode", "PhoneNumbers"])
  func aMissingParameterIsAGatewayError(name: String) throws {
    let server = try sandbox()
    var request = AliyunRequest.sms(["13800138000"])
    request.query.removeAll { $0.0 == name }
    let answer = try server.sms(request)
    #expect(answer.status == 400)
    #expect(answer.json["Code"]?.string == "Missing" + name)
    #expect(server.records.map(\.outcome) == [.rejected])
  }

  @Test func anOutIdHasFewerThan256Characters() throws {
    let server = try sandbox()
    let long = String(repeating: "x", count: 255)
    #expect(try server.sms(.sms(["13800138000"], out: long, nonce: "1")).json["Code"] == "OK")
    let longer = try server.sms(.sms(["13800138000"], out: long + "x", nonce: "2"))
    #expect(longer.json["Code"] == "isv.PARAM_LENGTH_LIMIT")
  }

  static func batch(_ phones: [String], signs: Int? = nil, parameters: Int? = nil, nonce: String) -> AliyunRequest {
    let signs = WireJSON.strings(Array(repeating: "阿里云", count: signs ?? phones.count))
    let variables = WireJSON.array(Array(repeating: ["name": "张三"], count: parameters ?? phones.count))
    return AliyunRequest(
      action: "SendBatchSms", query: [("TemplateCode", "SMS_1")],
      form: [
        ("PhoneNumberJson", WireJSON.strings(phones).text), ("SignNameJson", signs.text),
        ("TemplateParamJson", variables.text),
      ], nonce: nonce)
  }

  @Test func aBatchHasASignAndVariablesForEachOfUpToAHundredNumbers() throws {
    let server = try sandbox(credentials: Self.known)
    func code(_ request: AliyunRequest) throws -> WireJSON? { try server.sms(request).json["Code"] }
    #expect(try code(Self.batch(Self.numbers(100), nonce: "1")) == "OK")
    #expect(try code(Self.batch(Self.numbers(101), nonce: "2")) == "isv.MOBILE_COUNT_OVER_LIMIT")
    #expect(try code(Self.batch(Self.numbers(3), signs: 2, nonce: "3")) == "isv.INVALID_PARAMETERS")
    #expect(try code(Self.batch(Self.numbers(3), parameters: 2, nonce: "4")) == "isv.INVALID_PARAMETERS")
    #expect(try code(Self.batch(Self.numbers(2) + ["x"], nonce: "5")) == "isv.MOBILE_NUMBER_ILLEGAL")
    #expect(server.records[0].recipients == Self.numbers(100))
    #expect(server.records[0].content["SignNameJson"] != nil)
  }
}

// MARK: - Who is calling

@Suite struct AliyunGatewayTests {
  static func sms(_ change: (inout AliyunRequest) -> Void = { _ in }) -> AliyunRequest {
    var request = AliyunRequest.sms(["13800138000"])
    change(&request)
    return request
  }

  @Test func aNonceIsTakenOnceAndOnlyWhenTheRequestWasGenuine() throws {
    let server = try sandbox(credentials: AliyunSandboxTests.known)
    #expect(try server.sms(Self.sms { $0.secret = "wrong" }).json["Code"] == "SignatureDoesNotMatch")
    #expect(try server.sms(Self.sms()).json["Code"] == "OK")
    let again = try server.sms(Self.sms())
    #expect(again.status == 400)
    #expect(again.json["Code"] == "SignatureNonceUsed")
    #expect(again.json["HostId"]?.string == "127.0.0.1:\(server.port)")
    #expect(server.records.map(\.outcome) == [.credentials, .accepted, .error])
  }

  @Test(arguments: [-901, -900, 900, 901]) func aTimestampMayBeFifteenMinutesOff(seconds: Int) throws {
    let server = try sandbox(clock: ManualClock(ManualClock.golden - Double(seconds)))
    let answer = try server.sms(Self.sms())
    #expect(answer.json["Code"] == (abs(seconds) > 900 ? "InvalidTimeStamp.Expired" : "OK"))
  }

  @Test func unknownKeysActionsAndVersionsAreNamed() throws {
    let server = try sandbox(credentials: AliyunSandboxTests.known)
    let key = try server.sms(Self.sms { $0.key = "other" })
    #expect(key.status == 404)
    #expect(key.json["Code"] == "InvalidAccessKeyId.NotFound")
    let action = try server.sms(Self.sms { $0.action = "SendMail" })
    #expect(action.status == 404)
    #expect(action.json["Code"] == "InvalidAction.NotFound")
    let version = Self.sms {
      $0.version = "2016-09-27"
      $0.nonce = "n2"
    }
    #expect(try server.sms(version).json["Code"] == "InvalidVersion")
    #expect(try server.sms(Self.sms { $0.date = "2024-05-20 08:30:15" }).json["Code"] == "InvalidTimeStamp.Format")
  }

  @Test func everyAcsHeaderMustBeSigned() throws {
    let server = try sandbox(credentials: AliyunSandboxTests.known)
    let sneaked = Self.sms { $0.unsigned = [FormPair("x-acs-security-token", "t")] }
    #expect(try server.sms(sneaked).json["Code"] == "SignatureDoesNotMatch")
    #expect(try server.sms(Self.sms { $0.unsigned = [FormPair("accept", "*/*")] }).json["Code"] == "OK")
  }

  @Test func withoutKnownCredentialsASignatureNeedsOnlyItsForm() throws {
    let server = try sandbox()
    #expect(try server.sms(Self.sms { $0.secret = "whatever" }).json["Code"] == "OK")
    let golden = try Golden.named("aliyun", "v3_sendsms_single_ascii")
    func code(_ change: (inout Golden) -> Void) throws -> String? {
      var mutant = golden
      change(&mutant)
      return try mutant.replay(to: server).json["Code"]?.string
    }
    func authorization(_ replace: @escaping (String) -> String) -> (inout Golden) -> Void {
      { golden in
        for index in golden.headers.indices where golden.headers[index].name == "Authorization" {
          golden.headers[index].value = replace(golden.headers[index].value)
        }
      }
    }
    #expect(try code { $0.headers.removeAll { $0.name == "Authorization" } } == "MissingAccessKeyId")
    #expect(try code(authorization { $0.replacing("testAccessKeyId", with: "") }) == "MissingAccessKeyId")
    #expect(try code(authorization { String($0.dropLast()) }) == "MissingSignature")
    #expect(try code { $0.headers.removeAll { $0.name == "x-acs-signature-nonce" } } == "MissingSignatureNonce")
    #expect(try code { $0.headers.removeAll { $0.name == "x-acs-date" } } == "MissingTimestamp")
    #expect(try code { $0.body = "OutId=1" } == "SignatureDoesNotMatch")
    #expect(try code { _ in } == "OK")
  }

  @Test func theOlderSignatureAnswersInXMLUnlessAskedForJSON() throws {
    let golden = try Golden.named("aliyun", "vector_v1_published_example")
    let server = try sandbox(
      credentials: ["aliyun-sms": [golden.credentials]], clock: ManualClock(golden.time ?? 0))
    let answer = try golden.replay(to: server)
    #expect(answer.header("content-type") == "text/xml;charset=utf-8")
    #expect(answer.text.contains("<SendSmsResponse><RequestId>"))
    #expect(answer.text.contains("<Code>OK</Code></SendSmsResponse>"))
    #expect(try golden.replay(to: server).text.contains("<Error>"))
  }

  @Test func aSecurityTokenMustBeTheAccounts() throws {
    var account = AliyunRequest.account
    account["security_token"] = "t"
    let server = try sandbox(credentials: ["aliyun-sms": [account]])
    #expect(try server.sms(Self.sms()).json["Code"] == "InvalidSecurityToken.MismatchWithAccessKey")
  }
}
