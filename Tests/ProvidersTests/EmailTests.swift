import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

let emailValues: [String: JSON] = [
  "url": .string("smtp://mail.example.com:587"), "from": .string("告警机器人 <alert@example.com>"),
  "username": .string("alert"), "password": .string("s3cret"),
]

@Suite struct EmailTests {
  private func make(_ changes: [String: JSON] = [:]) throws -> Email {
    try Email(settings(Email.self, emailValues.merging(changes) { $1 }))
  }

  private func request(_ message: Message, to addresses: [String] = ["a@example.com"]) throws -> MailRequest {
    let email = try make()
    guard
      case .mail(let mail) = email.exchange(
        for: try email.call(message, to: addresses), at: Date(timeIntervalSince1970: 1_700_000_000), nonce: Pinned.nonce
      )
    else { throw MessageFault("exchange", "is no mail") }
    return mail
  }

  // MARK: Recorded dialogues

  struct Recorded: CustomTestStringConvertible, Sendable {
    var name: String
    var outcome: String
    var testDescription: String { name }
  }

  @Test(arguments: [
    Recorded(name: "apprise-mailto-two-rcpt-text", outcome: "accepted accepted"),
    Recorded(name: "smtplib-all-rcpt-refused", outcome: "deferred"),
    Recorded(name: "smtplib-size-exceeded-552", outcome: "rejected"),
    Recorded(name: "smtplib-three-rcpt-8bit-dot-stuffing", outcome: "accepted accepted accepted"),
  ])
  func recordedDialoguesMatchInMeaning(recorded: Recorded) throws {
    let file = Repository.file("Tests/Fixtures/email/\(recorded.name).json")
    let golden = try #require(Value(try Data(contentsOf: file)))
    let transcript = try #require(golden["transcript"]?.strings)
    let theirs = Transcript(transcript)
    let addresses = try #require(golden["input"]?["to"]?.strings)
    let message = Message(
      body: theirs.text.isEmpty ? "x" : theirs.text, title: theirs.headers["subject"].map(decodedWords))
    let mail = try request(message, to: addresses)
    #expect(mail.sender == theirs.sender && mail.recipients == theirs.recipients)
    if let subject = theirs.headers["subject"] {
      let ours = try #require(mail.headers.first { $0.name == "Subject" }?.value)
      #expect(decodedWords(ours) == decodedWords(subject))
      #expect(mail.headers.first { $0.name == "Date" }?.value == theirs.headers["date"])
      #expect(mail.bodies.map(\.text) == [theirs.text] && mail.bodies.map(\.type) == ["text/plain"])
      if let from = golden["input"]?["from"]?.string, theirs.headers["from"]?.contains("=?") == true {
        #expect(decodedWords(mail.headers.first { $0.name == "From" }?.value ?? "") == "告警机器人 <\(from)>")
      }
    }
    let email = try make()
    let answer = email.answer(
      .mail(theirs.response), to: try email.call(message, to: addresses), at: Pinned.now)
    #expect(answer.outcomes.map(\.state.rawValue).joined(separator: " ") == recorded.outcome)
    #expect(answer.outcomes.allSatisfy { $0.state != .accepted || $0.id == "DUMMY" })
  }

  // MARK: What is sent

  @Test func theMailIsComplete() throws {
    let message = Message(
      body: "<b>x</b>", title: "磁盘 95%", format: .html, url: "https://a.example/?b=1&c=\"2\"", priority: .high,
      options: [.init("text", .string("x")), .init("reply_to", .string("ops@example.com"))])
    let mail = try request(message, to: ["a@example.com", "b@例子.测试"])
    #expect(
      mail.headers == [
        HTTPHeader("Date", "Tue, 14 Nov 2023 22:13:20 +0000"),
        HTTPHeader("From", "=?utf-8?B?5ZGK6K2m5py65Zmo5Lq6?= <alert@example.com>"),
        HTTPHeader("To", "undisclosed-recipients:;"), HTTPHeader("Subject", "=?utf-8?B?56OB55uYIDk1JQ==?="),
        HTTPHeader("Message-ID", try #require(mail.headers.first { $0.name == "Message-ID" }).value),
        HTTPHeader("Reply-To", "ops@example.com"),
        HTTPHeader("Importance", "high"), HTTPHeader("Auto-Submitted", "auto-generated"),
      ])
    #expect(mail.bodies.map(\.type) == ["text/plain", "text/html"])
    #expect(mail.bodies[0].text == "x\n\nhttps://a.example/?b=1&c=\"2\"")
    #expect(mail.bodies[1].text.contains("href=\"https://a.example/?b=1&amp;c=&quot;2&quot;\""))
    #expect(mail.recipients == ["a@example.com", "b@xn--fsqu00a.xn--0zwm56d"])
    #expect(mail.security == .required && mail.username == "alert" && mail.password == "s3cret")
    #expect(try request(message).headers.contains(HTTPHeader("To", "a@example.com")))
  }

