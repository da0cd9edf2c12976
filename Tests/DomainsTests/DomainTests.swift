import Domains
import Testing

@Suite struct DomainTests {
  @Test(arguments: [
    ("EXAMPLE.Com", "example.com"), ("ｅｘａｍｐｌｅ.com", "example.com"), ("bücher.example", "xn--bcher-kva.example"),
    ("bu\u{308}cher.example", "xn--bcher-kva.example"), ("BÜCHER.example", "xn--bcher-kva.example"),
    ("한국.example", "xn--3e0b707e.example"),
    ("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}.example", "xn--3e0b707e.example"),
    ("ﬁ.example", "fi.example"), ("①.example", "1.example"), ("m².example", "m2.example"),
    ("straße.example", "xn--strae-oqa.example"), ("क्षेत्र.example", "xn--11b4axb0a4f8ad.example"),
    ("ア・イ.example", "xn--ccke4x.example"), ("l·l.example", "xn--ll-0ea.example"), ("a。b", "a.b"),
    ("xn--BCHER-kva.example", "xn--bcher-kva.example"), ("a_b.example", "a_b.example"),
    ("r4---sn.example", "r4---sn.example"),
    ("localhost", "localhost"), ("почта.рф", "xn--80a1acny.xn--p1ai"), ("אב1.example", "xn--1-zhcd.example"),
    ("क्\u{200D}ष.com", "xn--11b2ezcw70k.com"),
  ])
  func oneNameHowEverItIsWritten(name: String, ascii: String) throws {
    #expect(try Domain(name).text == ascii)
  }

  @Test(arguments: [
    "", ".", "a..b", "a.b.", "-a.b", "a-.b", "a b.c", "a/b", "a\u{0}b", "ä\u{0}b.example", "☃.example", "💩.la",
    "a\u{202E}.b",
    "\u{200D}.com", "ä..b", "ab--cä.example", "／ä.com", "a\u{2024}b.ü", "\u{301}.example", "℀.com",
    String(repeating: "x", count: 64), String(repeating: "ü", count: 60), String(repeating: "x.", count: 130) + "y",
  ])
  func whatIsNoNameIsRefusedWithTheReason(name: String) {
    let problem = #expect(throws: DomainProblem.self) { try Domain(name) }
    #expect(problem?.text.isEmpty == false)
  }

  @Test func aNameOfOneLabelIsKnownAtHomeOnly() throws {
    #expect(try Domain("a.example").isQualified)
    #expect(try !Domain("vm").isQualified)
  }
}
