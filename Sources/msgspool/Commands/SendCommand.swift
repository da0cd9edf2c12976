import Core
import FoundationEssentials
import Glibc
import Spooling

enum SendCommand: Command {
  static let guide = Guide(
    name: "send", summary: "drop a message the right way and print its name", operands: "[BODY]", operandCount: 0...1,
    options: [
      .init("--channel", "C", "which channel (else the configuration's default_channel)"),
      .init("--to", "R", "a recipient; may be repeated", repeats: true),
      .init("--title", "T", "subject, summary or title"),
      .init("--id", "KEY", "your own key against duplicates"),
      .init("--format", "F", "text, markdown or html"),
      .init("--url", "URL", "link that opens with the message"),
      .init("--template", "T", "for services that send approved templates"),
      .init("--param", "NAME=VALUE", "a template's parameter; may be repeated", repeats: true),
      .init("--priority", "P", "low, normal or high"),
      .init("--send-at", "TIME", "not before: RFC 3339 or Unix seconds"),
      .init("--expires-at", "TIME", "not after: RFC 3339 or Unix seconds"),
    ],
    details: """
      The body comes from BODY or standard input. With --json, standard input holds
      whole messages, one JSON object per line; all are dropped, or none.
      """,
    examples: [
      ("msgspool send --channel alerts --to UID_x --title Disk \"95 % full\"", "one message"),
      ("make test 2>&1 | tail -n 20 | msgspool send --channel builds", "the body from a pipe"),
      ("msgspool send --json < messages.jsonl", "thousands at once"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .drop)
    let messages = arguments.has("--json") ? try lines(arguments) : [try message(arguments)]
    let configuration = configuration(arguments, spool)
    for (index, bytes) in messages.enumerated() {
      try check(bytes, configuration, line: arguments.has("--json") ? index + 1 : nil)
    }
    let stamp = Surroundings.now().timeIntervalSince1970
    let nonce = Surroundings.nonce().prefix(8)
    let names: [FileName]
    do throws(DropFault) {
      names = try spool.drop(messages) { index in
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
    if !Console.isQuiet { try tell(names) }
    return .ok
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
  private static func check(_ bytes: [UInt8], _ configuration: Configuration?, line: Int?) throws(Failure) {
    let place = line.map { "line \($0): " } ?? ""
    var message = Message()
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<Message, Fault> in
      do throws(Fault) { return .success(try MessageFile(buffer, limit: 1 << 30).message) } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let decoded): message = decoded
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

  /// Nil where a producer may not read the configuration, or it is not usable: dropping still works.
  private static func configuration(_ arguments: Arguments, _ spool: Spool) -> Configuration? {
    guard let path = Surroundings.configurationPath(arguments, spool: spool.path) else { return nil }
    return try? Surroundings.configuration(path)
  }

  private static func lines(_ arguments: Arguments) throws(Failure) -> [[UInt8]] {
    guard arguments.operands.isEmpty, arguments.all("--to").isEmpty else {
      throw Failure(.usage, "with --json the messages come from standard input, and nothing else is taken")
    }
    let lines = try standardInput().split(separator: UInt8(ascii: "\n"))
      .map { Array($0) }.filter { $0.contains { $0 > 0x20 } }
    guard !lines.isEmpty else { throw Failure(.usage, "standard input holds no message") }
    return lines.map { $0 + [UInt8(ascii: "\n")] }
  }

  private static func message(_ arguments: Arguments) throws(Failure) -> [UInt8] {
    var members: [JSON.Member] = []
    func add(_ field: String, _ value: String?) {
      if let value { members.append(.init(field, .string(value))) }
    }
    add("channel", arguments["--channel"])
    let to = arguments.all("--to")
    if to.count == 1 { add("to", to[0]) } else if !to.isEmpty { members.append(.init("to", .strings(to))) }
    add("title", arguments["--title"])
    var body = arguments.operands.first ?? ""
    // A template speaks for itself; its text is not waited for.
    if arguments.operands.isEmpty, arguments["--template"] == nil { body = try bodyFromInput() }
    if !body.isEmpty { add("body", body) }
    for field in ["id", "format", "url", "template", "priority"] { add(field, arguments["--\(field)"]) }
    for (option, field) in [("--send-at", "send_at"), ("--expires-at", "expires_at")] {
      guard let text = arguments[option] else { continue }
      members.append(.init(field, Double(text) == nil ? .string(text) : .number(text)))
    }
    var parameters: [JSON.Member] = []
    for text in arguments.all("--param") {
      guard let (name, value) = text.halves(at: "=") else {
        throw Failure(.usage, "--param: found \"\(text)\"; expected NAME=VALUE")
      }
      parameters.append(.init(name, .string(value)))
    }
    if !parameters.isEmpty { members.append(.init("params", .object(parameters))) }
    return JSON.object(members).bytes + [UInt8(ascii: "\n")]
  }

  private static func bodyFromInput() throws(Failure) -> String {
    var bytes = try standardInput()
    // What `echo` adds is no part of the text.
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "standard input is not valid UTF-8", hint: "convert it first, for example with iconv")
    }
    return text
  }

  private static func standardInput() throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(0, &buffer, buffer.count)
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure(SystemFault("read", errno, "standard input"))
      }
      bytes += buffer[..<count]
    }
  }
}
