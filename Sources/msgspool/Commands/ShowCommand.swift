import Core
import FoundationEssentials
import Ledger
import Spooling

enum ShowCommand: Command {
  static let guide = Guide(
    name: "show", summary: "everything about one message", operands: "NAME", operandCount: 1...1,
    operandWords: .messages(Folder.allCases),
    details: """
      Looks for NAME in all folders, as list and sweep print it; a path's last part
      will do. Where several folders have a file of that name, all are shown.
      """,
    examples: [
      ("msgspool show 1795338000.4711-1-0a1b2c3d.json", "fields, recipients and history"),
      ("msgspool show NAME --json | jq .history", "the same for a program, with the whole message"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .look)
    let search = try arguments.names[0].search(spool)
    guard !search.found.isEmpty else { throw missing(arguments.names[0], search, spool, Folder.allCases) }
    let configuration = Surroundings.configurationIfUsable(arguments, spool: spool)
    var reader = RowReader(spool, configuration)
    // Sums are a detail: without them there is nothing to complain about.
    let isAsked = configuration?.channels.values.contains { $0.receipts.asks } ?? false
    let home = Surroundings.ledgerHome(spool)
    let ledger = isAsked && spool.closed.isEmpty ? (try? home.look(leavesNoTrace: true)) ?? nil : nil
    for (index, found) in search.found.enumerated() {
      let (name, place) = (found.name, found.place)
      let facts = try? FileFacts(of: name, in: place.descriptor)
      // Gone meanwhile: a sweep took it.
      guard let row = reader.row(found) else { continue }
      let limit = configuration?.maxMessageBytes ?? Configuration().maxMessageBytes
      let bytes = found.isOdd ? nil : try? spool.read(name, in: place.descriptor, path: place.path, limit: limit)
      let sheet = MessageSheet(
        row, bytes ?? [], facts, configuration, spool.templates,
        sums: { call in
          (try? (ledger as? any ReceiptLedger)?.sums(ofCall: call)) ?? nil
        })
      if arguments.has("--json") {
        Console.output(sheet.json)
      } else {
        Console.output((index > 0 ? "\n" : "") + sheet.text(isWhole: arguments.has("--verbose")))
      }
    }
    return .ok
  }

  /// No such message: with the name that was most likely meant. Where this user may not look everywhere, nobody can say
  /// that there is none.
  static func missing(_ name: MessageName, _ search: Spool.Search, _ spool: Spool, _ folders: [Folder]) -> Failure {
    let nearest = (try? spool.nearest(to: name.likely, in: folders)) ?? nil
    let first = folders.count == 1 ? folders[0].rawValue : "new"
    guard search.closed.isEmpty else {
      let closed = search.closed.map { "\($0)/" }.joined(separator: ", ")
      return Failure(
        .noPermission, "\(name.display) is not where this user may look; it may not read \(closed) of \(spool.path)",
        hint: Surroundings.remedy(spool))
    }
    return Failure(
      .notFound, "there is no message \"\(name.display)\" in \(folders.count == 1 ? "\(first)/" : spool.path)",
      hint: nearest.map { "did you mean \"\($0.display)\"?" } ?? "see: msgspool list \(first)")
  }
}
