import Core
import FoundationEssentials
import TestSupport
import Testing

private typealias Result = HistoryLine.Result

private func line(_ state: MessageState, attempt: Int = 1, _ results: Result..., dropped: Date? = nil) -> HistoryLine {
  HistoryLine(at: moment("2026-11-22T09:00:00Z"), state: state, attempt: attempt, results: results, dropped: dropped)
}

extension Progress {
  fileprivate func states(_ to: String) -> [RecipientState] { (results[Verbatim(to)] ?? []).map(\.state) }
}

@Suite struct ProgressTests {
  private let drop = moment("2026-11-20T09:00:00Z")

  @Test func aFreshMessageKnowsNothing() {
    let progress = Progress([])
    #expect(progress.results.isEmpty && progress.attempts == 0 && progress.dropped == nil && progress.last == nil)
    #expect(!progress.isInDoubt)
  }

  @Test func itsFirstDropIsRememberedThroughAllRetries() {
    let lines = [line(.failed, dropped: drop), line(.deferred, dropped: drop + 5)]
    #expect(Progress(lines).born == drop && Progress(lines).dropped == drop + 5)
    #expect(Progress([line(.failed), line(.deferred, dropped: drop)]).born == drop && Progress([]).born == nil)
  }

  @Test func aMessagesKeyIsTheSameWhetherItsDropIsRememberedOrRead() throws {
    // The file system knows nanoseconds, and a history milliseconds.
    let seen = drop + 0.123456789
    let remembered = try #require(RFC3339.date(RFC3339.string(seen)))
    #expect(Call.Recipient.key(inode: 7, born: seen) == Call.Recipient.key(inode: 7, born: remembered))
    #expect(Call.Recipient.key(inode: 7, born: seen) != Call.Recipient.key(inode: 7, born: seen + 1))
    #expect(Call.Recipient.key(inode: 8, born: seen) != Call.Recipient.key(inode: 7, born: seen))
  }

  @Test func addressesAreBytes() {
    let results = Progress([
      line(.deferred, Result(to: "caf\u{E9}", state: .accepted), Result(to: "cafe\u{301}", state: .deferred))
    ]).results
    #expect(results[Verbatim("caf\u{E9}")]?.map(\.state) == [.accepted])
    #expect(results[Verbatim("cafe\u{301}")]?.map(\.state) == [.deferred])
  }

  @Test func aDeferredMessageGoesOnWhereItStood() {
    let progress = Progress([
      line(
        .deferred, attempt: 2, Result(to: "a", state: .accepted), Result(to: "b", state: .deferred),
        Result(to: "c", state: .rejected), Result(to: "d", state: .unconfirmed, call: "call-1"), dropped: drop)
    ])
    #expect(progress.attempts == 2)
    #expect(progress.dropped == drop)
    #expect(progress.states("a") == [.accepted] && progress.states("b") == [.deferred])
    #expect(progress.states("c") == [.rejected] && progress.states("d") == [.unconfirmed])
    #expect(progress.isInDoubt)
  }

  @Test func newerResultsReplaceOlderOnesAndLeaveTheOthers() {
    let progress = Progress([
      line(.deferred, attempt: 1, Result(to: "a", state: .accepted, id: "1"), Result(to: "b", state: .deferred)),
      line(.deferred, attempt: 2, Result(to: "b", state: .rejected)),
      line(.deferred, attempt: 3),
    ])
    #expect(progress.results["a"] == [Result(to: "a", state: .accepted, id: "1")])
    #expect(progress.states("b") == [.rejected])
    #expect(progress.attempts == 3)
  }

  @Test func triesThatGotNowhereAreCountedFromTheLastAttempt() {
    func tries(_ attempts: Int...) -> Int {
      Progress(
        attempts.map { HistoryLine(at: moment("2026-11-22T09:00:00Z"), state: .deferred, attempt: $0, calls: ["c"]) }
      ).unreached
    }
    #expect(tries(0) == 1 && tries(0, 0, 0) == 3 && tries(1) == 0 && tries(0, 0, 1) == 0 && tries(0, 1, 1, 1) == 2)
    // Waiting without a call is no try.
    #expect(Progress([line(.deferred, attempt: 0), line(.deferred, attempt: 0)]).unreached == 0)
    #expect(Progress([line(.deferred, attempt: 2), line(.failed, attempt: 2)]).unreached == 0)
  }

