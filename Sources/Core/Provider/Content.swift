import Synchronization

/// What a provider is to say. Equal contents share calls; `fields` is whatever the provider needs to write its request.
///
/// A value that is copied as one reference: each recipient on its way has it several times.
package struct Content: Sendable, Hashable {
  private var storage: Storage

  package init(_ fields: [Field], mixKey: String? = nil) {
    storage = Storage(Parts(fields: fields, mixKey: mixKey))
  }

  private mutating func change(_ body: (inout Parts) -> Void) {
    var parts = storage.parts
    body(&parts)
    storage = Storage(parts)
  }

  /// Name and value in the provider's own words and in a fixed order; absent ones left out.
  package var fields: [Field] {
    get { storage.parts.fields }
    set { change { $0.fields = newValue } }
  }

  /// Where the API also takes one content per recipient: contents with equal keys may share such a call.
  package var mixKey: String? {
    get { storage.parts.mixKey }
    set { change { $0.mixKey = newValue } }
  }

  /// Recipients per call with this content, when it allows fewer than the channel.
  package var capacity: Int? {
    get { storage.parts.capacity }
    set { change { $0.capacity = newValue } }
  }

  /// Resolved by the router: inside an allowed directory, or the bytes themselves.
  package var attachments: [Attachment] {
    get { storage.parts.attachments }
    set { change { $0.attachments = newValue } }
  }

  /// Of a text that goes in several messages: each of them, in order; empty where it goes in one.
  package var pieces: [Content] {
    get { storage.parts.pieces }
    set { change { $0.pieces = newValue } }
  }

  package subscript(name: String) -> String? {
    storage.parts.fields.first { $0.name == name }?.value
  }

  package static func == (one: Content, other: Content) -> Bool {
    one.storage === other.storage || one.storage.parts == other.storage.parts
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(storage.digest) }
}

extension Content {
  package struct Attachment: Sendable, Hashable {
    package var name: String
    package var type: String
    package var source: ByteSource

    package init(name: String, type: String, source: ByteSource) {
      self.name = name
      self.type = type
      self.source = source
    }

    /// By bytes, as fields.
    package static func == (one: Attachment, other: Attachment) -> Bool {
      Verbatim(one.name) == Verbatim(other.name) && one.type == other.type && one.source == other.source
    }
  }

  package struct Field: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    /// By bytes: texts are sent as they were written.
    package static func == (one: Field, other: Field) -> Bool {
      Verbatim(one.name) == Verbatim(other.name) && Verbatim(one.value) == Verbatim(other.value)
    }

    package func hash(into hasher: inout Hasher) {
      hasher.combine(Verbatim(name))
      hasher.combine(Verbatim(value))
    }
  }

  private struct Parts: Sendable, Equatable {
    var fields: [Field]
    var mixKey: String?
    var capacity: Int?
    var attachments: [Attachment] = []
    var pieces: [Content] = []
  }

  private final class Storage: Sendable {
    let parts: Parts
    /// The hash once it is known; 0 before. A long text to many recipients is looked through once.
    private let known = Atomic(0)

    init(_ parts: Parts) { self.parts = parts }

    /// The same for equal contents.
    var digest: Int {
      let known = self.known.load(ordering: .relaxed)
      if known != 0 { return known }
      var hasher = Hasher()
      hasher.combine(parts.fields)
      hasher.combine(parts.mixKey)
      let new = hasher.finalize()
      self.known.store(new, ordering: .relaxed)
      return new
    }
  }
}