  // MARK: What tells copies

  private func identifier(_ recipients: [Call.Recipient], id: String = "call-1", body: String = "x") throws -> String {
    let email = try make()
    let call = Call(id: id, contents: [try email.rendered(Message(body: body))], recipients: recipients)
    guard case .mail(let mail) = email.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else { return "" }
    let value = try #require(mail.headers.first { $0.name == "Message-ID" }?.value)
    #expect(value.wholeMatch(of: /<[0-9a-f-]{36}@example\.com>/) != nil)
    return value
  }

  private func recipient(_ name: String, _ key: String) throws -> Call.Recipient {
    Call.Recipient(try make().target("\(name)@example.com"), key: key)
  }

  @Test func aMessageKeepsItsIDHoweverOftenItIsSent() throws {
    let first = try identifier([recipient("a", "m1"), recipient("b", "m1")])
    #expect(try identifier([recipient("b", "m1")], id: "call-2") == first, "in another call, to fewer")
    #expect(try identifier([recipient("a", "m2")]) != first, "another message of the same text")
    #expect(try identifier([recipient("a", "m1")], body: "y") != first)
    #expect(try identifier([recipient("a", "")]) != identifier([recipient("a", "")], id: "call-2"))
  }

  @Test func aMailOfSeveralMessagesIsNoCopyOfAnotherToOneOfTheirRecipients() throws {
    let both = try identifier([recipient("a", "m1"), recipient("b", "m2")])
    #expect(try identifier([recipient("b", "m2"), recipient("a", "m1")], id: "call-2") == both)
    #expect(try identifier([recipient("b", "m1"), recipient("a", "m2")]) != both)
    #expect(try identifier([recipient("a", "m1")]) != both)
  }

  // MARK: Letters beyond ASCII

  @Test func withoutSMTPUTF8TheOneIsBlamedWhoNeedsIt() throws {
    func answer(_ changes: [String: JSON], _ message: Message, to address: String) throws -> Answer {
      let email = try make(changes)
      let reply = Reply.mail(MailResponse(recipients: [nil], final: nil, wasSent: false, lacksUTF8: true))
      return email.answer(reply, to: try email.call(message, to: [address]), at: Pinned.now)
    }
    let recipient = try answer([:], Message(body: "x"), to: "jörg@example.com")
    #expect(recipient.advice == .proceed && recipient.outcomes[0].kind == .recipient)
    #expect(recipient.outcomes[0].state == .rejected && recipient.outcomes[0].reason?.contains("SMTPUTF8") == true)
    let header = try answer([:], .with("reply_to", .string("jörg@example.org")), to: "a@example.com")
    #expect(header.outcomes[0].kind == .message && header.outcomes[0].reason?.contains("options.reply_to") == true)
    let sender = try answer(["from": .string("jörg@example.org")], Message(body: "x"), to: "a@example.com")
    #expect(sender.advice == .suspend && sender.outcomes[0].state == .deferred)
  }

  @Test func onlyWhatIsBeyondASCIINeedsSMTPUTF8() throws {
    #expect(try !request(Message(body: "é", title: "é"), to: ["a@bücher.example"]).needsUTF8)
    #expect(try request(Message(body: "x"), to: ["jörg@example.com"]).needsUTF8)
    #expect(try request(.with("reply_to", .string("jörg@example.org"))).needsUTF8)
  }

