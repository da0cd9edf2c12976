import Core
import Foundation
import Spooling

/// A spool in a folder of its own, and its files as a test sees them.
package final class UnitSpool: Sendable {
  package let folder: ScratchFolder
  package let spool: Spool

  package init() throws {
    folder = try ScratchFolder()
    try Spool.make(folder.path("spool"))
    spool = try Spool(folder.path("spool"))
  }

  package func path(_ target: Folder, _ name: String) -> String { "\(spool.path(target))/\(name)" }

  /// Writes a file; `age` seconds old.
  @discardableResult
  package func write(_ text: String, to name: String, in target: Folder = .new, age: Double = 60) throws -> FileName {
    try write(Array(text.utf8), to: FileName(name), in: target, age: age)
  }

  @discardableResult
  package func write(
    _ bytes: [UInt8], to name: FileName, in target: Folder = .new, age: Double = 60
  ) throws -> FileName {
    let descriptor = name.withPointer { openat(spool.descriptor(target), $0, O_WRONLY | O_CREAT | O_TRUNC, 0o644) }
    guard descriptor >= 0 else { throw SystemFault("open", errno, name.display) }
    defer { close(descriptor) }
    try bytes.withUnsafeBytes { try Syscalls.writeAll($0, to: descriptor, path: name.display) }
    let seconds = Date().timeIntervalSince1970 - age
    let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
    guard futimens(descriptor, [time, time]) == 0 else { throw SystemFault("futimens", errno, name.display) }
    return name
  }

  package func text(_ name: String, in target: Folder) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path(target, name))), as: UTF8.self)
  }

  /// The names in a folder as people see them, sorted.
  package func names(_ target: Folder) throws -> [String] {
    var names: [String] = []
    var listing = try spool.list(target)
    while let entry = try listing.next() { names.append(entry.name.display) }
    return names.sorted()
  }

  /// Renames a file into a sweep's folder, as the loader does.
  package func claim(_ name: FileName, into folder: SweepFolder, from source: Folder = .new) throws {
    _ = try Spool.move(name, from: spool.descriptor(source), to: folder.descriptor, path: folder.path)
  }
}

extension MessageFile {
  /// A file's text, decoded.
  package convenience init(text: String, limit: Int = 1 << 20) throws(Fault) {
    try self.init(bytes: Array(text.utf8), limit: limit)
  }

  package convenience init(bytes: [UInt8], limit: Int = 1 << 20) throws(Fault) {
    // An initializer can't be handed on from within a closure that lends the array's bytes.
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    defer { copy.deallocate() }
    _ = copy.initialize(from: bytes)
    try self.init(UnsafeBufferPointer(copy), limit: limit)
  }
}
