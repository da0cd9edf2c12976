import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling
import Synchronization

/// The channels' sessions: access tokens in memory, shared by the passes of one process, and the logins that are on the
/// disk (`Account`), which other processes change: their files are looked at for each call.
package final class SessionStore: Sendable {
  /// What there is to speak with.
  package enum Standing: Sendable, Hashable {
    /// The channel needs no login.
    case free
    case ok(Account)
    case ended(Account)
    case none
    /// Only a person can mend the file.
    case unusable(String, hint: String)
  }

  private struct Kept {
    var session = Session()
    var stamp: FileStamp?
    var contactsStamp: FileStamp?
  }

  private let kept = Mutex<[String: Kept]>([:])
  private let spool: String?
  private let ledger: (any PersonalLedger)?

  /// - Parameters:
  ///   - spool: where sessions/ is; nil where no channel has a login.
  ///   - ledger: what receiving has learned.
  package init(spool: String? = nil, ledger: (any PersonalLedger)? = nil) {
    self.spool = spool
    self.ledger = ledger
  }

  package func files(of channel: Channel) -> SessionFiles? {
    guard let personal = channel.personal, let spool else { return nil }
    return SessionFiles(spool: spool, channel: channel.name, file: personal.sessionFile)
  }

  /// What the channel has to speak with now.
  package func standing(of channel: Channel) -> Standing {
    guard channel.loggedIn != nil else { return .free }
    guard let files = files(of: channel) else { return .none }
    do throws(SessionFault) {
      guard let account = try files.read() else { return .none }
      guard account.provider == channel.card.name else {
        return .unusable(
          "\(files.path) holds a session of \(account.provider)", hint: "msgspool login \(channel.name) makes a new one"
        )
      }
      return account.state == .ok ? .ok(account) : .ended(account)
    } catch {
      return .unusable(error.message, hint: error.hint)
    }
  }

  /// The session for a call, as the disk has it.
  func session(of channel: Channel, for call: Call? = nil) -> Session {
    guard channel.loggedIn != nil, let files = files(of: channel) else {
      return kept.withLock { $0[channel.name]?.session ?? Session() }
    }
    var session = refreshed(channel, files)
    guard let account = session.account else { return session }
    session.learned = (try? ledger?.learned(channel.name, login: account.since)) ?? .null
    session.correspondent = call?.recipients.first.flatMap { recipient in
      recipient.target.wire.behind("reply:").flatMap { id in
        (try? ledger?.correspondent(channel.name, id: id)).flatMap { $0 }
      }
    }
    return session
  }

  /// With the account and the contacts that the files have now; they are read again where they changed.
  private func refreshed(_ channel: Channel, _ files: SessionFiles) -> Session {
    let stamp = files.stamp()
    return kept.withLock { all in
      var known = all[channel.name] ?? Kept()
      if stamp == nil || stamp != known.stamp {
        let account = (try? files.read()).flatMap { $0 }
        if known.session.account.map({ old in account.map { old.isSameLogin(as: $0) } ?? false }) != true {
          // Another login: what belonged to the one before is forgotten.
          known = Kept()
        }
        known.session.account = account
        known.stamp = stamp
      }
      let contactsStamp = FileStamp(path: files.contactsPath)
      if contactsStamp != known.contactsStamp {
        known.session.contacts = known.session.account.flatMap { files.contacts(of: $0) }
        known.contactsStamp = contactsStamp
      }
      all[channel.name] = known
      return known.session
    }
  }

  /// Keeps what a step has changed: in memory, and on the disk what belongs there.
  /// - Parameter before: what the step was given. What it did not change may have been changed by others meanwhile.
  /// - Returns: what kept it from being written.
  func store(_ session: Session, was before: Session, of channel: Channel) -> SessionFault? {
    kept.withLock { $0[channel.name, default: Kept()].session.takeValues(of: session) }
    return storeReceived(session, was: before, of: channel)
  }

  /// As `store`, of what a receiver changed: of the values in memory it has none.
  @discardableResult
  func storeReceived(_ session: Session, was before: Session, of channel: Channel) -> SessionFault? {
    guard let files = files(of: channel), let account = session.account else { return nil }
    do throws(SessionFault) {
      try write(session, account, before, files)
      return nil
    } catch {
      return error
    }
  }

  private func write(
    _ session: Session, _ account: Account, _ before: Session?, _ files: SessionFiles
  ) throws(SessionFault) {
    if before?.account != account {
      if account.state == .ended {
        try files.end(account)
      } else if let known = try files.read(), known.isSameLogin(as: account), known.state == .ok {
        // A login that is no longer the file's, or has ended meanwhile, is not brought back.
        do throws(SystemFault) { try files.write(account) } catch { throw .system(error) }
      }
    }
    if let contacts = session.contacts, contacts != before?.contacts {
      do throws(SystemFault) { try files.write(contacts, of: account) } catch { throw .system(error) }
    }
  }

  /// Held while a call is in flight: whoever replaces the session waits for it.
  func hold(_ channel: Channel) -> HeldLock? {
    guard let files = files(of: channel) else { return nil }
    for _ in 0..<200 {
      if let lock = try? files.hold(.calls, shared: true) { return lock }
      // Somebody is replacing the session, which takes a few writes.
      usleep(5_000)
    }
    return nil
  }

  /// The configuration was read again: what belonged to other credentials is forgotten.
  package func removeAll() { kept.withLock { $0.removeAll() } }
}
