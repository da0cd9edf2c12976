import Core
import Testing

@testable import Providers

/// What mail servers say, in their own words, and whose trouble it is.
@Suite struct SMTPVerdictTests {
  private static let addresses = ["relay@x.example", "helo-sender@x.example", "daily.limit@x.example", "d@x.example"]

  private func line(_ text: String?) -> MailResponse.Line? {
    text.map { MailResponse.Line(code: Int($0.prefix(3)) ?? 0, text: String($0.dropFirst(4))) }
  }

  private func answer(_ recipients: [String?], _ final: String?, sent: Bool, capacity: Int? = nil) throws -> Answer {
    let email = try Email(settings(Email.self, emailValues))
    let addresses = recipients.indices.map { $0 < 4 ? Self.addresses[$0] : "r\($0)@x.example" }
    let call = try email.call(Message(body: "x"), to: addresses)
    let response = MailResponse(
      recipients: recipients.map(line), final: line(final), wasSent: sent, capacity: capacity)
    return email.answer(.mail(response), to: call, at: Pinned.now)
  }

  private func summary(_ outcome: Outcome) -> String {
    "\(outcome.state) \(outcome.kind.map { "\($0)" } ?? "-") \(outcome.blame)"
  }

  @Test(arguments: [
    "550 5.1.1 <relay@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
    "550 5.1.1 <relay@x.example>: Recipient address rejected: User unknown in relay recipient table",
    "550 User unknown in relay recipient table", "550 5.1.1 helo-sender@x.example does not exist: daily limit exceeded",
    "550 5.1.1 Sender address rejected, client host blocked, relay access denied, HELO", "553 5.1.3 bad syntax",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "556 5.1.10 Recipient address has null MX", "550 5.1.2 <d@x>: Recipient address rejected: Domain not found",
    "550 5.2.1 The email account that you tried to reach is disabled", "552 5.2.2 mailbox over quota, daily limit",
    "550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents it",
    "550 No such user here", "550 Unrouteable address", "550 Invalid User", "550 User suspended",
    "550 Mailbox not found",
    "550 The recipient may contain a non-existent account, please check the recipient address.",
    "504 5.5.2 <d>: Recipient address rejected: need fully-qualified address",
  ])
  func anUnknownMailboxIsTheAddresssOwnTroubleWhateverWordsFollow(text: String) throws {
    let beside = try answer(["250 ok", text], "250 ok", sent: true)
    #expect(beside.outcomes[0].state == .accepted && beside.advice == .proceed && beside.capacity == nil)
    #expect(summary(beside.outcomes[1]) == "rejected recipient recipient")
    let all = try answer([text, text, text], nil, sent: false)
    #expect(all.outcomes.allSatisfy { summary($0) == "rejected recipient recipient" } && all.advice == .proceed)
  }

  @Test(arguments: [
    "554 5.7.1 <a@b>: Relay access denied", "454 4.7.1 <a@b>: Relay access denied", "550 5.7.1 Unable to relay",
    "550 5.7.1 <a@b>... Relaying denied. IP name lookup failed [192.0.2.1]", "550 relay not permitted",
    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "550 5.7.64 TenantAttribution; Access Denied",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "550 RP:FRL mx1",
    "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
    "450 4.1.8 <a@b>: Sender address rejected: Domain not found",
    "450 4.7.1 <vm>: Helo command rejected: Host not found",
  ])
  func whatMayBeTheAccountsIsPutOffUntilASecondOneHearsIt(text: String) throws {
    for answer in [
      try answer([text], nil, sent: false), try answer([text, text], nil, sent: false),
      try answer([text, "250 ok"], "250 ok", sent: true),
    ] {
      #expect(summary(answer.outcomes[0]) == "deferred credentials account")
      #expect(answer.advice == .proceed && answer.outcomes[0].attempts == nil)
    }
  }

  @Test(arguments: ["550 5.7.1 Delivery not authorized, message refused", "550 Access denied", "554 5.7.0 policy"])
  func aPolicyThatNamesNobodyIsPutOffToo(text: String) throws {
    let answer = try answer([text], nil, sent: false)
    #expect(summary(answer.outcomes[0]) == "deferred credentials account" && answer.advice == .proceed)
  }

  @Test(arguments: [
    "550 x", "551 x", "553 x", "571 x", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
    "554 5.7.1 <d@x>: Recipient address rejected: Access denied", "550 Mailbox unavailable or access denied",
    "550 5.1.0 Address rejected",
  ])
  func aRefusalThatNobodyCanPlaceIsTheRecipientsAndCounts(text: String) throws {
    let answer = try answer([text], nil, sent: false)
    #expect(summary(answer.outcomes[0]) == "rejected recipient unclear" && answer.advice == .proceed)
  }

