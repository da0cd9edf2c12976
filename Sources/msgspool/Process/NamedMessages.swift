import Core
import Spooling

/// A message as an operator names it: by its file's name or path, byte for byte or as list and sweep print it.
struct MessageName {
  /// What it may be: a name that holds a backslash and is printed with it escaped looks like another that was escaped.
  private let candidates: [FileName]

  init(_ word: [UInt8]) {
    let last = Array(word.split(separator: UInt8(ascii: "/")).last ?? word[...])
    let (plain, unescaped) = (FileName(bytes: last), FileName(display: last))
    candidates = plain == unescaped ? [plain] : [unescaped, plain]
  }

  /// As list would print it.
  var likely: FileName { candidates[0] }
  var display: String { likely.display }

  /// Every place that has a file of that name.
  func search(_ spool: Spool) throws(Failure) -> Spool.Search {
    var search = Spool.Search()
    do throws(SystemFault) {
      for name in candidates {
        let more = try spool.find(name, in: Folder.allCases)
        search.found += more.found
        search.closed = more.closed
      }
    } catch {
      throw Failure(error)
    }
    return search
  }
}

/// Messages that an operator names, for commands that move or remove them.
enum NamedMessages {
  /// Where each is, in one of these folders: all of them or none, as a slip in one name must not leave the rest half done.
  /// - Parameter undone: what was not done then, such as "nothing was moved".
  static func find(
    _ names: [MessageName], _ spool: Spool, in folders: [Folder], undone: String
  ) throws(Failure) -> [Walk.Found] {
    var all: [Walk.Found] = []
    for name in names {
      let search = try name.search(spool)
      let here = search.found.filter { folders.contains($0.place.folder) }
      if let first = here.first, let other = here.first(where: { $0.name != first.name }) {
        throw Failure(
          .usage,
          "\(name.display) may be either of two messages, \(first.name.display) and \(other.name.display); \(undone)",
          hint:
            "the second is \(other.name.argument) as list prints it; the first, by its own bytes: $'\(first.name.display)' in bash"
        )
      }
      if let first = here.first {
        if !all.contains(where: { $0.name == first.name }) { all += here }
        continue
      }
      guard let elsewhere = search.found.first else {
        var failure = ShowCommand.missing(name, search, spool, folders)
        failure.message += "; \(undone)"
        throw failure
      }
      let wanted = folders.map { "\($0.rawValue)/" }.joined(separator: " or ")
      throw Failure(
        .notFound, "\(elsewhere.name.display) is in \(elsewhere.place.label)/, not in \(wanted); \(undone)",
        hint: hint(elsewhere))
    }
    return all
  }

  private static func hint(_ found: Walk.Found) -> String {
    switch found.place.folder {
    case .cur: "a sweep has it in hand; see where it is afterwards: msgspool show \(found.name.argument)"
    case .tmp: "its producer has not finished it"
    default: "see: msgspool show \(found.name.argument)"
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
    if refused == 21 { Console.note(phrase("there are more like these")) }
  }

  /// How many went back to new/, or would.
  func tellMoved(isDry: Bool) {
    let messages = counted(done, "message")
    Console.note(
      isDry
        ? phrase("{1} would go back to new/; nothing was moved", messages)
        : phrase("{1} went back to new/", messages))
  }

  mutating func flush() { output.flush() }
}
