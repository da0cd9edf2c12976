import Core
import Foundation
import TestSupport
import Testing
import Transports

/// Against aiosmtpd, which reads mail by the same RFCs and none of our code.
@Suite(.enabled(if: TestPython.with("aiosmtpd") != nil, TestPython.missing("aiosmtpd")))
struct RealMailServerTests {
  struct Record: Decodable {
    struct Part: Decodable {
      var type: String
      var name: String?
      var base64: Data
      var text: String { String(decoding: base64, as: UTF8.self) }
    }

    var from: String
    var to: [String]
    var tls: Bool
    var login: Bool
    var options: [String]
    var headers: [String: String]
    var parts: [Part]
    var defects: [String]
    var longest: Int
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What became of these mails, and what the server recorded.
  private func serve(
    _ arguments: [String] = [], scheme: String = "smtp", host: String = "127.0.0.1", caFile: String? = nil,
    _ requests: @Sendable (_ url: String) -> [MailRequest]
  ) async throws -> (replies: [Reply], records: [Record]) {
    let script = Repository.file("Tests/Fixtures/mail_server.py")
    let record = folder.url.appending(path: "record").path
    let python = try #require(TestPython.with("aiosmtpd"))
    let replies = try await whileRunning(python, [script.path, record] + arguments) { port in
      var replies: [Reply] = []
      for request in requests("\(scheme)://\(host):\(port)/client.example.com") {
        replies.append(await send(request, caFile: caFile))
      }
      return replies
    }
    let lines = (try? String(contentsOfFile: record, encoding: .utf8))?.split(separator: "\n") ?? []
    return (replies, try lines.map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) })
  }

  @Test func eachRecipientGetsWhatTheServerSays() async throws {
    let names = ["a", "gone", "full", "overfull", "grey", "elsewhere", "b"].map { "\($0)@example.com" }
    let (replies, records) = try await serve { url in
      [.to(url, names), .to(url, ["gone@example.com", "full@example.com"])]
    }
    #expect(replies.map { $0.mail?.codes } == ["250 550 452 552 450 554 250 / 250 sent", "550 452 / -"])
    #expect(replies[0].mail?.final?.text == "2.0.0 Ok: queued as Q1")
    #expect(replies[0].mail?.recipients[2]?.text == "4.2.2 Mailbox full")
    #expect(records.map(\.to) == [["a@example.com", "b@example.com"]])
  }

  @Test func textsNamesAndFilesAreReadAsTheyWereMeant() async throws {
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    let file = try folder.file("source", bytes)
    let text = "第一行：你好，世界\n.以点开头的一行\n..两点\n\nFrom here\n" + String(repeating: "long ", count: 500) + "\nend "
    let (replies, records) = try await serve { url in
      var request = MailRequest.to(
        url, ["用户@example.com"], sender: "alert@example.com",
        headers: [
          HTTPHeader("From", "=?utf-8?B?5ZGK6K2m5py65Zmo5Lq6?= <alert@example.com>"),
          HTTPHeader("To", "用户@example.com"),
          HTTPHeader("Subject", "=?utf-8?B?5ZGK6K2m77ya56OB55uY?= =?utf-8?B?IDk1JQ==?="),
          HTTPHeader("Message-ID", "<c@example.com>"),
        ],
        attachments: [
          FormPart("f", fileName: "报告 \"1\".bin", type: "application/octet-stream", .file(file)),
          FormPart("g", fileName: "note.txt", type: "text/plain", .bytes(Array("short".utf8))),
        ])
      request.bodies = [.init(type: "text/plain", text: text), .init(type: "text/html", text: "<p>ü</p>")]
      return [request]
    }
    #expect(replies.map { $0.mail?.codes } == ["250 / 250 sent"])
    let record = try #require(records.first)
    #expect(record.defects.isEmpty && record.longest <= 998)
    #expect(record.to == ["用户@example.com"] && record.options.contains("SMTPUTF8"))
    #expect(record.headers["subject"] == "告警：磁盘 95%" && record.headers["to"] == "用户@example.com")
    #expect(record.headers["from"] == "告警机器人 <alert@example.com>")
    #expect(record.parts.map(\.type) == ["text/plain", "text/html", "application/octet-stream", "text/plain"])
    // The last line's end belongs to the boundary behind it.
    #expect(record.parts[0].text.replacingOccurrences(of: "\r\n", with: "\n").trimmingCharacters(in: .newlines) == text)
    #expect(record.parts[2].name == "报告 \"1\".bin" && Array(record.parts[2].base64) == bytes)
    #expect(record.parts[3].name == "note.txt" && record.parts[3].text == "short")
    #expect(folder.openDescriptors == 0)
  }

  @Test func whatIsLostAfterTheDotIsInDoubt() async throws {
    let (replies, records) = try await serve { url in
      [
        .to(url, headers: [HTTPHeader("Subject", "drop")]),
        .to(url, ["a@example.com", "gone@example.com"], headers: [HTTPHeader("Subject", "drop")]),
        .to(url, headers: [HTTPHeader("Subject", "refuse")]),
      ]
    }
    #expect(replies.map { $0.mail?.codes ?? $0.verdict } == ["lost: reset", "250 550 / - sent", "250 / 552 sent"])
    // It had taken them.
    #expect(records.count == 3)
  }

  @Test func aMailOverTheServersSizeIsRefusedBeforeItIsSent() async throws {
    let (replies, records) = try await serve { url in
      [.to(url, attachments: [FormPart("f", fileName: "f", .bytes([UInt8](repeating: 0, count: 1_000_000)))])]
    }
    #expect(replies.map { $0.mail?.codes } == ["- / 552"] && records.isEmpty)
  }

  @Test(
    .enabled(if: find(program: "openssl") != nil, "needs the openssl command line"),
    arguments: ["--starttls", "--smtps"])
  func aLoginGoesOverTLSOnly(kind: String) async throws {
    let (certificate, key) = (folder.url.appending(path: "cert.pem").path, folder.url.appending(path: "key.pem").path)
    let made = try await run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
        certificate,
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
      ])
    try #require(made.status == 0, "\(made.stderr)")
    let scheme = kind == "--smtps" ? "smtps" : "smtp"
    let (replies, records) = try await serve(
      [kind, certificate, key, "--login"], scheme: scheme, host: "localhost", caFile: certificate
    ) { url in
      [
        .to(url, security: .required, login: ("alert", "pässword")),
        .to(url, security: .required, login: ("alert", "wrong")),
        .to(url, security: .required),
      ]
    }
    #expect(replies.map { $0.mail?.codes } == ["250 / 250 sent", "- / 535", "- / 530"])
    #expect(records.map(\.login) == [true] && records.map(\.tls) == [true])
    let (strangers, _) = try await serve([kind, certificate, key], scheme: scheme, host: "localhost") { url in
      [.to(url, security: .required)]
    }
    #expect(strangers.map(\.verdict) == ["not sent: tls"])
  }
}
