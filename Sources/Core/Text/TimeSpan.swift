/// Spans of time as people write them: `45s`, `30m`, `12h`, `7d`, `2w`.
package enum TimeSpan {
  /// Seconds; nil for what is no span. A number without its unit is none: who writes 7 means days as often as seconds.
  package static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400]
    guard let unit = text.last.flatMap({ units[$0] }) else { return nil }
    return number(text.dropLast()).map { $0 * unit }
  }

  /// For whoever wrote a number and no unit: "7 what? write 7d, 7h, 7m or 7s"; nil for anything else.
  package static func question(_ text: String) -> String? {
    guard number(text[...]) != nil else { return nil }
    return "\(text) what? write \(text)d, \(text)h, \(text)m or \(text)s"
  }

  private static func number(_ text: Substring) -> Double? {
    // What `Double` would take beside that (signs, exponents, hexadecimal: 0x1d as one day) nobody means.
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 &- 0x30 < 10 } }), let value = Double(text), value < 1e10
    else { return nil }
    return value
  }

  /// For people: the two largest units, `3d 4h`, `12m`, `8s`.
  package static func text(_ seconds: Double) -> String {
    var rest = Int(max(0, min(seconds, 1e10)).rounded())
    var parts: [String] = []
    for (unit, size) in [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)] {
      if rest >= size, parts.count < 2 { parts.append("\(rest / size)\(unit)") } else if !parts.isEmpty { break }
      rest %= size
    }
    return parts.isEmpty ? "0s" : parts.joined(separator: " ")
  }
}
