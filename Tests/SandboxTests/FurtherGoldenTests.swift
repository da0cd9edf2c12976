import Testing

@testable import Sandbox

/// How the recorded requests of a folder are to be replayed.
struct GoldenFolder: CustomTestStringConvertible {
  var folder: String
  var provider: String
  /// How many cases there must be.
  var cases: Int
  var account: [String: String]
  /// Other credentials for single cases.
  var accounts: [String: [String: String]] = [:]
  /// What must go wrong so that the answer is the recorded one.
  var faults: [String: [String]] = [:]
  /// Cases whose answer is another than the recorded one, checked by tests of their own.
  var apart: Set<String> = []

  /// Members of an answer that the recorded one lacks, since it was made up.
  var echoed: Set<String> = []

  var testDescription: String { folder }

  /// Settings that a record may show.
  static func isSecret(_ setting: String) -> Bool {
    !["sender", "sms_sdk_app_id", "app_id", "agent_id"].contains(setting)
  }

  func sandbox(_ golden: Golden) throws -> SandboxServer {
    try SandboxTests.sandbox(
      credentials: [provider: [golden.account ?? accounts[golden.name] ?? account]],
      faults: golden.faults ?? faults[golden.name] ?? [],
      clock: ManualClock(golden.time ?? ManualClock.golden))
  }
}

/// Everything that clients of the further services said must be answered as their client was answered, with the
/// credentials that it was said with.
@Suite struct FurtherGoldenTests {
  static let huawei = ["app_key": "dummyAppKey0001", "app_secret": "dummyAppSecret0001", "sender": "8823040504797"]
  static let tencent = [
    "secret_id": "AKIDdummydummydummy", "secret_key": "dummySecretKey", "sms_sdk_app_id": "1400006666",
  ]

  static let folders: [GoldenFolder] = [
    GoldenFolder(
      folder: "huawei", provider: "huawei-sms", cases: 12, account: huawei,
      faults: [
        "batchsendsms_partial_failure": ["recipient:provider=huawei-sms,to=+8613700137000,code=E200028"]
      ],
      apart: ["vector_aksk_published_example", "wsse_basic", "wsse_lowercase_nonce"]),
    GoldenFolder(
      folder: "tencent", provider: "tencent-sms", cases: 5, account: tencent,
      accounts: ["sendsms_error_signature": tencent.merging(["secret_key": "another"]) { $1 }],
      faults: [
        "sendsms_partial_failure": [
          "recipient:to=+8613900139000,code=FailedOperation.PhoneNumberInBlacklist",
          "recipient:to=+8613700137000,code=LimitExceeded.PhoneNumberDailyLimit",
        ]
      ],
      apart: ["pullstatus_by_number"]),
    GoldenFolder(
      folder: "pushplus", provider: "pushplus", cases: 6, account: ["token": "dummypushplustoken00000000000001"],
      faults: ["perk_pushplus_sdk-rate-limited-900": ["throttle"]]),
    GoldenFolder(
      folder: "serverchan", provider: "serverchan", cases: 6,
      account: ["sendkey": "SCT000000TdummySendKey0000000000"],
      accounts: [
        "push_tools-sc3-json": ["sendkey": "sctp123tdummysendkey0000000000"],
        "serverchan_sdk-sc3-tags-short-emoji": ["sendkey": "sctp123tdummysendkey0000000000"],
        "serverchan_sdk-turbo-bad-key-answer": ["sendkey": "SCTanother"],
      ]),
    GoldenFolder(
      folder: "onesignal", provider: "onesignal", cases: 6,
      account: ["app_id": "00000000-0000-4000-8000-000000000001", "api_key": "os_v2_app_dummykey000000000000000"],
      faults: ["onesignal_python_api-not-sent-answer": ["recipient:to=nobody"]],
      apart: ["onesignal_python_api-view-message"]),
    GoldenFolder(
      folder: "pushover", provider: "pushover", cases: 7, account: ["token": "aDummyAppToken0000000000000000"],
      faults: ["apprise-quota-429": ["quota"]]),
    GoldenFolder(
      folder: "pushed", provider: "pushed", cases: 3,
      account: [
        "app_key": "dummyAppKey000000000",
        "app_secret": "dummyAppSecret00000000000000000000000000000000000000000000000000",
      ]),
    GoldenFolder(
      folder: "wecom", provider: "wecom-robot", cases: 7, account: ["key": "00000000-dummy-0000-0000-000000000000"],
      faults: ["apprise-bot-rate-limited": ["throttle"]],
      apart: ["onepush-app-text-two-users", "push_tools-app-token-expired-retry"]),
  ]

