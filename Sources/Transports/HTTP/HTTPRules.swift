import Core

/// What a request must be like before libcurl sees it, and how its headers are written for libcurl.
enum HTTPRules {
  /// What is wrong with it, as the end of a sentence. The URL itself is never quoted: paths and queries hold keys.
  static func problem(withURL url: String) -> String? {
    let lowered = url.prefix(8).lowercased()
    guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else {
      return "the URL does not begin with http:// or https://"
    }
    if peer(of: url).isEmpty { return "the URL names no host" }
    // libcurl would leave out a fragment and mend some of the others. What goes out is what the provider wrote.
    if !url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) {
      return "the URL has a space, a control character, a '#' or a character that must be percent-encoded"
    }
    return nil
  }

  /// - Parameter isForm: the body is multipart/form-data, whose boundary only the transport knows.
  static func problem(withHeaders headers: [HTTPHeader], isForm: Bool = false) -> String? {
    for header in headers {
      guard !header.name.isEmpty, header.name.utf8.allSatisfy(isToken) else {
        return "a header's name is empty or has a character that no name may have"
      }
      if framing.contains(where: { isSame($0, header.name) }) || (isForm && isSame("Content-Type", header.name)) {
        return "the header \(header.name) is the transport's own"
      }
      if !header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
        return "the value of the header \(header.name) has a control character"
      }
    }
    return nil
  }

  /// Byte by byte: for Swift's `==`, two spellings of an accented letter are equal, for a signature they are not.
  static func areIdentical(_ some: [HTTPHeader], _ others: [HTTPHeader]) -> Bool {
    some.elementsEqual(others) {
      $0.name.hasSameBytes(as: $1.name) && $0.value.hasSameBytes(as: $1.value)
    }
  }

  /// In libcurl's notation: `Name: value`, `Name;` for an empty value, `Name:` to leave out one of libcurl's own.
  static func lines(for headers: [HTTPHeader], isForm: Bool = false) -> [String] {
    let own = (isForm ? ["Accept"] : ["Accept", "Content-Type"]).filter { name in
      !headers.contains { isSame($0.name, name) }
    }
    return headers.map { header in
      header.value.utf8.allSatisfy { $0 == 0x20 } ? header.name + ";" : header.name + ": " + header.value
    } + own.map { $0 + ":" } + ["Expect:"]
  }

  /// Host and port as written in the URL, without user, path and query: all that a message may say of it.
  static func peer(of url: String) -> String {
    let rest = url.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst(3)
    let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
    let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[authority.index(after: $0)...] } ?? authority
    return String(decoding: host, as: UTF8.self)
  }

  /// They say where a message ends or what becomes of the connection. A second opinion on that is request smuggling.
  private static let framing = ["content-length", "transfer-encoding", "connection", "expect"]

  private static func isSame(_ name: String, _ other: String) -> Bool {
    name.utf8.count == other.utf8.count && zip(name.utf8, other.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
  }

  /// RFC 9110, section 5.6.2.
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "^")...0x7A: true
    case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "|"), UInt8(ascii: "~"): true
    default: false
    }
  }
}
