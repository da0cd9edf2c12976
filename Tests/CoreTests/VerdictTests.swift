import FoundationEssentials
import TestSupport
import Testing

@testable import Core

private let now = moment("2026-11-22T09:00:00Z")

private func leg(_ to: String = "a", _ channel: String = "plain", isFallback: Bool = false) -> Itinerary.Leg {
  Itinerary.Leg(
    to: to, original: to, channel: channel, isFallback: isFallback, target: Target("\(to)!"), content: Content([]),
    start: .send)
}

private func result(_ outcome: Outcome?, _ to: String = "a", isTried: Bool = true, due: Date? = nil) -> LegResult {
  LegResult(leg(to), outcome: outcome, isTried: isTried, due: due)
}

private func itinerary(attempts: Int = 0, hasRejected: Bool = false) -> Itinerary {
  Itinerary(channel: .plain(), attempts: attempts, hasRejected: hasRejected)
}

private func written(
  _ results: [LegResult], attempts: Int = 0, hasRejected: Bool = false, calls: [String] = [], random: Double = 0.5
) -> HistoryLine? {
  Verdict.line(
    itinerary(attempts: attempts, hasRejected: hasRejected), results, calls: calls,
    .init(now: now, sweep: "sweep-1", dropped: now - 60, random: random))
}

@Suite struct VerdictTests {
  // MARK: The state of the whole

  /// What one recipient may have come to.
  private enum Case: CaseIterable {
    case untried, accepted, deferred, rejected, unconfirmed, asked

    var result: LegResult {
      switch self {
      case .untried: LegResult(leg())
      case .accepted: LegResult(leg(), outcome: .accepted(id: "1"), isTried: true)
      case .deferred: LegResult(leg(), outcome: .deferred(.throttled, code: "d", reason: "later"), isTried: true)
      case .rejected: LegResult(leg(), outcome: .rejected(.recipient, code: "r", reason: "never"), isTried: true)
      case .unconfirmed: LegResult(leg(), outcome: .unconfirmed(code: "u", reason: "lost"), isTried: true)
      case .asked:
        LegResult(
          leg(), outcome: .unconfirmed(code: "q", reason: "asked"), isTried: true, question: ("call-1", now + 9))
      }
    }

    /// In their order (contract, section 4).
    var isDeferring: Bool { [.untried, .deferred, .asked].contains(self) }
  }

  @Test(arguments: [false, true]) func everyCombinationOfThreeIsWhatTheContractSays(hasRejected: Bool) {
    let none: [[Case]] = [[]]
    let one = Case.allCases.map { [$0] }
    let two = Case.allCases.flatMap { a in Case.allCases.map { [a, $0] } }
    let three = two.flatMap { pair in Case.allCases.map { pair + [$0] } }
    for combination in none + one + two + three {
      let line = written(combination.map(\.result), hasRejected: hasRejected)
      if !combination.isEmpty, combination.allSatisfy({ $0 == .untried }) {
        #expect(line == nil, "\(combination): nothing was tried, so nothing is written")
        continue
      }
      let expected: MessageState =
        if combination.contains(where: \.isDeferring) { .deferred } else if combination.contains(.unconfirmed) {
          .unconfirmed
        } else if hasRejected || combination.contains(.rejected) { .failed } else { .done }
      #expect(line?.state == expected, "\(combination) \(hasRejected)")
      // An error if and only if it is not done; a due time if and only if it is deferred.
      #expect((line?.error == nil) == (expected == .done), "\(combination) \(hasRejected)")
      #expect((line?.due != nil) == (expected == .deferred), "\(combination) \(hasRejected)")
      // Who was not tried has no result; everybody else has one.
      #expect(line?.results.count == combination.count { $0 != .untried })
    }
  }

  @Test func whenAllWereAcceptedBeforeTheMessageIsDone() {
    #expect(written([])?.state == .done)
    #expect(written([], hasRejected: true)?.state == .failed)
    #expect(written([], attempts: 3)?.attempt == 3)
  }

  // MARK: The line

