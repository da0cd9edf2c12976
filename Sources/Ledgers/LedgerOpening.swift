import Core
import FoundationEssentials
import Glibc

extension SQLiteLedger {
  /// Opens the ledger; a damaged one is set aside and a new one begun.
  /// - Returns: the ledger, and the name the damaged one got.
  package static func open(
    _ path: String, now: Date, generation: String
  ) throws(LedgerFault) -> (ledger: SQLiteLedger, aside: String?) {
    let inode = inode(path)
    do throws(LedgerFault) {
      return (try SQLiteLedger(path, now: now, generation: generation), nil)
    } catch {
      guard error.kind == .damaged else { throw error }
    }
    let aside = try setAside(path, inode: inode, now: now)
    return (try SQLiteLedger(path, now: now, generation: generation), aside)
  }

  /// 0 where there is no file.
  static func inode(_ path: String) -> UInt64 {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  /// Renames the database and its companions; nothing is deleted, a person may want to look.
  /// - Returns: the new name; nil when somebody else has done it already, and the name is another file's.
  static func setAside(_ path: String, inode: UInt64, now: Date) throws(LedgerFault) -> String? {
    guard inode == 0 || inode == self.inode(path) else { return nil }
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
