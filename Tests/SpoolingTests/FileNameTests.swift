import Spooling
import TestSupport
import Testing

@Suite struct FileNameTests {
  @Test func everyByteComesBackFromWhatIsShown() {
    for one in UInt8(1)...255 {
      for other in [one, 0x61, 0x5C, 0xC3, 0xA9, 0x80] as [UInt8] {
        let name = FileName(bytes: [one, other])
        #expect(FileName(display: name.display) == name, "\(name.display)")
      }
    }
  }

  @Test func anyNameComesBackFromWhatIsShown() {
    var random = SeededGenerator(9)
    let pieces: [[UInt8]] = [
      Array("\\x41".utf8), Array("\\".utf8), Array("x".utf8), Array("é".utf8), Array("e\u{301}".utf8), [0xFF],
      [0xC2, 0x9B],
      Array("\u{202E}".utf8), Array("中".utf8), [0x0A], [0xED, 0xA0, 0x80], Array(" ".utf8), Array("🚀".utf8),
      [0xF0, 0x9F],
    ]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 1...8, using: &random)).flatMap { _ in pieces.randomElement(using: &random) ?? []
      }
      let name = FileName(bytes: bytes)
      #expect(FileName(display: name.display) == name, "\(name.display)")
    }
  }

  @Test func whatIsShownSaysNothingToATerminal() {
    var random = SeededGenerator(10)
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }
      for scalar in FileName(bytes: bytes).display.unicodeScalars {
        #expect(![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory))
      }
    }
  }

  @Test(arguments: [
    ("plain-name_1.json", "plain-name_1.json"), ("a b", "a b"), ("中文é🚀", "中文é🚀"), ("a\nb", "a\\x0ab"),
    ("a\\b", "a\\x5cb"),
    ("\u{1B}[31m", "\\x1b[31m"), ("\u{9B}", "\\xc2\\x9b"), ("a\u{202E}b", "a\\xe2\\x80\\xaeb"), ("", ""),
    ("\u{7F}", "\\x7f"), ("\u{2028}", "\\xe2\\x80\\xa8"), ("\u{FEFF}a", "\\xef\\xbb\\xbfa"),
  ])
  func namesAreShownAsTheyAreUnlessTheyAreOdd(name: String, display: String) {
    #expect(FileName(name).display == display)
  }

  @Test(arguments: ["\\", "\\x", "\\x4", "\\xzz", "\\x+f", "\\x-1", "\\X41", "\\n", "x41"])
  func whatIsNoEscapeIsTakenAsTyped(text: String) {
    #expect(FileName(display: text) == FileName(text))
  }

  @Test func escapesAreReadInEitherCase() {
    #expect(FileName(display: "\\x0A\\xfF") == FileName(bytes: [0x0A, 0xFF]))
  }

  @Test func namesThatLookAlikeAreDifferent() {
    #expect(FileName("\u{E9}") != FileName("e\u{301}"))
    #expect(Set([FileName("\u{E9}"), FileName("e\u{301}")]).count == 2)
  }

  @Test func numbersAreAppended() {
    #expect(FileName("a.json").numbered(1) == FileName("a.json"))
    #expect(FileName("a.json").numbered(2).display == "a.json~2")
    #expect(FileName("a~2").numbered(12).display == "a~2~12")
  }

  @Test func namesAreOrderedByTheirBytes() {
    #expect(["b", "a", "é", "a~2", "Z"].map { FileName($0) }.sorted().map(\.display) == ["Z", "a", "a~2", "b", "é"])
  }

  @Test(arguments: [
    (".hidden", true), ("..", true), ("x~", true), ("~", true), ("x.tmp", true), ("x.part", true), (".tmp", true),
    ("x", false), ("x~2", false), ("x.TMP", false), ("xtmp", false), ("x.tmp.json", false), ("part", false),
    ("x.parts", false), ("~x", false),
  ])
  func unfinishedFilesAreIgnored(name: String, isIgnored: Bool) {
    #expect(SpoolLayout.isIgnored(FileName(name)) == isIgnored)
  }
}
