/// RFC 3986 percent-encoding: everything but letters, digits and `-_.~` is escaped, with upper-case digits.
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  private static let unreserved: [Bool] = (0...255).map { byte in
    switch UInt8(byte) {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  static func append(_ text: some Sequence<UInt8>, to out: inout [UInt8]) {
    for byte in text {
      if unreserved[Int(byte)] {
        out.append(byte)
      } else {
        out.append(UInt8(ascii: "%"))
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
      }
    }
  }

  static func text(_ text: String) -> String {
    var out: [UInt8] = []
    append(text.utf8, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  static func query(_ pairs: [FormPair]) -> String {
    String(decoding: queryBytes(pairs), as: UTF8.self)
  }

  static func queryBytes(_ pairs: [FormPair]) -> [UInt8] {
    var out: [UInt8] = []
    for (index, pair) in pairs.enumerated() {
      if index > 0 { out.append(UInt8(ascii: "&")) }
      append(pair.name.utf8, to: &out)
      out.append(UInt8(ascii: "="))
      append(pair.value.utf8, to: &out)
    }
    return out
  }
}
