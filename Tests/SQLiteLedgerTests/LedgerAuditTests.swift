import Core
import Foundation
import Ledger
import SQLiteLedger
import Testing

@Suite("What operators ask of the ledger")
struct LedgerAuditTests {
  private final class Scratch {
    let folder = NSTemporaryDirectory() + "msgspool-audit-\(UUID().uuidString)"
    var path: String { folder + "/ledger.db" }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }
  }

  private static let start = Date(timeIntervalSince1970: 1_795_338_000)

  private func ledger(_ scratch: Scratch) throws -> SQLiteLedger {
    try SQLiteLedger(scratch.path, now: Self.start, generation: "abc123")
  }

  /// A call of one recipient, begun at `time` and ended at once, or left open.
  private func call(
    _ id: String, sweep: String, at time: Date, isOpen: Bool = false, in ledger: SQLiteLedger
  ) throws {
    var group = GroupCommit(now: time)
    group.proposed = [
      ProposedCall(
        id: id, sweep: sweep, channel: "a", provider: "p", members: [CallMember(file: "m", to: "UID_1")], rate: 0,
        day: Int(time.timeIntervalSince1970 / 86400), daily: 100, dailyPerRecipient: 10, identities: ["UID_1"])
    ]
    _ = try ledger.commit(group)
    if isOpen { return }
    group.proposed = []
    group.finished = [FinishedCall(id: id, outcomes: [.accepted(id: "x")])]
    _ = try ledger.commit(group)
  }

  private func calls(_ ledger: any LedgerAudit, onlyOpen: Bool = false) throws -> [String] {
    var ids: [String] = []
    try ledger.calls(onlyOpen: onlyOpen) { sweep, record in ids.append("\(sweep)/\(record.id)") }
    return ids
  }

  @Test("calls come in the order they started, with their sweeps; open ones by themselves")
  func listing() throws {
    let scratch = try Scratch()
    let ledger = try ledger(scratch)
    try call("c2", sweep: "s1", at: Self.start, in: ledger)
    try call("c1", sweep: "s2", at: Self.start + 1, isOpen: true, in: ledger)
    #expect(try calls(ledger) == ["s1/c2", "s2/c1"])
    #expect(try calls(ledger, onlyOpen: true) == ["s2/c1"])
  }

  @Test("what is behind the horizon is forgotten; open calls and those of unsettled sweeps stay")
  func prune() throws {
    let scratch = try Scratch()
    let ledger = try ledger(scratch)
    try call("old", sweep: "s1", at: Self.start, in: ledger)
    try call("open", sweep: "s1", at: Self.start, isOpen: true, in: ledger)
    try call("unsettled", sweep: "s2", at: Self.start, in: ledger)
    try call("young", sweep: "s3", at: Self.start + 10 * 86400, in: ledger)
    let claim = IdentifierClaim(channel: "a", id: "k", owner: Owner(file: 1), hasHistory: false, now: Self.start)
    _ = try ledger.claim([claim], newerThan: .distantPast)

    let later = Self.start + 9 * 86400
    let horizon = LedgerHorizon(calls: later, ids: .distantPast, keeping: ["s2"])
    let counted = try ledger.prune(horizon, isDry: true)
    #expect(try calls(ledger).count == 4)
    #expect(try ledger.prune(horizon, isDry: false) == counted)
    #expect(try calls(ledger) == ["s1/open", "s2/unsettled", "s3/young"])
    var again = claim
    again.owner.file = 2
    #expect(try ledger.claim([again], newerThan: .distantPast) == [true], "the id is still known")

    #expect(try ledger.prune(LedgerHorizon(calls: .distantPast, ids: later), isDry: false) == 1)
    #expect(try ledger.claim([again], newerThan: .distantPast) == [false])
  }

  @Test("looking makes nothing, and a dry count needs no right to write")
  func look() throws {
    let scratch = try Scratch()
    #expect(try SQLiteHome(scratch.path).look() == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder) == [])
    try call("c", sweep: "s", at: Self.start, in: ledger(scratch))
    let looked = try #require(try SQLiteHome(scratch.path).look())
    #expect(looked.generation == "abc123")
    #expect(try calls(looked) == ["s/c"])
    #expect(try looked.prune(LedgerHorizon(calls: .distantFuture, ids: .distantFuture), isDry: true) > 0)
    #expect(throws: LedgerFault.self) {
      try looked.prune(LedgerHorizon(calls: .distantFuture, ids: .distantFuture), isDry: false)
    }
  }

  @Test("looking does not wait for a writer, and sees what was committed before")
  func lookWhileWriting() throws {
    let scratch = try Scratch()
    let ledger = try ledger(scratch)
    var group = GroupCommit(now: Self.start)
    group.suspended = [Suspension(channel: "a", kind: .credentials, reason: "wrong", since: Self.start)]
    _ = try ledger.commit(group)
    let looked = try #require(try SQLiteHome(scratch.path).look())
    #expect(try looked.suspensions().map(\.channel) == ["a"])
    group.suspended = []
    group.resumed = ["a"]
    _ = try ledger.commit(group)
    #expect(try looked.suspensions().isEmpty)
  }

  @Test("a sound ledger has no defects; a spoilt one says so")
  func defects() throws {
    let scratch = try Scratch()
    do {
      let ledger = try ledger(scratch)
      for number in 0..<500 { try call("c\(number)", sweep: "s", at: Self.start, in: ledger) }
      #expect(try ledger.defects() == [])
    }
    let file = try FileHandle(forUpdating: URL(filePath: scratch.path))
    try file.seek(toOffset: 3 * 4096)
    try file.write(contentsOf: Data(repeating: 0x5A, count: 8 * 4096))
    try file.close()
    let found = (try? SQLiteHome(scratch.path).look()?.defects()) ?? ["could not even be read"]
    #expect(!found.isEmpty)
  }
}
