import Core
import Glibc
import Providers
import Spooling

enum InitCommand: Command {
  static let guide = Guide(
    name: "init", summary: "make a spool and a commented configuration", operands: "[DIR]", operandCount: 0...1,
    details: """
      What is there already is left as it is. Without DIR: --spool, $MSGSPOOL_DIR,
      or ./spool.
      """,
    examples: [
      ("msgspool init", "a spool in ./spool"),
      ("sudo msgspool init /var/spool/msgspool", "the system's"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let path =
      arguments.operands.first ?? arguments["--spool"] ?? Surroundings.variable("MSGSPOOL_DIR") ?? "spool"
    do throws(SystemFault) {
      try Spool.make(path)
    } catch {
      let failure = Failure(error)
      // Whatever is in the way of a folder: it cannot be made.
      throw failure.status == .ioError && error.number != EIO
        ? Failure(.cannotWrite, failure.message, hint: failure.hint) : failure
    }
    let spool = try Surroundings.spool(Arguments(["--spool", path], guide))
    let configuration = "\(path)/\(SpoolLayout.configuration)"
    let isNew: Bool
    do throws(SystemFault) {
      let aside = FileName("\(SpoolLayout.configuration)-\(Surroundings.nonce())")
      isNew = try spool.place(
        Array(ConfigurationTemplate.text.utf8), as: FileName(SpoolLayout.configuration), aside: aside)
    } catch {
      throw Failure(error)
    }
    // The ledger from the start: what it doesn't know was never sent.
    _ = try Surroundings.ledger(spool)
    if arguments.has("--json") {
      Console.output(.object([.init("spool", .string(path)), .init("configuration", .string(configuration))]))
    } else if !Console.isQuiet {
      Console.output(
        """
        spool          \(path)
        configuration  \(configuration)\(isNew ? "" : " (was there, left as it is)")

        next: name a channel in the configuration, then
          msgspool send --spool \(path) --channel NAME --to ADDRESS "hello"
          msgspool sweep --spool \(path)

        """)
    }
    return .ok
  }
}

/// The configuration that `init` writes: valid as it is, with every channel to be uncommented.
enum ConfigurationTemplate {
  static var text: String {
    """
    // msgspool's configuration: JSON5, so comments and trailing commas are welcome.
    // Check it with: msgspool check. All settings of a provider: msgspool providers NAME.
    {
      // The channel of messages that name none.
      // default_channel: "alerts",

      // How long an id is remembered against duplicates.
      deduplicate_for: "7d",

      // Attachments may lie below these directories only.
      attachment_directories: [],

      channels: {
    \(examples)

        // What every channel may have, with the defaults:
        //   concurrency: 8,            calls in flight
        //   rate: 0,                   calls per second, 0 is no limit
        //   timeout: 30,               seconds per call
        //   retry: { attempts: 8, first: 60, max: 3600 },
        //   on_unconfirmed: "hold",    or "resend": when nobody knows whether a call arrived
        //   expire_after: "7d",
        //   daily: 0, daily_per_recipient: 0, zone: "Asia/Shanghai",
        //   suspect_after: 20,         so many recipients refused alike stop the channel; 0 never does
        //   quiet_hours: { from: "22:00", to: "07:00" },
        //   recipients: { team: ["address", "address"] },
        //   fallback: "other-channel",
      },
    }

    """
  }

  /// Each provider's own example, commented out.
  private static var examples: String {
    Catalogue.providers.map { provider in
      let card = provider.card
      let lines = card.example.split(separator: "\n", omittingEmptySubsequences: false)
      return "    // \(card.summary)\n" + lines.map { "    // \($0)\n" }.joined()
    }.joined(separator: "\n")
  }
}
