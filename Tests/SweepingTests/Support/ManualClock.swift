import Foundation
import Synchronization
import TestSupport

@testable import Sweeping

/// Both clocks, moved by the test.
final class ManualClock: Sendable {
  private let moment: Mutex<Moment>

  init(_ date: Date = TestSupport.moment("2026-11-22T09:00:00Z")) { moment = Mutex(Moment(date: date, steady: 1000)) }

  var now: Moment { moment.withLock { $0 } }

  /// Time passes.
  func advance(_ seconds: Double) {
    moment.withLock {
      $0.date += seconds
      $0.steady += seconds
    }
  }

  /// Somebody sets the wall clock.
  func set(by seconds: Double) { moment.withLock { $0.date += seconds } }
}
