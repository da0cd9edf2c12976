import Foundation
import TestSupport
import Testing

@testable import Signing

@Suite struct RobotSignatureTests {
  /// The recorded cases of a folder: what was signed with, and the signature in the query or in the body.
  private struct Case: Decodable {
    struct Input: Decodable { var secret: String? }
    struct Body: Decodable { var json: JSON? }
    struct JSON: Decodable {
      var timestamp: String?
      var sign: String?
    }
    struct Request: Decodable {
      var query: [[String]]?
      var body: Body
    }
    var input: Input
    var request: Request

    func query(_ name: String) -> String? { request.query?.first { $0.first == name }?.last }
  }

  private func cases(_ folder: String) throws -> [Case] {
    let fixtures = Repository.file("Tests/Fixtures/\(folder)")
    return try FileManager.default.contentsOfDirectory(at: fixtures, includingPropertiesForKeys: nil).map {
      try JSONDecoder().decode(Case.self, from: Data(contentsOf: $0))
    }
  }

  @Test func dingTalksIsTheRecordedOne() throws {
    let signed = try cases("dingtalk")
    #expect(signed.count == 2)
    for recorded in signed {
      let milliseconds = try #require(recorded.query("timestamp").flatMap { Int($0) })
      let sign = RobotSignature.dingTalk(milliseconds: milliseconds, secret: try #require(recorded.input.secret))
      // One client encoded it twice, a defect that its case names.
      #expect(sign == recorded.query("sign")?.removingPercentEncoding)
    }
  }

  @Test func feishusIsTheRecordedOne() throws {
    let signed = try cases("feishu").filter { $0.input.secret != nil }
    #expect(signed.count == 2)
    for recorded in signed {
      let seconds = try #require(recorded.request.body.json?.timestamp.flatMap { Int($0) })
      let sign = RobotSignature.feishu(seconds: seconds, secret: try #require(recorded.input.secret))
      #expect(sign == recorded.request.body.json?.sign)
    }
  }
}
