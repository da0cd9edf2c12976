/// Everything about a provider that is not code: printed by `msgspool providers`, and what configurations and
/// messages are checked against. A class, since channels are copied all the time and cards never change.
package final class ProviderCard: Sendable {
  /// As the configuration names it: `aliyun-sms`.
  package let name: String
  /// One line.
  package let summary: String
  /// The vendor's documentation.
  package let document: String
  /// Scheme and host, when the configuration names no `endpoint`; nil where a setting gives the address.
  package let endpoint: String?
  package let recipientsPerCall: Int
  /// How many when each recipient has its own content; nil where the API cannot.
  package let mixedRecipientsPerCall: Int?
  /// What `max_recipients_per_call` may be raised to, where some accounts are allowed more; nil is no more.
  package let raisedRecipientsPerCall: Int?
  package let settings: [SettingCard]
  package let options: [OptionCard]
  /// Further kinds of target, written `KIND:VALUE`: kind and one line each.
  package let targetKinds: [(kind: String, summary: String)]
  /// Name, value and unit of each documented limit: ("body", 1600, "UTF-16 units").
  package let limits: [(name: String, value: Int, unit: String)]
  /// The provider's own pace, unless the configuration says otherwise. Calls per second; 0 is no limit.
  package let rate: Double
  /// Messages a day to one recipient; 0 is no limit.
  package let dailyPerRecipient: Int
  /// Recipients a day in all; 0 is no limit.
  package let daily: Int
  /// What the provider refuses uses up its limits of a day as well.
  package let countsRefused: Bool
  /// Calls in flight at the most, unless the configuration says otherwise; nil where the service names no number.
  package let concurrency: Int?
  /// The channel has its own target: `to` may be left out.
  package let hasOwnTarget: Bool
  /// Which of a message's `template` and `params` the service takes.
  package let templates: Templates
  /// A text may be too long for the service, and be cut or split (`LongText`), with marks as its Markdown has them; nil where
  /// the service has no limit, or texts of its own only.
  package let longTexts: LongText.Dialect?
  /// How many attachments a message may have; 0 where the service takes none.
  package let attachments: Int
  /// The provider needs an attachment's bytes (for a digest, or base64 in JSON), up to so many; nil where the transport
  /// streams them from the disk.
  package let loadsAttachments: Int?
  /// A call needs a session (an access token): the first one goes alone.
  package let hasSession: Bool
  /// Each call gets a number of its own (`Session.number`).
  package let numbersCalls: Bool
  /// How unevenly calls are paced: each gap is between 1 - so much and 1 + so much times its length; 0 is evenly.
  package let unevenness: Double
  /// Names messages on its way by their keys (`Call.Recipient.key`): mail.
  package let usesKeys: Bool
  /// What the operator must know, a line each: which message fields are used and how.
  package let notes: [String]
  /// A channel as it stands in the configuration (JSON5).
  package let example: String

  package init(
    name: String, summary: String, document: String, endpoint: String?, recipientsPerCall: Int,
    mixedRecipientsPerCall: Int? = nil, raisedRecipientsPerCall: Int? = nil, settings: [SettingCard],
    options: [OptionCard] = [],
    targetKinds: [(kind: String, summary: String)] = [],
    limits: [(name: String, value: Int, unit: String)] = [], rate: Double = 0, dailyPerRecipient: Int = 0,
    daily: Int = 0, countsRefused: Bool = false, concurrency: Int? = nil, hasOwnTarget: Bool = false,
    templates: Templates = .none, longTexts: LongText.Dialect? = nil, attachments: Int = 0,
    loadsAttachments: Int? = nil, hasSession: Bool = false,
    numbersCalls: Bool = false, unevenness: Double = 0, usesKeys: Bool = false,
    notes: [String] = [], example: String
  ) {
    self.name = name
    self.summary = summary
    self.document = document
    self.endpoint = endpoint
    self.recipientsPerCall = recipientsPerCall
    self.mixedRecipientsPerCall = mixedRecipientsPerCall
    self.raisedRecipientsPerCall = raisedRecipientsPerCall
    self.settings = settings
    self.options = options + (longTexts == nil ? [] : [LongText.option])
    self.targetKinds = targetKinds
    self.limits = limits
    self.rate = rate
    self.dailyPerRecipient = dailyPerRecipient
    self.daily = daily
    self.countsRefused = countsRefused
    self.concurrency = concurrency
    self.hasOwnTarget = hasOwnTarget
    self.templates = templates
    self.longTexts = longTexts
    self.attachments = attachments
    self.loadsAttachments = loadsAttachments
    self.hasSession = hasSession
    self.numbersCalls = numbersCalls
    self.unevenness = unevenness
    self.usesKeys = usesKeys
    self.notes = notes
    self.example = example
  }
}

