import Core
import FoundationEssentials

/// What a provider answered, or a part of it, read as leniently as is safe: only what is JSON is evidence, and a text that
/// repeats a key is none, but a code that comes as `"1001"` today and `1001` tomorrow is the same code, and an answer is
/// not lost because a field that nobody needs changed its type.
struct JSONAnswer: Sendable {
  private let value: JSONText.Value

  private init(_ value: JSONText.Value) { self.value = value }

  /// Nil for what is no JSON object.
  init?(_ response: HTTPResponse) { self.init(bytes: response.body) }

  init?(bytes: [UInt8]) {
    guard let text = try? JSONText(bytes, from: JSONAnswer.unmarked(bytes).startIndex), text.root.isObject else {
      return nil
    }
    value = text.root
  }

  /// A member of an object; null is the same as absent.
  subscript(name: String) -> JSONAnswer? {
    guard let member = value[name], !member.isNull else { return nil }
    return JSONAnswer(member)
  }

  /// Itself, if it is an object.
  var object: JSONAnswer? { value.isObject ? self : nil }

  /// The parts of a list.
  var list: [JSONAnswer]? { value.array?.map(JSONAnswer.init) }

  /// The parts of a list of objects; nil where one is something else, which is another list than the document has.
  var objects: [JSONAnswer]? {
    guard let list, list.allSatisfy({ $0.value.isObject }) else { return nil }
    return list
  }

  /// A string or a number.
  var text: String? {
    value.string ?? value.digits.flatMap { JSONAnswer.isPlain($0) ? $0 : JSONAnswer.plain($0) }
  }

  /// What an integer's digits are but for those of 1e3, 1.0 and -0.
  private static func isPlain(_ digits: String) -> Bool {
    digits.utf8.count < 19 && digits.utf8.allSatisfy { $0 &- 0x30 < 10 }
  }

  private static func plain(_ digits: String) -> String? { integer(digits).map(String.init) ?? fraction(digits) }

  /// A number, or a string of digits.
  var integer: Int? { value.string.map { Int($0) } ?? value.digits.flatMap(JSONAnswer.integer) }

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

extension [JSONAnswer] {
  /// The part of an answer that is about each recipient of the call, found by the name it gives; of two about one the
  /// first. Mostly each stands where its recipient stands in the call: a table is made only from the first on that doesn't.
  func matched(to call: Call, by name: (JSONAnswer) -> String?) -> [JSONAnswer?] {
    var matched: [JSONAnswer?] = []
    matched.reserveCapacity(call.recipients.count)
    for (element, recipient) in zip(self, call.recipients) {
      guard name(element)?.hasSameBytes(as: recipient.target.wire) == true else { break }
      matched.append(element)
    }
    if matched.count == call.recipients.count { return matched }
    var named: [Verbatim: JSONAnswer] = [:]
    for element in self {
      if let name = name(element).map(Verbatim.init(_:)), named[name] == nil { named[name] = element }
    }
    return matched + call.recipients[matched.count...].map { named[Verbatim($0.target.wire)] }
  }
}
