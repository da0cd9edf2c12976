import CSystem
import Core
import Glibc

/// Dropping messages the right way, as any producer should: write aside, flush, rename, flush the folder.
extension Spool {
  /// Drops messages and returns their names in new/. When it returns, they survive a power cut; when it throws, they
  /// are taken back, as far as the disk lets them be, and none is sent unless a sweep was faster.
  package func drop(_ messages: [[UInt8]], name: (Int) -> FileName) throws(DropFault) -> [FileName] {
    var written: [FileName] = []
    var dropped: [FileName] = []
    do throws(SystemFault) {
      for (index, bytes) in messages.enumerated() {
        let name = name(index)
        try write(bytes, to: name, flush: messages.count <= 4)
        written.append(name)
      }
      if messages.count > 4 { try flushAll() }
      for name in written {
        guard
          let newName = try Spool.move(name, from: descriptor(.tmp), to: descriptor(.new), path: path(.new))
        else { throw SystemFault("rename", ENOENT, "\(path(.tmp))/\(name.display)") }
        dropped.append(newName)
      }
      try flush(.new)
      return dropped
    } catch {
      for name in written { _ = name.withPointer { unlinkat(descriptor(.tmp), $0, 0) } }
      let stuck = dropped.filter { $0.withPointer { unlinkat(descriptor(.new), $0, 0) } != 0 && errno != ENOENT }
      throw DropFault(fault: error, stuck: stuck)
    }
  }

  /// Puts a file into the spool's own folder, whole or not at all.
  /// - Parameter aside: what it is called in tmp/ until it is whole; nobody else's name.
  /// - Returns: false when the name is taken; what is there stays as it is.
  package func place(_ bytes: [UInt8], as name: FileName, aside: FileName) throws(SystemFault) -> Bool {
    try write(bytes, to: aside, flush: true)
    let failed = aside.withPointer { old in
      name.withPointer { new in msgspool_rename_noreplace(descriptor(.tmp), old, rootDescriptor, new) }
    }
    if failed != 0 {
      let number = errno
      _ = aside.withPointer { unlinkat(descriptor(.tmp), $0, 0) }
      if number == EEXIST { return false }
      throw SystemFault("rename", number, "\(path)/\(name.display)")
    }
    try Syscalls.sync(rootDescriptor, path: path)
    return true
  }

  private func write(_ bytes: [UInt8], to name: FileName, flush: Bool) throws(SystemFault) {
    let path = "\(path(.tmp))/\(name.display)"
    let file = try Syscalls.retry("open", path) {
      name.withPointer {
        openat(descriptor(.tmp), $0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
      }
    }
    defer { close(file) }
    do throws(SystemFault) {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      defer { buffer.deallocate() }
      buffer.copyBytes(from: bytes)
      try Syscalls.writeAll(UnsafeRawBufferPointer(buffer), to: file, path: path)
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
