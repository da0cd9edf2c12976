/// Sends a message in several parts, each a call of its own with an intent of its own: a text, then each attachment. Parts
/// that were accepted are never sent again, and none is begun while an earlier one is not accepted.
package protocol PartedProvider: Provider {
  /// What is sent of a content whose attachments are resolved, in order; one at least.
  /// - Each part's content is what `begin` gets as the call's, with at most one attachment, whose bytes are there.
  func parts(of content: Content) -> [Part]
}

extension Channel {
  /// The parts that a message goes in, each a call of its own: a text too long for one, and what its provider sends apart.
  /// Nil for what goes in one.
  func parts(of content: Content) -> [Part]? {
    let pieces = content.pieces
    guard let parting else {
      return pieces.isEmpty
        ? nil : pieces.enumerated().map { Part(Part.name($0.offset + 1, of: pieces.count), $0.element) }
    }
    if pieces.isEmpty { return parting.parts(of: content) }
    return pieces.enumerated().flatMap { index, piece in
      var parts = parting.parts(of: piece)
      // The text goes before what goes with it.
      if !parts.isEmpty { parts[0].name = Part.name(index + 1, of: pieces.count) }
      return parts
    }
  }
}

extension Part {
  /// Of a text that is split. How many parts there are is in it: other parts of the same text are not these.
  static func name(_ number: Int, of total: Int) -> String { "\(LongText.part) \(number)/\(total)" }
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
