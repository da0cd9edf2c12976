import Foundation
import Testing

@testable import Signing

@Suite struct PercentEncodingTests {
  @Test func everythingButTheUnreservedIsEncodedByByte() {
    #expect(PercentEncoding.encode("AZaz09-_.~") == "AZaz09-_.~")
    #expect(PercentEncoding.encode(" +*/;'&=%?#") == "%20%2B%2A%2F%3B%27%26%3D%25%3F%23")
    #expect(PercentEncoding.encode("阿🚀\u{2028}\0\r\n") == "%E9%98%BF%F0%9F%9A%80%E2%80%A8%00%0D%0A")
  }

  @Test func anyTextDecodesToItself() {
    for text in ["", "a b", "\u{0}\u{1F}\u{7F}", "👩‍💻 ✅ 3′20″", "%41+%zz", "é vs e\u{301}"] {
      #expect(
        PercentEncoding.encode(text).removingPercentEncoding?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
    }
  }

  @Test func emptyValuesKeepTheirEqualsSign() {
    #expect(PercentEncoding.encode([Pair("a", ""), Pair("b c", "&")]) == "a=&b%20c=%26")
    #expect(PercentEncoding.encode([Pair]()) == "")
  }

  @Test func namesAreSortedByTheirBytesBeforeEncoding() {
    let names = ["b", "a~", "a-", "a b", "ab", "a", "B", "é", "_"].map { Pair($0, "") }.sortedByName.map(\.name)
    #expect(names == ["B", "_", "a", "a b", "a-", "ab", "a~", "b", "é"])
  }
}

@Suite struct ACS3Tests {
  @Test func headersAreLowerCasedTrimmedAndSorted() {
    let request = ACS3(
      method: "GET", path: "/p/", query: [],
      headers: [Pair("X-Acs-Date", " \tnow "), Pair("Host", "h:1"), Pair("x-acs-action", "")], bodyHash: "00")
    #expect(
      request.canonicalRequest == "GET\n/p/\n\nhost:h:1\nx-acs-action:\nx-acs-date:now\n\n\(request.signedHeaders)\n00")
    #expect(request.signedHeaders == "host;x-acs-action;x-acs-date")
  }

  @Test func anEmptyBodyHasTheWellKnownHash() {
    #expect(ACS3.bodyHash([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
