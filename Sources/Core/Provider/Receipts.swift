import FoundationEssentials

// Receipts: what became of a message after its provider had accepted it (receipts.md). Values, and what providers can do
// about them. A receipt is a claim by a stranger: it counts only when it names a call of the ledger and one of its
// recipients, and passes the signature where the vendor signs.

/// What became of one recipient in the end. What is under way (sent, queued, delayed) is no state.
package enum ReceiptState: String, Sendable, Hashable, CaseIterable {
  case delivered
  /// Final, with the provider's code and reason.
  case undelivered
  /// Somebody confirmed it (Pushover's emergencies); counts as delivered.
  case acknowledged
  /// Where a service tells; counts as delivered.
  case read
  /// The wait is over and nobody said anything: no word of the provider's.
  case noReceipt = "no_receipt"

  /// What it is counted as: delivered, undelivered or no receipt.
  package var counted: ReceiptState {
    switch self {
    case .acknowledged, .read: .delivered
    case .delivered, .undelivered, .noReceipt: self
    }
  }
}

/// What a receipt says of a recipient.
package struct ReceiptNews: Sendable, Hashable {
  package var state: ReceiptState
  /// The provider's own code and text.
  package var code: String?
  package var reason: String?
  /// When it happened, as far as the provider says.
  package var at: Date?

  package init(_ state: ReceiptState, code: String? = nil, reason: String? = nil, at: Date? = nil) {
    self.state = state
    self.code = code
    self.reason = reason
    self.at = at
  }
}

/// What a receipt names its call by. Ids are text, never numbers.
package enum ReceiptName: Sendable, Hashable {
  /// The provider's id, known since its answer: of one recipient or of the call.
  case id(String)
  /// What was given to the provider with the call and is known before it (OutId, SessionContext, extend): whoever names it
  /// proves that the call was carried out.
  case reference(String)
}

/// A receipt, as a provider reads it.
package struct Receipt: Sendable, Hashable {
  /// What it names, the surest first.
  package var names: [ReceiptName]
  /// The recipient in the service's spelling. Nil where it names none: it counts then where the names leave no choice.
  package var to: String?
  /// It speaks of everybody whom the names stand for, as the service tells of whole calls.
  package var isOfAll: Bool
  /// Nil where nothing is final yet.
  package var news: ReceiptNews?

  package init(_ names: [ReceiptName], to: String?, _ news: ReceiptNews?) {
    self.names = names
    self.to = to
    self.news = news
    isOfAll = false
  }

  /// Of everybody in the calls that the names stand for.
  package init(ofAll names: [ReceiptName], _ news: ReceiptNews?) {
    self.init(names, to: nil, news)
    isOfAll = true
  }
}

/// One entry of what was dropped, with its own bytes: a bad one of a batch is kept by itself.
package struct ReceiptEntry: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    case receipt(Receipt)
    /// No receipt; why.
    case bad(String)
  }

  package var content: Content
  package var source: [UInt8]

  package var isBad: Bool { if case .bad = content { true } else { false } }

  package init(_ receipt: Receipt, source: [UInt8]) {
    content = .receipt(receipt)
    self.source = source
  }

  package init(bad reason: String, source: [UInt8]) {
    content = .bad(reason)
    self.source = source
  }
}

