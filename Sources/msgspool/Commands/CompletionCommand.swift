import Configuring
import Core
import Glibc
import Providers
import Spooling

enum CompletionCommand: Command {
  static let guide = Guide(
    name: "completion", summary: "completions for a shell", operands: "SHELL", operandCount: 1...1,
    operandWords: .oneOf(Completion.Shell.allCases.map(\.rawValue)),
    details: """
      SHELL is bash, zsh or fish. Completes commands, options, and values: channels,
      recipients, messages, folders, kinds, providers, as they are in the spool at
      that moment.
      """,
    examples: [
      ("source <(msgspool completion bash)", "in ~/.bashrc"),
      ("msgspool completion zsh > ~/.zfunc/_msgspool", "in a folder of $fpath"),
      ("msgspool completion fish | source", "in ~/.config/fish/config.fish"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let shells = Completion.Shell.allCases
    guard let shell = shells.first(where: { $0.rawValue == arguments.operands[0] }) else {
      throw .usage(
        "there are completions for \(shells.map(\.rawValue).joined(separator: ", "))", known: shells.map(\.rawValue),
        found: arguments.operands[0])
    }
    Console.output(Completion.script(shell))
    return .ok
  }

  // MARK: What the scripts ask

  /// Not in the help, as only shells ask.
  static let question = "__complete"
  /// Names looked at, and told, at the most: a person waits for the answer.
  private static let mostLooked = 20_000
  private static let mostTold = 500

  /// `msgspool __complete SHELL WORD...`: a first line with the kind of the answer, then one for each word.
  static func answer(_ words: [String]) -> ExitStatus {
    // Whatever hangs (a file system that is gone, say) must not hang the shell.
    signal(SIGALRM, SIG_DFL)
    alarm(2)
    guard let shell = words.first.flatMap(Completion.Shell.init(rawValue:)) else { return .usage }
    var (line, kept) = (Array(words.dropFirst()), "")
    if shell == .bash { (line, kept) = Completion.joined(line) }
    let completion = Completion(guides: Program.commands.map { $0.guide }, lookup: look)
    switch completion.answer(line) {
    case .files: Console.output("files\n")
    case .folders: Console.output("folders\n")
    case .words(let candidates):
      let lines = candidates.map { candidate in
        let word = String(decoding: candidate.word.utf8.dropFirst(kept.utf8.count), as: UTF8.self)
        return word.safeText + (candidate.summary.isEmpty ? "" : "\t\(candidate.summary)") + "\n"
      }
      Console.output("words\n" + lines.joined())
    }
    return .ok
  }

  private static func look(_ words: Guide.Words, _ prefix: String, _ given: Arguments?) -> [String] {
    switch words {
    case .providers: return Catalogue.providers.map { $0.card.name }
    case .services: return Catalogue.providers.map { $0.card.name } + Presets.all.map(\.name)
    case .channels: return configuration(given)?.channels.keys.sorted() ?? []
    case .recipients:
      guard let configuration = configuration(given),
        let channel = (given?["--channel"] ?? configuration.defaultChannel).flatMap({ configuration.channels[$0] })
      else { return [] }
      return channel.recipients.keys.map(\.text).sorted()
    case .messages(let folders): return given.map { names(folders, prefix, $0) } ?? []
    case .free, .file, .folder, .oneOf: return []
    }
  }

  private static func configuration(_ given: Arguments?) -> Configuration? {
    guard let given,
      let path = Surroundings.configurationPath(given, spool: Surroundings.spoolPath(given))
    else { return nil }
    return try? Surroundings.configuration(path)
  }

  private static func names(_ folders: [Folder], _ prefix: String, _ given: Arguments) -> [String] {
    // Opened to be looked at: nothing is made, mended or locked.
    guard let spool = try? Spool(Surroundings.spoolPath(given), for: .look) else { return [] }
    var (names, looked) = ([String](), 0)
    for folder in folders where !spool.closed.contains(folder) {
      guard var walk = try? Walk(folder, of: spool) else { continue }
      while looked < mostLooked, names.count < mostTold, let found = try? walk.next() {
        looked += 1
        let name = found.name.display
        if !found.isOdd, name.utf8.starts(with: prefix.utf8) { names.append(name) }
      }
    }
    return names.sorted()
  }
}

enum SchemaCommand: Command {
  static let guide = Guide(
    name: "schema", summary: "the message format as JSON Schema",
    details: """
      For editors, for producers' tests, and for languages that make types of it
      (draft 2020-12). msgspool(5) tells the same for people.
      """,
    examples: [("msgspool schema > message.schema.json", "for a validator")])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    Console.output(MessageSchema.json)
    return .ok
  }
}
