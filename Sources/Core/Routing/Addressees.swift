/// The recipients of one message, in the order in which it names them, each once. A list of a million is walked in
/// stretches, so that not everybody is in memory at the same time.
package struct Addressees: Sendable {
  private let channel: Channel
  private let content: Content
  /// What it goes in, where it goes in parts.
  private let parts: [Part]?
  /// The message's own words. A channel with its own target has one recipient, whose address is empty.
  private let words: Texts
  private var position = 0
  private var identities: Set<Verbatim> = []
  private let isAlone: Bool
  /// What the history knows of them.
  private let known: [Verbatim: [HistoryLine.Result]]
  /// How many may be under way at once.
  package let stretch: Int

  /// - Parameter stretch: the least. Those under way fill whole calls, and a few lanes may each have one half full.
  init(_ message: Message, _ channel: Channel, _ content: Content, _ progress: Progress, stretch: Int) {
    let isFirst = progress.results.isEmpty && channel.recipientsPerCall < .max / 8
    // What the history knows of anybody may matter to all of them.
    self.stretch = isFirst ? max(stretch, channel.recipientsPerCall * 8) : .max
    known = progress.results
    self.channel = channel
    self.content = content
    parts = channel.parts(of: content)
    words = channel.words(of: message)
    isAlone = message.to != nil && words.count == 1 && channel.recipients.isEmpty
    if !isAlone { identities.reserveCapacity(words.count) }
  }

  package var isOver: Bool { position == words.count }

  /// The next ones; a word that names several in the address book is not cut.
  /// - Parameter count: the least number, as long as there are so many.
  package mutating func next(_ count: Int) -> [Itinerary.Leg] {
    var legs: [Itinerary.Leg] = []
    legs.reserveCapacity(min(count, words.count - position))
    while legs.count < count, position < words.count {
      let word = words[position]
      position += 1
      if channel.recipients.isEmpty {
        add(Contact(word), word, to: &legs)
      } else {
        for contact in channel.contacts(of: word) { add(contact, word, to: &legs) }
      }
    }
    return legs
  }

  private mutating func add(_ contact: Contact, _ word: String, to legs: inout [Itinerary.Leg]) {
    let (target, outcome) = channel.check(contact)
    guard isAlone || identities.insert(Verbatim(target.identity)).inserted else { return }
    legs.append(
      Itinerary.Leg(
        to: target.address, original: word, channel: channel.name, isFallback: false, target: target,
        content: content, start: outcome.map(Itinerary.Leg.Start.decided) ?? .send
      ).parted(parts, known: parts(of: target.address)))
  }

  private func parts(of to: String) -> [HistoryLine.Part] {
    known.isEmpty ? [] : known[Verbatim(to)]?.first { $0.channel == nil }?.parts ?? []
  }
}

extension Channel {
  /// As its provider knows the contact, by the name that is shown.
  package func target(of contact: Contact) throws(RecipientFault) -> Target {
    var target = try provider.target(contact.address)
    target.address = contact.shown
    return target
  }

  /// A bad address becomes a rejected recipient; it never costs a call.
  func check(_ contact: Contact) -> (Target, Outcome?) {
    do throws(RecipientFault) { return (try target(of: contact), nil) } catch {
      return (
        Target(contact.shown, identity: contact.address), .rejected(.recipient, reason: masked(error.problem))
      )
    }
  }
}
