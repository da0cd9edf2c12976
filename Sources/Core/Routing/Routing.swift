import FoundationEssentials

/// Where a message goes now: pure decisions from the message, its history, the configuration and the clock.
package enum Route: Sendable {
  /// Nothing to send, now or ever.
  case finish(MessageState, Fault, channel: String?)
  /// Not now; uses up no attempt.
  case wait(until: Date, Fault, channel: String)
  case go(Itinerary)
}

/// A message ready to be sent: to whom, through which channels, and what is already known.
package struct Itinerary: Sendable {
  package var channel: Channel
  package var legs: [Leg]
  /// Of a long list: those who come after these. Out of line, as hardly any message has them.
  package var rest: Addressees? {
    get { if case .some(let rest) = more { rest } else { nil } }
    set { more = newValue.map(More.some) ?? .none }
  }
  private var more = More.none
  private indirect enum More: Sendable { case none, some(Addressees) }
  /// Attempts before this one.
  package var attempts: Int
  /// Tries since the last of them that never got to the provider.
  package var unreached = 0
  /// How often in a row it ended for want of an allowance.
  package var unallowed = 0
  /// A recipient was finally rejected in an earlier attempt: the message can't end as done.
  package var hasRejected: Bool

  package init(channel: Channel, legs: [Leg] = [], attempts: Int = 0, hasRejected: Bool = false) {
    self.channel = channel
    self.legs = legs
    self.attempts = attempts
    self.hasRejected = hasRejected
  }

  /// One way to one recipient.
  package final class Leg: Sendable {
    package enum Start: Sendable {
      case send
      /// Sent before, answer lost: ask what became of that call.
      indirect case ask(call: String)
      /// Decided without a call.
      indirect case decided(Outcome)
    }

    /// The recipient's address in the message's channel, as results name it.
    package let to: String
    /// The word in `to` that it came from: what a fallback's address book knows.
    package let original: String
    package let channel: String
    package let isFallback: Bool
    package let target: Target
    /// What the next call says: all of the message, or the part that is next (`trail`).
    package let content: Content
    package let start: Start
    /// Of a message that is sent in parts: which of them were accepted.
    package let trail: Trail?

    package init(
      to: String, original: String, channel: String, isFallback: Bool, target: Target, content: Content, start: Start,
      trail: Trail? = nil
    ) {
      self.to = to
      self.original = original
      self.channel = channel
      self.isFallback = isFallback
      self.target = target
      self.content = content
      self.start = start
      self.trail = trail
    }

    /// The same way, begun otherwise.
    package func starting(_ start: Start) -> Leg { with(content, start, trail) }

    private func with(_ content: Content, _ start: Start, _ trail: Trail?) -> Leg {
      Leg(
        to: to, original: original, channel: channel, isFallback: isFallback, target: target, content: content,
        start: start, trail: trail)
    }

    /// At the first part that was not accepted, where the message goes in parts.
    /// - Parameter known: what the history says of its parts.
    func parted(_ parts: [Part]?, known: @autoclosure () -> [HistoryLine.Part]) -> Leg {
      guard case .send = start else { return self }
      let known = known()
      guard let parts else {
        return Trail.isOfOtherParts(known) ? stuck(at: known) : self
      }
      var trail = Trail(parts)
      trail.take(up: known)
      if Trail.isOfOtherParts(known.dropFirst(trail.index)) { return stuck(at: known) }
      guard trail.index < trail.parts.count else {
        return with(content, .decided(.accepted(id: trail.done.last?.id)), trail)
      }
      return with(trail.parts[trail.index].content, start, trail)
    }

    /// Some of a text has arrived in parts that it no longer has: where the rest begins nobody knows, and what arrived stays
    /// recorded.
    private func stuck(at known: [HistoryLine.Part]) -> Leg {
      let trail = Trail(after: known.filter { $0.state == .accepted }, rest: content)
      let reason =
        "was accepted up to \(trail.done.last?.name ?? ""), and would be split otherwise now; "
        + "send what is missing as a new message"
      return with(content, .decided(.rejected(.message, code: Trail.stuck, reason: reason)), trail)
    }

    fileprivate var isStuck: Bool {
      if case .decided(let outcome) = start { trail != nil && outcome.code == Trail.stuck } else { false }
    }

    /// It has more than one part.
    package var goesInParts: Bool { trail.map { $0.parts.count > 1 } ?? false }

    /// What the calls to come say, if all of them are accepted.
    package var contents: [Content] { trail.map { $0.parts[$0.index...].map(\.content) } ?? [content] }

    /// The part under way was accepted: at the next one, which was not sent; nil where it was the last.
    package func accepting(_ outcome: Outcome) -> Leg? {
      guard var trail, trail.index < trail.parts.count - 1 else { return nil }
      trail.accept(outcome)
      return with(trail.parts[trail.index].content, .send, trail)
    }
  }
}

