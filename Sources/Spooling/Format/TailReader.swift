import Core
import FoundationEssentials
import Glibc

/// The end of a settled file: its last whole history line, and what the file system says about it.
package struct Tail: Sendable {
  package var last: HistoryLine?
  /// Something of a line, or zeros, stands behind the last whole one: a power cut tore it, and the truth is in the ledger.
  package var isTorn: Bool
  package var facts: FileFacts

  package var modified: Date { facts.modified }
}

/// What looking at a file's end came to.
package enum TailPeek: Sendable {
  case tail(Tail)
  case unreadable(SystemFault)
  /// No plain file.
  case odd
}

/// Reads last lines: a message of 16 MiB with a short history costs one small read. One buffer serves all files.
package struct TailReader: ~Copyable {
  /// Holds the last line of most files; a longer one is read in a second step.
  private static let firstRead = 4096

  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: TailReader.firstRead, alignment: 16)

  package init() {}

  deinit { buffer.deallocate() }

  /// Nil when the file is gone meanwhile.
  package mutating func read(_ name: FileName, in folder: Int32, path: String) -> TailPeek? {
    do throws(SystemFault) {
      return try tail(name, in: folder, path: path).map(TailPeek.tail) ?? .odd
    } catch {
      switch error.number {
      case ENOENT: return nil
      case ELOOP, ENXIO, ENODEV: return .odd
      default: return .unreadable(error)
      }
    }
  }

  private mutating func tail(_ name: FileName, in folder: Int32, path: String) throws(SystemFault) -> Tail? {
    let descriptor = try Syscalls.openToRead(name, in: folder, path: "\(path)/\(name.display)")
    defer { close(descriptor) }
    let status = try Syscalls.status(descriptor, path: "\(path)/\(name.display)")
    guard status.isRegularFile else { return nil }
    let size = Int(status.st_size)
    var wanted = min(size, TailReader.firstRead)
    while true {
      let bytes = try read(descriptor, size - wanted, wanted, path: "\(path)/\(name.display)")
      if let end = TailReader.end(of: bytes, isWhole: wanted == size) {
        return Tail(last: end.last, isTorn: end.isTorn, facts: FileFacts(status))
      }
      wanted = min(size, wanted * 16)
    }
  }

  private mutating func read(
    _ descriptor: Int32, _ offset: Int, _ count: Int, path: @autoclosure () -> String
  ) throws(SystemFault) -> UnsafeBufferPointer<UInt8> {
    if buffer.count < count {
      buffer.deallocate()
      buffer = .allocate(byteCount: count, alignment: 16)
    }
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    let got = try Syscalls.readAll(descriptor, into: target, from: offset, path: path())
    return UnsafeBufferPointer(start: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: got)
  }

  /// The last whole line in a file's last bytes; nil when more of the file is needed to tell.
  ///
  /// Lines are looked at from the end. Torn ones are passed over; the first that is neither history nor a piece of it
  /// belongs to the message, and so does whatever begins at the file's first byte.
  static func end(
    of bytes: UnsafeBufferPointer<UInt8>, isWhole: Bool
  ) -> (last: HistoryLine?, isTorn: Bool)? {
    var end = bytes.count
    var isTorn = false
    while end > 0 {
      let newline = bytes[..<end].lastIndex(of: UInt8(ascii: "\n"))
      let start = newline.map { $0 + 1 } ?? 0
      if start == 0 { return isWhole ? (nil, isTorn) : nil }
      let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
      switch History.entries(in: line).last {
      case .line(let last)?: return (last, isTorn)
      // What came behind the last attempt hides it from nobody.
      case .receipt?, .retry?, .leg?:
        end = start - 1
        continue
      case nil: break
      }
      if !line.isEmpty {
        guard History.canBegin(line) else { return (nil, isTorn) }
        isTorn = true
      }
      end = start - 1
    }
    return isWhole ? (nil, isTorn) : nil
  }

  /// A file's latest history lines, oldest first: those in its last 64 kB.
  package static func lines(of name: FileName, in folder: String) throws(SystemFault) -> [HistoryLine] {
    let path = "\(folder)/\(name.display)"
    let parent = try Syscalls.openFolder(folder, in: AT_FDCWD, path: folder)
    defer { close(parent) }
    let descriptor = try Syscalls.retry("open", path) {
      name.withPointer { openat(parent, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
    }
    defer { close(descriptor) }
    let size = Int(try Syscalls.status(descriptor, path: path).st_size)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(size, 64 << 10), alignment: 16)
    defer { buffer.deallocate() }
    let got = try Syscalls.readAll(descriptor, into: buffer, from: size - buffer.count, path: path)
    return History.lines(
      in: UnsafeBufferPointer(start: buffer.assumingMemoryBound(to: UInt8.self).baseAddress, count: got))
  }
}
