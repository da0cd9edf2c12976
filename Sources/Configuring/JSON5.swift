import Core
import FoundationEssentials

extension ConfigurationReader {
  /// The file's JSON5 as a value; Foundation reads it.
  static func tree(_ path: String, _ bytes: [UInt8]) throws(ConfigurationFault) -> JSON {
    // Foundation traps on a key without quotes that is no UTF-8.
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw ConfigurationFault("", "\(path) is not JSON5: it is not UTF-8 text")
    }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    do {
      // Foundation traps on a number that ends with the text and fits no integer: it looks at the byte behind it.
      return try decoder.decode(Tree.self, from: Data(bytes + [UInt8(ascii: "\n")])).value
    } catch DecodingError.dataCorrupted(let context) {
      throw ConfigurationFault("", "\(path) is not JSON5: \(reason(context))")
    } catch {
      throw ConfigurationFault("", "\(path) is not JSON5 that msgspool understands")
    }
  }

  /// Foundation's own words: the innermost say line and column.
  private static func reason(_ context: DecodingError.Context) -> String {
    guard let inner = context.underlyingError else { return context.debugDescription }
    let text = String(describing: inner)
    guard
      let start = text.firstRange(of: "NSDebugDescription=")?.upperBound
        ?? text.firstRange(of: "message: \"")?.upperBound
    else {
      return context.debugDescription
    }
    return String(text[start...].prefix { $0 != "\"" && $0 != "}" && $0 != "\n" })
  }

  /// Any JSON, decoded without knowing its shape.
  private struct Tree: Decodable {
    var value: JSON

    private struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      if let object = try? decoder.container(keyedBy: Key.self) {
        let keys = object.allKeys.sorted { $0.stringValue < $1.stringValue }
        value = .object(try keys.map { JSON.Member($0.stringValue, try object.decode(Tree.self, forKey: $0).value) })
        return
      }
      if var array = try? decoder.unkeyedContainer() {
        var values: [JSON] = []
        while !array.isAtEnd { values.append(try array.decode(Tree.self).value) }
        value = .array(values)
        return
      }
      let single = try decoder.singleValueContainer()
      if single.decodeNil() {
        value = .null
      } else if let flag = try? single.decode(Bool.self) {
        value = .boolean(flag)
      } else if let number = try? single.decode(Int.self) {
        value = .integer(number)
      } else if let number = try? single.decode(Double.self) {
        value = .number(String(number))
      } else {
        value = .string(try single.decode(String.self))
      }
    }
  }
}
