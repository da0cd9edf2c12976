import Core

enum WatchCommand: Command {
  static let guide = Guide(
    name: "watch", summary: "sweep when something arrives or falls due, until SIGTERM",
    options: SweepCommand.logOptions, examples: [("msgspool watch", "as a service")])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus { .ok }
}
