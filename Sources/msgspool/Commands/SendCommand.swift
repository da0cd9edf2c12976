import Core
import FoundationEssentials
import Glibc
import Spooling

enum SendCommand: Command {
  static let guide = Guide(
    name: "send", summary: "drop a message the right way and print its name", operands: "[BODY]", operandCount: 0...1,
    options: [
      .init("--channel", "C", "which channel (else the configuration's default_channel)", .channels),
      .init("--to", "R", "a recipient; may be repeated", repeats: true, .recipients),
      .init("--title", "T", "subject, summary or title"),
      .init("--id", "KEY", "your own key against duplicates"),
      .init("--format", "F", "text, markdown or html", .oneOf(Message.Format.allCases.map(\.rawValue))),
      .init("--url", "URL", "link that opens with the message"),
      .init("--template", "T", "for services that send approved templates"),
      .init("--use", "NAME", "a template of the spool's own: templates/NAME.json"),
      .init("--param", "NAME=VALUE", "a template's parameter or place; may be repeated", repeats: true),
      .init("--priority", "P", "low, normal or high", .oneOf(Message.Priority.allCases.map(\.rawValue))),
      .init("--send-at", "TIME", "not before: RFC 3339 or Unix seconds"),
      .init("--expires-at", "TIME", "not after: RFC 3339 or Unix seconds"),
      .init("--attach", "FILE", "a file to go with it; may be repeated", repeats: true, .file),
      .init("--option", "NAME=VALUE", "a parameter of the provider's own; may be repeated", repeats: true),
      .init("--meta", "NAME=VALUE", "kept with the message, never sent; may be repeated", repeats: true),
      .init("--wait", "SPAN", "until it is settled, for 30s at the most, say: 0 done, 1 failed, 75 not yet"),
    ],
    details: """
      The body comes from BODY or standard input. With --json, standard input holds
      whole messages, one JSON object per line; all are dropped, or none.
      A VALUE is a number, true, false, a list or an object where it reads as one in
      JSON, else text. Files travel inside the message, as they are now; one that is
      too large for that is named by its path, where attachment_directories allows.
      """,
    examples: [
      ("msgspool send --channel alerts --to UID_x --title Disk \"95 % full\"", "one message"),
      ("make test 2>&1 | tail -n 20 | msgspool send --channel builds", "the body from a pipe"),
      ("msgspool send --json < messages.jsonl", "thousands at once"),
      ("msgspool send --to 42 --attach plot.png --option silent=true \"done\"", "with a file, and quietly"),
      ("msgspool send --to UID_x --wait 30s \"hello\" || echo \"not told\"", "and what became of it"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .drop)
    let configuration = configuration(arguments, spool)
    let messages = arguments.has("--json") ? try lines(arguments) : [try MessageDraft(arguments, configuration).bytes()]
    for (index, bytes) in messages.enumerated() {
      try check(bytes, configuration, spool, line: arguments.has("--json") ? index + 1 : nil)
    }
    let wait = try SettlingWait(arguments)
    let names = try drop(messages, into: spool)
    if !Console.isQuiet { try tell(names) }
    return try wait?.end(of: names) ?? .ok
  }

  /// - Returns: their names in new/, where they survive a power cut.
  static func drop(_ messages: [[UInt8]], into spool: Spool) throws(Failure) -> [FileName] {
    let stamp = Surroundings.now().timeIntervalSince1970
    let nonce = Surroundings.nonce().prefix(8)
    do throws(DropFault) {
      return try spool.drop(messages) { index in
        FileName("\(Int(stamp)).\(getpid())-\(index + 1)-\(nonce).json")
      }
    } catch {
      // What a producer is not told of, it drops again.
      if !Console.isQuiet { for name in error.stuck { Console.output(name.display + "\n") } }
      let fault = error.fault
      var failure =
        fault.number == EACCES
        ? Failure(.noPermission, "\(fault)", hint: "producers need write permission in tmp/ and new/") : Failure(fault)
      if !error.stuck.isEmpty {
        failure.message +=
          "; \(error.stuck.count) of \(Columns.count(messages.count, "message")) were dropped and can't be taken back"
      }
      throw failure
    }
  }

  /// Whoever can't read the name must still learn that the message is on its way, or drops it again.
  private static func tell(_ names: [FileName]) throws(Failure) {
    Console.output(names.map { $0.display + "\n" }.joined())
    guard var failure = Console.outputFailure else { return }
    let dropped = names.count == 1 ? names[0].display : Columns.count(names.count, "message")
    failure.message += "; \(dropped) was dropped all the same"
    failure.hint = "do not send again what is on its way"
    throw failure
  }

  /// A message that the sweeper would refuse is refused here, where its author can see it.
  private static func check(
    _ bytes: [UInt8], _ configuration: Configuration?, _ spool: Spool, line: Int?
  ) throws(Failure) {
    let place = line.map { "line \($0): " } ?? ""
    var message = Message()
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<Message, Fault> in
      do throws(Fault) {
        let limit = configuration?.maxMessageBytes ?? 1 << 30
        return .success(try MessageFile(buffer, limit: limit, templates: spool.templates).message)
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let decoded): message = decoded
    case .failure where !spool.templates.isReadable && usesTemplate(bytes): return
    case .failure(let fault): throw Failure(.usage, "\(place)\(fault.message)", hint: "nothing was dropped")
    }
    guard let configuration else { return }
    let channels = configuration.channels.keys.sorted()
    if let channel = message.channel, !channels.contains(channel) {
      throw .usage("\(place)there is no channel \"\(channel)\" in the configuration", known: channels, found: channel)
    }
    if case .finish(_, let fault, _) = Router(configuration).routeAtOnce(message, Progress([])) {
      throw Failure(
        .usage, "\(place)\(fault.message)", hint: "\(fault.hint.map { "\($0); " } ?? "")nothing was dropped")
    }
  }

  private static func usesTemplate(_ bytes: [UInt8]) -> Bool {
    (try? JSONScanner.value(of: bytes))?[MessageField.use.rawValue]?.string != nil
  }

  /// Nil where a producer may not read the configuration, or it is not usable: dropping still works.
  private static func configuration(_ arguments: Arguments, _ spool: Spool) -> Configuration? {
    guard let path = Surroundings.configurationPath(arguments, spool: spool.path) else { return nil }
    return try? Surroundings.configuration(path)
  }

  private static func lines(_ arguments: Arguments) throws(Failure) -> [[UInt8]] {
    let other = guide.options.first { $0.name != "--wait" && arguments.has($0.name) }?.name ?? arguments.operands.first
    if let other {
      throw Failure(
        .usage, "with --json the messages come from standard input, whole, and \(other) is not taken",
        hint: "put it into each message")
    }
    let lines = try StandardInput.bytes().split(separator: UInt8(ascii: "\n"))
      .map { Array($0) }.filter { $0.contains { $0 > 0x20 } }
    guard !lines.isEmpty else { throw Failure(.usage, "standard input holds no message") }
    return lines.map { $0 + [UInt8(ascii: "\n")] }
  }
}
