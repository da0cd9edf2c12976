import CSystem
import Core
import FoundationEssentials
import Glibc

/// What `check` asks of the disk, and what it may do there.
extension Spool {
  /// The permissions, owner and file system of a folder.
  package func facts(_ folder: Folder) throws(SystemFault) -> FileFacts {
    try FileFacts(descriptor(folder), path: path(folder))
  }

  /// Of the spool's own folder.
  package func facts() throws(SystemFault) -> FileFacts { try FileFacts(rootDescriptor, path: path) }

  /// How much the spool's file system still takes.
  package func diskRoom() throws(SystemFault) -> DiskRoom {
    var status = statvfs()
    try Syscalls.retry("statvfs", path) { fstatvfs(rootDescriptor, &status) }
    let block = Int(status.f_frsize)
    return DiskRoom(
      bytes: Int(status.f_bavail) * block, allBytes: Int(status.f_blocks) * block, files: Int(status.f_favail),
      allFiles: Int(status.f_files), isReadOnly: status.f_flag & UInt(ST_RDONLY) != 0)
  }

  /// Of a file in the spool's own folder; nil when it isn't there.
  package func facts(of name: String) -> FileFacts? { try? FileFacts(of: FileName(name), in: rootDescriptor) }

  /// Whether this process may list, make and rename files there.
  package func mayWork(in folder: Folder) -> Bool {
    faccessat(descriptor(folder), ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0
  }

  /// Takes the right to write away from others; nothing else about the permissions changes.
  package func closeToOthers(_ name: FileName, in folder: Int32, _ facts: FileFacts) -> Bool {
    name.withPointer { fchmodat(folder, $0, mode_t(facts.mode & ~0o002), 0) } == 0
  }

  /// Moves a file to the folder that its last history line names; a deferred one gets back its due time.
  /// - Returns: the name it got; nil when it is gone meanwhile.
  package func putRight(_ name: FileName, from folder: Folder, _ last: HistoryLine) throws(SystemFault) -> FileName? {
    let target = SpoolLayout.folder(of: last.state)
    if target == .deferred, let due = last.due {
      let times = Syscalls.times(due)
      let path = "\(path(folder))/\(name.display)"
      try Syscalls.retry("utimensat", path) {
        name.withPointer { utimensat(descriptor(folder), $0, times, AT_SYMLINK_NOFOLLOW) }
      }
    }
    let moved = try Spool.move(name, from: descriptor(folder), to: descriptor(target), path: path(target))
    try flush(target)
    try flush(folder)
    return moved
  }

  /// Puts a file into the folder of a dead sweep, for its rescue; nil when that sweep lives, or the file is gone.
  package func handBack(_ name: FileName, from folder: Folder, toSweep id: String) throws(SystemFault) -> FileName? {
    if mkdirat(descriptor(.cur), id, SpoolLayout.privateFolderMode) != 0, errno != EEXIST {
      throw SystemFault("mkdir", errno, "\(path(.cur))/\(id)")
    }
    guard let dead = try SweepFolder.take(id, in: self) else { return nil }
    do throws(SystemFault) {
      // Not under a number: the ledger knows the file by its name.
      try Renaming.rename(
        name, in: descriptor(folder), to: name, in: dead.descriptor, path: "\(dead.path)/\(name.display)")
    } catch {
      dead.end()
      if error.number == ENOENT || error.number == EEXIST { return nil }
      throw error
    }
    try dead.flush()
    try flush(.cur)
    try flush(folder)
    return name
  }

  package func remove(_ name: FileName, in folder: Int32, path: String) throws(SystemFault) {
    try Syscalls.remove(name, in: folder, path: "\(path)/\(name.display)")
  }

  /// Another name of the same file in these folders, as a move that was cut short leaves it: the name itself, or one with
  /// a number behind or without its own. The few numbers that are tried are more than moves to one name ever leave.
  package func twin(of name: FileName, _ facts: FileFacts, in folders: [Folder]) -> (folder: Folder, name: FileName)? {
    let names = (1...9).map(name.numbered) + [name.withoutNumber].compactMap { $0 }
    for folder in folders {
      for other in names {
        if let found = try? FileFacts(of: other, in: descriptor(folder)), found.isSameFile(as: facts) {
          return (folder, other)
        }
      }
    }
    return nil
  }

  /// Gives to the spool's owner what root made there and left: the service can't use it. Takes root; false otherwise.
  package func giveToOwner(_ name: FileName, in folder: Int32, _ owner: FileFacts) -> Bool {
    Identity.asRoot { name.withPointer { fchownat(folder, $0, owner.owner, owner.group, AT_SYMLINK_NOFOLLOW) } == 0 }
  }

  /// Whether the sweep of that name is at work: the kernel's lock tells.
  package func isAlive(sweep id: String) -> Bool {
    guard faccessat(descriptor(.cur), id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
    // Taken for an instant and let go: a sweeper that starts meanwhile tries again.
    return ((try? SweepFolder.take(id, in: self)) ?? nil) == nil
  }
}
