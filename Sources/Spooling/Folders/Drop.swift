import CSystem
import Core
import Glibc

/// Dropping messages the right way, as any producer should: write aside, flush, rename, flush the folder.
extension Spool {
  /// Drops messages and returns their names in new/. When it returns, they survive a power cut; when it throws, they
  /// are taken back, as far as the disk lets them be, and none is sent unless a sweep was faster.
  /// - Parameter name: of the message with that index; never the same twice, and nobody else's.
  package func drop(_ messages: [[UInt8]], name: (Int) -> FileName) throws(DropFault) -> [FileName] {
    try drop(messages, aside: nil, name: name)
  }

  /// Drops one message whose name is known before it is there, perhaps to somebody who was killed while he dropped it.
  /// - Parameter aside: what it is called in tmp/ until it is whole; nobody else's name. What a killed drop left of it goes.
  package func drop(_ message: [UInt8], as name: FileName, aside: FileName) throws(DropFault) -> FileName {
    _ = aside.withPointer { unlinkat(descriptor(.tmp), $0, 0) }
    return try drop([message], aside: aside) { _ in name }.last ?? name
  }

  /// - Parameter aside: of a single message, what it is called in tmp/; nil for its own name.
  private func drop(
    _ messages: [[UInt8]], aside: FileName?, name: (Int) -> FileName
  ) throws(DropFault) -> [FileName] {
    var written: [(aside: FileName, name: FileName)] = []
    var dropped: [FileName] = []
    let flushesAll = messages.count > 4 && isReadable
    do throws(SystemFault) {
      // The sweeper owns the spool: what another user drops it must be able to read.
      let isOwn = try Syscalls.status(descriptor(.new), path: path(.new)).st_uid == geteuid()
      for (index, bytes) in messages.enumerated() {
        let name = name(index)
        try write(bytes, to: aside ?? name, mode: isOwn ? 0o640 : 0o644, flush: !flushesAll)
        written.append((aside ?? name, name))
      }
      if flushesAll { try flushAll() }
      for (aside, name) in written {
        dropped.append(try rename(aside, to: name))
      }
      try flushDropped(dropped.last)
      return dropped
    } catch {
      for (aside, _) in written { _ = aside.withPointer { unlinkat(descriptor(.tmp), $0, 0) } }
      let stuck = dropped.filter { $0.withPointer { unlinkat(descriptor(.new), $0, 0) } != 0 && errno != ENOENT }
      throw DropFault(fault: error, stuck: stuck)
    }
  }

  private func rename(_ old: FileName, to name: FileName) throws(SystemFault) -> FileName {
    for number in 1... {
      let newName = name.numbered(number)
      do throws(SystemFault) {
        try Renaming.rename(
          old, in: descriptor(.tmp), toUnique: newName, in: descriptor(.new), path: "\(path(.new))/\(newName.display)")
        return newName
      } catch {
        guard error.number == EEXIST else { throw error }
      }
    }
    return name
  }

  /// Puts a file into the spool's own folder, whole or not at all.
  /// - Parameter aside: what it is called in tmp/ until it is whole; nobody else's name.
  /// - Returns: false when the name is taken; what is there stays as it is.
  package func place(_ bytes: [UInt8], as name: FileName, aside: FileName) throws(SystemFault) -> Bool {
    try write(bytes, to: aside, mode: 0o640, flush: true)
    do throws(SystemFault) {
      try Renaming.rename(
        aside, in: descriptor(.tmp), to: name, in: rootDescriptor, path: "\(path)/\(name.display)")
    } catch {
      _ = aside.withPointer { unlinkat(descriptor(.tmp), $0, 0) }
      if error.number == EEXIST { return false }
      throw error
    }
    try Syscalls.sync(rootDescriptor, path: path)
    return true
  }

  /// The renames into new/. Who may not read the folder can't flush it, but the file system that a file of theirs is on.
  private func flushDropped(_ last: FileName?) throws(SystemFault) {
    do throws(SystemFault) {
      try flush(.new)
    } catch {
      guard error.number == EBADF, let last else { throw error }
      let path = "\(path(.new))/\(last.display)"
      let file = last.withPointer { openat(descriptor(.new), $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
      // A sweep that was faster has flushed the folder.
      if file < 0, errno == ENOENT { return }
      guard file >= 0 else { throw SystemFault("open", errno, path) }
      defer { close(file) }
      guard msgspool_syncfs(file) == 0 else { throw SystemFault("syncfs", errno, path) }
    }
  }

  private func write(_ bytes: [UInt8], to name: FileName, mode: mode_t, flush: Bool) throws(SystemFault) {
    let path = "\(path(.tmp))/\(name.display)"
    let file = try Syscalls.retry("open", path) {
      name.withPointer {
        openat(descriptor(.tmp), $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
      }
    }
    defer { close(file) }
    do throws(SystemFault) {
      try Syscalls.writeAll(bytes, to: file, path: path)
      if flush { try Syscalls.sync(file, path: path) }
    } catch {
      _ = name.withPointer { unlinkat(descriptor(.tmp), $0, 0) }
      throw error
    }
  }
}

/// Messages that could not all be dropped.
package struct DropFault: Error, Sendable {
  package var fault: SystemFault
  /// Those that are in new/ all the same: a disk that became read-only doesn't give them back.
  package var stuck: [FileName]
}
