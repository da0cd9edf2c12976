import Foundation
import TestSupport
import Testing

@Suite(
  "When the power fails, nothing that was acknowledged is lost and nothing is sent twice",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"),
  .disabled(if: Disk.whyNot != nil, "\(Disk.whyNot ?? "")"))
struct PowerLossTests {
  /// An assault, and how the file system that it is made on orders its writes.
  struct Loss: Sendable, CustomTestStringConvertible {
    var assault: Assault
    var options: String

    var testDescription: String { "\(assault.name)\(options.isEmpty ? "" : ", \(options)")" }

    static let all: [Loss] =
      Torture.isOn
      ? ["", "data=writeback", "nodelalloc"].flatMap { options in
        (Assault.sweeps + Assault.commands).map { Loss(assault: $0, options: options) }
      } : Assault.sweeps.map { Loss(assault: $0, options: "") } + [Loss(assault: .send, options: "")]
  }

  @Test("At any system call, with the disk as far behind as it may be", arguments: Loss.all)
  func cuts(loss: Loss) async throws {
    try await withDisk(options: loss.options) { disk in
      try await withStation(timeout: .seconds(3600)) { station in
        var random = Torture.SplitMix(
          state: Torture.seed &+ UInt64(loss.testDescription.utf8.reduce(0) { $0 + Int($1) }))
        let count = try await loss.assault.count(station, run: 0)
        for run in 1...(Torture.isOn ? 20 : 1) {
          // The last place is behind the end: the power fails when the command has returned.
          var calamity = Calamity(.cut(disk: disk.path), at: Int.random(in: 1...count + 1, using: &random))
          // The kernel writes back when it likes: never in so short a time, or anywhere before the cut.
          if Bool.random(using: &random) { calamity.flush = Int.random(in: 1...calamity.at, using: &random) }
          await cut(loss.assault, calamity, disk, station, run)
        }
      }
    }
  }

  private func cut(
    _ assault: Assault, _ calamity: Calamity, _ disk: Disk, _ station: Station, _ run: Int,
    _ more: @escaping @Sendable (Station) throws -> Void = { _ in }
  ) async {
    await assault.undergo(
      calamity, station, run: run,
      .init(kind: "power cut", mostInDoubt: assault.mostInDoubt, parent: disk.path) { station, struck in
        if struck.at == nil { try disk.cut() }
        try await disk.restore()
        try more(station)
      })
  }

  @Test("A message is there when send has returned", arguments: [1, 6])
  func acknowledged(count: Int) async throws {
    try await withDisk { disk in
      let spool = try TemporarySpool(in: disk.path)
      try await must("sync", "-f", disk.path)
      try await withStation { station in
        let station = station.moved(to: spool)
        let lines = (0..<count).map { #"{"channel":"push","to":"UID_\#($0)","body":"text"}"# }
        for _ in 0..<(Torture.isOn ? 20 : 2) {
          let sent = try await station.run("send", ["--json"], stdin: lines.joined(separator: "\n"))
          try disk.cut()
          try await disk.restore()
          let names = sent.stdout.split(separator: "\n").map(String.init)
          #expect(names.count == count && names.sorted() == spool.names(in: "new"))
          for name in names {
            #expect(lines.contains(String(decoding: try spool.bytes("new/\(name)").dropLast(), as: UTF8.self)))
          }
          for name in names { unlink("\(spool["new"])/\(name)") }
        }
      }
    }
  }

  @Test("What a producer did not flush may be lost, and harms nothing else")
  func unflushed() async throws {
    try await withDisk { disk in
      try await withStation(timeout: .seconds(3600)) { station in
        for run in 1...(Torture.isOn ? 30 : 2) {
          var assault = Assault.batch
          assault.name = "beside what was not flushed"
          assault.act = { station, environment in
            for number in 0..<4 {
              try station.spool.drop(
                "c\(number)", #"{"channel":"push","to":"UID_\#(run)_c\#(number)","body":"text 0"}"#)
            }
            return try await Assault.batch.act(station, environment)
          }
          var calamity = Calamity(.cut(disk: disk.path), at: run * 3)
          calamity.flush = run % 3
          await cut(assault, calamity, disk, station, run) { station in
            // What is unfinished in new/ gets a few seconds, in case its producer is at work.
            for name in station.spool.names(in: "new") where name.hasPrefix("c") {
              try station.spool.age("new/\(name)", seconds: 60)
            }
          }
        }
        let accepted = try station.accepted()
        #expect(accepted.values.allSatisfy { $0 == 1 })
      }
    }
  }

  private func withDisk(options: String = "", _ body: @Sendable (Disk) async throws -> Void) async throws {
    let disk = try await Disk(options: options)
    let result = await Result<Void, any Error>(catching: { try await body(disk) })
    try await disk.remove()
    try result.get()
  }
}
