import Core
import Glibc
import Providers
import Sandbox
import Spooling

enum InitCommand: Command {
  static let guide = Guide(
    name: "init", summary: "make a spool and a commented configuration", operands: "[DIR]", operandCount: 0...1,
    options: [
      .init("--provider", "NAME", "a configuration with a channel of this provider, ready but for its secret"),
      .init(
        "--sandbox", nil, "one that works at once against: msgspool sandbox --port \(ConfigurationTemplate.sandboxPort)"
      ),
    ],
    details: """
      What is there already is left as it is. Without DIR: --spool, $MSGSPOOL_DIR,
      or ./spool.
      """,
    examples: [
      ("msgspool init", "a spool in ./spool"),
      ("msgspool init --provider twilio", "with a channel of Twilio"),
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
      let option = path == "spool" ? "" : " --spool \(path)"
      Console.output(
        """
        spool          \(path)
        configuration  \(configuration)\(isNew ? "" : " (was there, left as it is)")

        next
        \(start.steps(option).map { "  \($0)\n" }.joined())
        """)
    }
    return .ok
  }

  private static func make(_ path: String) throws(Failure) -> Spool {
    do throws(SystemFault) {
      try Spool.make(path)
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
          "take a channel out of its comment in the configuration, then",
          "msgspool check\(option)",
          "msgspool send\(option) --channel NAME --to ADDRESS \"hello\"",
          "msgspool sweep\(option)",
        ]
      }
    }
    let card = try ProvidersCommand.card(named: name)
    // A service that is gone has an example of another.
    guard card.example.contains("provider: \"\(name)\",") else {
      throw Failure(.usage, "\(name): \(card.summary)", hint: "see: msgspool providers \(name)")
    }
    guard isSandboxed else {
      return Start(configuration: ConfigurationTemplate.text(of: card)) { option in
        [
          "put the account's own values in place of the example's, then",
          "msgspool check\(option)",
          "msgspool send\(option) --to ADDRESS \"hello\"",
          "msgspool sweep\(option)",
        ]
      }
    }
    guard let sample = SandboxCatalogue.sample(of: name) else {
      throw Failure(
        .usage, "the sandbox has no \(name): \(card.summary)",
        hint: "without --sandbox: msgspool init --provider \(name)")
    }
    return Start(configuration: ConfigurationTemplate.text(of: card, at: sample)) { option in
      [
        "msgspool sandbox --port \(ConfigurationTemplate.sandboxPort) &",
        "msgspool send\(option) \(sample.send)",
        "msgspool sweep\(option)",
      ]
    }
  }
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
      // attachment_directories: ["/srv/reports"],

      channels: {
    \(examples)
      },
      /* What every channel may have, with the defaults:
           concurrency: 8,            calls in flight
           rate: 0,                   calls per second, 0 is no limit
           timeout: 30,               seconds per call
           retry: { attempts: 8, first: 60, max: 3600 },
           on_unconfirmed: "hold",    or "resend": when nobody knows whether a call arrived
           suspect_after: 20,         recipients in a row refused alike suspend the channel; 0 never
           expire_after: "7d",
           daily: 0, daily_per_recipient: 0, zone: "Asia/Shanghai",
           quiet_hours: { from: "22:00", to: "07:00" },
           digest: { every: "10m" },  messages to one recipient go out as one text
           price: 0.045, budget: { daily: 50, monthly: 800 },
           recipients: { team: ["address", "address"] },
           fallback: "other-channel", */
    }

    """
  }

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
    return text(of: card, "\(channel(card)): {\n\(settings.map { "  \($0),\n" }.joined())},")
  }

  private static func channel(_ card: ProviderCard) -> Substring { card.example.prefix { $0 != ":" } }

  private static func text(of card: ProviderCard, _ entry: String) -> String {
    """
    /* \(card.summary)
       All settings: msgspool providers \(card.name). To check this: msgspool check. */
    {
      default_channel: "\(channel(card))",
      channels: {
    \(entry.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
      },
    }

    """
  }
}