  @Test(arguments: MessageState.allCases.filter(\.isFinal))
  func afterAFinalLineOnlyWhatWasAcceptedCounts(state: MessageState) {
    let progress = Progress([
      line(
        state, attempt: 8, Result(to: "a", state: .accepted), Result(to: "b", state: .rejected),
        Result(to: "c", state: .unconfirmed, call: "call-1"), Result(to: "d", state: .deferred), dropped: drop)
    ])
    #expect(progress.states("a") == [.accepted])
    #expect(Set(progress.results.keys) == ["a"])
    // A person's retry is a new life: its attempts and its age begin again.
    #expect(progress.attempts == 0 && progress.dropped == nil)
    #expect(!progress.isInDoubt)
  }

  @Test func aRetryRemembersWhatWasAcceptedInEarlierLives() {
    let progress = Progress([
      line(.failed, attempt: 8, Result(to: "a", state: .accepted), Result(to: "b", state: .rejected)),
      line(.deferred, attempt: 1, Result(to: "b", state: .deferred), dropped: drop),
    ])
    #expect(progress.states("a") == [.accepted] && progress.states("b") == [.deferred])
    #expect(progress.attempts == 1 && progress.dropped == drop)
  }

  @Test func aLifeBeginsWhenTheMessageIsFirstSeen() {
    let now = drop + 1_000_000
    #expect(Progress([]).began(seen: nil, isHandedIn: false, now: now) == now)
    #expect(Progress([]).began(seen: drop, isHandedIn: false, now: now) == drop)
    #expect(Progress([line(.deferred, dropped: drop)]).began(seen: now - 5, isHandedIn: false, now: now) == drop)
  }

  @Test func aRetryByHandBeginsANewLifeWhateverWasSeenBefore() {
    let failed = Progress([line(.deferred, dropped: drop), line(.failed, dropped: drop)])
    let at = failed.last?.at ?? drop
    #expect(failed.began(seen: nil, isHandedIn: true, now: at + 700_000) == at + 700_000)
    #expect(failed.began(seen: at - 1, isHandedIn: true, now: at + 700_000) == at + 700_000)
    #expect(failed.began(seen: at + 600_000, isHandedIn: true, now: at + 700_000) == at + 600_000)
  }

  @Test func aDeferredMessageThatAPersonMovesToNewBeginsANewLifeUnlessASweepPutItThere() {
    let (deferred, now) = (Progress([line(.deferred, dropped: drop)]), drop + 1_000_000)
    #expect(deferred.began(seen: nil, isHandedIn: true, now: now) == now)
    #expect(deferred.began(seen: drop, isHandedIn: true, now: now) == drop)
    #expect(deferred.began(seen: nil, isHandedIn: false, now: now) == drop)
  }

  @Test func noLifeBeganLaterThanNow() {
    let deferred = Progress([line(.deferred, dropped: drop)])
    #expect(deferred.began(seen: nil, isHandedIn: false, now: drop - 7200) == drop - 7200)
    #expect(Progress([]).began(seen: drop, isHandedIn: true, now: drop - 7200) == drop - 7200)
  }

  @Test func onlyADeferredMessageIsNotFinal() {
    #expect(MessageState.allCases.filter { !$0.isFinal } == [.deferred])
  }

  // MARK: Fallbacks

  @Test func aFallbackReplacesTheWayThatWasGivenUp() {
    let progress = Progress([
      line(.deferred, Result(to: "a", state: .deferred)),
      line(.deferred, Result(to: "a", state: .deferred, channel: "sms", address: "+1")),
    ])
    #expect(progress.results["a"] == [Result(to: "a", state: .deferred, channel: "sms", address: "+1")])
  }

  @Test func aFallbackMayHaveSeveralAddresses() {
    let progress = Progress([
      line(
        .deferred, Result(to: "a", state: .accepted, channel: "sms", address: "+1"),
        Result(to: "a", state: .deferred, channel: "sms", address: "+2")),
      line(.deferred, Result(to: "a", state: .unconfirmed, channel: "sms", address: "+2", call: "c")),
    ])
    #expect(progress.states("a") == [.accepted, .unconfirmed])
  }

  @Test func aSecondFallbackReplacesTheFirst() {
    let progress = Progress([
      line(.deferred, Result(to: "a", state: .rejected, channel: "sms", address: "+1")),
      line(.deferred, Result(to: "a", state: .accepted, channel: "mail", address: "a@b")),
    ])
    #expect(progress.results["a"]?.map(\.channel) == ["mail"])
  }
}
