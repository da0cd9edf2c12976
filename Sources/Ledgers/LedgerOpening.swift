import Core
import FoundationEssentials
import Glibc

extension SQLiteLedger {
  /// Opens the ledger; a damaged one is set aside and a new one begun.
  /// - Returns: the ledger, and the name the damaged one got.
  package static func open(
    _ path: String, now: Date, generation: String
  ) throws(LedgerFault) -> (ledger: SQLiteLedger, aside: String?) {
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
    return (try SQLiteLedger(path, now: now, generation: generation), aside)
  }

  /// Damage deep in the file shows only when something there is needed, long after the ledger was opened. It is noted
  /// beside the file for the next to open it, by generation: a ledger begun meanwhile is not meant.
  static func noteDamage(_ path: String, _ generation: String) {
    let descriptor = Glibc.open(damageMark(path, generation), O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }

  private static func damageMark(_ path: String, _ generation: String) -> String { "\(path).is-damaged-\(generation)" }

  /// Renames the database and its companions; nothing is deleted, a person may want to look.
  private static func setAside(_ path: String, now: Date) throws(LedgerFault) -> String {
    let stamp = RFC3339.string(now).filter { $0 != ":" && $0 != "-" }
    let aside = "\(path).damaged-\(stamp)"
    // The database first: cut short here, a new one begins beside a stale log, which SQLite discards. The other way round
    // the old one would be opened again, without what the log held.
    for suffix in ["", "-wal", "-shm"] {
      guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
        throw LedgerFault(
          .permission, "\(path)\(suffix) is damaged and cannot be set aside: \(String(cString: strerror(errno)))")
      }
    }
    return aside
  }
}
