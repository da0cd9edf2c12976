/// Sends a message in several parts, each a call of its own with an intent of its own: a text, then each attachment. Parts
/// that were accepted are never sent again, and none is begun while an earlier one is not accepted.
package protocol PartedProvider: Provider {
  /// What is sent of a content whose attachments are resolved, in order; one at least.
  /// - Each part's content is what `begin` gets as the call's, with at most one attachment, whose bytes are there.
  func parts(of content: Content) -> [Part]
}

package struct Part: Sendable, Hashable {
  /// As results name it: `text`, or the attachment's name.
  package var name: String
  package var content: Content

  package init(_ name: String, _ content: Content) {
    self.name = name
    self.content = content
  }
}