/// What a web server, a script or a mail filter dropped into receipts/: a callback's bytes, or a wrapper around them where
/// signature or query matter.
package struct ReceiptDrop: Sendable, Hashable {
  /// The channel that the wrapper or the file's name gives.
  package var channel: String?
  /// The whole URL that was called: scheme, host, port, path and query.
  package var url: String?
  /// Names in lower case.
  package var headers: [HTTPHeader] = []
  package var query: String?
  package let body: [UInt8]
  /// The body, where it is JSON: read once, and looked at for every channel.
  package let json: JSON?
  package var isWrapped = false
  /// Whether its writer has come to its end, as far as anybody can tell: JSON that is whole.
  package var isWhole: Bool { isWrapped || json != nil }

  private static let members: Set<String> = ["receipt_of", "url", "headers", "query", "body"]

  /// - Parameters:
  ///   - name: the file's; one that begins with `CHANNEL.` gives the channel.
  ///   - channels: those that there are.
  package init(_ bytes: [UInt8], name: String = "", channels: some Sequence<String> = []) {
    channel = channels.filter { name.utf8.starts(with: $0.utf8) && name.utf8.dropFirst($0.utf8.count).first == 0x2E }
      .max { $0.utf8.count < $1.utf8.count }
    let whole = try? JSONScanner.value(of: bytes)
    guard let value = whole, let members = value.members,
      members.allSatisfy({ ReceiptDrop.members.contains($0.key) }),
      value["body"]?.string != nil || value["query"]?.string != nil
    else {
      (body, json) = (bytes, whole)
      return
    }
    isWrapped = true
    channel = value["receipt_of"]?.string ?? channel
    url = value["url"]?.string
    query = value["query"]?.string
    headers = (value["headers"]?.members ?? []).compactMap { member in
      member.value.string.map { HTTPHeader(member.key.lowercased(), $0) }
    }
    let inner = Array((value["body"]?.string ?? "").utf8)
    (body, json) = (inner, try? JSONScanner.value(of: inner))
  }

  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// One entry of it, as a drop of its own.
  package func wrapping(_ source: [UInt8]) -> [UInt8] {
    guard isWrapped, let channel else { return source }
    let body = String(decoding: source, as: UTF8.self)
    return JSON.object([.init("receipt_of", .string(channel)), .init("body", .string(body))]).bytes
  }
}

/// How a channel gets its receipts.
package enum ReceiptMode: String, Sendable, Hashable, CaseIterable {
  case off, pull, drop, both

  package var asks: Bool { self == .pull || self == .both }
}

// MARK: What providers can do

/// Tells what became of messages it has accepted: by callbacks, or when asked (`ReceiptAsking`).
package protocol ReceiptProvider: Provider {
  /// Whether the service has callbacks that `entries` reads.
  static var hasCallbacks: Bool { get }

  /// Whether that is what the service calls back with, by its shape alone.
  static func recognizes(_ drop: ReceiptDrop) -> Bool

  /// What is in it; only of what it recognizes.
  static func entries(in drop: ReceiptDrop) -> [ReceiptEntry]

  /// Whether it is the service that says so, where the service signs.
  func isGenuine(_ drop: ReceiptDrop) -> Bool

  /// What channels without a setting of their own do.
  var receiptsByDefault: ReceiptMode { get }

  /// Whether the service tells of such a message at all.
  func givesReceipts(for content: Content) -> Bool

  /// What a producer had put in the place of the call's id, where receipts name it.
  func ownReference(in content: Content) -> String?

  /// What receipts name the call by, known before it.
  func reference(of call: Call) -> String?

  /// The recipient's identity (`Target.identity`) of what a receipt calls it.
  func identity(ofReceiptFor recipient: String) -> String

  /// What receipts know a recipient by: its identity, unless they spell it more loosely than calls may.
  func receiptIdentity(of target: Target) -> String

  /// The setting without which no callback is genuine, where it is not set.
  var missingForCallbacks: String? { get }

  /// Receipts name what was known before the call: they end the doubt about a lost answer.
  var endsDoubt: Bool { get }

  /// A call is taken whole or not at all: one report proves that all of it was.
  var takesCallsWhole: Bool { get }
}

extension ReceiptProvider {
  package static var hasCallbacks: Bool { true }
  package func isGenuine(_ drop: ReceiptDrop) -> Bool { true }
  package var receiptsByDefault: ReceiptMode { .off }
  package func givesReceipts(for content: Content) -> Bool { true }
  package func ownReference(in content: Content) -> String? { nil }
  package func reference(of call: Call) -> String? { ownReference(in: call.content) }
  package var endsDoubt: Bool { false }
  package var takesCallsWhole: Bool { false }
  package var missingForCallbacks: String? { nil }
  package func receiptIdentity(of target: Target) -> String { target.identity }

  package func identity(ofReceiptFor recipient: String) -> String {
    (try? target(recipient)).map { receiptIdentity(of: $0) } ?? recipient
  }
}

/// Can be asked what became of calls it has accepted.
package protocol ReceiptAsking: ReceiptProvider {
  /// Seconds between two questions about one call, at least.
  var receiptPause: Double { get }

  /// Calls in one round, at the most.
  var callsPerRound: Int { get }

  /// The most questions in a second, where that is fewer than calls; 0 is as many.
  var questionsPerSecond: Double { get }

  /// The next request of a round, or nil when it is over. Asked again after each answer was read and all of it flushed.
  func question(_ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String) -> HTTPRequest?

  /// What the answer to the last question says. `round` remembers what the next one needs.
  func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading
}

