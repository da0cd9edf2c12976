import Configuring
import Core
import FoundationEssentials
import Glibc
import Ledger
import Providers
import SQLiteLedger
import Spooling
import Sweeping

/// What commands find around them: the spool, the configuration, the ledger, the clock.
enum Surroundings {
  static func now() -> Date { Date() }

  // MARK: What the manual tells of them

  static let variables: [(name: String, summary: String)] = [
    ("MSGSPOOL_DIR", "The spool, where --spool does not name one."),
    ("MSGSPOOL_CONFIG", "The configuration, where --config does not name one."),
    ("MSGSPOOL_LANG", "en or zh: the language of what people read; else that of LC_ALL, LC_MESSAGES or LANG."),
    ("NO_COLOR", "Any value: no colours."),
    ("TERM", "A terminal of the kind dumb gets no colours, and no line that is drawn over."),
    ("TZ", "Whose days and hours count in channels without a zone; else /etc/localtime."),
    ("CREDENTIALS_DIRECTORY", "Where systemd puts the credentials that a configuration names."),
    ("JOURNAL_STREAM", "Set by systemd: lines on standard error tell their priority."),
  ]

  static let files: [(path: String, summary: String)] = [
    (systemSpool, "The system's spool; msgspool(5) tells its folders."),
    (systemConfiguration, "The system's configuration; see msgspool.conf(5)."),
  ]

  static let systemSpool = "/var/spool/msgspool"
  private static let systemConfiguration = "/etc/msgspool/config.json"

  /// Where a configuration is looked for.
  static let configurations = ["$MSGSPOOL_CONFIG", "SPOOL/\(SpoolLayout.configuration)", systemConfiguration]

  /// Both clocks. The steady one counts while the machine sleeps: who waits for a minute waits for a minute.
  static func clock() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Moment(date: now(), steady: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
  }

  /// A time in an option: how long ago (`12h`), or when (RFC 3339).
  static func time(_ option: String, _ arguments: Arguments) throws(Failure) -> Date? {
    guard let text = arguments[option] else { return nil }
    if let seconds = TimeSpan.seconds(text) { return now() - seconds }
    if let date = RFC3339.date(text) { return date }
    throw Failure(
      .usage,
      "\(option): found \"\(text)\"; expected an age such as 30m, 12h or 7d, or a time such as 2026-11-22T09:00:00Z",
      hint: TimeSpan.question(text))
  }

