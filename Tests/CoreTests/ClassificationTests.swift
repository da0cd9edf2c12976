import Core
import FoundationEssentials
import TestSupport
import Testing

private let now = moment("2026-11-22T09:00:00Z")
private let call = Call(
  id: "call-1", contents: [Content([])], recipients: [.init(Target("a")), .init(Target("b")), .init(Target("c"))])

@Suite struct ClassificationTests {
  @Test func whatWasNotSentIsTriedAgainMoreSlowly() {
    let failure = TransportFailure(code: "refused", message: "nobody listens")
    let answer = Classification.answer(.notSent(failure), to: call, by: .plain(), at: now)
    #expect(answer.advice == .slowDown(retryAfter: nil))
    #expect(
      answer.outcomes == Array(repeating: .unreached(code: "refused", reason: "nobody listens"), count: 3))
    #expect(answer.outcomes.allSatisfy { $0.kind == .network && !$0.usesAttempt })
  }

  @Test func aStepThatDeliversNothingIsAsIfItWasNeverSentWhenItIsLost() throws {
    let failure = TransportFailure(code: "timeout", message: "no token came")
    let step = Classification.proceed(
      .lost(failure), after: "token", call, by: .plain(), Session(), at: now, nonce: "")
    guard case .finish(let answer, _) = step else { throw Unexpected() }
    #expect(answer.outcomes == Array(repeating: .unreached(code: "timeout", reason: "no token came"), count: 3))
  }

  private struct Unexpected: Error {}

  @Test func aRequestThatCannotBeWrittenIsNotTriedAgain() {
    let failure = TransportFailure(code: "invalid", message: "a header holds a line break")
    let answer = Classification.answer(.notSent(failure), to: call, by: .plain(), at: now)
    #expect(answer.advice == .proceed)
    #expect(answer.outcomes.allSatisfy { $0.state == .rejected && $0.kind == .message })
  }

  @Test func aLostAnswerLeavesEverybodyInDoubt() {
    let failure = TransportFailure(code: "timeout", message: "no answer within 30 s")
    let answer = Classification.answer(.lost(failure), to: call, by: .plain(), at: now)
    #expect(
      answer.outcomes == Array(repeating: .unconfirmed(code: "timeout", reason: "no answer within 30 s"), count: 3))
    // Not invalid: it may have been carried out whatever the code is.
    let odd = Classification.answer(.lost(.init(code: "invalid", message: "")), to: call, by: .plain(), at: now)
    #expect(odd.outcomes.allSatisfy { $0.state == .unconfirmed })
  }

  @Test func whatCameBackIsTheProvidersToJudge() {
    let answer = Classification.answer(.http(HTTPResponse(status: 200)), to: call, by: .plain(), at: now)
    #expect(answer.outcomes.allSatisfy { $0.state == .accepted })
  }

  @Test func secretsAreMaskedBeforeAnybodySeesTheOutcome() {
    let channel = Channel.plain { $0.secrets = ["s3cr3t-key"] }
    let failure = TransportFailure(code: "s3cr3t-key", message: "https://x.test/s3cr3t-key.send failed")
    for reply in [Reply.lost(failure), .notSent(failure)] {
      for outcome in Classification.answer(reply, to: call, by: channel, at: now).outcomes {
        #expect(outcome.code == "***" && outcome.reason == "https://x.test/***.send failed")
      }
    }
  }
}

@Suite struct DoubtTests {
  private let lost = Outcome.unconfirmed(code: "timeout", reason: "no answer")

  @Test func aProviderWithAKeyGetsTheSameCallAgain() {
    let (outcome, question) = Doubt.resolve(
      lost, call: "call-1", startedAt: now, .plain(recovery: .idempotencyKey) { $0.onUnconfirmed = .resend }, now: now)
    #expect(outcome == lost && question?.call == "call-1" && question?.due == now + 60)
  }

  @Test func aProviderThatCanBeAskedIsAsked() {
    let (outcome, question) = Doubt.resolve(
      lost, call: "call-1", startedAt: now, .plain(recovery: .lookup(settles: 60)) { $0.onUnconfirmed = .resend },
      now: now)
    #expect(outcome == lost && question?.call == "call-1" && question?.due == now)
  }

