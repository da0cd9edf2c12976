import Digests
import Testing

private func repeated(_ byte: UInt8, _ count: Int) -> [UInt8] { Array(repeating: byte, count: count) }

@Suite struct DigestsTests {
  /// FIPS 180-4's examples.
  @Test(arguments: [
    (
      "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
    (
      "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    ),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func digestsAreThoseOfTheStandard(text: String, sha1: String, sha256: String) {
    #expect(Digest.sha1.of(text.utf8).hex == sha1)
    #expect(Digest.sha256.of(text.utf8).hex == sha256)
  }

  @Test func aMillionBytesAreDigestedToo() {
    #expect(Digest.sha1.of(repeated(0x61, 1_000_000)).hex == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  }

  /// RFC 2202 (SHA-1) and RFC 4231 (SHA-256).
  @Test func keyedDigestsAreThoseOfTheStandards() {
    #expect(
      Digest.sha1.hmac(key: repeated(0x0B, 20), "Hi There".utf8).hex == "b617318655057264e28bc0b6fb378c8ef146be00")
    #expect(
      Digest.sha1.hmac(key: "Jefe".utf8, "what do ya want for nothing?".utf8).hex
        == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
    #expect(
      Digest.sha1.hmac(
        key: repeated(0xAA, 80), "Test Using Larger Than Block-Size Key - Hash Key First".utf8
      ).hex == "aa4ae5e15272d00e95705637ce8a3b55ed402112")
    #expect(
      Digest.sha256.hmac(key: repeated(0x0B, 20), "Hi There".utf8).hex
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      Digest.sha256.hmac(key: repeated(0xAA, 20), repeated(0xDD, 50)).hex
        == "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
    #expect(
      Digest.sha256.hmac(
        key: repeated(0xAA, 131), "Test Using Larger Than Block-Size Key - Hash Key First".utf8
      ).hex == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test func anEmptyKeyIsAKey() {
    #expect(Digest.sha1.hmac(key: [], "".utf8).hex == "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")
    #expect(
      Digest.sha256.hmac(key: [], "".utf8).hex == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func hexadecimalIsLowerCaseAndTwoDigitsEach() {
    #expect(([0x00, 0x0F, 0xA0, 0xFF] as [UInt8]).hex == "000fa0ff")
    #expect(([] as [UInt8]).hex == "")
  }
}
