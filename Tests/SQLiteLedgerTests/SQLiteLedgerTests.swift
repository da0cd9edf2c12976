import Core
import Foundation
import Ledger
import TestSupport
import Testing

@testable import SQLiteLedger

private let now = moment("2026-11-22T09:00:00Z")

/// What is SQLite's alone: the file, its damage, its format.
@Suite struct SQLiteLedgerTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func open(_ generation: String = "g1") throws -> (ledger: any LedgerAudit, aside: String?) {
    let opened = try SQLiteHome(folder.path("ledger.db")).open(now: now, generation: generation)
    return (opened.ledger, opened.aside)
  }

  private func record(_ id: String, in ledger: any Ledger) throws { try record([id], in: ledger) }

  private func record(_ ids: [String], in ledger: any Ledger) throws {
    var group = GroupCommit(now: now)
    group.proposed = ids.map { id in
      ProposedCall(
        id: id, sweep: "s", channel: "plain", provider: "plain", members: [CallMember(file: "f", to: "a")], rate: 0,
        day: 1, daily: 0, dailyPerRecipient: 0, identities: [])
    }
    _ = try ledger.commit(group)
  }

  @Test func aLedgerOutlivesItsConnection() throws {
    try record("c1", in: try open().ledger)
    let again = try open("g2")
    #expect(again.aside == nil && again.ledger.generation == "g1")
    #expect(try again.ledger.call("c1") != nil)
  }

  @Test func whatWasCommittedIsThereThoughNobodyClosedIt() throws {
    let (ledger, _) = try open()
    try record("c1", in: ledger)
    // As after a kill: the files as they are on disk at this moment.
    let copy = try ScratchFolder()
    for name in try folder.names() { try copy.write(try folder.read(name), to: name) }
    let other = try SQLiteLedger(copy.path("ledger.db"), now: now, generation: "g2")
    #expect(try other.call("c1") != nil && other.generation == "g1")
    withExtendedLifetime(ledger) {}
  }

  @Test func aFileThatIsNoDatabaseIsSetAsideAndNamed() throws {
    let junk = Array(repeating: UInt8(ascii: "x"), count: 5000)
    try folder.write(junk, to: "ledger.db")
    let (ledger, aside) = try open("g2")
    #expect(ledger.generation == "g2")
    let name = try #require(aside)
    #expect(name.hasPrefix(folder.path("ledger.db.damaged-")))
    #expect(try folder.read(String(name.dropFirst(folder.path.count + 1))) == junk)
    try record("c1", in: ledger)
    #expect(try ledger.call("c1") != nil)
  }

  @Test func aDatabaseWithADamagedBeginningIsSetAside() throws {
    try record("c1", in: try open().ledger)
    var bytes = try folder.read("ledger.db")
    for index in 0..<min(2000, bytes.count) { bytes[index] = 0xAA }
    try folder.write(bytes, to: "ledger.db")
    let (ledger, aside) = try open("g2")
    #expect(aside != nil && ledger.generation == "g2")
    #expect(try ledger.call("c1") == nil)
  }

  @Test func damageThatShowsOnlyInUseIsSetAsideByTheNextToOpenIt() throws {
    do {
      let (ledger, _) = try open()
      try record((0..<5000).map { "call-\($0)" }, in: ledger)
    }
    // Everything but the first page, the description of the tables and their first pages.
    var bytes = try folder.read("ledger.db")
    #expect(bytes.count > 400_000)
    for index in 200_000..<bytes.count { bytes[index] = 0xAA }
    try folder.write(bytes, to: "ledger.db")
    let (damaged, none) = try open("g2")
    #expect(none == nil && damaged.generation == "g1", "it does not show yet")
    let fault = #expect(throws: LedgerFault.self) { try damaged.calls(ofSweep: "s") { _ in } }
    #expect(fault?.kind == .damaged)

    let (fresh, aside) = try open("g2")
    #expect(aside != nil && fresh.generation == "g2")
    // The old one's holder notices once more: the new one is not meant.
    #expect(throws: LedgerFault.self) { try damaged.calls(ofSweep: "s") { _ in } }
    let again = try open("g3")
    #expect(again.aside == nil && again.ledger.generation == "g2")
  }

  @Test func anEmptyFileIsANewLedger() throws {
    try folder.write("", to: "ledger.db")
    let (ledger, aside) = try open("g2")
    #expect(aside == nil && ledger.generation == "g2")
  }

  @Test func aStaleLogBesideANewLedgerIsNotReplayed() throws {
    // What a set-aside leaves that was cut short behind its first rename.
    do {
      let (old, _) = try open()
      try record("c1", in: old)
      try folder.write(try folder.read("ledger.db-wal"), to: "kept")
    }
    for name in try folder.names() where name.hasPrefix("ledger.db") {
      try FileManager.default.removeItem(atPath: folder.path(name))
    }
    try folder.write(try folder.read("kept"), to: "ledger.db-wal")
    let (ledger, aside) = try open("g2")
    #expect(aside == nil && ledger.generation == "g2")
    #expect(try ledger.call("c1") == nil)
  }

  @Test func anUnknownVersionIsRefusedAndLeftAlone() throws {
    do {
      _ = try open()
      let database = try SQLiteDatabase(folder.path("ledger.db"), .create)
      try database.execute("UPDATE about SET value = '99' WHERE key = 'version'")
    }
    let fault = #expect(throws: LedgerFault.self) { try open("g2") }
    #expect(fault?.kind == .other && fault?.isNewer == true && fault?.message.contains("version 99") == true)
    #expect(try folder.names().filter { $0.contains("damaged") }.isEmpty)
  }

  @Test func anOlderLedgerIsBroughtUpToDateStepByStepOrNotAtAll() throws {
    _ = try open()
    let database = try SQLiteDatabase(folder.path("ledger.db"), .create)
    let now = SQLiteLedger.version
    let steps = [
      now: "ALTER TABLE ids ADD COLUMN a INTEGER", now + 1: "CREATE TABLE b (c TEXT)",
      now + 2: "INSERT INTO nowhere VALUES (1)",
    ]
    #expect(throws: LedgerFault.self) { try SQLiteLedger.migrate(database, to: now + 3, by: steps) }
    #expect(throws: LedgerFault.self) { try database.execute("SELECT a FROM ids") }
    try SQLiteLedger.migrate(database, to: now + 2, by: steps)
    try SQLiteLedger.migrate(database, to: now + 2, by: steps)
    try database.execute("SELECT a FROM ids; SELECT c FROM b")
    // Now it is a newer one's.
    #expect(throws: LedgerFault.self) { try open() }
    #expect(throws: LedgerFault.self) { try SQLiteLedger.migrate(database, to: now + 3, by: steps) }
  }

  @Test func aLedgerOfTheFirstVersionKeepsWhatItKnows() throws {
    do {
      try record("c1", in: open().0)
      let database = try SQLiteDatabase(folder.path("ledger.db"), .create)
      // As the first version made it.
      try database.execute(
        """
        DROP TABLE suspensions;
        CREATE TABLE suspensions (
          channel TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
          until REAL) WITHOUT ROWID;
        INSERT INTO suspensions VALUES ('a', 'quota', 'empty', 5, NULL);
        UPDATE about SET value = '1' WHERE key = 'version';
        """)
    }
    let (ledger, aside) = try open("g2")
    #expect(aside == nil && ledger.generation != "g2")
    #expect(try ledger.call("c1") != nil)
    #expect(try ledger.seen([1]) == [:])
    let suspension = try #require(try ledger.suspensions().first)
    #expect(suspension.channel == "a" && suspension.reason == "empty" && suspension.culprits == [])
    #expect(suspension.suspectedFor == nil && suspension.since == Date(timeIntervalSince1970: 5))
    // Once for all.
    #expect(try open("g3").0.suspensions().count == 1)
  }

  @Test func aLedgerOfTheSecondVersionKeepsWhatItKnowsAndCountsCosts() throws {
    do {
      try record("c1", in: open().0)
      let database = try SQLiteDatabase(folder.path("ledger.db"), .create)
      // As the second version made it.
      try database.execute(
        "DROP TABLE spendings; DROP TABLE charges; UPDATE about SET value = '2' WHERE key = 'version'")
    }
    let (ledger, aside) = try open("g2")
    #expect(aside == nil && ledger.generation == "g1")
    #expect(try ledger.call("c1") != nil && ledger.spent("plain", from: 0, through: 100_000) == 0)
    var group = GroupCommit(now: now)
    var call = ProposedCall(
      id: "c2", sweep: "s", channel: "plain", provider: "plain", members: [CallMember(file: "f", to: "a")], rate: 0,
      day: 1, daily: 0, dailyPerRecipient: 0, identities: [])
    call.charge = Charge(costs: [45_000], daily: nil, monthly: nil, month: 1)
    group.proposed = [call]
    _ = try ledger.commit(group)
    #expect(try ledger.spent("plain", from: 1, through: 1) == 45_000)
  }

  @Test func aFolderInItsPlaceIsAFault() throws {
    try FileManager.default.createDirectory(atPath: folder.path("ledger.db"), withIntermediateDirectories: false)
    #expect(throws: LedgerFault.self) { try open() }
  }

  @Test func aMissingFolderIsAFaultThatNamesThePath() throws {
    let path = folder.path("missing/ledger.db")
    let fault = #expect(throws: LedgerFault.self) { try SQLiteLedger(path, now: now, generation: "g") }
    #expect(fault?.message.contains(path) == true)
  }

  @Test func whatFailsInAGroupLeavesNothingOfIt() throws {
    let (ledger, _) = try open()
    let database = try SQLiteDatabase(folder.path("ledger.db"), .create)
    try database.execute("DROP TABLE suspensions")
    var group = GroupCommit(now: now)
    group.proposed = []
    group.finished = []
    group.settledIds = []
    try record("c1", in: ledger)
    group.finished = [FinishedCall(id: "c1", outcomes: [.accepted()])]
    group.suspended = [Suspension(channel: "plain", kind: .quota, reason: "", since: now)]
    #expect(throws: LedgerFault.self) { try ledger.commit(group) }
    #expect(try ledger.call("c1")?.outcomes == nil)
    // And the connection is of use again.
    try record("c2", in: ledger)
    #expect(try ledger.call("c2") != nil)
  }
}

