import Core

enum CheckCommand: Command {
  static let guide = Guide(name: "check", summary: "", examples: [])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus { .ok }
}
