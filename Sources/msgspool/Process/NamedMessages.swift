import Core
import Spooling

/// Messages that an operator names, for commands that move or remove them.
enum NamedMessages {
  /// Where each is, in one of these folders: all of them or none, as a slip in one name must not leave the rest half done.
  /// - Parameter undone: what was not done then, such as "nothing was moved".
  static func find(
    _ operands: [String], _ spool: Spool, in folders: [Folder], undone: String
  ) throws(Failure) -> [Walk.Found] {
    var all: [Walk.Found] = []
    for name in operands.map({ FileName(operand: $0) }) where !all.contains(where: { $0.name == name }) {
      let places: [Walk.Found]
      do throws(SystemFault) { places = try spool.find(name, in: Folder.allCases) } catch { throw Failure(error) }
      let here = places.filter { folders.contains($0.place.folder) }
      guard here.isEmpty else {
        all += here
        continue
      }
      guard let elsewhere = places.first else {
        var failure = ShowCommand.missing(name, spool, folders)
        failure.message += "; \(undone)"
        throw failure
      }
      let wanted = folders.map { "\($0.rawValue)/" }.joined(separator: " or ")
      throw Failure(
        .notFound, "\(name.display) is in \(elsewhere.place.label)/, not in \(wanted); \(undone)",
        hint: hint(elsewhere))
    }
    return all
  }

  private static func hint(_ found: Walk.Found) -> String {
    switch found.place.folder {
    case .cur: "a sweep has it in hand; see where it is afterwards: msgspool show \(found.name.display)"
    case .tmp: "its producer has not finished it"
    default: "see: msgspool show \(found.name.display)"
    }
  }
}

/// What was done to messages, one line each, and what could not be done.
struct MessageOutput: ~Copyable {
  private let asJSON: Bool
  private var output = BufferedOutput()
  private(set) var done = 0
  private(set) var refused = 0

  init(asJSON: Bool) { self.asJSON = asJSON }

  mutating func tell(_ row: MessageRow, was: String? = nil) {
    done += 1
    if !asJSON { return output.write(row.name + "\n") }
    // Where the name was taken: how to find it in what was known before.
    let was = was.flatMap { $0 == row.name ? nil : [JSON.Member("was", .string($0))] } ?? []
    output.write(JSON.object(row.members + was).text + "\n")
  }

  mutating func refuse(_ name: String, _ problem: String, hint: String? = nil) {
    refused += 1
    if refused <= 20 { Console.warn(name, problem, hint: hint) }
    if refused == 21 { Console.note("there are more like these") }
  }

  mutating func flush() { output.flush() }
}
