import Core
import FoundationEssentials
import Glibc

extension SQLiteLedger {
  /// Opens the ledger; a damaged one is set aside and a new one begun.
  /// - Returns: the ledger, and the name the damaged one got.
  package static func open(
    _ path: String, now: Date, generation: String
  ) throws(LedgerFault) -> (ledger: SQLiteLedger, aside: String?) {
    makePrivate(path)
    do throws(LedgerFault) {
      return (try SQLiteLedger(path, now: now, generation: generation), nil)
    } catch {
      guard error.kind == .damaged else { throw error }
    }
    let aside = try setAside(path, now: now)
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

  /// Renames the database and its companions; nothing is deleted, a person may want to look.
  package static func setAside(_ path: String, now: Date) throws(LedgerFault) -> String {
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
