import Core
import Foundation
import Synchronization
import TestSupport
import Transports

/// A mail server on loopback that follows a script, and its transcript: `C: ` commands, `C| ` lines of data, `S: ` answers.
final class MailServer: Sendable {
  /// What it says to a command (upper case to the first blank or colon), or what it does instead.
  enum Turn: Sendable {
    case say(String)
    /// Ends the connection without a word.
    case hangUp
    /// Says nothing until the client gives up.
    case wait
  }

  let server: ScriptedServer
  private let lines: Lines

  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
    func add(_ line: String) { all.withLock { $0.append(line) } }
  }

  /// - Parameter turn: nil for the ordinary answer.
  init(
    capabilities: [String] = ["PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8"],
    _ turn: @escaping @Sendable (_ command: String, _ connection: Int) -> Turn? = { _, _ in nil }
  ) throws {
    let lines = Lines()
    self.lines = lines
    server = try ScriptedServer { peer in
      let usual = { (command: String) -> String in
        if command == "GREETING" { return "220 mx.example.invalid ESMTP" }
        if command.hasPrefix("EHLO") { return "mx.example.invalid\n" + capabilities.joined(separator: "\n") }
        if command.hasPrefix("AUTH") { return "235 2.7.0 in" }
        if command.hasPrefix("DATA") { return "354 End data with <CR><LF>.<CR><LF>" }
        if command == "." { return "250 2.0.0 Ok: queued as DUMMY" }
        return command.hasPrefix("QUIT") ? "221 2.0.0 Bye" : "250 2.1.0 Ok"
      }
      /// False when the connection is to end.
      let answer = { (command: String) -> Bool in
        switch turn(command, peer.number) ?? .say(usual(command)) {
        case .hangUp: return false
        case .wait:
          _ = peer.isClosed(within: 20)
          return false
        case .say(let text):
          var said = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
          if command.hasPrefix("EHLO"), said.count > 1 {
            said = said.enumerated().map { "250\($0 == said.count - 1 ? " " : "-")\($1)" }
          }
          for line in said { lines.add("S: \(line)") }
          return peer.write(said.joined(separator: "\r\n") + "\r\n")
        }
      }
      guard answer("GREETING") else { return }
      while let command = peer.readLine() {
        lines.add("C: \(command)")
        guard answer(command) else { return }
        guard command == "DATA", lines.all.withLock({ $0.last?.hasPrefix("S: 354") == true }) else { continue }
        while let line = peer.readLine(), line != "." { lines.add("C| \(line)") }
        lines.add("C: .")
        guard answer(".") else { return }
      }
    }
  }

  var url: String { "smtp://127.0.0.1:\(server.port)/client.example.com" }

  var sofar: [String] { lines.all.withLock { $0 } }

  /// Ends the server; what was said.
  func transcript() -> [String] {
    _ = server.finish()
    return lines.all.withLock { $0 }
  }
}

extension MailRequest {
  /// A mail to a@, b@... at example.com.
  static func to(
    _ url: String, _ recipients: [String] = ["a@example.com"], security: Security = .none,
    login: (String, String)? = nil,
    sender: String = "alert@example.com",
    headers: [HTTPHeader] = [HTTPHeader("From", "alert@example.com"), HTTPHeader("Subject", "x")],
    text: String = "text", attachments: [FormPart] = []
  ) -> MailRequest {
    MailRequest(
      url: url, security: security, username: login?.0, password: login?.1, sender: sender, recipients: recipients,
      headers: headers, bodies: [.init(type: "text/plain", text: text)], attachments: attachments)
  }
}

extension MailTransport {
  /// For loopback: no proxy of the machine's environment.
  static func local(
    caFile: String? = nil, openAttachment: @escaping AttachmentOpener = { openForTest($0) }
  ) -> MailTransport {
    MailTransport(.init(caFile: caFile, usesEnvironmentProxy: false, openAttachment: openAttachment))
  }
}

extension Transport {
  func reply(to exchange: Exchange, within timeout: Double = 20) async -> Reply {
    await withCheckedContinuation { continuation in
      perform(exchange, within: timeout) { continuation.resume(returning: $0) }
    }
  }
}

/// One mail through a transport of its own.
func send(
  _ request: MailRequest, within timeout: Double = 20, caFile: String? = nil,
  openAttachment: @escaping AttachmentOpener = { openForTest($0) }
) async -> Reply {
  let transport = MailTransport.local(caFile: caFile, openAttachment: openAttachment)
  let reply = await transport.reply(to: .mail(request), within: timeout)
  // Waits for its threads, which must not happen on the few that tests share.
  await withCheckedContinuation { continuation in
    DispatchQueue.global().async {
      transport.shutdown()
      continuation.resume()
    }
  }
  return reply
}

extension Reply {
  var mail: MailResponse? {
    if case .mail(let response) = self { response } else { nil }
  }
}

extension MailResponse {
  /// `250 450 - / 250 sent`: the codes.
  var codes: String {
    let each = recipients.map { $0.map { String($0.code) } ?? "-" }.joined(separator: " ")
    return "\(each) / \(final.map { String($0.code) } ?? "-")\(wasSent ? " sent" : "")"
  }
}
