import Core
import FoundationEssentials
import Glibc

/// Reads whole histories, with one buffer for all files.
package struct HistoryReader: ~Copyable {
  /// Of a larger file only its end is looked at.
  private static let most = 32 << 20

  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  package init() {}

  deinit { buffer.deallocate() }

  /// Visits what stands behind the file's message, oldest first. What can't be read, or is no plain file, is passed over.
  /// - Parameter notBefore: files that were last written to before are passed over unread.
  package mutating func read(
    _ name: FileName, in folder: Int32, notBefore: Date?, _ visit: ([HistoryEntry]) -> Void
  ) {
    guard let descriptor = try? Syscalls.openToRead(name, in: folder, path: "") else { return }
    defer { close(descriptor) }
    guard let status = try? Syscalls.status(descriptor, path: ""), status.isRegularFile else { return }
    if let notBefore, FileFacts(status).modified < notBefore { return }
    let size = min(Int(status.st_size), HistoryReader.most)
    if buffer.count < size {
      buffer.deallocate()
      buffer = .allocate(byteCount: size, alignment: 16)
    }
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<size])
    guard let got = try? Syscalls.readAll(descriptor, into: target, from: Int(status.st_size) - size, path: "") else {
      return
    }
    let bytes = UnsafeBufferPointer(start: target.baseAddress?.assumingMemoryBound(to: UInt8.self), count: got)
    let entries = History.entries(in: bytes)
    if !entries.isEmpty { visit(entries) }
  }
}
