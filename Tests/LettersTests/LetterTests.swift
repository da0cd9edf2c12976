import Core
import Testing

@testable import Letters

@Suite("A mail of any kind is a subject, a text and files")
struct LetterTests {
  private func letter(_ lines: String...) -> Letter { Letter(Array(lines.joined(separator: "\r\n").utf8)) }

  // MARK: Headers

  @Test(
    "A subject is one line, whatever it was encoded in",
    arguments: [
      ("Subject: plain", "plain"), ("SUBJECT :  spaces  ", "spaces"), ("Subject: folded\r\n\tonce", "folded once"),
      ("Subject: =?UTF-8?q?J=C3=B6rg?= =?utf-8?Q?_M=C3=BCller?=", "Jörg Müller"),
      ("Subject: =?utf-8?B?5ZGo?=\r\n =?utf-8?B?5oql?= is due", "周报 is due"),
      // A sign parted over two words.
      ("Subject: =?utf-8?B?5ZE=?= =?utf-8?B?qA==?=", "周"),
      ("Subject: =?GB2312?B?1ty8sbGo?=", "周急报"), ("Subject: =?gb18030?B?lTKCOc/C?=", "\u{20003}下"),
      ("Subject: =?ISO-8859-1?Q?F=FC=DFe_=80?=", "Füße €"), ("Subject: =?iso-8859-15*de?Q?=A4?=", "€"),
      ("Subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"), ("Subject: =?x-unknown-1?Q?abc?=", "abc"),
      ("Subject: =?utf-8?X?abc?= and =?broken", "=?utf-8?X?abc?= and =?broken"),
      ("Subject: a =?utf-8?q?b=0D=0ABcc:_evil@example.net?= c", "a b Bcc: evil@example.net c"),
      ("Subject: =?utf-8?q?=1B[31mred=00?=", "[31mred"),
    ])
  func subjects(header: String, subject: String) {
    #expect(letter(header, "", "body").subject == subject)
  }

  @Test("Raw bytes of old programs are taken for UTF-8 where they are, else for Windows' Western")
  func rawHeader() {
    #expect(Letter(Array("Subject: 中文\n\n".utf8)).subject == "中文")
    #expect(Letter(Array("Subject: F".utf8) + [0xFC, 0xDF] + Array("e\n\n".utf8)).subject == "Füße")
  }

  @Test("A text without a header is all body, and an mbox line is none")
  func headless() {
    #expect(letter("just text", "Subject: no").body == "just text\nSubject: no")
    #expect(letter("just text", "Subject: no").subject == nil)
    #expect(letter("From root Sat Nov 28", "Subject: yes", "", "text").subject == "yes")
    #expect(letter("Subject: only a header").body == "")
    #expect(Letter([]).body == "")
  }

  @Test(
    "Addresses are told from names, comments and groups",
    arguments: [
      ("root", ["root"]), ("root (Cron Daemon)", ["root"]),
      ("\"Doe, Jane\" <jane@example.org>, root", ["jane@example.org", "root"]),
      ("team: a@example.org, B <b@example.org>;, c@example.org", ["a@example.org", "b@example.org", "c@example.org"]),
      ("undisclosed-recipients:;", []), ("<@x,@y:z@example.org>", ["z@example.org"]),
      ("a@b (c, d <e@f>) , , g", ["a@b", "g"]),
      ("\"odd, name\"@example.org", ["odd,name@example.org"]),
    ] as [(String, [String])])
  func addresses(header: String, expected: [String]) {
    #expect(letter("To: \(header)", "", "").to == expected)
  }

  // MARK: Bodies

  @Test("Of several forms the plain one is the text, and of HTML alone one is made")
  func alternatives() {
    func mail(_ plain: String, _ html: String) -> Letter {
      letter(
        "Content-Type: multipart/alternative; boundary=\"=_b\"", "", "preamble", "--=_b",
        "Content-Type: text/plain; charset=utf-8", "", plain, "--=_b", "Content-Type: text/html; charset=utf-8", "",
        html,
        "--=_b--", "epilogue")
    }
    #expect(mail("plain", "<p>html</p>").body == "plain")
    #expect(mail(" ", "<p>html &amp; more</p>").body == "html & more")
    #expect(letter("Content-Type: text/html", "", "<b>a</b>").body == "a")
  }

  @Test(
    "Bodies are decoded, and control characters go",
    arguments: [
      (
        "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=utf-8",
        "F=C3=BC=\r\n=C3=9Fe =3D 1=  \r\n.", "Füße = 1."
      ),
      ("Content-Transfer-Encoding: BASE64\r\nContent-Type: text/plain; charset=\"gb18030\"", "yqfI\r\nsA==", "失劝"),
      ("Content-Type: text/plain; charset=us-ascii", "a\u{1B}[31mb\u{7}\tc", "a[31mb\tc"),
      ("Content-Type: text/plain; format=flowed", "one \r\ntwo\r\n\r\n-- \r\nsig", "one two\n\n-- \nsig"),
      ("Content-Type: text/plain; format=flowed; delsp=yes", "one \r\ntwo", "onetwo"),
      ("Content-Transfer-Encoding: 8bit", "\r\n\r\n  indented\r\n\r\n", "  indented"),
    ])
  func bodies(header: String, body: String, text: String) {
    #expect(letter(header, "", body).body == text)
  }

