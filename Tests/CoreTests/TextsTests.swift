import TestSupport
import Testing

@testable import Core

/// A compact list is the plain one, whatever is in it and however long it is.
@Suite struct TextsTests {
  private static let words = [
    "", "a", "UID_000000001", "caf\u{E9}", "cafe\u{301}", "李雷", String(repeating: "x", count: 40),
  ]

  @Test(arguments: 0..<200) func aListIsWhatWasPutInto(seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    let plain = (0..<Int.random(in: 0...200, using: &random)).map { _ in Self.words.randomElement(using: &random) ?? ""
    }
    let texts = Texts(plain)
    #expect(Array(texts).map(Verbatim.init(_:)) == plain.map(Verbatim.init(_:)))
    #expect(texts.firstEmpty == plain.firstIndex(of: ""))
    for index in texts.indices {
      #expect(texts.withUTF8(at: index) { Array($0) } == Array(plain[index].utf8))
    }
    var bytes = Texts()
    for var text in plain { text.withUTF8 { bytes.append(utf8: $0) } }
    #expect(bytes == texts && bytes.hashValue == texts.hashValue)
    #expect(Texts(plain + ["a"]) != texts)
  }

  @Test func listsThatLookAlikeAreTwo() {
    for count in [1, 100] {
      let (one, other) = (
        Texts(Array(repeating: "\u{E9}", count: count)), Texts(Array(repeating: "e\u{301}", count: count))
      )
      #expect(one != other)
    }
  }

  /// Where a text ends is part of what it is.
  @Test func theSameLettersCutOtherwiseAreAnotherList() {
    let one = Array(repeating: ["ab", "c"], count: 50).flatMap(\.self)
    let other = Array(repeating: ["a", "bc"], count: 50).flatMap(\.self)
    #expect(Texts(one) != Texts(other))
  }
}

@Suite struct ResultsTests {
  private typealias Result = HistoryLine.Result

  private static func result(_ index: Int, _ random: inout SeededGenerator) -> Result {
    let state =
      Int.random(in: 0..<4, using: &random) > 0 ? .accepted : RecipientState.allCases.randomElement(using: &random)
    var result = Result(
      to: "r\(index)", state: state ?? .accepted, id: ["", "5", nil, "é\"\n"].randomElement(using: &random) ?? nil)
    switch Int.random(in: 0..<12, using: &random) {
    case 0: result.code = "1001"
    case 1: result.reason = "no"
    case 2: result.channel = "sms"
    case 3: result.isByReceipt = true
    case 4: result.digest = 3
    case 5: result.parts = [.init("text", .accepted, id: "1")]
    default: break
    }
    return result
  }

  @Test(arguments: 0..<200) func theyAreWhatWasPutInto(seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    let plain = (0..<Int.random(in: 0...200, using: &random)).map { Self.result($0, &random) }
    let results = HistoryLine.Results(plain)
    #expect(Array(results) == plain && results.count == plain.count && results == HistoryLine.Results(plain))
    for state in RecipientState.allCases { #expect(results.count(state) == plain.count { $0.state == state }) }
    var visited: [Result] = []
    results.visit { to, id in
      let id = id.isEmpty ? nil : String(decoding: id, as: UTF8.self)
      visited.append(Result(to: String(decoding: to, as: UTF8.self), state: .accepted, id: id))
    } other: {
      visited.append($0)
    }
    #expect(visited == plain)
    var added = HistoryLine.Results()
    for result in plain {
      if result.state == .accepted, result.isPlain {
        added.append(accepted: result.to, id: result.id)
      } else {
        added.append(result)
      }
    }
    #expect(added == results)
  }
}
