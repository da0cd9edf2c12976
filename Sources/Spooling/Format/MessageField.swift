import Core

/// The fields of a message (contract, section 3): one table for the decoder, the JSON Schema and msgspool(5). The raw
/// values are the keys in the file.
package enum MessageField: String, Sendable, CaseIterable {
  case channel, to, body, title, format, url, template, params, use, id
  case sendAt = "send_at"
  case expiresAt = "expires_at"
  case priority, attachments, options, meta

  /// What its value may be; `null` is the same as absent everywhere.
  package enum Shape: Sendable {
    case text
    /// With at least one character.
    case word
    case recipients
    case oneOf([String])
    case parameters
    case time
    case attachments
    case options
    case object
  }

  package var shape: Shape {
    switch self {
    case .channel, .body, .title, .url, .template: .text
    case .id, .use: .word
    case .to: .recipients
    case .format: .oneOf(Message.Format.allCases.map(\.rawValue))
    case .priority: .oneOf(Message.Priority.allCases.map(\.rawValue))
    case .params: .parameters
    case .sendAt, .expiresAt: .time
    case .attachments: .attachments
    case .options: .options
    case .meta: .object
    }
  }

  /// One sentence for people.
  package var summary: String {
    switch self {
    case .channel: "Which channel; may be left out where the configuration has a default_channel."
    case .to:
      "Addresses in the provider's own form, or names from the channel's address book; KIND:VALUE for special targets."
    case .body: "The text."
    case .title: "Subject, summary or title, where the provider has one."
    case .format: "How the body is written; text, if nothing is said."
    case .url: "A link that opens with the message."
    case .template: "For services that send approved templates: which."
    case .params: "A template's parameters, by name or in their order; with use, a value for each of its places."
    case .use: "A template of the spool's own, templates/NAME.json; fields of the message go before the template's."
    case .id: "The producer's own key: the same on the same channel within 7 days is sent once."
    case .sendAt: "Not before."
    case .expiresAt: "Not after; then the message fails as expired."
    case .priority: "High goes first, and does not wait for quiet hours to end; normal, if nothing is said."
    case .attachments: "Files: paths below the directories that the configuration allows, or their bytes."
    case .options:
      "The provider's own parameters; msgspool providers NAME lists them. long: refuse (default), cut or split a text"
        + " that is too long for the service."
    case .meta: "The producer's own; never sent, kept."
    }
  }

  /// Dates beyond the year 9999 are slips (milliseconds for seconds), and no calendar prints them.
  static let seconds = 0.0...253_402_300_799

  /// Of an object in `attachments`.
  enum AttachmentKey: String, CaseIterable { case name, type, path, base64 }
}

extension MessageField.Shape {
  /// What a complaint says is expected, and a manual says is allowed.
  package var expected: String {
    switch self {
    case .text, .word: "a string"
    case .recipients: "a string or an array of strings"
    case .oneOf(let words): "one of \(words.map { "\"\($0)\"" }.joined(separator: ", "))"
    case .parameters: "an object of strings or an array of strings"
    case .time: "an RFC 3339 time such as \"2026-11-22T09:00:00+08:00\", or Unix seconds"
    case .attachments: "an array"
    case .object, .options: "an object"
    }
  }
}
