/// One rule of `replies` (wechat.md, section 8), checked. The first that matches a message answers it.
package struct ReplyRule: Sendable, Hashable {
  /// Names as in `to`; nil for everybody (`*` is the same).
  package var from: [String]?
  package var text: Pattern?
  package var kinds: Set<Incoming.Kind> = [.text]
  package var groups = Groups.none
  /// Only where a group's message names the account.
  package var needsMention = false
  package var answer: Answer

  package init(answer: Answer) { self.answer = answer }

  package enum Pattern: Sendable, Hashable {
    case exactly(String)
    case prefix(String)
    /// The expression's source; it was compiled once, and found good.
    case regex(String)
  }

  package enum Groups: Sendable, Hashable {
    /// Direct messages only.
    case none
    /// Messages in any group.
    case all
    /// Messages in these.
    case named([String])
  }

  package enum Answer: Sendable, Hashable {
    /// A text in which `{name}`, `{text}` and `{1}`... are filled in.
    case text(String)
    /// The text as it came.
    case echo
    /// A program and its arguments; seconds it may take.
    case run([String], timeout: Double)
    case forward(channel: String, to: [String])
    /// None, and no later rule is asked.
    case none
  }
}
