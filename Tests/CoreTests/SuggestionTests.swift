import Core
import TestSupport
import Testing

@Suite struct SuggestionTests {
  private let fields = ["channel", "to", "body", "title", "format", "send_at", "expires_at", "priority", "options"]

  @Test(arguments: [
    ("chanel", "channel"), ("chnanel", "channel"), ("tittle", "title"), ("Body", "body"), ("PRIORITY", "priority"),
    ("sendat", "send_at"), ("expire_at", "expires_at"), ("tp", "to"), ("option", "options"), ("boyd", "body"),
  ])
  func aSlipIsRecognized(word: String, meant: String) {
    #expect(Suggestion.nearest(to: word, among: fields) == meant)
  }

  @Test(arguments: ["recipients", "message", "xyz", "", "subject_line", "正文", "🚀🚀🚀"])
  func whatIsFarFromEverythingIsNotGuessed(word: String) {
    #expect(Suggestion.nearest(to: word, among: fields) == nil)
  }

  @Test func ofEquallyNearWordsTheFirstByNameIsNamedWhateverTheirOrder() {
    #expect(Suggestion.nearest(to: "bat", among: ["rat", "cat"]) == "cat")
    #expect(Suggestion.nearest(to: "bat", among: ["cat", "rat"]) == "cat")
  }

  @Test func nothingIsNearestAmongNothing() {
    #expect(Suggestion.nearest(to: "a", among: [String]()) == nil)
  }

  @Test func aHugeWordCostsNoMoreThanASmallOne() {
    let huge = String(repeating: "channel", count: 100_000)
    var nearest: String?
    let seconds = processorSeconds { nearest = Suggestion.nearest(to: huge, among: fields) }
    #expect(nearest == nil && seconds < 0.5)
  }
}
