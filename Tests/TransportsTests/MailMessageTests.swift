import Core
import Foundation
import Testing

@testable import Transports

@Suite struct MailMessageTests {
  private func wire(_ request: MailRequest) throws -> [String] {
    let message = try MailMessage(request) { openForTest($0) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1000)
    while let count = buffer.withUnsafeMutableBytes({ message.read(into: $0) }), count > 0 { bytes += buffer[..<count] }
    #expect(bytes.count == message.size, "the announced size")
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasSuffix("\r\n"))
    return text.dropLast().components(separatedBy: "\r\n")
  }

  private func decoded(quotedPrintable lines: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines {
      var rest = Array(line.utf8)[...]
      var isSoft = false
      while let byte = rest.popFirst() {
        if byte != UInt8(ascii: "=") {
          bytes.append(byte)
        } else if rest.isEmpty {
          isSoft = true
        } else {
          bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
          rest = rest.dropFirst(2)
        }
      }
      if !isSoft { bytes += [13, 10] }
    }
    return bytes
  }

  static let texts =
    [
      "", "a", "plain text\nof two lines", "\n\n\n", ".\n..\n...", "告警：磁盘 95%",
      "mostly ascii, one ä, and that is all of it",
      "a=b", "trailing \nblanks\t\n", "From me\n--\nregards", "a\rb\nc\r\nd", "nul\0\u{7F}\u{1B}[31m",
      String(repeating: "x", count: 5000),
      String(repeating: "é.", count: 2000), String(repeating: "x", count: 75) + "=y",
      String(repeating: "x", count: 76) + " ",
      String(repeating: "x", count: 75) + ".ü\n.", "emoji 👩‍💻 e\u{301}\u{2028}x",
    ] + (70...80).map { String(repeating: "y", count: $0) + "ä" }

  @Test(arguments: texts)
  func anyTextSurvivesInAnyEncoding(text: String) {
    let lines = MailEncoding.lines(of: Array(text.utf8))
    let expected = lines.flatMap { $0 + [13, 10] }
    for encoding in [MailEncoding(for: lines), .quotedPrintable, .base64] {
      let wire = encoding.encode(lines)
      let physical = String(decoding: wire, as: UTF8.self).components(separatedBy: "\r\n").dropLast()
      for line in physical {
        #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 9 }, "\(encoding)")
        #expect(line.utf8.count <= (encoding == .sevenBit ? 78 : 76))
        #expect(!line.hasPrefix(".") && !line.hasPrefix("--") && !line.hasPrefix("From "))
        #expect(encoding == .sevenBit || !(line.hasSuffix(" ") || line.hasSuffix("\t")))
      }
      switch encoding {
      case .sevenBit: #expect(wire == expected)
      case .quotedPrintable: #expect(decoded(quotedPrintable: Array(physical)) == expected)
      case .base64: #expect(Data(base64Encoded: physical.joined()).map(Array.init) == expected)
      }
    }
  }

  @Test func theMostReadableSafeEncodingIsChosen() {
    let encoding = { (text: String) in MailEncoding(for: MailEncoding.lines(of: Array(text.utf8))) }
    #expect(encoding("plain\ntext") == .sevenBit)
    #expect(encoding("mostly plain, with an ä") == .quotedPrintable)
    #expect(encoding("服务器告警：磁盘使用率 95%") == .base64)
    #expect(encoding(String(repeating: "x", count: 79)) == .quotedPrintable)
  }

  @Test(arguments: [0, 1, 2, 3, 56, 57, 58, 114, 115, 29_184, 29_185, 100_000])
  func anAttachmentsSizeIsKnownBeforehand(count: Int) throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let file = try folder.file("f", bytes)
    for source in [ByteSource.bytes(bytes), .file(file)] {
      let lines = try wire(.to("smtp://x", attachments: [FormPart("a.bin", fileName: "a.bin", source)]))
      let start = try #require(lines.firstIndex { $0.contains("filename=") }) + 2
      let encoded = lines[start...].prefix { !$0.hasPrefix("--") }
      #expect(encoded.allSatisfy { $0.utf8.count <= 76 })
      #expect(Data(base64Encoded: encoded.joined()).map(Array.init) == bytes)
    }
    #expect(folder.openDescriptors == 0)
  }

  @Test func alternativesAndAttachmentsNest() throws {
    var request = MailRequest.to(
      "smtp://x", attachments: [FormPart("r", fileName: "r.txt", type: "text/plain", .bytes([65]))])
    request.bodies = [.init(type: "text/plain", text: "plain"), .init(type: "text/html", text: "<b>html</b>")]
    let lines = try wire(request)
    #expect(
      lines.dropFirst(2) == [
        "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=\"=_msgspool_mixed\"", "",
        "--=_msgspool_mixed", "Content-Type: multipart/alternative; boundary=\"=_msgspool_alternative\"", "",
        "--=_msgspool_alternative", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "",
        "plain",
        "--=_msgspool_alternative", "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 7bit", "",
        "<b>html</b>",
        "--=_msgspool_alternative--",
        "--=_msgspool_mixed", "Content-Type: text/plain", "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;", " filename=\"r.txt\"", "", "QQ==",
        "--=_msgspool_mixed--",
      ])
  }

  @Test func namesOfFilesFollowRFC2231() throws {
    let name = { (name: String) in
      try wire(.to("smtp://x", attachments: [FormPart("x", fileName: name, .bytes([]))]))
        .filter { $0.contains("filename") }
    }
    #expect(try name("a b.txt") == [" filename=\"a b.txt\""])
    #expect(try name("报.txt") == [" filename*=utf-8''%E6%8A%A5.txt"])
    #expect(try name("a\"b\\.txt") == [" filename*=utf-8''a%22b%5C.txt"])
    let long = try name(String(repeating: "报告", count: 10))
    #expect(long.count == 4 && long[0].hasPrefix(" filename*0*=utf-8''%E6") && long[1].hasPrefix(" filename*1*=%"))
    #expect(long.allSatisfy { $0.utf8.count <= 78 })
  }

  @Test func longHeadersAreFoldedAtSpaces() throws {
    let value = (0..<40).map { "word\($0)" }.joined(separator: " ")
    let lines = try wire(.to("smtp://x", headers: [HTTPHeader("Subject", value)]))
    let header = lines.prefix { !$0.hasPrefix("MIME") }
    #expect(header.count > 3 && header.allSatisfy { $0.utf8.count <= 76 })
    #expect(header.dropFirst().allSatisfy { $0.hasPrefix(" word") })
    #expect(header.joined() == "Subject: " + value)
  }
}
