/// When to try again: exponential backoff with a little jitter, so that what failed together does not return together.
///
/// With the defaults: 1, 2, 4, 8, 16, 32, 60 minutes after the 1st to the 7th attempt, each ±10 %; the 8th is the last.
package struct RetrySchedule: Sendable, Hashable {
  /// Tries in all.
  package var attempts: Int
  /// Seconds after the first attempt.
  package var first: Double
  /// Seconds at the most.
  package var max: Double

  package init(attempts: Int = 8, first: Double = 60, max: Double = 3600) {
    self.attempts = attempts
    self.first = first
    self.max = max
  }

  /// Seconds to wait after attempt number `attempt` (1 is the first).
  /// - Parameter random: evenly spread over 0..<1.
  package func delay(after attempt: Int, random: Double) -> Double {
    // 2^40 first intervals are longer than any cap; bounding the exponent keeps the power finite.
    let exponent = Swift.min(Swift.max(attempt, 1), 41) - 1
    let delay = Swift.min(first * Double(1 << exponent), max)
    return delay * (0.9 + 0.2 * random)
  }
}