  static let extras: [GoldenFolder] = [
    GoldenFolder(
      folder: "telegram", provider: "telegram", cases: 3,
      account: ["token": "123456789:dummyTelegramBotToken00000000000000"],
      faults: ["python_telegram_bot-flood-429": ["throttle:retry-after=34"]]),
    GoldenFolder(folder: "bark", provider: "bark", cases: 2, account: [:]),
    GoldenFolder(
      folder: "ntfy", provider: "ntfy", cases: 2, account: [:], echoed: [".title", ".tags", ".priority"]),
    GoldenFolder(
      folder: "dingtalk", provider: "dingtalk-robot", cases: 2,
      account: [
        "access_token": "dummydingtoken00000000000000000000000000000000000000000000000000",
        "secret": "SECdummysecret0000000000000000000000000000000000000000000000000",
      ], apart: ["apprise-text-signed-phone"]),
    GoldenFolder(
      folder: "feishu", provider: "feishu-robot", cases: 3,
      account: ["hook": "00000000-dummy-4000-8000-000000000000", "secret": "dummyFeishuSecret"],
      accounts: [
        "apprise-text": ["hook": "https://open.feishu.cn/open-apis/bot/v2/hook/00000000-dummy-4000-8000-000000000000"],
        "onepush-sign-mismatch-answer": ["hook": "00000000-dummy-4000-8000-000000000000", "secret": "another"],
      ]),
    GoldenFolder(folder: "gotify", provider: "gotify", cases: 2, account: ["token": "Adummytoken"]),
    GoldenFolder(folder: "pushdeer", provider: "pushdeer", cases: 2, account: [:]),
  ]

  /// Folders that are called as the provider is, and whose cases say all that is to be known of them.
  static let plain: [GoldenFolder] = {
    let listed = Set((folders + extras).map(\.folder) + ["aliyun", "twilio", "wxpusher"])
    return SandboxCatalogue.names.filter { !listed.contains($0) }.compactMap { name in
      let cases = Golden.all(name)
      guard let account = cases.first?.credentials, !account.isEmpty else { return nil }
      return GoldenFolder(folder: name, provider: name, cases: cases.count, account: account)
    }
  }()

  @Test(arguments: folders + extras) func noFixtureIsOverlooked(folder: GoldenFolder) {
    #expect(Golden.all(folder.folder).count == folder.cases)
  }

  @Test(arguments: (folders + extras + plain).flatMap { folder in Golden.all(folder.folder).map { (folder, $0) } })
  func everyRequestIsAnsweredAsItsClientWas(folder: GoldenFolder, golden: Golden) throws {
    guard !folder.apart.contains(golden.name) else { return }
    let server = try folder.sandbox(golden)
    for (request, expected) in golden.exchanges {
      let response = try request.replay(to: server)
      #expect(response.status == expected?.status ?? 200)
      if let expected { Self.compare(response.json, expected.json, echoed: folder.echoed) }
    }
    #expect(server.records.count == golden.exchanges.count)
    for record in server.records {
      #expect(record.provider == folder.provider)
      for (name, secret) in folder.account where GoldenFolder.isSecret(name) {
        #expect(!record.content.text.contains(secret))
      }
    }
  }

  /// The same names all the way down, and the same verdicts.
  static func compare(_ answer: WireJSON, _ recorded: WireJSON, echoed: Set<String> = []) {
    #expect(shape(answer).subtracting(echoed) == shape(recorded))
    for name in ["code", "errcode", "status", "ok", "errorCode", "error_code", "success", "errors", "StatusCode"] {
      #expect(answer[name] == recorded[name], "\(name)")
    }
  }

  /// Paths of all members.
  private static func shape(_ value: WireJSON, _ path: String = "") -> Set<String> {
    switch value {
    case .object(let members):
      Set(members.flatMap { member in shape(member.value, "\(path).\(member.name)").union(["\(path).\(member.name)"]) })
    case .array(let values): Set(values.flatMap { shape($0, path + "[]") })
    default: []
    }
  }
}

