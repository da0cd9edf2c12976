/// A text with places for something: `{name}`. A brace of its own is written `{{` or `}}`.
package enum Places {
  package enum Piece: Sendable, Hashable {
    case fixed(String)
    case place(String)
  }

  /// At least one piece; neighbouring fixed ones are one.
  /// - Throws: what is wrong with the text, for people.
  package static func pieces(of text: String) throws(TemplateProblem) -> [Piece] {
    var pieces: [Piece] = []
    var fixed = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "{" || scalar == "}" else {
        fixed.unicodeScalars.append(scalar)
        continue
      }
      if rest.first == scalar {
        fixed.unicodeScalars.append(scalar)
        rest.removeFirst()
        continue
      }
      guard scalar == "{", let end = rest.firstIndex(of: "}") else {
        throw TemplateProblem("has a single brace; a brace of its own is written {{ or }}")
      }
      if !fixed.isEmpty { pieces.append(.fixed(fixed)) }
      fixed = ""
      pieces.append(.place(String(rest[..<end])))
      rest = rest[rest.index(after: end)...]
    }
    if !fixed.isEmpty || pieces.isEmpty { pieces.append(.fixed(fixed)) }
    return pieces
  }
}

/// What is wrong with a template's text.
package struct TemplateProblem: Error, Sendable, Hashable {
  package var text: String
  package init(_ text: String) { self.text = text }
}
