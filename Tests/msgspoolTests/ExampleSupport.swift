import Foundation
import TestSupport
import Testing

/// The two that every example is written in.
enum ExampleLanguage: String, CaseIterable, CustomTestStringConvertible {
  case sh, python3

  var testDescription: String { rawValue }
  var suffix: String { self == .sh ? "sh" : "py" }
}

/// The programs in Sources/Extras/Examples.
enum Example: String, CaseIterable {
  case weather = "weather-alert"
  case limit = "daily-limit"
  case build = "build-failed"
  case certificate = "certificate-expires"
  case mail = "mail-reminder"

  /// What they call, and cannot do without.
  static let missing = ["sh", "python3", "curl", "iconv", "openssl"].filter { find(program: $0) == nil }

  static let folder = Repository.file("Sources/Extras/Examples").path

  /// What it has to be told, to read from a server at this port of this machine.
  func source(at port: some BinaryInteger) -> [String] {
    switch self {
    case .weather: ["--url", "http://127.0.0.1:\(port)/forecast", "--latitude", "30.27", "--longitude", "120.15"]
    case .limit: ["--url", "http://127.0.0.1:\(port)/q=", "--share", "sh600000"]
    case .build: ["--url", "http://127.0.0.1:\(port)/cc.xml"]
    case .certificate: ["--host", "127.0.0.1:\(port)"]
    case .mail: ["--url", "imap://127.0.0.1:\(port)", "--user", "me"]
    }
  }

  /// Runs it as cron would: with a PATH, a HOME, and no locale.
  func run(
    _ language: ExampleLanguage, in yard: Yard, _ arguments: [String], to spool: String? = nil
  ) async throws -> Ran {
    try FileManager.default.createDirectory(atPath: yard.root + "/bin", withIntermediateDirectories: true)
    symlink(try #require(builtProgram()), yard.root + "/bin/msgspool")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return try await TestSupport.run(
      language.rawValue,
      ["\(Self.folder)/\(rawValue).\(language.suffix)", "--spool", spool ?? yard.spool] + arguments,
      env: [
        "PATH": "\(yard.root)/bin:\(path)", "HOME": yard.root, "MAIL_PASSWORD": #"p"w\d"#,
        "PYTHONDONTWRITEBYTECODE": "1",
      ],
      directory: yard.root, timeout: patience)
  }
}

extension Yard {
  /// What waits in new/, as its producers wrote it.
  func waiting() throws -> [[String: Any]] {
    try names("new").map { name in
      let data = try Data(contentsOf: URL(filePath: path("new/\(name)")))
      return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
  }

  /// How many requests the sandbox got.
  var requests: Int {
    ((try? String(contentsOfFile: root + "/requests", encoding: .utf8)) ?? "").split(separator: "\n").count
  }

  /// What an example remembers, where nobody tells it another place.
  func memory(_ example: Example) -> String { "\(root)/.local/state/msgspool/\(example.rawValue)" }

  /// Fails where a memory was left half written.
  func expectNothingHalfWritten() {
    let folder = URL(filePath: memory(.build)).deletingLastPathComponent().path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    #expect(names.allSatisfy { Example(rawValue: $0) != nil }, "\(names)")
  }
}

/// A web server that answers everything with this.
func answering(_ body: some Collection<UInt8> & Sendable, status: String = "200 OK") throws -> ScriptedServer {
  try ScriptedServer { peer in
    while peer.readRequest() != nil {
      peer.write("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\r\n")
      peer.write(Array(body))
    }
  }
}

/// An IMAP server (RFC 3501) with a box of unread mail, which lets `me` in with the password of `Example.run`.
func mailbox(_ uids: [Int], validity: Int = 77) throws -> ScriptedServer {
  try ScriptedServer { peer in
    peer.write("* OK ready\r\n")
    while let line = peer.readLine() {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      guard words.count == 2 else { return }
      let (tag, command) = (words[0], words[1])
      var end = "OK done"
      switch command.uppercased() {
      case "CAPABILITY": peer.write("* CAPABILITY IMAP4rev1\r\n")
      case let login where login.hasPrefix("LOGIN "):
        let isRight = command.dropFirst(6).replacing("\"me\"", with: "me") == #"me "p\"w\\d""#
        end = isRight ? "OK in" : "NO [AUTHENTICATIONFAILED] who?"
      // SELECT would have been a change: mail is no longer recent afterwards.
      case "EXAMINE \"INBOX\"": peer.write("* \(uids.count) EXISTS\r\n* OK [UIDVALIDITY \(validity)] valid\r\n")
      case let examine where examine.hasPrefix("EXAMINE"): end = "NO no such mailbox"
      case "UID SEARCH UNSEEN": peer.write((["* SEARCH"] + uids.map(String.init)).joined(separator: " ") + "\r\n")
      case let fetch where fetch.hasPrefix("UID FETCH"):
        let uid = fetch.split(separator: " ")[2]
        let head = "From: =?utf-8?B?5byg?= <z\(uid)@example.com>\r\nSubject: =?gb2312?B?xOO6ww==?= \(uid)\r\n\r\n"
        peer.write("* 1 FETCH (UID \(uid) BODY[HEADER.FIELDS (FROM SUBJECT)] {\(head.utf8.count)}\r\n\(head))\r\n")
        if !fetch.contains("BODY.PEEK") { end = "BAD this marks it as read" }
      case "LOGOUT":
        peer.write("* BYE\r\n\(tag) OK done\r\n")
        return
      default: end = "BAD unknown"
      }
      peer.write("\(tag) \(end)\r\n")
    }
  }
}

/// Runs the body with the port of a TLS server whose certificate lasts so many days.
func withCertificate(days: Int, in yard: Yard, _ body: @Sendable (String) async throws -> Void) async throws {
  let make = """
    cd "$0" && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out req.pem \
    -subj /CN=localhost 2> /dev/null && openssl x509 -req -in req.pem -signkey key.pem -days \(days) -out cert.pem
    """
  let made = try await run("sh", ["-c", make, yard.root])
  #expect(made.status == 0, "\(made.stderr)")
  let serve = """
    cd "$0" && exec openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -www 2> /dev/null \
    | sed -nu 's/.*ACCEPT .*:\\([0-9]*\\)$/\\1/p'
    """
  try await whileRunning("sh", ["-c", serve, yard.root], timeout: patience, body)
}
