import CSystem
import Core
import FoundationEssentials
import Glibc

extension Spool {
  /// Removes what a killed drop of that name has left in tmp/. The name must be one that nobody else drops under.
  package func removeUnfinished(_ name: FileName) throws(SystemFault) {
    let path = "\(path(.tmp))/\(name.display)"
    guard name.withPointer({ unlinkat(descriptor(.tmp), $0, 0) }) != 0, errno != ENOENT else { return }
    throw SystemFault("unlink", errno, path)
  }

  /// Writes behind a settled message that those are to be sent to again who did not get it, and nobody else; then whoever
  /// claims it sends to nobody but them.
  /// - Returns: false when the file is gone meanwhile, or is no plain file of ours.
  package func reopenUndelivered(_ name: FileName, in folder: Folder, at now: Date) throws(SystemFault) -> Bool {
    let path = "\(path(folder))/\(name.display)"
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.retry("open", path) {
        name.withPointer {
          openat(
            self.descriptor(folder), $0, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        }
      }
    } catch {
      if [ENOENT, ELOOP, ENXIO].contains(error.number) { return false }
      throw error
    }
    defer { close(descriptor) }
    let status = try Syscalls.status(descriptor, path: path)
    guard status.isRegularFile else { return false }
    var last: UInt8 = 0
    let read = try Syscalls.retry("read", path) { pread(descriptor, &last, 1, max(0, status.st_size - 1)) }
    var bytes: [UInt8] = read == 1 && last != UInt8(ascii: "\n") ? [UInt8(ascii: "\n")] : []
    ReceiptCoding.writeRetry(at: now, to: &bytes)
    do throws(SystemFault) {
      try bytes.withUnsafeBytes { buffer -> Result<Void, SystemFault> in
        do throws(SystemFault) { return .success(try Syscalls.writeAll(buffer, to: descriptor, path: path)) } catch {
          return .failure(error)
        }
      }.get()
      try Syscalls.sync(descriptor, path: path)
    } catch {
      _ = ftruncate(descriptor, status.st_size)
      throw error
    }
    return true
  }
}
