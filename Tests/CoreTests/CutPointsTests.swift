import Core
import Testing

/// Where texts are cut: never within what their format takes as one, and with what is open closed and opened again.
@Suite struct CutPointsTests {
  /// Every way to part the text in two, as `one|other`.
  private func cuts(_ text: String, _ format: Message.Format, from rank: CutPoints.Rank = .character) -> [String] {
    let cuts = CutPoints(text, format)
    return cuts.points.filter { $0.rank >= rank }.map { point in
      let rest = String(decoding: Array(text.utf8)[point.next...], as: UTF8.self)
      return "\(cuts.piece(at: point))|\(cuts.opening(at: point))\(rest)"
    }
  }

  @Test func wordsAndLinesEndWhereBlanksAre() {
    #expect(cuts("one two\n  three", .text, from: .word) == ["one|two\n  three", "one two|  three"])
    #expect(cuts("one two\nthree", .text, from: .line) == ["one two|three"])
    #expect(cuts("a \r\n\r\n b", .text, from: .line) == ["a| b"])
    #expect(cuts("a\u{A0}b", .text, from: .word) == [])
  }

  @Test func scriptsWithoutBlanksBreakBetweenSignsAndBestBehindAStop() {
    #expect(cuts("好的。走", .text, from: .word) == ["好的。|走"])
    #expect(cuts("好的，走", .text, from: .ideograph) == ["好|的，走", "好的，|走"])
  }

  @Test func whatPeopleSeeAsOneStaysOne() {
    let texts = cuts("👨‍👩‍👧e\u{301}🇨🇳", .text)
    #expect(texts.map(Verbatim.init(_:)) == [Verbatim("👨‍👩‍👧|e\u{301}🇨🇳"), Verbatim("👨‍👩‍👧e\u{301}|🇨🇳")])
  }

  @Test func anAddressStaysWhole() {
    #expect(cuts("a https://e.x/a?b=c d", .text) == ["a|https://e.x/a?b=c d", "a https://e.x/a?b=c|d"])
  }

  @Test func tagsAndEntitiesStayWholeAndAreClosed() {
    #expect(
      cuts("<p class=\"a>b\">x &amp; <b>y z</b></p>", .html, from: .word) == [
        "<p class=\"a>b\">x</p>|<p class=\"a>b\">&amp; <b>y z</b></p>",
        "<p class=\"a>b\">x &amp;</p>|<p class=\"a>b\"><b>y z</b></p>",
        "<p class=\"a>b\">x &amp; <b>y</b></p>|<p class=\"a>b\"><b>z</b></p>",
      ])
    #expect(cuts("a<br>b", .html, from: .line) == ["a<br>|b"])
    #expect(cuts("<p>a</p><p>b</p>", .html, from: .line) == ["<p>a</p>|<p>b</p>"])
    #expect(
      cuts("<!-- a b -->x<script>a b</script>", .html) == [
        "<!-- a b -->|x<script>a b</script>", "<!-- a b -->x|<script>a b</script>",
      ])
    #expect(cuts("<b", .html) == [])
    #expect(cuts("1 < 2", .html, from: .word) == ["1|< 2", "1 <|2"])
    // A mark behind a sign makes it no other sign.
    #expect(cuts("<b\u{301} x>y", .html).allSatisfy { $0.hasPrefix("<b\u{301} x>") })
  }

  @Test func linksCodeAndEscapesStayWhole() {
    for whole in ["[a b](https://x.y/(c d))", "![a b](c)", "[a b][c d]", "`a b`", "``a ` b``", "<https://x y>"] {
      let text = "x \(whole) y"
      #expect(cuts(text, .markdown, from: .word) == ["x|\(whole) y", "x \(whole)|y"], "\(whole)")
    }
    #expect(!cuts("a\\*b", .markdown).contains { $0.contains("\\|") })
    // What is no link is text.
    #expect(cuts("x [a b] y", .markdown, from: .word).count == 3)
  }

  @Test func boldWordsAreClosedAndOpenedAgain() {
    #expect(cuts("**a b** c", .markdown, from: .word) == ["**a**|**b** c", "**a b**|c"])
    #expect(cuts("*_a b_*", .markdown, from: .word) == ["*_a_*|*_b_*"])
    #expect(cuts("||a b||", .markdown, from: .word) == ["||a|||||b||"])
    // No pair: signs.
    #expect(cuts("2 * 3 * 4", .markdown, from: .word)[0] == "2|* 3 * 4")
    #expect(
      cuts("snake_case and other_case", .markdown, from: .word) == [
        "snake_case|and other_case", "snake_case and|other_case",
      ])
  }

  @Test func aBlockOfCodeIsClosedAndOpenedAgain() {
    #expect(
      cuts("```swift\nlet a\nlet b\n```\nend", .markdown, from: .line) == [
        "```swift\nlet a\n```|```swift\nlet b\n```\nend", "```swift\nlet a\nlet b\n```|end",
      ])
    #expect(cuts("~~~\na *b\nc* d", .markdown, from: .line) == ["~~~\na *b\n~~~|~~~\nc* d"])
  }

  @Test func aQuotedLineGoesOnAsOne() {
    #expect(cuts("> a b", .markdown, from: .word) == ["> a|> b"])
  }
}
