import Core
import FoundationEssentials

/// Reading what providers answer. Only what decodes counts as evidence.
enum JSONAnswer {
  /// Safe to share: a decoder keeps no state between calls to `decode`, and nobody changes its settings.
  private static let decoder = JSONDecoder()

  /// As JSON: a tenth of a decoder's time, for what comes back for every message. Stricter, too: a text that repeats a key
  /// is no evidence.
  static func value(of response: HTTPResponse) -> JSON? {
    try? JSONScanner.value(of: Array(unmarked(response.body)))
  }

  /// Without a byte order mark at its start.
  private static func unmarked(_ body: [UInt8]) -> ArraySlice<UInt8> {
    body.starts(with: [0xEF, 0xBB, 0xBF]) ? body.dropFirst(3) : body[...]
  }

  static func decode<Wire: Decodable>(_ type: Wire.Type, from response: HTTPResponse) -> Wire? {
    // Only what is JSON gets to Foundation: brackets nested too deep, with rubbish behind them, crash its reader, and a key
    // of nothing but accents takes it hours.
    guard value(of: response) != nil else { return nil }
    return try? decoder.decode(type, from: Data(response.body))
  }

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
}

/// A string or a number, as text: a code that comes as `"1001"` today and `1001` tomorrow is the same code, and an
/// answer is not lost because a field nobody needs changed its type.
struct Loose: Decodable, Sendable, Equatable {
  let text: String?

  var integer: Int? { text.flatMap { Int($0) } }

  /// Nil for what is absent or null.
  init?(_ value: JSON?) {
    switch value {
    case nil, .null?: return nil
    case .string(let string)?: text = string
    case .number(let digits)?: text = LooseNumber.integer(digits).map(String.init) ?? Double(digits).map { String($0) }
    case .boolean?, .array?, .object?: text = nil
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let string = try? container.decode(String.self) {
      text = string
    } else if let number = try? container.decode(Int.self) {
      text = String(number)
    } else if let number = try? container.decode(Double.self) {
      text = String(number)
    } else {
      text = nil
    }
  }
}

/// The same where a number is what usually comes: a wrong guess costs more than all the rest of a field.
struct LooseNumber: Decodable, Sendable {
  let text: String?
  let integer: Int?

  /// Nil for what is absent or null.
  init?(_ value: JSON?) {
    guard let loose = Loose(value) else { return nil }
    text = loose.text
    integer = loose.integer
  }

  /// Also of 1e3 and 1.0, which are numbers like any other.
  static func integer(_ digits: String) -> Int? { Int(digits) ?? Double(digits).flatMap { Int(exactly: $0) } }

  init(from decoder: any Decoder) throws {
    if let number = try? decoder.singleValueContainer().decode(Int.self) {
      text = String(number)
      integer = number
    } else {
      let loose = try Loose(from: decoder)
      text = loose.text
      integer = loose.integer
    }
  }
}
