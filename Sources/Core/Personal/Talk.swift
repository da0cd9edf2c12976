import FoundationEssentials

/// What was said with somebody lately, as far as it keeps answers from being given.
package struct Talk: Sendable, Hashable {
  /// What the sender wrote lately, by when the service says it was sent; newest first.
  package var texts: [Said] = []
  /// The last five answers, and all of the last minutes, newest first.
  package var answers: [Said] = []

  package struct Said: Sendable, Hashable {
    package var text: String
    package var at: Date

    package init(_ text: String, at: Date) {
      self.text = text
      self.at = at
    }
  }

  package init() {}
}
