import Core

/// The addresses of a header such as To (RFC 5322, section 3.4): `"Doe, J" <j@x>, root, team: a@x, b@x;`.
package enum Addresses {
  package static func parse(_ raw: [UInt8]) -> [String] {
    var addresses: [String] = []
    // What stands before a <, or alone; and what stands inside.
    var (plain, angled): ([UInt8], [UInt8]?) = ([], nil)
    var (isQuoted, isEscaped, isInside, depth) = (false, false, false, 0)
    func finish() {
      let address = String(decoding: angled ?? plain, as: UTF8.self).oneLine.filter { $0 != " " }
      if !address.isEmpty { addresses.append(address) }
      (plain, angled, isInside) = ([], nil, false)
    }
    func keep(_ byte: UInt8) { if isInside { angled?.append(byte) } else if angled == nil { plain.append(byte) } }
    for byte in raw {
      if isEscaped {
        isEscaped = false
        if depth == 0 { keep(byte) }
        continue
      }
      switch byte {
      case UInt8(ascii: "\\") where isQuoted || depth > 0: isEscaped = true
      case UInt8(ascii: "\"") where depth == 0: isQuoted.toggle()
      case _ where isQuoted: keep(byte)
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")") where depth > 0: depth -= 1
      case _ where depth > 0: break
      case UInt8(ascii: "<"): (angled, isInside) = ([], true)
      case UInt8(ascii: ">"): isInside = false
      case UInt8(ascii: ","), UInt8(ascii: ";"): if !isInside { finish() }
      // A group's name says nothing; a route (<@a,@b:c@d>) is obsolete, and means its end.
      case UInt8(ascii: ":") where !isInside: (plain, angled) = ([], nil)
      case UInt8(ascii: ":"): angled = []
      default: keep(byte)
      }
    }
    finish()
    return addresses
  }
}
