import Core

enum HelpCommand: Command {
  static let guide = Guide(
    name: "help", summary: "all commands, or one with its options and examples", operands: "[COMMAND]",
    operandCount: 0...1,
    examples: [
      ("msgspool help", "all commands"),
      ("msgspool help sweep", "the same as: msgspool sweep --help"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    guard let name = arguments.operands.first else {
      Console.output(Help.overview(Program.commands))
      return .ok
    }
    Console.output(Help.text(try Program.command(named: name).guide))
    return .ok
  }
}

enum VersionCommand: Command {
  static let guide = Guide(
    name: "version", summary: "which version this is", examples: [("msgspool version", "the same as: --version")])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    if arguments.has("--json") {
      Console.output(.object([.init("version", .string(Program.version))]))
    } else {
      Console.output("msgspool \(Program.version)\n")
    }
    return .ok
  }
}
