import Foundation
import TestSupport
import Testing

@Suite(
  "Killed at every system call that changes something, nothing is lost and nothing sent twice",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct CrashTests {
  @Test("A sweep", arguments: Assault.sweeps)
  func sweeps(assault: Assault) async throws { try await Self.kill(assault, some: 3) }

  @Test("What operators and producers run", arguments: Assault.commands)
  func commands(assault: Assault) async throws { try await Self.kill(assault, some: 3) }

  @Test("The end of watch, with calls in flight")
  func shutdown() async throws { try await Self.kill(Assault.shutdown, some: 3) }

  @Test(
    "Between the two steps of a rename, where the file system knows no flags for it",
    arguments: [Assault.batch, .rescue, .retry, .repair, .send, .initialize])
  func plainRenames(assault: Assault) async throws {
    try await withStation(faults: assault.faults, timeout: .seconds(3600)) { station in
      var calamity = Calamity.none
      calamity.renamesPlainly = true
      // A name that is removed is the second step.
      calamity.only = "unlinkat"
      let (one, _) = try await assault.begin(station, run: 0)
      let whole = try await calamity.strike { try await assault.act(one, $0) }
      #expect([0, 1].contains(whole.ran.status), "\(whole.ran.stderr)")
      calamity.act = .kill
      for (run, point) in Assault.points(max(1, whole.calls.count), some: 6).enumerated() {
        calamity.at = point
        await assault.undergo(
          calamity, station, run: run + 1,
          .init(kind: "killed between two names", mostInDoubt: assault.mostInDoubt))
      }
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  private static func kill(_ assault: Assault, some: Int) async throws {
    try await withStation(faults: assault.faults, timeout: .seconds(3600)) { station in
      var run = 0
      let count = try await assault.count(station, run: run)
      // Threads take turns as they like: a run may have a few calls more.
      let points = Assault.points(count + (Torture.isOn ? 5 : 0), some: some)
      for act in [Calamity.Act.kill, .torn] {
        for point in points {
          run += 1
          await assault.undergo(
            Calamity(act, at: point), station, run: run, .init(kind: "killed", mostInDoubt: assault.mostInDoubt))
        }
      }
      // Also over all runs together, and for what arrived after its run was judged.
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  @Test("A killed init leaves a whole configuration or none", arguments: ["write", "fsync", "renameat2"])
  func configuration(call: String) async throws {
    try await withStation { station in
      var calamity = Calamity(.kill, at: 1)
      calamity.only = call
      await Assault.initialize.undergo(calamity, station, run: 0, .init(kind: "killed", mostInDoubt: 0))
    }
  }

  @Test(
    "What strikes counts every call that strace sees", .disabled(if: Injection.isMissing, "strace is missing"))
  func countsAll() async throws {
    try await withStation { station in
      let names = [
        "write", "pwrite64", "sendto", "sendmsg", "writev", "fsync", "fdatasync", "syncfs", "renameat2", "rename",
        "renameat", "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "ftruncate", "fallocate",
        "fchown", "fchmod", "utimensat",
      ]
      for (run, assault) in [Assault.batch, .single, .rescue, .send, .initialize, .prune].enumerated() {
        let (one, _) = try await assault.begin(station, run: run)
        let log = "\(one.spool.path)/trace"
        let struck = try await Calamity.none.strike { environment in
          let variables = environment.map { "\($0.key)=\($0.value)" }
          var wrapped = one
          wrapped.wrapper =
            ["strace", "-f", "-o", log, "-e", "trace=\(names.joined(separator: ","))"]
            + variables.flatMap { ["-E", $0] }
          return try await assault.act(wrapped, [:])
        }
        var seen: [String: Int] = [:]
        for line in String(decoding: try one.spool.bytes("trace"), as: UTF8.self).split(separator: "\n") {
          // "1234 fsync(5) = 0"; what another thread interrupted comes back as "<... fsync resumed>".
          guard let call = line.drop(while: { $0 != " " }).split(separator: "(").first else { continue }
          let name = call.trimmingCharacters(in: .whitespaces)
          if names.contains(name) { seen[name, default: 0] += 1 }
        }
        // The log's own lines, and the C library's names for the same calls.
        seen["write", default: 0] -= struck.calls.count
        var counted: [String: Int] = [:]
        for call in struck.calls where !call.hasPrefix("open") {
          let name = ["send": "sendto", "ftruncate64": "ftruncate", "futimens": "utimensat"][call] ?? call
          counted[name, default: 0] += 1
        }
        #expect(seen.filter { $0.value != 0 } == counted, "\(assault.name)")
      }
    }
  }
}
