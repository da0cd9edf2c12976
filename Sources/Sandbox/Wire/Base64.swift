/// RFC 4648, with padding.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
      for place in 0..<4 {
        out.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static let values: [UInt8] = (0...255).map { byte in
    alphabet.firstIndex(of: UInt8(byte)).map(UInt8.init) ?? 255
  }

  /// Nil for what is no Base64 with padding.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let unpadded = text.prefix { $0 != UInt8(ascii: "=") }
    let padding = text.dropFirst(unpadded.count)
    guard padding.count <= 2, padding.allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(unpadded.count * 3 / 4)
    var bits = 0
    var waiting = 0
    for character in unpadded {
      let value = values[Int(character)]
      guard value < 64 else { return nil }
      bits = (bits << 6 | Int(value)) & 0xFFFF
      waiting += 6
      guard waiting >= 8 else { continue }
      waiting -= 8
      out.append(UInt8(bits >> waiting & 0xFF))
    }
    return out
  }
}
