import Core
import Glibc
import Spooling

/// From arguments to an exit status: the only place that knows all commands.
enum Program {
  static let version = "0.1.0"
  /// Of the manual pages.
  static let date = "November 28, 2026"

  static let commands: [any Command.Type] = [
    InitCommand.self,
    SendCommand.self,
    SendmailCommand.self,
    SweepCommand.self,
    WatchCommand.self,
    StatusCommand.self,
    ChannelsCommand.self,
    TopCommand.self,
    ReportCommand.self,
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
    CompletionCommand.self,
    SchemaCommand.self,
    ManualCommand.self,
    HelpCommand.self,
    VersionCommand.self,
  ]

  /// - Parameter words: the command line, the program's name first.
  static func run(_ words: [Word]) -> ExitStatus {
    prepareProcess()
    var status: ExitStatus
    do throws(Failure) { status = try perform(named(words)) } catch {
      Console.report(error)
      status = error.status
    }
    if let failure = Console.outputFailure, [.ok, .failed].contains(status) {
      Console.report(failure)
      status = failure.status
    }
    Console.conclude()
    return status
  }

  /// Without the program's name, which may be a command's: `sendmail`, where other programs look for one.
  private static func named(_ words: [Word]) -> [Word] {
    let name = words.first?.text?.pieces(at: "/").last
    guard name == SendmailCommand.guide.name else { return Array(words.dropFirst()) }
    // The ./spool of whatever folder a program happens to run in is not where the system's mail goes.
    let isNamed =
      words.contains { $0.bytes.starts(with: Array("--spool".utf8)) } || Surroundings.variable("MSGSPOOL_DIR") != nil
    let spool = isNamed ? [] : ["--spool", Surroundings.systemSpool].map { Word($0) }
    return [Word(SendmailCommand.guide.name)] + spool + words.dropFirst()
  }

  /// The words that this process was started with, as the system has them: what is no UTF-8 is left as it is.
  static var words: [Word] {
    // Swift finds them beside the environment, and not at all where a preloaded library (libfaketime) has moved that.
    guard CommandLine.argc > 0 else { return wordsByProc }
    return (0..<Int(CommandLine.argc)).compactMap { index in
      CommandLine.unsafeArgv[index].map { Word(bytes: Array(UnsafeRawBufferPointer(start: $0, count: strlen($0)))) }
    }
  }

  private static var wordsByProc: [Word] {
    let descriptor = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
    // Each ends with a NUL; empty ones are words, too.
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { Word(bytes: Array($0)) }
  }

  private static func perform(_ words: [Word]) throws(Failure) -> ExitStatus {
    var rest = words[...]
    // What every command takes may stand before its name, as git has it.
    var options: [Word] = []
    while let next = rest.first, next.bytes.first == UInt8(ascii: "-") {
      rest.removeFirst()
      let word = try Arguments.text(next)
      switch word {
      case "--help", "-h":
        Console.output(Help.overview(commands))
        return .ok
      case "--version", "-V":
        rest = [Word("version")]
        continue
      default: break
      }
      guard let option = Guide.common.first(where: { $0.isMeant(by: word) }) else {
        let name = word.halves(at: "=")?.before ?? word
        throw .usage("msgspool has no option \(name)", known: Guide.common.map(\.name), found: name)
      }
      options.append(next)
      if option.value != nil, !word.holds("="), let value = rest.popFirst() { options.append(value) }
    }
    guard let name = rest.popFirst() else {
      Console.error(Help.overview(commands))
      return .usage
    }
    // A shell asks with each key that is pressed; what is no text has no completion.
    if name.text == CompletionCommand.question { return CompletionCommand.answer(rest.map { $0.text ?? "" }) }
    return try run(try command(named: name.display), options + rest)
  }

  static func command(named name: String) throws(Failure) -> any Command.Type {
    if let command = commands.first(where: { $0.guide.name == name }) { return command }
    throw .usage("there is no command \"\(name)\"", known: commands.map { $0.guide.name }, found: name)
  }

  private static func run(_ command: any Command.Type, _ words: [Word]) throws(Failure) -> ExitStatus {
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
  case badData = 65
  case notFound = 66
  case noUser = 67
  /// A service that can't be reached.
  case unavailable = 69
  case cannotWrite = 73
  case ioError = 74
  case tryAgain = 75
  case noPermission = 77
  case configuration = 78
}

extension ExitStatus: CaseIterable {
  /// As the manual tells it.
  var meaning: String {
    switch self {
    case .ok: "Fine, also when messages failed, since that is recorded in their files."
    case .failed:
      "With sweep --strict some message failed, with send --wait this one; check found something."
    case .usage: "The command line, or a message on it, is wrong."
    case .badData: "A mail at the sendmail door cannot be sent as it is."
    case .noUser: "Nobody is configured to get mail for that address."
    case .notFound: "There is no such spool or message."
    case .unavailable: "The service that a login is for cannot be reached."
    case .cannotWrite: "Something cannot be written: a full disk, usually."
    case .ioError: "The disk fails, or standard output cannot be written."
    case .tryAgain: "Not now: another operator command is at work, or send --wait waited in vain."
    case .noPermission: "This user may not do that."
    case .configuration: "The configuration cannot be used."
    }
  }
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
