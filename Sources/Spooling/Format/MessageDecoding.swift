import Core
import FoundationEssentials

/// JSON members to `Message` (contract, section 3). Every complaint names the field, what was found and what is expected.
enum MessageDecoding {
  /// - Parameter to: the strings that `to` lists, where it was read apart: then its member is only a mark.
  static func message(_ members: [JSON.Member], to: Texts? = nil) throws(JSONFault) -> Message {
    var message = Message()
    for member in members {
      guard let field = MessageField(rawValue: member.key) else { throw unknown(member.key) }
      // `null` is the same as absent.
      if member.value == .null { continue }
      if field == .to, let to {
        message.to = try listed(to)
      } else {
        try decode(field, member.value, into: &message)
      }
    }
    return message
  }

  private static func decode(_ field: MessageField, _ value: JSON, into message: inout Message) throws(JSONFault) {
    switch field {
    case .channel: message.channel = try string(field.rawValue, value)
    case .to: message.to = try recipients(value)
    case .body: message.body = try string(field.rawValue, value)
    case .title: message.title = try string(field.rawValue, value)
    case .format: message.format = try choice(field, value, Message.Format.init)
    case .url: message.url = try string(field.rawValue, value)
    case .template: message.template = try string(field.rawValue, value)
    case .params: message.params = try parameters(value)
    // Filled before it comes here.
    case .use: throw complaint("use: the spool's templates are not at hand")
    case .id: message.id = try identifier(value)
    case .sendAt: message.sendAt = try time(field, value)
    case .expiresAt: message.expiresAt = try time(field, value)
    case .priority: message.priority = try choice(field, value, Message.Priority.init)
    case .attachments: message.attachments = try attachments(value)
    case .options: message.options = try object(field.rawValue, value).filter { $0.value != .null }
    // The producer's own, kept in the file and never sent.
    case .meta: _ = try object(field.rawValue, value)
    }
  }

  // MARK: Fields

  private static func recipients(_ value: JSON) throws(JSONFault) -> Texts {
    if case .string(let one) = value { return [try recipient("to", one)] }
    guard let values = value.array else { throw expected(MessageField.to.shape.expected, "to", value) }
    guard !values.isEmpty else { throw complaint("to: is an empty array; at least one recipient is expected") }
    var recipients = Texts()
    for (index, value) in values.enumerated() {
      guard case .string(let one) = value else { throw expected("a string", "to[\(index)]", value) }
      recipients.append(try recipient("to[\(index)]", one))
    }
    return recipients
  }

  private static func listed(_ recipients: Texts) throws(JSONFault) -> Texts {
    if let index = recipients.firstEmpty { _ = try recipient("to[\(index)]", "") }
    return recipients
  }

  private static func recipient(_ field: String, _ text: String) throws(JSONFault) -> String {
    guard !text.isEmpty else { throw complaint("\(field): is an empty string; a recipient is expected") }
    return text
  }

  private static func identifier(_ value: JSON) throws(JSONFault) -> String {
    let id = try string("id", value)
    guard !id.isEmpty else { throw complaint("id: is an empty string; the producer's own key is expected") }
    return id
  }

  private static func parameters(_ value: JSON) throws(JSONFault) -> Message.Parameters {
    switch value {
    case .object(let members):
      var named: [Message.Parameters.Named] = []
      for member in members where member.value != .null {
        named.append(.init(member.key, try string("params.\(member.key.shortened.displayText)", member.value)))
      }
      return .named(named)
    case .array(let values):
      var positional: [String] = []
      for (index, value) in values.enumerated() { positional.append(try string("params[\(index)]", value)) }
      return .positional(positional)
    default: throw expected(MessageField.params.shape.expected, "params", value)
    }
  }

  private static func time(_ field: MessageField, _ value: JSON) throws(JSONFault) -> Date {
    switch value {
    case .string(let text):
      if let date = RFC3339.date(text) { return date }
    case .number:
      if let seconds = value.number, MessageField.seconds.contains(seconds) {
        return Date(timeIntervalSince1970: seconds)
      }
    default: break
    }
    throw expected(field, value)
  }

  private static func attachments(_ value: JSON) throws(JSONFault) -> [Message.Attachment] {
    guard let values = value.array else { throw expected(.attachments, value) }
    var attachments: [Message.Attachment] = []
    for (index, value) in values.enumerated() { attachments.append(try attachment("attachments[\(index)]", value)) }
    return attachments
  }

  private static func attachment(_ field: String, _ value: JSON) throws(JSONFault) -> Message.Attachment {
    if case .string(let path) = value { return .init(source: .path(path)) }
    guard let members = value.members else { throw expected("a path or an object", field, value) }
    var (name, type, path, data): (String?, String?, String?, [UInt8]?)
    for member in members where member.value != .null {
      let text = try string("\(field).\(member.key.shortened.displayText)", member.value)
      switch MessageField.AttachmentKey(rawValue: member.key) {
      case .name: name = text
      case .type: type = text
      case .path: path = text
      case .base64:
        guard let decoded = Data(base64Encoded: text) else { throw complaint("\(field).base64: is not base64") }
        data = Array(decoded)
      case nil:
        throw unknown(
          "\(field).\(member.key.shortened)", member.key, MessageField.AttachmentKey.allCases.map(\.rawValue))
      }
    }
    switch (path, data) {
    case (let path?, nil): return .init(name: name, type: type, source: .path(path))
    case (nil, let data?): return .init(name: name, type: type, source: .data(data))
    default: throw complaint("\(field): expected either path or base64")
    }
  }

  // MARK: Shapes

  private static func string(_ field: String, _ value: JSON) throws(JSONFault) -> String {
    guard case .string(let text) = value else { throw expected("a string", field, value) }
    return text
  }

  private static func object(_ field: String, _ value: JSON) throws(JSONFault) -> [JSON.Member] {
    guard case .object(let members) = value else { throw expected("an object", field, value) }
    return members
  }

  private static func choice<Choice>(
    _ field: MessageField, _ value: JSON, _ choice: (String) -> Choice?
  ) throws(JSONFault) -> Choice {
    if case .string(let text) = value, let choice = choice(text) { return choice }
    throw expected(field, value)
  }

  // MARK: Complaints

  private static func complaint(_ problem: String) -> JSONFault { JSONFault(offset: -1, problem: problem) }

  private static func expected(_ expected: String, _ field: String, _ value: JSON) -> JSONFault {
    complaint("\(field): found \(shown(value)); expected \(expected)")
  }

  private static func expected(_ field: MessageField, _ value: JSON) -> JSONFault {
    expected(field.shape.expected, field.rawValue, value)
  }

  private static func unknown(_ field: String) -> JSONFault {
    unknown(field.shortened, field, MessageField.allCases.map(\.rawValue))
  }

  private static func unknown(_ path: String, _ field: String, _ known: [String]) -> JSONFault {
    let nearest = Suggestion.nearest(to: field, among: known).map { "; did you mean \"\($0)\"?" }
    let all = "; known are \(known.joined(separator: ", "))"
    return complaint("\(path.displayText): is no field of a message\(nearest ?? all)")
  }

  /// A value as an error shows it: short, and with nothing in it that a terminal obeys.
  private static func shown(_ value: JSON) -> String {
    switch value {
    case .string, .number, .boolean:
      let text = value.text
      return text.count > 40 ? "\(value.kindForPeople) of \(text.count) characters" : text.displayText
    default: return value.kindForPeople
    }
  }
}

extension String {
  /// The text with control characters, direction overrides and backslashes written `\xHH`.
  package var displayText: String { Array(utf8).displayText }
}
