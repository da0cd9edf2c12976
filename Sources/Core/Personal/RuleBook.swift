import FoundationEssentials

/// Which rule answers a message, and how. Pure: what was said before, and who is who, is passed in.
package struct RuleBook: Sendable {
  /// Answers that are remembered against one being taken for a question.
  private static let rememberedAnswers = 5
  /// Seconds in which answers to one are counted.
  private static let countingTime = 60.0
  /// Characters above which no expression is tried: some take for ever.
  private static let longestText = 4096

  private let settings: PersonalSettings
  private let contacts: ContactBook?

  package init(_ settings: PersonalSettings, _ contacts: ContactBook?) {
    self.settings = settings
    self.contacts = contacts
  }

  /// What tells one thing said from another: a text, else what came in its place.
  package static func gist(of message: Incoming) -> String {
    if message.kind == .text { return gist(of: message.text) }
    let media = message.media.map { JSON.array([.string($0.name), $0.own]) }
    return gist(
      of: "\(message.kind.rawValue) \(message.text) \(message.title) \(message.url) \(JSON.array(media).text)")
  }

  /// Of a long text its beginning, its length and 64 bits of FNV-1a: one of a megabyte is not remembered whole.
  package static func gist(of text: String) -> String {
    guard text.utf8.count > 4096 else { return text }
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    return "\(text.utf8.count) \(hash) " + String(text.unicodeScalars.prefix(256))
  }

  /// - Parameters:
  ///   - json: the message as it stands in the inbox: what a program gets.
  ///   - files: what came with it.
  ///   - talk: what was said with the sender before.
  package func work(
    for message: Incoming, json: JSON, files: [ReplyWork.File], _ talk: Talk, at now: Date
  ) -> ReplyWork? {
    guard !settings.rules.isEmpty, mayAnswer(message, talk, now) else { return nil }
    let user = message.correspondent.user
    let expires = message.at + settings.replyWithin
    for rule in settings.rules {
      guard let groups = match(rule, message) else { continue }
      switch rule.answer {
      case .none: return nil
      case .echo: return message.text.isEmpty ? nil : ReplyWork(.text(message.text), expires: expires, user: user)
      case .text(let template):
        return ReplyWork(.text(RuleBook.filled(template, message, groups)), expires: expires, user: user)
      case .run(let command, let timeout):
        return ReplyWork(.run(command, input: json.text, timeout: timeout), expires: expires, user: user)
      case .forward(let channel, let to):
        let name = message.from.name
        let text = "\(name): \(message.text.isEmpty ? message.kind.rawValue : message.text)"
        return ReplyWork(.forward(channel: channel, to: to, text: text, files: files), expires: expires, user: user)
      }
    }
    return nil
  }

  // MARK: Loops

  private func mayAnswer(_ message: Incoming, _ talk: Talk, _ now: Date) -> Bool {
    switch message.from.kind {
    case .own, .public, .bot, .group: return false
    case .friend, .stranger, .owner: break
    }
    if message.kind == .system || message.kind == .recall { return false }
    if now.timeIntervalSince(message.at) > settings.replyWithin { return false }
    let gist = Verbatim(RuleBook.gist(of: message))
    let isRepeated = talk.texts.contains { said in
      Verbatim(said.text) == gist && abs(said.at.timeIntervalSince(message.at)) <= settings.repeatWindow
    }
    if isRepeated { return false }
    let own = Verbatim(RuleBook.gist(of: message.text))
    if !message.text.isEmpty,
      talk.answers.prefix(RuleBook.rememberedAnswers).contains(where: { Verbatim($0.text) == own })
    {
      return false
    }
    let recent = talk.answers.count { abs(now.timeIntervalSince($0.at)) < RuleBook.countingTime }
    return recent < settings.repliesPerSender
  }

  // MARK: Matching

  /// What the expression's groups hold, the whole match first; empty for other conditions, nil where the rule is not met.
  private func match(_ rule: ReplyRule, _ message: Incoming) -> [String]? {
    guard rule.kinds.contains(message.kind), isPlace(rule, message), isSender(rule, message) else { return nil }
    if rule.needsMention, !message.isMention { return nil }
    switch rule.text {
    case nil: return []
    case .exactly(let text): return Verbatim(text) == Verbatim(message.text) ? [] : nil
    case .prefix(let prefix): return message.text.utf8.starts(with: prefix.utf8) ? [] : nil
    case .regex(let source):
      guard message.text.unicodeScalars.count <= RuleBook.longestText, let regex = try? Regex(source),
        let found = try? regex.firstMatch(in: message.text)
      else { return nil }
      return found.output.map { $0.substring.map { String($0) } ?? "" }
    }
  }

  /// Messages in a group are answered where the rule is for groups, or names that group as a sender.
  private func isPlace(_ rule: ReplyRule, _ message: Incoming) -> Bool {
    guard let group = message.group else { return rule.groups == .none }
    switch rule.groups {
    case .all: return true
    case .named(let names): return names.contains { isGroup($0, group) }
    case .none: return (rule.from ?? []).contains { $0.begins(with: "group:") && isGroup($0, group) }
    }
  }

  private func isSender(_ rule: ReplyRule, _ message: Incoming) -> Bool {
    guard let from = rule.from else { return true }
    return from.contains { word in
      if word.begins(with: "group:") { return message.group.map { isGroup(word, $0) } ?? false }
      return isPerson(word, message.from)
    }
  }

  private func isGroup(_ word: String, _ group: Incoming.Sender) -> Bool {
    let word = word.begins(with: "group:") ? word : "group:\(word)"
    if !group.to.isEmpty, Verbatim(group.to) == Verbatim(word) { return true }
    guard case .one(let entry)? = contacts?.find(word) else { return false }
    return Verbatim(entry.user) == Verbatim(group.user)
  }

  /// As in `to`: a name that several have names nobody, so that nobody gets a program started by taking another's name.
  private func isPerson(_ word: String, _ sender: Incoming.Sender) -> Bool {
    if sender.kind == .owner { return word == "owner" || Verbatim(word) == Verbatim(sender.user) }
    if word == "owner" { return false }
    if case .one(let entry)? = contacts?.find(word) { return Verbatim(entry.user) == Verbatim(sender.user) }
    return contacts == nil && !sender.to.isEmpty && Verbatim(sender.to) == Verbatim(word)
  }

  // MARK: Texts

  /// `{name}`, `{text}` and `{1}`... once each: what is filled in is not looked at again.
  static func filled(_ template: String, _ message: Incoming, _ groups: [String]) -> String {
    var text: [UInt8] = []
    var rest = Array(template.utf8)[...]
    while let byte = rest.first {
      if byte == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")), end - rest.startIndex <= 12,
        let value = value(
          of: String(decoding: rest[rest.index(after: rest.startIndex)..<end], as: UTF8.self), message, groups)
      {
        text += value.utf8
        rest = rest[rest.index(after: end)...]
      } else {
        text.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil for what is no name of a value, and stays as it is.
  private static func value(of name: String, _ message: Incoming, _ groups: [String]) -> String? {
    switch name {
    case "name": return message.from.name
    case "text": return message.text
    default:
      guard let number = Int(name), number >= 0, name.utf8.allSatisfy({ $0 &- 0x30 < 10 }), number < groups.count
      else { return nil }
      return groups[number]
    }
  }
}
