import FoundationEssentials

/// A channel's digests (contract 5): its messages to one recipient wait for the end of a window and go out as one text.
///
/// Nobody keeps a list of what waits. A window ends at a multiple of `every`; a message waits in deferred/ until then, as it
/// does for the end of quiet hours, and what falls due together is in hand together. Whoever is killed, and however many
/// sweepers there are, nothing is left but files with their due times.
package struct DigestRule: Sendable, Hashable {
  /// Seconds from the end of a window to the end of the next.
  package var every: Double
  /// Messages in one text at the most; what is more goes out in further texts at the same time.
  package var max: Int
  /// The title of a text of several messages; `{count}` stands for how many.
  package var title: String

  package static let mostMessages = 10_000

  package init(every: Double, max: Int = 100, title: String = "{count} messages") {
    self.every = every
    self.max = max
    self.title = title
  }

  /// When the window that `date` lies in ends: within the next `every` seconds, at the same times of day in every window.
  package func end(after date: Date, in zone: Zone) -> Date {
    let offset = Double(zone.offset(at: date))
    let local = date.timeIntervalSince1970 + offset
    return Date(timeIntervalSince1970: ((local / every).rounded(.down) + 1) * every - offset)
  }

  /// When messages that failed together are tried again: at one time, so that they share a text again.
  package static func retry(_ due: Date) -> Date {
    Date(timeIntervalSince1970: (due.timeIntervalSince1970 / 60).rounded(.up) * 60)
  }

  /// Whether a message may share a text: it has time, and nothing that can't be put into one.
  package static func admits(_ message: Message) -> Bool {
    message.priority != .high && message.attachments.isEmpty && message.template?.isEmpty ?? true
      && message.params?.isEmpty ?? true
  }

  // MARK: The text

  /// One message that says what several say, in their order. The same of the same messages, whenever it is made: a call
  /// that is repeated under its key must say what it said.
  package func message(of messages: [Message]) -> Message {
    guard messages.count > 1, var whole = messages.first else { return messages.first ?? Message() }
    let urls = Set(messages.map { Verbatim($0.url ?? "") })
    whole.title = title.replacing("{count}", with: String(messages.count))
    whole.priority = messages.lazy.map(\.priority).max() ?? .normal
    whole.id = nil
    // One address that all of them open stays the text's own; several stand where they belong.
    whole.url = urls.count == 1 ? whole.url : nil
    whole.body = DigestRule.body(of: messages, namesURL: urls.count > 1)
    return whole
  }

  /// What is said several times is said once, with how often.
  private static func body(of messages: [Message], namesURL: Bool) -> String {
    var counts: [Verbatim: Int] = [:]
    var order: [(key: Verbatim, message: Message)] = []
    for message in messages {
      let key = Verbatim(
        JSON.strings([message.title ?? "", message.body ?? "", namesURL ? message.url ?? "" : ""]).text)
      counts[key, default: 0] += 1
      if counts[key] == 1 { order.append((key, message)) }
    }
    let parts = order.map { part(of: $0.message, count: counts[$0.key] ?? 1, namesURL: namesURL) }
    switch messages.first?.format ?? .text {
    case .text: return parts.joined(separator: "\n\n")
    case .markdown: return parts.joined(separator: "\n\n---\n\n")
    case .html: return parts.joined(separator: "\n<hr>\n")
    }
  }

  private static func part(of message: Message, count: Int, namesURL: Bool) -> String {
    let times = count > 1 ? "\(count) ×" : ""
    let title = (message.title ?? "").lines.filter { !$0.isEmpty }.joined(separator: " ")
    let (body, url) = (message.body ?? "", namesURL ? message.url ?? "" : "")
    switch message.format {
    case .text:
      let head = joined([times, title], " ")
      return joined(title.isEmpty ? [joined([times, body], " "), url] : [head, body, url], "\n")
    case .markdown: return joined([joined([times, title.isEmpty ? "" : "**\(title)**"], " "), body, url], "\n\n")
    case .html:
      let head = joined([times, title.isEmpty ? "" : "<b>\(title.escapedForHTML)</b>"], " ")
      return joined([head.isEmpty ? "" : "<p>\(head)</p>", body, anchor(url)], "\n")
    }
  }

  private static func joined(_ parts: [String], _ gap: String) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: gap)
  }

  /// Only what a browser opens as a page becomes a link.
  private static func anchor(_ url: String) -> String {
    if url.isEmpty { return "" }
    let address = url.escapedForHTML
    let isPage = url.begins(with: "https://") || url.begins(with: "http://")
    return isPage ? "<p><a href=\"\(address)\">\(address)</a></p>" : "<p>\(address)</p>"
  }
}