  @Test(arguments: ["\u{301}", "\u{FE0F}", "\u{200D}"]) func noMarkBreaksOutOfAnAttribute(mark: String) throws {
    let url = "https://e.example/?q=\"\(mark) onmouseover=alert(1) <\(mark)&\(mark)"
    let html = try #require(request(Message(body: "x", format: .html, url: url)).bodies.last?.text)
    #expect(html.utf8.count { $0 == UInt8(ascii: "\"") } == 2)
    #expect(html.utf8.count { $0 == UInt8(ascii: "<") } == 4)
  }

  // MARK: Settings

  @Test func theNameForEHLOIsTheOperators() throws {
    func url(_ changes: [String: String]) throws -> String {
      let email = try make(changes.mapValues(JSON.string))
      guard
        case .mail(let mail) = email.exchange(
          for: try email.call(Message(body: "x"), to: ["x@y.z"]), at: Pinned.now, nonce: Pinned.nonce)
      else { return "" }
      return mail.url
    }
    #expect(try url(["helo": "Mail.Example.com"]) == "smtp://mail.example.com:587/mail.example.com")
    #expect(try url(["helo": "büro.example"]) == "smtp://mail.example.com:587/xn--bro-hoa.example")
    #expect(try url(["helo": "[192.0.2.1]"]) == "smtp://mail.example.com:587/%5B192.0.2.1%5D")
    #expect(try url([:]) == "smtp://mail.example.com:587")
    for (helo, url) in [("a b", "smtp://h"), ("a\r\nb", "smtp://h"), ("[]", "smtp://h"), ("a.b", "smtp://h/c.d")] {
      let fault = #expect(throws: SettingFault.self) { try make(["helo": .string(helo), "url": .string(url)]) }
      #expect(fault?.setting == "helo")
    }
  }

  @Test(arguments: [
    "Bob <b@x.y>, C <c@x.y>", "b@x.y, c@x.y", "Bob, C <c@x.y>", "<b@x.y> <c@x.y>", "<b@x.y> C", "b@x.y; c@x.y",
    "\"Bob <b@x.y>", "\"Bob\\", "Bob <b@x.y", "<b@x.y,c@x.y>",
  ])
  func aMailHasOneSender(from: String) {
    #expect(#expect(throws: SettingFault.self) { try make(["from": .string(from)]) }?.setting == "from")
  }

  @Test func nobodyLearnsOfTheOtherRecipients() throws {
    let mail = try request(Message(body: "x"), to: (0..<100).map { "r\($0)@example.com" })
    #expect(mail.recipients.count == 100)
    #expect(!mail.headers.contains { header in mail.recipients.contains { header.value.contains($0) } })
  }

