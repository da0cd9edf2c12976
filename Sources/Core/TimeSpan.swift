/// Spans of time as people write them: `45s`, `30m`, `12h`, `7d`, `2w`, or plain seconds.
package enum TimeSpan {
  /// Seconds; nil for what is no span.
  package static func seconds(_ text: String) -> Double? {
    guard let last = text.last else { return nil }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400]
    let number = units[last] == nil ? text[...] : text.dropLast()
    // What `Double` would take beside that (signs, exponents, hexadecimal: 0x1d as one day) nobody means.
    let parts = number.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 &- 0x30 < 10 } }), let value = Double(number),
      value < 1e10
    else { return nil }
    return value * (units[last] ?? 1)
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
