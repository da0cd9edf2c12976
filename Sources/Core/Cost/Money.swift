/// An amount of whatever currency the operator counts in, exact to a millionth: amounts are added up thousands of times, and
/// ten times 0.1 has to be 1.
package struct Money: Sendable, Hashable, Comparable {
  /// Millionths.
  package var micros: Int

  package static let zero = Money(micros: 0)
  private static let most = 1_000_000_000_000_000

  package init(micros: Int) { self.micros = micros }

  /// A decimal number as it was written, `0.045` or `4.5e-2`. Nil for what is none, is below zero, has more than six
  /// decimals, or is a thousand million or more.
  package init?(_ text: String) {
    let parts = text.lowercased().pieces(at: "e")
    guard parts.count <= 2, let exponent = parts.count == 2 ? Int(parts[1]) : 0, abs(exponent) <= 30 else { return nil }
    let number = parts[0].pieces(at: ".")
    guard number.count <= 2 else { return nil }
    let digits = Array(number.joined().utf8)
    guard !digits.isEmpty, digits.count <= 40, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    // Places from the last digit to the millionths.
    let shift = 6 + exponent - (number.count == 2 ? number[1].utf8.count : 0)
    var micros = 0
    for (index, digit) in digits.enumerated() {
      let isBeyond = digits.count - index + shift <= 0
      if isBeyond, digit != 0x30 { return nil }
      if isBeyond { continue }
      micros = micros * 10 + Int(digit - 0x30)
      if micros >= Money.most { return nil }
    }
    for _ in 0..<max(0, shift) {
      micros *= 10
      if micros >= Money.most { return nil }
    }
    self.micros = micros
  }

  /// At least two decimals: `0.045`, `50.00`.
  package var text: String {
    let (whole, fraction) = abs(micros).quotientAndRemainder(dividingBy: 1_000_000)
    var decimals = String(1_000_000 + fraction).dropFirst()
    while decimals.count > 2, decimals.last == "0" { decimals.removeLast() }
    return "\(micros < 0 ? "-" : "")\(whole).\(decimals)"
  }

  package static func < (one: Money, other: Money) -> Bool { one.micros < other.micros }
  package static func + (one: Money, other: Money) -> Money {
    let (sum, isOver) = one.micros.addingReportingOverflow(other.micros)
    return Money(micros: isOver ? .max : sum)
  }
  package static func += (one: inout Money, other: Money) { one = one + other }
  package static func * (price: Money, count: Int) -> Money {
    let (product, isOver) = price.micros.multipliedReportingOverflow(by: count)
    return Money(micros: isOver ? .max : product)
  }
}

/// What a channel may cost (contract 5): beyond it, later.
package struct Budget: Sendable, Hashable {
  /// In a day of the channel's zone.
  package var daily: Money?
  /// In a month of it.
  package var monthly: Money?

  package init(daily: Money? = nil, monthly: Money? = nil) {
    self.daily = daily
    self.monthly = monthly
  }
}

extension Channel {
  /// How many the provider bills for this content to this recipient.
  package func units(of content: Content, to target: Target) -> Int {
    billing.map { max(1, $0.units(of: content, to: target)) } ?? 1
  }

  /// What it costs when it is accepted.
  package func cost(of content: Content, to target: Target) -> Money { price * units(of: content, to: target) }
}
