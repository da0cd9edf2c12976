import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Sweeping

/// Seeded histories of sweepers, deaths and far ends. `MSGSPOOL_SEED` chooses where they begin; a failing one replays exactly
/// with `MSGSPOOL_HISTORY=SEED`.
@Suite struct SimulationTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let isLong = environment["MSGSPOOL_TORTURE"] != nil
  private static let first = UInt64(environment["MSGSPOOL_SEED"] ?? "") ?? 1

  private func failure(_ seed: UInt64, breaking broken: Simulation.Break? = nil) -> String? {
    do {
      var simulation = try Simulation(seed: seed, breaking: broken)
      do {
        try simulation.run()
        return nil
      } catch {
        return "history \(seed): \(error)\n\(simulation.log.joined(separator: "\n"))"
      }
    } catch {
      return "history \(seed) could not begin: \(error)"
    }
  }

  @Test("Nothing is lost and nothing is sent twice, whoever dies when", arguments: 0..<8)
  func histories(part: Int) {
    if let chosen = SimulationTests.environment["MSGSPOOL_HISTORY"].flatMap(UInt64.init) {
      let failure = part == 0 ? failure(chosen) : nil
      #expect(failure == nil, "\(failure ?? "")")
      return
    }
    let count = SimulationTests.isLong ? 12_500 : 50
    for number in 0..<count {
      let seed = SimulationTests.first &* 1_000_000 &+ UInt64(part * count + number)
      if let failure = failure(seed) {
        Issue.record("\(failure)")
        return
      }
    }
  }

  @Test("A rule that is broken is noticed", arguments: Simulation.Break.allCases)
  func breaks(broken: Simulation.Break) throws {
    let seed = (1...3000 as ClosedRange<UInt64>).first { failure($0, breaking: broken) != nil }
    let found = try #require(seed, "3000 histories did not notice that \(broken) is broken")
    print("\(broken): noticed by history \(found): \(failure(found, breaking: broken)?.prefix { $0 != "\n" } ?? "")")
  }
}
