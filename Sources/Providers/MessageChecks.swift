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

  /// A list of strings; a string alone is a list of one.
  func stringsOption(_ name: String) throws(MessageFault) -> [String]? {
    guard let value = given(name) else { return nil }
    if let text = value.string { return [text] }
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

  /// Leaving out what a producer attached would not be what was asked for.
  func refuseAttachments(_ provider: String) throws(MessageFault) {
    guard attachments.isEmpty else { throw MessageFault("attachments", "\(provider) cannot send attachments") }
  }
}

/// Refuses a text of more than `limit` UTF-16 units, the strictest way to count "characters": nothing that passes here
/// is too long for a provider that counts code points instead.
func checkLength(
  _ text: String, _ field: String, atMost limit: Int, _ provider: String
) throws(MessageFault) {
  // UTF-8 has at least as many bytes as UTF-16 has units, and its count is stored.
  guard text.utf8.count > limit else { return }
  let units = text.utf16.count
  guard units > limit else { return }
  throw MessageFault(field, "has \(units) UTF-16 units; \(provider) takes at most \(limit)")
}
