import Core
import Foundation
import Sweeping
import TestSupport
import Testing

@testable import Providers

@Suite struct EmailHeaderTests {
  private func request(_ message: Message, to addresses: [String] = ["a@example.com"]) throws -> MailRequest {
    let email = try Email(settings(Email.self, emailValues))
    let call = try email.call(message, to: addresses)
    guard case .mail(let mail) = email.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else {
      throw MessageFault("exchange", "is no mail")
    }
    return mail
  }

  @Test func aRecipientMayHaveAName() throws {
    let email = try Email(settings(Email.self, emailValues))
    func header(_ address: String, also others: [String] = []) throws -> String? {
      try request(Message(body: "x"), to: [address] + others).headers.first { $0.name == "To" }?.value
    }
    #expect(try header("Bob <b@x.y>") == "Bob <b@x.y>" && header("<b@x.y>") == "b@x.y")
    #expect(try header("\"Doe, J\" <j@X.y>") == "\"Doe, J\" <j@x.y>")
    #expect(try header("李雷 <l@x.y>") == "=?utf-8?B?5p2O6Zu3?= <l@x.y>")
    #expect(try header("Bob <b@x.y>", also: ["c@x.y"]) == "undisclosed-recipients:;")
    #expect(try request(Message(body: "x"), to: ["Bob <b@x.y>"]).recipients == ["b@x.y"])
    // A name makes no other recipient of an address.
    #expect(try email.target("Bob <b@x.y>").identity == email.target("b@x.y").identity)
    #expect(try email.target("Bob <b@x.y>").address == "Bob <b@x.y>")
    // An address that is a secret goes by its name in the book, which is no name for strangers.
    var target = try email.target("b@x.y")
    target.address = "Boss <secret>"
    let call = Call(id: "1", contents: [try email.rendered(Message(body: "x"))], recipients: [.init(target)])
    guard case .mail(let mail) = email.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else { return }
    #expect(mail.headers.contains(HTTPHeader("To", "b@x.y")))
  }

  @Test func answersMayGoToSomebodyWithAName() throws {
    func header(_ replyTo: String) throws -> String? {
      try request(.with("reply_to", .string(replyTo))).headers.first { $0.name == "Reply-To" }?.value
    }
    #expect(try header("Jörg <j@bücher.example>") == "=?utf-8?B?SsO2cmc=?= <j@xn--bcher-kva.example>")
    #expect(try header("ops@example.com") == "ops@example.com")
    for wrong in ["A <a@b>, B <c@d>", "A <a@b", "A\r\nBcc: x@y <a@b>", "A"] {
      #expect(#expect(throws: MessageFault.self) { try header(wrong) }?.field == "options.reply_to")
    }
  }

