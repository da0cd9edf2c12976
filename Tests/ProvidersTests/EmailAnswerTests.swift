import Core
import Testing

@testable import Providers

@Suite struct EmailAnswerTests {
  private static let addresses = ["a@x.example", "b@x.example", "c@x.example"]

  /// `250` or `550 5.1.1 text`.
  private func line(_ text: String?) -> MailResponse.Line? {
    text.map { MailResponse.Line(code: Int($0.prefix(3)) ?? 0, text: String($0.dropFirst(4))) }
  }

  private func answer(_ recipients: [String?], _ final: String?, sent: Bool) throws -> Answer {
    let email = try Email(settings(Email.self, emailValues))
    let call = try email.call(Message(body: "x"), to: Array(Self.addresses.prefix(recipients.count)))
    let response = MailResponse(recipients: recipients.map(line), final: line(final), wasSent: sent)
    return email.answer(.mail(response), to: call, at: Pinned.now)
  }

  /// `deferred provider / proceed`.
  private func verdict(_ recipients: [String?], _ final: String?, sent: Bool = true) throws -> String {
    let answer = try answer(recipients, final, sent: sent)
    let states = answer.outcomes.map { "\($0.state)" + ($0.kind.map { " \($0)" } ?? "") }
    let advice =
      switch answer.advice {
      case .proceed: ""
      case .split: " / split"
      case .slowDown: " / slow"
      case .suspend: " / suspend"
      }
    return states.joined(separator: ", ") + advice
  }

  @Test(arguments: [
    ("421 4.3.2 x", "deferred provider / slow"), ("450 x", "deferred provider / slow"),
    ("454 4.7.0 TLS not available", "deferred provider / slow"),
    ("421 4.7.0 too many connections, rate limited", "deferred throttled / slow"),
    ("554 5.7.1 blocked", "deferred credentials / suspend"),
    ("530 5.7.0 login first", "deferred credentials / suspend"),
    ("535 5.7.8 x", "deferred credentials / suspend"), ("534 x", "deferred credentials / suspend"),
    ("538 x", "deferred credentials / suspend"),
    ("550 5.1.0 sender", "deferred credentials / suspend"), ("553 x", "deferred credentials / suspend"),
    ("501 5.1.7 x", "deferred credentials / suspend"), ("552 5.3.4 too big", "rejected message"),
    ("555 x", "deferred credentials / suspend"), ("250 odd", "deferred provider"),
  ])
  func refusalsBeforeTheRecipients(line: String, expected: String) throws {
    #expect(try verdict([nil], line, sent: false) == expected)
  }

  @Test(arguments: [
    ("250 2.0.0 Ok", "accepted"), ("451 4.3.0 x", "deferred provider"), ("452 4.3.1 full", "deferred provider"),
    ("450 4.7.1 rate limit exceeded", "deferred throttled / slow"), ("552 5.3.4 too big", "rejected message"),
    ("550 x", "rejected message"), ("554 5.6.0 x", "rejected message"), ("554 5.7.1 spam", "deferred credentials"),
    ("550 5.7.26 unauthenticated", "deferred credentials / suspend"), ("530 x", "deferred credentials / suspend"),
  ])
  func theAnswerToTheWhole(line: String, expected: String) throws {
    #expect(try verdict(["250 ok"], line) == expected)
    if !line.hasPrefix("2") { #expect(try verdict(["250 ok"], line, sent: false) == expected) }
  }

  @Test(arguments: [
    ("250 2.1.5 Ok", "accepted"), ("251 x", "accepted"), ("450 4.2.0 Greylisted", "deferred provider"),
    ("450 4.7.1 Greylisted", "deferred provider"), ("451 x", "deferred provider"),
    ("452 4.5.3 too many recipients", "deferred provider"),
    ("452 4.2.2 mailbox full", "deferred provider"), ("421 x", "deferred provider"),
    ("450 4.7.0 rate exceeded", "deferred throttled"),
    ("550 5.1.1 no such user", "rejected recipient"), ("551 x", "rejected recipient"),
    ("553 5.1.3 x", "rejected recipient"),
    ("552 too many recipients", "deferred provider"), ("552 5.5.3 too many recipients", "deferred provider"),
    ("552 5.2.2 mailbox full", "rejected recipient"), ("501 5.1.3 x", "rejected recipient"),
    ("554 5.7.1 Relay access denied", "deferred credentials"),
    ("550 5.7.1 policy", "deferred credentials"), ("571 x", "rejected recipient"),
  ])
  func oneRecipientsAnswerIsItsOwn(line: String, expected: String) throws {
    #expect(try verdict([line, "250 ok"], "250 ok") == "\(expected), accepted")
    // The others get the answer to the whole, whatever it is.
    if line.hasPrefix("2") { return }
    #expect(try verdict(["250 ok", line], "451 later") == "deferred provider, \(expected)")
    let lost = try verdict(["250 ok", line], nil)
    #expect(lost.hasPrefix("unconfirmed uncertain, \(expected)"))
  }

  @Test func whenAllAreRefusedEachHasItsReason() throws {
    #expect(try verdict(["550 5.1.1 x", "450 4.2.0 y"], nil, sent: false) == "rejected recipient, deferred provider")
    let relay = "554 5.7.1 <a>: Relay access denied"
    #expect(try verdict([relay, relay], nil, sent: false) == "deferred credentials, deferred credentials")
    let login = "530 5.7.0 login first"
    #expect(try verdict([login, login], nil, sent: false) == "deferred credentials, deferred credentials / suspend")
    // Suspending would give back, and send again, what somebody has got.
    #expect(try verdict([relay, "250 ok"], "250 ok") == "deferred credentials, accepted")
  }

  @Test func whatNobodySaidIsNoSuccess() throws {
    #expect(try verdict(["250 x", nil], nil, sent: false) == "deferred network, deferred network / slow")
    #expect(
      try verdict(["250 x", "421 bye", nil], "421 bye", sent: false)
        == "deferred provider, deferred provider, deferred provider")
    #expect(try verdict(["250 x", nil], "250 x") == "accepted, unconfirmed uncertain")
    #expect(try verdict(["250 x"], nil) == "unconfirmed uncertain / slow")
    #expect(try verdict(["250 x"], "250 x", sent: false) == "deferred provider")
  }

  @Test func codesAndIdsAreTheServersOwn() throws {
    let outcomes = try answer(["550 5.1.1 no such user", "250 x"], "250 2.0.0 Ok: queued as 4XyZ", sent: true).outcomes
    #expect(outcomes[0].code == "550 5.1.1" && outcomes[0].reason == "no such user")
    #expect(outcomes[1].id == "4XyZ")
    #expect(try answer(["250 x"], "250 OK id=1abc-2", sent: true).outcomes[0].id == "OK id=1abc-2")
    // A code of another class is text.
    #expect(try answer(["550 2.1.1 odd"], nil, sent: false).outcomes[0].code == "550")
  }
}
