import Core

/// A JSON value with places for a message's fields: `{body}` in a string. The template is a value and not text, so
/// whatever a field holds stays inside the string it was put into.
struct JSONTemplate: Sendable, Hashable {
  /// What stands for a place.
  enum Filling: Sendable, Hashable {
    case text(String)
    case list([String])
    case nothing
  }

  private indirect enum Node: Sendable, Hashable {
    case fixed(JSON)
    /// A string that is one place and nothing else: takes lists, and is left out when there is nothing.
    case place(String)
    case text([Places.Piece])
    case array([Node])
    case object([Member])
  }

  private struct Member: Sendable, Hashable {
    var key: String
    var value: Node
  }

  private let root: Node
  /// The places' names.
  let places: Set<String>
  /// Those that stand in the midst of a text.
  let placesInText: Set<String>

  /// - Throws: the problem, for people.
  init(_ value: JSON, knows: (String) -> Bool) throws(TemplateProblem) {
    var places: Set<String> = []
    var inText: Set<String> = []
    root = try JSONTemplate.node(value, &places, &inText)
    if let unknown = places.sorted().first(where: { !knows($0) }) {
      throw TemplateProblem("has an unknown place {\(unknown)}; a brace of its own is written {{ or }}")
    }
    self.places = places
    placesInText = inText
  }

  private static func node(
    _ value: JSON, _ places: inout Set<String>, _ inText: inout Set<String>
  ) throws(TemplateProblem) -> Node {
    switch value {
    case .null, .boolean, .number: return .fixed(value)
    case .string(let text):
      let pieces = try Places.pieces(of: text)
      if pieces.count == 1, case .place(let name) = pieces[0] {
        places.insert(name)
        return .place(name)
      }
      for case .place(let name) in pieces {
        places.insert(name)
        inText.insert(name)
      }
      return .text(pieces)
    case .array(let values):
      var nodes: [Node] = []
      for value in values { nodes.append(try node(value, &places, &inText)) }
      return .array(nodes)
    case .object(let members):
      var nodes: [Member] = []
      for member in members { nodes.append(Member(key: member.key, value: try node(member.value, &places, &inText))) }
      return .object(nodes)
    }
  }

  func filled(_ filling: (String) -> Filling) -> JSON {
    JSONTemplate.value(root, filling) ?? .null
  }

  private static func value(_ node: Node, _ filling: (String) -> Filling) -> JSON? {
    switch node {
    case .fixed(let value): return value
    case .place(let name):
      switch filling(name) {
      case .text(let text): return .string(text)
      case .list(let texts): return .strings(texts)
      case .nothing: return nil
      }
    case .text(let pieces):
      return .string(
        pieces.map { piece in
          switch piece {
          case .fixed(let text): text
          case .place(let name):
            switch filling(name) {
            case .text(let text): text
            case .list(let texts): texts.joined(separator: ", ")
            case .nothing: ""
            }
          }
        }.joined())
    case .array(let nodes): return .array(nodes.compactMap { value($0, filling) })
    case .object(let members):
      return .object(members.compactMap { member in value(member.value, filling).map { .init(member.key, $0) } })
    }
  }
}
