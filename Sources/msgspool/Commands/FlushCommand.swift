import Core
import FoundationEssentials
import Spooling

enum FlushCommand: Command {
  static let guide = Guide(
    name: "flush", summary: "what is deferred falls due now", operands: "[NAME]...", operandCount: 0...Int.max,
    operandWords: .messages([.deferred]),
    options: [
      .init("--channel", "C", "only messages of this channel", .channels),
      .init("--dry-run", nil, "say which; change nothing"),
    ],
    details: """
      After an outage: does not wait for the backoff to end. A running watch takes
      it up at once, otherwise the next sweep. Nothing is sent before its send_at,
      and quiet hours stay quiet.
      """,
    examples: [
      ("msgspool flush", "everything that is deferred"),
      ("msgspool flush --channel mail", "the mail server is back"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments)
    let configuration = Surroundings.configurationIfUsable(arguments, spool: spool)
    if let channel = arguments["--channel"], let configuration, configuration.channels[channel] == nil {
      throw .usage("there is no channel \"\(channel)\"", known: Array(configuration.channels.keys), found: channel)
    }
    // Held to the end of the command.
    let lock = try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock) {} }
    let named = try NamedMessages.find(arguments.names, spool, in: [.deferred], undone: "nothing was changed")
    var work = Work(spool: spool, arguments, configuration)
    do throws(SystemFault) {
      if arguments.operands.isEmpty {
        var walk = try Walk(.deferred, of: spool)
        while let found = try walk.next() { try work.look(at: found) }
      } else {
        for found in named { try work.look(at: found) }
      }
    } catch {
      throw Failure(error)
    }
    return work.conclude()
  }

  private struct Work: ~Copyable {
    let spool: Spool
    let channel: String?
    let isDry: Bool
    let limit: Int
    let now = Surroundings.now()
    private var reader: RowReader
    private var output: MessageOutput
    private var scheduled = 0

    init(spool: Spool, _ arguments: Arguments, _ configuration: Configuration?) {
      self.spool = spool
      channel = arguments["--channel"]
      isDry = arguments.has("--dry-run")
      limit = (configuration ?? Configuration()).maxMessageBytes
      reader = RowReader(spool, configuration)
      output = MessageOutput(asJSON: arguments.has("--json"))
    }

    mutating func look(at found: Walk.Found) throws(SystemFault) {
      if found.isOdd { return output.refuse(found.name.display, "is no plain file", hint: "move it out of the spool") }
      // Gone meanwhile: it was due.
      guard var row = reader.row(found) else { return }
      if let channel, row.channel != channel { return }
      var due = now
      if case .message(let file)? = spool.peek(found.name, in: .deferred, limit: limit),
        let sendAt = file.message.sendAt, sendAt > now
      {
        scheduled += 1
        due = sendAt
      }
      // Never later than it was.
      guard let was = row.due, was > due else { return }
      do throws(SystemFault) {
        if !isDry, try !spool.setTime(of: found.name, in: .deferred, to: due) { return }
      } catch {
        // One file that is another's stops nobody.
        guard error.isRefusal else { throw error }
        return output.refuse(found.name.display, "belongs to another user, and stays as it is", hint: error.hint)
      }
      row.due = due
      output.tell(row)
    }

    consuming func conclude() -> ExitStatus {
      output.flush()
      let messages = counted(output.done, "message")
      Console.note(
        isDry ? phrase("{1} would fall due now; nothing was changed", messages) : phrase("{1} fell due", messages))
      let waiting = counted(scheduled, "message")
      if scheduled == 1 { Console.note(phrase("{1} waits for send_at", waiting)) }
      if scheduled > 1 { Console.note(phrase("{1} wait for send_at", waiting)) }
      return output.refused > 0 ? .usage : .ok
    }
  }
}
