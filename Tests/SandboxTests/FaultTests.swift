import Testing

@testable import Sandbox

/// What a specification means and what it does on the wire.
@Suite struct FaultTests {
  @Test(arguments: [
    ("explode", "'explode' is no kind of fault; expected one of status, delay"),
    ("", "'' is no kind of fault"),
    ("throttle:provider=nobody", "provider='nobody'; expected one of wxpusher, twilio, "),
    ("throttle:http=500", "'http' does not belong to this kind; expected one of retry-after, code, provider"),
    ("throttle:count", "'count' has no value; expected NAME=VALUE"),
    ("throttle:count=0", "count='0'; expected a whole number from 1"),
    ("throttle:count=1,count=2", "'count' is given twice"),
    ("status:http=99", "http='99'; expected a whole number from 200 to 599"),
    ("delay:ms=fast", "ms='fast'; expected a whole number from 0 to 3600000"),
    ("empty:chance=2", "chance='2'; expected a number from 0 to 1"),
    ("empty:accept=maybe", "accept='maybe'; expected one of yes, no"),
    ("recipient:to=a,nth=2", "to= and nth= exclude each other"),
    ("truncate:on=sunday", "on='sunday'; expected one of send, lookup"),
  ])
  func aBadSpecificationSaysWhatIsExpected(spec: String, problem: String) {
    let error = #expect(throws: FaultError.self) { try Fault(spec) }
    #expect(error?.description.contains("--fault '\(spec)': \(problem)") == true, "\(error?.description ?? "")")
  }

  @Test func everyExampleAndKindOfTheHelpIsUnderstood() throws {
    let lines = Fault.faultHelp.split(separator: "\n").map { $0.drop { $0 == " " } }
    let start = try #require(lines.firstIndex(of: "examples"))
    let examples = lines[(start + 1)...].map(String.init)
    #expect(examples.count == 8)
    for example in examples { _ = try Fault(example) }
    for kind in [
      "status", "delay", "reset-before", "reset-after", "truncate", "non-json", "empty", "recipient", "throttle",
      "credentials", "quota",
    ] {
      _ = try Fault(kind)
      #expect(Fault.faultHelp.contains("\n  \(kind) "))
    }
  }

  @Test func aBodyTakesTheRest() throws {
    let fault = try Fault("status:http=502,count=2,body=a,b=c:d")
    #expect(fault.kind == .status(502, body: "a,b=c:d", retryAfter: nil))
    #expect(fault.count == 2)
  }

  /// Which of twelve requests a fault hits.
  private func hits(_ spec: String) throws -> [Int] {
    let server = try sandbox(faults: [spec])
    return try (1...12).filter { _ in try server.pushWx(uids: ["UID_a"]).status == 503 }
  }

  @Test func selectorsCountRequests() throws {
    #expect(try hits("status:count=2") == [1, 2])
    #expect(try hits("status:after=10") == [11, 12])
    #expect(try hits("status:every=5") == [5, 10])
    #expect(try hits("status:after=1,every=5,count=1") == [6])
    #expect(try hits("status:provider=twilio") == [])
    #expect(try hits("status:on=lookup") == [])
    #expect(try hits("status:chance=0") == [])
    let some = try hits("status:chance=0.5,seed=7")
    #expect(try hits("status:chance=0.5,seed=7") == some)
    #expect((1...11).contains(some.count))
    #expect(try hits("status:chance=0.5,seed=8") != some)
  }

  @Test func theFirstFaultThatHitsWinsAndTheOtherIsStillOwed() throws {
    let server = try sandbox(faults: ["status:http=500,count=1", "status:http=502,count=1"])
    let statuses = try (1...3).map { _ in try server.pushWx(uids: ["UID_a"]).status }
    #expect(statuses == [500, 502, 200])
  }

  @Test func aStatusIsAnsweredInsteadOfWorking() throws {
    let server = try sandbox(faults: ["status:http=429,retry-after=3,count=1,body=slow down", "status:accept=yes"])
    let first = try server.text()
    #expect(first.status == 429)
    #expect(first.text == "slow down")
    #expect(first.header("retry-after") == "3")
    #expect(try server.text().status == 503)
    #expect(server.records.map(\.outcome) == [.throttled, .accepted])
    #expect(server.records.map(\.fault) == ["status", "status"])
  }

