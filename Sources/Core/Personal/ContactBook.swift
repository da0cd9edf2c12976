import FoundationEssentials

/// Who can be written to, and how a name in `to` becomes one of them (wechat.md, section 3). Kept beside the session file.
package struct ContactBook: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package enum Kind: String, Sendable { case friend, group, `public`, owner }

    package var kind: Kind
    /// The service's own name for it; lives for one login.
    package var user: String
    /// As people read them: spans, escapes and surrounding space undone (`WeChatMarkup.plain` is the provider's to call).
    package var remark: String
    package var nick: String
    package var alias: String
    /// What is the provider's own.
    package var own: JSON

    package init(
      _ kind: Kind, user: String, remark: String = "", nick: String = "", alias: String = "", own: JSON = .null
    ) {
      self.kind = kind
      self.user = user
      self.remark = remark
      self.nick = nick
      self.alias = alias
      self.own = own
    }

    /// What people call it.
    package var name: String { [remark, nick, alias].first { !$0.isEmpty } ?? user }
  }

  package var entries: [Entry]
  /// When they were fetched whole.
  package var fetched: Date

  package init(_ entries: [Entry], fetched: Date) {
    self.entries = entries
    self.fetched = fetched
  }

  package subscript(user user: String) -> Entry? { entries.first { Verbatim($0.user) == Verbatim(user) } }

  /// What one entry of a list of changes says; takes the place of what is known of the same user.
  package mutating func mend(_ entry: Entry) {
    guard let index = entries.firstIndex(where: { Verbatim($0.user) == Verbatim(entry.user) }) else {
      return entries.append(entry)
    }
    entries[index] = entry
  }

  // MARK: Names

  package enum Finding: Sendable, Hashable {
    case one(Entry)
    /// Nobody of that name; the nearest there are.
    case nobody(nearest: [String])
    /// Several, and what tells them apart, for people: "2 friends are called 重名: ...".
    case several(String)
  }

  /// Whom a word of `to` names: NAME, `remark:NAME`, `nick:NAME`, `alias:NAME`, `group:NAME`, `filehelper` and `owner`
  /// are known by their entries. Public accounts and groups never match a plain NAME.
  package func find(_ word: String) -> Finding {
    if let name = word.behind("group:") { return find(name, .group, word, [\.nick, \.remark]) }
    for (prefix, field) in [
      ("remark:", \Entry.remark), ("nick:", \Entry.nick), ("alias:", \Entry.alias),
    ] as [(StaticString, KeyPath<Entry, String>)] {
      if let name = word.behind(prefix) { return find(name, .friend, word, [field]) }
    }
    return find(word, .friend, word, [\.remark, \.nick, \.alias])
  }

  private func find(
    _ name: String, _ kind: Entry.Kind, _ word: String, _ fields: [KeyPath<Entry, String>]
  ) -> Finding {
    // Fields have no space around them, and Swift's own equality of texts is that of NFC.
    let wanted = ContactBook.trimmed(name)
    let known = entries.filter { $0.kind == kind }
    let found = wanted.isEmpty ? [] : known.filter { entry in fields.contains { entry[keyPath: $0] == wanted } }
    if found.isEmpty { return .nobody(nearest: nearest(to: name, among: known)) }
    if found.count == 1 { return .one(found[0]) }
    let byRemark = fields.count > 1 ? found.filter { $0.remark == wanted } : []
    return byRemark.count == 1 ? .one(byRemark[0]) : .several(ContactBook.ambiguity(name, kind, found))
  }

  private func nearest(to name: String, among known: [Entry]) -> [String] {
    let names = known.flatMap { [$0.remark, $0.nick, $0.alias] }.filter { !$0.isEmpty }
    return Suggestion.nearest(to: name, among: names).map { [$0] } ?? []
  }

  private static func ambiguity(_ name: String, _ kind: Entry.Kind, _ found: [Entry]) -> String {
    let what = kind == .group ? "groups" : "friends"
    let list = found.map { entry in
      [("nick", entry.nick), ("remark", entry.remark), ("alias", entry.alias)].filter { !$0.1.isEmpty }
        .map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
    let remark = found.map(\.remark).first { !$0.isEmpty }
    let remedy =
      kind == .group
      ? "Give one another name in WeChat"
      : remark.map { "Use remark:\($0), or give one a remark in WeChat" } ?? "Give one a remark in WeChat"
    return "\(found.count) \(what) are called \(name): \(list.joined(separator: "; ")). \(remedy)"
  }

  /// The shortest word that names the entry and nobody else; empty where nothing does.
  package func word(for entry: Entry) -> String {
    if entry.kind == .owner { return "owner" }
    let words: [String] =
      switch entry.kind {
      case .owner, .public: []
      case .group: ["group:\(entry.nick)"]
      case .friend:
        [
          entry.remark, entry.nick, entry.alias, "remark:\(entry.remark)", "nick:\(entry.nick)",
          "alias:\(entry.alias)",
        ]
      }
    return words.first { word in
      guard case .one(let found) = find(word) else { return false }
      return Verbatim(found.user) == Verbatim(entry.user)
    } ?? ""
  }

  package static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let head = scalars.drop { $0.properties.isWhitespace }
    return String(String.UnicodeScalarView(head.reversed().drop { $0.properties.isWhitespace }.reversed()))
  }
}