@Suite struct LedgerCodingTests {
  @Test func membersComeBackWhateverTheirNames() {
    var random = SeededGenerator(7)
    for _ in 0..<300 {
      let members = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        CallMember(
          file: text(&random), to: text(&random), address: Bool.random(using: &random) ? text(&random) : nil)
      }
      #expect(LedgerCoding.members(LedgerCoding.text(members)) == members)
    }
  }

  @Test func outcomesComeBackWhateverTheyAre() {
    var random = SeededGenerator(8)
    for _ in 0..<300 {
      let one = outcome(&random)
      let outcomes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Bool.random(using: &random) ? one : outcome(&random)
      }
      #expect(LedgerCoding.outcomes(LedgerCoding.text(outcomes), count: outcomes.count) == outcomes)
    }
  }

  @Test func whatNeverGotThroughUsesNoAttemptAfterACrashEither() {
    let outcomes = [Outcome.unreached(code: "refused"), .deferred(.provider, attempts: 3), .accepted()]
    let back = LedgerCoding.outcomes(LedgerCoding.text(outcomes), count: 3)
    #expect(back == outcomes && back.map(\.usesAttempt) == [false, true, true])
    // Rows of before have nothing to say of it.
    let old = #"{"all":["deferred","network","refused",null,null,null]}"#
    #expect(LedgerCoding.outcomes(old, count: 1) == [.deferred(.network, code: "refused")])
    #expect(
      LedgerCoding.text([.deferred(.network, code: "refused")]) == #"[["deferred","network","refused",null,null,null]]"#
    )
  }

  @Test func aWaitWithoutEndDoesNotSpoilTheRow() {
    let outcomes = [Outcome.deferred(.throttled, retryAfter: .infinity), .accepted(id: "1")]
    let back = LedgerCoding.outcomes(LedgerCoding.text(outcomes), count: 2)
    #expect(back == [.deferred(.throttled), .accepted(id: "1")])
  }

  @Test func anUnreadableRowLeavesEverybodyInDoubt() {
    for text in ["", "{", "[", "nonsense", "null", "{\"some\":1}", "[[\"accepted\"]]"] {
      let outcomes = LedgerCoding.outcomes(text, count: 2)
      #expect(outcomes.allSatisfy { $0.state == .unconfirmed }, "\(text)")
    }
    #expect(LedgerCoding.outcomes("oops", count: 2).count == 2)
    #expect(LedgerCoding.members("oops").isEmpty)
  }

  @Test func aThousandEqualOutcomesTakeNoMoreRoomThanOne() {
    let many = LedgerCoding.text(Array(repeating: Outcome.accepted(id: "batch-1"), count: 1000))
    #expect(many.utf8.count < 40)
  }

  @Test func neighboursOfOneFileShareItsName() {
    let text = LedgerCoding.text((0..<1000).map { CallMember(file: "a-rather-long-file-name", to: "\($0)") })
    #expect(text.components(separatedBy: "a-rather-long-file-name").count == 2)
  }

  @Test func recipientsHaveKeysOfTheirOwnInEveryChannelAndOnEveryDay() {
    var keys: Set<Int> = []
    for channel in ["a", "b", ""] {
      for day in [-1, 0, 1, 20_000] {
        for identity in ["", "a", "b", "ab", "+8613800138000"] { keys.insert(LedgerCoding.key(channel, day, identity)) }
      }
    }
    #expect(keys.count == 60)
    // The same in every process: what another sweeper counted must be found.
    #expect(LedgerCoding.key("alerts", 20_000, "UID_a") == LedgerCoding.key("alerts", 20_000, "UID_a"))
  }

  private func text(_ random: inout SeededGenerator) -> String {
    let words = ["", "a", "é", "e\u{301}", "\"", "\\x0a", "\u{0}", "[", "中", "b c", "],[", "+86"]
    return (0..<Int.random(in: 0...2, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }.joined()
  }

  private func outcome(_ random: inout SeededGenerator) -> Outcome {
    func maybe(_ random: inout SeededGenerator) -> String? { Bool.random(using: &random) ? text(&random) : nil }
    let state = RecipientState.allCases.randomElement(using: &random) ?? .accepted
    if state == .accepted { return .accepted(id: maybe(&random)) }
    return Outcome(
      state: state, kind: ErrorKind.allCases.randomElement(using: &random), code: maybe(&random),
      reason: maybe(&random),
      retryAfter: Bool.random(using: &random) ? Double.random(in: 0...1e9, using: &random) : nil,
      attempts: Bool.random(using: &random) ? Int.random(in: 1...9, using: &random) : nil)
  }
}
