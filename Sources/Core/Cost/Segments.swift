/// How many parts a short message's text is carried in, and billed as.
package enum Segments {
  /// GSM 03.38's seven bits where they suffice: 160 in one part, 153 in each of several, as their headers take room. Any
  /// other sign makes it UCS-2: 70 and 67, counted in UTF-16 units. An escaped sign, and a pair of surrogates, stay in
  /// one part.
  package static func gsm(_ text: String) -> Int {
    var sizes: [Int] = []
    sizes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let size = size(scalar) else { return ucs2(text) }
      sizes.append(size)
    }
    return parts(sizes, single: 160, each: 153)
  }

  /// Whether the text can go in seven bits a sign.
  package static func isGSM(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { size($0) != nil } }

  /// 70 in one part, 67 in each of several, whatever the signs are: what Chinese carriers bill for numbers of their own.
  package static func ucs2(_ text: String) -> Int {
    parts(text.unicodeScalars.map { UTF16.width($0) }, single: 70, each: 67)
  }

  /// A text of which only the length is known: signature and parameters.
  package static func ucs2(units: Int) -> Int { units <= 70 ? 1 : (units + 66) / 67 }

  private static func parts(_ sizes: [Int], single: Int, each: Int) -> Int {
    if sizes.reduce(0, +) <= single { return 1 }
    var (parts, used) = (1, 0)
    for size in sizes {
      if used + size > each { (parts, used) = (parts + 1, 0) }
      used += size
    }
    return parts
  }

  /// Septets; nil for what is not in the alphabet.
  private static func size(_ scalar: Unicode.Scalar) -> Int? {
    switch scalar.value {
    case 0x41...0x5A, 0x61...0x7A, 0x30...0x39: 1
    default: basic.contains(scalar) ? 1 : extended.contains(scalar) ? 2 : nil
    }
  }

  /// 3GPP TS 23.038, its basic alphabet, without letters and digits.
  private static let basic = Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà".unicodeScalars)

  /// Its extension: behind an escape, which counts too.
  private static let extended = Set("\u{0C}^{}\\[~]|€".unicodeScalars)
}
