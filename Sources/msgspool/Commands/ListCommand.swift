import Core
import Spooling

enum ListCommand: Command {
  static let guide = Guide(
    name: "list", summary: "the messages in a folder, one line each", operands: "FOLDER", operandCount: 0...1,
    operandWords: .oneOf(folders.map(\.rawValue)),
    options: [.init("--undelivered", nil, "those of which a receipt says that somebody did not get it")],
    details: """
      FOLDER is new, cur, deferred, done, failed, hold or tmp; cur lists what
      running sweeps have in hand. Rows come as the folder has them, not sorted: a folder
      of a million is listed in little memory. Pipe them through sort where order
      matters. Columns: name, state, channel, age (or time until it is due), error.
      """,
    examples: [
      ("msgspool list failed", "what went wrong, and why"),
      ("msgspool list new | sort", "by name"),
      ("msgspool list --undelivered", "accepted, and not delivered; with a folder in that one alone"),
      ("msgspool list failed --json | jq -r 'select(.error.kind == \"network\").name'", "names for a script"),
    ])

  private static let folders: [Folder] = [.new, .cur, .deferred, .done, .failed, .hold, .tmp]

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .look)
    let isUndelivered = arguments.has("--undelivered")
    guard isUndelivered || !arguments.operands.isEmpty else {
      throw Failure(.usage, "msgspool list is missing something", hint: "usage: \(guide.usage)")
    }
    let chosen = try arguments.operands.first.map { word throws(Failure) in try folder(word) }
    let searched = chosen.map { [$0] } ?? [.done, .failed]
    if searched.contains(where: spool.closed.contains) { try Surroundings.requireAll(spool) }
    let now = Surroundings.now()
    let asJSON = arguments.has("--json")
    var output = BufferedOutput()
    do throws(SystemFault) {
      var reader = RowReader(spool, Surroundings.configurationIfUsable(arguments, spool: spool))
      for folder in searched {
        var walk = try Walk(folder, of: spool, includesIgnored: folder == .tmp)
        while !Console.outputHasEnded, let found = try walk.next() {
          if isUndelivered, !reader.isUndelivered(found) { continue }
          guard let row = reader.row(found) else { continue }
          output.write(asJSON ? JSON.object(row.members).text + "\n" : row.text(now: now))
        }
        output.flush()
        Surroundings.tell(closed: walk.closed, of: spool)
      }
    } catch {
      throw Failure(error)
    }
    return .ok
  }

  private static func folder(_ word: String) throws(Failure) -> Folder {
    // As a shell completes it.
    let name = word.hasSuffix("/") ? String(word.dropLast()) : word
    guard let folder = Folder(rawValue: name) else {
      let names = folders.map(\.rawValue)
      if Suggestion.nearest(to: name, among: names) != nil {
        throw .usage("there is no folder \"\(word)\" in a spool", known: names, found: name)
      }
      throw Failure(
        .usage, "there is no folder \"\(word)\" in a spool", hint: "one of: \(names.joined(separator: ", "))")
    }
    return folder
  }
}

/// Standard output in large writes, for rows by the hundred thousand; a terminal gets each at once.
struct BufferedOutput: ~Copyable {
  private var text = ""

  mutating func write(_ line: String) {
    text += line
    if text.utf8.count > 1 << 15 || Console.outputIsTerminal { flush() }
  }

  mutating func flush() {
    if text.isEmpty { return }
    Console.output(text)
    text.removeAll(keepingCapacity: true)
  }

  deinit {
    if !text.isEmpty { Console.output(text) }
  }
}
