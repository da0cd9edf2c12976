/// What is left alone for the same reason, told together: a line for a reason, with the number and the first names,
/// however many there are.
package struct Strays: Sendable {
  package struct Line: Sendable, Hashable {
    /// `a`, or `a, b, c and 999 more`.
    package var subject: String
    package var problem: String
    package var hint: String?
  }

  private struct Group: Sendable {
    var problem: String
    var hint: String?
    var count = 0
    var names: [String] = []
  }

  /// Names in a line.
  private static let shown = 5
  /// Lines; what has yet other reasons is only counted.
  private static let mostReasons = 10

  private var groups: [Group] = []
  private var others = 0
  package private(set) var count = 0

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// - Parameter problem: about one of them, as what follows its name: `is no plain file`.
  package mutating func add(_ name: String, _ problem: String, hint: String? = nil) {
    count += 1
    var index = groups.firstIndex { $0.problem == problem }
    if index == nil, groups.count < Strays.mostReasons {
      index = groups.endIndex
      groups.append(Group(problem: problem, hint: hint))
    }
    guard let index else { return others += 1 }
    groups[index].count += 1
    if groups[index].names.count < Strays.shown { groups[index].names.append(name) }
  }

  package var lines: [Line] {
    var lines = groups.map { group in
      let rest = group.count - group.names.count
      let names = group.names.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
      return Line(
        subject: names,
        problem: group.count == 1 ? group.problem : "\(group.count) files, of which each \(group.problem)",
        hint: group.hint)
    }
    if others > 0 {
      lines.append(
        Line(subject: "\(others) more", problem: "were left alone for other reasons", hint: "see: msgspool check"))
    }
    return lines
  }
}
