import Core
import Providers

enum ProvidersCommand: Command {
  static let guide = Guide(
    name: "providers", summary: "what is built in: limits, settings and options", operands: "[NAME]",
    operandCount: 0...1, operandWords: .providers,
    examples: [
      ("msgspool providers", "all of them"),
      ("msgspool providers twilio", "everything about one"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    var cards = Catalogue.providers.map { $0.card }
    if let name = arguments.operands.first { cards = [try card(named: name)] }
    if arguments.has("--json") {
      Console.output(.array(cards.map(json)))
    } else if arguments.operands.isEmpty {
      for card in cards { Console.output(row(card)) }
      Console.output("\nmsgspool providers NAME tells settings, options and an example.\n")
    } else {
      Console.output(text(cards[0]))
    }
    return .ok
  }

  static func card(named name: String) throws(Failure) -> ProviderCard {
    let cards = Catalogue.providers.map { $0.card }
    if let card = cards.first(where: { $0.name == name }) { return card }
    let nearest = Suggestion.nearest(to: name, among: cards.map(\.name)).map { "did you mean \"\($0)\"?" }
    throw Failure(
      .usage, "there is no provider \"\(name)\"",
      hint: nearest
        ?? "any HTTP endpoint is reached through webhook, any program through exec; msgspool providers lists all"
    )
  }

  private static func row(_ card: ProviderCard) -> String {
    "\(Columns.fit(card.name, 16))\(Columns.fit("\(card.recipientsPerCall) per call", 16))\(card.summary)\n"
  }

  private static func text(_ card: ProviderCard) -> String {
    var text = "\(card.name): \(card.summary)\n\(card.document)\n\n"
    text += "recipients per call  \(card.recipientsPerCall)\n"
    if let mixed = card.mixedRecipientsPerCall { text += "with own content     \(mixed)\n" }
    if let raised = card.raisedRecipientsPerCall { text += "may be raised to     \(raised)\n" }
    if card.rate > 0 { text += "calls per second     \(card.rate)\n" }
    if card.daily > 0 { text += "recipients a day     \(card.daily)\n" }
    if card.dailyPerRecipient > 0 { text += "a day per recipient  \(card.dailyPerRecipient)\n" }
    if let endpoint = card.endpoint { text += "endpoint             \(endpoint)\n" }
    for limit in card.limits { text += "\(Columns.fit(limit.name, 20)) \(limit.value) \(limit.unit)\n" }
    text += section("settings", card.settings.map { ($0.name, mark($0) + $0.summary) })
    text += section("options of a message", card.options.map { ($0.name, "\($0.kind.rawValue): \($0.summary)") })
    text += section("kinds of recipient", card.targetKinds.map { ("\($0.kind):...", $0.summary) })
    if !card.notes.isEmpty { text += "\nnotes\n" + card.notes.map { Columns.wrapped($0, indent: 2) }.joined() }
    return text + "\nexample, one of channels in the configuration\n"
      + card.exampleEntry.split(separator: "\n").map { "  \($0)\n" }.joined()
  }

  private static func mark(_ setting: SettingCard) -> String {
    let marks = [setting.required ? "required" : nil, setting.secret ? "secret" : nil].compactMap { $0 }
    return marks.isEmpty ? "" : "(\(marks.joined(separator: ", "))) "
  }

  private static func section(_ title: String, _ rows: [(String, String)]) -> String {
    guard !rows.isEmpty else { return "" }
    return "\n\(title)\n"
      + rows.map { name, summary in
        "  \(Columns.fit(name, 25)) " + Columns.wrapped(summary, indent: 28).drop { $0 == " " }
      }
      .joined()
  }

  private static func json(_ card: ProviderCard) -> JSON {
    .object([
      .init("name", .string(card.name)), .init("summary", .string(card.summary)),
      .init("document", .string(card.document)), .init("recipients_per_call", .integer(card.recipientsPerCall)),
      .init(
        "settings",
        .array(
          card.settings.map {
            .object([
              .init("name", .string($0.name)), .init("required", .boolean($0.required)),
              .init("secret", .boolean($0.secret)), .init("summary", .string($0.summary)),
            ])
          })),
      .init("options", .array(card.options.map { .string($0.name) })),
      .init(
        "limits", .object(card.limits.map { .init($0.name.replacing(" ", with: "_"), .integer($0.value)) })),
    ])
  }
}

extension ProviderCard {
  /// Its example with the comma that lets another entry follow.
  var exampleEntry: String { example.hasSuffix("}") ? example + "," : example }
}
