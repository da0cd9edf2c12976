import Core

/// Where a provider's requests go: the channel's `endpoint`, taken apart.
struct Endpoint: Sendable {
  /// Scheme, host, port and path prefix; the provider's own path is put behind it.
  let base: String
  /// As the `Host` header says it: without the scheme's default port. Some signatures cover it.
  let host: String
  /// The path prefix, percent-encoded; empty or starting with a slash, never ending in one.
  let path: String

  /// Strict, because what is signed must be exactly what is sent: nothing the transport could rewrite gets through.
  init(_ settings: Settings) throws(SettingFault) {
    let text = settings.endpoint
    guard let scheme = ["https://", "http://"].first(where: { text.lowercased().hasPrefix($0) }) else {
      throw SettingFault("endpoint", "must start with https:// or http://")
    }
    let rest = text.dropFirst(scheme.count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    host = try Endpoint.host(rest[..<slash].lowercased(), defaultPort: scheme == "https://" ? "443" : "80")
    path = try Endpoint.path(rest[slash...])
    base = scheme + host + path
  }

  private static func host(_ authority: String, defaultPort: String) throws(SettingFault) -> String {
    var name = authority[...]
    var port: Substring?
    let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[bracket...].lastIndex(of: ":") {
      name = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    let isIPv6 = name.hasPrefix("[") && name.hasSuffix("]")
    guard !name.isEmpty,
      name.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || (isIPv6 && "[:]".utf8.contains($0)) })
    else { throw SettingFault("endpoint", "has no plain host name: expected scheme://host[:port][/path]") }
    guard let port else { return String(name) }
    guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port), (1...65_535).contains(number)
    else { throw SettingFault("endpoint", "has a port that is no number from 1 to 65535") }
    return String(number) == defaultPort ? String(name) : "\(name):\(number)"
  }

  private static func path(_ text: Substring) throws(SettingFault) -> String {
    let segments = text.split(separator: "/")
    let allowed = segments.allSatisfy { segment in
      segment != "." && segment != ".."
        && segment.utf8.allSatisfy { isWord($0) || ".~!$&'()*+,;=:@%".utf8.contains($0) }
    }
    guard allowed else {
      throw SettingFault("endpoint", "has a path with . or .., a query, or characters that must be percent-encoded")
    }
    return segments.map { "/\($0)" }.joined()
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