// MARK: - Signatures

@Suite struct FurtherSignatureTests {
  private static func hasSignature(_ golden: Golden) -> Bool { !golden.method.isEmpty }

  @Test(arguments: Golden.all("huawei").filter(hasSignature)) func aWrongHuaweiSecretIsNoticed(golden: Golden) throws {
    var account = golden.credentials
    let clock = ManualClock(try #require(golden.huaweiTime))
    account["app_secret"] = "another"
    let server = try sandbox(credentials: ["huawei-sms": [account]], clock: clock)
    #expect(try golden.replay(to: server).json["code"] == "E000045")
    account["app_key"] = "another"
    let other = try sandbox(credentials: ["huawei-sms": [account]], clock: clock)
    #expect(try golden.replay(to: other).json["code"] == "E000102")
  }

  @Test(arguments: Golden.all("huawei").filter(hasSignature)) func nothingThatHuaweiSignsCanBeChanged(
    golden: Golden
  ) throws {
    let time = try #require(golden.huaweiTime)
    var mutants: [Golden] = []
    let authorization = golden.headers.first { $0.name == "Authorization" }?.value ?? ""
    for header in ["content-type", "host", "user-agent", "x-sdk-date", "x-sdk-content-sha256"]
    where authorization.contains(header) {
      var mutant = golden
      let index = try #require(golden.headers.firstIndex { $0.name.lowercased() == header })
      // A later second for the date, anything else for the rest.
      mutant.headers[index].value =
        header == "x-sdk-date"
        ? golden.headers[index].value.replacing("5Z", with: "6Z") : golden.headers[index].value + "0"
      mutants.append(mutant)
    }
    if !golden.body.isEmpty, !authorization.contains("x-sdk-content-sha256") {
      var mutant = golden
      mutant.body = golden.body.replacing("13800138000", with: "13800138001")
      mutants.append(mutant)
    }
    for mutant in mutants {
      let server = try sandbox(credentials: ["huawei-sms": [golden.credentials]], clock: ManualClock(time))
      #expect(try mutant.replay(to: server).json["code"] == "E000045", "\(mutant.headers)")
    }
    let late = try sandbox(credentials: ["huawei-sms": [golden.credentials]], clock: ManualClock(time + 901))
    #expect(try golden.replay(to: late).json["code"] == "E000110")
  }

  @Test func huaweisPublishedExampleIsSignedRightAndCallsAnotherProduct() throws {
    let golden = try Golden.named("huawei", "vector_aksk_published_example")
    let server = try sandbox(
      credentials: ["huawei-sms": [golden.credentials]], clock: ManualClock(try #require(golden.huaweiTime)))
    #expect(try golden.replay(to: server).status == 404)
    #expect(server.records.map(\.outcome) == [.error])
  }

  @Test(arguments: ["wsse_basic", "wsse_lowercase_nonce"]) func aWSSEHeaderIsVerified(name: String) throws {
    let golden = try Golden.named("huawei", name)
    let expected = try #require(golden.fixture["expected"])
    let digest = try #require(expected["password_digest"]?.string)
    var request = try Golden.named("huawei", "batchsendsms_single")
    request.headers = [
      FormPair("Content-Type", "application/x-www-form-urlencoded"),
      FormPair("Authorization", expected["Authorization"]?.string ?? ""),
      FormPair("X-WSSE", expected["X-WSSE"]?.string ?? ""),
    ]
    let time = try #require(golden.huaweiTime)
    func code(_ change: (String) -> String, secret: String = "dummyAppSecret0001", after: Double = 0) throws -> String?
    {
      let account = ["app_key": "dummyAppKey0001", "app_secret": secret]
      let server = try sandbox(credentials: ["huawei-sms": [account]], clock: ManualClock(time + after))
      var mutant = request
      for index in mutant.headers.indices { mutant.headers[index].value = change(mutant.headers[index].value) }
      return try mutant.replay(to: server).json["code"]?.string
    }
    #expect(try code { $0 } == "000000")
    #expect(try code({ $0 }, after: 86_400) == "000000")
    #expect(try code({ $0 }, after: 86_401) == "E000110")
    #expect(try code({ $0 }, secret: "another") == "E000105")
    let raw = expected["password_digest_if_raw_bytes_were_encoded"]?.string ?? ""
    for (from, to, expected) in [
      ("\"SDP\"", "\"x\"", "E000004"), ("profile=", "p=", "E000003"), ("Appkey", "App", "E000006"),
      ("WSSE ", "Basic ", "E000008"), ("UsernameToken Username", "Username", "E000026"),
      ("Nonce=\"", "Nonce=\"0", "E000105"),
      ("Nonce=\"", "Nonce=\"-", "E000022"), ("dummyAppKey0001", "x", "E000102"), ("Z\"", "\"", "E000023"),
      (digest, raw, "E000105"),
    ] {
      #expect(try code { $0.replacing(from, with: to) } == expected, "\(from)")
    }
  }

  @Test func whatTencentSentIsFoundByItsNumber() throws {
    let clock = ManualClock(ManualClock.golden - 10)
    let server = try sandbox(credentials: ["tencent-sms": [FurtherGoldenTests.tencent]], clock: clock)
    _ = try Golden.named("tencent", "sendsms_single").replay(to: server)
    clock.advance(10)
    let golden = try Golden.named("tencent", "pullstatus_by_number")
    let recorded = try #require(golden.exchanges[0].answer)
    FurtherGoldenTests.compare(try golden.replay(to: server).json, recorded.json)
    #expect(server.outcomes == [.accepted, .lookup])
  }

  @Test(arguments: Golden.all("tencent")) func nothingThatTencentSignsCanBeChanged(golden: Golden) throws {
    func code(_ change: (inout Golden) -> Void, after: Double = 0) throws -> String? {
      var mutant = golden
      change(&mutant)
      let clock = ManualClock((golden.time ?? 0) + after)
      let server = try sandbox(credentials: ["tencent-sms": [FurtherGoldenTests.tencent]], clock: clock)
      return try mutant.replay(to: server).json["Response"]?["Error"]?["Code"]?.string
    }
    func header(_ name: String, _ change: @escaping (String) -> String) -> (inout Golden) -> Void {
      { golden in
        for index in golden.headers.indices where golden.headers[index].name == name {
          golden.headers[index].value = change(golden.headers[index].value)
        }
      }
    }
    let wrong = "AuthFailure.SignatureFailure"
    #expect(try code { _ in } == nil)
    #expect(try code({ _ in }, after: 300) == nil)
    #expect(try code({ _ in }, after: 301) == "AuthFailure.SignatureExpire")
    #expect(try code { $0.body = $0.body.replacing("1400006666", with: "1400006667") } == wrong)
    #expect(try code(header("Content-Type") { $0 + "; charset=utf-8" }) == wrong)
    #expect(try code(header("Host") { $0 + ":1" }) == wrong)
    #expect(try code(header("X-TC-Timestamp") { _ in "1716193816" }) == wrong)
    #expect(try code(header("Authorization") { $0.replacing("2024-05-20", with: "2024-05-21") }) == wrong)
    #expect(try code(header("Authorization") { $0.replacing("AKID", with: "BKID") }) == "AuthFailure.SecretIdNotFound")
    #expect(
      try code(header("Authorization") { $0.replacing("/sms/", with: "/cvm/") }) == "AuthFailure.InvalidAuthorization")
    #expect(try code(header("X-TC-Version") { _ in "2019-07-11" }) == "NoSuchVersion")
    #expect(try code(header("X-TC-Action") { _ in "SendMail" }) == "InvalidAction")
  }
}

extension Golden {
  /// Huawei's vectors give the time in either of two forms.
  fileprivate var huaweiTime: Double? {
    time
      ?? fixture["fixed_time"]?.string.flatMap { text in
        let parts = Array(text)
        guard parts.count == 16 else { return nil }
        let day = "\(String(parts[0..<4]))-\(String(parts[4..<6]))-\(String(parts[6..<8]))"
        let clock = "\(String(parts[9..<11])):\(String(parts[11..<13])):\(String(parts[13..<15]))"
        return WireTime.unix(iso8601: "\(day)T\(clock)Z").map(Double.init)
      }
  }
}
