import Core

enum RetryCommand: Command {
  static let guide = Guide(name: "retry", summary: "", examples: [])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus { .ok }
}
