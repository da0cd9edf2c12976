import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Sweeping
import Threading
import Transports

/// A channel that somebody has to log in to, as login, logout and contacts use it.
struct PersonalChannel {
  let channel: Channel
  let provider: any AccountProvider
  let files: SessionFiles
  let spool: Spool

  /// The channel that the command names.
  init(_ arguments: Arguments) throws(Failure) {
    let name = arguments.operands[0]
    let spool = try Surroundings.spool(arguments)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    guard let channel = configuration.channels[name] else {
      throw .usage("there is no channel \"\(name)\"", known: Array(configuration.channels.keys), found: name)
    }
    guard let provider = channel.loggedIn, let personal = channel.personal else {
      let others = configuration.channels.values.filter { $0.loggedIn != nil }.map(\.name).sorted()
      throw Failure(
        .usage, "channel \(name) needs no login: \(channel.card.name) has none",
        hint: others.isEmpty ? nil : "channels with a login: \(others.joined(separator: ", "))")
    }
    self.channel = channel
    self.provider = provider
    self.spool = spool
    files = SessionFiles(spool: spool.path, channel: name, file: personal.sessionFile)
  }

  /// What there is of a login; with contacts and what receiving has learned.
  func session(_ ledger: any PersonalLedger) throws(Failure) -> Session {
    var session = Session()
    do throws(SessionFault) {
      session.account = try files.read()
    } catch {
      throw Failure(error)
    }
    guard let account = session.account else { return session }
    session.contacts = files.contacts(of: account)
    do throws(LedgerFault) {
      session.learned = try ledger.learned(channel.name, login: account.since)
    } catch {
      throw Failure(error)
    }
    return session
  }

  /// Held as long as a login or logout runs.
  func lock() throws(Failure) -> HeldLock {
    do throws(SystemFault) {
      if let lock = try files.hold(.login) { return lock }
    } catch {
      throw Failure(error)
    }
    throw Failure(
      .tryAgain, "another login or logout of channel \(channel.name) runs", hint: "try again when it has ended")
  }

  /// Held while the session is replaced: no call is in flight then.
  func stillness() throws(Failure) -> HeldLock {
    let end = Surroundings.clock().steady + channel.timeout
    while true {
      do throws(SystemFault) {
        if let lock = try files.hold(.calls) { return lock }
      } catch {
        throw Failure(error)
      }
      guard Surroundings.clock().steady < end else {
        throw Failure(
          .tryAgain, "calls of channel \(channel.name) are in flight, and do not end",
          hint: "try again; or stop the sweep that makes them first")
      }
      usleep(50_000)
    }
  }

  // MARK: Conversations

  /// Holds a conversation with the service to its end.
  /// - Parameters:
  ///   - deadline: steady time at which it is given up.
  ///   - tell: gets what people are told, as it comes.
  ///   - read: the digits that a person types; nil where there are none to come.
  func converse(
    _ purpose: Dialogue.Purpose, _ session: Session, deadline: Double, tell: (Dialogue.Phase) -> Void = { _ in },
    read: (_ seconds: Double) -> String? = { _ in nil }
  ) -> Result<Session, Dialogue.Failure> {
    let transport = RoutedTransport(.init(caFile: channel.caFile))
    defer { transport.shutdown(.abandon) }
    var event = Dialogue.Event.begin(purpose)
    var memory = JSON.null
    while true {
      let turn = provider.converse(event, memory, session, at: Surroundings.now(), nonce: Surroundings.nonce())
      for phase in turn.news { tell(phase) }
      memory = turn.memory
      let left = deadline - Surroundings.clock().steady
      switch turn.next {
      case .end(let session): return .success(session)
      case .over(let failure): return .failure(failure)
      case _ where left <= 0:
        return .failure(
          .init(.timeout, "nobody scanned and confirmed in time", hint: "run it again; --timeout 10m waits longer"))
      case .ask(let request, let seconds):
        event = .replied(PersonalChannel.perform(request, within: min(seconds, max(left, 0.1)), transport))
      case .pause(let seconds):
        usleep(UInt32(min(seconds, left) * 1e6))
        event = .waited
      case .read:
        guard let text = read(left) else {
          return .failure(
            .init(.timeout, "the digits that the phone shows were not given", hint: "run it again, and type them"))
        }
        event = .typed(text)
      }
    }
  }

  private static func perform(
    _ request: HTTPRequest, within seconds: Double, _ transport: RoutedTransport
  ) -> Reply {
    let replies = Inbox<Reply>()
    transport.perform(.http(request), within: seconds) { replies.post($0) }
    return replies.takeAll().first ?? .notSent(TransportFailure(code: "failed", message: "no reply was delivered"))
  }

  /// A new login takes the place of what there was, while no call is in flight. What a crash leaves:
  ///
  /// | crash after | session file | contacts | in the ledger | then |
  /// | --- | --- | --- | --- | --- |
  /// | `prepareLogin` | the old one | the old ones | of both | the old login goes on; what was prepared is another login's |
  /// | the contacts | the old one | the new login's, which the old one does not take | of both | as above; contacts are fetched when they are needed |
  /// | the session | the new one | the new ones | of both | the new login goes on |
  /// | `beginLogin` | the new one | the new ones | of the new one | |
  func replace(_ session: Session, _ ledger: any PersonalLedger) throws(Failure) {
    guard let account = session.account else { return }
    let lock = try stillness()
    defer { withExtendedLifetime(lock) {} }
    do throws(LedgerFault) {
      try ledger.prepareLogin(channel.name, login: account.since, learned: session.learned)
    } catch {
      throw Failure(error)
    }
    do throws(SystemFault) { try files.replace(account, session.contacts) } catch { throw Failure(error) }
    do throws(LedgerFault) { try ledger.beginLogin(channel.name, account.since) } catch { throw Failure(error) }
  }
}

extension Failure {
  init(_ fault: SessionFault) {
    switch fault {
    case .unusable(let problem, let hint): self.init(.configuration, problem, hint: hint)
    case .system(let fault): self.init(fault)
    }
  }

  init(_ failure: Dialogue.Failure) {
    let status: ExitStatus =
      switch failure.kind {
      case .unreachable: .unavailable
      case .timeout: .tryAgain
      case .refused, .ended: .noPermission
      }
    let code = failure.code.map { " (\($0))" } ?? ""
    self.init(status, failure.message + code, hint: failure.hint)
  }
}

extension Dialogue.Failure {
  /// `error` in `--json`.
  var fault: Fault {
    let kind: ErrorKind =
      switch self.kind {
      case .unreachable: .network
      case .timeout: .provider
      case .refused, .ended: .credentials
      }
    return Fault(kind, code: code, message, hint: hint)
  }
}
