import CCrypto

/// AES-128 in ECB mode with PKCS#7 padding: how a service stores files under a key that goes along with the message.
/// Equal blocks look equal, so it is no way to keep a secret; it is what that service speaks.
package enum AES128 {
  package static let keyBytes = 16
  package static let blockBytes = 16

  /// How long `count` bytes become: one byte of padding at least.
  package static func paddedCount(_ count: Int) -> Int { (count / blockBytes + 1) * blockBytes }

  /// Nil when the key has not 16 bytes.
  package static func encrypted(_ bytes: some Sequence<UInt8>, key: [UInt8]) -> [UInt8]? {
    run(Array(bytes), key, encrypts: true)
  }

  /// Nil when the key has not 16 bytes, or when these bytes were not encrypted under it.
  package static func decrypted(_ bytes: some Sequence<UInt8>, key: [UInt8]) -> [UInt8]? {
    run(Array(bytes), key, encrypts: false)
  }

  private static func run(_ input: [UInt8], _ key: [UInt8], encrypts: Bool) -> [UInt8]? {
    // libcrypto counts in 32 bits.
    guard key.count == keyBytes, input.count <= Int(Int32.max) - blockBytes, let context = EVP_CIPHER_CTX_new() else {
      return nil
    }
    defer { EVP_CIPHER_CTX_free(context) }
    guard EVP_CipherInit_ex(context, EVP_aes_128_ecb(), nil, key, nil, encrypts ? 1 : 0) == 1 else { return nil }
    var worked = false
    let output = [UInt8](unsafeUninitializedCapacity: input.count + blockBytes) { buffer, count in
      // The base address of a buffer with capacity is never nil.
      let start = buffer.baseAddress.unsafelyUnwrapped
      var written: Int32 = 0
      var rest: Int32 = 0
      guard EVP_CipherUpdate(context, start, &written, input, Int32(input.count)) == 1,
        EVP_CipherFinal_ex(context, start + Int(written), &rest) == 1
      else { return }
      worked = true
      count = Int(written + rest)
    }
    return worked ? output : nil
  }
}
