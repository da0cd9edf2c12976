import FoundationEssentials

/// A provider with an account and settings, named by the operator: one entry of the configuration, checked. A reference, as
/// every message in hand names its own.
///
/// Unchecked: written by the one thread that reads the configuration, before anybody else has it, and never after.
package final class Channel: @unchecked Sendable {
  package enum UnconfirmedPolicy: String, Sendable, CaseIterable { case hold, resend }

  package var name: String
  package let provider: any Provider
  /// The provider, where a call to it takes steps.
  package let stepping: (any SteppingProvider)?
  /// The provider, where it can be asked about a lost call.
  package let askable: (any AskableProvider)?
  /// The provider, where it bills long texts as several.
  package let billing: (any BillingProvider)?
  /// The provider, where somebody has to log in.
  package let loggedIn: (any AccountProvider)?
  /// The provider, where messages can be received.
  package let receiving: (any ReceivingProvider)?
  /// The provider, where a message may go in parts.
  package let parting: (any PartedProvider)?
  /// The provider, where copies go to others.
  package let copying: (any CopyingProvider)?
  /// The provider, where the other side has to write first.
  package let allowing: (any AllowanceProvider)?
  /// What can be done about a lost answer.
  package let recovery: Recovery
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
  /// Its messages to one recipient go out together.
  package var digest: DigestRule?
  /// What an accepted recipient costs, or each part of a text where the provider bills those; zero is not counted.
  package var price = Money.zero
  package var budget = Budget()
  /// The address book: name to addresses.
  package var recipients: [Verbatim: [Contact]] = [:] {
    didSet {
      let secret = recipients.values.joined().filter(\.isSecret)
      secretContacts = Dictionary(secret.map { (Verbatim($0.shown), $0) }) { first, _ in first }
    }
  }
  /// By the names that are shown and recorded in their place.
  private var secretContacts: [Verbatim: Contact] = [:]
  package var fallback: String?
  /// After which receipts a recipient goes on through the fallback, beside those that are rejected.
  package var fallbackOn: Set<ReceiptState> = []
  /// The provider, where it tells what became of what it accepted.
  package let receipting: (any ReceiptProvider)?
  /// The provider, where it can be asked for that.
  package let asking: (any ReceiptAsking)?
  /// How that is heard of; off for providers that never tell.
  package var receipts: ReceiptMode
  /// Seconds after its acceptance that a recipient is awaited.
  package var receiptWait = 72 * 3600.0
  /// Seconds before the first question and between questions; nil for 30 s, doubling to 30 min.
  package var receiptEvery: Double?
  /// What the URL that the service calls back has to hold.
  package var receiptSecret: String?
  /// A file of certificates to trust beside the system's.
  package var caFile: String?
  /// Of a channel that somebody has to log in to (`AccountProvider`).
  package var personal: PersonalSettings?
  /// What must never be shown, wherever a provider's text may repeat it.
  package var secrets: [String] = [] { didSet { masks = Masks(secrets + disguises) } }
  /// Parts of them that give them away, masked like them.
  package var disguises: [String] = [] { didSet { masks = Masks(secrets + disguises) } }
  private var masks = Masks()
  /// The provider's string settings under their own names, for the sandbox, which checks credentials as the provider does.
  package var account: [String: String] = [:]

  package init(_ name: String, _ provider: any Provider) {
    self.name = name
    self.provider = provider
    stepping = provider as? any SteppingProvider
    askable = provider as? any AskableProvider
    billing = provider as? any BillingProvider
    loggedIn = provider as? any AccountProvider
    receiving = provider as? any ReceivingProvider
    recovery = Recovery(provider)
    receipting = provider as? any ReceiptProvider
    asking = provider as? any ReceiptAsking
    parting = provider as? any PartedProvider
    copying = provider as? any CopyingProvider
    allowing = provider as? any AllowanceProvider
    receipts = receipting?.receiptsByDefault ?? .off
    personal = loggedIn.map { PersonalSettings(receive: type(of: $0).receives) }
    card = type(of: provider).card
    recipientsPerCall = card.recipientsPerCall
    mixedRecipientsPerCall = card.mixedRecipientsPerCall
    concurrency = card.concurrency ?? concurrency
    rate = card.rate
    daily = card.daily
    dailyPerRecipient = card.dailyPerRecipient
  }

  /// Whom a word in `to` stands for: the address book's, else itself.
  package func contacts(of word: String) -> [Contact] { recipients[Verbatim(word)] ?? [Contact(word)] }

  /// What a history line calls so.
  package func contact(recorded name: String) -> Contact { secretContacts[Verbatim(name)] ?? Contact(name) }

  /// `text` with the channel's secrets masked, as it may be shown and recorded.
  package func masked(_ text: String) -> String { masks.masked(text) }

  /// The most characters that are kept of a provider's word. An answer may be megabytes, and is recorded for each of the
  /// thousand recipients of its call.
  private static let longestWord = 1000

  /// What a provider said, as it may be shown and recorded: bounded, and with the channel's secrets masked.
  package func recorded(_ outcome: Outcome) -> Outcome {
    guard outcome.id != nil || outcome.code != nil || outcome.reason != nil else { return outcome }
    var outcome = outcome
    if let id = outcome.id { outcome.id = recorded(id) }
    if let code = outcome.code { outcome.code = recorded(code) }
    if let reason = outcome.reason { outcome.reason = recorded(reason) }
    return outcome
  }

  func recorded(_ text: String) -> String {
    guard text.utf8.count > Channel.longestWord else { return masked(text) }
    // Cut first, as masking megabytes for each recipient takes minutes; behind the cut stays what a secret may need, and
    // goes after masking, as it may hold the beginning of one.
    let head = text.unicodeScalars.prefix(Channel.longestWord + masks.longest)
    if head.endIndex == text.endIndex, head.count <= Channel.longestWord { return masked(text) }
    let clean = masked(String(String.UnicodeScalarView(head))).unicodeScalars
    let certain = clean.dropLast(head.endIndex == text.endIndex ? 0 : masks.longest)
    return String(String.UnicodeScalarView(certain.prefix(Channel.longestWord))) + "..."
  }
}

