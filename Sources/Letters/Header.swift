import Core

/// The header of a mail or of one of its parts (RFC 5322, section 2.2): names and raw values, unfolded, in their order.
struct Header {
  private var fields: [(name: String, value: [UInt8])] = []

  /// Takes the header off the front of `bytes`. What is no header field ends it, as sendmail has it: a text without any
  /// header is all body.
  init(takenFrom bytes: inout ArraySlice<UInt8>) {
    // What mbox files put before a mail.
    if bytes.starts(with: "From ".utf8) { _ = Header.line(&bytes) }
    while !bytes.isEmpty {
      let begin = bytes
      let line = Header.line(&bytes)
      if line.isEmpty { return }
      if line.first == 0x20 || line.first == 0x09 {
        // A folded line goes on; one that nothing goes before is text.
        guard !fields.isEmpty else {
          bytes = begin
          return
        }
        fields[fields.count - 1].value += line
        continue
      }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
        let name = Header.name(line[..<colon])
      else {
        bytes = begin
        return
      }
      fields.append((name, Array(line[(colon + 1)...])))
    }
  }

  /// Up to the line's end, which goes too.
  static func line(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let end = bytes.firstIndex(of: 0x0A) ?? bytes.endIndex
    var line = bytes[bytes.startIndex..<end]
    bytes = bytes[min(end + 1, bytes.endIndex)...]
    if line.last == 0x0D { line = line.dropLast() }
    return line
  }

  private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
    // Blanks before the colon are obsolete, and allowed.
    let name = bytes.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
    guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    return String(decoding: name, as: UTF8.self).lowercased()
  }

  /// The first field of that name, raw.
  func raw(_ name: String) -> [UInt8]? { fields.first { $0.name == name }?.value }

  func all(_ name: String) -> [[UInt8]] { fields.filter { $0.name == name }.map(\.value) }

  /// The first field of that name as a person reads it: one line, encoded words decoded, nothing a terminal obeys.
  func text(_ name: String) -> String? {
    guard let raw = raw(name) else { return nil }
    let text = EncodedWords.text(raw).oneLine
    return text.isEmpty ? nil : text
  }

  /// A field such as `Content-Type`: the value in lower case, and its parameters (RFC 2045; RFC 2231 for charsets and
  /// pieces; RFC 2047, which some programs use here, too).
  func value(_ name: String) -> (value: String, parameters: [String: String])? {
    raw(name).map(Parameters.parse)
  }
}
