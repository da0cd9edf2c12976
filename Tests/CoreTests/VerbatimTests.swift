import Core
import Testing

@Suite struct VerbatimTests {
  @Test func whatLooksAlikeIsNotTheSame() {
    #expect("caf\u{E9}" == "cafe\u{301}", "Swift's own equality, which is not meant here")
    #expect(Verbatim("caf\u{E9}") != Verbatim("cafe\u{301}") && Verbatim("a") == "a")
    #expect(Set([Verbatim("\u{E9}"), Verbatim("e\u{301}"), Verbatim("\u{E9}")]).count == 2)
    #expect(Target("\u{E9}") != Target("e\u{301}"))
    let files = ["\u{E9}", "e\u{301}"].map { name in
      Content.Attachment(name: "x", type: "a/b", source: .file(.init(directory: "/d", path: name)))
    }
    #expect(files[0] != files[1])
  }

  @Test(arguments: ["\u{301}", "\u{FE0F}\u{20E3}", "\u{200D}", "\u{1F3FD}"])
  func aMarkBehindASignDoesNotHideIt(mark: String) {
    #expect("a,\(mark)b".holds(","))
    #expect("a,\(mark)b".pieces(at: ",").map(Verbatim.init(_:)) == ["a", Verbatim("\(mark)b")])
    #expect("topic:\(mark)1".behind("topic:").map(Verbatim.init(_:)) == Verbatim("\(mark)1"))
    #expect(Verbatim("<\(mark)".replacing(["<": "&lt;"])) == Verbatim("&lt;\(mark)"))
  }

  @Test func linesEndAsAnybodyEndsThem() {
    #expect("a\r\nb\nc\rd\u{2028}e\n".lines == ["a", "b", "c", "d", "e", ""])
    #expect("".lines == [""] && "\n\r".lines == ["", "", ""])
  }

  @Test func piecesAreWhatStandsBetween() {
    let halves = "a=\u{301}b=c".halves(at: "=")
    #expect(halves?.before == "a" && halves.map { Verbatim($0.behind) } == Verbatim("\u{301}b=c"))
    #expect("a".halves(at: "=") == nil)
    #expect("/a//b/".pieces(at: "/") == ["", "a", "", "b", ""] && "".pieces(at: "/") == [""])
    #expect("ab".behind("abc") == nil && "abc".behind("ab") == "c" && "ab".behind("ab") == "")
  }

  @Test func anAttachmentsPathIsTakenApartByItsBytes() throws {
    // A slash with an accent behind it is a slash to the file system.
    #expect(throws: MessageFault.self) {
      try Attachments.resolve([.init(source: .path("/srv/reports/../\u{301}x"))], below: ["/srv/reports"])
    }
    #expect(throws: MessageFault.self) {
      try Attachments.resolve([.init(source: .path("/srv/cafe\u{301}/x"))], below: ["/srv/caf\u{E9}"])
    }
    let found = try Attachments.resolve([.init(source: .path("/srv/reports/\u{301}x.pdf"))], below: ["/srv/reports"])
    #expect(found[0].type == "application/pdf" && found[0].name.unicodeScalars.first == "\u{301}")
  }
}
