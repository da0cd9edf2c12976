import Core

/// Checks of a message's fields that several providers make. Faults name the field as the producer wrote it.
extension Message {
  /// A string option; null and an empty string are absent.
  func stringOption(_ name: String) throws(MessageFault) -> String? {
    guard let value = given(name) else { return nil }
    guard let text = value.string else { throw fault(name, value, "a string") }
    return text.isEmpty ? nil : text
  }

  func integerOption(_ name: String, in range: ClosedRange<Int>) throws(MessageFault) -> Int? {
    guard let value = given(name) else { return nil }
    let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard let number = value.integer else { throw fault(name, value, expected) }
    guard range.contains(number) else { throw MessageFault("options.\(name)", "is \(number); expected \(expected)") }
    return number
  }

  func booleanOption(_ name: String) throws(MessageFault) -> Bool? {
    guard let value = given(name) else { return nil }
    guard let flag = value.boolean else { throw fault(name, value, "true or false") }
    return flag
  }

  /// A list of strings.
  func stringsOption(_ name: String) throws(MessageFault) -> [String]? {
    guard let value = given(name) else { return nil }
    guard let values = value.array else { throw fault(name, value, "a list of strings") }
    var texts: [String] = []
    for (index, element) in values.enumerated() {
      guard let text = element.string else { throw fault("\(name)[\(index)]", element, "a string") }
      texts.append(text)
    }
    return texts
  }

  private func given(_ name: String) -> JSON? {
    guard let value = option(name), value != .null else { return nil }
    return value
  }

  private func fault(_ name: String, _ value: JSON, _ expected: String) -> MessageFault {
    MessageFault("options.\(name)", "is \(value.kindForPeople); expected \(expected)")
  }

  func required(_ name: String, _ value: String?, _ why: String) throws(MessageFault) -> String {
    guard let value, !value.isEmpty else { throw MessageFault(name, "is missing or empty; \(why)") }
    return value
  }

  func requiredBody(_ provider: String) throws(MessageFault) -> String {
    try required("body", body, "\(provider) sends it")
  }

  /// Title, text and link in one, for services that have one field for all of them.
  func wholeText(_ provider: String, between separator: String = "\n") throws(MessageFault) -> String {
    let body = try requiredBody(provider)
    return [title, body, url].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: separator)
  }

  /// HTML or Markdown that is shown as it was written would be worse than none.
  func requireFormat(_ formats: [Format], _ provider: String) throws(MessageFault) {
    guard !formats.contains(format) else { return }
    let known = formats.map(\.rawValue).joined(separator: " or ")
    throw MessageFault("format", "is \(format.rawValue); \(provider) takes \(known)")
  }

  /// For services that show text and nothing else: Markdown can be read as it was written, HTML can't.
  func requireReadable(_ provider: String) throws(MessageFault) { try requireFormat([.text, .markdown], provider) }

  /// For titles of services that refuse line breaks in them, which costs a call, or make something else of them.
  func requireOneLine(_ text: String, _ field: String, _ provider: String, hint: String? = nil) throws(MessageFault) {
    guard text.lines.count > 1 else { return }
    throw MessageFault(field, "has several lines; \(provider) takes one", hint: hint)
  }

  /// Of attachments only those that came within the message can be weighed here; files are on the disk.
  func checkAttachments(atMost limit: Int, _ provider: String) throws(MessageFault) {
    for (index, attachment) in attachments.enumerated() {
      guard case .data(let bytes) = attachment.source, bytes.count > limit else { continue }
      throw MessageFault("attachments[\(index)]", "has \(bytes.count) bytes; \(provider) takes at most \(limit)")
    }
  }

}

/// What a provider counts a text in.
enum TextUnit: String, Sendable {
  /// The strictest way to count "characters": nothing that passes so is too long for a provider that counts code points.
  case utf16 = "UTF-16 units"
  /// Where the document says that a character beyond the Basic Multilingual Plane counts as one.
  case characters
  case bytes = "bytes of UTF-8"

  func count(_ text: String) -> Int {
    switch self {
    case .utf16: text.utf16.count
    case .characters: text.unicodeScalars.count
    case .bytes: text.utf8.count
    }
  }

  /// As much of the text as fits, whole characters (as people see them) only.
  func cut(_ text: String, to limit: Int) -> String {
    guard text.utf8.count > limit, count(text) > limit else { return text }
    var end = text.startIndex
    var room = limit
    while end < text.endIndex {
      let next = text.index(after: end)
      room -= count(String(text[end..<next]))
      if room < 0 { break }
      end = next
    }
    return String(text[..<end])
  }
}

/// Refuses a text of more than `limit` units.
func checkLength(
  _ text: String, _ field: String, atMost limit: Int, _ provider: String, in unit: TextUnit = .utf16
) throws(MessageFault) {
  // UTF-8 has at least as many bytes as any other unit, and its count is stored.
  guard text.utf8.count > limit else { return }
  let count = unit.count(text)
  guard count > limit else { return }
  throw MessageFault(field, "has \(count) \(unit.rawValue); \(provider) takes at most \(limit)", limit: limit)
}

/// Refuses a message whose JSON has more than `limit` bytes, where a service counts all of it.
func checkSize(_ message: JSON, atMost limit: Int, _ provider: String) throws(MessageFault) {
  let size = message.bytes.count
  guard size > limit else { return }
  throw MessageFault(
    "body", "makes a message of \(size) bytes of JSON; \(provider) takes at most \(limit) in all", limit: limit)
}