  static let ofTheSender = [
    "504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname",
    "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "554 5.7.1 <a@b>: Sender address rejected: Access denied",
    "553 5.7.1 <a@b>: Sender address rejected: not owned by user x@y",
    "553 5.7.1 <a@b>: Sender address rejected: not logged in",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "550 5.1.8 Access denied, bad outbound sender",
    "550 5.1.0 <a@b>: Sender address rejected: User unknown in relay recipient table",
    "501 5.1.7 Bad sender address syntax", "553 5.1.8 <a@b>... Domain of sender address a@b does not exist",
    "550-Verification failed for <a@b> No Such User Here Sender verify failed", "550 5.7.23 SPF validation failed",
    "550 5.7.1 <d@x>: Recipient address rejected: Message rejected due to: SPF fail - not authorized",
    "554 5.2.252 SendAsDenied; a@b not allowed to send as c@d", "530 5.7.0 Authentication required",
    "550 5.7.27 Sender address has null MX",
  ]

  @Test(arguments: ["552 5.3.4 Message size exceeds fixed limit", "553 5.6.7 Non-ASCII addresses not permitted"])
  func whatIsTheMailsIsTheMailsWhereverItIsSaid(text: String) throws {
    for answer in [
      try answer([nil], text, sent: false), try answer([text], nil, sent: false),
      try answer(["250 ok"], text, sent: true),
    ] {
      #expect(summary(answer.outcomes[0]) == "rejected message unclear" && answer.advice == .proceed)
    }
  }

  @Test(arguments: ofTheSender)
  func whatIsSurelyTheSendersOrTheClientsStopsTheChannelAndFailsNobody(text: String) throws {
    let one = try answer([text], nil, sent: false)
    // What is said of the sender to one recipient is for a second witness; what is said of the client is not.
    let isOfClient = ["Helo", "Client host", "530 "].contains { text.contains($0) }
    #expect(summary(one.outcomes[0]) == "deferred credentials account")
    #expect(one.advice == (isOfClient ? .suspend : .proceed))
    // Who is unknown besides proves nothing for the sender.
    let mixed = try answer(["550 5.1.1 no such user", text], nil, sent: false)
    #expect(mixed.outcomes[0].state == .rejected && mixed.rest == .untilNextSweep)
    #expect(mixed.advice == (isOfClient ? .suspend : .proceed))
    // That others were taken does: it cannot be the sender that is refused.
    let taken = try answer(["250 ok", text], "250 ok", sent: true)
    #expect(taken.outcomes[0].state == .accepted && taken.advice == .proceed)
    #expect(summary(taken.outcomes[1]) == "deferred credentials account")
    // At MAIL, or at the dot.
    #expect(try answer([nil], text, sent: false).advice == .suspend)
    #expect(try answer(["250 ok"], text, sent: true).advice == .suspend)
  }

  @Test(arguments: ["554 5.7.1 x", "554 No SMTP service here", "521 x", "503 AUTH first", "504 x", "550 x", "555 x"])
  func aRefusalBeforeAnybodyWasNamedIsTheChannels(text: String) throws {
    let answer = try answer([nil, nil], text, sent: false)
    #expect(answer.advice == .suspend && answer.outcomes.allSatisfy { $0.state == .deferred })
  }

  @Test(arguments: [
    "550 5.4.5 Daily user sending limit exceeded", "550-5.4.5 Daily SMTP relay limit exceeded for customer",
    "550 5.4.5 x", "550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients",
    "454 Throttling failure: Daily message quota exceeded.", "550 RP:TRC 163 smtp1", "554 MI:STC 163 smtp1",
    "550 5.7.232 tenant has exceeded", "452 4.7.1 You have reached your limit of 500 messages per day",
  ])
  func aDaysLimitIsAQuotaThatRestsUntilTheDayEnds(text: String) throws {
    for answer in [
      try answer([text, text], nil, sent: false), try answer([nil], text, sent: false),
      try answer(["250 ok"], text, sent: false), try answer(["250 ok", "250 ok"], text, sent: true),
      // The others had gone before it was reached.
      try answer(["250 ok", text], "250 ok", sent: true),
    ] {
      #expect(answer.outcomes.last.map(summary) == "deferred quota account")
      #expect(answer.advice == .suspend && answer.rest == .untilTomorrow)
    }
  }

  @Test(arguments: [
    "550 Ip frequency limited", "550 Sender frequency limited", "451 RP:QRC x",
    "450 4.7.1 Error: too much mail from 192.0.2.1",
    "421 4.7.28 Our system has detected an unusual rate of mail from your IP address",
    "550 5.7.1 exceeded hourly limit",
    "450 4.7.1 Error: too many recipients from 192.0.2.1",
  ])
  func aRateIsWaitedFor(text: String) throws {
    let answer = try answer([text], nil, sent: false)
    #expect(answer.outcomes[0].kind == .throttled && answer.outcomes[0].state == .deferred)
    #expect(answer.advice == .slowDown(retryAfter: nil))
  }

