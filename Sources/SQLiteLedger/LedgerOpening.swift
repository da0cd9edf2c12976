import Core
import FoundationEssentials
import Glibc
import Ledger

extension SQLiteLedger {
  /// Opens the ledger; a damaged one is set aside and a new one begun.
  /// - Returns: the ledger, and the name the damaged one got.
  package static func open(
    _ path: String, now: Date, generation: String
  ) throws(LedgerFault) -> (ledger: SQLiteLedger, aside: String?) {
    makePrivate(path)
    var mark: String?
    do throws(LedgerFault) {
      let ledger = try SQLiteLedger(path, now: now, generation: generation)
      let damage = damageMark(path, ledger.generation)
      if access(damage, F_OK) != 0 { return (ledger, nil) }
      mark = damage
    } catch {
      guard error.kind == .damaged else { throw error }
    }
    let aside = try setAside(path, now: now)
    if let mark { unlink(mark) }
    makePrivate(path)
    return (try SQLiteLedger(path, now: now, generation: generation), aside)
  }

  /// Makes the file, if it is not there, with the mode that done/ and failed/ have: whom messages went to is in it. SQLite
  /// gives its companions the same. What fails here fails again, and is said, when SQLite opens it.
  private static func makePrivate(_ path: String) {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Opens the ledger to look at it, also while sweeps write; nil where there is none. Nothing is made or mended.
  package static func look(_ path: String) throws(LedgerFault) -> SQLiteLedger? {
    guard access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    do throws(LedgerFault) {
      return try SQLiteLedger(reading: path, .read)
    } catch {
      // Somebody who may not write beside the ledger cannot share it with writers; without any, the file says it all.
      guard error.kind == .permission, access("\(path)-wal", F_OK) != 0 else { throw error }
      return try SQLiteLedger(reading: path, .readUnwritten)
    }
  }

  /// Damage deep in the file shows only when something there is needed, long after the ledger was opened. It is noted
  /// beside the file for the next to open it, by generation: a ledger begun meanwhile is not meant.
  static func noteDamage(_ path: String, _ generation: String) {
    let descriptor = Glibc.open(damageMark(path, generation), O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }

  private static func damageMark(_ path: String, _ generation: String) -> String { "\(path).is-damaged-\(generation)" }

  /// Renames the database and its companions; nothing is deleted, a person may want to look.
  package static func setAside(_ path: String, now: Date) throws(LedgerFault) -> String {
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
