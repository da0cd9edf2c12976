import Core

enum PruneCommand: Command {
  static let guide = Guide(name: "prune", summary: "", examples: [])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus { .ok }
}
