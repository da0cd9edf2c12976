import Core
import Foundation

/// One of our requests as its receiver would read it. Written without the product's encoders, so that a misreading in
/// these shows.
struct WireRequest {
  var http: HTTPRequest
  var host: String
  var path: String
  var query: [[String]]

  init(_ exchange: Exchange) {
    guard case .http(let http) = exchange else { preconditionFailure("not an HTTP request") }
    self.init(http)
  }

  init(_ http: HTTPRequest) {
    self.http = http
    let rest = http.url.drop { $0 != ":" }.dropFirst(3)
    host = String(rest.prefix { $0 != "/" })
    let target = rest.dropFirst(host.count)
    path = String(target.prefix { $0 != "?" })
    query = WireRequest.pairs(String(target.dropFirst(path.count + 1)))
  }

  /// Percent-decodes pairs, strictly: an unescaped character that has a meaning of its own shows as a broken pair.
  static func pairs(_ text: String) -> [[String]] {
    guard !text.isEmpty else { return [] }
    return text.components(separatedBy: "&").map { pair in
      pair.components(separatedBy: "=").map {
        $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? "not UTF-8"
      }
    }
  }

  func header(_ name: String) -> String? {
    http.headers.first { $0.name.lowercased() == name }?.value
  }

  var mediaType: String? {
    header("content-type").map { String($0.prefix { $0 != ";" }).lowercased() }
  }

  var form: [[String]] { WireRequest.pairs(String(decoding: http.body, as: UTF8.self)) }
  var json: Value? { Value(Data(http.body)) }

  /// All fields, wherever they are: query, form, parts, JSON.
  var fields: [String: String] {
    var fields: [String: String] = [:]
    for pair in query + (mediaType == "application/x-www-form-urlencoded" ? form : []) { fields[pair[0]] = pair[1] }
    for (name, value) in json?.withoutEmptyMembers.object ?? [:] { fields[name] = value.plain }
    for part in http.parts { fields[part.name] = part.text }
    return fields
  }

  func part(_ name: String) -> FormPart? { http.parts.first { $0.name == name } }

  func queryValue(_ name: String) -> String? { query.first { $0.first == name }?.last }
  func formValue(_ name: String) -> String? { form.first { $0.first == name }?.last }
}

/// Any JSON, decoded by Foundation.
enum Value: Decodable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([Value])
  case object([String: Value])

  init?(_ data: Data) {
    guard let value = try? JSONDecoder().decode(Value.self, from: data) else { return nil }
    self = value
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([Value].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: Value].self))
    }
  }

  subscript(name: String) -> Value? { if case .object(let members) = self { members[name] } else { nil } }
  var string: String? { if case .string(let value) = self { value } else { nil } }
  var number: Int? { if case .number(let value) = self { Int(exactly: value) } else { nil } }
  var array: [Value]? { if case .array(let value) = self { value } else { nil } }
  var strings: [String]? { array?.compactMap(\.string) }
  var object: [String: Value]? { if case .object(let value) = self { value } else { nil } }

  /// Without members that are null or empty: leaving these out means the same.
  var withoutEmptyMembers: Value {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { ![.null, .string(""), .array([]), .object([:])].contains($0.value) })
  }

  /// As it would be written in a form.
  var plain: String {
    switch self {
    case .null: ""
    case .boolean(let value): value ? "1" : "0"
    case .number(let value): Int(exactly: value).map(String.init) ?? String(value)
    case .string(let value): value
    case .array(let values): values.map(\.plain).joined(separator: ",")
    case .object(let members): members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.plain)" }.joined()
    }
  }
}

extension FormPart {
  /// The part's bytes as text; nil for files on the disk.
  var text: String? {
    guard case .bytes(let bytes) = source else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
