import Core
import Foundation
import TestSupport
import Testing

/// A far end may repeat a secret in whatever form it has it.
@Suite struct MasksTests {
  /// What must be escaped, may be, and need not.
  private static let secret = #"CAIS+ab/c"d%e\f=="#

  private func masked(_ text: String, _ secrets: [String] = [secret]) -> String {
    Channel.plain { $0.secrets = secrets }.masked(text)
  }

  private static func percent(_ text: String, upper: Bool, all: Bool) -> String {
    text.utf8.map { byte in
      let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
      if isPlain, !all { return String(UnicodeScalar(byte)) }
      let hex = String(byte, radix: 16, uppercase: upper)
      return "%" + (hex.utf8.count == 1 ? "0" : "") + hex
    }.joined()
  }

  @Test(arguments: [true, false], [true, false]) func percentEncodedInEitherCaseWhollyOrInPart(upper: Bool, all: Bool) {
    let encoded = Self.percent(Self.secret, upper: upper, all: all)
    #expect(masked("token=\(encoded)&x=1") == "token=***&x=1")
    // As in a signature's text, where what was encoded is encoded once more.
    let twice = Self.percent(encoded, upper: upper, all: false)
    #expect(masked("Token%3D\(twice)%26x") == "Token%3D***%26x")
  }

  @Test func inPartEncodedAsEachSpeakerLikes() {
    #expect(masked("p/CAIS+ab%2Fc%22d%25e\\f=%3d/x") == "p/***/x")
    #expect(masked("q=a+secret+of%20mine!", ["a secret of mine"]) == "q=***!")
  }

  @Test func escapedAsPagesAndXMLDo() {
    #expect(masked("<Message>CAIS+ab/c&quot;d%e\\f==</Message>") == "<Message>***</Message>")
    #expect(masked("CAIS&#43;ab&#x2F;c&#34;d&#x0025;e\\f&#61;=") == "***")
    #expect(masked("x=a&amp;b&lt;c&gt;&apos;;", ["a&b<c>'"]) == "x=***;")
    #expect(masked("a&b&amp &#; &#xZZ; &#x110000;", ["nowhere"]) == "a&b&amp &#; &#xZZ; &#x110000;")
  }

  @Test func escapedInJSON() {
    #expect(masked(#"{"t":"CAIS+ab/c\"d%e\\f=="}"#) == #"{"t":"***"}"#)
    #expect(masked(#"{"t":"CAIS\u002Bab\/c\u0022d\u0025e\u005cf\u003d\u003D"}"#) == #"{"t":"***"}"#)
    // A text of JSON within a text of JSON.
    #expect(masked(#"{"e":"{\"t\":\"CAIS+ab\\/c\\\"d%e\\\\f==\"}"}"#) == #"{"e":"{\"t\":\"***\"}"}"#)
    #expect(masked(#"p\u00e4ss\u0077ort\ud83d\ude00"#, ["pässwort😀"]) == "***")
    let all = Self.secret.utf16.map { "\\u" + String(format: "%04x", $0) }.joined()
    #expect(masked("<\(all)>") == "<***>")
  }

  @Test(arguments: 0..<6) func withinBase64WhereverItStandsThere(before: Int) {
    for after in 0..<4 {
      let whole = String(repeating: "u", count: before) + Self.secret + String(repeating: "v", count: after)
      let base64 = Data(whole.utf8).base64EncodedString()
      let forURLs = base64.replacing(["+": "-", "/": "_", "=": ""])
      for text in [
        base64, forURLs, base64.replacing(["=": ""]), base64.replacing(["/": #"\/"#]),
        base64.replacing(["+": "%2B", "/": "%2f", "=": "%3D"]),
      ] {
        let said = masked("got Basic \(text), no")
        #expect(said == "got Basic ***, no", "\(text)")
      }
    }
  }

  @Test func asItIsBesideSignsThatLookLikeEscapes() {
    #expect(masked("50%41s3cr", ["%41s3cr"]) == "50***")
    #expect(masked(#"a\nb"#, [#"\nb!"#, "a%25c"]) == #"a\nb"#)
    #expect(masked("a%25c a%2525c", ["a%25c"]) == "*** ***")
    #expect(masked("%", ["abcd"]) == "%" && masked(#"\"#, ["abcd"]) == #"\"# && masked("%4", ["abcd"]) == "%4")
    #expect(masked(#"\ud83d\ude"#, ["abcd"]) == #"\ud83d\ude"#)
  }

  @Test func secretsThatOverlapAreMaskedWhole() {
    #expect(masked("abcdefghijk", ["abcdef", "cdefghijk"]) == "***")
    #expect(masked("abcdefabcdef", ["abcdef"]) == "******")
  }

  @Test(.timeLimit(.minutes(1))) func allThatIsSaidPassesHereAndCostsLittle() {
    let channel = Channel.plain { $0.secrets = (0..<10).map { "s3cret-token-number-\($0)" } }
    let text = String(repeating: "the message was accepted %E5%A5%BD \\u597d; ", count: 20)
    let seconds = processorSeconds { for _ in 0..<100 { _ = channel.masked(text) } }
    #expect(seconds < 5)
  }
}
