import FoundationEssentials

/// What a message is after it left cur/ (contract, section 4).
package enum MessageState: String, Sendable, Hashable, CaseIterable {
  case done, duplicate, deferred, failed, invalid, expired, unconfirmed

  /// Nothing more happens to it unless a person retries.
  package var isFinal: Bool { self != .deferred }
}

/// Why something is not as the producer wanted it, for `error` in a history line and for people.
package struct Fault: Error, Sendable, Hashable {
  package var kind: ErrorKind
  package var code: String?
  package var message: String
  /// What to do about it.
  package var hint: String?

  package init(_ kind: ErrorKind, code: String? = nil, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.hint = hint
  }
}

extension Fault {
  /// The other side has to write first; see `Outcome.unallowed`.
  package var isOfAllowance: Bool { kind == .quota && Outcome.allowanceCodes.contains(code ?? "") }
}

/// One line of history: what happened to a message while it was in cur/ once.
package struct HistoryLine: Sendable, Hashable {
  package var at: Date
  package var state: MessageState
  /// The sweep that wrote it; with it a rescuer recognizes a line that a dead sweep wrote before it could rename.
  package var sweep: String?
  package var channel: String?
  package var provider: String?
  /// Attempts since the message was dropped or retried; 0 before the first call.
  package var attempt: Int
  package var calls: [String]
  package var results: Results
  package var error: Fault?
  /// When the next try is, for deferred ones.
  package var due: Date?
  /// When the message was dropped; its age counts from here.
  package var dropped: Date?

  package struct Result: Sendable, Hashable {
    /// The recipient's address in the message's channel.
    package var to: String
    package var state: RecipientState
    package var id: String?
    package var code: String?
    package var reason: String?
    private var rare: Box?

    package init(
      to: String, state: RecipientState, id: String? = nil, code: String? = nil, reason: String? = nil,
      channel: String? = nil, address: String? = nil, call: String? = nil, digest: Int? = nil,
      parts: [Part] = []
    ) {
      self.to = to
      self.state = state
      self.id = id
      self.code = code
      self.reason = reason
      if channel != nil || address != nil || call != nil || digest != nil || !parts.isEmpty {
        rare = Box(Rare(channel: channel, address: address, call: call, digest: digest, parts: parts))
      }
    }

    /// It says nothing but the state and perhaps an id.
    var isPlain: Bool { code == nil && reason == nil && rare == nil }

    /// What hardly any result has, apart: a long list has a million of them.
    fileprivate struct Rare: Sendable, Hashable {
      var channel: String?
      var address: String?
      var call: String?
      var isByReceipt = false
      var digest: Int?
      var parts: [Part] = []
    }

    private final class Box: Sendable, Hashable {
      let rare: Rare
      init(_ rare: Rare) { self.rare = rare }
      static func == (one: Box, other: Box) -> Bool { one === other || one.rare == other.rare }
      func hash(into hasher: inout Hasher) { hasher.combine(rare) }
    }

    private mutating func change(_ body: (inout Rare) -> Void) {
      var rare = rare?.rare ?? Rare()
      body(&rare)
      self.rare = rare == Rare() ? nil : Box(rare)
    }

    /// The fallback channel that this is about, and the address there.
    package var channel: String? {
      get { rare?.rare.channel }
      set { change { $0.channel = newValue } }
    }
    package var address: String? {
      get { rare?.rare.address }
      set { change { $0.address = newValue } }
    }
    /// The call whose answer is missing, while the provider is still to be asked about it; or that a receipt has shown to
    /// have been carried out (`isByReceipt`).
    package var call: String? {
      get { rare?.rare.call }
      set { change { $0.call = newValue } }
    }
    /// Accepted, as a receipt has shown.
    package var isByReceipt: Bool {
      get { rare?.rare.isByReceipt ?? false }
      set { change { $0.isByReceipt = newValue } }
    }
    /// How many messages went to the recipient as one text, this one included; nil where it went by itself.
    package var digest: Int? {
      get { rare?.rare.digest }
      set { change { $0.digest = newValue } }
    }
    /// Of a message that is sent in parts (`PartedProvider`): those that were begun, in order.
    package var parts: [Part] {
      get { rare?.rare.parts ?? [] }
      set { change { $0.parts = newValue } }
    }
  }

  /// What became of one part of a message for one recipient.
  package struct Part: Sendable, Hashable {
    /// `text`, or the attachment's name.
    package var name: String
    package var state: RecipientState
    package var id: String?
    package var code: String?
    package var reason: String?

    package init(_ name: String, _ state: RecipientState, id: String? = nil, code: String? = nil, reason: String? = nil)
    {
      self.name = name
      self.state = state
      self.id = id
      self.code = code
      self.reason = reason
    }
  }

  package init(
    at: Date, state: MessageState, sweep: String? = nil, channel: String? = nil, provider: String? = nil,
    attempt: Int = 0, calls: [String] = [], results: [Result] = [], error: Fault? = nil, due: Date? = nil,
    dropped: Date? = nil
  ) {
    self.at = at
    self.state = state
    self.sweep = sweep
    self.channel = channel
    self.provider = provider
    self.attempt = attempt
    self.calls = calls
    self.results = Results(results)
    self.error = error
    self.due = due
    self.dropped = dropped
  }
}

