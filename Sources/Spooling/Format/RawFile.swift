import Core

/// A file's JSON as it stands there, for `show`: with `meta`, unknown fields and whatever else a person wants to see.
package struct RawFile: Sendable {
  /// Nil for what is no JSON.
  package var message: JSON?
  /// The history lines, whole ones only.
  package var history: [JSON]

  package init(_ bytes: UnsafeBufferPointer<UInt8>) {
    var scanner = JSONScanner(bytes, at: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
    message = try? scanner.value()
    // As for `MessageFile`: what another program wrote behind the message may have a space before it.
    if message != nil { scanner.skipSpace() }
    let tail = message == nil ? bytes : UnsafeBufferPointer(rebasing: bytes[scanner.offset...])
    history = tail.split(separator: UInt8(ascii: "\n")).compactMap { slice in
      let line = UnsafeBufferPointer(rebasing: slice)
      guard !History.entries(in: line).isEmpty else { return nil }
      var scanner = JSONScanner(line)
      return try? scanner.value()
    }
  }
}
