import Core
import FoundationEssentials
import Spooling

/// Everything about one message, for `show`.
struct MessageSheet {
  /// Recipients that are shown; the rest is counted.
  private static let recipients = 20
  /// Lines of a body that are shown without --verbose.
  private static let bodyLines = 20

  private let row: MessageRow
  private let raw: RawFile
  private let message: Message?
  private let lines: [HistoryLine]
  /// The lines, and what came behind them.
  private let entries: [HistoryEntry]
  private let size: Int
  private let modified: Date?
  /// What the names in the channel's address book stand for.
  private let book: [Verbatim: [Contact]]
  /// Whom the message names, in `to` and for copies.
  private let named: [String]
  /// What a producer wrote, or another name in the address book stands for, may be a secret elsewhere.
  private let masked: (String) -> String
  /// What services say of calls as a whole.
  private let sums: [ReceiptSums]

  init(
    _ row: MessageRow, _ bytes: [UInt8], _ facts: FileFacts?, _ configuration: Configuration?,
    _ templates: any TemplateShelf, sums: (String) -> ReceiptSums? = { _ in nil }
  ) {
    self.row = row
    let limit = (configuration ?? Configuration()).maxMessageBytes
    size = facts?.size ?? bytes.count
    modified = facts?.modified
    (raw, message, entries) = bytes.withUnsafeBufferPointer { buffer in
      let file = try? MessageFile(buffer, limit: limit, templates: templates)
      return (RawFile(buffer), file?.message, file?.entries ?? MessageFile.entries(in: buffer, limit: limit))
    }
    lines = entries.compactMap(\.line)
    masked = { configuration?.masked($0) ?? $0 }
    self.sums = lines.flatMap(\.calls).compactMap(sums)
    let name = lines.last?.channel ?? message?.channel ?? configuration?.defaultChannel
    let channel = name.flatMap { configuration?.channels[$0] }
    book = channel?.recipients ?? [:]
    named = message.map { channel?.words(of: $0) ?? $0.to ?? [] }?.filter { !$0.isEmpty } ?? []
  }

  var json: JSON {
    .object(
      row.members + [
        .init("message", raw.message?.mapped(masked) ?? .null),
        .init("history", .array(raw.history.map { $0.mapped(masked) })),
      ]
        + (sums.isEmpty
          ? []
          : [
            .init(
              "sums",
              .array(
                sums.map { sum in
                  .object(
                    [.init("call", .string(sum.call))] + sum.counts.map { .init($0.name, .integer($0.count)) })
                }))
          ]))
  }

  // MARK: Text

  func text(isWhole: Bool) -> String {
    var text = Console.styled(row.name, .bold) + "\n"
    text += field(phrase("folder"), row.place)
    text += field(phrase("state"), row.state)
    text += field(phrase("size"), phrase("{1} bytes", String(size)))
    text += field(phrase("modified"), modified.map(RFC3339.string))
    text += field(phrase("due"), row.due.map(RFC3339.string))
    if let error = row.error {
      text += field(phrase("error"), [error.kind.rawValue, error.code].compactMap { $0 }.joined(separator: " "))
      text += Columns.wrapped(Phrases.error(error.message).safeText, indent: 14)
      if let hint = error.hint {
        text += Columns.wrapped(phrase("hint: {1}", Phrases.error(hint).safeText), indent: 14)
      }
    }
    return text + masked(fields(isWhole)) + masked(people) + masked(history)
  }

  private func field(_ name: String, _ value: String?) -> String {
    value.map { "  \(Columns.fit(name, 12))\($0.safeText)\n" } ?? ""
  }

  /// The message as its producer wrote it; `to` has a part of its own.
  private func fields(_ isWhole: Bool) -> String {
    guard let members = raw.message?.members else {
      return "\n\(phrase("message"))\n  \(phrase("is no JSON object"))\n"
    }
    var text = "\n\(phrase("message"))\n"
    for member in members where member.key != "to" {
      guard member.key == "body", let body = member.value.string else {
        let value = member.value.string ?? member.value.text
        text += field(member.key.safeText, isWhole ? value : Columns.cut(value, 2000))
        continue
      }
      let lines = body.lines
      let shown = isWhole ? lines[...] : lines.prefix(MessageSheet.bodyLines)
      text += "  body\n"
      for line in shown {
        text += "    " + (isWhole ? line : Columns.cut(line, 500)).safeText + "\n"
      }
      if shown.count < lines.count {
        text += "    " + phrase("… and {1} more lines (--verbose shows all)", String(lines.count - shown.count)) + "\n"
      }
    }
    return text
  }

