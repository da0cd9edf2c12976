import Core
import FoundationEssentials

/// Any program on this machine: how Apprise, itchat or a company's own script join. The program gets a batch as JSON
/// lines and answers in JSON lines; see the card's notes, which are its interface.
package struct Exec: ProgramProvider {
  package static let card = ProviderCard(
    name: "exec",
    summary: "any program on this machine, with a batch of recipients as JSON lines",
    document: "https://man.openbsd.org/sysexits",
    endpoint: nil,
    recipientsPerCall: 100,
    mixedRecipientsPerCall: 100,
    settings: [
      SettingCard("command", .strings, required: true, "the program's absolute path, and its arguments; no shell"),
      SettingCard("secret", .string, secret: true, "given to the program as MSGSPOOL_SECRET in its environment"),
    ],
    options: [OptionCard("program", .object, "anything more for the program; it gets the object as it is")],
    hasOwnTarget: true,
    templates: .either,
    notes: [
      "The program gets one line of JSON for each recipient on standard input: to, body, title, format, url, template, "
        + "params, priority and options (absent ones left out), and call, which is the same when a call is repeated.",
      "It answers with one line for each, in any order: {\"to\":\"...\",\"state\":\"accepted\"}. state is accepted, "
        + "deferred or rejected; id, code, reason and retry_after (seconds) are optional. Other lines are ignored.",
      "No line for a recipient: unconfirmed, when the program ended with 0, was killed or ran out of time; "
        + "otherwise its exit status decides (sysexits): 69 and 71 to 75 mean later, 67 and 68 a wrong recipient, "
        + "65 a wrong message, 64, 66, 77, 78, 126 and 127 suspend the channel, 70 and 76 are tried a few times; after "
        + "any other nobody knows what happened.",
      "A program that takes fewer lines at a time: set max_recipients_per_call.",
      "Its environment is PATH, HOME and LANG, and MSGSPOOL_SECRET. Standard error goes into the reason. "
        + "It is ended after timeout, with all it has started.",
      "A message without to has one line, whose to is empty.",
    ],
    example: """
      chat: {
        provider: "exec",
        command: ["/usr/local/bin/notify-chat", "--room", "ops"],
        timeout: 60,
      }
      """)

  private let command: [String]
  private let secret: String?

  package init(_ settings: Settings) throws(SettingFault) {
    let words = settings["command"]?.array?.compactMap(\.string) ?? []
    guard let program = words.first, program.hasPrefix("/") else {
      throw SettingFault("command", "must begin with the program's absolute path")
    }
    guard !words.contains(where: { $0.utf8.contains(0) }) else { throw SettingFault("command", "has a NUL") }
    command = words
    secret = settings.string("secret")
    guard secret?.utf8.contains(0) != true else { throw SettingFault("secret", "has a NUL") }
  }

  // MARK: What goes in

  package func target(_ address: String) throws(RecipientFault) -> Target { Target(address) }

  package func content(of message: Message) throws(MessageFault) -> Content {
    var members: [JSON.Member] = []
    for (name, value) in [
      ("body", message.body), ("title", message.title), ("format", message.format.rawValue), ("url", message.url),
      ("template", message.template), ("priority", message.priority.rawValue),
    ] {
      if let value { members.append(.init(name, .string(value))) }
    }
    switch message.params {
    case .named(let params)?:
      members.append(.init("params", .object(params.map { .init($0.name, .string($0.value)) })))
    case .positional(let params)?: members.append(.init("params", .strings(params)))
    case nil: break
    }
    if let options = message.option("program"), options != .null { members.append(.init("options", options)) }
    return Content([.init("line", JSON.object(members).text)], mixKey: "any")
  }

  package func request(for call: Call, at now: Date, nonce: String) -> ProgramRequest {
    var input: [UInt8] = []
    for recipient in call.recipients {
      let members = [JSON.Member("to", .string(recipient.target.wire)), JSON.Member("call", .string(call.id))]
      // The content's members go in as they were written once.
      input += JSON.object(members).bytes.dropLast() + [UInt8(ascii: ",")]
      input += (call.contents[recipient.content]["line"] ?? "{}").utf8.dropFirst() + [UInt8(ascii: "\n")]
    }
    return ProgramRequest(
      command: command, input: input, environment: secret.map { ["MSGSPOOL_SECRET": $0] } ?? [:],
      outputLimit: 65_536 + 4096 * call.recipients.count)
  }

  // MARK: What comes out

  package func answer(_ response: ProgramResponse, to call: Call, at now: Date) -> Answer {
    let lines = Exec.lines(response.output)
    let rest = Exec.withoutLine(response)
    let outcomes = call.recipients.map { lines[Verbatim($0.target.wire)] ?? rest }
    let isAnyoneLeft = call.recipients.contains { lines[Verbatim($0.target.wire)] == nil }
    if isAnyoneLeft, rest.kind == .credentials { return Answer(outcomes, advice: .suspend) }
    let waits = outcomes.filter { $0.kind == .throttled }
    let isSlow = !outcomes.isEmpty && waits.count == outcomes.count
    return Answer(outcomes, advice: isSlow ? .slowDown(retryAfter: waits.compactMap(\.retryAfter).min()) : .proceed)
  }

  private static func lines(_ output: [UInt8]) -> [Verbatim: Outcome] {
    var lines: [Verbatim: Outcome] = [:]
    for line in output.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONScanner.value(of: Array(line)), let to = (value["to"]?.string).map(Verbatim.init(_:)),
        let outcome = outcome(value)
      else { continue }
      // Of two lines for one recipient that disagree, neither can be believed.
      if let earlier = lines[to], earlier.state != outcome.state {
        lines[to] = .unconfirmed(reason: "the program gave two different answers")
      } else {
        lines[to] = outcome
      }
    }
    return lines
  }

  private static func outcome(_ line: JSON) -> Outcome? {
    let text = { (name: String) -> String? in
      switch line[name] {
      case .string(let text)? where !text.isEmpty: text
      case .number(let digits)?: digits
      default: nil
      }
    }
    switch line["state"]?.string {
    case "accepted": return .accepted(id: text("id"))
    case "rejected": return .rejected(.recipient, code: text("code"), reason: text("reason"))
    case "deferred":
      let wait = line["retry_after"]?.number.flatMap { $0 > 0 ? min($0, RetryAfter.longest) : nil }
      return .deferred(
        wait == nil ? .provider : .throttled, code: text("code"), reason: text("reason"), retryAfter: wait)
    case "unconfirmed": return .unconfirmed(code: text("code"), reason: text("reason"))
    default: return nil
    }
  }

  /// What the exit status says (sysexits.h) of those whom no line names.
  private static func withoutLine(_ response: ProgramResponse) -> Outcome {
    let code = response.status.map { "exit \($0)" } ?? "killed"
    let said = response.errors.split(whereSeparator: \.isNewline).last.map { String($0.prefix(500)) }
    let verdict: AnswerClass =
      switch response.status {
      case 69, 71, 72, 73, 74, 75: .later
      case 65: .message
      case 67, 68: .recipient
      case 70, 76: .fewTimes
      case 64, 66, 77, 78, 126, 127: .credentials
      default: .inDoubt
      }
    return verdict.outcome(code: code, reason: said ?? "the program gave no answer for this recipient")
  }
}
