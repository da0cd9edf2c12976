import Core
import FoundationEssentials

/// What an engine waits for: what the source is up to, and when time alone brings something to do. A value.
struct Agenda {
  /// Seconds between two looks for sweeps beside this one that have died.
  private static let rescueInterval = 60.0

  /// Nothing more is coming for now: what is gathered goes as it is, and lost calls are asked about.
  private(set) var isCaughtUp = false
  /// The source has nothing to do, and knows of everything that it was asked.
  private(set) var isResting = false
  private var asked = 0
  /// When the source wants to be asked again.
  private var due: Date?
  private var look: Double?
  /// When to look for sweeps that have died; nil while there are none beside this one.
  private var rescue: Double?

  mutating func ask() {
    asked += 1
    isResting = false
  }

  mutating func claimed(isMore: Bool) { (isCaughtUp, isResting) = (!isMore, false) }

  /// See `SourceEvent.rested`.
  mutating func rested(after: Int, due: Date?, look: Double?) {
    isResting = after == asked
    (isCaughtUp, self.due, self.look) = (true, due, look)
  }

  mutating func expectRescue(at now: Double) { rescue = rescue ?? now + Agenda.rescueInterval }

  /// The next steady time at which something here is due.
  func next(at now: Moment) -> Double? {
    [look, rescue, due.map { now.steady(of: $0) }].compactMap { $0 }.min()
  }

  /// Whether the source is to be asked now.
  mutating func takeDue(at now: Moment) -> Bool {
    guard due.map({ $0 <= now.date }) == true || look.map({ $0 <= now.steady }) == true else { return false }
    (due, look) = (nil, nil)
    return true
  }

  /// Whether to look for sweeps that have died now.
  mutating func takeRescue(at now: Moment) -> Bool {
    guard let time = rescue, time <= now.steady else { return false }
    rescue = nil
    return true
  }
}
