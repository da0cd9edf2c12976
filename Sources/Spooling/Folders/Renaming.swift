import CSystem
import Core
import Glibc
import Synchronization

/// Renames that overwrite nothing, on every file system.
///
/// Most know how to do that in one step (RENAME_NOREPLACE). NFS, 9p, GlusterFS, OpenZFS before 2.2 and some others do not:
/// there the file gets its new name first (link, which overwrites nothing either) and loses the old one then. Whatever is
/// killed in between leaves one file under two names, and nobody sends that: a claim leaves it alone. It is finished by
/// whoever moves it again, since the new name is found to be the file itself; by rescue, where the old name is in cur/; and
/// by check --repair.
enum Renaming {
  /// Found out at the first rename, for all of the process.
  private static let lacksFlags = Atomic(false)

  /// - Throws: also `EEXIST` when the new name is another file's, and `ENOENT` when the old one is gone: somebody else won.
  static func rename(
    _ name: FileName, in source: Int32, to newName: FileName, in target: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) {
    do throws(SystemFault) {
      if try inOneStep(name, in: source, to: newName, in: target, path: path()) { return }
      try Syscalls.retry("link", path()) {
        name.withPointer { old in newName.withPointer { linkat(source, old, target, $0, 0) } }
      }
    } catch {
      if error.number == EEXIST, try finish(name, in: source, newName, in: target, path()) { return }
      throw refusal(error, name, in: source)
    }
    try removeOldName(name, in: source, newName, in: target, path())
  }

  /// For a new name that nobody else would take (it has random digits in it): nothing of it can be overwritten, so that no
  /// second step is needed where flags are not known.
  static func rename(
    _ name: FileName, in source: Int32, toUnique newName: FileName, in target: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) {
    if try inOneStep(name, in: source, to: newName, in: target, path: path()) { return }
    guard newName.withPointer({ faccessat(target, $0, F_OK, AT_SYMLINK_NOFOLLOW) }) != 0 else {
      throw SystemFault("rename", EEXIST, path())
    }
    try Syscalls.retry("rename", path()) {
      name.withPointer { old in newName.withPointer { renameat(source, old, target, $0) } }
    }
  }

  /// - Returns: false where flags are not known.
  private static func inOneStep(
    _ name: FileName, in source: Int32, to newName: FileName, in target: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) -> Bool {
    if lacksFlags.load(ordering: .relaxed) { return false }
    do throws(SystemFault) {
      try Syscalls.retry("rename", path()) {
        name.withPointer { old in newName.withPointer { msgspool_rename_noreplace(source, old, target, $0) } }
      }
      return true
    } catch {
      guard isUnknown(error.number) else { throw error }
      lacksFlags.store(true, ordering: .relaxed)
      return false
    }
  }

  private static func isUnknown(_ number: Int32) -> Bool { [EINVAL, ENOSYS, EOPNOTSUPP].contains(number) }

  /// Where the new name is the file itself, an earlier move of it was cut short before the last step.
  private static func finish(
    _ name: FileName, in source: Int32, _ newName: FileName, in target: Int32, _ path: @autoclosure () -> String
  ) throws(SystemFault) -> Bool {
    guard let old = try? FileFacts(of: name, in: source), let new = try? FileFacts(of: newName, in: target),
      old.isSameFile(as: new)
    else { return false }
    try Syscalls.remove(name, in: source, path: path())
    return true
  }

  private static func removeOldName(
    _ name: FileName, in source: Int32, _ newName: FileName, in target: Int32, _ path: @autoclosure () -> String
  ) throws(SystemFault) {
    var number = ENOENT
    if let old = try? FileFacts(of: name, in: source), let new = try? FileFacts(of: newName, in: target) {
      // Another message has come under the old name since: it stays, as it would if the rename were one step.
      guard old.isSameFile(as: new) else { return }
      if name.withPointer({ unlinkat(source, $0, 0) }) == 0 { return }
      number = errno
    }
    // Somebody else was faster, or may not remove it: the file is theirs, or stays where it is.
    _ = newName.withPointer { unlinkat(target, $0, 0) }
    throw SystemFault("unlink", number, path())
  }

  /// Another user's file may not be linked where the system protects those: that one stays. Where a file of one's own can't
  /// be, the file system has no links at all.
  private static func refusal(_ fault: SystemFault, _ name: FileName, in source: Int32) -> SystemFault {
    guard fault.call == "link", fault.number == EPERM || isUnknown(fault.number) else { return fault }
    if fault.number == EPERM, let facts = try? FileFacts(of: name, in: source), facts.owner != geteuid() {
      return fault
    }
    return SystemFault("link", EOPNOTSUPP, fault.path)
  }
}
