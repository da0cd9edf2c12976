import CSystem
import Core
import FoundationEssentials
import Glibc

/// SPOOL/inbox: what came in. tmp/ holds what is being written, new/ a file for each message, files/ a folder for each
/// message that brought files. A message's names begin with `CHANNEL.ID` everywhere.
package final class InboxFolder: Sendable {
  private let spool: Spool
  private let tmp: Int32
  private let new: Int32
  private let files: Int32

  /// Below the spool, as messages name them.
  package static let filesPath = "inbox/files"

  /// Makes what is missing: inbox/ has the mode of new/.
  package init(_ spool: Spool) throws(SystemFault) {
    let mode = mode_t(try FileFacts(spool.descriptor(.new), path: spool.path(.new)).mode & 0o777)
    let path = "\(spool.path)/inbox"
    let inbox = try InboxFolder.folder("inbox", in: spool.rootDescriptor, path, mode)
    defer { close(inbox) }
    self.spool = spool
    tmp = try InboxFolder.folder("tmp", in: inbox, "\(path)/tmp", SpoolLayout.privateFolderMode)
    do throws(SystemFault) {
      new = try InboxFolder.folder("new", in: inbox, "\(path)/new", mode)
    } catch {
      close(tmp)
      throw error
    }
    do throws(SystemFault) {
      files = try InboxFolder.folder("files", in: inbox, "\(path)/files", mode)
    } catch {
      close(tmp)
      close(new)
      throw error
    }
  }

  deinit { for descriptor in [tmp, new, files] { close(descriptor) } }

  private static func folder(
    _ name: String, in parent: Int32, _ path: String, _ mode: mode_t
  ) throws(SystemFault) -> Int32 {
    if mkdirat(parent, name, mode) == 0 {
      // The process's umask is for files that people may write to; this is the operator's own choice.
      _ = fchmodat(parent, name, mode, 0)
      try Syscalls.sync(parent, path: path)
    } else if errno != EEXIST {
      throw SystemFault("mkdir", errno, path)
    }
    return try Syscalls.openFolder(name, in: parent, path: path)
  }

  /// Messages in inbox/new of a spool that is only looked at; nil where it has no inbox, or it may not be read.
  package static func count(in spool: Spool) -> Int? {
    let path = "\(spool.path)/inbox/new"
    guard let new = try? Syscalls.openFolder("inbox/new", in: spool.rootDescriptor, path: path) else { return nil }
    defer { close(new) }
    guard var listing = try? Listing(new, path: path) else { return nil }
    var count = 0
    while let entry = try? listing.next() {
      if !SpoolLayout.isHidden(entry.name) { count += 1 }
    }
    return count
  }

  /// Removes messages that nobody took, and files, that are older than `date`.
  /// - Returns: how many messages, and folders of files.
  package func prune(before date: Date, isDry: Bool) throws(SystemFault) -> (messages: Int, files: Int) {
    func old(in folder: Int32, _ path: String) throws(SystemFault) -> [FileName] {
      var names: [FileName] = []
      var listing = try Listing(folder, path: path)
      while let entry = try listing.next() {
        if let facts = try? FileFacts(of: entry.name, in: folder), facts.modified < date { names.append(entry.name) }
      }
      return names
    }
    let (newPath, filesPath) = ("\(spool.path)/inbox/new", "\(spool.path)/\(InboxFolder.filesPath)")
    let messages = try old(in: new, newPath)
    let folders = try old(in: files, filesPath)
    if isDry { return (messages.count, folders.count) }
    for name in messages { try Syscalls.remove(name, in: new, path: newPath) }
    for name in folders {
      try removeFolder(String(decoding: name.bytes, as: UTF8.self), in: files, "\(filesPath)/\(name.display)")
    }
    return (messages.count, folders.count)
  }

  /// What a message's names begin with.
  package static func stem(_ channel: String, _ id: String) -> String {
    prefix(channel) + FileName.made(of: id)
  }

  /// The channel's part has no dot, so that one channel's names are never another's.
  private static func prefix(_ channel: String) -> String {
    FileName.made(of: channel).replacing([".": "%2E"]) + "."
  }

  private func path(_ name: String) -> String { "\(spool.path)/inbox/tmp/\(name)" }

  // MARK: Writing aside

  /// Writes a message aside. Whatever a killed process left under its name goes first.
  package func write(_ bytes: [UInt8], as stem: String) throws(SystemFault) {
    let name = "\(stem).json"
    unlinkat(tmp, name, 0)
    try write(bytes, name, in: tmp, path(name), mode: 0o640)
  }

  /// Writes a file that came with a message aside.
  /// - Parameter name: safe already (`SafeName`).
  package func write(_ bytes: [UInt8], file name: String, of stem: String) throws(SystemFault) {
    guard mkdirat(tmp, stem, SpoolLayout.folderMode) == 0 || errno == EEXIST else {
      throw SystemFault("mkdir", errno, path(stem))
    }
    let folder = try Syscalls.openFolder(stem, in: tmp, path: path(stem))
    defer { close(folder) }
    unlinkat(folder, name, 0)
    try write(bytes, name, in: folder, "\(path(stem))/\(name)", mode: 0o644)
  }

  private func write(
    _ bytes: [UInt8], _ name: String, in folder: Int32, _ path: String, mode: mode_t
  ) throws(SystemFault) {
    let file = try Syscalls.retry("open", path) {
      openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    }
    defer { close(file) }
    try Syscalls.writeAll(bytes, to: file, path: path)
  }

  /// All that was written aside is on the disk.
  package func flush() throws(SystemFault) { try spool.flushAll() }

  // MARK: Publishing

  /// Puts a message that the ledger knows where people take it: first its files, then itself.
  package func publish(_ stem: String) throws(SystemFault) {
    if renameat(tmp, stem, files, stem) != 0, errno != ENOENT {
      // A folder of that name: files of an earlier message of the same id, or of this one, moved before a kill.
      guard [EEXIST, ENOTEMPTY].contains(errno) else { throw SystemFault("rename", errno, path(stem)) }
      try removeFolder(stem, in: files, "\(spool.path)/\(InboxFolder.filesPath)/\(stem)")
      guard renameat(tmp, stem, files, stem) == 0 else { throw SystemFault("rename", errno, path(stem)) }
    }
    _ = try Spool.move(FileName("\(stem).json"), from: tmp, to: new, path: "\(spool.path)/inbox/new")
  }

  /// The renames are on the disk.
  package func flushPublished() throws(SystemFault) {
    try Syscalls.sync(files, path: "\(spool.path)/inbox/files")
    try Syscalls.sync(new, path: "\(spool.path)/inbox/new")
    try Syscalls.sync(tmp, path: "\(spool.path)/inbox/tmp")
  }

  // MARK: After a crash

  /// What a receiver that was killed left in tmp/.
  package struct Leftover: Sendable, Hashable {
    package var stem: String
    /// Of a message that was written; nil where there are only files, of which nobody knows whether they are whole.
    package var id: String?
  }

  package func leftovers(of channel: String) throws(SystemFault) -> [Leftover] {
    let prefix = InboxFolder.prefix(channel)
    var names: [String] = []
    var listing = try Listing(tmp, path: "\(spool.path)/inbox/tmp")
    while let entry = try listing.next() {
      let name = String(decoding: entry.name.bytes, as: UTF8.self)
      if name.utf8.starts(with: prefix.utf8) { names.append(name) }
    }
    let messages = names.filter { $0.hasSuffix(".json") }.map { Leftover(stem: String($0.dropLast(5)), id: id(in: $0)) }
    let stems = Set(messages.map(\.stem))
    return messages + names.filter { !$0.hasSuffix(".json") && !stems.contains($0) }.map { Leftover(stem: $0) }
  }

  /// It comes again.
  package func discard(_ stem: String) throws(SystemFault) {
    try Syscalls.remove(FileName("\(stem).json"), in: tmp, path: path(stem))
    try removeFolder(stem, in: tmp, path(stem))
  }

  private func id(in name: String) -> String? {
    guard let bytes = try? spool.read(FileName(name), in: tmp, path: path(name), limit: 64 << 20) else { return nil }
    return (try? JSONScanner.value(of: bytes))?["id"]?.string
  }

  private func removeFolder(_ name: String, in parent: Int32, _ path: String) throws(SystemFault) {
    let folder: Int32
    do throws(SystemFault) {
      folder = try Syscalls.openFolder(name, in: parent, path: path)
    } catch {
      if error.number == ENOENT { return }
      // No folder: whatever it is, it is nobody's.
      if error.number == ENOTDIR || error.number == ELOOP {
        return try Syscalls.remove(FileName(name), in: parent, path: path)
      }
      throw error
    }
    defer { close(folder) }
    var listing = try Listing(folder, path: path)
    while let entry = try listing.next() { try Syscalls.remove(entry.name, in: folder, path: path) }
    guard unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw SystemFault("rmdir", errno, path)
    }
  }
}

