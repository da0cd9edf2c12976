import Core
import Foundation
import TestSupport
import Testing

/// A recorded request and the answer it got, from either form of golden file in Tests/Fixtures.
struct GoldenCase: CustomTestStringConvertible {
  var name: String
  var root: Value
  var input: Value
  var credentials: Value?
  var method: String
  var path: String
  var query: [[String]]
  var headers: [String: String]
  var form: [[String]]
  var json: Value?
  var response: HTTPResponse?

  var testDescription: String { name }

  var mediaType: String? {
    headers["content-type"].map { String($0.prefix { $0 != ";" }).lowercased() }
  }

  init?(_ root: Value) {
    guard let name = (root["name"] ?? root["case"])?.string, let input = root["input"], let request = root["request"],
      let method = request["method"]?.string, let target = request["path"]?.string
    else { return nil }
    self.name = name
    self.root = root
    self.input = input
    self.method = method
    credentials = root["credentials"]
    path = String(target.prefix { $0 != "?" })
    query =
      request["query"].map(Self.pairs) ?? WireRequest.pairs(String(target.dropFirst(path.utf8.count + 1)))
    headers = Dictionary(
      Self.pairs(request["headers"] ?? .null).map { ($0[0].lowercased(), $0[1]) },
      uniquingKeysWith: { first, _ in first })
    form = Self.pairs(root["request_decoded"]?["form"] ?? request["body"]?["form"] ?? .null)
    json = root["request_decoded"]?["json"] ?? request["body"]?["json"]
    response = Self.response(root["response"] ?? root["response_fed_to_sdk"])
  }

  private static func pairs(_ value: Value) -> [[String]] {
    if let members = value.object { return members.map { [$0.key, $0.value.string ?? ""] } }
    return (value.array ?? []).compactMap(\.strings)
  }

  /// The answers of all exchanges, where the client made several requests.
  var responses: [HTTPResponse] { (root["exchanges"]?.array ?? []).compactMap { Self.response($0["response"]) } }

  private static func response(_ value: Value?) -> HTTPResponse? {
    guard let value, let status = value["status"]?.number,
      let text = (value["text"] ?? value["body"])?.string
    else { return nil }
    let headers = pairs(value["headers"] ?? .null).map { HTTPHeader($0[0].lowercased(), $0[1]) }
    return HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
  }

  static func folder(_ folder: String) -> URL { Repository.file("Tests/Fixtures/\(folder)") }

  /// One file as it is, for those that record no request.
  static func file(_ name: String, in folder: String) -> Value? {
    (try? Data(contentsOf: self.folder(folder).appending(path: "\(name).json"))).flatMap(Value.init)
  }

  /// The cases in a folder of Fixtures whose names the filter takes.
  static func load(_ folder: String, where matches: (String) -> Bool = { _ in true }) -> [GoldenCase] {
    let fixtures = self.folder(folder)
    let files = (try? FileManager.default.contentsOfDirectory(at: fixtures, includingPropertiesForKeys: nil)) ?? []
    return files.sorted { $0.path < $1.path }
      .compactMap { (try? Data(contentsOf: $0)).flatMap(Value.init).flatMap(GoldenCase.init) }
      .filter { matches($0.name) }
  }

  static func named(_ name: String, in folder: String) -> GoldenCase? {
    load(folder) { $0 == name }.first
  }
}

/// What differs in meaning between our request and a recorded one; empty when nothing does.
/// - Parameter ours: names of parameters that only one side has for a reason the caller knows.
func differences(_ wire: WireRequest, _ golden: GoldenCase, ignoring: Set<String> = []) -> [String] {
  var found: [String] = []
  func compare(_ what: String, _ one: some Equatable, _ other: some Equatable) {
    if "\(one)" != "\(other)" { found.append("\(what): ours \(one), recorded \(other)") }
  }
  func kept(_ pairs: [[String]]) -> [[String]] {
    pairs.filter { !ignoring.contains($0[0]) }.sorted { $0.lexicographicallyPrecedes($1) }
  }
  compare("method", wire.http.method.rawValue, golden.method)
  compare("path", wire.path, golden.path)
  compare("query", kept(wire.query), kept(golden.query))
  if !wire.http.body.isEmpty || golden.json != nil || !golden.form.isEmpty {
    compare("media type", wire.mediaType ?? "none", golden.mediaType ?? "none")
  }
  if let json = golden.json {
    if wire.json?.withoutEmptyMembers != json.withoutEmptyMembers {
      found.append("JSON: ours \(String(describing: wire.json)), recorded \(json)")
    }
  } else {
    compare("form", kept(wire.form), kept(golden.form))
  }
  return found
}

/// The same for services that take their fields as JSON, as a form or in the query alike: only the fields' names and
/// values are compared. Fields named in `ignoring` are one client's own.
func fieldDifferences(_ wire: WireRequest, _ golden: GoldenCase, ignoring: Set<String> = []) -> [String] {
  let ours = wire.fields.filter { !ignoring.contains($0.key) }
  var recorded: [String: String] = [:]
  for pair in golden.query + golden.form { recorded[pair[0], default: ""] += pair[1] }
  for (name, value) in golden.json?.withoutEmptyMembers.object ?? [:] { recorded[name] = value.plain }
  recorded = recorded.filter { !ignoring.contains($0.key) }
  var found: [String] = []
  if wire.path != golden.path { found.append("path: ours \(wire.path), recorded \(golden.path)") }
  for name in Set(ours.keys).union(recorded.keys).sorted() where ours[name] != recorded[name] {
    found.append("\(name): ours \(ours[name] ?? "absent"), recorded \(recorded[name] ?? "absent")")
  }
  return found
}
