import Foundation
import TestSupport
import Testing

@Suite(
  "Whatever call fails, the program says what to do, and nothing is lost or sent twice",
  .disabled(if: Calamity.isMissing, "no cc, which compiles what strikes"))
struct ErrorTests {
  struct Failure: Sendable, CustomTestStringConvertible {
    var assault: Assault
    var number: Int32

    var testDescription: String { "\(assault.name), \(Calamity.name(of: number))" }

    static let numbers = [ENOSPC, EDQUOT, EIO, EROFS, EACCES, EMFILE, ENOMEM, EINTR]
    static let all = (Assault.sweeps + Assault.commands).flatMap { assault in
      numbers.map { Failure(assault: assault, number: $0) }
    }

    /// Exit statuses that tell what happened; 78 is for a configuration that could not be read.
    var statuses: Set<Int32> {
      switch number {
      case ENOSPC, EDQUOT, EROFS: [0, 1, 73]
      case EACCES: [0, 1, 77, 78]
      case EMFILE: [0, 1, 75, 78]
      case EINTR: [0, 1]
      default: [0, 1, 74, 78]
      }
    }
  }

  @Test("At every call, once and for good", arguments: Torture.some(Failure.all, 10))
  func errors(failure: Failure) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      var run = 0
      let count = try await failure.assault.count(station, run: run, reads: true)
      for lasts in [false, true] {
        for point in Assault.points(count, some: 2) {
          run += 1
          var calamity = Calamity(.fail(failure.number), at: point)
          calamity.lasts = lasts
          calamity.countsReads = true
          // Where the answer came and nothing at all can be written any more, nobody will know of it.
          let doubt = lasts ? failure.assault.mostInDoubt : failure.assault.doubtBefore
          await failure.assault.undergo(
            calamity, station, run: run,
            .init(
              kind: Calamity.name(of: failure.number), mostInDoubt: doubt, isRecorded: false,
              statuses: failure.statuses))
        }
      }
      let accepted = try station.accepted()
      #expect(accepted.values.allSatisfy { $0 == 1 })
    }
  }
}
