import Core
import FoundationEssentials
import TestSupport
import Testing

private let now = moment("2026-11-22T09:00:00Z")

private func line(
  _ state: MessageState, _ results: [(String, RecipientState)], calls: [String] = ["c1"], asking: String? = nil
) -> HistoryEntry {
  .line(
    HistoryLine(
      at: now, state: state, channel: "sms", provider: "p", attempt: 1, calls: calls,
      results: results.map { .init(to: $0.0, state: $0.1, call: $0.1 == .unconfirmed ? asking : nil) }))
}

private func receipt(_ to: String, _ state: ReceiptState, call: String = "c1") -> HistoryEntry {
  .receipt(ReceiptLine(at: now, channel: "sms", results: [.init(to: to, state: state, call: call)]))
}

private func lines(_ entries: [HistoryEntry]) -> [HistoryLine] {
  entries.compactMap(\.line)
}

@Suite struct StandingTests {
  private func state(_ entries: [HistoryEntry], _ to: Verbatim = "a") -> ReceiptState? {
    Standing.all(entries)[to]?.first?.receipt?.state
  }

  @Test func theFirstFinalWordOfTheNewestCallCounts() {
    let accepted = line(.done, [("a", .accepted)])
    #expect(state([accepted]) == nil)
    #expect(state([accepted, receipt("a", .delivered), receipt("a", .undelivered)]) == .delivered)
    #expect(state([accepted, receipt("a", .noReceipt), receipt("a", .undelivered)]) == .undelivered)
  }

  @Test func receiptsOfAnOldCallChangeNothingAfterARetry() {
    let entries = [
      line(.done, [("a", .accepted)]), receipt("a", .undelivered), line(.done, [("a", .accepted)], calls: ["c2"]),
      receipt("a", .delivered),
    ]
    #expect(state(entries) == nil)
    #expect(state(entries + [receipt("a", .delivered, call: "c2")]) == .delivered)
  }

  private func parted(
    _ calls: [String], _ states: [RecipientState], _ state: MessageState = .done, call: String? = nil
  ) -> HistoryEntry {
    let parts = states.enumerated().map { HistoryLine.Part("text \($0.offset + 1)", $0.element) }
    let result = HistoryLine.Result(to: "a", state: states.last ?? .accepted, call: call, parts: parts)
    return .line(HistoryLine(at: now, state: state, channel: "sms", attempt: 1, calls: calls, results: [result]))
  }

  @Test func aTextInPartsIsDeliveredWhenAllOfThemAreAndUndeliveredWhenOneIsNot() {
    let sent = parted(["c1", "c2", "c3"], [.accepted, .accepted, .accepted])
    let two = [sent, receipt("a", .delivered), receipt("a", .delivered, call: "c2")]
    #expect(state(two) == nil)
    #expect(state(two + [receipt("a", .delivered, call: "c2")]) == nil, "the same news twice")
    #expect(state(two + [receipt("a", .acknowledged, call: "c3")]) == .acknowledged)
    #expect(state(two + [receipt("a", .noReceipt, call: "c3")]) == .noReceipt)
    #expect(state(two + [receipt("a", .undelivered, call: "c3")]) == .undelivered)
    #expect(state(two + [receipt("a", .noReceipt, call: "c3"), receipt("a", .delivered, call: "c3")]) == .delivered)
    #expect(state([sent, receipt("a", .undelivered), receipt("a", .delivered, call: "c2")]) == .undelivered)
  }

  @Test func partsOfEarlierAttemptsArePartsOfTheTextStill() {
    let first = parted(["c1"], [.accepted, .deferred], .deferred)
    let second = parted(["c2"], [.accepted, .accepted])
    #expect(state([first, second, receipt("a", .delivered)]) == nil)
    #expect(state([first, second, receipt("a", .delivered), receipt("a", .delivered, call: "c2")]) == .delivered)
    // Sent again as a whole it is another text.
    let again = parted(["c3", "c4"], [.accepted, .accepted])
    #expect(state([first, second, receipt("a", .undelivered), again, receipt("a", .delivered, call: "c2")]) == nil)
  }

  @Test func whatBecomesOfPartsTogether() {
    #expect(Standing.whole([]) == nil && Standing.whole([nil]) == nil)
    #expect(Standing.whole([.delivered, nil]) == nil && Standing.whole([.undelivered, nil]) == .undelivered)
    #expect(Standing.whole([.noReceipt, .delivered]) == .noReceipt && Standing.whole([.delivered, .read]) == .read)
  }

  @Test func aReceiptOfSomebodyWhoWasNotAcceptedIsNone() {
    #expect(state([line(.failed, [("a", .rejected)]), receipt("a", .delivered)]) == nil)
  }
}

