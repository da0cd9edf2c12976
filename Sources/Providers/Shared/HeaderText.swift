import Core
import Signing

/// Text in a mail's header (RFC 2047): as it stands where that is plain, else in encoded words. What comes out is folded
/// at its spaces by the transport, so that no line is longer than the 76 columns that encoded words may have (RFC 2047,
/// section 2).
enum HeaderText {
  private static let line = 76

  /// A text that no reader takes for something else, that folds, and that comes out as it went in.
  /// - Parameter header: its name, which stands before the text in the first line.
  static func unstructured(_ text: String, in header: String) -> String {
    if text.isEmpty { return "" }
    let room = line - header.utf8.count - ": ".utf8.count
    let words = text.pieces(at: " ")
    let isPlain =
      text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
      && words.allSatisfy { !$0.isEmpty && $0.utf8.count < line } && words[0].utf8.count <= room
    return isPlain ? text : encodedWords(text, firstOf: room)
  }

  /// A name before an address (RFC 5322, section 3.2.5): a phrase, in quotes where it has to be.
  static func phrase(_ text: String, in header: String) -> String {
    let isAtoms = text.utf8.allSatisfy { byte in
      byte.isLetterOrDigit || " !#$%&'*+-/^_`{|}~".utf8.contains(byte)
    }
    let unstructured = unstructured(text, in: header)
    guard unstructured.hasSameBytes(as: text), !isAtoms else { return unstructured }
    let quoted = "\"" + text.replacing(["\\": "\\\\", "\"": "\\\""]) + "\""
    let room = line - header.utf8.count - ": ".utf8.count
    return quoted.utf8.count <= room ? quoted : encodedWords(text, firstOf: room)
  }

  /// At most 75 characters a word, split between characters (RFC 2047, sections 2 and 5); the first may have less room.
  private static func encodedWords(_ text: String, firstOf room: Int) -> String {
    var words: [String] = []
    var piece: [UInt8] = []
    for scalar in text.unicodeScalars {
      // Three bytes are four characters of base64; `=?utf-8?B?` and `?=` are 12 more.
      let limit = (min(words.isEmpty ? room : line - 1, line - 1) - 12) / 4 * 3
      let bytes = Array(String(scalar).utf8)
      if piece.count + bytes.count > limit {
        words.append("=?utf-8?B?\(piece.base64)?=")
        piece = []
      }
      piece += bytes
    }
    words.append("=?utf-8?B?\(piece.base64)?=")
    return words.joined(separator: " ")
  }
}
