import CSystem
import Core
import FoundationEssentials
import Glibc

extension Spool {
  /// Writes behind a settled message that those are to be sent to again who did not get it, and nobody else; then whoever
  /// claims it sends to nobody but them.
  /// - Returns: false when the file is gone meanwhile, or is no plain file of ours.
  package func reopenUndelivered(_ name: FileName, in folder: Folder, at now: Date) throws(SystemFault) -> Bool {
    let path = "\(path(folder))/\(name.display)"
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.openToAppend(name, in: self.descriptor(folder), path: path)
    } catch {
      if [ENOENT, ELOOP, ENXIO].contains(error.number) { return false }
      throw error
    }
    defer { close(descriptor) }
    let status = try Syscalls.status(descriptor, path: path)
    guard status.isRegularFile else { return false }
    var bytes = try Syscalls.lineEnd(of: descriptor, status, path: path)
    ReceiptCoding.writeRetry(at: now, to: &bytes)
    do throws(SystemFault) {
      try Syscalls.writeAll(bytes, to: descriptor, path: path)
      try Syscalls.sync(descriptor, path: path)
    } catch {
      _ = ftruncate(descriptor, status.st_size)
      throw error
    }
    return true
  }
}