@Suite struct UndeliveredTests {
  private let done = line(.done, [("a", .accepted), ("b", .accepted)])

  private func open(_ entries: [HistoryEntry]) -> Set<String> {
    let again = Undelivered(entries)
    let results = Progress(lines(entries), again: again).results
    return Set(["a", "b", "c"].filter { results[Verbatim($0)] == nil })
  }

  @Test func aMessageThatComesBackFromDoneIsForThoseWhoDidNotGetIt() {
    #expect(open([done, receipt("a", .undelivered), receipt("b", .delivered)]) == ["a", "c"])
  }

  @Test func anOrdinaryRetryLeavesThemAlone() {
    let failed = line(.failed, [("a", .accepted), ("b", .rejected)])
    #expect(open([failed, receipt("a", .undelivered)]) == ["b", "c"])
  }

  @Test func aRetryOfTheUndeliveredLeavesTheRejectedAlone() {
    let failed = line(.failed, [("a", .accepted), ("b", .rejected)])
    #expect(open([failed, receipt("a", .undelivered), .retry(at: now)]) == ["a", "c"])
  }

  @Test func aDeferredMessageGoesOnAsItIs() {
    let deferred = line(.deferred, [("a", .accepted), ("b", .deferred)])
    #expect(!open([deferred, receipt("a", .undelivered)]).contains("a"))
  }

  @Test func onlyWhatBecameOfTheNewestCallCounts() {
    #expect(
      open([done, receipt("a", .undelivered), .retry(at: now), line(.done, [("a", .accepted)], calls: ["c2"])]) == ["c"]
    )
  }
}

@Suite struct DoubtEndTests {
  private func end(
    _ entries: [HistoryEntry], call: String = "c1", _ to: String...
  ) -> (state: MessageState, proven: [String])? {
    DoubtEnd.line(entries, call: call, to.map { ($0, nil) }, at: now).map { ($0.state, $0.results.map(\.to)) }
  }

  @Test func aMessageOfWhichEverybodyWasAcceptedIsDone() throws {
    let entry = try #require(
      DoubtEnd.line([line(.unconfirmed, [("a", .unconfirmed)])], call: "c1", [("a", nil)], at: now))
    #expect(entry.state == .done && entry.error == nil)
    #expect(entry.results.allSatisfy { $0.state == .accepted && $0.isByReceipt && $0.call == "c1" })
  }

  @Test func othersStayWhatTheyAre() {
    let two = line(.unconfirmed, [("a", .unconfirmed), ("b", .unconfirmed)])
    #expect(end([two], "a")?.state == .unconfirmed)
    #expect(end([line(.unconfirmed, [("a", .unconfirmed), ("b", .rejected)])], "a")?.state == .failed)
    #expect(end([line(.deferred, [("a", .unconfirmed), ("b", .deferred)])], "a")?.state == .deferred)
    let asked = line(.deferred, [("a", .unconfirmed), ("b", .unconfirmed)], asking: "c1")
    #expect(end([asked], "a")?.state == .deferred)
    #expect(end([asked], "a", "b")?.state == .done)
  }

  @Test func whoIsToBeSentToAgainAsNobodyKnewIsSpared() {
    let resend = line(.deferred, [("a", .deferred)])
    #expect(end([resend], "a")?.state == .done)
    // Lost once more meanwhile: the first call has reached it all the same.
    let twice = [resend, line(.deferred, [("a", .deferred)], calls: ["c2"])]
    #expect(end(twice, "a")?.state == .done && end(twice, call: "c2", "a")?.state == .done)
    #expect(end([resend, line(.done, [("a", .accepted)], calls: ["c2"])], "a") == nil)
    #expect(end([line(.deferred, [("a", .deferred), ("b", .deferred)])], "a")?.state == .deferred)
  }

  @Test func onlyTheCallsOwnDoubtEnds() {
    let doubt = line(.unconfirmed, [("a", .unconfirmed)])
    #expect(end([doubt], call: "another", "a") == nil)
    #expect(end([doubt], "b") == nil)
    #expect(end([doubt, line(.done, [("a", .accepted)], calls: ["c2"])], "a") == nil)
  }

  @Test func whoeverClaimsItThenSendsToNobody() throws {
    // The file was claimed because its doubt had ended, and its sweeper was killed: it must not be sent again.
    let doubt = line(.deferred, [("a", .unconfirmed)], asking: "c1")
    let entry = try #require(DoubtEnd.line([doubt], call: "c1", [("a", nil)], at: now))
    let progress = Progress(lines([doubt]) + [entry])
    #expect(progress.results["a"]?.map(\.state) == [.accepted])
  }
}
