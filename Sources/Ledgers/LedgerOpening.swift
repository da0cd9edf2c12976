import Core
import FoundationEssentials
import Glibc

extension SQLiteLedger {
  /// Opens the ledger; a damaged one is set aside and a new one begun.
  /// - Returns: the ledger, and the name the damaged one got.
  package static func open(
    _ path: String, now: Date, generation: String
  ) throws(LedgerFault) -> (ledger: SQLiteLedger, aside: String?) {
    do throws(LedgerFault) {
      return (try SQLiteLedger(path, now: now, generation: generation), nil)
    } catch {
      guard error.kind == .damaged else { throw error }
    }
    let aside = try setAside(path, now: now)
    return (try SQLiteLedger(path, now: now, generation: generation), aside)
  }

  /// Renames the database and its companions; nothing is deleted, a person may want to look.
  private static func setAside(_ path: String, now: Date) throws(LedgerFault) -> String {
    let stamp = RFC3339.string(now).filter { $0 != ":" && $0 != "-" }
    let aside = "\(path).damaged-\(stamp)"
    for suffix in ["-wal", "-shm", ""] {
      guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
        throw LedgerFault(
          .permission, "\(path)\(suffix) is damaged and cannot be set aside: \(String(cString: strerror(errno)))")
      }
    }
    return aside
  }
}
