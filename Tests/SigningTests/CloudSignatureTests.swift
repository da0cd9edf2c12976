import Core
import Foundation
import TestSupport
import Testing

@testable import Signing

@Suite struct HuaweiSignatureTests {
  static let signed = SignedCase.load("huawei")

  @Test func allSignedCasesAreThere() {
    #expect(Self.signed.count == 10)
  }

  @Test(arguments: signed)
  func theAuthorizationIsTheRecordedOne(_ recorded: SignedCase) throws {
    let headers = try recorded.signedHeaders()
    let isUnsigned = headers.contains { $0.value == SDKHMAC.unsignedPayload }
    let request = SDKHMAC(
      method: recorded.request.method, path: recorded.path, query: recorded.query.shuffled(), headers: headers,
      bodyHash: isUnsigned ? SDKHMAC.unsignedPayload : CanonicalRequest.bodyHash(Array(recorded.request.body.utf8)),
      date: try #require(recorded.request.headers["X-Sdk-Date"]))
    let intermediate = try #require(recorded.intermediate)
    #expect(request.canonicalRequest == intermediate["canonical_request"])
    #expect(request.stringToSign == intermediate["string_to_sign"])
    let key = try #require(recorded.credentials["app_key"])
    let secret = try #require(recorded.credentials["app_secret"])
    #expect(request.authorization(key: key, secret: secret) == recorded.authorization)
  }

  struct Token: Decodable {
    var credentials: [String: String]
    var input: [String: String]
    var expected: [String: String]
  }

  @Test(arguments: ["wsse_basic", "wsse_lowercase_nonce"])
  func theTokenIsTheDocumentedOne(_ name: String) throws {
    let file = Repository.file("Tests/Fixtures/huawei/\(name).json")
    let token = try JSONDecoder().decode(Token.self, from: Data(contentsOf: file))
    let secret = try #require(token.credentials["app_secret"])
    let nonce = try #require(token.input["nonce"])
    let created = try #require(token.input["created"])
    #expect(
      WSSE.passwordDigest(secret: secret, nonce: nonce, created: created) == token.expected["password_digest"])
    let key = try #require(token.credentials["app_key"])
    let header = WSSE.token(username: key, secret: secret, nonce: nonce, created: created)
    #expect(header == token.expected["X-WSSE"])
    #expect(WSSE.authorization == token.expected["Authorization"])
  }
}

@Suite struct TC3Tests {
  static let signed = SignedCase.load("tencent")

  @Test func allSignedCasesAreThere() {
    #expect(Self.signed.count == 5)
  }

  @Test(arguments: signed)
  func theAuthorizationIsTheRecordedOne(_ recorded: SignedCase) throws {
    let timestamp = try #require(recorded.request.headers["X-TC-Timestamp"].flatMap { Int($0) })
    let day = CivilTime(Date(timeIntervalSince1970: Double(timestamp))).isoDay
    let request = TC3(
      method: recorded.request.method, path: recorded.path, headers: try recorded.signedHeaders(),
      body: Array(recorded.request.body.utf8), timestamp: timestamp, day: day, service: "sms")
    let intermediate = try #require(recorded.intermediate)
    #expect(request.canonicalRequest == intermediate["canonical_request"])
    #expect(request.stringToSign == intermediate["string_to_sign"])
    let keyID = try #require(recorded.credentials["secret_id"])
    let secret = try #require(recorded.credentials["secret_key"])
    #expect(
      request.signingKey(secret: secret).map { String(format: "%02x", $0) }.joined() == intermediate["signing_key_hex"])
    #expect(request.signature(secret: secret) == intermediate["signature"])
    #expect(request.authorization(keyID: keyID, secret: secret) == recorded.authorization)
  }

  @Test func theDayIsThatOfUTC() {
    let eve = Date(timeIntervalSince1970: 1_735_689_599)  // 2024-12-31T23:59:59Z
    #expect(CivilTime(eve).isoDay == "2024-12-31" && CivilTime(eve).compactStamp == "20241231T235959Z")
    #expect(CivilTime(eve.addingTimeInterval(1)).isoDay == "2025-01-01")
  }
}
