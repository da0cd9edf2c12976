/// Where a text may end and go on in another: between characters as people see them, and never inside what its format
/// takes as one: a tag, an entity, an escape, a link, code between backticks. What is open there (bold words, a block of
/// code) is closed in the one text and opened again in the other.
package struct CutPoints: Sendable {
  /// How good a place is: `ideograph` is between two signs of a script that has no blanks.
  package enum Rank: Int, Comparable, Sendable {
    case character, ideograph, word, line

    package static func < (one: Rank, other: Rank) -> Bool { one.rawValue < other.rawValue }
  }

  package struct Point: Sendable, Hashable {
    /// Bytes of the text that stay, without the blanks before the cut.
    package var end: Int
    /// Where the other text begins, behind the blanks.
    package var next: Int
    package var rank: Rank
  }

  /// In the order of the text. Its very end is none of them.
  package private(set) var points: [Point] = []
  private let bytes: [UInt8]
  private let wraps: [MarkupScan.Wrap]

  package init(_ text: String, _ format: Message.Format) {
    bytes = Array(text.utf8)
    var scan = MarkupScan(bytes)
    scan.run(format)
    wraps = scan.wraps.sorted { ($0.isBlock ? 0 : 1, $0.inner.lowerBound) < ($1.isBlock ? 0 : 1, $1.inner.lowerBound) }
    collect(text, scan)
  }

  /// What stays, with `mark` behind it.
  package func piece(at point: Point, mark: String = "") -> String {
    String(decoding: bytes[..<point.end], as: UTF8.self) + mark
      + active(at: point).reversed().map(\.closing).joined()
  }

  /// What the other text begins with, before its own words.
  package func opening(at point: Point) -> String { active(at: point).map(\.opening).joined() }

  private func active(at point: Point) -> [MarkupScan.Wrap] {
    wraps.filter { $0.inner.lowerBound < point.end && point.end < $0.inner.upperBound }
  }

  // MARK: Finding them

  private mutating func collect(_ text: String, _ scan: MarkupScan) {
    let units = scan.units
    var unit = 0
    var previous: Character?
    var offset = 0
    var index = text.startIndex
    while index < text.endIndex {
      let character = text[index]
      defer {
        previous = character
        offset += character.utf8.count
        index = text.index(after: index)
      }
      guard let before = previous, !before.isBreak else { continue }
      while unit < units.count, units[unit].upperBound <= offset { unit += 1 }
      if unit < units.count, units[unit].lowerBound < offset { continue }
      if scan.forbidden.contains(offset) { continue }
      var point = Point(end: offset, next: offset, rank: CutPoints.rank(before, character))
      if character.isBreak { CutPoints.pass(blanksOf: text[index...], &point) }
      if scan.lines.contains(offset) { point.rank = .line }
      points.append(point)
    }
  }

  /// Behind the blanks; behind line breaks the indentation stays.
  private static func pass(blanksOf text: Substring, _ point: inout Point) {
    point.rank = .word
    var offset = point.end
    var lineStart: Int?
    for character in text {
      guard character.isBreak else { break }
      offset += character.utf8.count
      if character.isNewline { lineStart = offset }
    }
    if lineStart != nil { point.rank = .line }
    point.next = lineStart ?? offset
  }

  private static func rank(_ before: Character, _ behind: Character) -> Rank {
    // What may not begin a line.
    if "。，、；：？！）》」』】…％".contains(behind) { return .character }
    if "。，、；：？！…".contains(before) { return .word }
    return before.isWide || behind.isWide ? .ideograph : .character
  }
}

extension Character {
  /// A blank at which a line may end.
  fileprivate var isBreak: Bool { isWhitespace && !"\u{A0}\u{2007}\u{202F}".contains(self) }

  /// Of a script that breaks its lines anywhere.
  fileprivate var isWide: Bool {
    guard let scalar = unicodeScalars.first else { return false }
    switch scalar.value {
    case 0x2E80...0x9FFF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFF00...0xFFEF, 0x20000...0x3FFFF: return true
    default: return false
    }
  }
}
