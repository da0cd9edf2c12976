import Core
import Testing

@testable import Transports

@Suite struct MailDialogueTests {
  /// `C` a command, `S` an answer, `D` so many bytes of the message.
  private func dialogue(_ recipients: Int, size: Int = 10, _ steps: some Sequence<String>) -> MailDialogue {
    var dialogue = MailDialogue(recipients: recipients, size: size)
    for step in steps {
      let bytes = Array((step.dropFirst(2) + "\r\n").utf8)
      bytes.withUnsafeBytes { bytes in
        switch step.first {
        case "C": dialogue.sent(bytes)
        case "S": dialogue.received(bytes)
        default: dialogue.sentMessage(Int(step.dropFirst(2)) ?? 0)
        }
      }
    }
    return dialogue
  }

  private static let opening = ["S 220 hi", "C EHLO me", "S 250-you", "S 250 SIZE", "C MAIL FROM:<a@b>", "S 250 ok"]

  @Test func answersAreMatchedInOrder() {
    let steps = [
      "C RCPT TO:<1>", "S 250 one", "C RCPT TO:<2>", "S 550-5.1.1 two", "S 550 more", "C DATA", "S 354 go", "D 10",
      "S 250 done", "C QUIT", "S 221 bye",
    ]
    let dialogue = dialogue(2, Self.opening + steps)
    #expect(dialogue.recipients == [.init(code: 250, text: "one"), .init(code: 550, text: "5.1.1 two more")])
    #expect(dialogue.final == .init(code: 250, text: "done"))
    #expect(dialogue.refusal == nil && !dialogue.mayHaveEnded)
  }

  @Test func doubtBeginsWithTheLastByteOfTheMessage() {
    let steps = Self.opening + ["C RCPT TO:<1>", "S 250 one", "C DATA", "S 354 go"]
    #expect(!dialogue(1, steps + ["D 9"]).mayHaveEnded)
    #expect(dialogue(1, steps + ["D 9", "D 1"]).mayHaveEnded)
    #expect(dialogue(1, steps + ["D 10", "C QUIT"]).mayHaveEnded)
    #expect(dialogue(1, steps + ["D 10", "C QUIT", "S 250 late"]).final?.text == "late")
    let refused = dialogue(1, steps + ["D 9", "S 552 too much"])
    #expect(refused.final == nil && refused.refusal?.code == 552 && !refused.mayHaveEnded)
  }

  @Test func aLoginCanLookLikeAnything() {
    let steps = [
      "S 220 hi", "C EHLO me", "S 250 AUTH LOGIN", "C AUTH LOGIN", "S 334 VXNlcg==", "C DATA", "S 334 UGFz", "C QUIT",
      "S 235 in", "C MAIL FROM:<a@b>", "S 250 ok", "C RCPT TO:<1>", "S 251 ok", "C DATA", "S 354 go", "D 10", "S 250 x",
    ]
    let whole = dialogue(1, steps)
    #expect(whole.recipients.map { $0?.code } == [251] && whole.final?.code == 250)
    #expect(dialogue(1, Array(steps.prefix(8)) + ["S 535 no", "C QUIT", "S 221 x"]).refusal?.code == 535)
  }

  @Test func whatIsNotSeenIsNeverTakenForUnsent() {
    // Commands of which the connection took nothing at once are seen as empty ones.
    let steps = Self.opening + ["C ", "S 250 one", "C ", "S 450 two", "C ", "S 354 go", "D 10", "S 250 done"]
    #expect(dialogue(2, steps).recipients.map { $0?.code } == [250, 450])
    #expect(dialogue(2, steps).final?.code == 250)
    let blind = dialogue(1, ["S 220 hi", "S 250 x", "S 250 y", "S 250 z", "S 354 go", "D 10"])
    #expect(blind.mayHaveEnded)
  }

  @Test func aHangUpIsTheAnswerToTheRest() {
    let dialogue = dialogue(
      3, Self.opening + ["C RCPT TO:<1>", "S 250 one", "C RCPT TO:<2>", "S 421 4.3.2 bye", "C RCPT TO:<3>"])
    #expect(dialogue.recipients.map { $0?.code } == [250, 421, nil] && dialogue.refusal?.code == 421)
  }

  @Test func theNewestEHLOsOfferCounts() {
    let plain = ["S 220 hi", "C EHLO me", "S 250-you", "S 250-limits MAILMAX=9 RcptMax=20", "S 250 STARTTLS"]
    #expect(dialogue(1, plain).offered == 20 && dialogue(1, plain).isNewConnection)
    #expect(dialogue(1, plain + ["C STARTTLS", "S 220 go", "C EHLO me", "S 250 AUTH PLAIN"]).offered == nil)
    #expect(dialogue(1, plain + ["C EHLO me", "S 250 LIMITS RCPTMAX=3"]).offered == 3)
    for line in ["LIMITS", "LIMITS RCPTMAX=", "LIMITS RCPTMAX=0", "LIMITS RCPTMAX=x", "XLIMITS RCPTMAX=5", "RCPTMAX=5"]
    {
      #expect(dialogue(1, ["S 220 hi", "C EHLO me", "S 250-you", "S 250 \(line)"]).offered == nil)
    }
    // An answer to anything else is no offer.
    #expect(dialogue(1, Self.opening + ["C RCPT TO:<1>", "S 250 LIMITS RCPTMAX=5"]).offered == nil)
    #expect(!dialogue(1, ["C MAIL FROM:<a@b>", "S 250 ok"]).isNewConnection)
  }

  @Test func dataFollowsTheLastOneNamed() {
    var dialogue = dialogue(3, Self.opening.dropLast())
    #expect(dialogue.mayNameFewer)
    dialogue.name(atMost: 1)
    for (isCommand, text) in [
      (false, "250 ok"), (true, "RCPT TO:<1>"), (false, "250 one"), (true, "DATA"), (false, "354 go"),
    ] {
      Array("\(text)\r\n".utf8).withUnsafeBytes { isCommand ? dialogue.sent($0) : dialogue.received($0) }
    }
    dialogue.sentMessage(10)
    #expect(dialogue.mayHaveEnded && !dialogue.mayNameFewer && dialogue.named == 1)
    #expect(dialogue.recipients.map { $0?.code } == [250, nil, nil])
  }

  @Test func whatIsNoAnswerIsIgnored() {
    for line in ["", "2", "25", "abc def", "-250 x", "999999"] {
      #expect(dialogue(1, Self.opening + ["C RCPT TO:<1>", "S \(line)"]).final == nil)
    }
    let long = String(repeating: "x", count: 5000)
    let dialogue = dialogue(1, Self.opening + ["C RCPT TO:<1>", "S 250-\(long)", "S 250-\(long)", "S 250 \(long)"])
    #expect((400..<1100).contains(dialogue.recipients[0]?.text.count ?? 0))
  }
}
