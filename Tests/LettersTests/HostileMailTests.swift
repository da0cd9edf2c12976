import Core
import TestSupport
import Testing

@testable import Letters

@Suite("Whatever the bytes of a mail are, they make a letter, and a title of one line")
struct HostileMailTests {
  private static let mails = [
    "From: =?UTF-8?q?J=C3=B6rg?= <j@x>\nTo: root, g: a@b;\nSubject: =?utf-8?B?5ZGo5oql?= =?gb18030?Q?=94=32=CF=42?=\n\nhi\n",
    "Content-Type: multipart/alternative; boundary=\"b\"\n\n--b\nContent-Type: text/plain; format=flowed\n\na \nb\n--b\n"
      + "Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<p>F=FC&uuml;&#x41;<a href='x'>y\n--b--\n",
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename*0*=utf-8''%E5%91;"
      + " filename*1=\"x.pdf\"\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b--",
  ]

  private static let pieces = [
    "\n", "\r\n", "\0", "=?", "?=", "?q?", "=", "\"", "\\", ";", "--b", "--b--", "boundary=", "*0*=", "''", "%", "<",
    "<!--", "&#", "(", ")",
    ":", ",", "Content-Type: ", "multipart/mixed; boundary=b\n\n", "charset=utf-7", "\u{FFFD}", "\u{301}",
  ]

  @Test("Of thousands of broken mails none crashes, and none gets out of its place", arguments: 1...4)
  func mutated(seed: UInt64) {
    var mutator = Mutator(seed)
    for _ in 0..<1500 {
      var bytes = Array(mutator.pick(Self.mails).utf8)
      for _ in 0..<Int.random(in: 1...8, using: &mutator.random) {
        let place = Int.random(in: 0...bytes.count, using: &mutator.random)
        switch Int.random(in: 0..<4, using: &mutator.random) {
        case 0: bytes.insert(contentsOf: mutator.pick(Self.pieces).utf8, at: place)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &mutator.random), at: place)
        case 2 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &mutator.random)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 7))
        }
      }
      let letter = Letter(bytes)
      for text in [letter.subject, letter.from, letter.date, letter.messageID].compactMap({ $0 }) {
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
      }
      for scalar in letter.body.unicodeScalars where scalar.properties.generalCategory == .control {
        #expect(scalar == "\n" || scalar == "\t")
      }
      for file in letter.attachments {
        #expect(!file.name.isEmpty && !file.name.holds("/") && file.name != ".." && file.name != ".")
        #expect(file.name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
      }
      _ = Letter.withoutBcc(bytes)
    }
  }

  @Test("What is long, deep or repeated takes no longer than its bytes")
  func large() {
    for piece in ["=?utf-8?q?=", "(", "<", "&", "--b\n", "a: b\n", "<!--", "\"", ",", " "] {
      let text = String(repeating: piece, count: 40_000)
      _ = Letter(Array("Subject: \(text)\n\nx".utf8))
      _ = Letter(Array("Content-Type: text/html\n\n\(text)".utf8))
      _ = Letter(Array("Content-Type: multipart/mixed; boundary=b\nTo: \(text)\n\n\(text)".utf8))
    }
  }
}