  @Test func theLineSaysEverythingThatTheContractLists() throws {
    let line = try #require(written([result(.accepted(id: "m-1"))], attempts: 2, calls: ["c1", "c2"]))
    #expect(line.at == now && line.sweep == "sweep-1" && line.channel == "plain" && line.provider == "plain")
    #expect(line.attempt == 3 && line.calls == ["c1", "c2"] && line.dropped == now - 60 && line.due == nil)
    #expect(line.results == [.init(to: "a", state: .accepted, id: "m-1")])
  }

  @Test func waitingUsesUpNoAttempt() throws {
    let waits = result(.deferred(.quota, code: "daily", reason: "the limit"), isTried: false, due: now + 3600)
    #expect(written([waits], attempts: 2)?.attempt == 2)
    #expect(written([waits, result(.accepted())], attempts: 2)?.attempt == 3)
  }

  @Test func whatArrivesOtherwiseThanItWasWrittenIsSaid() throws {
    let line = try #require(written([result(.accepted(id: "1", reason: "sent as plain text: misread"))]))
    #expect(line.state == .done)
    #expect(line.results == [.init(to: "a", state: .accepted, id: "1", reason: "sent as plain text: misread")])
  }

  @Test func acceptedRecipientsHaveNoReasonAndTheOthersKeepTheProvidersOwn() throws {
    let line = try #require(
      written([
        result(Outcome(state: .accepted, id: "1", code: "0", reason: "ok")),
        result(.rejected(.recipient, code: "21211", reason: "invalid number"), "b"),
      ]))
    #expect(line.results[0] == .init(to: "a", state: .accepted, id: "1"))
    #expect(line.results[1] == .init(to: "b", state: .rejected, code: "21211", reason: "invalid number"))
  }

  @Test func aFallbacksResultNamesItsChannelAndAddress() throws {
    let through = LegResult(leg("a", "sms", isFallback: true), outcome: .accepted(), isTried: true)
    let line = try #require(written([through]))
    #expect(line.results == [.init(to: "a", state: .accepted, channel: "sms", address: "a!")])
  }

  @Test func aQuestionIsRememberedByItsCall() throws {
    let asked = LegResult(leg(), outcome: .unconfirmed(), isTried: true, question: ("call-7", now + 30))
    let line = try #require(written([asked]))
    #expect(line.results.first?.call == "call-7" && line.due == now + 30)
    #expect(line.error?.kind == .uncertain && line.error?.hint?.contains("asked") == true)
  }

  // MARK: When next

  @Test func theNextTryIsTheEarliestAnybodyNeeds() {
    let results = [
      result(.deferred(.throttled, retryAfter: 500)), result(.deferred(.network), "b"),
      result(.deferred(.quota), "c", isTried: false, due: now + 7),
    ]
    #expect(written(results)?.due == now + 7)
    #expect(written([results[0]])?.due == now + 500)
    #expect(written([results[1]])?.due == now + 60)
    #expect(written([results[1]], attempts: 2)?.due == now + 240)
    #expect(written([results[1]], random: 0)?.due == now + 54)
  }

  @Test func whoIsBackFromASuspendedChannelIsLookedAtSoon() {
    #expect(written([result(.accepted()), LegResult(leg("b"))])?.due == now + Verdict.suspensionPause)
  }

  @Test func whatNeverGotThroughWaitsLongerEachTime() throws {
    var line = try #require(written([result(.unreached())], calls: ["c1"]))
    #expect(line.attempt == 0 && line.due == now + 60)
    var history: [HistoryLine] = []
    for expected in [120.0, 240, 480] {
      history.append(line)
      let progress = Progress(history)
      var next = itinerary(attempts: progress.attempts)
      next.unreached = progress.unreached
      line = try #require(
        Verdict.line(
          next, [result(.unreached())], calls: ["c"], .init(now: now, sweep: "s", dropped: now, random: 0.5)))
      #expect(line.attempt == 0 && line.due == now + expected)
    }
    // Once it gets through it is as with any other attempt.
    var next = itinerary()
    next.unreached = 4
    let reached = Verdict.line(
      next, [result(.deferred(.provider))], calls: ["c"], .init(now: now, sweep: "s", dropped: now, random: 0.5))
    #expect(reached?.attempt == 1 && reached?.due == now + 60)
  }

  @Test func anAttemptCountsWhereSomebodysWasOne() {
    #expect(
      written([result(.unreached()), result(.deferred(.provider), "b")], attempts: 2, calls: ["c"])?.attempt == 3)
    #expect(written([result(.surplus()), result(.unreached(), "b")], attempts: 2, calls: ["c"])?.attempt == 2)
    // Refused by a channel that gave up, and waiting for the fallback's.
    let onward = LegResult(leg(isFallback: true), outcome: .unreached(), isTried: true, refusal: .rejected(.recipient))
    #expect(written([onward], attempts: 2, calls: ["c"])?.attempt == 3)
    // A call that suspended its channel was nobody's attempt.
    let bad = result(.rejected(.recipient), isTried: false)
    #expect(written([LegResult(leg()), bad], attempts: 2, calls: ["c"])?.attempt == 2)
  }

  @Test func aSurplusGoesOutAtOnce() {
    #expect(written([result(.surplus())], attempts: 5, calls: ["c"])?.due == now)
  }

  // MARK: Giving up

  @Test func theLastAllowedDeferralIsFinal() {
    let schedule = RetrySchedule(attempts: 3)
    let deferred = Outcome.deferred(.network, code: "refused", reason: "no connection")
    #expect(Verdict.final(deferred, attempt: 2, schedule) == deferred)
    let final = Verdict.final(deferred, attempt: 3, schedule)
    #expect(final.state == .rejected && final.kind == .network && final.code == "refused")
    #expect(final.reason == "gave up after 3 attempts: no connection")
    #expect(Verdict.final(deferred, attempt: 1, RetrySchedule(attempts: 1)).reason?.contains("1 attempt:") == true)
  }

  @Test func whatUsesNoAttemptIsNeverGivenUp() {
    for outcome in [Outcome.unreached(), .surplus()] {
      #expect(Verdict.final(outcome, attempt: 100, RetrySchedule(attempts: 1)) == outcome)
    }
  }

  @Test func theProviderMayAllowFewerAttemptsButNotMore() {
    let schedule = RetrySchedule(attempts: 3)
    #expect(Verdict.final(.deferred(.provider, attempts: 2), attempt: 2, schedule).state == .rejected)
    #expect(Verdict.final(.deferred(.provider, attempts: 9), attempt: 3, schedule).state == .rejected)
  }

  @Test(arguments: [Outcome.accepted(), .rejected(.message), .unconfirmed()])
  func onlyDeferralsAreGivenUp(outcome: Outcome) {
    #expect(Verdict.final(outcome, attempt: 100, RetrySchedule(attempts: 1)) == outcome)
  }

  // MARK: The error

  @Test func theErrorIsThatOfWhoMadeTheMessageWhatItIs() {
    let rejected = result(.rejected(.recipient, code: "r", reason: "never"))
    let deferred = result(.deferred(.network, code: "d", reason: "later"), "b")
    let lost = result(.unconfirmed(code: "u", reason: "lost"), "c")
    #expect(written([rejected, deferred, lost])?.error?.code == "d")
    #expect(written([rejected, lost])?.error?.code == "u")
    #expect(written([result(.accepted()), rejected])?.error?.code == "r")
    #expect(written([lost])?.error?.hint?.contains("--state unconfirmed") == true)
  }

  @Test func anEarlierRejectionIsTheErrorOnlyOfAFailedMessage() {
    #expect(written([result(.accepted())], hasRejected: true)?.error?.kind == .recipient)
    // Deferred because the rest was not sent: the rejection of long ago is not why.
    let waiting = written([result(.accepted()), LegResult(leg("b"))], hasRejected: true)
    #expect(waiting?.state == .deferred && waiting?.error?.kind == .provider)
  }
}