/// One address in a channel's address book.
package struct Contact: Sendable, Hashable, ExpressibleByStringLiteral {
  /// As the provider takes it.
  package let address: String
  /// What is shown and recorded: the address, or a name where the address is a secret.
  package let shown: String
  package let isSecret: Bool

  package init(_ address: String) { (self.address, shown, isSecret) = (address, address, false) }
  package init(stringLiteral address: String) { self.init(address) }
  package init(secret address: String, shown: String) { (self.address, self.shown, isSecret) = (address, shown, true) }

  package static func == (one: Contact, other: Contact) -> Bool {
    one.isSecret == other.isSecret && Verbatim(one.address) == Verbatim(other.address)
      && Verbatim(one.shown) == Verbatim(other.shown)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(Verbatim(address)) }
}

/// Where mail to a local name goes.
package struct Alias: Sendable, Hashable {
  /// Nil is the default channel.
  package var channel: String?
  /// Nil for a channel's own target.
  package var to: [String]?

  package init(channel: String? = nil, to: [String]? = nil) {
    self.channel = channel
    self.to = to
  }
}

/// Where the operator is told of failures.
package struct OperatorAddress: Sendable, Hashable {
  package var channel: String
  /// Nil for the channel's own target.
  package var to: [String]?

  package init(channel: String, to: [String]? = nil) {
    self.channel = channel
    self.to = to
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
  /// Sweeps start a stand-in for the providers here, on 127.0.0.1, unless one is there already; nil for real life.
  package var sandboxPort: Int?
  /// Where mail to local names goes, by the name in lower case; none of them names another alias any more.
  package var aliases: [String: [Alias]] = [:]
  /// Who is told what failed; nil: nobody.
  package var onFailure: OperatorAddress?
  /// When its file, or one with a secret, was last written.
  package var modified = Date.distantPast

  package init() {}

  /// `text` with every channel's secrets masked: what is shown of one channel's message may hold another's.
  package func masked(_ text: String) -> String { channels.values.reduce(text) { $1.masked($0) } }
}
