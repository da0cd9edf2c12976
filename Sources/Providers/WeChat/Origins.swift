import Core

/// Where the requests of personal WeChat's protocols go: to the hosts that they name, or all to the channel's `endpoint`
/// (wechat.md, section 1).
struct Origins: Sendable {
  /// Scheme, host, port and a path prefix; nil where the service's own hosts are meant.
  private let endpoint: String?

  init(_ settings: Settings) throws(SettingFault) {
    endpoint = settings.endpoint.isEmpty ? nil : try Endpoint(settings).base
  }

  /// An address of the service's, as it goes on the wire, and the header that tells a relay which host was meant.
  struct Address: Sendable, Hashable {
    var url: String
    var headers: [HTTPHeader]
  }

  /// - Parameter path: with its slash, and its query; percent-encoded.
  func address(_ host: String, _ path: String) -> Address {
    guard let endpoint else { return Address(url: "https://\(host)\(path)", headers: []) }
    return Address(url: endpoint + path, headers: [HTTPHeader("X-Forwarded-Host", host)])
  }

  /// An address that the service handed out, taken apart; nil for one that is not followed: without `endpoint` only https
  /// on qq.com, wechat.com and hosts below them is, on its own port.
  /// - Parameter text: an URL, or a host alone.
  func handedOut(_ text: String) -> (host: String, path: String)? {
    let lowered = text.prefix(8).lowercased()
    let scheme = ["https://", "http://"].first { lowered.hasPrefix($0) }
    let rest = Substring(text).utf8.dropFirst(scheme?.utf8.count ?? 0)
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let host = String(decoding: rest[..<end], as: UTF8.self).lowercased()
    var path = String(decoding: rest[end...], as: UTF8.self)
    if path.utf8.first != UInt8(ascii: "/") { path = "/" + path }
    guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
    let isName = host.isToken(1...Int.max, and: ".-:")
    if endpoint != nil { return isName ? (host, path) : nil }
    guard scheme != "http://", isName, !host.utf8.contains(UInt8(ascii: ":")), Origins.isKnown(host) else { return nil }
    return (host, path)
  }

  private static func isKnown(_ host: String) -> Bool {
    ["qq.com", "wechat.com"].contains { host == $0 || host.hasSuffix("." + $0) }
  }
}
