import Core
import Glibc
import Providers
import Sandbox
import Spooling

enum InitCommand: Command {
  static let guide = Guide(
    name: "init", summary: "make a spool and a commented configuration", operands: "[DIR]", operandCount: 0...1,
    operandWords: .folder,
    options: [
      .init(
        "--provider", "NAME", "a configuration with a channel of this provider or preset, ready but for its secret",
        .services),
      .init("--sandbox", nil, "one that works at once, with a stand-in for the provider on this machine"),
    ],
    details: """
      What is there already is left as it is. Without DIR: --spool, $MSGSPOOL_DIR,
      or ./spool.
      """,
    examples: [
      ("msgspool init", "a spool in ./spool"),
      ("msgspool init --provider twilio", "with a channel of Twilio"),
      ("msgspool init --provider slack", "with a channel for Slack, and what to get where"),
      ("msgspool init --sandbox", "to try msgspool without an account"),
      ("sudo msgspool init /var/spool/msgspool", "the system's"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let path =
      arguments.operands.first ?? arguments["--spool"] ?? Surroundings.variable("MSGSPOOL_DIR") ?? "spool"
    // What is added to a spool that is there belongs to its owner.
    try Surroundings.becomeOwner(of: path)
    let start = try start(arguments)
    let spool = try make(path)
    let configuration = "\(path)/\(SpoolLayout.configuration)"
    let isNew: Bool
    do throws(SystemFault) {
      let aside = FileName("\(SpoolLayout.configuration)-\(Surroundings.nonce())")
      isNew = try spool.place(Array(start.configuration.utf8), as: FileName(SpoolLayout.configuration), aside: aside)
    } catch {
      throw Failure(error)
    }
    // The ledger from the start: what it doesn't know was never sent.
    _ = try Surroundings.ledger(spool)
    if arguments.has("--json") {
      Console.output(.object([.init("spool", .string(path)), .init("configuration", .string(configuration))]))
    } else if !Console.isQuiet {
      // ./spool is found without being named.
      let option = path == "spool" ? "" : " --spool \(path.shellWord)"
      Console.output(
        """
        \(Columns.pad(phrase("spool"), 15))\(path)
        \(Columns.pad(phrase("configuration"), 15))\(configuration)\(isNew ? "" : " " + phrase("(was there, left as it is)"))

        \(phrase("next"))
        \(start.steps(option).map { "  \($0)\n" }.joined())
        """)
    }
    return .ok
  }

  private static func make(_ path: String) throws(Failure) -> Spool {
    do throws(SystemFault) {
      try Spool.make(path)
      try ReceiptFolder.make(path)
    } catch {
      let failure = Failure(error)
      // Whatever is in the way of a folder: it cannot be made.
      let isInTheWay = failure.status == .ioError && error.number != EIO
      throw Failure(
        isInTheWay ? .cannotWrite : failure.status, failure.message,
        hint: isInTheWay ? "name a folder where this user may make one: msgspool init DIR" : failure.hint)
    }
    do throws(SpoolFault) { return try Spool(path) } catch {
      throw error.trouble.map { Failure($0) } ?? Failure(.cannotWrite, error.message, hint: error.hint)
    }
  }

  /// A configuration and what is to be done with it.
  private struct Start {
    var configuration: String
    var steps: (_ spoolOption: String) -> [String]
  }

  private static func start(_ arguments: Arguments) throws(Failure) -> Start {
    let isSandboxed = arguments.has("--sandbox")
    guard let name = arguments["--provider"] ?? (isSandboxed ? "wxpusher" : nil) else {
      return Start(configuration: ConfigurationTemplate.text) { option in
        [
          phrase("take a channel out of its comment in the configuration, then"),
          "msgspool check\(option)",
          "msgspool send\(option) --channel NAME --to ADDRESS \"hello\"",
          "msgspool sweep\(option)",
        ]
      }
    }
    if let preset = Presets.named(name) { return try start(preset, isSandboxed) }
    let card = try ProvidersCommand.card(named: name)
    // A service that is gone has an example of another.
    guard [",", " }"].contains(where: { card.example.contains("provider: \"\(name)\"\($0)") }) else {
      throw Failure(.usage, "\(name): \(card.summary)", hint: "see: msgspool providers \(name)")
    }
    guard isSandboxed else {
      return Start(configuration: ConfigurationTemplate.text(of: card)) { option in
        [phrase("put the account's own values in place of the example's, then")] + login(to: card, option) + [
          "msgspool check\(option)",
          "msgspool send\(option) --to ADDRESS \"hello\"",
          "msgspool sweep\(option)",
        ]
      }
    }
    if name == ConfigurationTemplate.programProvider {
      return Start(configuration: ConfigurationTemplate.textOfProgram(card)) { option in
        ["msgspool send\(option) --to me \"hello\"", "msgspool sweep\(option)"]
      }
    }
    guard let sample = SandboxCatalogue.sample(of: name) else {
      throw Failure(
        .usage, "the sandbox speaks HTTP, and \(name) needs another server",
        hint: "without --sandbox: msgspool init --provider \(name), and put your own server into it, or a test server "
          + "on this machine: url: \"smtp://127.0.0.1:1025\", security: \"none\"")
    }
    return Start(configuration: ConfigurationTemplate.text(of: card, at: sample)) { option in
      // A login is kept by the stand-in: it must be one and the same for all of these.
      let port = ConfigurationTemplate.sandboxPort
      let word = sample.word.map { ["curl -d '\($0)' http://127.0.0.1:\(port)/sandbox/\(name)/say"] } ?? []
      let first = login(to: card, option)
      return (first.isEmpty ? [] : ["msgspool sandbox --port \(port) &"]) + first + word
        + ["msgspool send\(option) \(sample.send)", "msgspool sweep\(option)"]
    }
  }
}

extension InitCommand {
  private static func start(_ preset: Preset, _ isSandboxed: Bool) throws(Failure) -> Start {
    guard !isSandboxed else {
      throw Failure(
        .usage, "\(preset.name) is a preset of \(preset.provider), which the sandbox does not know by itself",
        hint: "msgspool init --provider \(preset.provider) --sandbox; or without --sandbox")
    }
    return Start(configuration: ConfigurationTemplate.text(of: preset)) { option in
      [
        phrase("do what the configuration says of {1}, then", preset.name),
        "msgspool check\(option)",
        "msgspool send\(option)\(preset.needsRecipient ? " --to ADDRESS" : "") \"hello\"",
        "msgspool sweep\(option)",
      ]
    }
  }

  /// Somebody has to log in first, where the service knows its people by that.
  fileprivate static func login(to card: ProviderCard, _ option: String) -> [String] {
    Catalogue.named(card.name) is any AccountProvider.Type
      ? ["msgspool login\(option) \(ConfigurationTemplate.channel(card))"] : []
  }
}

extension Preset {
  /// A channel that has no target of its own.
  fileprivate var needsRecipient: Bool { example.contains("{to}") || example.contains("recipients:") }
}

/// The configurations that `init` writes. What may be uncommented stands behind `//`, each piece by itself or all of them;
/// explanations are in comments of the other kind.
enum ConfigurationTemplate {
  static let sandboxPort = 8517

  static var text: String {
    """
    /* msgspool's configuration: JSON5, so comments and trailing commas are welcome. To check it: msgspool check.
       A channel is a provider with an account. Take one of these out of its comment and put in your own values, or one
       from: msgspool providers NAME. All there are: msgspool providers. */
    {
      /* default_channel: "alerts" here would name the channel of messages that name none. */

      /* How long an id is remembered against duplicates. */
      // deduplicate_for: "7d",

      /* Who hears, once an hour at the most, of what failed: { channel: "...", to: "..." } of yours at on_failure. */

      /* Attachments may lie below these directories only. */
      // attachment_directories: ["/srv"],

      channels: {
    \(examples)

        /* What every channel may have beside its provider's settings; up to expire_after these are the defaults. The
           second one is where the first one's failures go. */
    \(everything.split(separator: "\n").map { "    // \($0)" }.joined(separator: "\n"))
      },
    }

    """
  }

  /// An entry of a channel with all that is no provider's own.
  private static let everything = """
    careful: {
      provider: "webhook", url: "https://hooks.example.com/notify",
      concurrency: 8,          /* calls in flight */
      rate: 0,                 /* calls per second; 0 is no limit */
      timeout: 30,             /* seconds per call */
      retry: { attempts: 8, first: 60, max: 3600 }, /* seconds */
      on_unconfirmed: "hold",  /* or "resend": when nobody knows whether a call arrived */
      suspect_after: 20,       /* recipients in a row refused alike suspend the channel; 0 never */
      daily: 0, daily_per_recipient: 0, /* recipients, and messages to each of them; 0 is no limit */
      expire_after: "7d",
      zone: "Asia/Shanghai",
      quiet_hours: { from: "22:00", to: "07:00" },
      digest: { every: "10m" },
      price: 0.045,
      budget: { daily: 50, monthly: 800 },
      recipients: { team: ["one", "other"] },
      fallback: "spare",
    },
    spare: { provider: "webhook", url: "https://hooks.example.com/spare" },
    """

  /// A channel of each kind: a push service, text messages, mail, and any other HTTP endpoint.
  private static var examples: String {
    ["wxpusher", "twilio", "email", "webhook"].compactMap { name in
      Catalogue.providers.first { $0.card.name == name }.map { provider in
        let lines = provider.card.exampleEntry.split(separator: "\n")
        return "    /* \(provider.card.summary) */\n" + lines.map { "    // \($0)" }.joined(separator: "\n")
      }
    }.joined(separator: "\n\n")
  }

  /// One channel, as its provider's example has it.
  static func text(of card: ProviderCard) -> String {
    text(of: card, card.exampleEntry)
  }

  /// The same at the sandbox, with an account that it takes.
  static func text(of card: ProviderCard, at sample: SandboxSample) -> String {
    let place =
      card.name == "webhook"
      ? "url: \"http://127.0.0.1:\(sandboxPort)/webhook/x\"" : "endpoint: \"http://127.0.0.1:\(sandboxPort)\""
    let settings = ["provider: \"\(card.name)\"", place] + sample.settings
    let sandbox = """
        /* Nothing leaves this machine: sweeps start a stand-in for the provider at this port, unless one is there already
           (msgspool sandbox --port \(sandboxPort) --record calls.jsonl shows what it gets). */
        sandbox: \(sandboxPort),

      """
    return text(of: card, "\(channel(card)): {\n\(settings.map { "  \($0),\n" }.joined())},", sandbox)
  }

  /// The provider whose far side is no server, but a program of this machine.
  static let programProvider = "exec"

  /// With a program that does nothing but say that it took each line.
  static func textOfProgram(_ card: ProviderCard) -> String {
    let script = #"s/^\{"to":("([^"\\]|\\.)*").*/{"to":\1,"state":"accepted"}/"#
    let command = JSON.strings(["/bin/sed", "-E", script]).text
    return text(of: card, "\(channel(card)): {\n  provider: \"\(card.name)\",\n  command: \(command),\n},")
  }

  /// With what to get where in its comment.
  static func text(of preset: Preset) -> String {
    let steps = preset.steps.enumerated().map { number, step in
      "   \(number + 1). " + Columns.wrapped(step, indent: 6, columns: 100).drop { $0 == " " }
    }
    return """
      /* \(preset.summary)
      \(steps.joined())   See also \(preset.document)
         All settings: msgspool providers \(preset.provider). To check this: msgspool check. */
      {
        default_channel: "\(preset.name)",
        channels: {
      \((preset.example + ",").split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
        },
      }

      """
  }

  fileprivate static func channel(_ card: ProviderCard) -> Substring { card.example.prefix { $0 != ":" } }

  private static func text(of card: ProviderCard, _ entry: String, _ more: String = "") -> String {
    """
    /* \(card.summary)
       All settings: msgspool providers \(card.name). To check this: msgspool check. */
    {
      default_channel: "\(channel(card))",
    \(more)  channels: {
    \(entry.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
      },
    }

    """
  }
}
