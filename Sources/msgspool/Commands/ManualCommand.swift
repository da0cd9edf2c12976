import Core
import Providers

/// The manual's pages, for whoever packages msgspool: made of the tables that the parser, the decoder and the
/// configuration's reader go by.
enum ManualCommand: Command {
  static let guide = Guide(
    name: "manual", summary: "the manual's pages, as man reads them", operands: "PAGE", operandCount: 1...1,
    operandWords: .oneOf(Manual.Page.allCases.map(\.rawValue)),
    details: """
      PAGE is 1 for msgspool(1), 5 for msgspool(5), which tells the message and the
      spool, or conf for msgspool.conf(5). make install puts them where man looks.
      """,
    examples: [("msgspool manual 5 | man -l -", "read one that is not installed")])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let pages = Manual.Page.allCases
    guard let page = pages.first(where: { $0.rawValue == arguments.operands[0] }) else {
      throw .usage(
        "there is no page \"\(arguments.operands[0])\"; there are \(pages.map(\.rawValue).joined(separator: ", "))",
        known: pages.map(\.rawValue), found: arguments.operands[0])
    }
    Console.output(
      Manual(commands: Program.commands.map { $0.guide }, cards: Catalogue.providers.map { $0.card })[page])
    return .ok
  }
}
