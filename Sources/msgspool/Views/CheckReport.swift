import Core
import Inspecting
import Sweeping

/// What check found, as text for people (bounded) or JSON lines (all of it).
final class CheckReport {
  /// Complaints of one topic that are shown to people; the rest is counted.
  private static let shown = 20

  private let asJSON: Bool
  private var counts: [Complaint.Severity: Int] = [:]
  private var mended = 0
  private var topics: [Complaint.Topic: Int] = [:]

  init(asJSON: Bool) {
    self.asJSON = asJSON
  }

  /// Nothing is left but notes.
  private(set) var isWell = true

  func tell(_ complaint: Complaint) {
    counts[complaint.severity, default: 0] += 1
    if complaint.action != nil { mended += 1 } else if complaint.severity != .note { isWell = false }
    topics[complaint.topic, default: 0] += 1
    if asJSON {
      Console.output(json(complaint))
    } else if topics[complaint.topic, default: 0] <= CheckReport.shown || complaint.action != nil {
      Console.output(text(complaint))
    }
  }

  func conclude() {
    let errors = counts[.error] ?? 0
    let warnings = counts[.warning] ?? 0
    let notes = counts[.note] ?? 0
    if asJSON {
      Console.output(
        .object([
          .init("errors", .integer(errors)), .init("warnings", .integer(warnings)), .init("notes", .integer(notes)),
          .init("repaired", .integer(mended)), .init("ok", .boolean(isWell)),
        ]))
      return
    }
    for topic in Complaint.Topic.allCases {
      let more = (topics[topic] ?? 0) - CheckReport.shown
      if more > 0 {
        Console.output(phrase("… and {1} more about {2} (--json tells all)", String(more), topic.rawValue) + "\n")
      }
    }
    if Console.isQuiet { return }
    if errors + warnings == 0 {
      let well = Console.styled(phrase("all is well"), .green)
      Console.output((notes > 0 ? phrase("{1} ({2})", well, counted(notes, "note")) : well) + "\n")
      return
    }
    var parts = [counted(errors, "error"), counted(warnings, "warning")]
    if notes > 0 { parts.append(counted(notes, "note")) }
    if mended > 0 { parts.append(phrase("{1} mended", String(mended))) }
    Console.output(parts.joined(separator: phrase(", ")) + "\n")
  }

  private func json(_ complaint: Complaint) -> JSON {
    var members: [JSON.Member] = [
      .init("severity", .string(complaint.severity.rawValue)), .init("subject", .string(complaint.subject)),
      .init("problem", .string(complaint.problem)), .init("hint", complaint.hint.map(JSON.string) ?? .null),
      .init("repaired", .boolean(complaint.action != nil)),
    ]
    if let action = complaint.action { members.append(.init("action", .string(action))) }
    return .object(members)
  }

  private func text(_ complaint: Complaint) -> String {
    let (word, style): (String, Console.Style) =
      switch complaint.severity {
      case .note: (phrase("note"), .dim)
      case .warning: (phrase("warning"), .yellow)
      case .error: (phrase("error"), .red)
      }
    let severity = Console.styled(Columns.fit(word, 8), style)
    var text = "\(severity)\(Console.styled(complaint.subject.safeText, .bold))\n"
    text += Columns.wrapped(Phrases.error(complaint.problem).safeText, indent: 8)
    if let action = complaint.action {
      text += Columns.wrapped(phrase("mended: {1}", Phrases.error(action).safeText), indent: 8)
    } else if let hint = complaint.hint {
      text += Columns.wrapped(phrase("hint: {1}", Phrases.error(hint).safeText), indent: 8)
    }
    return text
  }
}
