import Core
import Testing

@testable import Sweeping

private let accepted = Outcome.accepted()
private let perhapsAccount = Outcome.deferred(.credentials, code: "21608").blaming(.account)
private let refused = Outcome.rejected(.provider, code: "30")
private let gone = Outcome.rejected(.recipient, code: "5.1.1").blaming(.recipient)

extension Suspicion {
  fileprivate mutating func hear(_ pairs: (String, Outcome)...) -> Finding {
    hear(pairs.map { (recipient: Verbatim($0.0), outcome: $0.1) })
  }
}

@Suite struct SuspicionTests {
  @Test func oneWitnessIsNone() {
    var suspicion = Suspicion(limit: 20)
    #expect(suspicion.hear(("a", perhapsAccount)) == .nothing)
    #expect(suspicion.hear(("a", perhapsAccount)) == .nothing, "the same recipient again is no second witness")
  }

  @Test func aSecondRecipientWithTheSameCodeIsEnough() {
    var suspicion = Suspicion(limit: 20)
    _ = suspicion.hear(("a", perhapsAccount))
    #expect(suspicion.hear(("b", perhapsAccount)) == .account(perhapsAccount))
  }

  @Test func anAcceptanceBetweenForgivesAll() {
    var suspicion = Suspicion(limit: 3)
    _ = suspicion.hear(("a", perhapsAccount), ("x", refused), ("y", refused))
    #expect(suspicion.hear(("c", accepted)) == .nothing)
    #expect(suspicion.hear(("b", perhapsAccount), ("z", refused)) == .nothing)
  }

  @Test func whoeverIsAcceptedInTheSameAnswerSpeaksForTheChannel() {
    var suspicion = Suspicion(limit: 3)
    #expect(suspicion.hear(("a", perhapsAccount), ("b", perhapsAccount), ("c", accepted)) == .nothing)
  }

  @Test func anotherCodeBeginsAnew() {
    var suspicion = Suspicion(limit: 2)
    #expect(suspicion.hear(("a", refused)) == .nothing)
    #expect(suspicion.hear(("b", .rejected(.provider, code: "31"))) == .nothing)
    #expect(suspicion.hear(("c", .rejected(.provider, code: "31"))) == .suspected(code: "31", count: 2))
  }

  @Test func theRecipientsOwnNeitherCountsNorForgives() {
    var suspicion = Suspicion(limit: 2)
    _ = suspicion.hear(("a", refused))
    #expect(suspicion.hear(("b", gone), ("c", gone), ("d", gone)) == .nothing)
    #expect(suspicion.hear(("e", refused)) == .suspected(code: "30", count: 2))
  }

  @Test func zeroNeverSuspects() {
    var suspicion = Suspicion(limit: 0)
    for number in 0..<100 { #expect(suspicion.hear(("r\(number)", refused)) == .nothing) }
  }

  @Test func oneRecipientRefusedForEverIsNoRow() {
    var suspicion = Suspicion(limit: 2)
    for _ in 0..<100 { #expect(suspicion.hear(("a", refused)) == .nothing) }
  }
}