  @Test(
    arguments: hostileTexts + [
      "\r\nBcc: x@y", "a\nb", "=?utf-8?B?eA==?=", "two  blanks", " led", String(repeating: "x", count: 900),
    ])
  func headersHoldAnyTextOrRefuseIt(text: String) throws {
    let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    if hasControls {
      #expect(throws: MessageFault.self) { try request(Message(body: "x", title: text)) }
      #expect(throws: SettingFault.self) { try make(["from": .string("\(text) <a@b.example>")]) }
      return
    }
    let subject = try #require(
      try request(Message(body: "x", title: text)).headers.first { $0.name == "Subject" }?.value)
    #expect(subject.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    #expect(subject.split(separator: " ").allSatisfy { $0.utf8.count <= 75 })
    #expect("Subject: \(subject.prefix { $0 != " " })".utf8.count <= 76, "RFC 2047, section 2")
    #expect(decodedWords(subject) == text)
  }

  @Test(arguments: ["あいうえおかきくけこさしすせそ", String(repeating: "长", count: 200), String(repeating: "x", count: 70)])
  func noLineIsLongerThanEncodedWordsMayBe(text: String) throws {
    let subject = try #require(
      try request(Message(body: "x", title: text)).headers.first { $0.name == "Subject" }?.value)
    #expect("Subject: \(subject.prefix { $0 != " " })".utf8.count <= 76 && decodedWords(subject) == text)
    for name in [text, "\"\(text).\"", String(repeating: "word ", count: 30) + "."] {
      let email = try make(["from": .string("\(name) <a@b.c>")])
      guard
        case .mail(let mail) = email.exchange(
          for: try email.call(Message(body: "x"), to: ["x@y.z"]), at: Pinned.now, nonce: Pinned.nonce)
      else { continue }
      let from = try #require(mail.headers.first { $0.name == "From" }?.value)
      #expect("From: \(from.prefix { $0 != " " })".utf8.count <= 76 && from.hasSuffix(" <a@b.c>"))
      #expect(from.split(separator: " ").allSatisfy { $0.utf8.count <= 75 })
    }
  }

  @Test func addressesAreChecked() throws {
    let email = try make()
    for (address, wire) in [
      ("a@example.com", "a@example.com"), ("A.b+c@EXAMPLE.Com", "A.b+c@example.com"), ("o'x@a.b", "o'x@a.b"),
      ("用户@example.com", "用户@example.com"), ("a@bücher.example", "a@xn--bcher-kva.example"),
      ("a@MÜNCHEN.example", "a@xn--mnchen-3ya.example"), ("a@почта.рф", "a@xn--80a1acny.xn--p1ai"),
      ("a@他们为什么不说中文.example", "a@xn--ihqwcrb4cv8a8dqg056pqjye.example"), ("a@[192.0.2.1]", "a@[192.0.2.1]"),
      ("root@localhost", "root@localhost"), ("a@e\u{301}.example", "a@xn--9ca.example"), ("a@b\u{FE0F}.c", "a@b.c"),
      ("u@ｅｘａｍｐｌｅ.com", "u@example.com"), ("u@a。b", "u@a.b"),
    ] {
      #expect(try email.target(address).wire == wire)
    }
    #expect(try email.target("用户@a.b").lane != email.target("u@a.b").lane)
    for address in [
      "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\r\nRCPT TO:<x@y>", "a\u{0}@b", "Name <a@b",
      "A <a@b>, B <c@d>",
      "\"a\"@b", "A\r\nBcc: x@y <a@b>", "A <a b@c>", "A <>", "\"A <a@b>", "A <a@b> c",
      ".a@b", "a.@b", "a..b@c", "a@b..c", "a@-b", "a@b-", "a@b/c", "a,b@c", "a@b,c@d", "a\u{202E}@b", "a\u{2028}@b",
      "a@☃.example", "u＠example.com", String(repeating: "x", count: 65) + "@b",
      "a@" + String(repeating: "x", count: 64),
      "a@" + String(repeating: "x.", count: 130) + "y", "a@[1>]",
    ] {
      #expect(throws: RecipientFault.self, "\(address)") { try email.target(address) }
    }
  }

  @Test func settingsThatContradictAreRefused() throws {
    for (changes, setting) in [
      (["url": "http://x"], "url"), (["url": "smtp://"], "url"), (["url": "smtp://u:p@host"], "url"),
      (["url": "smtp://host?x"], "url"), (["url": "smtp://host/a b"], "url"), (["from": "nobody"], "from"),
      (["from": "x <a@b"], "from"), (["from": "a@b\r\nX: y"], "from"), (["security": "maybe"], "security"),
      (["security": "none"], "security"), (["security": "opportunistic"], "security"), (["username": ""], "username"),
    ] as [([String: String], String)] {
      let fault = #expect(throws: SettingFault.self) { try make(changes.mapValues(JSON.string)) }
      #expect(fault?.setting == setting)
    }
    for url in ["smtp://localhost:2525", "smtp://127.0.0.1", "smtps://mail.example.com", "smtp://[::1]:25/me.example"] {
      _ = try make(["security": .string("none"), "url": .string(url)])
    }
  }

  @Test func aNameBeforeTheSenderIsQuotedWhereItMust() throws {
    for (from, header) in [
      ("a@b.c", "a@b.c"), ("Ops <a@b.c>", "Ops <a@b.c>"), ("\"Ops, Inc.\" <a@b.c>", "\"Ops, Inc.\" <a@b.c>"),
      ("Ops (night) <a@b.c>", "\"Ops (night)\" <a@b.c>"), ("<a@b.c>", "a@b.c"), ("O\"o <a@b.c>", "\"O\\\"o\" <a@b.c>"),
      ("\"a \\\"b\\\" c\" <a@b.c>", "\"a \\\"b\\\" c\" <a@b.c>"), ("\"Ops\" <a@b.c>", "Ops <a@b.c>"),
      ("\"a\\\\b\" <a@b.c>", "\"a\\\\b\" <a@b.c>"), ("\"\" <a@b.c>", "a@b.c"), ("  A   B  <a@b.c> ", "A B <a@b.c>"),
    ] {
      let email = try make(["from": .string(from)])
      guard
        case .mail(let mail) = email.exchange(
          for: try email.call(Message(body: "x"), to: ["x@y.z"]), at: Pinned.now, nonce: Pinned.nonce)
      else { continue }
      #expect(mail.headers.contains(HTTPHeader("From", header)))
    }
  }

  @Test func aMailWithNothingInItIsRefused() throws {
    let email = try make()
    #expect(throws: MessageFault.self) { try email.rendered(Message()) }
    #expect(throws: MessageFault.self) {
      try email.rendered(Message(body: "x", options: [.init("text", .string("y"))]))
    }
    #expect(throws: MessageFault.self) {
      try email.rendered(Message(body: "x", options: [.init("reply_to", .string("a@b\r\nX: y"))]))
    }
    _ = try email.rendered(Message(attachments: [.init(name: "a", source: .data([1]))]))
  }
}

