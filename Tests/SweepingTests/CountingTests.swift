import Core
import Foundation
import Ledger
import SQLiteLedger
import Spooling
import Synchronization
import TestSupport
import Testing

@testable import Sweeping

/// What is counted for monitoring costs no statement of its own for a message.
@Suite struct CountingTests {
  private func counted(_ ledger: WatchedLedger, _ name: Meters.Name, _ label: String) -> Int {
    ledger.groups.flatMap(\.meters).filter { $0.name == name && $0.label == label }.reduce(0) { $0 + $1.value }
  }

  @Test func aThousandMessagesAreAFewRows() throws {
    let ledger = WatchedLedger(try Rig.ledger())
    let rig = try Rig(.of(.word { $0.recipientsPerCall = 1 }), window: 4096, ledger: ledger)
    for number in 0..<1000 { rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)") }
    rig.settle()
    rig.acceptAll()
    rig.end()
    #expect(rig.names(.done).count == 1000)
    #expect(counted(ledger, .recipients, "accepted") == 1000 && counted(ledger, .messages, "done") == 1000)
    let rows = ledger.groups.reduce(0) { $0 + $1.meters.count }
    // The clock stands still, so all of it goes with the first and the last commit.
    #expect(rows <= 12, "\(rows) rows for 1000 messages")
    // And none is made for them alone.
    #expect(ledger.groups.allSatisfy { !$0.isEmpty })
  }

  @Test func countsWaitForACommitAndAreWrittenOnceASecond() throws {
    let ledger = WatchedLedger(try Rig.ledger())
    let rig = try Rig(.of(.word { $0.recipientsPerCall = 1 }), isEndless: true, ledger: ledger)
    for number in 0..<20 {
      rig.disk.drop(message(to: ["r\(number)"]), as: "m\(number)")
      rig.settle()
      rig.acceptAll()
      rig.clock.advance(0.25)
    }
    rig.engine.stopper()
    rig.settle()
    rig.end()
    #expect(counted(ledger, .calls, "accepted") == 20)
  }

  @Test func whatNeedsNoCallIsCountedWhenTheSweepEnds() throws {
    let ledger = WatchedLedger(try Rig.ledger())
    let rig = try Rig(.of(.word()), ledger: ledger)
    rig.disk.drop("[]", as: "bad")
    rig.clock.advance(60)
    rig.settle()
    rig.end()
    #expect(counted(ledger, .messages, "invalid") == 1)
  }

  // MARK: Failures

  @Test func failuresAreNotedOnlyWhereSomebodyWantsToKnow() throws {
    for wanted in [false, true] {
      let ledger = WatchedLedger(try Rig.ledger())
      var configuration = Configuration.of(.word(), .word("ops"))
      if wanted { configuration.onFailure = OperatorAddress(channel: "ops", to: ["x"]) }
      let rig = try Rig(configuration, ledger: ledger)
      rig.disk.drop(message(to: ["r1"]), as: "m")
      rig.disk.drop(message(to: ["r2"], id: "\(FailureNote.ownId)1"), as: "own")
      rig.disk.drop(message(to: ["r3"], more: #""expires_at":1000000000"#), as: "late")
      rig.settle()
      while !rig.transport.waiting.isEmpty { rig.answer("gone") }
      rig.end()
      let notes = ledger.groups.flatMap(\.failures)
      #expect(notes.map(\.name).sorted() == (wanted ? ["late", "m"] : []))
    }
  }

  @Test func whatARescueEndsIsNotedToo() throws {
    var configuration = Configuration.of(.word())
    configuration.onFailure = OperatorAddress(channel: "word", to: ["x"])
    let ledger = WatchedLedger(try Rig.ledger())
    let dead = try Rig(configuration, ledger: ledger)
    dead.disk.drop(message(), as: "m")
    dead.settle()
    dead.process.die()
    let next = try Rig(configuration, disk: dead.disk, ledger: ledger, process: SimProcess("two"))
    _ = try next.rescue()
    #expect(next.names(.failed) == ["m"])
    #expect(ledger.groups.flatMap(\.failures).map(\.state) == ["unconfirmed"])
    #expect(counted(ledger, .messages, "unconfirmed") == 1)
  }
}

/// Keeps what was committed.
private final class WatchedLedger: ForwardingLedger {
  let ledger: SQLiteLedger
  private let kept = Mutex<[GroupCommit]>([])

  init(_ ledger: SQLiteLedger) { self.ledger = ledger }

  var groups: [GroupCommit] { kept.withLock { $0 } }

  func commit(_ group: GroupCommit) throws(LedgerFault) -> [Admission] {
    kept.withLock { $0.append(group) }
    return try ledger.commit(group)
  }
}