extension ReceiptAsking {
  package var receiptPause: Double { 0 }
  package var callsPerRound: Int { 1000 }
  package var questionsPerSecond: Double { 0 }
}

/// A call whose recipients are awaited, as a provider is told of it.
package struct AwaitedCall: Sendable, Hashable {
  package struct Recipient: Sendable, Hashable {
    /// The provider's own id of it.
    package var id: String?
    package var target: Target
    /// See `Outcome.readKey`.
    package var readKey: String?

    package init(id: String?, _ target: Target, readKey: String? = nil) {
      self.id = id
      self.target = target
      self.readKey = readKey
    }
  }

  /// The call's own id.
  package var id: String
  /// The provider's id of the whole call.
  package var sharedId: String?
  /// What receipts name it by, where that is not its id.
  package var reference: String?
  package var acceptedAt: Date
  /// Those without a final state, as far as the configuration knows them.
  package var recipients: [Recipient]
  /// All without a final state.
  package var open: Int
  /// How often it was asked about before.
  package var asked: Int

  /// The id of the call, or of the one that it was for.
  package var anyId: String? { sharedId ?? recipients.first?.id }

  package init(
    id: String, sharedId: String?, reference: String?, acceptedAt: Date, recipients: [Recipient], open: Int? = nil,
    asked: Int = 0
  ) {
    self.open = open ?? recipients.count
    self.asked = asked
    self.id = id
    self.sharedId = sharedId
    self.reference = reference
    self.acceptedAt = acceptedAt
    self.recipients = recipients
  }
}

/// One round of questions to a channel. What is in `notes` is the provider's own: a page, a token, handles.
package struct ReceiptRound: Sendable {
  /// The calls that are due, oldest first.
  package let calls: [AwaitedCall]
  package var notes: [String: String] = [:]
  /// Questions so far.
  package var asked = 0
  /// How many of the calls were asked about, should the round be cut short: the others are still due then.
  package var reached = 0

  package init(_ calls: [AwaitedCall]) { self.calls = calls }

  /// Of everybody in these calls, one after the other, the one at that place. Each time a call begins with somebody else, so
  /// that nobody is left out for ever where rounds are cut short.
  package func person(_ place: Int, where counts: (AwaitedCall) -> Bool = { _ in true })
    -> (index: Int, call: AwaitedCall, recipient: AwaitedCall.Recipient)?
  {
    var left = place
    for (index, call) in calls.enumerated() where counts(call) {
      let count = call.recipients.count
      if left < count { return (index, call, call.recipients[(left + call.asked * 97) % count]) }
      left -= count
    }
    return nil
  }
}

/// What a service tells of a call as a whole: how many, and not who.
package struct ReceiptSums: Sendable, Hashable {
  package struct Count: Sendable, Hashable {
    /// In the service's own words.
    package var name: String
    package var count: Int

    package init(_ name: String, _ count: Int) {
      self.name = name
      self.count = count
    }
  }

  /// The call's own id.
  package var call: String
  package var counts: [Count]
  /// The service has no more to say: it is not asked about this call again.
  package var isFinal: Bool

  package init(call: String, _ counts: [Count], isFinal: Bool) {
    self.call = call
    self.counts = counts
    self.isFinal = isFinal
  }
}

/// What the answer to a question says.
package struct ReceiptReading: Sendable {
  package var receipts: [Receipt] = []
  /// Of services that tell each news once, those in the form of a callback, one for each receipt: what can't be taken yet is
  /// dropped, and lost to nobody. Empty elsewhere: there one asks again.
  package var sources: [[UInt8]] = []
  /// What services say that count, and name nobody.
  package var sums: [ReceiptSums] = []
  /// A session (an access token, keys of a queue) that replaces the channel's.
  package var session: Session?
  /// Seconds that the service asks to be left alone; the round is over.
  package var pause: Double?
  /// What is wrong, where the round cannot go on: a sentence without secrets.
  package var trouble: String?

  package init(_ receipts: [Receipt] = []) { self.receipts = receipts }
}
