/// Texts as the web protocol writes them: HTML escapes, `<br/>` for line breaks, and spans for pictures of faces.
enum WeChatText {
  static func encoded(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\n": out += "<br/>"
      case _ where isEmoji(scalar): out += "<span class=\"emoji emoji\(String(scalar.value, radix: 16))\"></span>"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// Those that the service draws itself.
  private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool { 0x1F300...0x1F64F ~= scalar.value }

  /// The text of the first element of this name, with XML's escapes undone; nil when there is none. For flat documents of
  /// which the name is known to occur once.
  static func element(_ name: String, in xml: String) -> String? {
    guard let start = xml.firstRange(of: "<\(name)>"), let end = xml[start.upperBound...].firstRange(of: "</\(name)>")
    else { return nil }
    return unescaped(String(xml[start.upperBound..<end.lowerBound]))
  }

  private static func unescaped(_ text: String) -> String {
    var out = text
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'")] {
      out = out.replacing(entity, with: character)
    }
    return out.replacing("&amp;", with: "&")
  }
}
