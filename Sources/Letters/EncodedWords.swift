import Core

/// RFC 2047: `=?UTF-8?q?J=C3=B6rg?=` in a header.
enum EncodedWords {
  private struct Word {
    var charset: String
    var bytes: [UInt8]
  }

  static func text(_ raw: [UInt8]) -> String {
    var text = ""
    // Words that follow each other in one charset are decoded together: programs part them within a sign.
    var open: Word?
    var plain: [UInt8] = []
    var rest = raw[...]
    func close() -> String {
      defer { open = nil }
      return open.map { Charset.text($0.bytes, $0.charset) } ?? ""
    }
    while !rest.isEmpty {
      guard let (word, behind) = word(rest) else {
        plain.append(rest.removeFirst())
        continue
      }
      // Blanks between two encoded words are none (RFC 2047, section 6.2).
      let isBetween = open != nil && plain.allSatisfy { [0x20, 0x09, 0x0D, 0x0A].contains($0) }
      if !isBetween {
        text += close() + Charset.text(plain, nil)
      } else if open?.charset != word.charset {
        text += close()
      }
      open = Word(charset: word.charset, bytes: (open?.bytes ?? []) + word.bytes)
      plain = []
      rest = behind
    }
    return text + close() + Charset.text(plain, nil)
  }

  /// The encoded word in front, decoded, and what follows it.
  private static func word(_ bytes: ArraySlice<UInt8>) -> (Word, behind: ArraySlice<UInt8>)? {
    guard bytes.starts(with: "=?".utf8) else { return nil }
    let inner = bytes.dropFirst(2)
    guard let charsetEnd = inner.firstIndex(of: UInt8(ascii: "?")), charsetEnd > inner.startIndex,
      charsetEnd + 2 < inner.endIndex, inner[charsetEnd + 2] == UInt8(ascii: "?")
    else { return nil }
    let charset = inner[inner.startIndex..<charsetEnd]
    guard charset.count < 80, charset.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    // 75 bytes are allowed in all; nobody searches a megabyte for the end of one, again and again.
    let data = inner[(charsetEnd + 3)...].prefix(2000)
    guard let end = data.indices.first(where: { data[$0] == UInt8(ascii: "?") && data[$0...].starts(with: "?=".utf8) })
    else { return nil }
    let encoded = data[data.startIndex..<end]
    let bytes: [UInt8]
    switch inner[charsetEnd + 1] | 0x20 {
    case UInt8(ascii: "q"):
      bytes = TransferCoding.quotedPrintable(encoded.map { $0 == UInt8(ascii: "_") ? 0x20 : $0 }[...])
    case UInt8(ascii: "b"): bytes = TransferCoding.base64(encoded)
    default: return nil
    }
    return (Word(charset: String(decoding: charset, as: UTF8.self).lowercased(), bytes: bytes), inner[(end + 2)...])
  }
}

/// How a part's bytes were made safe to travel (RFC 2045, section 6). Reading is lenient: what is not in the form stays.
enum TransferCoding {
  static func decode(_ bytes: ArraySlice<UInt8>, _ name: String?) -> [UInt8] {
    switch name?.lowercased() {
    case "quoted-printable": quotedPrintable(bytes)
    case "base64": base64(bytes)
    default: Array(bytes)
    }
  }

  static func quotedPrintable(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "=") else {
        decoded.append(byte)
        continue
      }
      if rest.count >= 2, let high = digit(rest[rest.startIndex]), let low = digit(rest[rest.startIndex + 1]) {
        decoded.append(high << 4 | low)
        rest = rest.dropFirst(2)
        continue
      }
      // A soft line break, with the blanks that gateways add before it.
      let behind = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if behind.first == 0x0A {
        rest = behind.dropFirst()
      } else if behind.isEmpty {
        rest = behind
      } else {
        decoded.append(byte)
      }
    }
    return decoded
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x61 + 10
    default: nil
    }
  }

  static func base64(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    var (value, bits): (UInt32, UInt32) = (0, 0)
    for byte in bytes {
      let six: UInt32
      switch byte {
      case 0x41...0x5A: six = UInt32(byte - 0x41)
      case 0x61...0x7A: six = UInt32(byte - 0x61) + 26
      case 0x30...0x39: six = UInt32(byte - 0x30) + 52
      case UInt8(ascii: "+"): six = 62
      case UInt8(ascii: "/"): six = 63
      case UInt8(ascii: "="): return decoded
      default: continue
      }
      value = value << 6 | six
      bits += 6
      if bits >= 8 {
        bits -= 8
        decoded.append(UInt8(truncatingIfNeeded: value >> bits))
      }
    }
    return decoded
  }
}