/// A file's name as its sender gave it, made safe: no path, no control or format character, no leading dot.
package enum SafeName {
  /// - Parameters:
  ///   - otherwise: for one of which nothing is left.
  ///   - taken: names that this message has already.
  package static func made(of name: String, otherwise: String, taken: Set<String> = []) -> String {
    let last = name.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last ?? []
    var scalars = last.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
      default: true
      }
    }[...]
    scalars = scalars.drop { $0 == "." || $0.properties.isWhitespace }
    var plain = String(String.UnicodeScalarView(scalars))
    if plain.isEmpty { plain = otherwise }
    plain = shortened(plain)
    guard taken.contains(plain) else { return plain }
    let (stem, ending) = parts(of: plain)
    for number in 2... where !taken.contains("\(stem)-\(number)\(ending)") { return "\(stem)-\(number)\(ending)" }
    return plain
  }

  private static func parts(of name: String) -> (stem: String, ending: String) {
    let bytes = Array(name.utf8)
    guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0, bytes.count - dot <= 16 else { return (name, "") }
    return (String(decoding: bytes[..<dot], as: UTF8.self), String(decoding: bytes[dot...], as: UTF8.self))
  }

  /// File systems take 255 bytes.
  private static func shortened(_ name: String) -> String {
    guard name.utf8.count > 180 else { return name }
    let (stem, ending) = parts(of: name)
    var short = ""
    for character in stem {
      if short.utf8.count + character.utf8.count > 150 { break }
      short.append(character)
    }
    return (short.isEmpty ? "file" : short) + ending
  }
}
