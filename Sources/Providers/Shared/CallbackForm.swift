import Core
import FoundationEssentials
import Signing

/// A form (application/x-www-form-urlencoded) that a service posted to a callback, decoded.
struct CallbackForm {
  let pairs: [Pair]

  /// Nil for what is no form: a byte that none holds, a broken escape, or no UTF-8.
  init?(_ said: [UInt8]) {
    // What an editor or `echo` put behind it is no part of it.
    let body = said[...(said.lastIndex { $0 != 0x0A && $0 != 0x0D } ?? -1)]
    guard !body.isEmpty, body.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), body.contains(UInt8(ascii: "=")),
      body.first != UInt8(ascii: "{"), body.first != UInt8(ascii: "[")
    else { return nil }
    var pairs: [Pair] = []
    for part in body.split(separator: UInt8(ascii: "&")) {
      let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = CallbackForm.decoded(halves[0]),
        let value = CallbackForm.decoded(halves.count > 1 ? halves[1] : [])
      else { return nil }
      pairs.append(Pair(name, value))
    }
    self.pairs = pairs
  }

  /// Nil where it is absent; the first where there are several.
  subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

  private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(0x20)
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// Reading what services say of receipts, as JSON that keeps what it says: unlike in other answers (`JSONAnswer`) a number is
/// its own text, as an id is.
enum CallbackJSON {
  /// Nil for what is no JSON.
  static func value(of response: HTTPResponse) -> JSON? { try? JSONScanner.value(of: response.body) }

  /// The entries of an array, or the one object; nil for anything else.
  static func objects(_ value: JSON?) -> [JSON]? {
    guard let value else { return nil }
    if value.members != nil { return [value] }
    return value.array
  }

  /// Ids are text, never numbers: a JSON number is its own text, zeros and all. Nil for what is absent or empty.
  static func text(_ value: JSON?) -> String? {
    switch value {
    case .string(let text)? where !text.isEmpty: text
    case .number(let digits)?: digits
    default: nil
    }
  }
}

extension ReceiptReading {
  /// What a question's answer holds. Nil where there is nothing to read, and then it is said here why: a pause or trouble;
  /// neither, where the service knows the message no more, as nobody tells what became of it.
  mutating func value(of response: HTTPResponse, pause: Double, at now: Date) -> JSON? {
    switch response.status {
    case 429: self.pause = RetryAfter.seconds(in: response, now: now) ?? pause
    case 404: break
    default:
      if response.status == 200, let value = CallbackJSON.value(of: response) { return value }
      trouble = "HTTP \(response.status)"
    }
    return nil
  }
}
