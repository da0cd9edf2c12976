/// What `JSONScanner` found: where each value of a text stands, one node after the other, and nothing copied. An answer
/// about two thousand recipients is read in one array, and of its members only those become strings that are asked for.
package struct JSONTape: Sendable {
  enum Kind: UInt8, Sendable {
    case null, `true`, `false`, number, string
    /// A string with escapes.
    case escaped
    /// Its values follow, each whole.
    case array
    /// Key and value follow by turns.
    case object
  }

  struct Node: Sendable {
    /// Of a string what is between the quotes.
    let start: UInt32
    let end: UInt32
    private let behind: UInt32
    let kind: Kind
    /// The node behind the value with all that is in it.
    var next: Int { Int(behind) }

    init(_ kind: Kind, _ start: Int, _ end: Int, next: Int) {
      self.start = UInt32(start)
      self.end = UInt32(end)
      behind = UInt32(next)
      self.kind = kind
    }
  }

  private let nodes: [Node]

  init(_ nodes: [Node]) { self.nodes = nodes }

  func kind(at index: Int) -> Kind { nodes[index].kind }

  // MARK: Strings

  static func string(_ node: Node, in bytes: UnsafeBufferPointer<UInt8>) -> String {
    node.kind == .escaped
      ? String(decoding: unescaped(node, in: bytes), as: UTF8.self) : String(decoding: raw(node, bytes), as: UTF8.self)
  }

  static func unescaped(_ node: Node, in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    guard node.kind == .escaped else { return Array(raw(node, bytes)) }
    var scanner = JSONScanner(bytes, at: Int(node.start))
    // It was read before, and has no fault.
    return (try? scanner.unescape(from: Int(node.start))) ?? []
  }

  static func areEqual(_ one: Node, _ other: Node, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard one.kind == .string, other.kind == .string else {
      return unescaped(one, in: bytes) == unescaped(other, in: bytes)
    }
    return haveSameBytes(raw(one, bytes), raw(other, bytes))
  }

  private static func haveSameBytes(
    _ one: UnsafeBufferPointer<UInt8>, _ other: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard one.count == other.count else { return false }
    for index in one.indices where one[index] != other[index] { return false }
    return true
  }

  private static func raw(_ node: Node, _ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[Int(node.start)..<Int(node.end)])
  }

  /// What is written of a scalar: a number's digits.
  func string(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> String {
    JSONTape.string(nodes[index], in: bytes)
  }

  // MARK: Containers

  func visitElements(of index: Int, _ body: (Int) -> Void) {
    guard nodes[index].kind == .array else { return }
    var element = index + 1
    while element < nodes[index].next {
      body(element)
      element = nodes[element].next
    }
  }

  /// The value of an object's member; nil where there is none, or this is no object.
  func member(_ key: String, of index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard nodes[index].kind == .object else { return nil }
    var key = key
    return key.withUTF8 { wanted in
      var member = index + 1
      while member < nodes[index].next {
        let node = nodes[member]
        let isIt =
          node.kind == .string
          ? JSONTape.haveSameBytes(JSONTape.raw(node, bytes), wanted)
          : JSONTape.unescaped(node, in: bytes).elementsEqual(wanted)
        if isIt { return member + 1 }
        member = nodes[member + 1].next
      }
      return nil
    }
  }

  /// The strings of a list of nothing else; nil for any other value.
  func texts(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Texts? {
    guard nodes[index].kind == .array else { return nil }
    var texts = Texts()
    for node in nodes[(index + 1)..<nodes[index].next] {
      switch node.kind {
      case .string: texts.append(utf8: JSONTape.raw(node, bytes))
      case .escaped: texts.append(JSONTape.string(node, in: bytes))
      default: return nil
      }
    }
    return texts
  }

  // MARK: Trees

  /// The value as a tree.
  package func json(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> JSON {
    let node = nodes[index]
    switch node.kind {
    case .null: return .null
    case .true: return .boolean(true)
    case .false: return .boolean(false)
    case .number: return .number(JSONTape.string(node, in: bytes))
    case .string, .escaped: return .string(JSONTape.string(node, in: bytes))
    case .array:
      var values: [JSON] = []
      visitElements(of: index) { values.append(json(at: $0, in: bytes)) }
      return .array(values)
    case .object:
      return .object(members(of: index, in: bytes) ?? [])
    }
  }

  /// The members of the text's value; nil where that is no object.
  /// - Parameters:
  ///   - apart: the key of a member that may be long.
  ///   - list: gets that one, where it is a list of strings and not empty; among the members is an empty one in its place.
  package func members(
    in bytes: UnsafeBufferPointer<UInt8>, apart: String, _ list: inout Texts?
  ) -> [JSON.Member]? {
    guard let place = member(apart, of: 0, in: bytes), let texts = texts(at: place, in: bytes), !texts.isEmpty else {
      return members(of: 0, in: bytes)
    }
    list = texts
    return members(of: 0, in: bytes, without: place)
  }

  private func members(
    of index: Int, in bytes: UnsafeBufferPointer<UInt8>, without apart: Int = -1
  ) -> [JSON.Member]? {
    guard nodes[index].kind == .object else { return nil }
    var members: [JSON.Member] = []
    var member = index + 1
    while member < nodes[index].next {
      let value = member + 1 == apart ? .array([]) : json(at: member + 1, in: bytes)
      members.append(.init(JSONTape.string(nodes[member], in: bytes), value))
      member = nodes[member + 1].next
    }
    return members
  }
}

/// A text that holds one value, read whole. A reference, as what is read of it points into it.
package final class JSONText: Sendable {
  private let bytes: [UInt8]
  private let tape: JSONTape

  /// - Parameter start: where the value begins.
  package init(_ bytes: [UInt8], from start: Int = 0) throws(JSONFault) {
    // `withUnsafeBufferPointer` rethrows untyped; the detour keeps the error's type.
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONTape, JSONFault> in
      var scanner = JSONScanner(buffer, at: start)
      do throws(JSONFault) {
        let tape = try scanner.tape()
        scanner.skipSpace()
        guard scanner.isAtEnd else {
          throw JSONFault(offset: scanner.offset, problem: "something follows the value")
        }
        return .success(tape)
      } catch {
        return .failure(error)
      }
    }
    tape = try result.get()
    self.bytes = bytes
  }

  package var root: Value { Value(text: self, index: 0) }

  /// One of its values, which is looked at and not copied.
  package struct Value: Sendable {
    fileprivate let text: JSONText
    fileprivate let index: Int

    private func read<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
      text.bytes.withUnsafeBufferPointer(body)
    }

    package var json: JSON { read { text.tape.json(at: index, in: $0) } }
    package var isObject: Bool { text.tape.kind(at: index) == .object }
    package var isNull: Bool { text.tape.kind(at: index) == .null }

    package subscript(name: String) -> Value? {
      read { text.tape.member(name, of: index, in: $0) }.map { Value(text: text, index: $0) }
    }

    package var string: String? {
      let kind = text.tape.kind(at: index)
      return kind == .string || kind == .escaped ? read { text.tape.string(at: index, in: $0) } : nil
    }

    /// A number as it is written.
    package var digits: String? {
      text.tape.kind(at: index) == .number ? read { text.tape.string(at: index, in: $0) } : nil
    }

    package var boolean: Bool? {
      switch text.tape.kind(at: index) {
      case .true: true
      case .false: false
      default: nil
      }
    }

    package var array: [Value]? {
      guard text.tape.kind(at: index) == .array else { return nil }
      var values: [Value] = []
      text.tape.visitElements(of: index) { values.append(Value(text: text, index: $0)) }
      return values
    }
  }
}
