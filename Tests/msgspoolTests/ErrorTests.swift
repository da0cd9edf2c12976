import Foundation
import TestSupport
import Testing

@Suite(
  "Whatever call fails, the program says what to do, and nothing is lost or sent twice",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct ErrorTests {
  /// An error, and where.
  struct Failure: Sendable, CustomTestStringConvertible {
    var assault: Assault
    var number: Int32

    var testDescription: String { "\(assault.name), \(Calamity.name(of: number))" }

    static let numbers = [ENOSPC, EDQUOT, EIO, EROFS, EACCES, EMFILE, ENOMEM, EINTR]
    static let all = (Assault.sweeps + Assault.commands).flatMap { assault in
      numbers.map { Failure(assault: assault, number: $0) }
    }

    /// A folder that could not be made is a folder that could not be made.
    private var initStatuses: Set<Int32> { assault.name == "init" ? [73] : [] }

    /// Exit statuses that tell what happened; 78 is for a configuration that could not be read.
    var statuses: Set<Int32> { errorStatuses.union(initStatuses) }

    private var errorStatuses: Set<Int32> {
      switch number {
      case ENOSPC, EDQUOT, EROFS: [0, 1, 73]
      case EACCES: [0, 1, 77, 78]
      case EMFILE: [0, 1, 75, 78]
      case EINTR: [0, 1]
      default: [0, 1, 74, 78]
      }
    }
  }

  @Test("At every call, once and for good", arguments: Torture.some(Failure.all, 6))
  func errors(failure: Failure) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      var run = 0
      let count = try await failure.assault.count(station, run: run, reads: true)
      // A call that is interrupted for ever is repeated for ever.
      for lasts in failure.number == EINTR ? [false] : [false, true] {
        // Some two hundred calls, and most errors at most of them are met by one line of code.
        for point in Assault.points(count, some: 2, many: 24) {
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
              // What has passed when SQLite speaks of it is an I/O error to it, and so is what can't be printed.
              statuses: failure.statuses.union([74])))
        }
      }
      let accepted = try station.accepted()
      #expect(accepted.values.allSatisfy { $0 == 1 })
    }
  }

  @Test("A flush of the ledger that fails leaves no call open in it, whether it was an intent's or an outcome's")
  func flushes() async throws {
    try await withStation { station in
      for point in 1...8 {
        var calamity = Calamity(.fail(ENOSPC), at: point)
        calamity.only = "fdatasync"
        await Assault.batch.undergo(
          calamity, station, run: point, .init(kind: "ENOSPC", mostInDoubt: 0, statuses: [0, 73]))
      }
    }
  }

  @Test("A disk that turns read-only under send: what can't be taken back is told, so that nobody drops it again")
  func stuck() async throws {
    try await withStation { station in
      // Six messages are opened and written, the disk is flushed, one is renamed: the third rename is the sixteenth call.
      var calamity = Calamity(.fail(EROFS), at: 16)
      calamity.lasts = true
      await Assault.send.undergo(calamity, station, run: 0, .init(kind: "EROFS", mostInDoubt: 0, statuses: [73]))
    }
  }

  @Test("A ledger that could not be read for a moment is not given up")
  func reading() async throws {
    try await withStation { station in
      for point in 1...6 {
        var calamity = Calamity(.fail(EIO), at: point)
        calamity.only = "pread64"
        calamity.countsReads = true
        await Assault.rescue.undergo(
          calamity, station, run: point,
          .init(kind: "EIO", mostInDoubt: Assault.rescue.doubtBefore, statuses: [0, 74]))
      }
    }
  }

  @Test(
    "What keeps the spool or its ledger from being opened is named, with its exit status",
    arguments: [
      (EMFILE, "open", 75, "raise the limit on open files"), (ENOMEM, "open", 74, "give it more memory"),
      (EIO, "open", 74, "the disk reports errors"), (EROFS, "open64", 73, "mounted read-only"),
      (EACCES, "open64", 77, "chown -R msgspool"),
    ] as [(Int32, String, Int32, String)])
  func opening(number: Int32, call: String, status: Int32, hint: String) async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      var calamity = Calamity(.fail(number), at: 1)
      calamity.only = call
      calamity.lasts = true
      calamity.countsReads = true
      let struck = try await calamity.strike { try await station.run("sweep", with: $0) }
      #expect(struck.ran.status == status && struck.ran.stderr.contains(hint), "\(struck.ran.stderr)")
    }
  }

  @Test("With too few descriptors for it, a sweep says so and leaves what it can't send; with enough it sends")
  func descriptors() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let cargo = Assault.batch.cargo(0)
      try cargo.drop(into: station.spool)
      var statuses: [Int32] = []
      for limit in stride(from: 6, through: 30, by: Torture.isOn ? 1 : 3) {
        let swept = try await station.sweep(under: ["sh", "-c", #"ulimit -n \#(limit); exec "$0" "$@""#])
        statuses.append(swept.status)
        #expect([0, 75, 78].contains(swept.status), "\(limit): \(swept.stderr)")
        if swept.status != 0 { #expect(swept.stderr.contains("raise the limit"), "\(limit): \(swept.stderr)") }
      }
      #expect(statuses.first != 0 && statuses.last == 0)
      try await station.sweepToTheEnd()
      let aftermath = try Aftermath(station, cargo)
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty && aftermath.unconfirmed.isEmpty)
      #expect(aftermath.problems.isEmpty)
    }
  }
}
