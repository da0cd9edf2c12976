import Core
import Spooling

/// What a sweep has done so far, counted where it is done.
final class Tally {
  var summary = SweepSummary()

  /// Counts what was settled, says so, and gives its share back.
  /// - Returns: whether something that was passed over may be claimed now.
  func settled(_ settlements: [Settlement], _ share: Share, _ observe: (SweepEvent) -> Void) -> Bool {
    var mayClaim = false
    var rest = settlements[...]
    while let first = rest.first {
      var load = Share.Load()
      // Neighbours are mostly of one channel.
      while let settlement = rest.first, settlement.share == first.share {
        load.messages += 1
        load.bytes += settlement.file.size
        if let line = settlement.line {
          summary.count(line.state)
          observe(.settled(name: settlement.file.name.display, line))
        } else {
          summary.left += 1
        }
        rest.removeFirst()
      }
      mayClaim = share.giveBack(load, of: first.share) || mayClaim
    }
    return mayClaim
  }
}
