/// How long the rest will take, from the pace of the last seconds: a channel that may make one call a second is not done
/// in no time because another sent ten thousand messages before.
struct Estimate {
  /// Seconds that are looked back.
  private static let window = 10.0

  /// Messages waiting when the sweep began; 0 is not known.
  var total = 0
  private var marks: [(seconds: Double, settled: Int)] = [(0, 0)]
  private var pace = 0.0

  /// Messages a second, of late.
  /// - Parameter seconds: since the sweep began; later with every call.
  mutating func rate(_ settled: Int, at seconds: Double) -> Double {
    // A mark a second is enough to look back by.
    if let last = marks.last, seconds - last.seconds >= 1 { marks.append((seconds, settled)) }
    while marks.count > 2, seconds - marks[1].seconds >= Estimate.window { marks.removeFirst() }
    guard let first = marks.first, seconds > first.seconds else { return pace }
    pace = Double(settled - first.settled) / (seconds - first.seconds)
    return pace
  }

  /// Seconds; nil when it can't be told.
  func left(_ settled: Int) -> Double? {
    total > settled && pace > 0 ? Double(total - settled) / pace : nil
  }
}
