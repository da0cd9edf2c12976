import Testing

@testable import Sandbox

/// Everything the vendors' own clients said must be taken with the credentials that it was said with, and not a byte
/// of what is signed may change.
@Suite struct GoldenTests {
  static let aliyun = Golden.all("aliyun")
  static let twilio = Golden.all("twilio")
  static let wxpusher = Golden.all("wxpusher")

  @Test func noFixtureIsOverlooked() {
    #expect(Self.aliyun.count == 19)
    #expect(Self.twilio.count == 9)
    #expect(Self.wxpusher.count == 8)
  }

  @Test(arguments: aliyun) func everySignatureOfAliyunsClientsIsVerified(golden: Golden) throws {
    let clock = ManualClock(golden.time ?? ManualClock.golden)
    let server = try sandbox(credentials: ["aliyun-sms": [golden.credentials]], clock: clock)
    let response = try golden.replay(to: server)
    // The published V3 example calls another product: its signature is right, its API is not this one's.
    if golden.name == "vector_v3_published_example" {
      #expect(response.json["Code"] == "InvalidVersion")
    } else {
      #expect(response.status == 200)
      #expect(response.text.contains("OK"))
    }
    #expect(server.records.count == 1)
  }

  @Test(arguments: aliyun) func aWrongSecretIsNoticed(golden: Golden) throws {
    let clock = ManualClock(golden.time ?? ManualClock.golden)
    var account = golden.credentials
    account["access_key_secret", default: ""] += "x"
    let server = try sandbox(credentials: ["aliyun-sms": [account]], clock: clock)
    let response = try golden.replay(to: server)
    #expect(response.status == 400)
    #expect(response.text.contains("SignatureDoesNotMatch"))
    #expect(server.records.map(\.outcome) == [.credentials])
  }

  /// One character of the query, of the body and of each signed header in turn.
  @Test(arguments: aliyun) func nothingThatIsSignedCanBeChanged(golden: Golden) throws {
    let clock = ManualClock(golden.time ?? ManualClock.golden)
    var mutants: [Golden] = []
    var mutant = golden
    mutant.target = golden.target.replacing("TemplateCode=S", with: "TemplateCode=T")
      .replacing("RegionId=cn-", with: "RegionId=us-").replacing("PhoneNumber=1", with: "PhoneNumber=2")
    mutants.append(mutant)
    if !golden.body.isEmpty {
      mutant = golden
      mutant.body = golden.body.replacing("13800138000", with: "13800138001")
      mutants.append(mutant)
    }
    let signed =
      golden.headers.first { $0.name == "Authorization" }?.value.split(separator: ",")
      .first { $0.hasPrefix("SignedHeaders=") }?.dropFirst(14).split(separator: ";").map(String.init) ?? []
    for header in signed where header != "x-acs-date" {
      mutant = golden
      guard let index = golden.headers.firstIndex(where: { $0.name.lowercased() == header }) else { continue }
      mutant.headers[index].value += "0"
      mutants.append(mutant)
    }
    for mutant in mutants {
      let server = try sandbox(credentials: ["aliyun-sms": [golden.credentials]], clock: clock)
      let response = try mutant.replay(to: server)
      #expect(response.text.contains("SignatureDoesNotMatch"), "\(mutant.target) \(mutant.headers)")
    }
  }

  @Test(arguments: twilio) func everyRequestOfTwiliosClientIsAnsweredAsTwilioDoes(golden: Golden) throws {
    let account = [
      "account_sid": golden.credentials["account_sid"] ?? "", "auth_token": golden.credentials["password"] ?? "",
    ]
    let server = try sandbox(credentials: ["twilio": [account]])
    let response = try golden.replay(to: server)
    let expected = golden.fixture["response_fed_to_sdk"] ?? .null
    // Nothing was sent before, so there is nothing to fetch here.
    if golden.name == "fetch_by_sid" {
      #expect(response.json["code"] == 20404)
      return
    }
    #expect(response.status == expected["status"]?.int)
    let like = try WireJSON(parsing: expected["body"]?.string ?? "")
    #expect(Self.names(response.json) == Self.names(like))
    if response.status == 400 { #expect(response.json == like) }
  }

  @Test(arguments: twilio) func aWrongTokenIsNoticed(golden: Golden) throws {
    let account = ["account_sid": golden.credentials["account_sid"] ?? "", "auth_token": "another"]
    let server = try sandbox(credentials: ["twilio": [account]])
    let response = try golden.replay(to: server)
    #expect(response.status == 401)
    #expect(response.json["code"] == 20003)
    #expect(server.records.map(\.outcome) == [.credentials])
  }

  @Test(arguments: wxpusher) func everyRequestOfWxPushersClientsIsAnsweredAsWxPusherDoes(golden: Golden) throws {
    let token = "AT_dummyAppToken0000000000000000000"
    let server = try sandbox(credentials: ["wxpusher": [["app_token": token]]])
    let response = try golden.replay(to: server)
    #expect(response.status == 200)
    let record = try #require(server.records.first)
    if golden.name == "wxpusher-query-legacy-status" {
      #expect(record.outcome == .lookup)
      return
    }
    #expect(response.json["code"] == 1000)
    let like = try WireJSON(parsing: golden.fixture["response"]?["text"]?.string ?? "")
    guard like["code"] == 1000 else { return }
    #expect(Self.names(response.json) == Self.names(like))
    #expect(Self.names(response.json["data"]?.array?.first) == Self.names(like["data"]?.array?.first))
    #expect(!record.content.text.contains(token))
  }

  private static func names(_ value: WireJSON?) -> Set<String> {
    guard case .object(let members)? = value else { return [] }
    return Set(members.map(\.name))
  }
}
