import CCrypto

/// Digests and keyed digests, the only use of libcrypto. Raw bytes in, raw bytes out; no state.
package enum Digest: Sendable {
  /// MD5 only where a service wants it to name a file by: it protects nothing.
  case md5, sha1, sha256

  private var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    }
  }

  /// The digest of `bytes`: 16 bytes for MD5, 20 for SHA-1, 32 for SHA-256.
  package func of(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let input = Array(bytes)
    return output { output, length in
      EVP_Digest(input, input.count, output, &length, algorithm, nil) == 1
    }
  }

  /// HMAC (RFC 2104) of `bytes` under `key`.
  package func hmac(key: some Sequence<UInt8>, _ bytes: some Sequence<UInt8>) -> [UInt8] {
    let key = Array(key)
    let input = Array(bytes)
    return output { output, length in
      HMAC(algorithm, key, Int32(key.count), input, input.count, output, &length) != nil
    }
  }

  private func output(_ compute: (UnsafeMutablePointer<UInt8>, inout UInt32) -> Bool) -> [UInt8] {
    let worked = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
      var length: UInt32 = 0
      // The base address of a buffer with capacity is never nil.
      count = compute(buffer.baseAddress.unsafelyUnwrapped, &length) ? Int(length) : 0
    }
    // Only a libcrypto without the digest, or out of memory, can fail; signing with nothing would be worse.
    precondition(!worked.isEmpty, "libcrypto cannot compute \(self)")
    return worked
  }
}

extension Sequence<UInt8> {
  /// Lower-case hexadecimal, as signatures want it.
  package var hex: String {
    var text: [UInt8] = []
    text.reserveCapacity(underestimatedCount * 2)
    for byte in self {
      text.append(hexDigit(byte >> 4))
      text.append(hexDigit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
