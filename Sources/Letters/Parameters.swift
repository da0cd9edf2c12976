import Core

/// `text/plain; charset="utf-8"; name*0*=utf-8''%E5...` (RFC 2045, section 5.1; RFC 2231).
enum Parameters {
  static func parse(_ raw: [UInt8]) -> (value: String, parameters: [String: String]) {
    var pieces = split(raw)
    let value = pieces.isEmpty ? "" : String(decoding: pieces.removeFirst(), as: UTF8.self).oneLine.lowercased()
    var plain: [String: [UInt8]] = [:]
    // RFC 2231: by name, the pieces in their order.
    var extended: [String: [(number: Int, isEncoded: Bool, value: [UInt8])]] = [:]
    for piece in pieces {
      guard let equals = piece.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: piece[..<equals], as: UTF8.self).oneLine.lowercased()
      let value = unquoted(piece[(equals + 1)...])
      let parts = name.pieces(at: "*")
      guard parts.count > 1, parts.count < 4 else {
        if plain[name] == nil { plain[name] = value }
        continue
      }
      let isEncoded = parts[parts.count - 1].isEmpty
      let number = Int(parts[1]) ?? 0
      if extended[parts[0], default: []].count < 100 {
        extended[parts[0], default: []].append((number, isEncoded, value))
      }
    }
    var parameters = plain.mapValues { EncodedWords.text($0).oneLine }
    for (name, pieces) in extended { parameters[name] = joined(pieces).oneLine }
    return (value, parameters)
  }

  /// The pieces of a long parameter. The first of an encoded one names the charset: `utf-8'en'...`.
  private static func joined(_ pieces: [(number: Int, isEncoded: Bool, value: [UInt8])]) -> String {
    let pieces = pieces.sorted { $0.number < $1.number }
    var charset: String?
    var bytes: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      var value = piece.value[...]
      if index == 0, piece.isEncoded {
        let quotes = value.indices.filter { value[$0] == UInt8(ascii: "'") }
        if quotes.count >= 2 {
          charset = String(decoding: value[..<quotes[0]], as: UTF8.self)
          value = value[(quotes[1] + 1)...]
        }
      }
      // As quoted-printable, with another sign for the mark.
      bytes +=
        piece.isEncoded
        ? TransferCoding.quotedPrintable(
          value.map { $0 == UInt8(ascii: "%") ? UInt8(ascii: "=") : $0 }[...]) : Array(value)
    }
    return Charset.text(bytes, charset)
  }

  /// At semicolons that are not in quotes or comments; comments go.
  private static func split(_ raw: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = [[]]
    var (isQuoted, isEscaped, depth) = (false, false, 0)
    for byte in raw {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\"), isQuoted {
        isEscaped = true
      } else if byte == UInt8(ascii: "\""), depth == 0 {
        isQuoted.toggle()
      } else if byte == UInt8(ascii: "("), !isQuoted {
        depth += 1
        continue
      } else if byte == UInt8(ascii: ")"), depth > 0 {
        depth -= 1
        continue
      } else if byte == UInt8(ascii: ";"), !isQuoted, depth == 0 {
        pieces.append([])
        continue
      }
      if depth == 0 { pieces[pieces.count - 1].append(byte) }
    }
    return pieces
  }

  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
    let trimmed = Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    guard trimmed.count >= 2, trimmed.first == UInt8(ascii: "\""), trimmed.last == UInt8(ascii: "\"") else {
      return trimmed
    }
    var (value, isEscaped) = ([UInt8](), false)
    for byte in trimmed.dropFirst().dropLast() {
      if byte == UInt8(ascii: "\\"), !isEscaped {
        isEscaped = true
      } else {
        value.append(byte)
        isEscaped = false
      }
    }
    return value
  }
}
