/// Markdown as far as it may not be torn apart: CommonMark, and what messengers make of it (`~`, `||`, `__`).
extension MarkupScan {
  /// A block of code between lines of ``` or ~~~.
  private struct Fence {
    /// The line that opens it.
    var line: Range<Int>
    var mark: [UInt8]
  }

  mutating func scanMarkdown() {
    var fence: Fence?
    var paragraph: Range<Int>?
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = start..<end
      start = end + 1
      let mark = fenceMark(of: line)
      if let open = fence {
        guard let mark, mark.first == open.mark.first, mark.count >= open.mark.count else { continue }
        close(open, before: line)
        fence = nil
      } else if let mark {
        scan(paragraph.take())
        fence = Fence(line: line, mark: mark)
      } else if bytes[line].allSatisfy(MarkupScan.isBlank) {
        scan(paragraph.take())
      } else {
        keepQuote(line)
        paragraph = (paragraph?.lowerBound ?? line.lowerBound)..<end
      }
    }
    scan(paragraph)
    if let fence { close(fence, before: nil) }
  }

  /// ``` or ~~~, and longer ones, at the line's beginning.
  private func fenceMark(of line: Range<Int>) -> [UInt8]? {
    let words = bytes[line].drop { $0 == 0x20 }
    guard line.count - words.count < 4, let first = words.first,
      first == UInt8(ascii: "`") || first == UInt8(ascii: "~")
    else { return nil }
    let mark = words.prefix { $0 == first }
    return mark.count > 2 ? Array(mark) : nil
  }

  private mutating func close(_ fence: Fence, before line: Range<Int>?) {
    let first = min(fence.line.upperBound + 1, bytes.count)
    keep(fence.line.lowerBound..<first)
    let last = line.map { max(first, $0.lowerBound - 1) }
    if let line, let last { keep(last..<line.upperBound) }
    let mark = String(decoding: fence.mark, as: UTF8.self)
    wrap(first..<(last ?? bytes.count + 1), closing: "\n" + mark, opening: text(fence.line) + "\n")
  }

  /// A quoted line that is cut goes on as one.
  private mutating func keepQuote(_ line: Range<Int>) {
    let words = bytes[line].drop { $0 == 0x20 }
    guard words.first == UInt8(ascii: ">") else { return }
    wraps.append(Wrap(inner: words.startIndex + 1..<line.upperBound, closing: "", opening: "> ", isBlock: true))
    keep(line.lowerBound..<words.startIndex + 1)
    forbidden.insert(words.startIndex + 1)
  }

  // MARK: Within a paragraph

  private struct Delimiter {
    var range: Range<Int>
    var word: String
  }

  private mutating func scan(_ paragraph: Range<Int>?) {
    guard let paragraph else { return }
    var open: [Delimiter] = []
    let ends = pairs(in: paragraph)
    var index = paragraph.lowerBound
    while index < paragraph.upperBound {
      let start = index
      index = unitEnd(at: start, in: paragraph, ends) ?? start
      if index > start {
        keep(start..<index)
        continue
      }
      index = start + 1
      let byte = bytes[start]
      guard "*_~|".utf8.contains(byte) else { continue }
      while index < paragraph.upperBound, bytes[index] == byte { index += 1 }
      keep(start..<index)
      meet(start..<index, in: paragraph, &open)
    }
  }

  /// The end of an escape, code, link, address, tag or entity.
  private func unitEnd(at start: Int, in paragraph: Range<Int>, _ ends: [Int: Int]) -> Int? {
    switch bytes[start] {
    case UInt8(ascii: "\\"): return start + 1 < paragraph.upperBound ? start + 2 : nil
    case UInt8(ascii: "`"): return ends[start]
    case UInt8(ascii: "<"):
      guard let end = ends[start], start + 1 < end, !MarkupScan.isBlank(bytes[start + 1]) else { return nil }
      return end
    case UInt8(ascii: "["): return linkEnd(at: start, ends)
    case UInt8(ascii: "!"): return has("[", at: start + 1) ? linkEnd(at: start + 1, ends) : nil
    case UInt8(ascii: "&"): return entity(at: start)
    case UInt8(ascii: "h"): return url(at: start)
    default: return nil
    }
  }

  /// `[words](address)` or `[words][name]`.
  private func linkEnd(at start: Int, _ ends: [Int: Int]) -> Int? {
    guard let words = ends[start], has("(", at: words) || has("[", at: words) else { return nil }
    return ends[words]
  }

  /// Behind what closes each bracket, angle bracket and run of backticks, by where these begin: all of them at once, as
  /// looking for each would take for ever in a text of nothing but brackets.
  private func pairs(in paragraph: Range<Int>) -> [Int: Int] {
    var ends: [Int: Int] = [:]
    var (square, round): ([Int], [Int]) = ([], [])
    var angle: Int?
    var ticks: [(start: Int, width: Int)] = []
    var index = paragraph.lowerBound
    while index < paragraph.upperBound {
      switch bytes[index] {
      case UInt8(ascii: "\\"): index += 1
      case UInt8(ascii: "["): square.append(index)
      case UInt8(ascii: "]"): if let start = square.popLast() { ends[start] = index + 1 }
      case UInt8(ascii: "("): round.append(index)
      case UInt8(ascii: ")"): if let start = round.popLast() { ends[start] = index + 1 }
      case UInt8(ascii: "<"): angle = index
      case UInt8(ascii: ">"):
        if let start = angle { ends[start] = index + 1 }
        angle = nil
      case UInt8(ascii: "`"):
        let width = bytes[index..<paragraph.upperBound].prefix { $0 == UInt8(ascii: "`") }.count
        ticks.append((index, width))
        index += width - 1
      default: break
      }
      index += 1
    }
    var next: [Int: Int] = [:]
    for (start, width) in ticks.reversed() {
      if let other = next[width] { ends[start] = other + width }
      next[width] = start
    }
    return ends
  }

  /// Bold, italic, struck out, spoiler: those of a pair have the same word.
  private mutating func meet(_ range: Range<Int>, in paragraph: Range<Int>, _ open: inout [Delimiter]) {
    let word = text(range)
    if word.utf8.first == UInt8(ascii: "|"), range.count != 2 { return }
    let before = range.lowerBound > paragraph.lowerBound ? bytes[range.lowerBound - 1] : 0x20
    let behind = range.upperBound < paragraph.upperBound ? bytes[range.upperBound] : 0x20
    // snake_case is one word.
    if word.utf8.first == UInt8(ascii: "_"), MarkupScan.isWord(before), MarkupScan.isWord(behind) { return }
    if !MarkupScan.isBlank(before), let position = open.lastIndex(where: { $0.word == word }) {
      wrap(open[position].range.upperBound..<range.lowerBound, closing: word, opening: word)
      open.removeSubrange(position...)
    } else if !MarkupScan.isBlank(behind) {
      open.append(Delimiter(range: range, word: word))
    }
  }
}
