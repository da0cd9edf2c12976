import Core
import Domains
import Glibc

/// What this machine calls itself to mail servers (RFC 5321, section 4.1.4): a full name, or the literal of an address.
/// Many servers refuse a bare `host`, and everybody's mail with it.
enum LocalName {
  /// Looked for once: a name that no file of this machine has is asked for in DNS.
  static let greeting = greeting(for: [hostName, canonicalName(of: hostName)], addresses: addresses)

  static func greeting(for names: [String], addresses: [String]) -> String {
    let full = names.compactMap { try? Domain($0) }.first { name in
      name.isQualified && !["localhost", "localdomain"].contains { name.text.pieces(at: ".").contains($0) }
    }
    if let full { return full.text }
    // IPv4 first, as some servers know nothing else.
    let address = addresses.first { !$0.holds(":") } ?? addresses.first ?? "127.0.0.1"
    return address.holds(":") ? "[IPv6:\(address)]" : "[\(address)]"
  }

  /// libcurl takes the name from the URL's path, where the configuration may have put one.
  static func url(_ url: String, greeting: @autoclosure () -> String) -> String {
    let parts = url.pieces(at: "/")
    guard parts.count >= 3, parts.dropFirst(3).allSatisfy(\.isEmpty) else { return url }
    return parts.prefix(3).joined(separator: "/") + "/" + greeting().replacing(["[": "%5B", "]": "%5D"])
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    return gethostname(&name, name.count - 1) == 0 ? text(name) : ""
  }

  private static func canonicalName(of host: String) -> String {
    if host.isEmpty || host.holds(".") { return "" }
    var hints = addrinfo()
    hints.ai_flags = AI_CANONNAME
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &found) == 0 else { return "" }
    defer { freeaddrinfo(found) }
    return found?.pointee.ai_canonname.map { String(cString: $0) } ?? ""
  }

  /// Of this machine's interfaces, without those that nobody else can reach.
  private static var addresses: [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var addresses: [String] = []
    var next = first
    while let interface = next?.pointee {
      next = interface.ifa_next
      let flags = Int(interface.ifa_flags)
      guard flags & Int(IFF_UP) != 0, flags & Int(IFF_LOOPBACK) == 0,
        let address = interface.ifa_addr, let text = text(of: address)
      else { continue }
      addresses.append(text)
    }
    return addresses
  }

  /// Nil for what is no address of IP, or one of the link alone.
  private static func text(of address: UnsafePointer<sockaddr>) -> String? {
    let size: Int
    switch Int32(address.pointee.sa_family) {
    case AF_INET: size = MemoryLayout<sockaddr_in>.size
    case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
    default: return nil
    }
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(address, socklen_t(size), &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else {
      return nil
    }
    let text = text(name)
    return text.holds("%") ? nil : text
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
