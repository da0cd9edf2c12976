import Core
import Testing

/// Amounts are exact, whatever is added to them.
@Suite struct MoneyTests {
  @Test(arguments: [
    ("0.045", 45_000), ("50", 50_000_000), ("0", 0), ("1.000001", 1_000_001), ("4.5e-2", 45_000),
    ("1E3", 1_000_000_000),
    (".5", 500_000), ("5.", 5_000_000), ("0.0450000000", 45_000), ("999999999.999999", 999_999_999_999_999),
    ("0e5", 0), ("00012", 12_000_000),
  ])
  func aDecimalIsReadToTheMillionth(text: String, micros: Int) { #expect(Money(text)?.micros == micros) }

  @Test(arguments: [
    "", ".", "-1", "+1", "1e", "0x10", "Infinity", "NaN", "1.0000001", "1000000000", "1e-7", "1,5", "1e99",
  ])
  func anythingElseIsNoAmount(text: String) { #expect(Money(text) == nil) }

  @Test func itIsShownWithAllItsDecimalsAndTwoAtLeast() {
    #expect(Money("0.045")?.text == "0.045" && Money("50")?.text == "50.00" && Money("1.000001")?.text == "1.000001")
    #expect(Money.zero.text == "0.00" && Money(micros: -1_500_000).text == "-1.50")
  }

  @Test func tenTimesATenthIsOne() throws {
    let tenth = try #require(Money("0.1"))
    #expect((0..<10).reduce(Money.zero) { sum, _ in sum + tenth } == Money("1"))
    #expect(tenth * 10 == Money("1") && Money(micros: .max) + tenth == Money(micros: .max))
  }
}

/// Parts of a short message, at every edge (3GPP TS 23.038 and 23.040).
@Suite struct SegmentsTests {
  private func of(_ sign: String, _ count: Int) -> String { String(repeating: sign, count: count) }

  @Test(arguments: [(0, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)])
  func sevenBits(count: Int, parts: Int) { #expect(Segments.gsm(of("a", count)) == parts) }

  @Test(arguments: [(0, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)])
  func anySign(count: Int, parts: Int) {
    #expect(Segments.gsm(of("验", count)) == parts)
    #expect(Segments.ucs2(of("a", count)) == parts && Segments.ucs2(of("验", count)) == parts)
  }

  @Test func oneSignBeyondTheAlphabetChangesTheWholeText() {
    #expect(Segments.gsm(of("a", 160)) == 1 && Segments.gsm(of("a", 159) + "ç") == 3)
    // Typographers' quotes and dashes do, which nobody sees.
    #expect(Segments.gsm(of("a", 100) + "“") == 2 && Segments.gsm(of("a", 100) + "–") == 2)
  }

  @Test func theAlphabetsExtensionCountsTwice() {
    #expect(Segments.gsm(of("€", 80)) == 1 && Segments.gsm(of("€", 80) + "a") == 2)
    for sign in "^{}\\[~]|€\u{0C}" { #expect(Segments.gsm(of("a", 159) + String(sign)) == 2) }
    for sign in "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà" {
      #expect(Segments.gsm(of("a", 159) + String(sign)) == 1)
    }
  }

  @Test func anEscapedSignIsNotCutInTwo() {
    // 152 septets and an escaped sign: it begins the second part.
    #expect(Segments.gsm(of("a", 152) + "€" + of("a", 151)) == 2)
    #expect(Segments.gsm(of("a", 152) + "€" + of("a", 152)) == 3)
  }

  @Test func aSignOfTwoUnitsCountsTwiceAndIsNotCut() {
    #expect(Segments.ucs2(of("😀", 35)) == 1 && Segments.ucs2(of("😀", 36)) == 2)
    #expect(Segments.ucs2(of("😀", 66)) == 2 && Segments.ucs2(of("😀", 67)) == 3)
  }
}