  @Test(arguments: [
    "450 4.7.1 <d@x>: Recipient address rejected: Greylisted", "451 4.7.1 Client host rejected: Greylisting in action",
    "450 4.1.1 <d@x>: Recipient address rejected: unverified address: connect to relay.x: sender address refused",
    "452 4.2.2 mailbox full, relay", "450 4.2.0 x", "450 4.3.2 administrative", "450 4.7.1 administrative",
  ])
  func greylistingIsNobodysTrouble(text: String) throws {
    let answer = try answer([text], nil, sent: false)
    #expect(summary(answer.outcomes[0]) == "deferred provider unclear" && answer.advice == .proceed)
  }

  // MARK: Too many recipients

  @Test(arguments: [
    "452 4.5.3 Too many recipients", "552 Too many recipients", "552 5.5.3 x", "550 5.5.3 RESOLVER.ADR.RecipLimit",
    "554 5.5.3 x", "452 x", "550 RP:RCL mx", "550 Requested mail action not taken: too much recipient",
  ])
  func theSurplusGoesWithTheNextMailAndCostsNoAttempt(text: String) throws {
    let answer = try answer(["250 ok", "250 ok", text, text, text], "250 ok", sent: true)
    #expect(answer.outcomes.map(\.state) == [.accepted, .accepted, .deferred, .deferred, .deferred])
    #expect(answer.outcomes.map(\.isSurplus) == [false, false, true, true, true])
    #expect(answer.outcomes[2...].allSatisfy { !$0.usesAttempt && $0.code?.hasPrefix(text.prefix(3)) == true })
    #expect(answer.capacity == 2 && answer.advice == .proceed)
    // The first ones' fate does not matter to the others.
    let late = try self.answer(["250 ok", "250 ok", text], "451 later", sent: true)
    #expect(late.outcomes.map(\.isSurplus) == [false, false, true] && late.capacity == 2)
  }

  @Test func whoeverIsTheFirstAndOneTooManyWaits() throws {
    let answer = try answer(["452 4.5.3 Too many recipients"], nil, sent: false)
    #expect(!answer.outcomes[0].isSurplus && answer.outcomes[0].usesAttempt && answer.capacity == nil)
    #expect(answer.outcomes[0].state == .deferred)
  }

  @Test func aLimitOnOneDomainsRecipientsTeachesNoCapacity() throws {
    let answer = try answer(["250 ok", "452 4.5.3 too many in this domain", "250 ok"], "250 ok", sent: true)
    #expect(answer.outcomes.map(\.isSurplus) == [false, true, false] && answer.capacity == nil)
  }

  @Test(arguments: ["452 4.3.1 no room", "552 mailbox full", "452 4.2.2 over quota", "452 insufficient system storage"])
  func aFullDiskIsNoLimitOnRecipients(text: String) throws {
    let answer = try answer(["250 ok", text], "250 ok", sent: true)
    #expect(!answer.outcomes[1].isSurplus && answer.capacity == nil)
    let between = try self.answer(["250 ok", "452 x", "250 ok"], "250 ok", sent: true)
    #expect(!between.outcomes[1].isSurplus && between.capacity == nil, "those behind it were taken")
  }

  @Test func aServerThatHangsUpOnTooManyHasTaughtItsLimit() throws {
    let many = "452 4.5.3 Too many recipients"
    let answer = try answer(["250 ok", "250 ok", many, "421 4.7.0 too many errors", nil], "421 4.7.0 x", sent: false)
    #expect(answer.capacity == 2)
    #expect(answer.outcomes.map(\.isSurplus) == [true, true, true, false, true])
  }

  @Test func anAnnouncedLimitIsKept() throws {
    let answer = try answer(["250 ok", "250 ok", nil, nil], "250 ok", sent: true, capacity: 2)
    #expect(answer.outcomes.map(\.isSurplus) == [false, false, true, true] && answer.capacity == 2)
    #expect(answer.outcomes[0].state == .accepted && answer.outcomes[2].reason?.contains("2 recipients") == true)
    // Before anybody was named it was not the number that was refused.
    let early = try self.answer([nil, nil], "451 later", sent: false, capacity: 1)
    #expect(early.outcomes.allSatisfy { !$0.isSurplus })
    let lost = try self.answer(["250 ok", nil], nil, sent: true, capacity: 1)
    #expect(lost.outcomes.map(\.state) == [.unconfirmed, .deferred])
  }

  @Test func aMailRefusedWholeForOneOfItsRecipientsOrTheirNumberGoesInHalves() throws {
    for text in [
      "554 5.5.3 Too many recipients", "452 4.5.3 x", "550 5.1.1 No such user",
      "554 Message rejected: Email address is not verified. The following identities failed the check",
      "550 5.7.1 Sandbox subdomains are for test purposes only", "552 5.2.2 mailbox full",
    ] {
      #expect(try answer(["250 ok", "250 ok"], text, sent: true).advice == .split)
      #expect(try answer(["250 ok"], text, sent: true).advice == .proceed)
    }
    #expect(try answer(["250 ok", "250 ok"], "554 5.7.1 spam", sent: true).advice == .proceed)
    #expect(try answer(["250 ok", "250 ok"], "554 5.6.0 x", sent: true).advice == .proceed)
  }
}