  // MARK: Recipients

  /// What became last of everybody whom the message names or its history knows.
  private var people: String {
    var order: [String] = []
    var latest: [Verbatim: HistoryLine.Result] = [:]
    for line in lines {
      for result in line.results {
        if latest.updateValue(result, forKey: Verbatim(result.to)) == nil { order.append(result.to) }
      }
    }
    // A name in the address book stands for addresses, which is what the history knows.
    let words = named
    let names = words.filter { book[Verbatim($0)] != nil && latest[Verbatim($0)] == nil }
    let missing = words.flatMap { names.contains($0) ? shown($0) : [$0] }
    var known = Set(order.map(Verbatim.init(_:)))
    for to in missing where known.insert(Verbatim(to)).inserted { order.append(to) }
    guard !order.isEmpty else { return "" }
    var text = "\n\(phrase("recipients ({1})", String(order.count)))\n"
    for name in names.prefix(MessageSheet.recipients) {
      let addresses = shown(name).prefix(MessageSheet.recipients).joined(separator: ", ")
      text += "  " + Console.styled("\(name.safeText) → \(Columns.cut(addresses.safeText, 500))", .dim) + "\n"
    }
    let standings = Standing.all(entries)
    for to in order.prefix(MessageSheet.recipients) {
      var receipt = standings[Verbatim(to)]?.lazy.compactMap(\.receipt).first
      // Where the provider says no time: when it was heard.
      if let known = receipt, known.at == nil { receipt?.at = heard(known) }
      text += person(to, latest[Verbatim(to)], receipt)
    }
    if order.count > MessageSheet.recipients {
      text += "  \(phrase("… and {1} more (--json has all)", String(order.count - MessageSheet.recipients)))\n"
    }
    return text
  }

  private func heard(_ result: ReceiptLine.Result) -> Date? {
    entries.lazy.compactMap { if case .receipt(let line) = $0, line.results.contains(result) { line.at } else { nil } }
      .first
  }

  /// An address that is a secret has a name instead.
  private func shown(_ name: String) -> [String] { (book[Verbatim(name)] ?? []).map(\.shown) }

  /// - Parameter receipt: what became of it after it was accepted.
  private func person(_ to: String, _ result: HistoryLine.Result?, _ receipt: ReceiptLine.Result?) -> String {
    guard let result else { return "  \(to.safeText)\n" }
    return line(of: to, result, receipt) + (result.parts.count > 1 ? result.parts.map(part).joined() : "")
  }

  private func part(_ part: HistoryLine.Part) -> String {
    let words = [part.id.map { "id \($0)" }, part.code, part.reason].compactMap { $0 }
    let state = Console.styled(Columns.fit(part.state.rawValue, 11), style(part.state))
    return Columns.trimmed(
      "    \(Columns.pad(part.name.safeText, 22)) \(state) \(words.joined(separator: ", ").safeText)") + "\n"
  }

  private func line(of to: String, _ result: HistoryLine.Result, _ receipt: ReceiptLine.Result?) -> String {
    let address = to.isEmpty ? phrase("(the channel's own target)") : to.safeText
    var words = [result.id.map { "id \($0)" }, result.code, result.reason].compactMap { $0 }
    if let channel = result.channel { words.append(phrase("through {1}", channel)) }
    if result.isByReceipt { words.append(phrase("shown by a receipt")) }
    if let count = result.digest { words.append(phrase("in a digest of {1}", counted(count, "message"))) }
    let state = Console.styled(Columns.fit(result.state.rawValue, 11), style(result.state))
    guard let receipt else {
      return Columns.trimmed("  \(Columns.pad(address, 24)) \(state) \(words.joined(separator: ", ").safeText)") + "\n"
    }
    if let leg = receipt.leg { words.append(phrase("goes on as {1}", leg)) }
    words = [receipt.code, receipt.reason].compactMap { $0 } + words
    let became = Console.styled(Columns.fit(receipt.state.rawValue, 12), style(receipt.state))
    let at = receipt.at.map { RFC3339.string($0) } ?? ""
    let rest = "\(state) \(became) \(Columns.fit(at, 24)) \(words.joined(separator: ", ").safeText)"
    return Columns.trimmed("  \(Columns.pad(address, 24)) \(rest)") + "\n"
  }

