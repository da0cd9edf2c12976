import FoundationEssentials

/// A provider with an account and settings, named by the operator: one entry of the configuration, checked.
package struct Channel: Sendable {
  package enum UnconfirmedPolicy: String, Sendable, CaseIterable { case hold, resend }

  package var name: String
  package var provider: any Provider
  package var card: ProviderCard
  package var recipientsPerCall: Int
  package var mixedRecipientsPerCall: Int?
  /// Calls in flight.
  package var concurrency = 8
  /// Calls per second; 0 is no limit.
  package var rate: Double
  /// Seconds a call may take in all.
  package var timeout = 30.0
  package var retry = RetrySchedule()
  package var onUnconfirmed = UnconfirmedPolicy.hold
  /// Seconds after a lost call until "the provider does not know it" counts; nil for the provider's own.
  package var reconcileAfter: Double?
  /// Seconds after its drop that a message is still worth sending.
  package var expireAfter = 7 * 86400.0
  /// Recipients a day; 0 is no limit.
  package var daily: Int
  /// Messages a day to one recipient; 0 is no limit.
  package var dailyPerRecipient: Int
  /// So many different recipients refused in a row with one code that is not surely theirs, and nobody accepted, suspend
  /// the channel as suspected; 0 never does.
  package var suspectAfter = 20
  /// Whose days and hours count; the configuration's reader puts the system's here.
  package var zone = Zone.gmt
  package var quietHours: QuietHours?
  /// The address book: name to addresses.
  package var recipients: [String: [String]] = [:]
  package var fallback: String?
  /// A file of certificates to trust beside the system's.
  package var caFile: String?
  /// What must never be shown, wherever a provider's text may repeat it.
  package var secrets: [String] = [] { didSet { renewMasks() } }
  /// What they look like on their way, masked like them.
  package var disguises: [String] = [] { didSet { renewMasks() } }
  /// Both as bytes, the longest first: one secret may begin another. Shorter ones than four bytes are in every word.
  private var masks: [[UInt8]] = []
  /// The provider's string settings under their own names, for the sandbox, which checks credentials as the provider does.
  package var account: [String: String] = [:]

  package init(_ name: String, _ provider: any Provider) {
    self.name = name
    self.provider = provider
    card = type(of: provider).card
    recipientsPerCall = card.recipientsPerCall
    mixedRecipientsPerCall = card.mixedRecipientsPerCall
    concurrency = card.concurrency ?? concurrency
    rate = card.rate
    daily = card.daily
    dailyPerRecipient = card.dailyPerRecipient
  }

  /// `text` with the channel's secrets masked, as it may be shown and recorded.
  package func masked(_ text: String) -> String {
    // Every id and every word of an answer comes by here, and hardly any holds a secret.
    var text = text
    guard text.withUTF8({ bytes in masks.contains { Channel.holds(bytes, $0) } }) else { return text }
    // Bytes rather than characters: an accent behind a secret makes another character of its last letter.
    var bytes = Array(text.utf8)
    for mask in masks { bytes.replace(mask, with: Array("***".utf8)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func holds(_ bytes: UnsafeBufferPointer<UInt8>, _ mask: [UInt8]) -> Bool {
    guard bytes.count >= mask.count else { return false }
    return (0...(bytes.count - mask.count)).contains { start in
      bytes[start] == mask[0] && mask.indices.allSatisfy { bytes[start + $0] == mask[$0] }
    }
  }

  private mutating func renewMasks() {
    masks = (secrets + disguises).map { Array($0.utf8) }.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
  }

  /// The most characters that are kept of a provider's word. An answer may be megabytes, and is recorded for each of the
  /// thousand recipients of its call.
  private static let longestWord = 1000

  /// What a provider said, as it may be shown and recorded: bounded, and with the channel's secrets masked.
  package func recorded(_ outcome: Outcome) -> Outcome {
    guard outcome.id != nil || outcome.code != nil || outcome.reason != nil else { return outcome }
    var outcome = outcome
    outcome.id = outcome.id.map(recorded)
    outcome.code = outcome.code.map(recorded)
    outcome.reason = outcome.reason.map(recorded)
    return outcome
  }

  private func recorded(_ text: String) -> String {
    guard text.utf8.count > Channel.longestWord else { return masked(text) }
    // Cut first, as masking megabytes for each recipient takes minutes; behind the cut stays what a secret may need, and
    // goes after masking, as it may hold the beginning of one.
    let margin = masks.first?.count ?? 0
    let head = text.unicodeScalars.prefix(Channel.longestWord + margin)
    if head.endIndex == text.endIndex, head.count <= Channel.longestWord { return masked(text) }
    let clean = masked(String(String.UnicodeScalarView(head))).unicodeScalars
    return String(String.UnicodeScalarView(clean.dropLast(margin).prefix(Channel.longestWord))) + "..."
  }
}

/// The whole configuration, checked.
package struct Configuration: Sendable {
  package var defaultChannel: String?
  /// Seconds that an `id` is remembered.
  package var deduplicateFor = 7 * 86400.0
  package var maxMessageBytes = 16 << 20
  package var attachmentDirectories: [String] = []
  package var channels: [String: Channel] = [:]
  /// When its file, or one with a secret, was last written.
  package var modified = Date.distantPast

  package init() {}
}
