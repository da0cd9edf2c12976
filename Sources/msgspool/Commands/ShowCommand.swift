import Core
import FoundationEssentials
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
    let name = FileName(operand: arguments.operands[0])
    let all: [Walk.Found]
    do throws(SystemFault) { all = try spool.find(name, in: Folder.allCases) } catch { throw Failure(error) }
    guard !all.isEmpty else { throw missing(name, spool, Folder.allCases) }
    let configuration = Surroundings.configurationIfUsable(arguments, spool: spool)
    var reader = RowReader(spool, configuration)
    for (index, found) in all.enumerated() {
      let place = found.place
      let facts = try? FileFacts(of: name, in: place.descriptor)
      // Gone meanwhile: a sweep took it.
      guard let row = reader.row(found) else { continue }
      let limit = configuration?.maxMessageBytes ?? Configuration().maxMessageBytes
      let bytes = found.isOdd ? nil : try? spool.read(name, in: place.descriptor, path: place.path, limit: limit)
      let sheet = MessageSheet(row, bytes ?? [], facts, configuration, spool.templates)
      if arguments.has("--json") {
        Console.output(sheet.json)
      } else {
        Console.output((index > 0 ? "\n" : "") + sheet.text(isWhole: arguments.has("--verbose")))
      }
    }
    return .ok
  }

  /// No such message: with the name that was most likely meant.
  static func missing(_ name: FileName, _ spool: Spool, _ folders: [Folder]) -> Failure {
    let nearest = (try? spool.nearest(to: name, in: folders)) ?? nil
    let first = folders.count == 1 ? folders[0].rawValue : "new"
    return Failure(
      .notFound, "there is no message \"\(name.display)\" in \(folders.count == 1 ? "\(first)/" : spool.path)",
      hint: nearest.map { "did you mean \"\($0.display)\"?" } ?? Surroundings.remedy(spool)
        ?? "see: msgspool list \(first)")
  }
}

extension FileName {
  /// A name as list prints it, or the path of the file.
  init(operand: String) {
    let last = operand.split(separator: "/").last.map(String.init) ?? operand
    self.init(display: last)
  }
}