/// A recorded dialogue, taken apart: all transactions as one.
private struct Transcript {
  var sender = ""
  var recipients: [String] = []
  var headers: [String: String] = [:]
  var text = ""
  var response = MailResponse(recipients: [], final: nil, wasSent: false)

  init(_ lines: [String]) {
    var data: [String] = []
    var command = ""
    for line in lines {
      let rest = String(line.dropFirst(3))
      if line.hasPrefix("C| ") {
        data.append(rest.hasPrefix("..") ? String(rest.dropFirst()) : rest)
      } else if line.hasPrefix("C: ") {
        command = rest.lowercased()
        let address = rest.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" }
        if command.hasPrefix("mail") { (sender, data) = (String(address), []) }
        if command.hasPrefix("rcpt") { recipients.append(String(address)) }
      } else if let code = Int(rest.prefix(3)) {
        let said = MailResponse.Line(code: code, text: String(rest.dropFirst(4)))
        if command.hasPrefix("rcpt") { response.recipients.append(said) }
        if command == "." { (response.final, response.wasSent) = (said, true) }
      }
    }
    let end = data.firstIndex(of: "") ?? data.endIndex
    for header in data[..<end] {
      let parts = header.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1] }
    }
    let body = data[end...].dropFirst().joined(separator: "\n")
    text = headers["content-transfer-encoding"] == "quoted-printable" ? Transcript.unquoted(body) : body
  }

  private static func unquoted(_ body: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(body.replacingOccurrences(of: "=\n", with: "").utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "=") {
        bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// RFC 2047, as a reader of mail decodes it: blanks between encoded words are no text.
func decodedWords(_ header: String) -> String {
  var result = ""
  var wasEncoded = false
  for word in header.components(separatedBy: " ") {
    if let match = word.wholeMatch(of: /=\?utf-8\?([bBqQ])\?([^?]*)\?=/) {
      if !wasEncoded, !result.isEmpty { result += " " }
      let payload = String(match.2)
      if match.1.lowercased() == "b" {
        result += String(decoding: Data(base64Encoded: payload) ?? Data(), as: UTF8.self)
      } else {
        let escaped = payload.replacingOccurrences(of: "_", with: " ").replacingOccurrences(of: "=", with: "%")
        result += escaped.removingPercentEncoding ?? "?"
      }
      wasEncoded = true
    } else {
      if !result.isEmpty || wasEncoded { result += " " }
      result += word
      wasEncoded = false
    }
  }
  return result
}
