import CSystem
import Core
import FoundationEssentials
import Glibc

/// An open spool: the folders' descriptors and the moves between them. All moves are renames that never overwrite.
package final class Spool: Sendable {
  /// What a command opens it for.
  package enum Purpose: Sendable {
    /// All folders that every spool has, to read and to write.
    case work
    /// Only to drop messages, which needs the right to write in tmp/ and new/ and no other.
    case drop
    /// Only to look: a folder that is missing counts as empty, and one that may not be read is passed over.
    case look
  }

  package let path: String
  /// Folders that every spool has, and this one lacks: a copy that left out what was empty.
  package let lacking: [Folder]
  /// Folders that this user may not read; none but where it was opened to look.
  package let closed: [Folder]
  private let root: Int32
  /// The spool's own templates; what they hold is looked up as messages name them.
  package let templates: any TemplateShelf
  /// -1 for a folder that is not there, or closed.
  private let folders: [Int32]
  /// Of the open folders: tells whether their names lead to others meanwhile.
  private let identities: [FileFacts?]

  /// - Throws: `SpoolFault` when the folder is none or is no spool.
  package init(_ path: String, for purpose: Purpose = .work) throws(SpoolFault) {
    let root: Int32
    do throws(SystemFault) {
      root = try Spool.openFolder(path, in: AT_FDCWD, path, purpose)
    } catch {
      throw SpoolFault(path: path, missing: nil, number: error.number)
    }
    var folders: [Int32] = []
    var (lacking, closed): ([Folder], [Folder]) = ([], [])
    for folder in Folder.allCases {
      do throws(SystemFault) {
        folders.append(try Spool.openFolder(folder.rawValue, in: root, "\(path)/\(folder)", purpose))
        // Who may only pass through it can drop, and see nothing.
        if purpose == .look, !Spool.isReadable(folders[folders.count - 1]) {
          closed.append(folder)
          close(folders.removeLast())
          folders.append(-1)
        }
      } catch  where error.number == ENOENT {
        folders.append(-1)
        if Folder.required.contains(folder) { lacking.append(folder) }
      } catch {
        for folder in folders where folder >= 0 { close(folder) }
        close(root)
        throw SpoolFault(path: path, missing: folder, number: error.number)
      }
    }
    let needed: [Folder] = purpose == .drop ? [.tmp, .new] : Folder.required
    if let missing = needed.first(where: lacking.contains), purpose != .look || !Spool.isRest(root, lacking) {
      for folder in folders where folder >= 0 { close(folder) }
      defer { close(root) }
      throw SpoolFault(path: path, missing: missing, number: ENOENT, isRest: Spool.isRest(root, lacking))
    }
    self.path = path
    self.root = root
    templates = SpoolTemplates(root)
    self.folders = folders
    identities = folders.map { try? FileFacts($0, path: path) }
    self.lacking = lacking
    self.closed = closed
  }

  /// Whether it was a whole spool once. Every system's root has a tmp/, so that alone says nothing.
  private static func isRest(_ root: Int32, _ lacking: [Folder]) -> Bool {
    Folder.required.contains { $0 != .tmp && !lacking.contains($0) }
      || [SpoolLayout.ledger, SpoolLayout.configuration].contains(where: { (name: String) -> Bool in
        faccessat(root, name, F_OK, 0) == 0
      })
  }

  /// A folder that a producer may not read can be dropped into all the same.
  private static func openFolder(
    _ name: String, in parent: Int32, _ path: String, _ purpose: Purpose
  ) throws(SystemFault) -> Int32 {
    let isRoot = parent == AT_FDCWD
    do throws(SystemFault) {
      guard isRoot else { return try Syscalls.openFolder(name, in: parent, path: path) }
      return try Syscalls.retry("open", path) { open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    } catch {
      let flags = O_DIRECTORY | O_CLOEXEC | (isRoot ? 0 : O_NOFOLLOW)
      guard purpose != .work, error.number == EACCES else { throw error }
      return try Syscalls.retry("open", path) { openat(parent, name, msgspool_o_path() | flags) }
    }
  }

  deinit {
    for folder in folders where folder >= 0 { close(folder) }
    close(root)
  }

  /// The folder's descriptor; valid as long as the spool.
  package func descriptor(_ folder: Folder) -> Int32 {
    folders[Folder.allCases.firstIndex(of: folder).unsafelyUnwrapped]
  }

  package var rootDescriptor: Int32 { root }

  /// Not so for a producer that may only pass through.
  var isReadable: Bool { Spool.isReadable(root) }

  private static func isReadable(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFL) & msgspool_o_path() == 0 }

  /// Whether the folder is there, and may be read.
  package func has(_ folder: Folder) -> Bool { descriptor(folder) >= 0 }

  package func path(_ folder: Folder) -> String { "\(path)/\(folder.rawValue)" }

  /// Whether the folder's name still leads to what is open: somebody may have moved it aside and made another.
  package func isInPlace(_ folder: Folder) -> Bool {
    guard let open = identities[Folder.allCases.firstIndex(of: folder).unsafelyUnwrapped],
      let named = try? FileFacts(of: FileName(folder.rawValue), in: root)
    else { return false }
    return named.isSameFile(as: open)
  }

  /// The same of the spool's path, and of all folders that every spool has.
  package var isInPlace: Bool {
    guard let open = try? facts(), let named = try? FileFacts(ofWhatIsAt: path), named.isSameFile(as: open) else {
      return false
    }
    return Folder.required.allSatisfy { isInPlace($0) }
  }

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
          return try move(name.cutForNumber, renaming: name, from: source, to: target, path: path())
        default: throw error
        }
      }
    }
  }

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

  /// Free bytes for this user.
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
  /// Parts of a spool are there: a restored copy, which is to be completed.
  package var isRest = false

  /// What keeps it from being opened, where that says nothing about a spool: descriptors or memory are short, the disk fails.
  package var trouble: SystemFault? {
    [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES].contains(number) ? nil : SystemFault("open", number, path)
  }

  package var message: String {
    if number == EACCES { return "the spool \(path) may not be read" }
    return missing.map { "\(path) is no spool: it has no folder \($0.rawValue)/" } ?? "there is no spool at \(path)"
  }

  package var hint: String {
    switch number {
    case EACCES: "as its owner it may: sudo -u \(SpoolFault.owner(of: path)) msgspool ... --spool \(path.shellWord)"
    case _ where isRest: "make what is missing: msgspool check --repair --spool \(path.shellWord)"
    default: "msgspool init \(path.shellWord)"
    }
  }

  private static func owner(of path: String) -> String {
    var status = stat()
    return stat(path, &status) == 0 ? FileFacts(status).ownerName : "msgspool"
  }
}

// MARK: - Making one

extension Spool {
  /// Makes the folders that are missing; what is there is left as it is.
  package static func make(_ path: String, _ folders: [Folder] = Folder.required) throws(SystemFault) {
    try makeFolders(leadingTo: path)
    let root = try Syscalls.retry("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { close(root) }
    for folder in folders {
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
