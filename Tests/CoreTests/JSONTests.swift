import Core
import Testing

@Suite struct JSONTests {
  @Test func controlCharactersAreEscapedSoThatALineStaysOneLine() {
    #expect(JSON.string("a\u{1B}[31m\n\"\\/é🚀").text == #""a\u001b[31m\n\"\\/é🚀""#)
  }
}