  private func style(_ state: ReceiptState) -> Console.Style {
    switch state {
    case .delivered, .acknowledged, .read: .green
    case .undelivered: .red
    case .noReceipt: .yellow
    }
  }

  private func style(_ state: RecipientState) -> Console.Style {
    switch state {
    case .accepted: .green
    case .deferred: .dim
    case .rejected: .red
    case .unconfirmed: .yellow
    }
  }

  // MARK: History

  private var history: String {
    guard !lines.isEmpty else {
      // A leg says whose way on it is before anybody has sent it.
      return "\n\(phrase("history"))\n" + entries.map(later).joined()
        + "  \(phrase("none: no sweep has settled it yet"))\n"
    }
    var text = "\n\(phrase("history"))\n"
    text += Console.styled(
      "  \(Columns.fit(phrase("at"), 25))\(Columns.fit(phrase("state"), 12))\(Columns.fit(phrase("attempt"), 8))"
        + phrase("recipients"), .dim)
    text += "\n"
    for entry in entries {
      guard case .line(let line) = entry else {
        text += later(entry)
        continue
      }
      let counts = RecipientState.allCases.compactMap { state -> String? in
        let count = line.results.count { $0.state == state }
        return count > 0 ? "\(count) \(state.rawValue)" : nil
      }
      let start = "  \(Columns.fit(RFC3339.string(line.at), 25))\(Columns.fit(line.state.rawValue, 12))"
      text += Columns.trimmed(start + Columns.fit(String(line.attempt), 8) + counts.joined(separator: ", ")) + "\n"
      if let error = line.error {
        text += Columns.wrapped(
          line.isPatience ? Phrases.error(error.message).safeText : error.shownWords.safeText, indent: 27)
      }
      if let due = line.due {
        text += "\(String(repeating: " ", count: 27))\(phrase("next try {1}", RFC3339.string(due)))\n"
      }
      if !line.calls.isEmpty {
        text += Columns.wrapped(phrase("call {1}", line.calls.prefix(3).joined(separator: ", ")).safeText, indent: 27)
      }
      // It names nobody, and tells how it goes.
      for sum in sums where line.calls.contains(where: { Verbatim($0) == Verbatim(sum.call) }) {
        text += Columns.wrapped(phrase("of the call: {1}", ReportSheet.words(sum.counts)).safeText, indent: 27)
      }
    }
    return text
  }

  /// What came behind an attempt.
  private func later(_ entry: HistoryEntry) -> String {
    switch entry {
    case .line: return ""
    case .leg(let origin):
      let text = phrase("goes on for {1} of {2}, who did not get it", origin.to, origin.of).safeText
      return Columns.hanging("  \(Columns.fit(RFC3339.string(origin.at), 25))", text, indent: 27)
    case .retry(let at):
      return "  \(Columns.fit(RFC3339.string(at), 25))"
        + phrase("to be sent again to those who did not get it") + "\n"
    case .receipt(let line):
      let counts = ReceiptState.allCases.compactMap { state -> String? in
        let count = line.results.count { $0.state == state }
        return count > 0 ? "\(count) \(state.rawValue)" : nil
      }
      let start = "  \(Columns.fit(RFC3339.string(line.at), 25))\(Columns.fit(phrase("receipt"), 20))"
      return Columns.trimmed(start + counts.joined(separator: ", ")) + "\n"
    }
  }
}

extension JSON {
  /// With another text for each text in it, names of members included.
  fileprivate func mapped(_ change: (String) -> String) -> JSON {
    switch self {
    case .string(let text): .string(change(text))
    case .array(let values): .array(values.map { $0.mapped(change) })
    case .object(let members): .object(members.map { Member(change($0.key), $0.value.mapped(change)) })
    default: self
    }
  }
}
