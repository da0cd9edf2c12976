/// A mail address in the form that servers take (RFC 5321, section 4.1.2; RFC 6531): `local@domain`, bare.
///
/// Nothing that could end a command or a header gets through: no blank, control character, quote or bracket but those
/// of an address literal. Quoted local parts are not taken; nobody has one.
struct MailAddress: Sendable, Hashable {
  let local: String
  /// In ASCII: labels in other scripts are `xn--` (RFC 3492), in lower case.
  let domain: String

  var text: String { "\(local)@\(domain)" }

  /// - Returns: nil with the reason in `problem`.
  init(_ text: some StringProtocol) throws(MailAddressProblem) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw MailAddressProblem("is no mail address: expected name@domain") }
    guard MailAddress.isLocal(parts[0]) else {
      throw MailAddressProblem("is no mail address: the part before @ is empty or has a character that is not allowed")
    }
    local = String(parts[0])
    domain = try MailAddress.domain(parts[1])
    guard local.utf8.count <= 64, domain.utf8.count <= 255, local.utf8.count + domain.utf8.count < 254 else {
      throw MailAddressProblem("is too long: at most 64 bytes before @, 255 behind it and 254 in all")
    }
  }

  /// A dot-atom (RFC 5321), where letters of any script count (RFC 6531, section 3.3).
  private static func isLocal(_ text: some StringProtocol) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
      !atom.isEmpty
        && atom.unicodeScalars.allSatisfy { scalar in
          if scalar.isASCII {
            return isLetterOrDigit(UInt8(scalar.value)) || "!#$%&'*+-/=?^_`{|}~".unicodeScalars.contains(scalar)
          }
          return isVisible(scalar)
        }
    }
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  // MARK: Domains

  private static func domain(_ text: some StringProtocol) throws(MailAddressProblem) -> String {
    if text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count > 2 {
      let literal = text.dropFirst().dropLast()
      guard literal.utf8.allSatisfy({ isLetterOrDigit($0) || ".:".utf8.contains($0) }) else {
        throw MailAddressProblem("is no mail address: between [ and ] an IP address is expected")
      }
      return String(text)
    }
    var labels: [String] = []
    for label in text.split(separator: ".", omittingEmptySubsequences: false) {
      labels.append(try self.label(label.lowercased()))
    }
    return labels.joined(separator: ".")
  }

  private static func label(_ text: String) throws(MailAddressProblem) -> String {
    let wire = text.utf8.allSatisfy { $0 < 0x80 } ? text : try international(text)
    guard !wire.isEmpty, wire.utf8.count <= 63,
      wire.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x5F }),
      !wire.hasPrefix("-"), !wire.hasSuffix("-")
    else { throw MailAddressProblem("is no mail address: the part behind @ is no domain name") }
    return wire
  }

  private static func international(_ text: String) throws(MailAddressProblem) -> String {
    for scalar in text.unicodeScalars where !scalar.isASCII {
      let properties = scalar.properties
      // Marks would have to be composed first (RFC 5891, section 4.1), which takes tables that are not here.
      guard properties.isAlphabetic || properties.numericType != nil,
        properties.canonicalCombiningClass == .notReordered
      else {
        throw MailAddressProblem(
          "has a domain with a character that cannot be converted here: write the domain in its xn-- form")
      }
    }
    return "xn--" + Punycode.encode(Array(text.unicodeScalars))
  }
}

struct MailAddressProblem: Error, Sendable, Hashable {
  /// "is no mail address: ..."
  var text: String
  init(_ text: String) { self.text = text }
}

/// RFC 3492, encoding only.
enum Punycode {
  static func encode(_ input: [Unicode.Scalar]) -> String {
    let basic = input.filter(\.isASCII)
    var output = String(String.UnicodeScalarView(basic))
    if !basic.isEmpty { output += "-" }
    var (code, delta, bias) = (128, 0, 72)
    var handled = basic.count
    while handled < input.count {
      // There is one: those that are not handled yet are at least `code`.
      let next = input.lazy.map { Int($0.value) }.filter { $0 >= code }.min() ?? code
      delta += (next - code) * (handled + 1)
      code = next
      for scalar in input {
        if scalar.value < code { delta += 1 }
        guard scalar.value == code else { continue }
        output += digits(of: delta, bias)
        bias = adapted(delta, points: handled + 1, isFirst: handled == basic.count)
        delta = 0
        handled += 1
      }
      delta += 1
      code += 1
    }
    return output
  }

  private static func digits(of number: Int, _ bias: Int) -> String {
    var text = ""
    var rest = number
    var k = 36
    while true {
      let threshold = min(max(k - bias, 1), 26)
      if rest < threshold { break }
      text += digit(threshold + (rest - threshold) % (36 - threshold))
      rest = (rest - threshold) / (36 - threshold)
      k += 36
    }
    return text + digit(rest)
  }

  private static func digit(_ value: Int) -> String {
    String(UnicodeScalar(UInt8(value < 26 ? value + 0x61 : value - 26 + 0x30)))
  }

  private static func adapted(_ delta: Int, points: Int, isFirst: Bool) -> Int {
    var delta = isFirst ? delta / 700 : delta / 2
    delta += delta / points
    var k = 0
    while delta > 455 {
      delta /= 35
      k += 36
    }
    return k + 36 * delta / (delta + 38)
  }
}
