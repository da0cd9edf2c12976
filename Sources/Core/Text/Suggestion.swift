/// "Did you mean": the known word nearest to one that is unknown.
package enum Suggestion {
  /// Nil when nothing is near enough to be a likely slip (more than a third of the letters differ).
  package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let word = Array(word.lowercased().unicodeScalars.prefix(64))
    let limit = max(1, (word.count + 1) / 3)
    return known.map { (name: $0, distance: distance(word, Array($0.lowercased().unicodeScalars))) }
      .filter { $0.distance <= limit }
      .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?
      .name
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swapped neighbours each count one.
  private static func distance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
    var before: [Int] = []
    var previous = Array(0...other.count)
    for i in one.indices {
      var current = [i + 1]
      for j in other.indices {
        var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (one[i] == other[j] ? 0 : 1))
        if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { cost = min(cost, before[j - 1] + 1) }
        current.append(cost)
      }
      before = previous
      previous = current
    }
    return previous[other.count]
  }
}