/// Gathers a channel's messages by recipient until their texts are made. A value; knows no clock and no I/O.
package struct Digester<Item> {
  /// One message on its way to one recipient.
  package struct Member {
    package var target: Target
    /// What it says where it goes by itself.
    package var content: Content
    package var message: Message
    /// When it was dropped, and its file's name: by these it has its place in the text.
    package var since: Date
    package var name: Verbatim
    package var item: Item

    package init(
      _ target: Target, _ content: Content, _ message: Message, since: Date, name: String, _ item: Item
    ) {
      self.target = target
      self.content = content
      self.message = message
      self.since = since
      self.name = Verbatim(name)
      self.item = item
    }
  }

  /// What may share a text: one recipient, one format, and the same options. The recipient as it is recorded, as that is
  /// how a call whose answer was lost is put together again.
  private struct Key: Hashable {
    var address: Verbatim
    var lane: Target.Lane
    var format: Message.Format
    var options: Verbatim
  }

  private var groups: [Key: [Member]] = [:]
  /// In the order in which their first came.
  private var order: [Key] = []
  /// Messages, by recipient, whose text is not made yet.
  package private(set) var waiting = 0

  package init() {}

  package mutating func add(_ member: Member) {
    let options = member.message.options
    let key = Key(
      address: Verbatim(member.target.address), lane: member.target.lane, format: member.message.format,
      options: Verbatim(options.isEmpty ? "" : JSON.object(options).text))
    if groups[key] == nil { order.append(key) }
    groups[key, default: []].append(member)
    waiting += 1
  }

  /// Everything that was gathered, a recipient's messages together, oldest first; and forgets it.
  package mutating func take() -> [[Member]] {
    defer {
      groups.removeAll()
      order.removeAll()
      waiting = 0
    }
    return order.compactMap { key in
      groups[key]?.sorted {
        $0.since == $1.since
          ? $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) : $0.since < $1.since
      }
    }
  }
}

extension Channel {
  /// One recipient's messages in as few texts as the rule and the provider's limits allow; those of each, and what it says.
  package func texts<Item>(
    of members: [Digester<Item>.Member]
  ) -> [(members: ArraySlice<Digester<Item>.Member>, content: Content)] {
    var texts: [(members: ArraySlice<Digester<Item>.Member>, content: Content)] = []
    var rest = members[...]
    while !rest.isEmpty {
      addTexts(of: rest.prefix(max(1, digest?.max ?? 1)), to: &texts)
      rest = rest.dropFirst(max(1, digest?.max ?? 1))
    }
    return texts
  }

  /// What is too long for one text is halved.
  private func addTexts<Item>(
    of members: ArraySlice<Digester<Item>.Member>,
    to texts: inout [(members: ArraySlice<Digester<Item>.Member>, content: Content)]
  ) {
    if members.count < 2 {
      for member in members { texts.append(([member], member.content)) }
    } else if let content = content(ofDigest: members.map(\.message)) {
      texts.append((members, content))
    } else {
      let half = members.count / 2
      addTexts(of: members.prefix(half), to: &texts)
      addTexts(of: members.dropFirst(half), to: &texts)
    }
  }

  /// What a text of these messages says; nil where the provider takes none so long, or the channel makes none.
  package func content(ofDigest messages: [Message]) -> Content? {
    guard var whole = digest?.message(of: messages) else { return nil }
    // Options are the first channel's own words; a fallback gets those it knows.
    whole.options.removeAll { option in !card.options.contains { $0.name == option.key } }
    // Too long a text is halved, whatever becomes of one of its messages that is too long by itself.
    whole.options.removeAll { $0.key == LongText.option.name }
    return try? provider.rendered(whole)
  }
}
