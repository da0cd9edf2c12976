import Core
import FoundationEssentials
import Ledger
import Spooling

enum LoginCommand: Command {
  static let guide = Guide(
    name: "login", summary: "log a channel in to WeChat, with a code to scan", operands: "CHANNEL",
    operandCount: 1...1,
    options: [
      .init("--qr", "FILE", "write the code to FILE.png or FILE.svg too, while the command runs"),
      .init("--timeout", "T", "give up after so long (5m)"),
      .init("--force", nil, "a new login, also where the old one is still good"),
    ],
    details: """
      Draws a QR code; scan it with WeChat on your phone and confirm. The session is
      kept in SPOOL/sessions/CHANNEL.json, which is a full credential: nobody else
      may read it. A session that is still good is left alone. Where the phone shows
      digits, type them. With --json, each phase is a line.
      """,
    examples: [
      ("msgspool login me", "a code in the terminal"),
      ("msgspool login me --qr /tmp/code.png", "over a line that garbles it: as a picture"),
      ("msgspool login me --json", "for a program"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    var seconds = 300.0
    if let text = arguments["--timeout"] {
      guard let span = TimeSpan.seconds(text), span > 0 else {
        throw Failure(
          .usage, "--timeout: found \"\(text)\"; expected a span such as 90s or 5m", hint: TimeSpan.question(text))
      }
      seconds = span
    }
    let picture = try arguments["--qr"].map { (path) throws(Failure) in try CodePicture(path) }
    let channel = try PersonalChannel(arguments)
    let screen = LoginScreen(channel, asJSON: arguments.has("--json"), picture)
    picture?.removeWhenStopped()
    defer { picture?.remove() }
    return try login(channel, screen, isForced: arguments.has("--force"), Surroundings.clock().steady + seconds)
  }

  private static func login(
    _ channel: PersonalChannel, _ screen: LoginScreen, isForced: Bool, _ deadline: Double
  ) throws(Failure) -> ExitStatus {
    let lock = try screen.telling { () throws(Failure) in try channel.lock() }
    defer { withExtendedLifetime(lock) {} }
    let ledger = try Surroundings.personalLedger(channel.spool)
    var session = Session()
    do throws(Failure) {
      session = try channel.session(ledger)
    } catch {
      // A file that can't be used is replaced by a login that was asked for.
      if !isForced { throw screen.told(error) }
    }
    // Of another provider, which the channel had before, nothing is of use.
    if session.account?.provider != channel.channel.card.name { session = Session() }
    if !isForced, session.account?.state == .ok {
      switch channel.converse(.check, session, deadline: deadline) {
      case .success(let session):
        screen.ready(session, isNew: false)
        return .ok
      case .failure(let failure) where failure.kind == .ended: break
      case .failure(let failure): throw screen.failed(failure)
      }
    }
    let result = channel.converse(
      .login(isFresh: isForced), isForced ? Session() : session, deadline: deadline, tell: { screen.show($0) },
      read: { screen.read(within: $0) })
    switch result {
    case .failure(let failure): throw screen.failed(failure)
    case .success(var session):
      // As files keep it: to the millisecond.
      session.account?.since = RFC3339.date(RFC3339.string(Surroundings.now())) ?? Surroundings.now()
      try screen.telling { () throws(Failure) in try channel.replace(session, ledger) }
      screen.ready(session, isNew: true)
      return .ok
    }
  }
}

enum LogoutCommand: Command {
  static let guide = Guide(
    name: "logout", summary: "end a channel's login, and remove its session", operands: "CHANNEL",
    operandCount: 1...1,
    details: """
      Tells the service, where it can be told. Messages stay in new/ until somebody
      logs in again; what was received is not received again.
      """,
    examples: [("msgspool logout me", "the session, its contacts and its place in the inbox are gone")])

  /// Seconds for telling the service.
  private static let patience = 15.0

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let channel = try PersonalChannel(arguments)
    let lock = try channel.lock()
    defer { withExtendedLifetime(lock) {} }
    let ledger = try Surroundings.personalLedger(channel.spool)
    let stillness = try channel.stillness()
    defer { withExtendedLifetime(stillness) {} }
    let session = (try? channel.session(ledger)) ?? Session()
    if session.account?.state == .ok {
      let end = Surroundings.clock().steady + patience
      if case .failure(let failure) = channel.converse(.logout, session, deadline: end) {
        Console.warn(
          "channel \(channel.channel.name)", "the service could not be told: \(failure.message)",
          hint: "on the phone, log out the other device")
      }
    }
    do throws(SystemFault) { try channel.files.remove() } catch { throw Failure(error) }
    do throws(LedgerFault) { try ledger.beginLogin(channel.channel.name, nil) } catch { throw Failure(error) }
    let name = session.account?.name
    if arguments.has("--json") {
      Console.output(
        .object([
          .init("channel", .string(channel.channel.name)), .init("account", name.map(JSON.string) ?? .null),
          .init("logged_out", .boolean(session.account != nil)),
        ]))
    } else {
      Console.note(name.map { phrase("logged out: {1}", $0) } ?? phrase("nobody was logged in"))
    }
    return .ok
  }
}
