import Core

extension ConfigurationReader {
  /// `price: 0.045, budget: { daily: 50, monthly: 800 }`.
  func cost(_ channel: Channel, _ place: Place) throws(ConfigurationFault) {
    channel.price = try place["price"].map(amount) ?? .zero
    guard let budget = place["budget"] else { return }
    try budget.allow(["daily", "monthly"])
    channel.budget = Budget(daily: try budget["daily"].map(amount), monthly: try budget["monthly"].map(amount))
    guard channel.budget != Budget() else {
      throw ConfigurationFault(budget.path, "expected daily, monthly or both, such as { daily: 50 }")
    }
    guard channel.price > .zero else {
      throw ConfigurationFault(budget.path, "needs a price to count with", hint: "add price: 0.045 to the channel")
    }
  }

  /// As it was written: no binary number comes between.
  private func amount(_ place: Place) throws(ConfigurationFault) -> Money {
    if case .number(let text) = place.value, let money = Money(text) { return money }
    throw ConfigurationFault(
      place.path, "found \(place.value.text); expected an amount with at most six decimals, such as 0.045")
  }
}
