import Core

/// `aliases` of a configuration: local names of mail to where they go.
struct Aliases {
  /// By the name in lower case, names of other aliases resolved.
  private(set) var all: [String: [Alias]] = [:]

  init(_ place: Place?) throws(ConfigurationFault) {
    guard let place else { return }
    var entries: [String: Place] = [:]
    for entry in try place.members() {
      let name = entry.name.lowercased()
      guard !name.isEmpty, entries[name] == nil else {
        throw ConfigurationFault(entry.path, name.isEmpty ? "has no name" : "is there twice", hint: "keep one")
      }
      entries[name] = entry
    }
    for (name, entry) in entries { all[name] = try Aliases.resolved(entry, entries, within: [name]) }
  }

  private static func resolved(
    _ entry: Place, _ entries: [String: Place], within names: [String]
  ) throws(ConfigurationFault) -> [Alias] {
    var aliases: [Alias] = []
    for item in entry.elements {
      if let other = item.value.string {
        let name = other.lowercased()
        guard let next = entries[name] else {
          let nearest = Suggestion.nearest(to: name, among: entries.keys).map { "; did you mean \"\($0)\"?" } ?? ""
          throw ConfigurationFault(
            item.path, "\"\(other)\" is no other alias\(nearest)",
            hint: "a recipient is written { channel: \"NAME\", to: \"ADDRESS\" }")
        }
        guard !names.contains(name) else { throw ConfigurationFault(item.path, "goes round in a circle") }
        aliases += try resolved(next, entries, within: names + [name])
      } else {
        aliases.append(try alias(item))
      }
    }
    guard !aliases.isEmpty else { throw ConfigurationFault(entry.path, "is empty; expected { channel, to }") }
    return aliases
  }

  private static func alias(_ item: Place) throws(ConfigurationFault) -> Alias {
    try item.allow(["channel", "to"], what: "a part of an alias")
    let to = item["to"]
    var alias = Alias(channel: try item["channel"]?.string())
    if let to {
      var addresses: [String] = []
      for element in to.elements { addresses.append(try element.address()) }
      alias.to = addresses
    }
    guard alias.channel != nil || alias.to != nil else {
      throw ConfigurationFault(item.path, "names neither channel nor to")
    }
    return alias
  }
}

/// What of a configuration says where mail goes, and no secret is needed to read.
package struct MailDoor: Sendable {
  package var defaultChannel: String?
  package var aliases: [String: [Alias]]
  /// The channels' providers.
  package var cards: [String: ProviderCard]
  package var maxMessageBytes: Int
}

extension ConfigurationReader {
  /// For programs whose user may read the configuration, and not the secrets that are kept in other files.
  package func mailDoor(_ path: String, _ file: File) throws(ConfigurationFault) -> MailDoor {
    let root = Place("", try JSON5Scanner.value(of: file.bytes, file: path))
    try root.allow(ConfigurationKey.top.map(\.name))
    var door = MailDoor(
      defaultChannel: try root["default_channel"]?.string(), aliases: try Aliases(root["aliases"]).all, cards: [:],
      maxMessageBytes: try root["max_message_bytes"]?.integer(in: 1024...(1 << 30)) ?? Configuration().maxMessageBytes)
    for place in try root["channels"]?.members() ?? [] { door.cards[place.name] = try provider(place).card }
    for (name, aliases) in door.aliases {
      for alias in aliases {
        guard let channel = alias.channel, door.cards[channel] == nil else { continue }
        throw ConfigurationFault("aliases.\(name)", "\"\(channel)\" is no channel of this configuration")
      }
    }
    return door
  }
}
