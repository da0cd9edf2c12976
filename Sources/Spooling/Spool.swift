import CSystem
import Core
import FoundationEssentials
import Glibc

/// An open spool: the folders' descriptors and the moves between them. All moves are renames that never overwrite.
package final class Spool: Sendable {
  package let path: String
  private let root: Int32
  private let folders: [Int32]

  /// - Parameter isForProducer: to drop messages only, which needs the right to write in tmp/ and new/ and no other.
  /// - Throws: `SpoolFault` when the folder is none or is no spool.
  package init(_ path: String, isForProducer: Bool = false) throws(SpoolFault) {
    let root: Int32
    do throws(SystemFault) {
      root = try Spool.openFolder(path, in: AT_FDCWD, path, isForProducer)
    } catch {
      throw SpoolFault(path: path, missing: nil, number: error.number)
    }
    var folders: [Int32] = []
    for folder in Folder.allCases {
      do throws(SystemFault) {
        folders.append(try Spool.openFolder(folder.rawValue, in: root, "\(path)/\(folder)", isForProducer))
      } catch {
        folders.forEach { close($0) }
        close(root)
        throw SpoolFault(path: path, missing: folder, number: error.number)
      }
    }
    self.path = path
    self.root = root
    self.folders = folders
  }

  /// A folder that a producer may not read can be dropped into all the same.
  private static func openFolder(
    _ name: String, in parent: Int32, _ path: String, _ isForProducer: Bool
  ) throws(SystemFault) -> Int32 {
    let isRoot = parent == AT_FDCWD
    do throws(SystemFault) {
      guard isRoot else { return try Syscalls.openFolder(name, in: parent, path: path) }
      return try Syscalls.retry("open", path) { open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    } catch {
      let flags = O_DIRECTORY | O_CLOEXEC | (isRoot ? 0 : O_NOFOLLOW)
      guard isForProducer, error.number == EACCES else { throw error }
      return try Syscalls.retry("open", path) { openat(parent, name, msgspool_o_path() | flags) }
    }
  }

  deinit {
    folders.forEach { close($0) }
    close(root)
  }

  /// The folder's descriptor; valid as long as the spool.
  package func descriptor(_ folder: Folder) -> Int32 {
    folders[Folder.allCases.firstIndex(of: folder).unsafelyUnwrapped]
  }

  package var rootDescriptor: Int32 { root }

  /// Not so for a producer that may only pass through.
  var isReadable: Bool { fcntl(root, F_GETFL) & msgspool_o_path() == 0 }

  package func path(_ folder: Folder) -> String { "\(path)/\(folder.rawValue)" }

  package func list(_ folder: Folder) throws(SystemFault) -> Listing {
    try Listing(descriptor(folder), path: path(folder))
  }

  /// Renames into the folder under the name or, where it is taken, the name with `~2`, `~3`, ... Returns the name it got;
  /// nil when the file is gone: somebody else won. A name there that is the file's own, left by a move that was cut short
  /// (see `Renaming`), is the one it gets.
  package static func move(
    _ name: FileName, from source: Int32, to target: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) -> FileName? {
    var number = 1
    while true {
      let newName = name.numbered(number)
      do throws(SystemFault) {
        try Renaming.rename(name, in: source, to: newName, in: target, path: "\(path())/\(name.display)")
        return newName
      } catch {
        switch error.number {
        case EEXIST: number += 1
        case ENOENT:
          // The source is gone, unless it is the target folder that went.
          var status = stat()
          guard fstat(target, &status) == 0, status.st_nlink > 0 else { throw SystemFault("rename", ENOENT, path()) }
          return nil
        case ENAMETOOLONG where number > 1:
          // No room for ~2: the name's own end gives way; what matters is that nothing is overwritten.
          return try move(shortened(name), renaming: name, from: source, to: target, path: path())
        default: throw error
        }
      }
    }
  }

  private static func shortened(_ name: FileName) -> FileName { FileName(bytes: name.bytes.dropLast(8)) }

  private static func move(
    _ short: FileName, renaming name: FileName, from source: Int32, to target: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) -> FileName? {
    for number in 2... {
      let newName = short.numbered(number)
      do throws(SystemFault) {
        try Renaming.rename(name, in: source, to: newName, in: target, path: "\(path())/\(name.display)")
        return newName
      } catch {
        if error.number == ENOENT { return nil }
        guard error.number == EEXIST else { throw error }
      }
    }
    return nil
  }

  package func isWritable(_ folder: Folder) -> Bool {
    faccessat(descriptor(folder), ".", W_OK | X_OK, AT_EACCESS) == 0
  }

  /// Flushes a folder's renames to the disk.
  package func flush(_ folder: Folder) throws(SystemFault) {
    try Syscalls.sync(descriptor(folder), path: path(folder))
  }

  /// Flushes everything of the spool's file system, in one call for thousands of appended lines.
  package func flushAll() throws(SystemFault) {
    guard msgspool_syncfs(root) == 0 else { throw SystemFault("syncfs", errno, path) }
  }

  /// Free bytes for this user, and whether any name can still be made.
  package func room() throws(SystemFault) -> Int {
    var status = statvfs()
    try Syscalls.retry("statvfs", path) { fstatvfs(root, &status) }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }
}

/// A folder that is no spool, or can't be opened now.
package struct SpoolFault: Error, Sendable {
  package var path: String
  package var missing: Folder?
  package var number: Int32

  /// What keeps it from being opened, where that says nothing about a spool: descriptors or memory are short, the disk fails.
  package var trouble: SystemFault? {
    [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES].contains(number) ? nil : SystemFault("open", number, path)
  }

  package var message: String {
    if number == EACCES { return "the spool \(path) may not be read" }
    return missing.map { "\(path) is no spool: it has no folder \($0.rawValue)/" } ?? "there is no spool at \(path)"
  }

  package var hint: String {
    number == EACCES
      ? "run as the sweeper's user, or let it own the spool: chown -R msgspool \(path)" : "msgspool init \(path)"
  }
}

// MARK: - Making one

extension Spool {
  /// Makes the folders that are missing; what is there is left as it is.
  package static func make(_ path: String) throws(SystemFault) {
    try makeFolders(leadingTo: path)
    let root = try Syscalls.retry("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(root) }
    for folder in Folder.allCases {
      let isShared = folder == .tmp || folder == .new
      let mode = isShared ? SpoolLayout.folderMode : SpoolLayout.privateFolderMode
      if mkdirat(root, folder.rawValue, mode) != 0, errno != EEXIST {
        throw SystemFault("mkdir", errno, "\(path)/\(folder.rawValue)")
      }
    }
    try Syscalls.sync(root, path: path)
  }

  private static func makeFolders(leadingTo path: String) throws(SystemFault) {
    if mkdir(path, SpoolLayout.folderMode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash > path.startIndex else {
      throw SystemFault("mkdir", errno, path)
    }
    try makeFolders(leadingTo: String(path[..<slash]))
    if mkdir(path, SpoolLayout.folderMode) != 0, errno != EEXIST { throw SystemFault("mkdir", errno, path) }
  }
}
