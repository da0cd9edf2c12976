import Core

extension ConfigurationReader {
  /// `digest: { every: "10m", max: 100, title: "{count} messages" }`.
  func digest(_ place: Place?, _ channel: Channel) throws(ConfigurationFault) -> DigestRule? {
    guard let place else { return nil }
    try place.allow(["every", "max", "title"])
    guard let every = place["every"] else {
      throw ConfigurationFault(place.path, "expected every, such as { every: \"10m\" }")
    }
    var rule = DigestRule(every: try every.span())
    rule.max = try place["max"]?.integer(in: 2...DigestRule.mostMessages) ?? rule.max
    rule.title = try place["title"]?.string() ?? rule.title
    guard rule.every >= 1 else { throw ConfigurationFault(every.path, "is less than a second") }
    guard rule.every < channel.expireAfter else {
      throw ConfigurationFault(
        every.path, "is not less than expire_after (\(TimeSpan.text(channel.expireAfter))), when messages expire")
    }
    if [.named, .positional].contains(channel.card.templates) {
      throw ConfigurationFault(
        place.path, "\(channel.card.name) sends approved templates, and no text that several messages could share",
        hint: "leave it out")
    }
    // A title that the provider does not take would be found out at the first digest, and then at every one.
    do throws(MessageFault) {
      _ = try channel.provider.rendered(rule.message(of: Array(repeating: Message(body: "-"), count: 2)))
    } catch {
      throw ConfigurationFault(
        error.field == "title" ? "\(place.path).title" : place.path,
        "\(channel.card.name) does not take a digest: \(error.field) \(error.problem)")
    }
    return rule
  }
}
