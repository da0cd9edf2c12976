import Core
import FoundationEssentials
import Glibc
import Ledger

/// A ledger in a file of the spool.
package struct SQLiteHome: LedgerHome {
  private let path: String

  package init(_ path: String) { self.path = path }

  package var place: String { path }

  package func open(now: Date, generation: String) throws(LedgerFault) -> OpenedLedger {
    SQLiteHome.makePrivate(path)
    var mark: String?
    do throws(LedgerFault) {
      let ledger = try SQLiteLedger(path, now: now, generation: generation)
      let damage = SQLiteLedger.damageMark(path, ledger.generation)
      if access(damage, F_OK) != 0 { return OpenedLedger(ledger, was: ledger.was) }
      mark = damage
    } catch {
      guard error.kind == .damaged else { throw error }
    }
    let aside = try setAside(now: now)
    if let mark { unlink(mark) }
    SQLiteHome.makePrivate(path)
    return OpenedLedger(try SQLiteLedger(path, now: now, generation: generation), aside: aside)
  }

  package func join(now: Date, generation: String) throws(LedgerFault) -> any LedgerAudit {
    try SQLiteLedger(path, now: now, generation: generation)
  }

  /// Makes the file, if it is not there, with the mode that done/ and failed/ have: whom messages went to is in it. SQLite
  /// gives its companions the same. What fails here fails again, and is said, when SQLite opens it.
  private static func makePrivate(_ path: String) {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }

  package func look(leavesNoTrace: Bool) throws(LedgerFault) -> (any LedgerAudit)? {
    guard access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    if leavesNoTrace, let ledger = try lookInPassing() { return ledger }
    do throws(LedgerFault) {
      return try SQLiteLedger(reading: path, .read)
    } catch {
      // Somebody who may not write beside the ledger cannot share it with writers; without any, the file says it all.
      guard error.kind == .permission, access("\(path)-wal", F_OK) != 0 else { throw error }
      return try SQLiteLedger(reading: path, .readUnwritten)
    }
  }

  /// Nil where a look leaves a trace: a log without the index that belongs to it, as a copy may have it.
  private func lookInPassing() throws(LedgerFault) -> SQLiteLedger? {
    let (hasLog, hasIndex) = (access("\(path)-wal", F_OK) == 0, access("\(path)-shm", F_OK) == 0)
    guard hasLog else { return try SQLiteLedger(reading: path, .readUnwritten) }
    guard hasIndex else { return nil }
    do throws(LedgerFault) {
      return try SQLiteLedger(reading: path, .readInPassing)
    } catch {
      // A writer that begins or ends just now: the ordinary way waits for it.
      guard error.age == nil, error.kind != .damaged else { throw error }
      return nil
    }
  }

  /// Renames the database and its companions.
  package func setAside(now: Date) throws(LedgerFault) -> String {
    let stamp = RFC3339.string(now).filter { $0 != ":" && $0 != "-" }
    let aside = "\(path).damaged-\(stamp)"
    // The database first: cut short here, a new one begins beside a stale log, which SQLite discards. The other way round
    // the old one would be opened again, without what the log held.
    for suffix in ["", "-wal", "-shm"] {
      guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
        let number = errno
        throw LedgerFault(
          .permission, "\(path)\(suffix) is damaged and cannot be set aside: \(String(cString: strerror(number)))",
          number: number)
      }
    }
    return aside
  }
}

extension SQLiteLedger {
  /// Damage deep in the file shows only when something there is needed, long after the ledger was opened. It is noted
  /// beside the file for the next to open it, by generation: a ledger begun meanwhile is not meant.
  static func noteDamage(_ path: String, _ generation: String) {
    let descriptor = Glibc.open(damageMark(path, generation), O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }

  static func damageMark(_ path: String, _ generation: String) -> String { "\(path).is-damaged-\(generation)" }
}
