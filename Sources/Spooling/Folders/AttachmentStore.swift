import CSystem
import Core
import Glibc

/// The only way to a file that a producer named: beneath an allowed directory, through no symbolic link, a plain file.
package enum AttachmentStore {
  /// An open descriptor, which the caller closes, and the file's size.
  package static func open(_ file: AttachmentFile) throws(SystemFault) -> (descriptor: Int32, size: Int) {
    let path = "\(file.directory)/\(file.path)"
    let folder = try Syscalls.retry("open", file.directory) {
      Glibc.open(file.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    defer { close(folder) }
    let descriptor = try Syscalls.retry("open", path) { msgspool_open_beneath(folder, file.path) }
    do throws(SystemFault) {
      let status = try Syscalls.status(descriptor, path: path)
      guard status.isRegularFile else { throw SystemFault("open", EINVAL, path) }
      return (descriptor, Int(status.st_size))
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// The whole file, of at most `limit` bytes (`EFBIG` otherwise).
  package static func load(_ file: AttachmentFile, limit: Int) throws(SystemFault) -> [UInt8] {
    let (descriptor, size) = try open(file)
    defer { close(descriptor) }
    let path = "\(file.directory)/\(file.path)"
    guard size <= limit else { throw SystemFault("read", EFBIG, path) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try Syscalls.readAll(descriptor, into: buffer, path: path))])
  }
}
