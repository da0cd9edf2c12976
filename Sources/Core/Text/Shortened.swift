extension String {
  /// Swift's own equality takes é in one scalar and in two for the same.
  package func hasSameBytes(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    var (one, other) = (self, other)
    return one.withUTF8 { one in
      other.withUTF8 { other in
        // Without a way out in the middle, the loop takes many bytes at a time.
        var difference: UInt8 = 0
        for index in one.indices { difference |= one[index] ^ other[index] }
        return difference == 0
      }
    }
  }

  /// The text as a complaint quotes it: words of others may be megabytes long.
  package var shortened: String {
    utf8.count <= 80 ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(60))) + "..."
  }
}
