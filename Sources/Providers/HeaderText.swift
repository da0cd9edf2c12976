import Signing

/// Text in a mail's header (RFC 2047): as it stands where that is plain, else in encoded words.
enum HeaderText {
  /// A word that no reader takes for something else, that folds, and that comes out as it went in.
  static func unstructured(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?") && !text.contains("  ")
      && text.first != " " && text.last != " " && text.split(separator: " ").allSatisfy { $0.utf8.count <= 70 }
    return isPlain ? text : encodedWords(text)
  }

  /// A name before an address (RFC 5322, section 3.2.5): a phrase, in quotes where it has to be.
  static func phrase(_ text: String) -> String {
    let isAtoms = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || " !#$%&'*+-/^_`{|}~".utf8.contains(byte)
    }
    let unstructured = unstructured(text)
    guard unstructured == text else { return unstructured }
    if isAtoms { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// At most 75 characters a word, split between characters (RFC 2047, sections 2 and 5).
  private static func encodedWords(_ text: String) -> String {
    var words: [String] = []
    var piece: [UInt8] = []
    for scalar in text.unicodeScalars {
      let bytes = Array(String(scalar).utf8)
      // 45 bytes are 60 characters of base64; `=?utf-8?B?` and `?=` are 12 more.
      if piece.count + bytes.count > 45 {
        words.append("=?utf-8?B?\(piece.base64)?=")
        piece = []
      }
      piece += bytes
    }
    if !piece.isEmpty { words.append("=?utf-8?B?\(piece.base64)?=") }
    return words.joined(separator: " ")
  }
}
