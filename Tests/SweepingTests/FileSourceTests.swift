import Core
import Foundation
import Spooling
import TestSupport
import Testing
import Threading

@testable import Sweeping

/// The source on the real file system: a spool in a temporary folder.
@Suite struct FileSourceTests {
  /// A source, and what it posted.
  private final class Bench {
    let spool: UnitSpool
    let folder: any SweepDisk
    let share: Share
    let source: FileSource
    let clock: ManualClock
    private let posted = Inbox<SourceEvent>()

    init(isEndless: Bool = false, window: Int = 1000, _ fill: (UnitSpool) throws -> Void = { _ in }) throws {
      spool = try UnitSpool()
      try fill(spool)
      clock = ManualClock(Date())
      folder = try spool.spool.begin("sweep-1")
      share = Share(messages: window)
      var selection = Selection()
      selection.isEndless = isEndless
      source = FileSource(
        spool.spool, folder, share, selection, .of(.plain()), clock: { [clock] in clock.now }
      ) { [posted] in posted.post($0) }
    }

    /// Steps until it rests; the names claimed, in order.
    func claim(_ requests: SourceRequest...) -> [String] {
      source.step(requests)
      while source.hasMore { source.step([]) }
      return events.flatMap { event -> [String] in
        guard case .claimed(let claims, _) = event else { return [] }
        return claims.map { claim in
          switch claim {
          case .message(let file, _), .invalid(let file, _): file.name.display
          case .left(let name, _): name.display
          }
        }
      }
    }

    private(set) var rested: (due: Date?, look: Double?)?
    private(set) var left = 0
    private(set) var notices: [Notice] = []

    private var events: [SourceEvent] {
      let taken = posted.takeNow()
      for event in taken {
        if case .rested(_, let due, let look) = event { rested = (due, look) }
        if case .left = event { left += 1 }
        if case .notice(let notice) = event { notices.append(notice) }
      }
      return taken
    }
  }

  private let good = #"{"channel":"plain","to":"r","body":"hi"}"#

  @Test func everythingThatIsDueIsClaimedAndTheNextDueTimeKnown() throws {
    let bench = try Bench {
      try $0.write(good, to: "a")
      try $0.write(good, to: "due", in: .deferred, age: 60)
      try $0.write(good, to: "later", in: .deferred, age: -3600)
    }
    #expect(bench.claim().sorted() == ["a", "due"])
    let due = try #require(bench.rested?.due)
    #expect(abs(due.timeIntervalSinceNow - 3600) < 60)
    #expect(try bench.spool.names(.deferred) == ["later"] && bench.spool.names(.new).isEmpty)
  }

  @Test func whatArrivesIsClaimedWithoutAListing() throws {
    let bench = try Bench(isEndless: true)
    #expect(bench.claim().isEmpty)
    let name = try bench.spool.write(good, to: "new")
    #expect(bench.claim(.arrived([name])) == ["new"])
  }

  @Test func whatIsDeferredByWhomeverFallsDueByItself() throws {
    let bench = try Bench(isEndless: true)
    _ = bench.claim()
    let name = try bench.spool.write(good, to: "later", in: .deferred, age: -100)
    #expect(bench.claim(.deferred([name])).isEmpty && bench.rested?.due != nil)
    bench.clock.advance(101)
    #expect(bench.claim(.due) == ["later"])
  }

  @Test func aHalfWrittenFileGoesBackAndIsLookedAtAgain() throws {
    let bench = try Bench(isEndless: true)
    _ = bench.claim()
    let name = try bench.spool.write(#"{"channel":"pl"#, to: "half", age: 0)
    #expect(bench.claim(.arrived([name])).isEmpty)
    #expect(try bench.spool.names(.new) == ["half"] && bench.left == 1)
    #expect(bench.claim(.arrived([name])).isEmpty, "its own return is no news")
    #expect(bench.left == 1)
    try bench.spool.write(good, to: "half")
    bench.clock.advance(5.1)
    #expect(bench.rested?.look != nil && bench.claim(.due) == ["half"])
  }

  @Test func aFileThatIsStillBeingWrittenIsWaitedForAndALinkIsNot() throws {
    let bench = try Bench(isEndless: true)
    _ = bench.claim()
    let empty = try bench.spool.write("", to: "empty", age: 0)
    #expect(bench.claim(.created([empty])).isEmpty && bench.left == 0)
    #expect(bench.claim(.created([try bench.spool.write(good, to: "linked")])) == ["linked"])
  }

  @Test func aStrayIsReportedAndLeft() throws {
    let bench = try Bench {
      try FileManager.default.createDirectory(atPath: $0.path(.new, "folder"), withIntermediateDirectories: false)
    }
    #expect(bench.claim().isEmpty)
    #expect(bench.left == 1 && bench.notices.map(\.subject) == ["folder"] && bench.rested != nil)
  }

  @Test func manyStraysAreOneLine() throws {
    let bench = try Bench { spool in
      for number in 0..<50 {
        try FileManager.default.createSymbolicLink(
          atPath: spool.path(.new, "stray\(number)"), withDestinationPath: "/nowhere")
      }
    }
    #expect(bench.claim().isEmpty && bench.left == 50 && bench.notices.count == 1)
    #expect(bench.notices.first?.subject.contains("45 more") == true)
  }

  @Test func aFolderThatFailsIsSaidOnceAndEndsIt() throws {
    let bench = try Bench { try $0.write(good, to: "a") }
    try FileManager.default.removeItem(atPath: bench.spool.path(.cur, "sweep-1"))
    #expect(bench.claim().isEmpty && !bench.source.hasMore)
  }

  @Test func aBacklogIsClaimedWithinItsShareAndTheRestAsRoomComes() throws {
    let bench = try Bench(window: 16) { spool in
      for number in 0..<50 { try spool.write(good, to: "m\(number)") }
    }
    var claimed = bench.claim()
    #expect(claimed.count == 8 && !bench.source.isDry)
    var rounds = 0
    while claimed.count < 50, rounds < 100 {
      rounds += 1
      let isWanted = bench.share.giveBack(.init(messages: 8, bytes: 0), of: "plain")
      #expect(isWanted)
      claimed += bench.claim(.room)
    }
    #expect(Set(claimed).count == 50 && claimed.count == 50)
  }
}
