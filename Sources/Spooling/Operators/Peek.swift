import Core
import FoundationEssentials
import Glibc

/// A file as it stands in a folder, read without claiming it: for status, list, show, check, dry runs and channel filters.
package enum Peek: Sendable {
  case message(MessageFile)
  /// No message, and what it holds all the same.
  case invalid(Fault, Remains)
  case unreadable(SystemFault)
  /// No plain file.
  case odd
}

/// What a file holds that is no message.
package struct Remains: Sendable {
  package var lines: [HistoryLine]
  /// A whole JSON value stands in front: nobody is still writing it.
  package var isWhole: Bool

  package init(lines: [HistoryLine], isWhole: Bool) {
    self.lines = lines
    self.isWhole = isWhole
  }

  /// Whether a sweep leaves the file alone for a moment, as a careless producer may not have finished it.
  package func mayBeUnfinished(in folder: Folder, _ facts: FileFacts, now: Date) -> Bool {
    folder == .new && lines.isEmpty && !isWhole && abs(now.timeIntervalSince(facts.modified)) < ClaimReader.grace
  }
}

extension Spool {
  /// Nil when the file is gone meanwhile.
  package func peek(_ name: FileName, in folder: Folder, limit: Int) -> Peek? {
    peek(name, in: descriptor(folder), path: "\(path(folder))/\(name.display)", limit: limit)
  }

  package func peek(_ found: Walk.Found, limit: Int) -> Peek? {
    peek(found.name, in: found.place.descriptor, path: "\(found.place.path)/\(found.name.display)", limit: limit)
  }

  package func peek(_ name: FileName, in folder: Int32, path: String, limit: Int) -> Peek? {
    do throws(SystemFault) {
      guard let bytes = try read(name, in: folder, path: path, limit: limit) else { return .odd }
      return bytes.withUnsafeBufferPointer { buffer -> Peek in
        do throws(Fault) {
          return .message(try MessageFile(buffer, limit: limit, templates: templates))
        } catch {
          let lines = MessageFile.history(in: buffer, limit: limit)
          return .invalid(error, Remains(lines: lines, isWhole: MessageFile.beginsWithValue(buffer)))
        }
      }
    } catch {
      if error.number == ENOENT { return nil }
      return error.number == ELOOP ? .odd : .unreadable(error)
    }
  }

  /// The file's bytes; nil for what is no plain file. A file far beyond the limit is cut behind it.
  package func read(
    _ name: FileName, in folder: Int32, path: String, limit: Int
  ) throws(SystemFault) -> [UInt8]? {
    let descriptor = try Syscalls.openToRead(name, in: folder, path: path)
    defer { close(descriptor) }
    let status = try Syscalls.status(descriptor, path: path)
    guard status.isRegularFile else { return nil }
    let size = Int(status.st_size)
    let bytes = try read(size > limit * 4 ? limit + 1 : size, of: descriptor, path)
    if bytes.count < size, size <= MessageFile.mostBytes(limit),
      bytes.withUnsafeBufferPointer(MessageFile.beginsWithValue)
    {
      return try read(size, of: descriptor, path)
    }
    return bytes
  }

  private func read(_ count: Int, of descriptor: Int32, _ path: String) throws(SystemFault) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try Syscalls.readAll(descriptor, into: buffer, path: path))])
  }
}
