import Foundation
import Synchronization
import TestSupport
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

/// A request that a vendor's own client or signer made, from Tests/Fixtures/<provider>/<case>.json.
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

  /// The account that the far side knows, where it is not the client's: `"sandbox": {"account": {...}}`.
  var account: [String: String]? {
    guard case .object(let members)? = fixture["sandbox"]?["account"] else { return nil }
    return Dictionary(members.map { ($0.name, $0.value.string ?? "") }) { $1 }
  }

  /// What must go wrong there so that the answer is the recorded one: `"sandbox": {"faults": [...]}`.
  var faults: [String]? { fixture["sandbox"]?["faults"]?.array?.compactMap(\.string) }

  private static let folder = Repository.file("Tests/Fixtures")

  static func all(_ provider: String) -> [Golden] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: provider).path)) ?? []
    return files.sorted().compactMap { try? Golden(provider, $0) }
  }

  static func named(_ provider: String, _ name: String) throws -> Golden { try Golden(provider, name + ".json") }

  private init(_ provider: String, _ file: String) throws {
    let data = try Data(contentsOf: Self.folder.appending(path: provider).appending(path: file))
    let fixture = try WireJSON(parsing: Array(data))
    self.init(name: String(file.dropLast(5)), fixture: fixture, request: fixture["request"] ?? .null)
  }

  private init(name: String, fixture: WireJSON, request: WireJSON) {
    self.name = name
    self.fixture = fixture
    method = request["method"]?.string ?? ""
    // Push clients' captures have the query in the URL only.
    if let url = request["url"]?.string, let scheme = url.firstRange(of: "://") {
      target = String(url[scheme.upperBound...].drop { $0 != "/" })
    } else {
      target = request["path"]?.string ?? ""
    }
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
    if fixture["case"] != nil { time = Self.pushTime }
  }

  /// When the push clients' requests were made: 2023-11-14T22:13:20Z.
  static let pushTime = 1_700_000_000.0

  /// Every request of a case in order, with the answer that its client was given.
  var exchanges: [(request: Golden, answer: Response?)] {
    guard let all = fixture["exchanges"]?.array else {
      return [(self, Self.answer(fixture["response"] ?? fixture["response_fed_to_sdk"]))]
    }
    return all.map { exchange in
      let request = exchange["request"] ?? .null
      let own = request["same_as"] == nil ? Golden(name: name, fixture: fixture, request: request) : self
      return (own, Self.answer(exchange["response"]))
    }
  }

  private static func answer(_ recorded: WireJSON?) -> Response? {
    guard let recorded, let status = recorded["status"]?.int else { return nil }
    let text = recorded["text"]?.string ?? recorded["body"]?.string ?? ""
    return Response(status: status, headers: [], body: Array(text.utf8))
  }

  func replay(to server: SandboxServer) throws -> Response {
    try server.response(method, target, headers: headers, body: Array(body.utf8))
  }
}
