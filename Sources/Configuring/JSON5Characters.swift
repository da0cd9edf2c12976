import Core

// What JSON5 takes the characters of a text for.
extension Unicode.Scalar {
  /// Value of a hexadecimal digit.
  var hexadecimal: UInt32? {
    switch self {
    case "0"..."9": value - 0x30
    case "a"..."f": value - 0x61 + 10
    case "A"..."F": value - 0x41 + 10
    default: nil
    }
  }

  var endsLine: Bool { self == "\n" || self == "\r" || self == "\u{2028}" || self == "\u{2029}" }

  var isSpaceOfJSON5: Bool {
    switch self {
    case " ", "\t", "\u{B}", "\u{C}", "\u{A0}", "\u{FEFF}": true
    default: endsLine || (value > 0xFF && properties.generalCategory == .spaceSeparator)
    }
  }

  /// What a key without quotes may begin with (ECMAScript 5.1, section 7.6).
  var isLetterOfKeys: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber: true
    default: self == "$" || self == "_"
    }
  }

  var isFurtherInKeys: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: true
    default: self == "\u{200C}" || self == "\u{200D}"
    }
  }

  /// As a fault shows it: visible, and without a say in how the line around it looks.
  var shown: String {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator,
      .nonspacingMark, .spacingMark, .enclosingMark:
      if self == " " { return "\" \"" }
      let digits = String(value, radix: 16, uppercase: true)
      return "U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
    default: return JSON.string(String(self)).text
    }
  }
}
