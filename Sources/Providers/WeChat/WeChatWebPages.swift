import Core
import Signing

// What the page of the web protocol knows and says of itself. Section numbers are those of providers/wechat-web.md: it is
// section 2.

extension WeChatWeb {
  /// An id of the service's own, as it is written into a query: `=` stays.
  static func queryText(_ text: String) -> String {
    PercentEncoding.encode(text).replacing("%3D", with: "=")
  }

  /// Comes percent-encoded; what is not is made so.
  static func ticket(_ text: String) -> String {
    text.isToken(and: "-_.~%") ? text : PercentEncoding.encode(text)
  }

  /// `e` and 15 digits.
  static func device(_ nonce: String) -> String {
    let number = (UInt64(nonce.prefix(15), radix: 16) ?? 0) % 1_000_000_000_000_000
    let digits = String(number)
    return "e" + String(repeating: "0", count: 15 - digits.utf8.count) + digits
  }

  /// A constant of the vendor's client for UOS Linux, which nobody outside has taken apart. Without it
  /// accounts that are barred from the web are refused (1203).
  static let extspam =
    "Go8FCIkFEokFCggwMDAwMDAwMRAGGvAESySibk50w5Wb3uTl2c2h64jVVrV7gNs06GFlWplHQbY/5FfiO++1yH4ykCyNPWKXmco+"
    + "wfQzK5R98D3so7rJ5LmGFvBLjGceleySrc3SOf2Pc1gVehzJgODeS0lDL3/I/0S2SSE98YgKleq6Uqx6ndTy9yaL9qFxJL7eiA/R"
    + "3SEfTaW1SBoSITIu+EEkXff+Pv8NHOk7N57rcGk1w0ZzRrQDkXTOXFN2iHYIzAAZPIOY45Lsh+A4slpgnDiaOvRtlQYCt97nmPLu"
    + "TipOJ8Qc5pM7ZsOsAPPrCQL7nK0I7aPrFDF0q4ziUUKettzW8MrAaiVfmbD1/VkmLNVqqZVvBCtRblXb5FHmtS8FxnqCzYP4WFvz"
    + "3T0TcrOqwLX1M/DQvcHaGGw0B0y4bZMs7lVScGBFxMj3vbFi2SRKbKhaitxHfYHAOAa0X7/MSS0RNAjdwoyGHeOepXOKY+h3iHeq"
    + "CvgOH6LOifdHf/1aaZNwSkGotYnYScW8Yx63LnSwba7+hESrtPa/huRmB9KWvMCKbDThL/nne14hnL277EDCSocPu3rOSYjuB9gK"
    + "SOdVmWsj9Dxb/iZIe+S6AiG29Esm+/eUacSba0k8wn5HhHg9d4tIcixrxveflc8vi2/wNQGVFNsGO6tB5WF0xf/plngOvQ1/ivGV"
    + "/C1Qpdhzznh0ExAVJ6dwzNg7qIEBaw+BzTJTUuRcPk92Sn6QDn2Pu3mpONaEumacjW4w6ipPnPw+g2TfywJjeEcpSZaP4Q3YV5HG"
    + "8D6UjWA4GSkBKculWpdCMadx0usMomsSS/74QgpYqcPkmamB4nVv1JxczYITIqItIKjD35IGKAUwAA=="
}

/// Answers that are a page's script: `window.code=200; window.redirect_uri="...";`.
struct Script {
  private var values: [String: String] = [:]

  init(_ response: HTTPResponse) {
    let text = String(decoding: response.body.prefix(64 * 1_024), as: UTF8.self)
    for statement in Script.statements(text) {
      guard let (name, value) = statement.halves(at: "=") else { continue }
      values[ContactBook.trimmed(name)] = Script.unquoted(ContactBook.trimmed(value))
    }
  }

  /// The value given to a name, without its quotes.
  subscript(name: String) -> String? { values[name] }

  /// Semicolons in quotes end nothing.
  private static func statements(_ text: String) -> [String] {
    var statements: [String] = []
    var current: [UInt8] = []
    var quote: UInt8?
    for byte in text.utf8 {
      if byte == UInt8(ascii: ";"), quote == nil {
        statements.append(String(decoding: current, as: UTF8.self))
        current = []
        continue
      }
      current.append(byte)
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      }
    }
    return statements + [String(decoding: current, as: UTF8.self)]
  }

  private static func unquoted(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count > 1, let first = bytes.first, first == bytes.last,
      first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
    else { return text }
    return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
  }
}
