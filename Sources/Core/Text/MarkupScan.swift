/// What a format takes as one in a text, by bytes: for finding where it may be cut. No reader of HTML or Markdown: it knows
/// what may not be torn apart, and takes whatever it gets. A text may be the beginning of a longer one.
struct MarkupScan {
  /// What has to be closed where it is cut, and opened again behind the cut.
  struct Wrap: Sendable {
    /// What stands between opening and closing.
    var inner: Range<Int>
    var closing: String
    var opening: String
    /// Stands at the beginning of a line, before all else.
    var isBlock = false
  }

  let bytes: [UInt8]
  /// What may not be torn apart; they may overlap.
  private(set) var atoms: [Range<Int>] = []
  var wraps: [Wrap] = []
  /// Where a cut would leave nothing between opening and closing.
  var forbidden: Set<Int> = []
  /// Ends of blocks, which are as good as ends of lines.
  var lines: Set<Int> = []

  /// Longer addresses may be cut.
  private static let longestURL = 400

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func run(_ format: Message.Format) {
    switch format {
    case .text: scanText()
    case .html: scanHTML()
    case .markdown: scanMarkdown()
    }
  }

  /// `atoms` in order, without overlaps.
  var units: [Range<Int>] {
    var units: [Range<Int>] = []
    for atom in atoms.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = units.last, atom.lowerBound < last.upperBound {
        units[units.count - 1] = last.lowerBound..<max(last.upperBound, atom.upperBound)
      } else {
        units.append(atom)
      }
    }
    return units
  }

  mutating func keep(_ range: Range<Int>) {
    if range.count > 1 { atoms.append(range) }
  }

  mutating func wrap(_ inner: Range<Int>, closing: String, opening: String) {
    wraps.append(Wrap(inner: inner, closing: closing, opening: opening))
    forbidden.formUnion([inner.lowerBound, inner.upperBound])
  }

  // MARK: Pieces

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  func has(_ sign: Unicode.Scalar, at index: Int) -> Bool {
    index < bytes.count && bytes[index] == UInt8(ascii: sign)
  }

  func starts(with word: StaticString, at index: Int) -> Bool {
    let count = word.utf8CodeUnitCount
    guard index + count <= bytes.count else { return false }
    return (0..<count).allSatisfy { bytes[index + $0] == word.utf8Start[$0] }
  }

  func firstIndex(of sign: Unicode.Scalar, in range: Range<Int>) -> Int? {
    bytes[range].firstIndex(of: UInt8(ascii: sign))
  }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  static func isWord(_ byte: UInt8) -> Bool { byte.isLetterOrDigit || byte >= 0x80 }

  /// The end of an entity: `&amp;`, `&#8217;`; nil where the & is only a sign.
  func entity(at start: Int) -> Int? {
    var index = start + 1
    if has("#", at: index) { index += 1 }
    let first = index
    while index < bytes.count, index - first < 32, bytes[index].isLetterOrDigit { index += 1 }
    return index > first && has(";", at: index) ? index + 1 : nil
  }

  /// The end of a web address; nil where none begins, or a very long one.
  func url(at start: Int) -> Int? {
    guard starts(with: "http://", at: start) || starts(with: "https://", at: start) else { return nil }
    let count = bytes[start...].prefix(MarkupScan.longestURL + 1).prefix {
      !MarkupScan.isBlank($0) && $0 < 0x80 && !"<>\"`".utf8.contains($0)
    }.count
    return count <= MarkupScan.longestURL ? start + count : nil
  }

  private mutating func scanText() {
    var index = 0
    while let start = bytes[index...].firstIndex(of: UInt8(ascii: "h")) {
      index = url(at: start) ?? start + 1
      keep(start..<index)
    }
  }

  // MARK: HTML

  private static let void: Set<String> = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
  ]
  /// What these hold is no text.
  private static let raw: Set<String> = ["head", "script", "style", "textarea", "title"]
  private static let blocks: Set<String> = [
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "section", "table", "tr", "ul",
  ]

  /// Elements that have not ended, and how many of each name: an end tag of none of them is not looked for.
  private struct Elements {
    var all: [(name: String, tag: Range<Int>)] = []
    private var counts: [String: Int] = [:]

    mutating func append(_ name: String, _ tag: Range<Int>) {
      all.append((name, tag))
      counts[name, default: 0] += 1
    }

    mutating func removeThrough(_ name: String) -> [(name: String, tag: Range<Int>)] {
      guard counts[name] ?? 0 > 0, let position = all.lastIndex(where: { $0.name == name }) else { return [] }
      let ended = Array(all[position...])
      for element in ended { counts[element.name, default: 0] -= 1 }
      all.removeSubrange(position...)
      return ended
    }
  }

  private mutating func scanHTML() {
    var open = Elements()
    var index = 0
    while index < bytes.count {
      let start = index
      index = start + 1
      if bytes[start] == UInt8(ascii: "&") {
        index = entity(at: start) ?? index
        keep(start..<index)
      } else if bytes[start] == UInt8(ascii: "<"), let end = tagEnd(at: start) {
        index = end
        meet(start..<end, &open)
        if let last = open.all.last, last.tag.upperBound == end, MarkupScan.raw.contains(last.name) {
          _ = open.removeThrough(last.name)
          index = rawEnd(of: last.name, from: end)
        }
        keep(start..<index)
      }
    }
    for (name, tag) in open.all {
      wrap(tag.upperBound..<bytes.count + 1, closing: "</\(name)>", opening: text(tag))
    }
  }

  /// Behind a tag or comment, or the end of the text where it does not end; nil where the < is only a sign.
  private func tagEnd(at start: Int) -> Int? {
    if starts(with: "<!--", at: start) {
      var index = start + 4
      while index < bytes.count, !starts(with: "-->", at: index) { index += 1 }
      return min(index + 3, bytes.count)
    }
    guard start + 1 < bytes.count else { return bytes.count }
    guard bytes[start + 1].isLetterOrDigit || "/!?".utf8.contains(bytes[start + 1]) else { return nil }
    var quote: UInt8?
    for index in start + 1..<bytes.count {
      let byte = bytes[index]
      if quote != nil {
        if byte == quote { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: ">") {
        return index + 1
      }
    }
    return bytes.count
  }

  private mutating func meet(_ tag: Range<Int>, _ open: inout Elements) {
    let isEnd = has("/", at: tag.lowerBound + 1)
    let name = String(
      decoding: bytes[tag].dropFirst(isEnd ? 2 : 1).prefix { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") },
      as: UTF8.self
    ).lowercased()
    if name.isEmpty { return }
    if MarkupScan.blocks.contains(name), isEnd || MarkupScan.void.contains(name) { lines.insert(tag.upperBound) }
    if isEnd {
      for (name, start) in open.removeThrough(name) {
        wrap(start.upperBound..<tag.lowerBound, closing: "</\(name)>", opening: text(start))
      }
    } else if !MarkupScan.void.contains(name), !has("/", at: tag.upperBound - 2) {
      open.append(name, tag)
    }
  }

  /// Behind the end tag of what holds no text.
  private func rawEnd(of name: String, from start: Int) -> Int {
    let end = Array("</\(name)".utf8)
    for index in bytes.indices[start...] where index + end.count < bytes.count {
      let word = bytes[index..<index + end.count].lazy.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
      if word.elementsEqual(end) { return firstIndex(of: ">", in: index..<bytes.count).map { $0 + 1 } ?? bytes.count }
    }
    return bytes.count
  }
}
