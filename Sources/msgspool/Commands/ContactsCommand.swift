import Core
import FoundationEssentials
import Spooling

enum ContactsCommand: Command {
  static let guide = Guide(
    name: "contacts", summary: "what `to` may name on a channel with a login", operands: "CHANNEL",
    operandCount: 1...1,
    options: [.init("--refresh", nil, "fetch them anew")],
    details: """
      The first column is the shortest form that is unique. Names are compared
      exactly; two friends of one name need remark:NAME, or a remark in WeChat.
      """,
    examples: [
      ("msgspool contacts wx", "friends and groups"),
      ("msgspool contacts wx --refresh --json", "as they are now, a line each"),
    ])

  /// Seconds for fetching them.
  private static let patience = 120.0

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let channel = try PersonalChannel(arguments)
    let ledger = try Surroundings.personalLedger(channel.spool)
    var session = try channel.session(ledger)
    guard let account = session.account, account.state == .ok else {
      throw Failure(
        .noPermission, "channel \(channel.channel.name) is not logged in",
        hint: "run: msgspool login \(channel.channel.name)")
    }
    if arguments.has("--refresh") || session.contacts == nil {
      session = try refreshed(session, account, channel)
    }
    let book = session.contacts ?? ContactBook([], fetched: Surroundings.now())
    let rows = book.entries.map { (to: book.word(for: $0), entry: $0) }
    if arguments.has("--json") {
      for row in rows { Console.output(json(row.to, row.entry)) }
    } else {
      for row in rows { Console.output(line(row.to, row.entry)) }
    }
    return .ok
  }

  private static func refreshed(
    _ session: Session, _ account: Account, _ channel: PersonalChannel
  ) throws(Failure) -> Session {
    let end = Surroundings.clock().steady + patience
    switch channel.converse(.refresh, session, deadline: end) {
    case .failure(let failure) where failure.kind == .ended:
      throw Failure(
        .noPermission, "channel \(channel.channel.name) is not logged in any more: \(failure.message)",
        hint: "run: msgspool login \(channel.channel.name)")
    case .failure(let failure): throw Failure(failure)
    case .success(let session):
      if let contacts = session.contacts {
        do throws(SystemFault) { try channel.files.write(contacts, of: account) } catch { throw Failure(error) }
      }
      return session
    }
  }

  private static func json(_ to: String, _ entry: ContactBook.Entry) -> JSON {
    .object([
      .init("to", .string(to)), .init("kind", .string(entry.kind.rawValue)), .init("remark", .string(entry.remark)),
      .init("nick", .string(entry.nick)), .init("alias", .string(entry.alias)),
    ])
  }

  private static func line(_ to: String, _ entry: ContactBook.Entry) -> String {
    let names = [("remark", entry.remark), ("nick", entry.nick), ("alias", entry.alias)].filter { !$0.1.isEmpty }
    let text = names.map { "\($0.0) \($0.1.safeText)" }.joined(separator: ", ")
    let word = to.isEmpty ? "-" : to.safeText
    return Columns.trimmed(
      Columns.pad(word, 24) + " " + Columns.fit(entry.kind.rawValue, 7) + " "
        + Columns.cut(text, Console.outputColumns.map { max(10, $0 - 34) } ?? .max)) + "\n"
  }
}