package struct Router: Sendable {
  package let configuration: Configuration

  package init(_ configuration: Configuration) {
    self.configuration = configuration
  }

  /// - Parameters:
  ///   - dropped: when the message's present life began.
  ///   - stretch: of a longer list only so many recipients at once; the others are the itinerary's `rest`.
  package func route(
    _ message: Message, _ progress: Progress, dropped: Date, now: Date, stretch: Int = .max
  ) -> Route {
    let channel: Channel
    let content: Content
    do throws(Fault) {
      channel = try self.channel(of: message)
      content = try self.content(of: message, in: channel)
    } catch {
      return .finish(.invalid, error, channel: message.channel)
    }
    if let fault = expiry(message, channel, dropped, now) {
      return .finish(progress.isInDoubt ? .unconfirmed : .expired, fault, channel: channel.name)
    }
    if let wait = waiting(message, channel, progress, now) {
      return .wait(until: wait.until, wait.fault, channel: channel.name)
    }
    return itinerary(message, channel, content, progress, stretch: stretch)
  }

  /// As `route`, whatever the time: for rescue, which has to name the recipients and sends nothing.
  package func routeAtOnce(_ message: Message, _ progress: Progress) -> Route {
    do throws(Fault) {
      let channel = try self.channel(of: message)
      return itinerary(message, channel, try content(of: message, in: channel), progress)
    } catch {
      return .finish(.invalid, error, channel: message.channel)
    }
  }

  // MARK: Channel and content

  private func channel(of message: Message) throws(Fault) -> Channel {
    guard let name = message.channel ?? configuration.defaultChannel else {
      throw Fault(
        .message, "channel: is missing, and the configuration names no default_channel",
        hint: configuration.channels.isEmpty
          ? "the configuration has no channel yet; msgspool init --provider NAME shows one"
          : "name one of: \(configuration.channels.keys.sorted().joined(separator: ", "))")
    }
    guard let channel = configuration.channels[name] else {
      let known = configuration.channels.keys.sorted()
      let nearest = Suggestion.nearest(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
      throw Fault(
        .message, "channel: \"\(name.shortened)\" is not in the configuration\(nearest)",
        hint: "the configuration's channels are: \(known.joined(separator: ", "))")
    }
    return channel
  }

  private func content(of message: Message, in channel: Channel) throws(Fault) -> Content {
    for option in message.options { try checkName(of: option, channel.card) }
    if message.to == nil, !channel.card.hasOwnTarget {
      throw Fault(.message, "to: is missing; \(channel.card.name) needs at least one recipient")
    }
    do throws(MessageFault) {
      return try rendered(message, channel)
    } catch {
      throw Fault(.message, "\(error.field): \(error.problem)", hint: error.hint)
    }
  }

  private func rendered(_ message: Message, _ channel: Channel) throws(MessageFault) -> Content {
    var content = try channel.provider.rendered(message)
    if let copying = channel.copying {
      content = copying.content(content, of: message) { $0.flatMap(channel.contacts(of:)) }
    }
    if message.attachments.isEmpty { return content }
    let attachments = try Attachments.resolve(message.attachments, below: configuration.attachmentDirectories)
    content.attachments = attachments
    if !content.pieces.isEmpty {
      let bearer = channel.parting == nil ? 0 : content.pieces.count - 1
      content.pieces[bearer].attachments = attachments
    }
    return content
  }

  private func checkName(of option: JSON.Member, _ card: ProviderCard) throws(Fault) {
    let names = card.options.map(\.name)
    if names.contains(option.key) { return }
    let nearest = Suggestion.nearest(to: option.key, among: names).map { "; did you mean \"\($0)\"?" }
    throw Fault(
      .message, "options.\(option.key.shortened): is no option of \(card.name)\(nearest ?? "")",
      hint: names.isEmpty ? "\(card.name) has no options" : "known are: \(names.joined(separator: ", "))")
  }

  // MARK: Time

  private func expiry(_ message: Message, _ channel: Channel, _ dropped: Date, _ now: Date) -> Fault? {
    if let expires = message.expiresAt, expires <= now {
      return Fault(.message, code: "expires_at", "expires_at: \(RFC3339.string(expires)) has passed")
    }
    // Until its send_at nobody tried: a message dropped a month ahead is not old.
    let start = max(dropped, message.sendAt ?? dropped)
    guard now.timeIntervalSince(start) > channel.expireAfter else { return nil }
    let what = start > dropped ? "send_at" : "drop at"
    return Fault(
      .message, code: "expire_after",
      "could not be sent within \(TimeSpan.text(channel.expireAfter)) of its \(what) \(RFC3339.string(start))",
      hint: "if it is still worth sending: msgspool retry NAME; the limit is expire_after in the channel")
  }

  private func waiting(
    _ message: Message, _ channel: Channel, _ progress: Progress, _ now: Date
  ) -> (until: Date, fault: Fault)? {
    if let sendAt = message.sendAt, sendAt > now {
      return (sendAt, Fault(.message, code: "send_at", "send_at: waits until \(RFC3339.string(sendAt))"))
    }
    if let end = endOfWindow(message, channel, progress, now) {
      return (end, Fault(.throttled, code: "digest", "waits for its digest until \(RFC3339.string(end))"))
    }
    if message.priority != .high, let end = channel.quietHours?.end(after: now) {
      return (end, Fault(.throttled, code: "quiet_hours", "quiet hours until \(RFC3339.string(end))"))
    }
    return nil
  }

  /// The end of the digest's window that a message waits for; nil where it goes by itself, would expire meanwhile, or was
  /// deferred before: then it has waited, for that or for something else, and is in hand with those that did.
  private func endOfWindow(_ message: Message, _ channel: Channel, _ progress: Progress, _ now: Date) -> Date? {
    guard let rule = channel.digest, DigestRule.admits(message) else { return nil }
    if let last = progress.last, !last.state.isFinal, last.error?.code != "send_at" { return nil }
    let window = rule.end(after: now, in: channel.zone)
    let end = channel.quietHours?.end(after: window) ?? window
    if let expires = message.expiresAt, expires <= end { return nil }
    return end
  }

  // MARK: Recipients

  private func itinerary(
    _ message: Message, _ channel: Channel, _ content: Content, _ progress: Progress, stretch: Int = .max
  ) -> Route {
    var itinerary = Itinerary(channel: channel, attempts: progress.attempts)
    itinerary.unreached = progress.unreached
    itinerary.unallowed = progress.unallowed
    var addressees = Addressees(message, channel, content, progress, stretch: stretch)
    for leg in addressees.next(addressees.stretch) { add(leg, message, progress, to: &itinerary) }
    if !addressees.isOver { itinerary.rest = addressees }
    return .go(itinerary)
  }

  /// What the history knows of the recipient decides whether, and through which channel, it is sent to now.
  private func add(_ leg: Itinerary.Leg, _ message: Message, _ progress: Progress, to itinerary: inout Itinerary) {
    guard !progress.results.isEmpty, let results = progress.results[Verbatim(leg.to)] else {
      return itinerary.legs.append(leg)
    }
    for result in results {
      if result.state == .accepted { continue }
      guard result.state != .rejected, var leg = self.leg(result, leg, message) else {
        itinerary.hasRejected = true
        continue
      }
      if result.state == .unconfirmed {
        // Without a call to ask about it stays in doubt while others are tried again: only a person may send it again. The
        // call of a part that is none any more can't be put together.
        let question = leg.isStuck ? nil : result.call
        leg = leg.starting(
          question.map { .ask(call: $0) } ?? .decided(.unconfirmed(code: result.code, reason: result.reason)))
      }
      itinerary.legs.append(leg)
    }
  }

  /// The way that an earlier result took; nil when its fallback channel is no longer configured.
  private func leg(_ result: HistoryLine.Result, _ primary: Itinerary.Leg, _ message: Message) -> Itinerary.Leg? {
    guard let name = result.channel else { return primary }
    return configuration.channels[name].map {
      leg(
        to: $0.contact(recorded: result.address ?? primary.to), through: $0, instead: primary, message,
        known: result.parts)
    }
  }

  /// The legs that replace one that finally failed: through its channel's fallback, whose own address book knows the
  /// original `to`. Empty where there is no (further) fallback, or the recipient has been through it.
  package func fallbacks(of leg: Itinerary.Leg, _ message: Message, visited: Set<String>) -> [Itinerary.Leg] {
    guard let name = configuration.channels[leg.channel]?.fallback, !visited.contains(name),
      !message.passed.contains(name),
      let channel = configuration.channels[name]
    else { return [] }
    let isOwn = channel.card.hasOwnTarget && channel.recipients[Verbatim(leg.original)] == nil
    let contacts = isOwn ? [""] : channel.contacts(of: leg.original)
    return contacts.map { self.leg(to: $0, through: channel, instead: leg, message) }
  }

  /// The leg through a named channel to a known address there; nil when that channel is no longer configured.
  package func fallback(
    of leg: Itinerary.Leg, _ message: Message, through channel: String, address: String?
  ) -> Itinerary.Leg? {
    configuration.channels[channel].map {
      self.leg(to: $0.contact(recorded: address ?? leg.to), through: $0, instead: leg, message)
    }
  }

  private func leg(
    to contact: Contact, through channel: Channel, instead leg: Itinerary.Leg, _ message: Message,
    known: [HistoryLine.Part] = []
  ) -> Itinerary.Leg {
    var (target, outcome) = channel.check(contact)
    // Options are the first channel's own words; the fallback gets those it knows too.
    var message = message
    message.options.removeAll { option in !channel.card.options.contains { $0.name == option.key } }
    var content = Content([])
    do throws(MessageFault) {
      content = try rendered(message, channel)
    } catch {
      outcome = .rejected(.message, reason: "\(error.field): \(error.problem)")
    }
    return Itinerary.Leg(
      to: leg.to, original: leg.original, channel: channel.name, isFallback: true, target: target, content: content,
      start: outcome.map(Itinerary.Leg.Start.decided) ?? .send
    ).parted(channel.parts(of: content), known: known)
  }
}
