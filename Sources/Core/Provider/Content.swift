import Synchronization

/// What a provider is to say. Equal contents share calls; `fields` is whatever the provider needs to write its request.
///
/// A value that is copied as one reference: each recipient on its way has it several times.
package struct Content: Sendable, Hashable {
  private var storage: Storage

  package init(_ fields: [Field], mixKey: String? = nil) {
    storage = Storage(fields: fields, mixKey: mixKey)
  }

  /// Name and value in the provider's own words and in a fixed order; absent ones left out.
  package var fields: [Field] {
    get { storage.fields }
    set { storage = Storage(fields: newValue, mixKey: mixKey, capacity: capacity, attachments: attachments) }
  }

  /// Where the API also takes one content per recipient: contents with equal keys may share such a call.
  package var mixKey: String? {
    get { storage.mixKey }
    set { storage = Storage(fields: fields, mixKey: newValue, capacity: capacity, attachments: attachments) }
  }

  /// Recipients per call with this content, when it allows fewer than the channel.
  package var capacity: Int? {
    get { storage.capacity }
    set { storage = Storage(fields: fields, mixKey: mixKey, capacity: newValue, attachments: attachments) }
  }

  /// Resolved by the router: inside an allowed directory, or the bytes themselves.
  package var attachments: [Attachment] {
    get { storage.attachments }
    set { storage = Storage(fields: fields, mixKey: mixKey, capacity: capacity, attachments: newValue) }
  }

  package subscript(name: String) -> String? {
    storage.fields.first { $0.name == name }?.value
  }

  package static func == (one: Content, other: Content) -> Bool {
    if one.storage === other.storage { return true }
    return one.fields == other.fields && one.mixKey == other.mixKey && one.capacity == other.capacity
      && one.attachments == other.attachments
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

  private final class Storage: Sendable {
    let fields: [Field]
    let mixKey: String?
    let capacity: Int?
    let attachments: [Attachment]
    /// The hash once it is known; 0 before. A long text to many recipients is looked through once.
    private let known = Atomic(0)

    init(fields: [Field], mixKey: String?, capacity: Int? = nil, attachments: [Attachment] = []) {
      self.fields = fields
      self.mixKey = mixKey
      self.capacity = capacity
      self.attachments = attachments
    }

    /// The same for equal contents.
    var digest: Int {
      let known = self.known.load(ordering: .relaxed)
      if known != 0 { return known }
      var hasher = Hasher()
      hasher.combine(fields)
      hasher.combine(mixKey)
      let new = hasher.finalize()
      self.known.store(new, ordering: .relaxed)
      return new
    }
  }
}
