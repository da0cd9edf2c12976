import Core
import Foundation
import Ledger
import Testing

@testable import SQLiteLedger

private let now = Date(timeIntervalSince1970: 1_800_000_000)
private let login = Date(timeIntervalSince1970: 1_799_999_000)

@Suite struct PersonalLedgerTests {
  private final class Bench {
    let path = NSTemporaryDirectory() + "/personal-\(UUID().uuidString).db"
    let ledger: SQLiteLedger

    init() throws { ledger = try SQLiteLedger(path, now: now, generation: "abcdef") }
    deinit { for end in ["", "-wal", "-shm"] { unlink(path + end) } }

    func another() throws -> SQLiteLedger { try SQLiteLedger(path, now: now, generation: "other") }
  }

  private static func message(_ id: String, _ text: String = "x", reply: ReplyWork? = nil) -> ReceivedMessage {
    ReceivedMessage(
      id: id, at: now, sender: "@s", text: text,
      correspondent: Correspondent(user: "@s", to: "老张", token: "t\(id)", since: login), mark: "m", reply: reply)
  }

  private static func proposal(_ id: String, allowance: Allowance? = nil) -> ProposedCall {
    var call = ProposedCall(
      id: id, sweep: "s", channel: "me", provider: "p", members: [CallMember(file: "f", to: "a", part: 2)], rate: 0,
      day: 0, daily: 0, dailyPerRecipient: 0, identities: [])
    call.allowance = allowance
    call.isNumbered = true
    return call
  }

  private static func propose(_ ledger: SQLiteLedger, _ call: ProposedCall, at date: Date = now) throws -> Admission {
    var group = GroupCommit(now: date)
    group.proposed = [call]
    return try ledger.commit(group)[0]
  }

  @Test("A call that is only prepared was not sent, whoever looks; from when it goes out nobody knows")
  func prepared() throws {
    let bench = try Bench()
    var call = Self.proposal("c")
    call.isPrepared = true
    _ = try Self.propose(bench.ledger, call)
    let outcome = try #require(try bench.another().call("c")?.outcomes?.first)
    #expect(outcome.state == .deferred && outcome.code == "not-sent" && !outcome.usesAttempt)
    try bench.ledger.sends("c")
    let sent = try #require(try bench.another().call("c"))
    #expect(sent.outcomes == nil)
  }

  @Test("A batch is recorded whole: ids, cursor, correspondents and what is to be answered")
  func batch() throws {
    let bench = try Bench()
    #expect(try bench.ledger.received(["1"], "me", newerThan: .distantPast).isEmpty)
    let work = ReplyWork(.text("a"), expires: now + 600, user: "@s")
    try bench.ledger.receive(
      ReceivedBatch(
        channel: "me", now: now, login: login, learned: .object([.init("buf", .string("B"))]),
        messages: [Self.message("1", reply: work), Self.message("2")], word: now))
    let other = try bench.another()
    #expect(try other.received(["1", "2", "3"], "me", newerThan: now - 1) == ["1", "2"])
    #expect(try other.received(["1"], "me", newerThan: now + 1).isEmpty)
    #expect(try other.received(["1"], "you", newerThan: .distantPast).isEmpty)
    #expect(try other.learned("me", login: login)["buf"]?.string == "B")
    #expect(try other.learned("me", login: login + 1) == .null)
    #expect(try other.correspondent("me", id: "2")?.token == "t2")
    #expect(try other.openReplies("me").map(\.work) == [work])
    #expect(try other.echoes("me", mark: "m", since: now) == ["1", "2"])
    #expect(try other.echoes("me", mark: "m", since: now + 1).isEmpty)
    #expect(try other.lastWord("me") == now)
  }

  @Test("An answer goes from pending to dropped, is remembered, and never comes twice")
  func replies() throws {
    let ledger = try Bench().ledger
    let work = ReplyWork(.text("a"), expires: now + 600, user: "@s")
    let batch = ReceivedBatch(
      channel: "me", now: now, login: login, learned: .null, messages: [Self.message("1", reply: work)])
    try ledger.receive(batch)
    let open = try #require(try ledger.openReplies("me").first)
    try ledger.note(open, .begun, at: now)
    #expect(try ledger.openReplies("me").first?.state == .begun)
    try ledger.note(open, .given("text"), at: now)
    #expect(try ledger.openReplies("me").first?.state == .given("text"))
    try ledger.note(open, .dropped("text"), at: now)
    #expect(try ledger.openReplies("me").isEmpty)
    try ledger.receive(batch)
    #expect(try ledger.openReplies("me").isEmpty)
    let talk = try ledger.talk("me", sender: "@s", user: "@s")
    #expect(talk.answers.map(\.text) == ["text"] && talk.texts.map(\.text) == ["x"])
  }

  @Test("Numbers rise over all processes, whatever the clock says")
  func numbers() throws {
    let bench = try Bench()
    var last = 0
    for (index, date) in [now, now, now - 100, now + 1].enumerated() {
      let ledger = index % 2 == 0 ? bench.ledger : try bench.another()
      guard case .start(_, let number) = try Self.propose(ledger, Self.proposal("c\(index)"), at: date) else {
        return #expect(Bool(false))
      }
      #expect(number > last)
      last = number
    }
    #expect(last == Int((now + 1).timeIntervalSince1970 * 1e4))
    #expect(try bench.ledger.call("c0")?.members == [CallMember(file: "f", to: "a", part: 2)])
  }

  @Test("An allowance is one word's, for so many calls, for so long; what was not accepted is given back")
  func allowance() throws {
    let ledger = try Bench().ledger
    let allowance = Allowance(perWord: 2, lifetime: 100)
    func isAdmitted(_ id: String, at date: Date = now) throws -> Bool {
      try Self.propose(ledger, Self.proposal(id, allowance: allowance), at: date) != .unallowed
    }
    func finish(_ id: String, spent: Bool) throws {
      var group = GroupCommit(now: now)
      var call = FinishedCall(id: id, outcomes: [.deferred(.provider)])
      call.allowance = .init(channel: "me", isSpent: spent)
      group.finished = [call]
      _ = try ledger.commit(group)
    }
    #expect(try !isAdmitted("a"))
    try ledger.receive(
      ReceivedBatch(channel: "me", now: now, login: login, learned: .null, messages: [], word: now))
    #expect(try isAdmitted("b") && isAdmitted("c"))
    #expect(try !isAdmitted("d"))
    try finish("c", spent: false)
    #expect(try isAdmitted("e"))
    try ledger.receive(
      ReceivedBatch(channel: "me", now: now, login: login, learned: .null, messages: [], word: now))
    #expect(try !isAdmitted("f", at: now + 101))
    #expect(try isAdmitted("g"))
    try finish("g", spent: true)
    #expect(try !isAdmitted("h"))
  }

  @Test("A new login begins without what the old one had learned; ids stay")
  func logins() throws {
    let ledger = try Bench().ledger
    try ledger.receive(
      ReceivedBatch(
        channel: "me", now: now, login: login, learned: .object([]), messages: [Self.message("1")], word: now))
    try ledger.prepareLogin("me", login: login + 5, learned: .object([.init("buf", .string("new"))]))
    #expect(try ledger.learned("me", login: login) == .object([]), "the old one stays in force")
    try ledger.beginLogin("me", login + 5)
    #expect(try ledger.learned("me", login: login) == .null)
    #expect(try ledger.learned("me", login: login + 5)["buf"]?.string == "new")
    #expect(try ledger.lastWord("me") == nil)
    #expect(try ledger.received(["1"], "me", newerThan: .distantPast) == ["1"])
  }
}
