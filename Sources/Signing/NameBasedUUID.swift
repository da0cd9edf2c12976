import Digests

/// UUIDs made from names, version 5 (RFC 9562, section 5.5): the same name always makes the same one.
package enum NameBasedUUID {
  /// - Parameter namespace: the 16 bytes of a UUID that keeps the names of one purpose apart from others.
  package static func text(_ name: String, in namespace: [UInt8]) -> String {
    var bytes = Array(Digest.sha1.of(namespace + Array(name.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x50
    bytes[8] = bytes[8] & 0x3F | 0x80
    let hex = Array(bytes.hex)
    return [hex[..<8], hex[8..<12], hex[12..<16], hex[16..<20], hex[20...]].map { String($0) }.joined(separator: "-")
  }
}
