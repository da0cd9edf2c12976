import Core
import Glibc
import Letters
import Spooling

enum SendmailCommand: Command {
  static let guide = Guide(
    name: "sendmail", summary: "take a mail, as /usr/sbin/sendmail does, and drop it as a message",
    operands: "[RCPT]...", operandCount: 0...Int.max,
    options: [
      .init("-t", nil, "recipients are those of To, Cc and Bcc, too"),
      .init("-i", nil, "a line with a dot alone does not end the mail (-oi too)"),
      .init("-f", "FROM", "the sender (-r too); kept with the message, not sent"),
      .init("-F", "NAME", "the sender's name; taken, and not used"),
      .init("-b", "MODE", "m: a mail on standard input, the default; s: an SMTP session there"),
      .init("-o", "OPTION", "i as -i; others are for other mailers"),
      .init("-v", nil, "say which messages were dropped"),
      .init("-q", "TIME", "nothing: msgspool sweep sends what waits"),
    ],
    letters: .init(ignoredFlags: "cGImnsTUx", ignoredValues: "ABCDhLMNOprRVXe", attached: "qd"),
    details: """
      For cron, smartd and whoever else mails to root: Subject becomes title, the
      text body, and files go along where the channel takes them. aliases in the
      configuration tell where local names go: aliases: { root: { channel: "ops",
      to: "UID_x" }, postmaster: "root" }. Without an alias the default channel takes
      an address of its own or its address book's. Exit status 0: it is on the disk.
      """,
    examples: [
      ("ln -s /usr/local/bin/msgspool /usr/sbin/sendmail", "stand in for it; the name tells"),
      ("printf 'Subject: hi\\n\\nhello\\n' | msgspool sendmail root", "one mail"),
      ("git send-email --sendmail-cmd='msgspool sendmail -i' ...", "as a program's mailer"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    switch arguments.all("-b").last ?? "m" {
    case "m": break
    case "s": return try session(MailPost(arguments))
    // newaliases: the configuration is read anew for each mail.
    case "i": return .ok
    case "p": throw Failure(.usage, "msgspool sendmail lists no queue", hint: "msgspool list new")
    case let mode:
      throw Failure(.usage, "msgspool sendmail has no mode -b\(mode)", hint: "m or s; see msgspool sendmail --help")
    }
    if arguments.has("-q"), arguments.operands.isEmpty, !arguments.has("-t") { return .ok }
    let post = try MailPost(arguments)
    let keepsDots = arguments.has("-i") || arguments.all("-o").contains("i")
    let mail = try text(keepsDots: keepsDots, limit: post.limit)
    var recipients = arguments.operands.flatMap { Addresses.parse(Array($0.utf8)) }
    if arguments.has("-t") {
      let letter = Letter(mail)
      recipients += letter.to + letter.cc + letter.bcc
    }
    guard !recipients.isEmpty else {
      throw Failure(
        .usage, "the mail has no recipient", hint: "name one, or let -t take those of its To, Cc and Bcc")
    }
    let sender = arguments["-f"] ?? arguments["-r"]
    let names = try post.deliver(mail, to: recipients, from: sender)
    if arguments.has("-v") || Console.isVerbose { for name in names { Console.output(name.display + "\n") } }
    return .ok
  }

  /// Standard input to its end, or to a line with a dot alone.
  private static func text(keepsDots: Bool, limit: Int) throws(Failure) -> [UInt8] {
    let bytes = try StandardInput.bytes(limit: limit)
    if keepsDots { return bytes }
    var begin = 0
    while begin < bytes.count {
      let end = bytes[begin...].firstIndex(of: 0x0A) ?? bytes.count
      var line = bytes[begin..<end]
      if line.last == 0x0D { line = line.dropLast() }
      if line.elementsEqual(".".utf8) { return Array(bytes[..<begin]) }
      begin = end + 1
    }
    return bytes
  }

  // MARK: A session

  private static func session(_ post: MailPost) throws(Failure) -> ExitStatus {
    var dialogue = SMTPDialogue(host: post.host, limit: post.limit)
    var input = LineReader()
    Console.output(dialogue.welcome)
    while !Console.outputHasEnded, let line = try input.next() {
      switch dialogue.take(line[...]) {
      case .silent: break
      case .reply(let text): Console.output(text)
      case .recipient(let address): Console.output(dialogue.answer(address, refusal: post.refusal(of: address)))
      case .message(let envelope):
        var failure: (words: String, isTemporary: Bool)?
        do throws(Failure) {
          _ = try post.deliver(envelope.message, to: envelope.recipients, from: envelope.from)
        } catch {
          failure = (error.message, ![.badData, .noUser].contains(error.status))
        }
        Console.output(dialogue.delivered(failure))
      case .end(let text):
        Console.output(text)
        return .ok
      }
    }
    return .ok
  }

  /// Standard input line by line, as it comes.
  private struct LineReader {
    private var waiting: [UInt8] = []
    private var begin = 0
    private var isOver = false

    /// Without its end; nil when there is none any more. What no line's end follows is no line.
    mutating func next() throws(Failure) -> [UInt8]? {
      var looked = begin
      while true {
        if let end = waiting[looked...].firstIndex(of: 0x0A) {
          var line = waiting[begin..<end]
          if line.last == 0x0D { line = line.dropLast() }
          begin = end + 1
          return Array(line)
        }
        if isOver { return nil }
        if begin > 0 {
          waiting.removeFirst(begin)
          begin = 0
        }
        looked = waiting.count
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(0, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { throw Failure(SystemFault("read", errno, "standard input")) }
        if count == 0 { isOver = true }
        // Nobody needs a line of a hundred megabytes.
        if waiting.count > 64 << 20 { return nil }
        waiting += buffer[..<max(0, count)]
      }
    }
  }
}
