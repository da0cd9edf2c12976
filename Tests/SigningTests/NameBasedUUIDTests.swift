import Testing

@testable import Signing

@Suite struct NameBasedUUIDTests {
  /// The name space of domain names and an example from RFC 9562, appendix A.4.
  @Test func itIsTheStandardsExample() {
    let domains: [UInt8] = [
      0x6B, 0xA7, 0xB8, 0x10, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8,
    ]
    #expect(NameBasedUUID.text("www.example.com", in: domains) == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
    #expect(NameBasedUUID.text("www.example.org", in: domains) != NameBasedUUID.text("www.example.com", in: domains))
  }
}
