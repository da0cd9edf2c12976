import Foundation
import TestSupport
import Testing

@testable import Signing

/// A recorded request with its signature.
struct SignedCase: Decodable, CustomTestStringConvertible {
  var name: String
  var credentials: [String: String]
  var request: Request
  var requestDecoded: Decoded?
  var intermediate: [String: String]?

  struct Request: Decodable {
    var method: String
    var path: String
    var headers: [String: String]
    var body: String
  }

  struct Decoded: Decodable {
    var query: [[String]]?
  }

  enum CodingKeys: String, CodingKey {
    case name, credentials, request, intermediate
    case requestDecoded = "request_decoded"
  }

  var testDescription: String { name }
  var secret: String { credentials["access_key_secret"] ?? "" }
  var authorization: String? { request.headers["Authorization"] }

  /// What is in the target's query, decoded as a form: a plus is a space.
  var query: [Pair] {
    guard let mark = request.path.firstIndex(of: "?") else { return [] }
    return request.path[request.path.index(after: mark)...].split(separator: "&").map { pair in
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
      }
      return Pair(sides[0], sides[1])
    }
  }

  /// The headers that the recorded signature covers, in no order.
  func signedHeaders() throws -> [Pair] {
    let list = try #require(
      authorization?.split(whereSeparator: { ", ".contains($0) }).first { $0.hasPrefix("Signed") })
    return try list.dropFirst("SignedHeaders=".count).split(separator: ";").map { name in
      let header = try #require(request.headers.first { $0.key.lowercased() == name })
      return Pair(header.key, header.value)
    }.shuffled()
  }

  var path: String { String(request.path.prefix { $0 != "?" }) }

  static func load(_ folder: String) -> [SignedCase] {
    let folder = Repository.file("Tests/Fixtures/\(folder)")
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.sorted { $0.path < $1.path }.compactMap { file in
      guard let data = try? Data(contentsOf: file) else { return nil }
      return try? JSONDecoder().decode(SignedCase.self, from: data)
    }
  }

  static let acs3 = load("aliyun").filter { $0.authorization?.hasPrefix("ACS3-HMAC-SHA256 ") == true }
}

@Suite struct GoldenSignatureTests {
  @Test func allCasesOfVersion3AreThere() {
    #expect(SignedCase.acs3.count == 11)
  }

  @Test(arguments: SignedCase.acs3)
  func theVersion3AuthorizationIsTheRecordedOne(_ recorded: SignedCase) throws {
    let authorization = try #require(recorded.authorization)
    let request = ACS3(
      method: recorded.request.method, path: recorded.path, query: recorded.query.shuffled(),
      headers: try recorded.signedHeaders(), bodyHash: ACS3.bodyHash(Array(recorded.request.body.utf8)))
    let intermediate = try #require(recorded.intermediate)
    #expect(request.canonicalRequest == intermediate["canonical_request"])
    #expect(request.stringToSign == intermediate["string_to_sign"])
    let keyID = try #require(recorded.credentials["access_key_id"])
    #expect(request.authorization(keyID: keyID, secret: recorded.secret) == authorization)
  }
}