/// What a message's history says about where it stands now that it is claimed again. Pure.
///
/// Receipts behind it change nothing, unless a person has asked for those that were not delivered (`Undelivered`).
package struct Progress: Sendable {
  /// What still counts of each recipient, by its `to`: one result; several where a fallback's address book has a list.
  package private(set) var results: [Verbatim: [HistoryLine.Result]] = [:]
  /// Attempts in this life: since it was dropped, or since a person retried it.
  package private(set) var attempts = 0
  /// Tries since the last of these attempts that used none up: their calls never got to the provider.
  package private(set) var unreached = 0
  /// Lines since the last attempt that ended for want of an allowance: each waits longer than the one before.
  package private(set) var unallowed = 0
  /// When this life began, as far as the history knows.
  package private(set) var dropped: Date?
  /// When its first life began: it stays the same through all retries.
  package let born: Date?
  package let last: HistoryLine?

  /// - A deferred message goes on: rejected recipients stay rejected, unconfirmed ones are asked about.
  /// - After a final line a person wants a new try: only what was accepted still counts.
  ///
  /// - Parameter again: who is to be sent to again though it was accepted, as it was not delivered.
  package init(_ lines: [HistoryLine], again: Undelivered = Undelivered()) {
    last = lines.last
    born = lines.lazy.compactMap(\.dropped).first
    for (index, line) in lines.enumerated() {
      for result in line.results { add(result) }
      if line.attempt != attempts || line.state.isFinal {
        (attempts, unreached) = (line.state.isFinal ? 0 : line.attempt, 0)
      } else if !line.calls.isEmpty {
        unreached += 1
      }
      unallowed = line.state == .deferred && line.error?.isOfAllowance == true ? unallowed + 1 : 0
      // Where only those are to be sent to again that were not delivered, everybody else stays what it is.
      let staysSo = again.isAlone && index == lines.count - 1
      if line.state.isFinal, !staysSo {
        results = results.compactMapValues { results in
          let accepted = results.compactMap(Progress.accepted)
          return accepted.isEmpty ? nil : accepted
        }
      }
    }
    for to in again.recipients { results[to] = nil }
    if let last, !last.state.isFinal { dropped = last.dropped }
  }

  /// When this life began, whether or not the history knows: else when the message was first seen. What its producer's
  /// copy kept as the file's time says nothing of it.
  /// - Parameters:
  ///   - seen: what is known of a message that went back to new/ without a line.
  ///   - isHandedIn: it comes from new/. A deferred one that no sweep is known to have put back there is a retry by hand,
  ///     which begins a new life.
  package func began(seen: Date?, isHandedIn: Bool, now: Date) -> Date {
    // What was seen before a person's retry was another life. No life began later than now, wherever clocks were turned.
    let known: Date?
    if let dropped {
      known = isHandedIn ? seen : dropped
    } else {
      known = seen.flatMap { $0 < (last?.at ?? .distantPast) ? nil : $0 }
    }
    return min(known ?? now, now)
  }

  /// A recipient is left of whom nobody knows whether it got the message.
  package var isInDoubt: Bool { results.values.contains { $0.contains { $0.state == .unconfirmed } } }

  /// What of a result a person's retry does not send again: all of it, or the parts that were accepted.
  private static func accepted(_ result: HistoryLine.Result) -> HistoryLine.Result? {
    if result.state == .accepted { return result }
    let parts = Array(result.parts.prefix { $0.state == .accepted })
    if parts.isEmpty { return nil }
    return HistoryLine.Result(
      to: result.to, state: .deferred, channel: result.channel, address: result.address, parts: parts)
  }

  /// A newer result replaces the older one of the same way, and all of a channel that was given up for this one.
  private mutating func add(_ result: HistoryLine.Result) {
    let to = Verbatim(result.to)
    guard let known = results[to] else {
      results[to] = [result]
      return
    }
    let address = result.address.map(Verbatim.init(_:))
    results[to] =
      known.filter { $0.channel == result.channel && $0.address.map(Verbatim.init(_:)) != address } + [result]
  }
}
