import Core
import FoundationEssentials
import Testing

@Suite("Names of friends and groups")
struct ContactBookTests {
  private static let book = ContactBook(
    [
      .init(.friend, user: "@1", remark: "老张", nick: "张大力"),
      .init(.friend, user: "@2", nick: "李四😄", alias: "lisi"),
      .init(.friend, user: "@3", nick: "重名"),
      .init(.friend, user: "@4", remark: "同事", nick: "重名", alias: "ch2"),
      .init(.friend, user: "@5", remark: "Zoe", nick: "Zoë"),
      .init(.friend, user: "@6", nick: "Zoe"),
      .init(.group, user: "@@7", nick: "家人群"),
      .init(.public, user: "@8", nick: "新闻"),
    ], fetched: Date(timeIntervalSince1970: 0))

  private func user(_ word: String) -> String? {
    if case .one(let entry) = Self.book.find(word) { entry.user } else { nil }
  }

  @Test(
    "A name is a friend's remark, nickname or WeChat id, a field's prefix names that field alone",
    arguments: [
      ("老张", "@1"), ("张大力", "@1"), ("李四😄", "@2"), ("lisi", "@2"), ("同事", "@4"), ("remark:同事", "@4"),
      ("alias:ch2", "@4"), (" 老张 ", "@1"), ("group:家人群", "@@7"),
    ])
  func found(word: String, user: String) { #expect(self.user(word) == user) }

  @Test("One who has the name as remark goes before those who have it otherwise")
  func remarkWins() { #expect(user("Zoe") == "@5") }

  @Test("Composed and decomposed letters are the same name")
  func composition() { #expect(user("Zoe\u{308}") == "@5") }

  @Test("Case counts; groups and public accounts are no plain names", arguments: ["LISI", "家人群", "新闻", "", "group:老张"])
  func nobody(word: String) {
    guard case .nobody = Self.book.find(word) else { return #expect(Bool(false), "\(Self.book.find(word))") }
  }

  @Test("Two of one name are named, with what tells them apart and what to do")
  func ambiguous() {
    #expect(
      Self.book.find("重名")
        == .several(
          "2 friends are called 重名: nick 重名; nick 重名, remark 同事, alias ch2. Use remark:同事, or give one a remark in WeChat"
        ))
  }

  @Test("The shortest word that is unique names an entry, and is found again")
  func words() {
    let words = Self.book.entries.map { Self.book.word(for: $0) }
    #expect(words == ["老张", "李四😄", "", "同事", "Zoe", "nick:Zoe", "group:家人群", ""])
    for (word, entry) in zip(words, Self.book.entries) where !word.isEmpty { #expect(user(word) == entry.user) }
  }
}
