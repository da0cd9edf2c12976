/// Texts in their order, such as those whom a message names; equal where their bytes are.
///
/// A long list is one piece of memory and where each text in it ends: a million addresses take about what they take in
/// their file, and none of them is an object before it is looked at. A short one is an ordinary array.
package struct Texts: Sendable {
  /// Up to so many are kept each for itself.
  private static let few = 64

  private var short: [String] = []
  private var bytes: [UInt8] = []
  /// Where each ends in `bytes`; empty for a short list.
  private var ends: [Int] = []

  package init() {}
  package init(_ texts: some Sequence<String>) { for text in texts { append(text) } }

  package mutating func append(_ text: String) {
    if ends.isEmpty, short.count < Texts.few { return short.append(text) }
    var text = text
    text.withUTF8 { append(utf8: $0) }
  }

  /// - Parameter utf8: bytes that are known to be UTF-8.
  package mutating func append(utf8: UnsafeBufferPointer<UInt8>) {
    if ends.isEmpty {
      if short.count < Texts.few { return short.append(String(decoding: utf8, as: UTF8.self)) }
      for text in short {
        bytes.append(contentsOf: text.utf8)
        ends.append(bytes.count)
      }
      short = []
    }
    bytes.append(contentsOf: utf8)
    ends.append(bytes.count)
  }

  /// The text's UTF-8, which is not copied.
  package func withUTF8<Result>(at index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    guard !ends.isEmpty else {
      var text = short[index]
      return text.withUTF8(body)
    }
    let range = range(index)
    return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  /// The first one that is empty.
  package var firstEmpty: Int? { indices.first { index in ends.isEmpty ? short[index].isEmpty : range(index).isEmpty } }

  private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

extension Texts: RandomAccessCollection {
  package var startIndex: Int { 0 }
  package var endIndex: Int { ends.isEmpty ? short.count : ends.count }

  package subscript(index: Int) -> String {
    ends.isEmpty ? short[index] : withUTF8(at: index) { String(decoding: $0, as: UTF8.self) }
  }
}

extension Texts: Hashable, ExpressibleByArrayLiteral {
  package init(arrayLiteral texts: String...) { self.init(texts) }

  package static func == (one: Texts, other: Texts) -> Bool {
    one.ends == other.ends && one.bytes == other.bytes
      && one.short.elementsEqual(other.short) { $0.hasSameBytes(as: $1) }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(bytes)
    for text in short { hasher.combine(Verbatim(text)) }
  }
}
