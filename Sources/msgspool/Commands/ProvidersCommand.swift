import Core
import Providers

enum ProvidersCommand: Command {
  static let guide = Guide(
    name: "providers", summary: "what is built in: limits, settings and options", operands: "[NAME]",
    operandCount: 0...1, operandWords: .services,
    details: """
      A preset is a channel of webhook or exec that reaches a service which needs no
      provider of its own: what to get where, and the channel to copy.
      """,
    examples: [
      ("msgspool providers", "all of them"),
      ("msgspool providers twilio", "everything about one"),
      ("msgspool providers slack", "the channel for Slack, and what it needs"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    var cards = Catalogue.providers.map { $0.card }
    if let name = arguments.operands.first {
      if let preset = Presets.named(name) {
        Console.output(arguments.has("--json") ? json(preset).text + "\n" : text(preset))
        return .ok
      }
      cards = [try card(named: name)]
    }
    if arguments.has("--json") {
      Console.output(.array(cards.map(json)))
    } else if arguments.operands.isEmpty {
      for card in cards { Console.output(row(card)) }
      Console.output("\n\(phrase("presets of webhook and exec"))\n")
      for preset in Presets.all {
        Console.output(row("  \(preset.name)", preset.provider, shown(preset.name, preset.summary)))
      }
      Console.output("\n" + phrase("msgspool providers NAME tells settings, options and an example.") + "\n")
    } else {
      Console.output(text(cards[0]))
    }
    return .ok
  }

  static func card(named name: String) throws(Failure) -> ProviderCard {
    let cards = Catalogue.providers.map { $0.card }
    if let card = cards.first(where: { $0.name == name }) { return card }
    let names = cards.map(\.name) + Presets.all.map(\.name)
    let nearest = Suggestion.nearest(to: name, among: names).map { "did you mean \"\($0)\"?" }
    throw Failure(
      .usage, "there is no provider \"\(name)\"",
      hint: nearest
        ?? "any HTTP endpoint is reached through webhook, any program through exec; msgspool providers lists all"
    )
  }

  private static func shown(_ name: String, _ summary: String) -> String {
    Language.current == .chinese ? Chinese.providers[name] ?? summary : summary
  }

  /// A line of a card or a step of a preset.
  private static func shown(_ line: String) -> String {
    Language.current == .chinese ? Chinese.cards[line] ?? line : line
  }

  private static func row(_ card: ProviderCard) -> String {
    row(card.name, phrase("{1} per call", String(card.recipientsPerCall)), shown(card.name, card.summary))
  }

  private static func row(_ name: String, _ what: String, _ summary: String) -> String {
    Columns.fit(name, 16) + Columns.fit(what, 16) + Columns.wrapped(summary, indent: 32).drop { $0 == " " }
  }

  private static func text(_ card: ProviderCard) -> String {
    var text = head(card.name, card.summary, card.document)
    let figures = figures(card)
    let columns = figures.map { Columns.width($0.name) }.reduce(20, max)
    for figure in figures { text += Columns.pad(figure.name, columns) + " \(figure.value)\n" }
    text += section(phrase("settings"), card.settings.map { ($0.name, marked($0)) })
    text += section(
      phrase("options of a message"),
      card.options.map { ($0.name, Phrases.error($0.kind.rawValue) + phrase(": ") + shown($0.summary)) })
    text += section(phrase("kinds of recipient"), card.targetKinds.map { ("\($0.kind):...", shown($0.summary)) })
    if !card.notes.isEmpty {
      text += "\n\(phrase("notes"))\n" + card.notes.map { Columns.wrapped(shown($0), indent: 2) }.joined()
    }
    return text + "\n\(phrase("example, one of channels in the configuration"))\n" + indented(card.exampleEntry)
  }

  private static func head(_ name: String, _ summary: String, _ document: String) -> String {
    Columns.hanging("", phrase("{1}: {2}", name, shown(name, summary)), indent: 2) + "\(document)\n\n"
  }

  /// How much a service takes.
  private static func figures(_ card: ProviderCard) -> [(name: String, value: String)] {
    var figures = [(phrase("recipients per call"), String(card.recipientsPerCall))]
    if let mixed = card.mixedRecipientsPerCall { figures.append((phrase("with own content"), String(mixed))) }
    if let raised = card.raisedRecipientsPerCall { figures.append((phrase("may be raised to"), String(raised))) }
    if card.rate > 0 { figures.append((phrase("calls per second"), pace(card.rate))) }
    if card.daily > 0 { figures.append((phrase("recipients a day"), String(card.daily))) }
    if card.dailyPerRecipient > 0 { figures.append((phrase("a day per recipient"), String(card.dailyPerRecipient))) }
    if let endpoint = card.endpoint { figures.append((phrase("endpoint"), endpoint)) }
    let isChinese = Language.current == .chinese
    return figures
      + card.limits.map { limit in
        guard isChinese else { return (limit.name, "\(limit.value) \(limit.unit)") }
        return (Chinese.limits[limit.name] ?? limit.name, "\(limit.value) \(Chinese.units[limit.unit] ?? limit.unit)")
      }
  }

  /// As people write it: 2, or 0.333 for a third.
  private static func pace(_ rate: Double) -> String {
    let text = String((rate * 1_000).rounded() / 1_000)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func text(_ preset: Preset) -> String {
    let steps = preset.steps.enumerated().map { number, step in
      "  \(number + 1). " + Columns.wrapped(shown(step), indent: 5).drop { $0 == " " }
    }
    return head(preset.name, preset.summary, preset.document) + "\(phrase("what it needs"))\n"
      + steps.joined()
      + "\n\(phrase("one of channels in the configuration"))\n" + indented(preset.example + ",")
      + "\n" + Columns.wrapped(phrase("Its settings: msgspool providers {1}.", preset.provider), indent: 0)
  }

  /// What stands in a configuration is the same in every language, but for a comment.
  private static func indented(_ lines: String) -> String {
    lines.split(separator: "\n").map { "  \(shown(String($0)))\n" }.joined()
  }

  private static func json(_ preset: Preset) -> JSON {
    .object([
      .init("name", .string(preset.name)), .init("summary", .string(preset.summary)),
      .init("provider", .string(preset.provider)), .init("document", .string(preset.document)),
      .init("steps", .strings(preset.steps)), .init("example", .string(preset.example)),
    ])
  }

  private static func marked(_ setting: SettingCard) -> String {
    let marks = [setting.required ? phrase("required") : nil, setting.secret ? phrase("secret") : nil].compactMap { $0 }
    let summary = shown(setting.summary)
    return marks.isEmpty ? summary : phrase("({1}) {2}", marks.joined(separator: phrase(", ")), summary)
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
