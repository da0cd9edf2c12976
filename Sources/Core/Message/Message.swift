import FoundationEssentials

/// What a producer asks for (contract, section 3). Deliberately not `Codable`: the file format lives in Spooling alone,
/// and renaming a property here must not change a file.
package struct Message: Sendable, Hashable {
  package var channel: String?
  /// As written, in order, before the address book; nil when left out.
  package var to: Texts?
  package var body: String?
  package var title: String?
  package var format: Format
  package var url: String?
  package var template: String?
  package var params: Parameters?
  package var id: String?
  package var sendAt: Date?
  package var expiresAt: Date?
  package var priority: Priority
  package var attachments: [Attachment]
  /// The provider's own parameters, checked against its card.
  package var options: [JSON.Member]
  /// Of a leg (`LegOrigin`): channels that its recipient has been through before. No field of a file; its history says so.
  package var passed: Set<String> = []

  package enum Format: String, Sendable, CaseIterable { case text, markdown, html }

  package enum Priority: String, Sendable, CaseIterable, Comparable {
    case low, normal, high

    package static func < (one: Priority, other: Priority) -> Bool {
      allCases.firstIndex(of: one).unsafelyUnwrapped < allCases.firstIndex(of: other).unsafelyUnwrapped
    }
  }

  package enum Parameters: Sendable, Hashable {
    /// In the producer's order, which is what goes on the wire.
    case named([Named])
    case positional([String])

    package var isEmpty: Bool {
      switch self {
      case .named(let params): params.isEmpty
      case .positional(let params): params.isEmpty
      }
    }

    package struct Named: Sendable, Hashable {
      package var name: String
      package var value: String

      package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
      }
    }
  }

  package struct Attachment: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
      case path(String)
      case data([UInt8])
    }

    package var name: String?
    package var type: String?
    package var source: Source

    package init(name: String? = nil, type: String? = nil, source: Source) {
      self.name = name
      self.type = type
      self.source = source
    }
  }

  package init(
    channel: String? = nil, to: [String]? = nil, body: String? = nil, title: String? = nil,
    format: Format = .text, url: String? = nil, template: String? = nil, params: Parameters? = nil,
    id: String? = nil, sendAt: Date? = nil, expiresAt: Date? = nil, priority: Priority = .normal,
    attachments: [Attachment] = [], options: [JSON.Member] = []
  ) {
    self.channel = channel
    self.to = to.map { Texts($0) }
    self.body = body
    self.title = title
    self.format = format
    self.url = url
    self.template = template
    self.params = params
    self.id = id
    self.sendAt = sendAt
    self.expiresAt = expiresAt
    self.priority = priority
    self.attachments = attachments
    self.options = options
  }

  /// The value of one of the provider's own parameters.
  package func option(_ name: String) -> JSON? {
    options.first { $0.key == name }?.value
  }
}
