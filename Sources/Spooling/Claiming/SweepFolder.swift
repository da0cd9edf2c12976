import Core
import FoundationEssentials
import Glibc

/// cur/SWEEP: where one sweeper keeps what it claimed. The kernel lock on the folder says whether the sweeper lives;
/// it vanishes with the process, however that ends. Ages never decide.
package final class SweepFolder: Sendable {
  package let id: String
  package let spool: Spool
  package let descriptor: Int32

  /// Makes the folder and locks it.
  /// - Parameter id: unique; letters, digits and dashes.
  package static func begin(_ id: String, in spool: Spool) throws(SystemFault) -> SweepFolder {
    while true {
      guard mkdirat(spool.descriptor(.cur), id, SpoolLayout.privateFolderMode) == 0 || errno == EEXIST else {
        throw SystemFault("mkdir", errno, "\(spool.path(.cur))/\(id)")
      }
      // Between mkdir and lock a rescuer may have taken the empty folder for a dead sweep's and removed it: make it again.
      if let folder = try take(id, in: spool) { return folder }
    }
  }

  /// Locks an existing folder; nil when its sweeper lives or it has just gone.
  package static func take(_ id: String, in spool: Spool) throws(SystemFault) -> SweepFolder? {
    let path = "\(spool.path(.cur))/\(id)"
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.openFolder(id, in: spool.descriptor(.cur), path: path)
    } catch {
      if error.number == ENOENT || error.number == ENOTDIR || error.number == ELOOP { return nil }
      throw error
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
      let folder = SweepFolder(id: id, spool: spool, descriptor: descriptor)
      // Whoever held it until now may have removed it.
      return try Syscalls.status(descriptor, path: path).st_nlink > 0 ? folder : nil
    }
    let number = errno
    close(descriptor)
    if number == EWOULDBLOCK { return nil }
    throw SystemFault("flock", number, path)
  }

  private init(id: String, spool: Spool, descriptor: Int32) {
    self.id = id
    self.spool = spool
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  package var path: String { "\(spool.path(.cur))/\(id)" }

  /// Removes the folder if it is empty; one that isn't stays for the next sweep's rescue.
  package func end() {
    _ = unlinkat(spool.descriptor(.cur), id, AT_REMOVEDIR)
  }

  package func list() throws(SystemFault) -> Listing { try Listing(descriptor, path: path) }

  package func isEmpty() throws(SystemFault) -> Bool {
    var listing = try list()
    return try listing.next() == nil
  }

  /// Removes a file of our own (a copy that was not finished).
  package func remove(_ name: FileName) {
    _ = name.withPointer { unlinkat(descriptor, $0, 0) }
  }

  package func modified() throws(SystemFault) -> Date { try Syscalls.status(descriptor, path: path).modified }

  package func flush() throws(SystemFault) { try Syscalls.sync(descriptor, path: path) }
}
