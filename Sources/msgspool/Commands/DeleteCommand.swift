import Core
import Ledger
import Spooling

enum DeleteCommand: Command {
  static let guide = Guide(
    name: "delete", summary: "remove messages for good", operands: "NAME...", operandCount: 1...Int.max,
    operandWords: .messages(folders),
    options: [.init("--force", nil, "unconfirmed ones too, and such whose history is torn")],
    details: """
      From every folder but cur/ (a sweep has it in hand) and tmp/ (its producer
      has). An unconfirmed message may have arrived or not, and its file is all that
      tells: it stays, unless --force is given. The id of a message that reached
      nobody is free again.
      """,
    examples: [
      ("msgspool delete 1795338000.4711-1-0a1b2c3d.json", "never to be sent"),
      ("msgspool prune --older-than 30d --failed", "what is old goes by itself"),
    ])

  private static let folders: [Folder] = [.new, .deferred, .hold, .failed, .done]

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments)
    // Held to the end of the command.
    let lock = try Surroundings.operatorLock(spool)
    defer { withExtendedLifetime(lock) {} }
    // Before anything is removed: ids could not be freed in a newer ledger.
    let hasLedger = try Surroundings.ledgerOfThisVersion(spool, leavesNoTrace: false) != nil
    let all = try NamedMessages.find(arguments.names, spool, in: folders, undone: "nothing was removed")
    let configuration = Surroundings.configurationIfUsable(arguments, spool: spool)
    var work = Work(
      spool: spool, configuration: configuration, isForced: arguments.has("--force"), asJSON: arguments.has("--json"))
    do throws(SystemFault) {
      for found in all { try work.look(at: found) }
      for folder in Set(all.map(\.place.folder)) { try spool.flush(folder) }
    } catch {
      throw Failure(error)
    }
    if hasLedger { try work.freeIds() }
    return work.conclude()
  }

  private struct Work: ~Copyable {
    let spool: Spool
    let configuration: Configuration?
    let isForced: Bool
    private var reader: RowReader
    private var tails = TailReader()
    private var output: MessageOutput
    private var freed: [SettledIdentifier] = []

    init(spool: Spool, configuration: Configuration?, isForced: Bool, asJSON: Bool) {
      self.spool = spool
      self.configuration = configuration
      self.isForced = isForced
      reader = RowReader(spool, configuration)
      output = MessageOutput(asJSON: asJSON)
    }

    mutating func look(at found: Walk.Found) throws(SystemFault) {
      let (name, place) = (found.name.display, found.place)
      guard !found.isOdd else {
        return output.refuse(name, "is no plain file; it stays", hint: "move it out of the spool")
      }
      guard let row = reader.row(found) else { return output.refuse(name, "has just gone from \(place.label)/") }
      let limit = (configuration ?? Configuration()).maxMessageBytes
      let content = spool.peek(found.name, in: place.folder, limit: limit)
      if !isForced, let doubt = doubt(found, content) {
        return output.refuse(
          name, "\(doubt); it stays in \(place.label)/",
          hint: "to remove it all the same: msgspool delete \(found.name.argument) --force")
      }
      // Before the file is gone: its inode is the ledger's name for it.
      let freed = freed(found, content)
      try spool.remove(found.name, in: place.descriptor, path: place.path)
      if let freed { self.freed.append(freed) }
      output.tell(row)
    }

    /// Why the file is needed still.
    private mutating func doubt(_ found: Walk.Found, _ content: Peek?) -> String? {
      if case .tail(let tail)? = tails.read(found.name, in: found.place.descriptor, path: found.place.path) {
        if tail.last?.state == .unconfirmed { return "is unconfirmed: nobody knows whether it arrived" }
        if tail.isTorn { return "its last history line is torn: whether it was sent is in the ledger alone" }
      }
      guard case .message(let file)? = content, Progress(file.lines, again: file.again).isInDoubt else { return nil }
      return "is in doubt for some of its recipients, and the provider is still to be asked"
    }

    /// The id of a message that nobody got: another may have it.
    private func freed(_ found: Walk.Found, _ content: Peek?) -> SettledIdentifier? {
      guard case .message(let file)? = content, let id = file.message.id,
        let channel = file.lines.last?.channel ?? file.message.channel ?? configuration?.defaultChannel,
        let facts = try? FileFacts(of: found.name, in: found.place.descriptor),
        !file.lines.contains(where: { line in
          [.done, .duplicate, .unconfirmed].contains(line.state)
            || line.results.contains { $0.state == .accepted || $0.state == .unconfirmed }
        })
      else { return nil }
      return SettledIdentifier(channel: channel, id: id, owner: Owner(file: facts.inode), isFree: true)
    }

    func freeIds() throws(Failure) {
      guard !freed.isEmpty else { return }
      let ledger = try Surroundings.ledger(spool)
      var group = GroupCommit(now: Surroundings.now())
      group.settledIds = freed
      do throws(LedgerFault) { _ = try ledger.commit(group) } catch { throw Failure(error) }
    }

    consuming func conclude() -> ExitStatus {
      output.flush()
      Console.note(phrase("{1} removed", counted(output.done, "message")))
      return output.refused > 0 ? .usage : .ok
    }
  }
}
