import Core

extension ConfigurationReader {
  /// `on_failure: "ops"`, or `{ channel: "ops", to: ["..."] }` where that channel has no target of its own.
  func operatorAddress(
    _ place: Place?, _ configuration: Configuration
  ) throws(ConfigurationFault) -> OperatorAddress? {
    guard let place else { return nil }
    var address: OperatorAddress
    var named = place
    if place.value.members != nil {
      try place.allow(["channel", "to"])
      guard let entry = place["channel"] else {
        throw ConfigurationFault(place.path, "names no channel", hint: "on_failure: { channel: \"ops\", to: \"...\" }")
      }
      named = entry
      address = OperatorAddress(channel: try entry.string())
      if let to = place["to"] {
        address.to = try to.elements.map { (place) throws(ConfigurationFault) in try place.address() }
      }
    } else {
      address = OperatorAddress(channel: try place.string())
    }
    try ConfigurationReader.check(address.channel, named.path, configuration)
    guard let channel = configuration.channels[address.channel] else { return nil }
    // Everybody in its address book, where nobody is named.
    if address.to == nil, !channel.card.hasOwnTarget {
      address.to = channel.recipients.keys.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    guard address.to?.isEmpty != true else {
      throw ConfigurationFault(
        place.path, "says nobody: \(address.channel) has no target of its own, and no recipients",
        hint: "on_failure: { channel: \"\(address.channel)\", to: \"...\" }")
    }
    let isTemplated = [.named, .positional].contains(channel.card.templates)
    guard !isTemplated, FailureLetter.fits("msgspool", "-", channel) else {
      throw ConfigurationFault(
        named.path, "\(channel.card.name) cannot send a plain text there, which a summary is",
        hint: "name another channel")
    }
    return address
  }
}