  @Test("What is cut, nested too deep or without end is still a mail")
  func broken() {
    var nested = "text"
    for level in (0..<60).reversed() {
      nested = "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" + nested
    }
    _ = Letter(Array(nested.utf8))
    #expect(letter("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "text").body == "text")
    #expect(letter("Content-Type: multipart/mixed", "", "--b", "", "text").attachments.count == 1)
    let many = String(repeating: "--b\n\nx\n", count: 5000)
    #expect(Letter(Array("Content-Type: multipart/mixed; boundary=b\n\n\(many)".utf8)).body.utf8.count < 5000)
  }

  @Test("Files keep their names, and a name never leads anywhere")
  func attachments() {
    func name(_ disposition: String) -> String? {
      letter(
        "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: application/pdf",
        "Content-Disposition: \(disposition)", "Content-Transfer-Encoding: base64", "", "aGk=", "--b--"
      ).attachments.first?.name
    }
    #expect(name("attachment; filename=\"a b.pdf\"") == "a b.pdf")
    #expect(name("attachment; filename*=utf-8''%E5%91%A8%20a.pdf") == "周 a.pdf")
    #expect(name("attachment; filename*1*=%A8.pdf; filename*0*=utf-8'zh'%E5%91") == "周.pdf")
    #expect(name("attachment; filename=\"=?utf-8?B?5ZGo?=.pdf\"") == "周.pdf")
    #expect(name("attachment; filename=\"../../etc/passwd\"") == "passwd")
    #expect(name("attachment; filename=\"C:\\\\x\\\\..\"") == "part-1.pdf")
    #expect(name("attachment; filename=\"a\u{1}\r\n b.pdf\"") == "a b.pdf")
    #expect(name("attachment") == "part-1.pdf")
    #expect(name("inline; filename=x.pdf") == "x.pdf")
  }

  @Test("Texts of several parts follow each other; a text with a name is a file")
  func mixed() {
    let mail = letter(
      "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "one", "--b", "Content-Type: text/plain", "", "two",
      "--b",
      "Content-Type: text/x-patch; name=\"a.patch\"", "Content-Transfer-Encoding: 8bit",
      "Content-Disposition: attachment; filename=\"a.patch\"", "", "diff", "", "--b", "Content-Type: message/rfc822",
      "",
      "Subject: inner", "", "x", "--b--")
    #expect(mail.body == "one\n\ntwo")
    #expect(mail.attachments.map(\.name) == ["a.patch", "part-2.eml"])
    #expect(mail.attachments[0].bytes == Array("diff\r\n".utf8))
  }
}

@Suite("A mail session on standard input")
struct SMTPDialogueTests {
  private func say(_ dialogue: inout SMTPDialogue, _ line: String) -> String {
    switch dialogue.take(Array(line.utf8)[...]) {
    case .reply(let text), .end(let text): text
    case .recipient(let address): dialogue.answer(address, refusal: address == "nobody" ? "no\r\n250 such" : nil)
    case .message(let envelope):
      dialogue.delivered(nil)
        + "\(envelope.from)|\(envelope.recipients.joined(separator: ","))|\(String(decoding: envelope.message, as: UTF8.self))"
    case .silent: ""
    }
  }

  @Test("From greeting to goodbye; a doubled dot is one, and what a caller says cannot add a line")
  func session() {
    var dialogue = SMTPDialogue(host: "host", limit: 1000)
    #expect(dialogue.welcome == "220 host ESMTP msgspool\r\n")
    #expect(say(&dialogue, "EHLO localhost").hasSuffix("250 SIZE 1000\r\n"))
    #expect(say(&dialogue, "RCPT TO:<root>").hasPrefix("503"))
    #expect(say(&dialogue, "DATA").hasPrefix("503"))
    #expect(say(&dialogue, "mail from:<> SIZE=20 BODY=8BITMIME").hasPrefix("250"))
    #expect(say(&dialogue, "RCPT TO:<nobody>") == "550 5.1.1 no 250 such\r\n")
    #expect(say(&dialogue, "rcpt to: root@localhost").hasPrefix("250"))
    #expect(say(&dialogue, "DATA").hasPrefix("354"))
    #expect(say(&dialogue, "Subject: x") == "")
    #expect(say(&dialogue, "..") == "")
    #expect(say(&dialogue, ".") == "250 2.0.0 accepted\r\n|root@localhost|Subject: x\n.\n")
    #expect(say(&dialogue, "QUIT").hasPrefix("221"))
  }

  @Test("What is too large, or out of turn, is refused")
  func refusals() {
    var dialogue = SMTPDialogue(host: "host", limit: 10)
    #expect(say(&dialogue, "MAIL FROM:<a@b> SIZE=11").hasPrefix("552"))
    #expect(say(&dialogue, "MAIL FROM:<a@b>").hasPrefix("250"))
    #expect(say(&dialogue, "MAIL FROM:<a@b>").hasPrefix("503"))
    #expect(say(&dialogue, "RCPT TO:<>").hasPrefix("501"))
    #expect(say(&dialogue, "RCPT TO:<a> <b>").hasPrefix("250"))
    _ = say(&dialogue, "DATA")
    _ = say(&dialogue, "0123456789")
    #expect(say(&dialogue, ".").hasPrefix("552"))
    #expect(say(&dialogue, "XYZZY").hasPrefix("500"))
    #expect(say(&dialogue, String(repeating: "x", count: 3000)).hasPrefix("500"))
  }
}
