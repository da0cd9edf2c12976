import FoundationEssentials

/// Times as the files and the commands write them: RFC 3339, UTC, milliseconds.
package enum RFC3339 {
  private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
  private static let wholeSeconds = Date.ISO8601FormatStyle(includingFractionalSeconds: false)

  package static func string(_ date: Date) -> String {
    style.format(date)
  }

  /// Nil for what is no RFC 3339 time: date and time with `Z` or an offset; fractions and lower case allowed.
  package static func date(_ text: String) -> Date? {
    var text = text.uppercased()
    guard text.utf8.count >= 20 else { return nil }
    let separator = text.index(text.startIndex, offsetBy: 10)
    // RFC 3339, section 5.6: a space may stand for the T.
    if text[separator] == " " { text.replaceSubrange(separator...separator, with: "T") }
    let style = text.contains(".") ? style : wholeSeconds
    return try? style.parse(text)
  }
}
