import Core

/// The server's side of a mail session on standard input and output (RFC 5321, as far as programs that start `sendmail -bs`
/// use it). Pure: lines in, replies out; who is known, and what becomes of a mail, the caller says.
package struct SMTPDialogue {
  package struct Envelope: Sendable {
    package var from: String
    package var recipients: [String]
    package var message: [UInt8]
  }

  package enum Step: Sendable {
    /// To be written, with its line end.
    case reply(String)
    /// To be asked of `answer(_:)`.
    case recipient(String)
    /// To be delivered, and told by `delivered(_:)`.
    case message(Envelope)
    case silent
    case end(String)
  }

  private enum State { case greeting, ready, mail, recipients, data }

  private let host: String
  /// Bytes of a message at the most.
  private let limit: Int
  private var state = State.greeting
  private var from = ""
  private var recipients: [String] = []
  private var message: [UInt8] = []
  private var isTooLarge = false

  package init(host: String, limit: Int) {
    self.host = host
    self.limit = limit
  }

  package var welcome: String { "220 \(host) ESMTP msgspool\r\n" }

  /// - Parameter line: without its end.
  package mutating func take(_ line: ArraySlice<UInt8>) -> Step {
    if state == .data { return data(line) }
    guard line.count <= 2048, let text = String(validating: line, as: UTF8.self) else {
      return .reply("500 5.5.2 line too long, or not UTF-8\r\n")
    }
    let verb = text.prefix { $0 != " " }.uppercased()
    let rest = text.dropFirst(verb.count)
    switch verb {
    case "HELO":
      reset()
      return .reply("250 \(host)\r\n")
    case "EHLO":
      reset()
      return .reply("250-\(host)\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE \(limit)\r\n")
    case "MAIL": return mail(rest)
    case "RCPT": return recipient(rest)
    case "DATA":
      guard state == .recipients else { return .reply("503 5.5.1 RCPT first\r\n") }
      state = .data
      (message, isTooLarge) = ([], false)
      return .reply("354 end with a dot on a line of its own\r\n")
    case "RSET":
      if state != .greeting { reset() }
      return .reply("250 2.0.0 forgotten\r\n")
    case "NOOP": return .reply("250 2.0.0 ok\r\n")
    case "VRFY": return .reply("252 2.1.5 send it and see\r\n")
    case "HELP": return .reply("214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP QUIT\r\n")
    case "QUIT": return .end("221 2.0.0 bye\r\n")
    default: return .reply("500 5.5.1 unknown command\r\n")
    }
  }

  /// - Parameter refusal: why the recipient is none of ours; nil takes it.
  package mutating func answer(_ recipient: String, refusal: String?) -> String {
    if let refusal { return "550 5.1.1 \(refusal.oneLine)\r\n" }
    recipients.append(recipient)
    state = .recipients
    return "250 2.1.5 ok\r\n"
  }

  /// - Parameter failure: why the message was not taken, and whether trying again may help; nil where it is on the disk.
  package mutating func delivered(_ failure: (words: String, isTemporary: Bool)?) -> String {
    reset()
    guard let failure else { return "250 2.0.0 accepted\r\n" }
    return failure.isTemporary ? "451 4.3.0 \(failure.words.oneLine)\r\n" : "554 5.6.0 \(failure.words.oneLine)\r\n"
  }

  // MARK: Commands

  private mutating func reset() {
    state = .ready
    (from, recipients, message) = ("", [], [])
  }

  private mutating func mail(_ rest: Substring) -> Step {
    guard state == .ready || state == .greeting else { return .reply("503 5.5.1 one mail at a time\r\n") }
    guard let (path, parameters) = SMTPDialogue.path(rest, behind: "FROM") else {
      return .reply("501 5.5.4 MAIL FROM:<address>\r\n")
    }
    for parameter in parameters {
      if let size = parameter.uppercased().behind("SIZE=").flatMap({ Int($0) }), size > limit {
        return .reply("552 5.3.4 larger than \(limit) bytes\r\n")
      }
    }
    from = path
    state = .mail
    return .reply("250 2.1.0 ok\r\n")
  }

  private mutating func recipient(_ rest: Substring) -> Step {
    guard state == .mail || state == .recipients else { return .reply("503 5.5.1 MAIL first\r\n") }
    guard let (path, _) = SMTPDialogue.path(rest, behind: "TO"), !path.isEmpty else {
      return .reply("501 5.5.4 RCPT TO:<address>\r\n")
    }
    return .recipient(path)
  }

  /// ` FROM:<address> SIZE=1`; the brackets may be missing, as some programs have it.
  private static func path(_ rest: Substring, behind word: String) -> (path: String, parameters: [String])? {
    let text = String(rest.drop { $0 == " " })
    guard text.utf8.count > word.utf8.count, text.prefix(word.count).uppercased() == word,
      let behind = text.dropFirst(word.count).behind(":")
    else { return nil }
    let words = behind.split(separator: " ")
    let path = words.first.map(String.init) ?? ""
    let isBracketed = path.hasPrefix("<") && path.hasSuffix(">")
    let bare = isBracketed ? String(path.dropFirst().dropLast()) : path
    guard !bare.contains(where: { "<>".contains($0) }), isBracketed || !bare.isEmpty else { return nil }
    return (bare, words.dropFirst().map(String.init))
  }

  private mutating func data(_ line: ArraySlice<UInt8>) -> Step {
    if line.elementsEqual(".".utf8) {
      state = .ready
      guard isTooLarge else { return .message(Envelope(from: from, recipients: recipients, message: message)) }
      reset()
      return .reply("552 5.3.4 larger than \(limit) bytes\r\n")
    }
    // A dot in front was doubled on the way (RFC 5321, section 4.5.2).
    let text = line.first == UInt8(ascii: ".") ? line.dropFirst() : line
    if message.count + text.count >= limit { isTooLarge = true }
    if !isTooLarge { message += text + [0x0A] }
    return .silent
  }
}