extension ProviderCard {
  /// What there is of approved templates.
  package enum Templates: Sendable {
    /// The service has none.
    case none
    /// Templates by name, without parameters.
    case bare
    /// Parameters by name: an object.
    case named
    /// Parameters in the template's order: an array.
    case positional
    case either
  }

  /// Refuses what the service would have to leave out: a message goes as its producer meant it, or not at all.
  package func check(_ message: Message) throws(MessageFault) {
    if message.attachments.count > attachments {
      throw MessageFault(
        "attachments",
        attachments == 0
          ? "\(name) cannot send attachments"
          : "has \(message.attachments.count); \(name) takes at most \(attachments)")
    }
    if templates == .none, message.template?.isEmpty == false {
      throw MessageFault("template", "\(name) has no templates; it sends body")
    }
    switch (message.params, templates) {
    case (let params?, .none), (let params?, .bare):
      if !params.isEmpty { throw MessageFault("params", "\(name) has no parameters") }
    case (.named?, .positional):
      throw MessageFault("params", "expected an array of strings, in the template's order; \(name) has no names")
    case (.positional?, .named):
      throw MessageFault("params", "expected an object of names and strings; \(name) has no positional ones")
    default: break
    }
  }
}

extension Provider {
  /// What the provider is to say of a message, as it came from its producer.
  package func rendered(_ message: Message) throws(MessageFault) -> Content {
    let card = Self.card
    try card.check(message)
    if message.options.isEmpty { return try LongText.content(of: message, by: self) }
    var message = message
    for index in message.options.indices {
      let (name, value) = (message.options[index].key, message.options[index].value)
      // Its few words are told in its own complaint.
      if name == LongText.option.name, card.longTexts != nil { continue }
      guard value != .null, let kind = card.options.first(where: { $0.name == name })?.kind else { continue }
      guard let value = kind.value(of: value) else {
        throw MessageFault("options.\(name)", "found \(value.kindForPeople); expected \(kind.rawValue)")
      }
      message.options[index].value = value
    }
    return try LongText.content(of: message, by: self)
  }
}

/// The shape of a setting's or an option's value.
package enum ValueKind: String, Sendable {
  case string, integer, number, boolean
  /// A name of digits, which people write with quotes or without; a string to the provider.
  case identifier = "string or number"
  case strings = "list of strings"
  case object
  /// For templates: any object or list.
  case structure = "object or list"

  /// The value in that shape; nil for what is of another. People leave out what is plain: a list of one may be written
  /// without its brackets, and a text of digits without quotes, which stays as it was written.
  package func value(of value: JSON) -> JSON? {
    switch self {
    case .string, .identifier: ValueKind.text(value).map(JSON.string)
    case .integer: value.integer == nil ? nil : value
    case .number: value.number == nil ? nil : value
    case .boolean: value.boolean == nil ? nil : value
    case .strings: ValueKind.texts(value).map(JSON.strings)
    case .object: value.members == nil ? nil : value
    case .structure: value.members == nil && value.array == nil ? nil : value
    }
  }

  private static func text(_ value: JSON) -> String? {
    if case .number(let digits) = value { digits } else { value.string }
  }

  private static func texts(_ value: JSON) -> [String]? {
    let values = value.array ?? [value]
    let texts = values.compactMap(text)
    return texts.count == values.count ? texts : nil
  }
}

package struct SettingCard: Sendable {
  package var name: String
  package var kind: ValueKind
  package var required: Bool
  package var secret: Bool
  package var summary: String

  package init(
    _ name: String, _ kind: ValueKind = .string, required: Bool = false, secret: Bool = false, _ summary: String
  ) {
    self.name = name
    self.kind = kind
    self.required = required
    self.secret = secret
    self.summary = summary
  }
}

package struct OptionCard: Sendable {
  package var name: String
  package var kind: ValueKind
  package var summary: String
  /// Of a text that is split only the first part has it: a picture, a phone call, whom it mentions.
  package var isOnce: Bool

  package init(_ name: String, _ kind: ValueKind = .string, _ summary: String, isOnce: Bool = false) {
    self.name = name
    self.kind = kind
    self.summary = summary
    self.isOnce = isOnce
  }
}

/// A channel's settings as a provider sees them: checked against its card, secrets resolved.
package struct Settings: Sendable {
  /// Scheme, host, port and the optional path that goes before the provider's own; no trailing slash.
  package var endpoint: String
  /// What the channel says of its receipts; nil where it says nothing.
  package var receipts: ReceiptMode?
  private var values: [String: JSON]

  package init(endpoint: String, values: [String: JSON]) {
    self.endpoint = endpoint
    self.values = values
  }

  package subscript(name: String) -> JSON? { values[name] }

  /// A string setting; an empty one is absent.
  package func string(_ name: String) -> String? {
    guard case .string(let text)? = values[name], !text.isEmpty else { return nil }
    return text
  }

  package func integer(_ name: String) -> Int? { values[name]?.integer }
  package func boolean(_ name: String) -> Bool? { values[name]?.boolean }
}
