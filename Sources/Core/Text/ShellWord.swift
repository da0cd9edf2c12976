extension String {
  /// The text as one word of a shell's command line, for commands that are recommended: in quotes where it needs them.
  package var shellWord: String {
    // A shell takes a tilde in front for somebody's home; within a name it is just a sign (`NAME~2`).
    let isPlain = !isEmpty && utf8.first != UInt8(ascii: "~") && unicodeScalars.allSatisfy(String.isPlain)
    return isPlain ? self : "'" + replacing(["'": #"'\''"#]) + "'"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "@%+:,./_-~".unicodeScalars.contains(scalar)
  }
}
