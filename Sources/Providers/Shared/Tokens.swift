import Core

/// Keys, topics and names that go into requests as they are: ASCII letters and digits, and what a service allows beside.
extension StringProtocol {
  /// Whether it is made of letters, digits and those others, and as many as that.
  func isToken(_ lengths: ClosedRange<Int> = 0...Int.max, and others: StaticString = "") -> Bool {
    let others = UnsafeBufferPointer(start: others.utf8Start, count: others.utf8CodeUnitCount)
    return lengths.contains(utf8.count) && utf8.allSatisfy { $0.isLetterOrDigit || others.contains($0) }
  }
}

extension Unicode.Scalar {
  /// Shown as something, and no space: what a name beyond ASCII may hold.
  var isVisible: Bool {
    if isASCII { return value > 0x20 && value < 0x7F }
    return !properties.isWhitespace && ![.control, .format].contains(properties.generalCategory)
  }
}