  static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Empty where it is gone, or too deep.
  static func currentFolder() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      guard let path = buffer.baseAddress, getcwd(path, buffer.count) != nil else { return "" }
      return String(cString: path)
    }
  }

  /// 32 lower-case hex digits from the system's generator.
  static func nonce() -> String {
    let words = Randomness.with { [$0.next(), $0.next()] }
    return String(unsafeUninitializedCapacity: 32) { digits in
      for position in 0..<32 {
        let value = UInt8(truncatingIfNeeded: words[position / 16] >> (position % 16 * 4)) & 15
        digits[position] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
      }
      return 32
    }
  }

  // MARK: Spool

  static func spoolPath(_ arguments: Arguments) -> String {
    if let path = arguments["--spool"] ?? variable("MSGSPOOL_DIR") { return path }
    return isSpool("spool") ? "spool" : systemSpool
  }

  private static func isSpool(_ path: String) -> Bool {
    do throws(SpoolFault) {
      _ = try Spool(path, for: .look)
      return true
    } catch {
      return false
    }
  }

  /// Opens the spool. A copy that lacks folders is completed, which is said, unless it is only to be looked at.
  static func spool(_ arguments: Arguments, for purpose: Spool.Purpose = .work) throws(Failure) -> Spool {
    let path = spoolPath(arguments)
    try becomeOwner(of: path)
    do throws(SpoolFault) {
      do throws(SpoolFault) {
        return try Spool(path, for: purpose)
      } catch  where error.isRest {
        try complete(path)
        return try Spool(path, for: purpose)
      }
    } catch {
      if let trouble = error.trouble { throw Failure(trouble) }
      throw Failure(error.number == EACCES ? .noPermission : .notFound, error.message, hint: error.hint)
    }
  }

  /// Run by root, all is done as the spool's owner, from before anything in it is touched.
  static func becomeOwner(of path: String) throws(Failure) {
    guard geteuid() == 0, let facts = try? FileFacts(ofWhatIsAt: path), facts.owner != 0 else { return }
    do throws(SystemFault) {
      try Identity.become(user: facts.owner, group: facts.group)
    } catch {
      throw Failure(
        .noPermission,
        "the spool \(path) belongs to user \(facts.owner), and this root may not become that user: \(error)",
        hint:
          "run msgspool as that user: setpriv --reuid \(facts.owner) --regid \(facts.group) --clear-groups msgspool ..."
      )
    }
    guard (try? FileFacts(ofWhatIsAt: path)) != nil else {
      throw Failure(
        .noPermission, "the spool \(path) belongs to user \(facts.owner), who cannot reach it",
        hint: "let all pass through the folders that lead to it: chmod a+x; or give the spool to root")
    }
  }

  private static func complete(_ path: String) throws(SpoolFault) {
    let lacking = try Spool(path, for: .look).lacking
    do throws(SystemFault) {
      try Spool.make(path)
      Console.warn(path, "had no \(names(lacking)), as a copy without empty folders: made")
    } catch {
      Console.report(Failure(error))
    }
  }

  /// `new/, cur/ and tmp/`.
  static func names(_ folders: [Folder]) -> String {
    let names = folders.map { "\($0.rawValue)/" }
    guard let last = names.last, names.count > 1 else { return names.joined() }
    return phrase("{1} and {2}", names.dropLast().joined(separator: phrase(", ")), last)
  }

  /// For a command that has no use for a part.
  static func requireAll(_ spool: Spool) throws(Failure) {
    guard spool.closed.isEmpty else {
      throw Failure(
        .noPermission, "this user may not read \(names(spool.closed)) of \(spool.path)", hint: remedy(spool))
    }
  }

  /// How to see what this user may not.
  static func remedy(_ spool: Spool) -> String? {
    guard let facts = try? spool.facts() else { return nil }
    return "its owner sees the rest: sudo -u \(facts.ownerName) msgspool ... --spool \(spool.path.shellWord)"
  }

  /// Sweeps' folders that this user may not look into.
  static func tell(closed places: [Place], of spool: Spool) {
    guard let first = places.first else { return }
    let more = places.count > 1 ? " and \(places.count - 1) more" : ""
    Console.warn(spool.path, "this user may not read \(first.label)/\(more)", hint: remedy(spool))
  }

  // MARK: Configuration

  /// The configuration's path, whether or not it was named; nil when there is none in any of the places.
  static func configurationPath(_ arguments: Arguments, spool: String) -> String? {
    if let path = arguments["--config"] ?? variable("MSGSPOOL_CONFIG") { return path }
    return ["\(spool)/\(SpoolLayout.configuration)", systemConfiguration].first { path in
      // Found, and not to be read, is to be said; what only root can reach, root finds.
      Identity.asRoot { (try? FileFacts(ofWhatIsAt: path)) != nil }
    }
  }

  static func configuration(_ arguments: Arguments, spool: Spool) throws(Failure) -> Configuration {
    guard let path = configurationPath(arguments, spool: spool.path) else {
      throw Failure(
        .configuration, "there is no configuration",
        hint: "make a commented one with: msgspool init \(spool.path.shellWord)")
    }
    return try configuration(path)
  }

  static func configuration(_ path: String) throws(Failure) -> Configuration {
    try read(path) { (reader, file) throws(ConfigurationFault) in try reader.configuration(path, file) }
  }

  /// What of it tells where mail goes; no secret is read.
  static func mailDoor(_ path: String) throws(Failure) -> MailDoor {
    try read(path) { (reader, file) throws(ConfigurationFault) in try reader.mailDoor(path, file) }
  }

  private static func read<Value>(
    _ path: String, _ body: (ConfigurationReader, ConfigurationReader.File) throws(ConfigurationFault) -> Value
  ) throws(Failure) -> Value {
    // As it is: an empty TZ is UTC, and no TZ the system's zone.
    let reader = ConfigurationReader(
      providers: Catalogue.providers,
      presets: Dictionary(Presets.all.map { ($0.name, $0.provider) }) { first, _ in first },
      environment: { getenv($0).map { String(cString: $0) } }, file: file)
    do throws(ConfigurationFault) {
      return try body(reader, try file(path))
    } catch {
      // What is wrong with the file as a whole begins with its name already.
      let isNamed = error.place.isEmpty && error.problem.hasPrefix(path)
      let message = isNamed ? error.message : "\(path): \(error.message)"
      throw Failure(.configuration, message, hint: error.hint)
    }
  }

  /// Configurations and secrets are small; anything larger is a mistake. Those that only root may read, root reads.
  @Sendable private static func file(_ path: String) throws(ConfigurationFault) -> ConfigurationReader.File {
    do throws(SystemFault) {
      let (descriptor, number) = Identity.asRoot { (open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), errno) }
      guard descriptor >= 0 else { throw SystemFault("open", number, path) }
      defer { close(descriptor) }
      let facts = try FileFacts(descriptor, path: path)
      guard facts.isRegular, facts.size < 4 << 20 else { throw SystemFault("read", EINVAL, path) }
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: facts.size, alignment: 1)
      defer { buffer.deallocate() }
      let count = try Syscalls.readAll(descriptor, into: buffer, path: path)
      return .init(bytes: Array(buffer[..<count]), mode: facts.mode, modified: facts.modified)
    } catch {
      let hint: String? =
        switch error.number {
        case EACCES: remedy(unreadable: path)
        case ENOENT, EINVAL: nil
        default: error.hint
        }
      throw ConfigurationFault("", "\(error)", hint: hint)
    }
  }

  /// Root's configuration is there for a group; somebody else's is seen as that user.
  private static func remedy(unreadable path: String) -> String {
    let group = "let the group read it: chgrp msgspool \(path.shellWord)"
    guard let facts = try? FileFacts(ofWhatIsAt: path), facts.owner != 0, facts.owner != geteuid() else { return group }
    return "its owner may: sudo -u \(facts.ownerName) msgspool ...; or \(group)"
  }

  /// For commands that look at messages and can do without: nil where there is none, or it can't be used.
  static func configurationIfUsable(_ arguments: Arguments, spool: Spool) -> Configuration? {
    try? configuration(arguments, spool: spool)
  }

  // MARK: Operators

  /// One command that moves or removes messages at a time.
  static func operatorLock(_ spool: Spool) throws(Failure) -> OperatorLock {
    do throws(SystemFault) {
      if let lock = try OperatorLock(spool) { return lock }
    } catch {
      throw Failure(error)
    }
    throw Failure(
      .tryAgain, "another operator command (retry, prune, check --repair, ...) is at work on \(spool.path)",
      hint: "try again when it has ended")
  }

  // MARK: Ledger

  static func ledgerPath(_ spool: Spool) -> String { "\(spool.path)/\(SpoolLayout.ledger)" }

  /// Where the spool's ledger is kept: the one place that knows in which database.
  static func ledgerHome(_ spool: Spool) -> any LedgerHome { SQLiteHome(ledgerPath(spool)) }

  /// The spool's ledger to look at; nil where there is none, or it can't be read, which is said.
  static func ledgerToLookAt(_ spool: Spool) -> (any LedgerAudit)? {
    do throws(LedgerFault) {
      return try ledgerHome(spool).look(leavesNoTrace: false)
    } catch {
      tellUnreadable(spool, error)
      return nil
    }
  }

  /// The same for a command whose answer would be wrong beside a newer msgspool's ledger.
  static func ledgerOfThisVersion(_ spool: Spool, leavesNoTrace: Bool) throws(Failure) -> (any LedgerAudit)? {
    do throws(LedgerFault) {
      return try ledgerHome(spool).look(leavesNoTrace: leavesNoTrace)
    } catch {
      if error.isNewer { throw Failure(error) }
      tellUnreadable(spool, error)
      return nil
    }
  }

  private static func tellUnreadable(_ spool: Spool, _ fault: LedgerFault) {
    switch fault.age {
    case .older, .unmade: Console.warn(ledgerPath(spool), "is not looked at: \(fault.message)")
    case .newer: Console.warn(ledgerPath(spool), "cannot be read: \(fault.message)", hint: Failure(fault).hint)
    case nil: Console.warn(ledgerPath(spool), "cannot be read: \(fault.message)", hint: "see: msgspool check")
    }
  }

  /// Opens the spool's ledger; a damaged one is set aside, named, and a new one begun.
  static func ledger(_ spool: Spool) throws(Failure) -> any LedgerAudit {
    let home = ledgerHome(spool)
    do throws(LedgerFault) {
      let opened = try home.open(now: now(), generation: String(nonce().prefix(6)))
      if let aside = opened.aside {
        Console.warn(
          home.place, "was damaged and is set aside as \(aside); a new ledger begins",
          hint:
            "ids seen, counts and open calls were in it; messages are in the folders, and those in doubt become unconfirmed"
        )
      }
      return opened.ledger
    } catch {
      throw Failure(error)
    }
  }
}

extension Surroundings {
  /// The ledger as channels with a login need it.
  static func personalLedger(_ spool: Spool) throws(Failure) -> any PersonalLedger {
    guard let ledger = try ledger(spool) as? any PersonalLedger else {
      throw Failure(
        .configuration, "the ledger of \(spool.path) keeps no logins", hint: "keep it in the spool (SQLite)")
    }
    return ledger
  }
}

extension Failure {
  init(_ trouble: SweepTrouble) {
    self.init(ExitStatus(rawValue: trouble.kind.rawValue) ?? .ioError, trouble.message, hint: trouble.hint)
  }

  init(_ fault: LedgerFault) {
    self.init(SweepTrouble(fault: fault))
    guard fault.isNewer else { return }
    // No restart mends it: a person has to.
    status = .configuration
    message = fault.message
    hint = "install that version again; messages in doubt would become unconfirmed with a new ledger"
  }

  init(_ fault: SystemFault) {
    self.init(ExitStatus(rawValue: SweepTrouble(fault: fault).kind.rawValue) ?? .ioError, "\(fault)", hint: fault.hint)
  }
}
