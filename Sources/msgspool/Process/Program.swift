import Glibc
import Spooling

/// From arguments to an exit status: the only place that knows all commands.
enum Program {
  static let version = "0.1.0"

  static let commands: [any Command.Type] = [
    InitCommand.self,
    SendCommand.self,
    SweepCommand.self,
    WatchCommand.self,
    StatusCommand.self,
    ListCommand.self,
    ShowCommand.self,
    RetryCommand.self,
    FlushCommand.self,
    HoldCommand.self,
    ReleaseCommand.self,
    DeleteCommand.self,
    CheckCommand.self,
    PruneCommand.self,
    ProvidersCommand.self,
    LoginCommand.self,
    LogoutCommand.self,
    ContactsCommand.self,
    SandboxCommand.self,
  ]

  static func run(_ words: [String]) -> ExitStatus {
    prepareProcess()
    var status = perform(Array(words.dropFirst()))
    if let failure = Console.outputFailure, [.ok, .failed].contains(status) {
      Console.report(failure)
      status = failure.status
    }
    Console.conclude()
    return status
  }

  private static func perform(_ words: [String]) -> ExitStatus {
    guard let name = words.first else {
      Console.error(Help.overview(commands))
      return .usage
    }
    switch name {
    case "help", "--help", "-h":
      guard words.count > 1 else {
        Console.output(Help.overview(commands))
        return .ok
      }
      guard let command = command(words[1]) else { return unknown(words[1]) }
      Console.output(Help.text(command.guide))
      return .ok
    case "version", "--version", "-V":
      Console.output("msgspool \(version)\n")
      return .ok
    default: return run(name, Array(words.dropFirst()))
    }
  }

  private static func command(_ name: String) -> (any Command.Type)? {
    commands.first { $0.guide.name == name }
  }

  private static func run(_ name: String, _ words: [String]) -> ExitStatus {
    guard let command = command(name) else { return unknown(name) }
    do throws(Failure) {
      return try run(command, words)
    } catch {
      Console.report(error)
      return error.status
    }
  }

  private static func unknown(_ name: String) -> ExitStatus {
    let failure = Failure.usage("there is no command \"\(name)\"", known: commands.map { $0.guide.name }, found: name)
    Console.report(failure)
    return failure.status
  }

  private static func run(_ command: any Command.Type, _ words: [String]) throws(Failure) -> ExitStatus {
    let arguments = try Arguments(words, command.guide)
    if arguments.has("--help") {
      Console.output(Help.text(command.guide))
      return .ok
    }
    Console.isQuiet = arguments.has("--quiet")
    Console.isVerbose = arguments.has("--verbose")
    return try command.run(arguments)
  }

  private static func prepareProcess() {
    // A reader that went away, and a file-size limit, are errors to be handled, not ends.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // Modes are chosen where things are made; nothing may ever be writable by the group or others.
    umask(0o022)
    CoreDumps.disable()
    // Messages in hand keep their files open until they are settled.
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
  }
}

/// sysexits.h, as far as it is used (contract, section 7).
enum ExitStatus: Int32 {
  case ok = 0
  /// `--strict`, and some message failed; `check`, and something was found.
  case failed = 1
  case usage = 64
  case notFound = 66
  /// A service that can't be reached.
  case unavailable = 69
  case cannotWrite = 73
  case ioError = 74
  case tryAgain = 75
  case noPermission = 77
  case configuration = 78
}

func exitProcess(_ status: ExitStatus) -> Never { exit(status.rawValue) }

/// Why a command can't do what it was asked: one sentence, and what to do about it.
struct Failure: Error {
  var status: ExitStatus
  var message: String
  var hint: String?

  init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }
}

/// One command of the program.
protocol Command: Sendable {
  static var guide: Guide { get }
  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus
}
