import Foundation
import TestSupport
import Testing

@Suite("A ledger that is lost or damaged loses no message, and what it cannot answer for is in doubt")
struct LedgerLossTests {
  enum Harm: String, Sendable, CaseIterable {
    case deleted, emptied, garbage, spoiledTables

    func happen(to spool: TemporarySpool) async throws {
      let path = "\(spool.path)/ledger.db"
      switch self {
      case .deleted:
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
      case .emptied:
        truncate(path, 0)
      case .garbage:
        for suffix in ["", "-wal", "-shm"] where access(path + suffix, F_OK) == 0 {
          try Data((0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }).write(
            to: URL(filePath: path + suffix))
        }
      case .spoiledTables:
        // All pages but those that are read when it is opened.
        _ = try await run("sqlite3", [path, "PRAGMA wal_checkpoint(TRUNCATE)"])
        let roots = try await run("sqlite3", [path, "SELECT rootpage FROM sqlite_master WHERE name <> 'about'"]).stdout
        let file = try FileHandle(forUpdating: URL(filePath: path))
        for page in roots.split(separator: "\n").compactMap({ UInt64($0) }) {
          try file.seek(toOffset: (page - 1) * 4096)
          try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        }
        try file.close()
      }
    }

    var isMissing: Bool { self == .spoiledTables && find(program: "sqlite3") == nil }
    static let here = allCases.filter { !$0.isMissing }
  }

  @Test(
    "Between a kill and the next sweep", .disabled(if: Injection.isMissing, "no strace"), arguments: Harm.here)
  func harmed(harm: Harm) async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher("max_recipients_per_call: 2, concurrency: 1")])
      var cargo = Cargo()
      for number in 0..<6 { cargo.add("p\(number)", channel: "push", to: ["UID_\(number)"], body: "text") }
      try cargo.drop(into: station.spool)
      try await station.sweep(under: Injection.strace("sendto", "signal=KILL", when: "2"))
      let claimed = station.spool.names(in: "cur").count
      #expect(claimed > 0)
      try await harm.happen(to: station.spool)
      var said = ""
      for _ in 0..<2 {
        let swept = try await station.sweep()
        said += swept.stderr
        #expect([0, 74].contains(swept.status))
      }
      said += try await station.sweepToTheEnd()
      let aftermath = try Aftermath(station, cargo)
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty && aftermath.problems.isEmpty)
      // A line may have been written before the file was moved.
      #expect((1...claimed).contains(aftermath.unconfirmed.count))
      if harm == .garbage || harm == .spoiledTables {
        let aside = try FileManager.default.contentsOfDirectory(atPath: station.spool.path)
          .filter { $0.hasPrefix("ledger.db.damaged-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
        #expect(aside.count == 1 && said.contains(aside.first ?? "?"), "set aside, and named")
      }
    }
  }

  @Test("With nothing in hand a new ledger begins, and sweeps go on")
  func nothingInHand() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      for (number, harm) in [Harm.deleted, .emptied, .garbage].enumerated() {
        try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
        try await station.sweep()
        try await harm.happen(to: station.spool)
      }
      #expect(try await station.sweep().status == 0)
      #expect(station.spool.names(in: "done") == ["m0", "m1", "m2"])
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  @Test(
    "A ledger of a later version is refused, not guessed at",
    .disabled(if: find(program: "sqlite3") == nil, "no sqlite3"))
  func laterVersion() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      try await station.sweep()
      _ = try await run(
        "sqlite3", ["\(station.spool.path)/ledger.db", "UPDATE about SET value='99' WHERE key='version'"])
      try station.spool.drop("a", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      // 78, which no unit restarts for ever: a person has to act.
      for command in ["sweep", "watch"] {
        let ran = try await station.run(command)
        #expect(
          ran.status == 78 && ran.stderr.contains("written by a newer msgspool: it is of version 99"), "\(ran.stderr)")
      }
      for (command, options) in [("status", []), ("list", ["new"]), ("check", []), ("check", ["--repair"])] {
        #expect(try await [0, 1].contains(station.run(command, options).status), "\(command)")
      }
      #expect(station.spool.names(in: "").allSatisfy { !$0.contains("damaged") })
      #expect(station.spool.names(in: "new") == ["a"])
    }
  }
}
