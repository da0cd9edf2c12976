import Core
import Foundation
import TestSupport
import Testing
import Transports

@Suite struct MailTests {
  private static let three = ["a@example.com", "b@example.com", "c@example.com"]

  /// The reply, as codes or as a verdict, when the server says this to commands that begin so.
  private func reply(
    _ answers: [String: MailServer.Turn], to recipients: [String] = three, security: MailRequest.Security = .none,
    login: (String, String)? = nil, capabilities: [String] = ["SIZE 1000", "SMTPUTF8", "AUTH PLAIN LOGIN"]
  ) async throws -> String {
    let server = try MailServer(capabilities: capabilities) { command, _ in
      answers.first { command.hasPrefix($0.key) }?.value
    }
    let reply = await send(.to(server.url, recipients, security: security, login: login), within: 2)
    _ = server.transcript()
    return reply.mail?.codes ?? reply.verdict
  }

  @Test func everyRecipientHasItsOwnAnswer() async throws {
    #expect(try await reply([:]) == "250 250 250 / 250 sent")
    #expect(
      try await reply(["RCPT TO:<a": .say("450 4.2.0 grey"), "RCPT TO:<c": .say("550-5.1.1 no\n550 5.1.1 such user")])
        == "450 250 550 / 250 sent")
    for code in [251, 451, 452, 551, 552, 553, 554] {
      #expect(try await reply(["RCPT TO:<b": .say("\(code) x")]) == "250 \(code) 250 / 250 sent")
    }
  }

  @Test func noMoreRecipientsAreNamedThanTheServerOffersToTake() async throws {
    let server = try MailServer(capabilities: ["SIZE 1000", "LIMITS RCPTMAX=2"])
    let transport = MailTransport.local()
    for _ in 0..<2 {
      let reply = await transport.reply(to: .mail(.to(server.url, Self.three)))
      #expect(reply.mail?.codes == "250 250 - / 250 sent")
      #expect(reply.mail?.capacity == 2)
    }
    let few = await transport.reply(to: .mail(.to(server.url, Array(Self.three.prefix(2)))))
    #expect(few.mail?.codes == "250 250 / 250 sent" && few.mail?.capacity == nil)
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        transport.shutdown()
        continuation.resume()
      }
    }
    let commands = server.transcript().filter { $0.hasPrefix("C: ") }
    // Mostly over one connection, whose offer holds for all its mails.
    #expect(commands.count { $0.hasPrefix("C: RCPT") } == 6)
    #expect(!commands.contains { $0.contains("c@example.com") })
  }

  @Test func whenAllAreRefusedNothingIsSent() async throws {
    let server = try MailServer { command, _ in command.hasPrefix("RCPT") ? .say("550 5.1.1 no") : nil }
    let reply = await send(.to(server.url, Self.three))
    #expect(reply.mail?.codes == "550 550 550 / -")
    #expect(!server.transcript().contains("C: DATA"))
  }

  @Test func aRefusalBeforeTheRecipientsIsTheAnswerToAll() async throws {
    #expect(try await reply(["GREETING": .say("554 5.7.1 go away")]) == "- - - / 554")
    #expect(try await reply(["GREETING": .say("421 4.3.2 busy")]) == "- - - / 421")
    #expect(try await reply(["MAIL": .say("552 5.3.4 too big")]) == "- - - / 552")
    #expect(try await reply(["MAIL": .say("451 4.3.0 later")]) == "- - - / 451")
    #expect(try await reply(["AUTH": .say("535 5.7.8 bad credentials")], login: ("u", "p")) == "- - - / 535")
    #expect(try await reply(["DATA": .say("554 5.5.1 no")]) == "250 250 250 / 554")
    #expect(try await reply(["EHLO": .say("502 what?"), "HELO": .say("421 no")]) == "- - - / 421")
  }

  @Test func aServerThatDoesNotAnswerQUITHoldsNobodyUp() async throws {
    let started = Date()
    #expect(try await reply(["MAIL": .say("550 5.1.0 no"), "QUIT": .wait]) == "- - - / 550")
    #expect(Date().timeIntervalSince(started) < 19)
  }

  @Test func aServerThatKnowsOnlyHELOIsServed() async throws {
    #expect(try await reply(["EHLO": .say("500 what?")]) == "250 250 250 / 250 sent")
  }

  @Test func theAnswerToTheWholeIsTheLastWord() async throws {
    for code in [250, 251, 451, 452, 550, 552, 554] {
      #expect(try await reply([".": .say("\(code) 2.0.0 x")]) == "250 250 250 / \(code) sent")
    }
    #expect(try await reply([".": .say("250-2.0.0 a\n250 b")]) == "250 250 250 / 250 sent")
  }

  @Test func whatIsLostBeforeTheDotWasNotSent() async throws {
    #expect(try await reply(["GREETING": .hangUp]) == "not sent: reset")
    #expect(try await reply(["EHLO": .hangUp]) == "not sent: reset")
    #expect(try await reply(["MAIL": .hangUp]) == "not sent: reset")
    #expect(try await reply(["RCPT TO:<a": .hangUp]) == "not sent: reset")
    #expect(try await reply(["RCPT TO:<b": .hangUp]) == "250 - - / -")
    #expect(try await reply(["RCPT TO:<b": .say("421 4.3.2 bye"), "RCPT TO:<c": .hangUp]) == "250 421 - / 421")
    #expect(try await reply(["DATA": .hangUp]) == "250 250 250 / -")
    #expect(try await reply(["GREETING": .wait]) == "not sent: timeout")
    #expect(try await reply(["DATA": .wait]) == "250 250 250 / -")
    #expect(
      try await reply(["GREETING": .say("HTTP/1.1 400 Bad Request\n\nno mail here"), "EHLO": .hangUp]).hasPrefix(
        "not sent"))
  }

  @Test func whatIsLostAfterTheDotIsInDoubt() async throws {
    #expect(try await reply([".": .hangUp]) == "lost: reset")
    #expect(try await reply([".": .wait]) == "lost: timeout")
    // Who was refused is out of doubt.
    #expect(try await reply([".": .hangUp, "RCPT TO:<b": .say("550 no")]) == "250 550 250 / - sent")
  }

  @Test func aMailBrokenOffInTheMiddleWasNotSent() async throws {
    let server = try ScriptedServer { peer in
      peer.write("220 x\r\n")
      for answer in ["250 x", "250 x", "250 x", "354 go"] {
        _ = peer.readLine()
        peer.write(answer + "\r\n")
      }
      _ = peer.readLine()
      peer.reset()
    }
    let text = String(repeating: "a line of the long text\n", count: 400_000)
    let reply = await send(.to("smtp://127.0.0.1:\(server.port)", text: text))
    #expect(reply.mail?.codes == "250 / -")
    _ = server.finish()
  }

  @Test func withoutTLSThatIsRequiredNothingIsSaid() async throws {
    #expect(try await reply([:], security: .required) == "not sent: tls")
    #expect(
      try await reply(["STARTTLS": .say("454 4.7.0 no")], security: .required, capabilities: ["STARTTLS"])
        == "- - - / 454")
    #expect(
      try await reply(["STARTTLS": .say("454 4.7.0 no")], security: .opportunistic, capabilities: ["STARTTLS"])
        == "250 250 250 / 250 sent")
    #expect(try await reply([:], security: .opportunistic) == "250 250 250 / 250 sent")
    #expect(try await reply([:], login: ("u", "p"), capabilities: ["AUTH GSSAPI"]) == "not sent: failed")
  }

  @Test func theDialogueIsAsTheRFCsSay() async throws {
    let server = try MailServer()
    let recipients = ["a@example.com", "用户@example.com"]
    #expect(await send(.to(server.url, recipients, text: ".dot\n..\nFrom here\n")).mail?.codes == "250 250 / 250 sent")
    let transcript = server.transcript()
    let commands = transcript.filter { $0.hasPrefix("C: ") }
    let size = transcript.filter { $0.hasPrefix("C| ") }.reduce(0) { $0 + $1.utf8.count - 1 }
    #expect(
      commands == [
        "C: EHLO client.example.com", "C: MAIL FROM:<alert@example.com> SIZE=\(size) SMTPUTF8",
        "C: RCPT TO:<a@example.com>", "C: RCPT TO:<用户@example.com>", "C: DATA", "C: .", "C: QUIT",
      ])
    #expect(transcript.filter { $0.hasPrefix("C| ") }.suffix(3) == ["C| =2Edot", "C| =2E.", "C| =46rom here"])
  }

  private static let jörg = HTTPHeader("Reply-To", "jörg@example.org")

  @Test func aHeaderBeyondASCIIAsksForSMTPUTF8() async throws {
    let server = try MailServer()
    let transport = MailTransport.local()
    for headers in [[Self.jörg], [HTTPHeader("Subject", "x")], [Self.jörg]] {
      let reply = await transport.reply(
        to: .mail(.to(server.url, ["a@example.com", "b@example.com"], headers: headers)))
      #expect(reply.mail?.codes == "250 250 / 250 sent")
    }
    transport.shutdown()
    let transcript = server.transcript()
    let asked = transcript.filter { $0.hasPrefix("C: MAIL") }.map { $0.hasSuffix(" SMTPUTF8") }
    #expect(asked == [true, false, true])
    #expect(Set(transcript.filter { $0.hasPrefix("C: RCPT") }).count == 2, "nobody else is named")
  }

  @Test(arguments: [[], ["SIZE 1000"], ["smtputf8"], ["XSMTPUTF8"]])
  func withoutSMTPUTF8NobodyIsNamed(capabilities: [String]) async throws {
    let server = try MailServer(capabilities: capabilities)
    let transport = MailTransport.local()
    // A kept connection says nothing more of what its server has.
    #expect(await transport.reply(to: .mail(.to(server.url))).mail?.codes == "250 / 250 sent")
    for request in [
      MailRequest.to(server.url, headers: [Self.jörg]), .to(server.url, ["jörg@example.com"]),
      .to(server.url, sender: "jörg@example.com"),
    ] {
      let mail = await transport.reply(to: .mail(request)).mail
      #expect(mail?.lacksUTF8 == true && mail?.wasSent == false)
    }
    #expect(await transport.reply(to: .mail(.to(server.url))).mail?.codes == "250 / 250 sent")
    transport.shutdown()
    let commands = server.transcript().filter { $0.hasPrefix("C: ") }
    #expect(commands.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
    #expect(commands.count { $0.hasPrefix("C: MAIL") } == 2 && commands.count { $0.hasPrefix("C: RCPT") } == 2)
  }

  @Test func withoutAnOtherNameTheServerGetsOneThatIsWhole() async throws {
    let server = try MailServer()
    #expect(await send(.to("smtp://127.0.0.1:\(server.server.port)")).mail?.codes == "250 / 250 sent")
    let hello = try #require(server.transcript().first { $0.hasPrefix("C: EHLO ") })
    let name = hello.dropFirst("C: EHLO ".count)
    #expect(name.contains(".") || name.hasPrefix("[IPv6:"))
    #expect(!name.hasPrefix("[") || name.hasSuffix("]"))
  }

  @Test func aKeptConnectionThatTheServerClosedCostsNothing() async throws {
    for turn in [MailServer.Turn.hangUp, .say("421 4.4.2 idle for too long")] {
      let server = try MailServer { command, connection in
        // The first connection takes one mail.
        connection == 1 && command.hasPrefix("MAIL FROM:<second") ? turn : nil
      }
      let transport = MailTransport.local()
      #expect(await transport.reply(to: .mail(.to(server.url))).mail?.codes == "250 / 250 sent")
      let second = await transport.reply(to: .mail(.to(server.url, sender: "second@example.com")))
      #expect(second.mail?.codes == "250 / 250 sent")
      transport.shutdown()
      let commands = server.transcript().filter { $0.hasPrefix("C: ") }
      #expect(commands.count { $0.hasPrefix("C: EHLO") } == 2 && commands.count { $0 == "C: ." } == 2)
    }
  }

  @Test(arguments: [
    "a@b\r\nRCPT TO:<x@y", "a@b>\u{0}", "a b@c", "a@b@c", "<a@b>", "nobody", "", "a@b\u{85}", "\"a\"@b",
  ])
  func anAddressThatCouldSmuggleIsRefused(address: String) async throws {
    let server = try MailServer()
    #expect(await send(.to(server.url, [address])).verdict == "not sent: invalid")
    #expect(await send(.to(server.url, sender: address)).verdict == "not sent: invalid")
    #expect(server.transcript().isEmpty)
  }

  @Test(arguments: [
    HTTPHeader("Subject", "a\r\nBcc: x@y"), HTTPHeader("Subject\r\nX", "a"), HTTPHeader("X", "\u{0}"),
    HTTPHeader("", "a"),
    HTTPHeader("Bcc", "x@y"), HTTPHeader("Content-Type", "text/html"),
    HTTPHeader("X", String(repeating: "x", count: 999)),
  ])
  func aHeaderThatCouldSmuggleIsRefused(header: HTTPHeader) async throws {
    let server = try MailServer()
    #expect(await send(.to(server.url, headers: [header])).verdict == "not sent: invalid")
    #expect(server.transcript().isEmpty)
  }

  @Test func onlyMailServersAreSpokenTo() async throws {
    for url in ["http://127.0.0.1/", "ftp://127.0.0.1/", "smtp://", "smtp:///x", "smtp://a b/", "file:///etc/passwd"] {
      #expect(await send(.to(url)).verdict == "not sent: invalid")
    }
    let transport = MailTransport.local()
    #expect(await transport.reply(to: .http(HTTPRequest(.get, "http://127.0.0.1/"))).verdict == "not sent: invalid")
    transport.shutdown()
    #expect(await transport.reply(to: .mail(.to("smtp://127.0.0.1/"))).verdict == "not sent: closed")
  }

  @Test func aShutdownBreaksOffWhatWaits() async throws {
    let server = try MailServer { command, _ in command == "." ? .wait : nil }
    let transport = MailTransport.local()
    async let reply = transport.reply(to: .mail(.to(server.url)))
    while !server.sofar.contains("C: .") { try await Task.sleep(for: .milliseconds(20)) }
    transport.shutdown(.abandon)
    #expect(await reply.verdict == "lost: abandoned")
    _ = server.transcript()
  }
}
