import Core

/// What of an answer counts as accepted, as the operator says.
struct WebhookSuccess: Sendable {
  private var statuses: [Int]?
  private var field: [Substring]?
  private var expected = JSON.null
  private var id: [Substring]?
  private var idHeader: String?

  init(_ value: JSON?) throws(SettingFault) {
    for member in value?.members ?? [] {
      switch (member.key, member.value) {
      case ("status", .array(let values)) where !values.isEmpty:
        statuses = values.compactMap(\.integer)
        guard statuses?.count == values.count, statuses?.allSatisfy({ (200..<300).contains($0) }) == true else {
          throw SettingFault("success", "has a status that is no number from 200 to 299")
        }
      case ("field", .string(let path)) where !path.isEmpty: field = path.split(separator: ".")
      case ("id", .string(let path)) where !path.isEmpty: id = path.split(separator: ".")
      case ("id_header", .string(let name)) where !name.isEmpty: idHeader = name.lowercased()
      case ("equals", .string), ("equals", .number), ("equals", .boolean): expected = member.value
      default: throw SettingFault("success", "has \(member.key), which is unknown or of the wrong kind")
      }
    }
    guard (field == nil) == (expected == .null) else {
      throw SettingFault("success", "needs field and equals together")
    }
  }

  /// Nil for a success.
  func verdict(_ response: HTTPResponse, _ value: JSON?) -> AnswerClass? {
    guard (200..<300).contains(response.status) else {
      return .status(response.status, client: .refused, server: .later)
    }
    if let statuses, !statuses.contains(response.status) { return .fewTimes }
    guard let field else { return nil }
    guard let value else { return JSONAnswer.looksDamaged(response.body) ? .inDoubt : .later }
    guard let found = WebhookSuccess.text(WebhookSuccess.find(field, in: value)) else { return .inDoubt }
    return found == WebhookSuccess.text(expected) ? nil : .fewTimes
  }

  func id(_ response: HTTPResponse, _ value: JSON?) -> String? {
    if let idHeader, let id = response.header(idHeader), !id.isEmpty { return id }
    return id.flatMap { path in value.flatMap { WebhookSuccess.text(WebhookSuccess.find(path, in: $0)) } }
  }

  private static func find(_ path: [Substring], in value: JSON) -> JSON? {
    path.reduce(value as JSON?) { $0?[String($1)] }
  }

  /// `0` and `"0"` are the same code.
  private static func text(_ value: JSON?) -> String? {
    switch value {
    case .string(let text)?, .number(let text)?: text
    case .boolean(let flag)?: flag ? "true" : "false"
    default: nil
    }
  }
}

/// Whose trouble an answer tells of by the words in it, where its status alone says too little: texts, and the kind of
/// error (contract, section 4) that each of them means.
struct WebhookAnswers: Sendable {
  private let rules: [(text: [UInt8], verdict: AnswerClass)]

  /// The kinds that an answer can mean; that it never came is nothing an answer says.
  private static let verdicts: [(kind: ErrorKind, verdict: AnswerClass)] = [
    (.message, .message), (.recipient, .recipient), (.credentials, .credentials), (.quota, .quota),
    (.throttled, .throttled), (.provider, .later), (.uncertain, .inDoubt),
  ]

  init(_ value: JSON?) throws(SettingFault) {
    var rules: [(text: [UInt8], verdict: AnswerClass)] = []
    for member in value?.members ?? [] {
      guard let verdict = WebhookAnswers.verdicts.first(where: { $0.kind.rawValue == member.value.string })?.verdict
      else {
        let kinds = WebhookAnswers.verdicts.map(\.kind.rawValue).joined(separator: ", ")
        throw SettingFault("answers", "has \"\(member.key)\" with something else than a kind: one of \(kinds)")
      }
      guard !member.key.isEmpty else { throw SettingFault("answers", "has a text that is empty") }
      rules.append((Array(member.key.utf8), verdict))
    }
    self.rules = rules
  }

  /// The first rule, in the operator's order, whose text the answer holds.
  func verdict(_ response: HTTPResponse) -> AnswerClass? {
    // Whoever looks for words in a body looks where an error's are.
    let body = response.body.prefix(1 << 16)
    return rules.first { body.firstRange(of: $0.text) != nil }?.verdict
  }
}
