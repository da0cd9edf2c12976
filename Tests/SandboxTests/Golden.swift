import Foundation
import Synchronization
import Testing

@testable import Sandbox

/// A clock that stands still until it is told otherwise.
final class ManualClock: Sendable {
  private let seconds: Mutex<Double>

  /// 2024-05-20T08:30:15Z, when the golden requests were made.
  static let golden = 1_716_193_815.0

  init(_ unix: Double = golden) { seconds = Mutex(unix) }

  var now: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
  func advance(_ by: Double) { seconds.withLock { $0 += by } }
}

/// A request that a vendor's own client or signer made, from Fixtures/<provider>/<case>.json.
struct Golden: CustomTestStringConvertible {
  var name: String
  var method: String
  var target: String
  var headers: [FormPair]
  var body: String
  var credentials: [String: String]
  /// Seconds since 1970, where the case pins them.
  var time: Double?
  var fixture: WireJSON

  var testDescription: String { name }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static func all(_ provider: String) -> [Golden] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: provider).path)) ?? []
    return files.sorted().compactMap { try? Golden(provider, $0) }
  }

  static func named(_ provider: String, _ name: String) throws -> Golden { try Golden(provider, name + ".json") }

  private init(_ provider: String, _ file: String) throws {
    let data = try Data(contentsOf: Self.folder.appending(path: provider).appending(path: file))
    fixture = try WireJSON(parsing: Array(data))
    let request = fixture["request"] ?? .null
    name = String(file.dropLast(5))
    method = request["method"]?.string ?? ""
    target = request["path"]?.string ?? ""
    if case .object(let pairs)? = request["headers"] {
      headers = pairs.map { FormPair($0.name, $0.value.string ?? "") }
    } else {
      headers = (request["headers"]?.array ?? []).compactMap { pair in
        pair.strings.map { FormPair($0[0], $0[1]) }
      }
    }
    body = request["body"]?.string ?? request["body"]?["text"]?.string ?? ""
    credentials = [:]
    if case .object(let members)? = fixture["credentials"] {
      for member in members { credentials[member.name] = member.value.string }
    }
    time = fixture["fixed_time"]?.string.flatMap { WireTime.unix(iso8601: $0) }.map(Double.init)
  }

  func replay(to server: SandboxServer) throws -> Response {
    try server.response(method, target, headers: headers, body: Array(body.utf8))
  }
}