  @Test func aResetBeforeLeavesNothingBehind() throws {
    let server = try sandbox(faults: ["reset-before:count=1"])
    let answer = try server.ask(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message())
    #expect(answer == .reset)
    #expect(try server.list().json["messages"]?.array == [])
    let record = server.records[0]
    #expect(record.outcome == .lost)
    #expect(record.status == 0)
    #expect(record.fault == "reset-before")
    #expect(record.recipients == ["+8613800138000"])
  }

  @Test func aResetAfterLeavesAnAcceptedMessageBehind() throws {
    let server = try sandbox(faults: ["reset-after:on=send"])
    let answer = try server.ask(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message())
    #expect(answer == .reset)
    #expect(try server.list([("To", "+8613800138000")]).json["messages"]?.array?.count == 1)
    #expect(server.records.map(\.outcome) == [.accepted, .lookup])
    #expect(server.records.map(\.fault) == ["reset-after", nil])
    #expect(server.records.map(\.status) == [0, 200])
  }

  @Test func aResetAfterAlsoHidesARefusal() throws {
    let server = try sandbox(faults: ["reset-after"])
    let answer = try server.ask(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message(to: "+1abc"))
    #expect(answer == .reset)
    #expect(server.records.map(\.outcome) == [.rejected])
  }

  @Test func aTruncatedAnswerAnnouncesWhatItDoesNotSend() throws {
    let server = try sandbox(faults: ["truncate:count=1"])
    let answer = try server.ask(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message())
    guard case .cut(let response) = answer else {
      Issue.record("not cut: \(answer)")
      return
    }
    let announced = try #require(response.header("content-length").flatMap { Int($0) })
    #expect(response.status == 201)
    #expect(response.body.count == announced / 2)
    #expect(response.text.hasPrefix("{"))
    #expect(server.records.map(\.outcome) == [.accepted])
    #expect(try server.text().status == 201)
  }

  @Test func proxiesPagesAndEmptyAnswersAreNoSuccess() throws {
    let server = try sandbox(faults: ["non-json:count=1", "empty:count=1", "empty:accept=yes"])
    let page = try server.pushWx(uids: ["UID_a"])
    #expect(page.status == 200)
    #expect(page.header("content-type") == "text/html")
    #expect(page.text.hasPrefix("<html>"))
    #expect(try server.pushWx(uids: ["UID_a"]).body.isEmpty)
    #expect(try server.pushWx(uids: ["UID_a"]).body.isEmpty)
    #expect(server.records.map(\.outcome) == [.error, .error, .accepted])
  }

  @Test func aDelayedAnswerHoldsUpNobodyElse() throws {
    // The delayed request is sent and left alone: others are answered while it waits, and stop() does not wait for it.
    let server = try sandbox(faults: ["delay:ms=3600000,provider=twilio"])
    let slow = try Loopback(port: server.port)
    slow.post("POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message())
    while server.records.isEmpty { _ = try server.response("GET", "/elsewhere") }
    #expect(try server.pushWx(uids: ["UID_a"]).json["code"] == 1000)
    let record = try #require(server.records.first { $0.provider == "twilio" })
    #expect(record.outcome == .accepted)
    #expect(record.fault == "delay")
    server.stop()
  }

  @Test func aDelayedAnswerArrives() throws {
    let server = try sandbox(faults: ["delay:ms=20", "delay:ms=10", "status:http=502"])
    let start = ContinuousClock.now
    #expect(try server.text().status == 502)
    #expect(ContinuousClock.now - start >= .milliseconds(30))
    #expect(server.records.map(\.fault) == ["delay+delay+status"])
  }
}

/// Faults in each provider's own words.
@Suite struct ProviderFaultTests {
  @Test func aRecipientFailsAsEachProviderReportsIt() throws {
    let server = try sandbox(faults: [
      "recipient:to=UID_b", "recipient:to=+8613800138000,code=21610", "recipient:to=13900139000",
    ])
    let push = try server.pushWx(uids: ["UID_a", "UID_b", "UID_c"])
    #expect(push.json["code"] == 1000)
    #expect(push.json["data"]?.array?.map { $0["code"] } == [1000, 1001, 1000])
    let text = try server.text(to: "+8613800138000")
    #expect(text.status == 400)
    #expect(text.json["code"] == 21610)
    let sms = try server.sms(.sms(["13800138000", "13900139000"], nonce: "1"))
    #expect(sms.json["Code"] == "isv.MOBILE_NUMBER_ILLEGAL")
    #expect(try server.sms(.sms(["13800138000"], nonce: "2")).json["Code"] == "OK")
    #expect(server.records.map(\.outcome) == [.partial, .rejected, .rejected, .accepted])
    #expect(server.records.map(\.fault) == ["recipient", "recipient", "recipient", nil])
  }

