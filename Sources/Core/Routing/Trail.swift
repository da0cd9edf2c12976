/// How far a message that is sent in parts has come on its way to one recipient.
package struct Trail: Sendable {
  /// The code of an outcome: the parts that were accepted are not those that the text has now.
  static let stuck = "parts"

  package let parts: [Part]
  /// Those that were accepted, from the first on.
  package private(set) var done: [HistoryLine.Part] = []
  /// How many of them were before this attempt.
  private var before = 0

  init(_ parts: [Part]) { self.parts = parts }

  init(after known: [HistoryLine.Part], rest: Content) {
    parts = (known.map(\.name) + [LongText.part]).map { Part($0, rest) }
    done = known
    before = known.count
  }

  /// Index of the part that is next.
  package var index: Int { done.count }
  /// Some were accepted in this attempt: that must not be forgotten.
  package var hasNews: Bool { done.count > before }

  /// What a result says: the accepted ones, and the one that met the outcome.
  package func entries(_ outcome: Outcome?) -> [HistoryLine.Part] {
    guard let outcome, index < parts.count else { return done }
    let isAccepted = outcome.state == .accepted
    return done + [
      HistoryLine.Part(
        parts[index].name, outcome.state, id: outcome.id, code: isAccepted ? nil : outcome.code,
        reason: isAccepted ? nil : outcome.reason)
    ]
  }

  mutating func accept(_ outcome: Outcome) {
    if index < parts.count { done.append(.init(parts[index].name, .accepted, id: outcome.id)) }
  }

  /// Pieces of a text were accepted that is not split so any more (a limit or the option is another): what the present
  /// pieces say would be said twice in part, or left out.
  static func isOfOtherParts(_ known: some Collection<HistoryLine.Part>) -> Bool {
    known.contains { part in
      part.state == .accepted && (part.name == LongText.part || part.name.hasPrefix("\(LongText.part) "))
    }
  }

  /// What the history says was accepted, as far as the message still has the same parts.
  mutating func take(up known: [HistoryLine.Part]) {
    let same = zip(known, parts).prefix { $0.state == .accepted && Verbatim($0.name) == Verbatim($1.name) }
    done = same.map(\.0)
    before = done.count
  }
}