  @Test func elseThePolicyDecides() {
    let held = Doubt.resolve(lost, call: "call-1", startedAt: now, .plain(), now: now)
    #expect(held.outcome == lost && held.question == nil)
    let resent = Doubt.resolve(lost, call: "call-1", startedAt: now, .plain { $0.onUnconfirmed = .resend }, now: now)
    #expect(resent.outcome.state == .deferred && resent.question == nil)
    #expect(resent.outcome.code == "timeout" && resent.outcome.kind == .uncertain)
  }

  @Test func holdingIsTheDefault() {
    #expect(Channel.plain().onUnconfirmed == .hold)
  }
}

@Suite struct ChannelTests {
  private func masked(_ text: String, _ secrets: String...) -> String {
    Channel.plain { $0.secrets = secrets }.masked(text)
  }

  @Test func everySecretIsMaskedEverywhere() {
    #expect(masked("key=abcdef&again=abcdef, pin 9876", "abcdef", "9876") == "key=***&again=***, pin ***")
  }

  @Test func aSecretThatBeginsAnotherDoesNotGiveAwayItsRest() {
    #expect(masked("abcdefgh abcdef", "abcdef", "abcdefgh") == "*** ***")
  }

  @Test(arguments: ["\u{301}", "\u{200D}", "\u{FE0F}", "\u{1F3FD}"])
  func anAccentBehindASecretDoesNotHideIt(mark: String) {
    // Together they make one character, in which the secret's last letter is not to be found.
    #expect(!masked("token abcdef\(mark)!", "abcdef").utf8.elementsEqual("token abcdef\(mark)!".utf8))
    #expect(masked("abcdef\(mark)", "abcdef").unicodeScalars.first == "*")
  }

  @Test func whatHoldsNoSecretIsLeftByteForByte() {
    let text = "e\u{301} \u{E9} 中 \u{0}"
    #expect(masked(text, "abcdef").utf8.elementsEqual(text.utf8))
    #expect(masked("", "abcdef") == "")
  }

  @Test func whatAProviderSaysIsRecordedMaskedWhereverItSaysIt() {
    let channel = Channel.plain { $0.secrets = ["s3cret-token"] }
    let outcome = channel.recorded(
      Outcome(state: .accepted, id: "id s3cret-token", code: "s3cret-token", reason: "no s3cret-token"))
    #expect(outcome == Outcome(state: .accepted, id: "id ***", code: "***", reason: "no ***"))
  }

  @Test func aWordOfMegabytesIsRecordedShortAndNoSecretIsCutInTwo() {
    let secret = "s3cret-token-\(String(repeating: "k", count: 60))"
    let channel = Channel.plain { $0.secrets = [secret] }
    for before in [0, 100, 930, 950, 990, 999, 1000, 1001, 1050, 1080] {
      for unit in ["x", "数", "\u{301}"] {
        let text = String(repeating: unit, count: before) + secret + String(repeating: "y", count: 100_000)
        let reason = channel.recorded(Outcome(state: .rejected, kind: .message, reason: text)).reason ?? ""
        #expect(reason.unicodeScalars.count <= 1003 && reason.hasSuffix("..."))
        #expect(!reason.contains("s3c"), "\(before)")
      }
    }
    let many = String(repeating: "\(secret) ", count: 1000)
    #expect(channel.recorded(.rejected(.message, reason: many)).reason?.contains("s3c") == false)
    let whole = String(repeating: "z", count: 1000)
    #expect(channel.recorded(.rejected(.message, reason: whole)).reason == whole)
  }

  @Test(.timeLimit(.minutes(1))) func thousandsOfRecipientsShareOneWordOfMegabytes() {
    let channel = Channel.plain { $0.secrets = ["s3cret-token"] }
    let outcome = Outcome.rejected(.message, reason: String(repeating: "s3cret-toke", count: 700_000))
    let seconds = processorSeconds {
      let answer = Classification.masked(Answer(Array(repeating: outcome, count: 2000)), channel)
      #expect(answer.outcomes.allSatisfy { ($0.reason?.utf8.count ?? 0) < 1100 })
    }
    #expect(seconds < 5)
  }

  @Test func wordsTooShortToBeSecretsStay() {
    #expect(masked("a big apple", "a", "big", "") == "a big apple")
  }

  @Test func aChannelTakesItsLimitsFromTheCard() {
    let channel = Channel.plain()
    #expect(channel.recipientsPerCall == 100 && channel.mixedRecipientsPerCall == 10)
    #expect(channel.rate == 2 && channel.dailyPerRecipient == 500 && channel.concurrency == 8)
    #expect(channel.expireAfter == 7 * 86_400 && channel.retry == RetrySchedule() && channel.daily == 0)
  }
}
