import Core
import FoundationEssentials

/// What a provider answered, or a part of it, read as leniently as is safe: only what is JSON is evidence, and a text that
/// repeats a key is none, but a code that comes as `"1001"` today and `1001` tomorrow is the same code, and an answer is
/// not lost because a field that nobody needs changed its type.
struct JSONAnswer: Sendable {
  private let value: JSON

  private init(_ value: JSON) { self.value = value }

  /// Nil for what is no JSON object.
  init?(_ response: HTTPResponse) { self.init(bytes: response.body) }

  init?(bytes: [UInt8]) {
    guard let value = try? JSONScanner.value(of: Array(JSONAnswer.unmarked(bytes))), value.members != nil else {
      return nil
    }
    self.value = value
  }

  /// A member of an object; null is the same as absent.
  subscript(name: String) -> JSONAnswer? {
    guard let member = value[name], member != .null else { return nil }
    return JSONAnswer(member)
  }

  /// Itself, if it is an object.
  var object: JSONAnswer? { value.members == nil ? nil : self }

  /// The parts of a list.
  var list: [JSONAnswer]? { value.array?.map(JSONAnswer.init) }

  /// The parts of a list of objects; nil where one is something else, which is another list than the document has.
  var objects: [JSONAnswer]? {
    guard let list, list.allSatisfy({ $0.value.members != nil }) else { return nil }
    return list
  }

  /// A string or a number.
  var text: String? {
    switch value {
    case .string(let string): string
    case .number(let digits): JSONAnswer.integer(digits).map(String.init) ?? JSONAnswer.fraction(digits)
    case .null, .boolean, .array, .object: nil
    }
  }

  /// A number, or a string of digits.
  var integer: Int? {
    switch value {
    case .string(let string): Int(string)
    case .number(let digits): JSONAnswer.integer(digits)
    case .null, .boolean, .array, .object: nil
    }
  }

  var boolean: Bool? { value.boolean }

  /// Also of 1e3 and 1.0, which are numbers like any other.
  private static func integer(_ digits: String) -> Int? {
    Int(digits) ?? Double(digits).flatMap { Int(exactly: $0) }
  }

  private static func fraction(_ digits: String) -> String? {
    Double(digits).flatMap { $0.isFinite ? String($0) : nil }
  }

  // MARK: What is no JSON

  /// Whether a body that does not decode is the provider's own answer, damaged (empty, or beginning like JSON), rather
  /// than a page of some gateway before it.
  static func looksDamaged(_ body: [UInt8]) -> Bool {
    let text = unmarked(body)
    guard let first = text.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return true }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      return true
    default:
      return ["null", "true", "false"].contains { text.starts(with: $0.utf8) }
    }
  }

  /// Without a byte order mark at its start.
  private static func unmarked(_ body: [UInt8]) -> ArraySlice<UInt8> {
    body.starts(with: [0xEF, 0xBB, 0xBF]) ? body.dropFirst(3) : body[...]
  }
}
