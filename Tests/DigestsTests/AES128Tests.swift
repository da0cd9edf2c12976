import Testing

@testable import Digests

@Suite struct AES128Tests {
  private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
  }

  /// NIST SP 800-38A, F.1.1, whose blocks are followed by one of padding here.
  @Test func theStandardsOwnExampleComesOut() {
    let key = bytes("2b7e151628aed2a6abf7158809cf4f3c")
    let plain = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    let encrypted = AES128.encrypted(plain, key: key)
    #expect(encrypted?.prefix(32).hex == "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf")
    #expect(encrypted?.count == 48)
    #expect(AES128.decrypted(encrypted ?? [], key: key) == plain)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 100_000])
  func anyLengthComesBackAndIsAsLongAsForetold(count: Int) {
    let key = [UInt8](repeating: 7, count: 16)
    let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let encrypted = AES128.encrypted(plain, key: key) ?? []
    #expect(encrypted.count == AES128.paddedCount(count))
    #expect(AES128.decrypted(encrypted, key: key) == plain)
  }

  @Test func whatWasNotEncryptedSoIsRefused() {
    let key = [UInt8](repeating: 7, count: 16)
    #expect(AES128.encrypted([1], key: [1, 2, 3]) == nil)
    #expect(AES128.decrypted([1, 2, 3], key: key) == nil)
    #expect(AES128.decrypted([], key: key) == nil)
    let encrypted = AES128.encrypted([1, 2, 3], key: key) ?? []
    #expect(AES128.decrypted(encrypted, key: [UInt8](repeating: 8, count: 16)) == nil)
  }
}
