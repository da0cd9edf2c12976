/// What many services have in common: the same fields as JSON, form, multipart or query, a secret to know, a key in a
/// header.

extension WireJSON {
  /// The members of a form or query; a repeated name becomes an array.
  init(pairs: [FormPair]) {
    var members: [WireMember] = []
    for pair in pairs {
      guard let index = members.firstIndex(where: { $0.name == pair.name }) else {
        members.append(WireMember(pair.name, .string(pair.value)))
        continue
      }
      members[index].value = .array((members[index].value.array ?? [members[index].value]) + [.string(pair.value)])
    }
    self = .object(members)
  }

  /// The text of a field that is taken as text, number or truth value, since a form knows only text; nil when it is
  /// absent, null or empty.
  var scalar: String? {
    switch self {
    case .string(let text): text.isEmpty ? nil : text
    case .number(let text): text
    case .bool(let value): value ? "true" : "false"
    case .null, .array, .object: nil
    }
  }

  /// A whole number, also one written as text.
  var wholeNumber: Int? { scalar.flatMap { Int($0) } }

  var isObject: Bool { if case .object = self { true } else { false } }

  /// How many elements or members there are.
  var count: Int {
    switch self {
    case .array(let values): values.count
    case .object(let members): members.count
    default: 0
    }
  }

  func merging(_ other: WireJSON) -> WireJSON {
    guard case .object(let own) = self, case .object(let more) = other else { return self }
    return .object(own + more)
  }
}

/// Why a body could not be read.
struct FieldsError: Error {
  var problem: String
}

extension SandboxRequest {
  /// The body's fields, whatever of JSON, form and multipart it is. Files become their description.
  func bodyFields() throws(FieldsError) -> WireJSON {
    if mediaType(endsWith: "application/x-www-form-urlencoded") { return WireJSON(pairs: form) }
    if mediaType(endsWith: "multipart/form-data") {
      do throws(MultipartError) {
        let parts = try Multipart.parts(of: self)
        return .object(
          parts.map { part in
            WireMember(part.name, part.text.map { .string($0) } ?? part.description)
          })
      } catch {
        throw FieldsError(problem: error.problem)
      }
    }
    if body.isEmpty { return .object([]) }
    return try jsonObject()
  }

  func jsonObject() throws(FieldsError) -> WireJSON {
    do throws(WireJSONError) {
      let value = try WireJSON(parsing: body)
      guard value.isObject else { throw WireJSONError(problem: "no object", offset: 0) }
      return value
    } catch {
      throw FieldsError(problem: "\(error.problem) at byte \(error.offset)")
    }
  }

  /// What follows the scheme in `Authorization`, nil when it is another scheme or nothing follows.
  func authorization(_ scheme: String) -> String? {
    guard let header = header("authorization") else { return nil }
    let parts = header.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1)
    guard parts.count == 2, Substring(parts[0]).lowercased() == scheme.lowercased() else { return nil }
    let value = String(Substring(parts[1]).drop { $0 == " " })
    return value.isEmpty ? nil : value
  }

  /// The components of the path; empty ones, as a trailing slash makes, are left out.
  var components: [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
  }
}

extension String {
  /// The items of a list; empty ones stay, so that they can be refused.
  func items(_ separator: Unicode.Scalar) -> [String] {
    isEmpty
      ? []
      : utf8.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false)
        .map { String(Substring($0)) }
  }

  func isMade(of allowed: (UInt8) -> Bool) -> Bool { !isEmpty && utf8.allSatisfy(allowed) }
}

func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

func isAlphanumeric(_ byte: UInt8) -> Bool {
  isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
}

extension SandboxReply {
  /// The same with `Retry-After`, if there is something to wait for.
  func asking(toWait seconds: Int?) -> SandboxReply {
    guard let seconds else { return self }
    var reply = self
    reply.headers.append(FormPair("Retry-After", String(seconds)))
    return reply
  }
}

extension SandboxOutcome {
  /// What a call came to that was worked on recipient by recipient.
  init(failed: Int, of count: Int) {
    self = failed == 0 ? .accepted : failed >= count ? .rejected : .partial
  }
}

/// The one secret that a service knows its callers by.
struct KnownSecrets: Sendable {
  private let known: Set<String>?

  /// Nil accounts know none in particular and take any that is not empty.
  init(_ accounts: [[String: String]]?, setting: String) {
    known = accounts.map { Set($0.compactMap { $0[setting] }) }
  }

  func contains(_ secret: String?) -> Bool {
    guard let secret, !secret.isEmpty else { return false }
    return known?.contains(secret) ?? true
  }
}
