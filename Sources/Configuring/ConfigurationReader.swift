import Core
import FoundationEssentials

/// What is wrong with a configuration, and what to do.
package struct ConfigurationFault: Error, Sendable, Hashable {
  /// Where: `channels.otp.retry.first`; empty for the whole file.
  package var place: String
  package var problem: String
  package var hint: String?

  package init(_ place: String, _ problem: String, hint: String? = nil) {
    self.place = place
    self.problem = problem
    self.hint = hint
  }

  package var message: String { place.isEmpty ? problem : "\(place): \(problem)" }
}

/// Reads a configuration: JSON5 in, checked `Configuration` out. Secrets never appear in a fault.
package struct ConfigurationReader: Sendable {
  /// A file as the reader needs it: its bytes, its permission bits, and when it was written.
  package struct File: Sendable {
    package var bytes: [UInt8]
    package var mode: UInt32
    package var modified: Date

    package init(bytes: [UInt8], mode: UInt32, modified: Date = .distantPast) {
      self.bytes = bytes
      self.mode = mode
      self.modified = modified
    }
  }

  private let providers: [any Provider.Type]
  private let presets: [String: String]
  private let environment: @Sendable (String) -> String?
  private let file: @Sendable (String) throws(ConfigurationFault) -> File
  /// The configuration's own, with its slash: cron's folder is another than the operator's, so what it names by a relative
  /// path is beside it.
  private var folder = ""

  /// - Parameter presets: what people may take for a provider, and the provider that it is a preset of.
  package init(
    providers: [any Provider.Type], presets: [String: String] = [:],
    environment: @escaping @Sendable (String) -> String?,
    file: @escaping @Sendable (String) throws(ConfigurationFault) -> File
  ) {
    self.providers = providers
    self.presets = presets
    self.environment = environment
    self.file = file
  }

  /// - Parameter file: the configuration file itself.
  package func configuration(_ path: String, _ file: File) throws(ConfigurationFault) -> Configuration {
    var reader = self
    reader.folder = path.throughLastSlash
    return try reader.read(path, file)
  }

  /// The zones of the machine: its own is looked up anew for every channel, as it is small and read from memory.
  private var zones: Zones { Zones(variable: environment) { [file] in (try? file($0))?.bytes } }

  private func resolved(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }

  private func read(_ path: String, _ file: File) throws(ConfigurationFault) -> Configuration {
    let root = Place("", try JSON5Scanner.value(of: file.bytes, file: path))
    try root.allow(ConfigurationKey.top.map(\.name))
    var configuration = Configuration()
    configuration.defaultChannel = try root["default_channel"]?.string()
    configuration.deduplicateFor = try root["deduplicate_for"]?.span() ?? configuration.deduplicateFor
    configuration.maxMessageBytes =
      try root["max_message_bytes"]?.integer(in: 1024...(1 << 30)) ?? configuration.maxMessageBytes
    configuration.attachmentDirectories = try root["attachment_directories"]?.strings() ?? []
    configuration.sandboxPort = try root["sandbox"]?.integer(in: 1...65535)
    configuration.aliases = try Aliases(root["aliases"]).all
    var secrets = Secrets()
    for place in try root["channels"]?.members() ?? [] {
      let channel = try self.channel(place, &secrets)
      configuration.channels[channel.name] = channel
    }
    if secrets.areInside, file.mode & 0o004 != 0 {
      throw ConfigurationFault(
        "", "\(path) holds a secret, and everybody may read it",
        hint:
          "chmod 640 \(path) (or 600), or keep the secret in a file of its own: { file: \"/etc/msgspool/NAME.secret\" }"
      )
    }
    try checkReferences(configuration)
    configuration.onFailure = try operatorAddress(root["on_failure"], configuration)
    configuration.modified = max(file.modified, secrets.modified)
    return configuration
  }

  static func check(_ name: String?, _ place: String, _ configuration: Configuration) throws(ConfigurationFault) {
    guard let name, configuration.channels[name] == nil else { return }
    let nearest = Suggestion.nearest(to: name, among: configuration.channels.keys).map { "; did you mean \"\($0)\"?" }
    throw ConfigurationFault(place, "\"\(name)\" is no channel of this configuration\(nearest ?? "")")
  }

  private func checkReferences(_ configuration: Configuration) throws(ConfigurationFault) {
    try ConfigurationReader.check(configuration.defaultChannel, "default_channel", configuration)
    for (name, aliases) in configuration.aliases.sorted(by: { $0.key < $1.key }) {
      for alias in aliases { try ConfigurationReader.check(alias.channel, "aliases.\(name)", configuration) }
    }
    for channel in configuration.channels.values.sorted(by: { $0.name < $1.name }) {
      let place = "channels.\(channel.name).fallback"
      try ConfigurationReader.check(channel.fallback, place, configuration)
      for (index, rule) in (channel.personal?.rules ?? []).enumerated() {
        if case .forward(let target, _) = rule.answer {
          try ConfigurationReader.check(
            target, "channels.\(channel.name).replies[\(index)].answer.forward", configuration)
        }
      }
      if channel.fallback == channel.name {
        throw ConfigurationFault(place, "is the channel itself", hint: "name another channel, or leave it out")
      }
    }
  }

  // MARK: Channels

  private static let common = ConfigurationKey.channel.map(\.name)

  private func channel(_ place: Place, _ known: inout Secrets) throws(ConfigurationFault) -> Channel {
    let type = try provider(place)
    let card = type.card
    try place.allow(ConfigurationReader.common + card.settings.map(\.name), what: "a setting of \(card.name)")
    var secrets = Secrets()
    var values: [String: JSON] = [:]
    for setting in card.settings {
      values[setting.name] = try value(of: setting, in: place, &secrets)
    }
    let endpoint = try place["endpoint"]?.url() ?? card.endpoint ?? ""
    let receipts = try place["receipts"]?.choice(ReceiptMode.allCases)
    let channel: Channel
    do throws(SettingFault) {
      var settings = Settings(endpoint: endpoint, values: values)
      settings.receipts = receipts
      channel = Channel(place.name, try type.init(settings))
    } catch {
      throw ConfigurationFault(
        "\(place.path).\(error.setting)", error.problem, hint: "see: msgspool providers \(card.name)")
    }
    channel.recipients = try addressBook(place, &secrets)
    try readReceipts(channel, place, receipts, &secrets)
    channel.secrets = secrets.values
    channel.disguises = ConfigurationReader.disguises(of: secrets.values)
    known.areInside = known.areInside || secrets.areInside
    known.modified = max(known.modified, secrets.modified)
    channel.account = values.compactMapValues(\.string)
    try pace(channel, place)
    try times(channel, place)
    channel.digest = try digest(place["digest"], channel)
    try cost(channel, place)
    channel.fallback = try place["fallback"]?.string()
    channel.caFile = try (place["ca_file"]?.string()).map(resolved)
    if let defaults = channel.personal {
      channel.personal = try PersonalReader(place: place, resolved: resolved).settings(defaults)
      guard channel.concurrency == 1 else {
        throw ConfigurationFault(
          "\(place.path).concurrency", "is \(channel.concurrency); \(card.name) sends one call at a time",
          hint: "leave it out")
      }
    }
    return channel
  }

  /// What receipts.md says of a channel. Nothing that could never be heard is taken.
  private func readReceipts(
    _ channel: Channel, _ place: Place, _ mode: ReceiptMode?, _ secrets: inout Secrets
  ) throws(ConfigurationFault) {
    if let mode, mode != .off {
      let path = "\(place.path).receipts"
      let name = channel.card.name
      guard let provider = channel.receipting else {
        throw ConfigurationFault(path, "\(name) never tells what became of a message", hint: "leave it out, or \"off\"")
      }
      guard !mode.asks || channel.asking != nil else {
        throw ConfigurationFault(path, "\(name) cannot be asked", hint: "\"drop\" takes its callbacks from receipts/")
      }
      guard mode == .pull || type(of: provider).hasCallbacks else {
        throw ConfigurationFault(path, "\(name) has no callbacks", hint: "\"pull\" asks it")
      }
    }
    if let mode { channel.receipts = mode }
    channel.receiptWait = try place["receipt_wait"]?.span() ?? channel.receiptWait
    channel.receiptEvery = try place["receipt_every"]?.span()
    // As a provider's own secrets: what is wrong with it is told without it.
    let secret = SettingCard("receipt_secret", secret: true, "")
    channel.receiptSecret = try value(of: secret, in: place, &secrets)?.string
    guard let entry = place["fallback_on"] else { return }
    guard place["fallback"] != nil else {
      throw ConfigurationFault(
        entry.path, "needs a fallback, by which the recipient goes on", hint: "name one: fallback")
    }
    let states: [ReceiptState] = [.undelivered, .noReceipt]
    for element in entry.elements {
      guard let state = states.first(where: { $0.rawValue == element.value.string }) else {
        throw ConfigurationFault(
          entry.path, "expected \"undelivered\" or [\"undelivered\", \"no_receipt\"]",
          hint: "what is rejected goes on by the fallback anyhow")
      }
      channel.fallbackOn.insert(state)
    }
  }

  /// Name to addresses. One that is a secret is shown by its name in the book; where there are several, by what it is called
  /// where it is kept, too.
  private func addressBook(
    _ channel: Place, _ secrets: inout Secrets
  ) throws(ConfigurationFault) -> [Verbatim: [Contact]] {
    var book: [Verbatim: [Contact]] = [:]
    for entry in try channel["recipients"]?.members(areBytes: true) ?? [] {
      let places = entry.elements
      var contacts: [Contact] = []
      for place in places {
        if let secret = try source(place, &secrets) {
          secrets.values.append(secret)
          let kept = place.value.members?.first?.value.string ?? ""
          contacts.append(Contact(secret: secret, shown: places.count == 1 ? entry.name : "\(entry.name) (\(kept))"))
        } else {
          contacts.append(Contact(try place.address()))
        }
      }
      book[Verbatim(entry.name)] = contacts
    }
    return book
  }

  func provider(_ place: Place) throws(ConfigurationFault) -> any Provider.Type {
    let names = providers.map { $0.card.name }
    guard let entry = place["provider"] else {
      throw ConfigurationFault(place.path, "names no provider", hint: "one of: \(names.joined(separator: ", "))")
    }
    let name = try entry.string()
    guard let type = providers.first(where: { $0.card.name == name }) else {
      if let real = presets[name] {
        throw ConfigurationFault(
          entry.path, "\"\(name)\" is no provider of this msgspool, but a preset of \(real)",
          hint: "for the channel to copy see: msgspool providers \(name)")
      }
      let nearest = Suggestion.nearest(to: name, among: names).map { "; did you mean \"\($0)\"?" }
      throw ConfigurationFault(
        entry.path, "\"\(name)\" is no provider of this msgspool\(nearest ?? "")",
        hint: "one of: \(names.joined(separator: ", "))")
    }
    return type
  }

  private func pace(_ channel: Channel, _ place: Place) throws(ConfigurationFault) {
    let card = channel.card
    let most = card.raisedRecipientsPerCall ?? card.recipientsPerCall
    if let limit = try place["max_recipients_per_call"]?.integer(in: 1...most) {
      channel.recipientsPerCall = limit
      channel.mixedRecipientsPerCall = channel.mixedRecipientsPerCall.map { min($0, limit) }
    }
    channel.concurrency = try place["concurrency"]?.integer(in: 1...1000) ?? channel.concurrency
    channel.rate = try place["rate"]?.number(in: 0...1_000_000) ?? channel.rate
    channel.daily = try place["daily"]?.integer(in: 0...1_000_000_000) ?? channel.daily
    channel.dailyPerRecipient =
      try place["daily_per_recipient"]?.integer(in: 0...1_000_000_000) ?? channel.dailyPerRecipient
    channel.suspectAfter = try place["suspect_after"]?.integer(in: 0...1_000_000_000) ?? channel.suspectAfter
  }

  private func times(_ channel: Channel, _ place: Place) throws(ConfigurationFault) {
    channel.timeout = try place["timeout"]?.seconds(in: 0.001...3600) ?? channel.timeout
    channel.expireAfter = try place["expire_after"]?.span() ?? channel.expireAfter
    channel.reconcileAfter = try place["reconcile_after"]?.span()
    channel.zone = try place["zone"]?.zone(zones) ?? zones.system
    if let entry = place["on_unconfirmed"] {
      channel.onUnconfirmed = try entry.choice(Channel.UnconfirmedPolicy.allCases)
    }
    if let retry = place["retry"] {
      try retry.allow(["attempts", "first", "max"])
      channel.retry.attempts = try retry["attempts"]?.integer(in: 1...1000) ?? channel.retry.attempts
      channel.retry.first = try retry["first"]?.seconds() ?? channel.retry.first
      channel.retry.max = try retry["max"]?.seconds() ?? max(channel.retry.max, channel.retry.first)
    }
    if let quiet = place["quiet_hours"] {
      try quiet.allow(["from", "to", "zone"])
      guard let from = quiet["from"], let to = quiet["to"] else {
        throw ConfigurationFault(quiet.path, "expected from and to, such as { from: \"22:00\", to: \"07:00\" }")
      }
      let hours = QuietHours(
        from: try from.timeOfDay(), to: try to.timeOfDay(), zone: try quiet["zone"]?.zone(zones) ?? channel.zone)
      // All day or never? Nobody can tell, so nobody should have to.
      guard hours.from != hours.to else { throw ConfigurationFault(quiet.path, "from and to are the same time of day") }
      channel.quietHours = hours
    }
  }

  // MARK: Settings and secrets

  private struct Secrets {
    var values: [String] = []
    /// Some stand in the configuration itself.
    var areInside = false
    /// When the newest file that holds one was written.
    var modified = Date.distantPast
  }

  private func value(
    of setting: SettingCard, in channel: Place, _ secrets: inout Secrets
  ) throws(ConfigurationFault) -> JSON? {
    guard let entry = channel[setting.name] else {
      if setting.required {
        throw ConfigurationFault(
          "\(channel.path).\(setting.name)", "is missing (\(setting.summary))",
          hint: "see: msgspool providers \(try channel["provider"]?.string() ?? "")")
      }
      return nil
    }
    if setting.kind == .object, setting.secret { return try secretMembers(entry, &secrets) }
    var value = entry.value
    if [.string, .identifier].contains(setting.kind), let source = try source(entry, &secrets) {
      value = .string(source)
    } else if setting.secret {
      secrets.areInside = true
    }
    guard let value = setting.kind.value(of: value) else {
      // Never the value itself: it may be the secret.
      throw ConfigurationFault(entry.path, "found \(value.kindForPeople); expected \(setting.kind.rawValue)")
    }
    if setting.secret, case .string(let secret) = value {
      guard !secret.isEmpty else { throw ConfigurationFault(entry.path, "is empty") }
      secrets.values.append(secret)
    }
    return value
  }

  /// Parts of secrets that give them away by themselves: what follows `Bearer`, and of a URL the password and what follows
  /// the host, which is all that a server sees of it.
  private static func disguises(of secrets: [String]) -> [String] {
    secrets.flatMap { secret -> [String] in
      let parts = secret.pieces(at: "/")
      let isURL = parts.count > 2 && parts[0].utf8.last == UInt8(ascii: ":") && parts[1].isEmpty
      guard isURL else { return secret.pieces(at: " ").suffix(1).filter { $0 != secret } }
      let login = parts[2].pieces(at: "@").dropLast().joined(separator: "@")
      let password = login.pieces(at: ":").dropFirst().joined(separator: ":")
      return [password, "/" + parts.dropFirst(3).joined(separator: "/")]
    }
  }

  /// An object whose values may be secrets, each by itself (headers).
  private func secretMembers(
    _ entry: Place, _ secrets: inout Secrets
  ) throws(ConfigurationFault) -> JSON {
    // Never a value itself: it may be the secret.
    guard entry.value.members != nil else {
      throw ConfigurationFault(entry.path, "found \(entry.value.kindForPeople); expected an object")
    }
    var members: [JSON.Member] = []
    for member in try entry.members() {
      let text: String
      if let source = try source(member, &secrets) {
        text = source
      } else {
        secrets.areInside = true
        guard let literal = member.value.string, !literal.isEmpty else {
          throw ConfigurationFault(member.path, "found \(member.value.kindForPeople); expected a string")
        }
        text = literal
      }
      secrets.values.append(text)
      members.append(.init(member.name, .string(text)))
    }
    return .object(members)
  }

  private static let sources =
    "expected a string or one of { env: NAME }, { file: PATH } and { credential: NAME }"

  /// What `{ env: NAME }`, `{ file: PATH }` or `{ credential: NAME }` stands for; nil for anything else.
  private func source(_ entry: Place, _ secrets: inout Secrets) throws(ConfigurationFault) -> String? {
    guard let members = entry.value.members else { return nil }
    try entry.allow(["env", "file", "credential"])
    guard members.count(where: { $0.value != .null }) == 1 else {
      throw ConfigurationFault(entry.path, ConfigurationReader.sources)
    }
    if let name = try entry["env"]?.string() {
      guard let value = environment(name), !value.isEmpty else {
        throw ConfigurationFault(entry.path, "the environment variable \(name) is not set", hint: "export \(name)=...")
      }
      return value
    }
    if let name = try entry["credential"]?.string() {
      return try secret(in: try credential(name, entry), entry, &secrets)
    }
    guard let path = try entry["file"]?.string() else {
      throw ConfigurationFault(entry.path, ConfigurationReader.sources)
    }
    return try secret(in: resolved(path), entry, &secrets)
  }

  /// The file in which systemd hands a service its credential of that name.
  private func credential(_ name: String, _ entry: Place) throws(ConfigurationFault) -> String {
    guard !name.holds("/"), name != ".", name != ".." else {
      throw ConfigurationFault(entry.path, "found \"\(name)\"; expected a credential's name, without a slash")
    }
    guard let folder = environment("CREDENTIALS_DIRECTORY"), !folder.isEmpty else {
      throw ConfigurationFault(
        entry.path, "there are no credentials here: CREDENTIALS_DIRECTORY is not set",
        hint: "systemd sets it for a unit with LoadCredential=\(name):PATH or SetCredential=")
    }
    return folder + "/" + name
  }

  private func secret(
    in path: String, _ entry: Place, _ secrets: inout Secrets
  ) throws(ConfigurationFault) -> String {
    let file: File
    do throws(ConfigurationFault) {
      file = try self.file(path)
    } catch {
      throw ConfigurationFault(entry.path, error.message, hint: error.hint)
    }
    guard file.mode & 0o004 == 0 else {
      throw ConfigurationFault(
        entry.path, "\(path) holds a secret, and everybody may read it", hint: "chmod 640 \(path) (or 600)")
    }
    guard let text = String(validating: file.bytes, as: UTF8.self) else {
      throw ConfigurationFault(entry.path, "\(path) is not UTF-8 text")
    }
    secrets.modified = max(secrets.modified, file.modified)
    // An editor's newline at the end is no part of the secret.
    let secret = String(text.reversed().drop { $0.isNewline }.reversed())
    guard !secret.isEmpty else { throw ConfigurationFault(entry.path, "\(path) is empty; expected the secret") }
    return secret
  }
}
