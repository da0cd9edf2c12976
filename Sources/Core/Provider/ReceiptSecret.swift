extension ReceiptDrop {
  /// Whether the secret is part of the URL that was called: one of the path's pieces or of the query's values, as it stands
  /// there or with its escapes read (`/`, `&`, `?`, `#` and `%` have to be escaped in a URL).
  package func carries(_ secret: String) -> Bool {
    let parts = [url, query].compactMap { $0 }.joined(separator: "?").utf8
    let pieces = parts.split { "/?&#".utf8.contains($0) }.flatMap { piece -> [Substring.UTF8View] in
      // A query's value is what follows the name, signs of equality and all: base64 ends with them.
      let value = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return value.count > 1 ? [piece] + value : [piece]
    }
    // Every piece is compared to its end, so that time tells nothing of how much of a guess was right.
    return pieces.reduce(false) { found, piece in
      let isSecret = ReceiptDrop.isSame(Array(piece), secret)
      let isEscapedSecret = ReceiptDrop.isSame(ReceiptDrop.unescaped(piece), secret)
      return isSecret || isEscapedSecret || found
    }
  }

  private static func isSame(_ piece: [UInt8], _ secret: String) -> Bool {
    var difference: UInt8 = piece.count == secret.utf8.count ? 0 : 1
    for (one, other) in zip(piece, secret.utf8) { difference |= one ^ other }
    return difference == 0
  }

  /// With `%41` read; a broken escape stays as it is.
  private static func unescaped(_ piece: Substring.UTF8View) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = piece[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      guard byte == UInt8(ascii: "%"), digits.count == 2,
        digits.allSatisfy({ $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 6 }),
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      else {
        bytes.append(byte)
        continue
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