  @Test func everyNthRecipientIsCountedOverCalls() throws {
    let server = try sandbox(faults: ["recipient:nth=4"])
    let codes = try (0..<3).flatMap { _ in
      try server.pushWx(uids: ["UID_a", "UID_b", "UID_c"]).json["data"]?.array?.map { $0["code"]?.int == 1000 } ?? []
    }
    #expect(codes == [true, true, true, false, true, true, true, false, true])
    #expect(server.records.map(\.outcome) == [.accepted, .partial, .partial])
  }

  @Test func aCallWhoseRecipientsAllFailIsRejected() throws {
    let server = try sandbox(faults: ["recipient"])
    #expect(try server.pushWx(uids: ["UID_a", "UID_b"]).json["code"] == 1000)
    #expect(server.records.map(\.outcome) == [.rejected])
  }

  @Test func throttlingIsEachProvidersOwn() throws {
    let server = try sandbox(faults: ["throttle:retry-after=7"])
    let push = try server.pushWx(uids: ["UID_a"])
    #expect(push.status == 200)
    #expect(push.json["code"] == 1001)
    #expect(push.json["msg"]?.string?.contains("频繁") == true)
    let text = try server.text()
    #expect(text.status == 429)
    #expect(text.json["code"] == 20429)
    #expect(text.header("retry-after") == "7")
    let sms = try server.sms(.sms(["13800138000"]))
    #expect(sms.status == 400)
    #expect(sms.json["Code"] == "Throttling.User")
    #expect(sms.header("x-acs-retry-after") == "7000")
    #expect(server.records.map(\.outcome) == [.throttled, .throttled, .throttled])
  }

  @Test func aBusinessLimitIsAThrottleWithHTTP200() throws {
    let server = try sandbox(faults: ["throttle:code=isv.BUSINESS_LIMIT_CONTROL"])
    let golden = try Golden.named("aliyun", "v3_error_business_limit_http200")
    let answer = try golden.replay(to: server)
    #expect(answer.status == 200)
    #expect(answer.json["Code"] == "isv.BUSINESS_LIMIT_CONTROL")
    #expect(answer.json["Message"] == "触发分钟级流控Permits:1")
    #expect(answer.json["BizId"] == nil)
  }

  @Test func credentialsAndQuotaAreEachProvidersOwn() throws {
    let server = try sandbox(faults: ["credentials:count=3", "quota"])
    for (pushCode, textStatus, textCode, smsCode) in [
      (1002, 401, 20003, "InvalidAccessKeyId.NotFound"), (1001, 429, 63038, "isv.AMOUNT_NOT_ENOUGH"),
    ] {
      #expect(try server.pushWx(uids: ["UID_a"]).json["code"]?.int == pushCode)
      let text = try server.text()
      #expect(text.status == textStatus)
      #expect(text.json["code"]?.int == textCode)
      #expect(try server.sms(.sms(["13800138000"])).json["Code"]?.string == smsCode)
    }
    let expected: [SandboxOutcome] = [.credentials, .credentials, .credentials, .quota, .quota, .quota]
    #expect(server.records.map(\.outcome) == expected)
  }
}