  @Test func headersOfOnesOwnAreCheckedAndEncoded() throws {
    func headers(_ members: [JSON.Member]) throws -> [HTTPHeader] {
      try request(.with("headers", .object(members))).headers
    }
    let given = try headers([
      .init("List-Id", .string("<ops.example.com>")), .init("X-Where", .string("机房 3")), .init("X-None", .null),
    ])
    #expect(given.contains(HTTPHeader("List-Id", "<ops.example.com>")))
    #expect(
      given.contains {
        $0.name == "X-Where" && decodedWords($0.value) == "机房 3" && $0.value.utf8.allSatisfy { $0 < 0x80 }
      })
    #expect(!given.contains { $0.name == "X-None" })
    for (name, value) in [
      ("Bcc", JSON.string("x@y")), ("FROM", .string("x@y")), ("Content-Type", .string("text/html")),
      ("Resent-To", .string("x@y")), ("Message-ID", .string("<x@y>")), ("X Y", .string("a")), ("X:", .string("a")),
      ("X\r\nBcc", .string("x@y")), ("X-É", .string("a")), ("", .string("a")), ("X-A", .string("a\r\nBcc: x@y")),
      ("X-A", .string("a\u{0}b")), ("X-A", .string("")), ("X-A", .integer(1)),
      ("X-A", .string(String(repeating: "x", count: 2_001))),
    ] {
      let fault = #expect(throws: MessageFault.self) { try headers([.init(name, value)]) }
      #expect(fault?.field == "options.headers.\(name)")
    }
    #expect(throws: MessageFault.self) { try headers([.init("X-A", .string("a")), .init("x-a", .string("b"))]) }
  }

  @Test func aMailInHTMLHasATextToo() throws {
    func bodies(_ html: String, url: String? = nil) throws -> [MailRequest.Body] {
      try request(Message(body: html, format: .html, url: url)).bodies
    }
    let both = try bodies(
      "<style>p{}</style><p>95&nbsp;% &lt;full&gt;</p><p>see <a href=\"https://a.b/c\">there</a></p>")
    #expect(both.map(\.type) == ["text/plain", "text/html"])
    #expect(both[0].text == "95 % <full>\n\nsee there <https://a.b/c>")
    #expect(try bodies("<b>x</b>", url: "https://a.b").map(\.text)[0] == "x\n\nhttps://a.b")
    #expect(try bodies("<img src=\"x\">").map(\.type) == ["text/html"], "nothing to read")
  }

  // MARK: Copies

  /// The mails that a message makes, one a call, by the recipients of each.
  private func mails(
    to: [String], _ options: [JSON.Member], book: [Verbatim: [Contact]] = [:]
  ) throws -> [(mail: MailRequest, to: [String])] {
    let channel = Channel("mail", try Email(settings(Email.self, emailValues)))
    channel.recipients = book
    let message = Message(channel: "mail", to: to, body: "x", options: options)
    let route = Router(.of(channel)).route(message, Progress([]), dropped: Pinned.now, now: Pinned.now)
    guard case .go(let itinerary) = route else { throw MessageFault("route", "\(route)") }
    var grouper = Grouper<Int>(capacity: channel.recipientsPerCall)
    for leg in itinerary.legs {
      if case .send = leg.start { grouper.add(.init(leg.target, leg.content, .normal, 0)) }
    }
    grouper.flush()
    var mails: [(mail: MailRequest, to: [String])] = []
    while let batch = grouper.next() {
      let call = Call(
        id: "1", contents: [batch.entries[0].content], recipients: batch.entries.map { Call.Recipient($0.target) })
      guard case .mail(let mail) = channel.provider.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else {
        throw MessageFault("exchange", "is no mail")
      }
      mails.append((mail, batch.entries.map(\.target.address)))
    }
    return mails
  }

  private func header(_ name: String, _ mail: MailRequest) -> String? { mail.headers.first { $0.name == name }?.value }

  @Test func copiesAreRecipientsOfTheirOwnAndStandInTheHeader() throws {
    let mails = try mails(
      to: ["Bob <b@x.y>"], [.init("cc", .strings(["\"Doe, C\" <c@X.y>", "李雷 <l@x.y>", "b@x.y"]))])
    #expect(mails.count == 1)
    let (mail, to) = mails[0]
    #expect(
      mail.recipients == ["b@x.y", "c@x.y", "l@x.y"] && to == ["Bob <b@x.y>", "\"Doe, C\" <c@X.y>", "李雷 <l@x.y>"])
    #expect(header("To", mail) == "Bob <b@x.y>")
    #expect(header("Cc", mail) == "\"Doe, C\" <c@x.y>, =?utf-8?B?5p2O6Zu3?= <l@x.y>, b@x.y")
  }

  @Test func oneCopyNeedsNoListAndNobodySeesABlindOne() throws {
    let mail = try mails(to: ["b@x.y"], [.init("cc", .string("c@x.y")), .init("bcc", .string("d@x.y"))])[0].mail
    #expect(mail.recipients == ["b@x.y", "c@x.y", "d@x.y"])
    #expect(header("To", mail) == "b@x.y" && header("Cc", mail) == "c@x.y")
    #expect(!mail.headers.contains { $0.name.lowercased() == "bcc" || $0.value.contains("d@x.y") })
  }

  @Test func severalInToDoNotSeeEachOtherBesideACopyEither() throws {
    let mail = try mails(to: ["a@x.y", "b@x.y"], [.init("cc", .string("c@x.y"))])[0].mail
    #expect(header("To", mail) == "undisclosed-recipients:;" && header("Cc", mail) == "c@x.y")
  }

  @Test func copiesMayBeNamesInTheBookAndSecretOnesStandInNoHeader() throws {
    let book: [Verbatim: [Contact]] = [
      "team": ["t1@x.y", "Two <t2@x.y>"], "boss": [Contact(secret: "s3cret@x.y", shown: "boss")],
    ]
    let (mail, to) = try mails(to: ["b@x.y"], [.init("cc", .strings(["team", "boss"]))], book: book)[0]
    #expect(mail.recipients == ["b@x.y", "t1@x.y", "t2@x.y", "s3cret@x.y"])
    #expect(to == ["b@x.y", "t1@x.y", "Two <t2@x.y>", "boss"])
    #expect(header("Cc", mail) == "t1@x.y, Two <t2@x.y>")
  }

  @Test func aCopyThatIsNoAddressIsThatCopysTroubleAlone() throws {
    let channel = Channel("mail", try Email(settings(Email.self, emailValues)))
    let message = Message(
      channel: "mail", to: ["b@x.y"], body: "x", options: [.init("cc", .strings(["nobody", "c@x.y"]))])
    let route = Router(.of(channel)).route(message, Progress([]), dropped: Pinned.now, now: Pinned.now)
    guard case .go(let itinerary) = route else { return #expect(Bool(false)) }
    let decided = itinerary.legs.map {
      if case .decided(let outcome) = $0.start { outcome.state == .rejected } else { false }
    }
    #expect(itinerary.legs.map(\.to) == ["b@x.y", "nobody", "c@x.y"] && decided == [false, true, false])
  }

  @Test func aCopyWithLettersBeyondASCIIIsNoTroubleOfOthers() throws {
    let mails = try mails(to: ["b@x.y"], [.init("cc", .strings(["jörg@x.y", "c@x.y"]))])
    let plain = try #require(mails.first { $0.to.contains("b@x.y") }?.mail)
    let other = try #require(mails.first { $0.to == ["jörg@x.y"] }?.mail)
    #expect(header("Cc", plain) == "c@x.y" && header("Cc", other) == "jörg@x.y, c@x.y")
    #expect(header("To", other) == "b@x.y")
  }

  @Test func onlyTheCopyThatIsTriedAgainGetsTheMailAndItsHeadersAreTheSame() throws {
    let channel = Channel("mail", try Email(settings(Email.self, emailValues)))
    let message = Message(channel: "mail", to: ["b@x.y"], body: "x", options: [.init("cc", .string("c@x.y"))])
    let line = HistoryLine(
      at: Pinned.now, state: .deferred, attempt: 1,
      results: [.init(to: "b@x.y", state: .accepted), .init(to: "c@x.y", state: .deferred)], dropped: Pinned.now)
    let route = Router(.of(channel)).route(message, Progress([line]), dropped: Pinned.now, now: Pinned.now)
    guard case .go(let itinerary) = route, let leg = itinerary.legs.first else { return #expect(Bool(false)) }
    #expect(itinerary.legs.count == 1)
    let call = Call(id: "1", contents: [leg.content], recipients: [.init(leg.target)])
    guard case .mail(let mail) = channel.provider.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else {
      return
    }
    #expect(mail.recipients == ["c@x.y"] && header("To", mail) == "b@x.y" && header("Cc", mail) == "c@x.y")
  }
}
