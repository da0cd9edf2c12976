import Core
import Spooling

/// What a sweep has done so far, counted where it is done.
final class Tally {
  var summary = SweepSummary()

  /// Counts what was settled, says so, and gives its share back.
  /// - Returns: whether something that was passed over may be claimed now.
  func settled(_ settled: [Settled], _ share: Share, _ observe: (SweepEvent) -> Void) -> Bool {
    var mayClaim = false
    var rest = settled[...]
    while let first = rest.first?.settlement {
      var load = Share.Load()
      // Neighbours are mostly of one channel.
      while let item = rest.first, item.settlement.share == first.share {
        load.messages += 1
        load.bytes += item.settlement.file.size
        if let line = item.settlement.line {
          summary.count(line.state)
          observe(.settled(item.event(line)))
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
