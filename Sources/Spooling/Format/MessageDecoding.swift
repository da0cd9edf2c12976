import Core
import FoundationEssentials

/// JSON members to `Message` (contract, section 3). Every complaint names the field, what was found and what is expected.
enum MessageDecoding {
  static let fields = [
    "channel", "to", "body", "title", "format", "url", "template", "params", "id", "send_at", "expires_at", "priority",
    "attachments", "options", "meta",
  ]

  static func message(_ members: [JSON.Member]) throws(JSONFault) -> Message {
    var message = Message()
    for member in members {
      let (field, value) = (member.key, member.value)
      guard fields.contains(field) else { throw unknown(field) }
      // `null` is the same as absent.
      if value == .null { continue }
      switch field {
      case "channel": message.channel = try string(field, value)
      case "to": message.to = try recipients(value)
      case "body": message.body = try string(field, value)
      case "title": message.title = try string(field, value)
      case "format": message.format = try choice(field, value, Message.Format.allCases)
      case "url": message.url = try string(field, value)
      case "template": message.template = try string(field, value)
      case "params": message.params = try parameters(value)
      case "id": message.id = try identifier(value)
      case "send_at": message.sendAt = try time(field, value)
      case "expires_at": message.expiresAt = try time(field, value)
      case "priority": message.priority = try choice(field, value, Message.Priority.allCases)
      case "attachments": message.attachments = try attachments(value)
      case "options": message.options = try object(field, value).filter { $0.value != .null }
      default: _ = try object(field, value)  // meta: the producer's own, kept in the file and never sent
      }
    }
    return message
  }

  // MARK: Fields

  private static func recipients(_ value: JSON) throws(JSONFault) -> [String] {
    if case .string(let one) = value { return [try recipient("to", one)] }
    guard let values = value.array else { throw expected("a string or an array of strings", "to", value) }
    guard !values.isEmpty else { throw complaint("to: is an empty array; at least one recipient is expected") }
    var recipients: [String] = []
    recipients.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard case .string(let one) = value else { throw expected("a string", "to[\(index)]", value) }
      recipients.append(try recipient("to[\(index)]", one))
    }
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
    default: throw expected("an object of strings or an array of strings", "params", value)
    }
  }

  private static func time(_ field: String, _ value: JSON) throws(JSONFault) -> Date {
    switch value {
    case .string(let text):
      if let date = RFC3339.date(text) { return date }
    case .number:
      // Dates beyond the year 9999 are slips (milliseconds for seconds), and no calendar prints them.
      if let seconds = value.number, (0...253_402_300_799).contains(seconds) {
        return Date(timeIntervalSince1970: seconds)
      }
    default: break
    }
    throw complaint(
      "\(field): found \(shown(value)); expected an RFC 3339 time such as \"2026-11-22T09:00:00+08:00\", or Unix seconds"
    )
  }

  private static func attachments(_ value: JSON) throws(JSONFault) -> [Message.Attachment] {
    guard let values = value.array else { throw expected("an array", "attachments", value) }
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
      switch member.key {
      case "name": name = text
      case "type": type = text
      case "path": path = text
      case "base64":
        guard let decoded = Data(base64Encoded: text) else { throw complaint("\(field).base64: is not base64") }
        data = Array(decoded)
      default: throw unknown("\(field).\(member.key.shortened)", member.key, ["name", "type", "path", "base64"])
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

  private static func choice<Choice: RawRepresentable<String>>(
    _ field: String, _ value: JSON, _ choices: [Choice]
  ) throws(JSONFault) -> Choice {
    if case .string(let text) = value, let choice = Choice(rawValue: text) { return choice }
    let known = choices.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    throw complaint("\(field): found \(shown(value)); expected one of \(known)")
  }

  // MARK: Complaints

  private static func complaint(_ problem: String) -> JSONFault { JSONFault(offset: -1, problem: problem) }

  private static func expected(_ expected: String, _ field: String, _ value: JSON) -> JSONFault {
    complaint("\(field): found \(shown(value)); expected \(expected)")
  }

  private static func unknown(_ field: String) -> JSONFault { unknown(field.shortened, field, fields) }

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
