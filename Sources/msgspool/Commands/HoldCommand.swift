import Core
import Spooling

enum HoldCommand: Command {
  static let guide = Guide(
    name: "hold", summary: "set messages aside, until release", operands: "NAME...", operandCount: 1...Int.max,
    operandWords: .messages([.new, .deferred]),
    details: """
      Moves what waits in new/ or deferred/ to hold/, where nothing is sent. What a
      sweep has in hand stays there.
      """,
    examples: [
      ("msgspool hold 1795338000.4711-1-0a1b2c3d.json", "not now"),
      ("msgspool list hold", "what is set aside"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    var spool = try Surroundings.spool(arguments)
    // Held to the end of the command.
    let lock = try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock) {} }
    let all = try NamedMessages.find(
      arguments.names, spool, in: [.new, .deferred], undone: "nothing was moved")
    if !spool.has(.hold) { spool = try withHold(spool) }
    var reader = RowReader(spool, Surroundings.configurationIfUsable(arguments, spool: spool))
    var output = MessageOutput(asJSON: arguments.has("--json"))
    do throws(SystemFault) {
      for found in all {
        guard !found.isOdd, var row = reader.row(found) else {
          output.refuse(found.name.display, "is no plain file, or has just gone; it stays where it is")
          continue
        }
        guard let moved = try spool.hold(found.name, from: found.place.folder) else {
          output.refuse(found.name.display, "a sweep was faster, and has it in hand")
          continue
        }
        row.moved(to: .hold, moved)
        output.tell(row, was: found.name.display)
      }
      try spool.flush(.hold)
      for folder in [Folder.new, .deferred] { try spool.flush(folder) }
    } catch {
      throw Failure(error)
    }
    output.flush()
    Console.note(phrase("{1} set aside; msgspool release NAME puts one back", counted(output.done, "message")))
    return output.refused > 0 ? .tryAgain : .ok
  }

  private static func withHold(_ spool: Spool) throws(Failure) -> Spool {
    do throws(SystemFault) { try Spool.make(spool.path, [.hold]) } catch { throw Failure(error) }
    do throws(SpoolFault) { return try Spool(spool.path) } catch {
      throw Failure(.cannotWrite, error.message, hint: error.hint)
    }
  }
}

enum ReleaseCommand: Command {
  static let guide = Guide(
    name: "release", summary: "put back what hold set aside", operands: "NAME...", operandCount: 1...Int.max,
    operandWords: .messages([.hold]),
    details: """
      A message that was deferred is deferred again, until it was due; any other
      goes to new/, and its age counts anew.
      """,
    examples: [("msgspool release 1795338000.4711-1-0a1b2c3d.json", "now it may go")])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments)
    // Held to the end of the command.
    let lock = try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock) {} }
    let all = try NamedMessages.find(arguments.names, spool, in: [.hold], undone: "nothing was moved")
    var requeue = Requeue(spool, from: .hold, now: Surroundings.now)
    var reader = RowReader(spool, Surroundings.configurationIfUsable(arguments, spool: spool))
    var tails = TailReader()
    var output = MessageOutput(asJSON: arguments.has("--json"))
    do throws(SystemFault) {
      for found in all {
        guard case .tail(let tail)? = tails.read(found.name, in: found.place.descriptor, path: found.place.path),
          var row = reader.row(found)
        else {
          output.refuse(found.name.display, "is no plain file, or may not be read; it stays in hold/")
          continue
        }
        let wasDeferred = tail.last?.state == .deferred
        let moved = wasDeferred ? try requeue.move(found.name, to: .deferred) : try requeue.move(found.name, tail)
        guard let moved else { continue }
        row.moved(to: wasDeferred ? .deferred : .new, moved)
        output.tell(row, was: found.name.display)
      }
      try requeue.flush()
    } catch {
      throw Failure(error)
    }
    output.flush()
    Console.note(phrase("{1} put back", counted(output.done, "message")))
    return output.refused > 0 ? .usage : .ok
  }
}
