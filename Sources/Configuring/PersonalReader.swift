import Core
import FoundationEssentials

/// Reads what channels with a login have beside the common settings (wechat.md, sections 1, 4, 5, 7 and 8).
struct PersonalReader {
  let place: Place
  /// Where a relative path leads.
  let resolved: (String) -> String

  func settings(_ defaults: PersonalSettings) throws(ConfigurationFault) -> PersonalSettings {
    var settings = defaults
    settings.sessionFile = try (place["session"]?.string()).map(resolved)
    settings.receive = try place["receive"]?.choice(PersonalSettings.Receive.allCases) ?? defaults.receive
    settings.fillsInbox = try place["inbox"]?.flag() ?? defaults.fillsInbox
    settings.keepsOwn = try place["inbox_self"]?.flag() ?? defaults.keepsOwn
    settings.maxMediaBytes = try place["max_media_bytes"]?.integer(in: 0...(1 << 30)) ?? defaults.maxMediaBytes
    settings.maxFileBytes = try place["max_file_bytes"]?.integer(in: 1...(1 << 30)) ?? defaults.maxFileBytes
    settings.throttlePause = try place["throttle_pause"]?.span() ?? defaults.throttlePause
    settings.replyWithin = try place["reply_within"]?.span() ?? defaults.replyWithin
    settings.repeatWindow = try place["repeat_window"]?.span() ?? defaults.repeatWindow
    settings.repliesPerSender =
      try place["replies_per_sender"]?.integer(in: 1...1000) ?? defaults.repliesPerSender
    for entry in try place["replies"]?.list() ?? [] { settings.rules.append(try rule(entry)) }
    return settings
  }

  // MARK: Rules

  private func rule(_ entry: Place) throws(ConfigurationFault) -> ReplyRule {
    try entry.allow(["when", "answer"], what: "a part of a rule")
    guard let member = entry.value.members?.first(where: { $0.key == "answer" }) else {
      throw ConfigurationFault(entry.path, "has no answer", hint: "null is an answer too: none, and no later rule")
    }
    var rule = ReplyRule(answer: try answer(Place("\(entry.path).answer", member.value, name: "answer")))
    if let when = entry["when"] { try read(when, into: &rule) }
    switch rule.answer {
    case .run, .forward:
      // Who may start programs, or have messages sent on, is named.
      guard let from = rule.from, !from.contains("*") else {
        throw ConfigurationFault(
          "\(entry.path).when.from", "is missing or names everybody; exec and forward need names",
          hint: "name who may: from: [\"owner\"] or from: [\"老张\"]")
      }
    case .text, .echo, .none: break
    }
    if rule.from?.contains("*") == true { rule.from = nil }
    return rule
  }

  private func read(_ when: Place, into rule: inout ReplyRule) throws(ConfigurationFault) {
    try when.allow(["from", "text", "kind", "group", "mention"], what: "a condition")
    rule.from = try when["from"].map { (place) throws(ConfigurationFault) in try words(place) }
    rule.text = try when["text"].map { (place) throws(ConfigurationFault) in try pattern(place) }
    if let kind = when["kind"] {
      rule.kinds = []
      for place in kind.elements { rule.kinds.insert(try place.choice(Incoming.Kind.allCases)) }
    }
    if let group = when["group"] {
      if let flag = group.value.boolean {
        rule.groups = flag ? .all : .none
      } else {
        rule.groups = .named(try words(group))
      }
    }
    rule.needsMention = try when["mention"]?.flag() ?? false
  }

  private func words(_ place: Place) throws(ConfigurationFault) -> [String] {
    var words: [String] = []
    for element in place.elements { words.append(try element.string()) }
    return words
  }

  private func pattern(_ place: Place) throws(ConfigurationFault) -> ReplyRule.Pattern {
    if let text = place.value.string { return .exactly(text) }
    try place.allow(["prefix", "regex"], what: "a way to match a text")
    guard place.value.members?.count(where: { $0.value != .null }) == 1 else {
      throw ConfigurationFault(place.path, "expected a string, { prefix: \"...\" } or { regex: \"...\" }")
    }
    if let prefix = try place["prefix"]?.string() { return .prefix(prefix) }
    guard let entry = place["regex"] else { throw ConfigurationFault(place.path, "expected { regex: \"...\" }") }
    let source = try entry.string()
    do {
      _ = try Regex(source)
    } catch {
      throw ConfigurationFault(entry.path, "is no regular expression: \(error)")
    }
    return .regex(source)
  }

  private func answer(_ place: Place) throws(ConfigurationFault) -> ReplyRule.Answer {
    if place.value == .null { return .none }
    if let text = place.value.string {
      guard !text.isEmpty else { throw ConfigurationFault(place.path, "is empty", hint: "null is no answer") }
      return .text(text)
    }
    try place.allow(["echo", "exec", "timeout", "forward", "to"], what: "an answer")
    if try place["echo"]?.flag() == true { return .echo }
    if let exec = place["exec"] {
      let command = try words(exec)
      guard let program = command.first, program.utf8.first == UInt8(ascii: "/") else {
        throw ConfigurationFault(exec.path, "names no program by its whole path, such as \"/usr/local/bin/weather\"")
      }
      return .run(command, timeout: try place["timeout"]?.seconds(in: 0.1...600) ?? 10)
    }
    guard let forward = place["forward"] else {
      throw ConfigurationFault(
        place.path,
        "expected a text, { echo: true }, { exec: [...] }, { forward: \"channel\", to: [...] } or null")
    }
    return .forward(
      channel: try forward.string(),
      to: try (place["to"]).map { (place) throws(ConfigurationFault) in try words(place) } ?? [])
  }
}

extension Place {
  func flag() throws(ConfigurationFault) -> Bool {
    guard let flag = value.boolean else {
      throw ConfigurationFault(path, "found \(value.kindForPeople); expected true or false")
    }
    return flag
  }

  func list() throws(ConfigurationFault) -> [Place] {
    guard let values = value.array else {
      throw ConfigurationFault(path, "found \(value.kindForPeople); expected a list")
    }
    return values.enumerated().map { Place("\(path)[\($0.offset)]", $0.element, name: name) }
  }
}
