import Core

/// The message format as JSON Schema (draft 2020-12), made of the decoder's own table.
///
/// What a schema cannot say is left to the decoder: that no key is repeated, that a day is in its month, that a channel is
/// in the configuration and an option in its provider's list.
package enum MessageSchema {
  package static var json: JSON {
    object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("title", .string("A message of msgspool")),
      ("description", .string("One file in a spool, before any line of history. null is the same as absent.")),
      ("type", .string("object")),
      ("properties", .object(MessageField.allCases.map { .init($0.rawValue, schema($0)) })),
      ("additionalProperties", .boolean(false)),
      // Places of the spool's own templates take numbers and truths as well, and names only.
      (
        "if",
        object([
          ("required", .strings([MessageField.use.rawValue])),
          ("properties", properties(.use, object([("type", .string("string"))]))),
        ])
      ),
      ("then", object([("properties", properties(.params, orNull(map(of: place))))])),
      ("else", object([("properties", properties(.params, anyOf(forms(.parameters) + [null])))])),
    ])
  }

  private static func properties(_ field: MessageField, _ form: JSON) -> JSON {
    object([(field.rawValue, form)])
  }

  private static func schema(_ field: MessageField) -> JSON {
    object([
      ("description", .string(field.summary)),
      (
        "anyOf",
        .array((field == .params ? [object([("type", .strings(["object", "array"]))])] : forms(field.shape)) + [null])
      ),
    ])
  }

  private static func forms(_ shape: MessageField.Shape) -> [JSON] {
    switch shape {
    case .text: [text]
    case .word: [word]
    case .recipients: [word, list(of: word, least: 1)]
    case .oneOf(let words): [object([("enum", .strings(words))])]
    case .parameters: [map(of: orNull(text)), list(of: text)]
    case .time: [time, seconds]
    case .attachments: [list(of: anyOf([text, attachment]))]
    case .object: [object([("type", .string("object"))])]
    case .options: [object([("type", .string("object")), ("properties", object([(LongText.option.name, long)]))])]
    }
  }

  // MARK: Pieces

  /// The one option that several providers have in common.
  private static let long = object([
    ("description", .string(LongText.option.summary)),
    ("enum", .array(LongText.allCases.map { .string($0.rawValue) } + [.null])),
  ])

  private static func object(_ members: [(String, JSON)]) -> JSON { .object(members.map { .init($0.0, $0.1) }) }

  private static let text = object([("type", .string("string"))])
  private static let word = object([("type", .string("string")), ("minLength", .integer(1))])

  private static func anyOf(_ forms: [JSON]) -> JSON { object([("anyOf", .array(forms))]) }
  private static func orNull(_ form: JSON) -> JSON { anyOf([form, null]) }
  private static let null = object([("type", .string("null"))])
  private static let place = object([("type", .strings(["string", "number", "boolean", "null"]))])

  private static func list(of form: JSON, least: Int = 0) -> JSON {
    object(
      [("type", .string("array")), ("items", form)] + (least > 0 ? [("minItems", .integer(least))] : []))
  }

  private static func map(of form: JSON) -> JSON {
    object([("type", .string("object")), ("additionalProperties", form)])
  }

  /// RFC 3339 as the decoder reads it: lower case, and a space for the T, too.
  private static let time = object([
    ("type", .string("string")), ("format", .string("date-time")),
    (
      "pattern",
      .string(
        #"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"#
          + #"(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"#)
    ),
  ])

  private static let seconds = object([
    ("type", .string("number")), ("minimum", .integer(Int(MessageField.seconds.lowerBound))),
    ("maximum", .integer(Int(MessageField.seconds.upperBound))),
  ])

  /// Either a path or the bytes; the other may be null.
  private static var attachment: JSON {
    func has(_ key: MessageField.AttachmentKey) -> JSON {
      object([
        ("required", .strings([key.rawValue])),
        ("properties", object([(key.rawValue, object([("type", .string("string"))]))])),
      ])
    }
    return object([
      ("type", .string("object")),
      (
        "properties",
        .object(
          MessageField.AttachmentKey.allCases.map { .init($0.rawValue, orNull($0 == .base64 ? base64 : text)) })
      ),
      ("additionalProperties", .boolean(false)),
      ("oneOf", .array([has(.path), has(.base64)])),
    ])
  }

  private static let base64 = object([
    ("type", .string("string")), ("contentEncoding", .string("base64")),
    ("pattern", .string("^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")),
  ])
}
