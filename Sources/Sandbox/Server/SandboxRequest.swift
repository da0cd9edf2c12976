/// One HTTP request as it arrived, parsed as far as every provider needs it.
package struct SandboxRequest: Sendable {
  package var method: String
  /// The request target as it was on the wire, with query.
  package var target: String
  /// The target up to `?`, still percent-encoded.
  package var path: String
  /// Decoded name and value pairs in wire order; `+` is a space.
  package var query: [FormPair]
  /// Names in lower case, values without surrounding white space, in wire order.
  package var headers: [FormPair]
  package var body: [UInt8]
  /// The pairs of a form body; none when the body is something else.
  package private(set) var form: [FormPair] = []

  package init(method: String, target: String, headers: [FormPair], body: [UInt8]) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
      path = String(target[..<mark])
      query = FormPair.pairs(of: target.utf8[target.utf8.index(after: mark)...])
    } else {
      path = target
      query = []
    }
    if mediaType(endsWith: "application/x-www-form-urlencoded") { form = FormPair.pairs(of: body) }
  }

  package func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// Whether the media type ends in this (lower case), whatever its parameters. Bytes, since Characters cost more than
  /// the rest of the parsing.
  package func mediaType(endsWith ending: String) -> Bool {
    guard let value = header("content-type") else { return false }
    let type = value.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
    let lower = type.suffix(ending.utf8.count).lazy.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    return lower.elementsEqual(ending.utf8)
  }
}

/// A name and a value of a query, a form or a header block.
package struct FormPair: Sendable, Equatable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// Splits `a=b&c=d` and decodes both sides; a name without `=` has an empty value.
  package static func pairs(of encoded: some Collection<UInt8>) -> [FormPair] {
    var pairs: [FormPair] = []
    var name: [UInt8]?
    var part: [UInt8] = []
    func end() {
      defer {
        name = nil
        part.removeAll(keepingCapacity: true)
      }
      if let name {
        pairs.append(FormPair(decoded(name), decoded(part)))
      } else if !part.isEmpty {
        pairs.append(FormPair(decoded(part), ""))
      }
    }
    for byte in encoded {
      if byte == UInt8(ascii: "&") {
        end()
      } else if byte == UInt8(ascii: "="), name == nil {
        name = part
        part.removeAll(keepingCapacity: true)
      } else {
        part.append(byte)
      }
    }
    end()
    return pairs
  }

  /// Undoes form encoding. A `%` that no two hexadecimal digits follow stays what it is.
  static func decoded(_ bytes: [UInt8]) -> String {
    guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return String(decoding: bytes, as: UTF8.self)
    }
    return String(unsafeUninitializedCapacity: bytes.count) { out in
      var from = 0
      var to = 0
      while from < bytes.count {
        var byte = bytes[from]
        if byte == UInt8(ascii: "+") {
          byte = UInt8(ascii: " ")
        } else if byte == UInt8(ascii: "%"), from + 2 < bytes.count,
          let high = hexadecimalValue(bytes[from + 1]), let low = hexadecimalValue(bytes[from + 2])
        {
          byte = high << 4 | low
          from += 2
        }
        out[to] = byte
        from += 1
        to += 1
      }
      return to
    }
  }
}

extension [FormPair] {
  /// The first value of a name, nil when it is absent or empty: no provider here tells these apart.
  func value(_ name: String) -> String? {
    guard let value = first(where: { $0.name == name })?.value, !value.isEmpty else { return nil }
    return value
  }
}

/// What the sandbox answers, and what it makes of the request.
package struct SandboxReply: Sendable {
  package var status: Int
  package var headers: [FormPair]
  package var body: [UInt8]
  package var outcome: SandboxOutcome

  package init(status: Int, headers: [FormPair] = [], body: [UInt8], outcome: SandboxOutcome) {
    self.status = status
    self.headers = headers
    self.body = body
    self.outcome = outcome
  }

  package init(status: Int, headers: [FormPair] = [], json: WireJSON, outcome: SandboxOutcome) {
    self.init(
      status: status, headers: [FormPair("Content-Type", "application/json;charset=utf-8")] + headers,
      body: json.bytes, outcome: outcome)
  }
}

/// What a request came to, as the record says it.
package enum SandboxOutcome: String, Sendable {
  /// The far side took the message for every recipient, whatever the client got to hear of it.
  case accepted
  /// Taken for some recipients.
  case partial
  case rejected
  case throttled
  /// No balance, or a cap reached.
  case quota
  case credentials
  /// A failure of the server or of the protocol.
  case error
  /// The request was dropped before anything was made of it.
  case lost
  /// A question about earlier sends.
  case lookup
}

/// What a request says, before anyone has checked any of it.
package struct SandboxCall: Sendable {
  package enum Operation: String, Sendable {
    case send, lookup
    /// One of the calls of which a login consists.
    case login
    /// A question about what came in.
    case receive
    /// A file that a later call sends.
    case upload
    /// A test that tells the far side's phone what to do; no fault ever hits it.
    case phone
    /// Anything else: a call that neither sends nor asks about sends, or one that was not understood.
    case other

    /// What `on=` may say.
    static let selectable: [Operation] = [.send, .lookup, .login, .receive, .upload]
  }

  package var request: SandboxRequest
  package var operation: Operation
  /// The decoded body and parameters, credentials included.
  package var fields: WireJSON
  /// Addresses as on the wire.
  package var recipients: [String]
  /// Why the body could not be read.
  package var malformed: String?

  package init(
    _ request: SandboxRequest, _ operation: Operation, fields: WireJSON = .object([]), recipients: [String] = [],
    malformed: String? = nil
  ) {
    self.request = request
    self.operation = operation
    self.fields = fields
    self.recipients = recipients
    self.malformed = malformed
  }
}
