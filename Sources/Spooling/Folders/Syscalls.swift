import CSystem
import Core
import FoundationEssentials
import Glibc

/// A system call that failed: which, why and on what. Captured at the call.
package struct SystemFault: Error, Sendable, Hashable, CustomStringConvertible {
  package var call: String
  package var number: Int32
  package var path: String

  package init(_ call: String, _ number: Int32, _ path: String) {
    self.call = call
    self.number = number
    self.path = path
  }

  package var description: String { "\(path): \(String(cString: strerror(number))) (\(call))" }

  /// What a person can do about it.
  package var hint: String {
    switch number {
    case ENOSPC, EDQUOT: "free some space on the spool's file system (msgspool prune --older-than 7d), then sweep again"
    case EROFS: "the file system is mounted read-only: remount it read-write, then sweep again"
    case EACCES, EPERM: "let the sweeper's user own the spool: chown -R msgspool SPOOL"
    case EMFILE, ENFILE: "raise the limit on open files (ulimit -n, LimitNOFILE=)"
    case EIO: "the disk reports errors: look at the kernel's log before sweeping again"
    case ENOENT: "make the spool with: msgspool init"
    case ENOMEM: "give it more memory, or end what takes it all; then try again"
    case EXDEV: "keep the whole spool on one file system"
    case EOPNOTSUPP where call == "link":
      "this file system can neither rename without overwriting nor link: keep the spool on another (ext4, XFS, Btrfs, ZFS)"
    default: "see the system's message"
    }
  }

  package var isRefusal: Bool { number == EACCES || number == EPERM }

  /// Descriptors or memory are used up: it would hit the next file as well.
  package var isShortage: Bool { [EMFILE, ENFILE, ENOMEM].contains(number) }

  /// The disk is full, failing or read-only: nothing more can be recorded, so nothing more may be sent.
  package var isDiskTrouble: Bool {
    [ENOSPC, EDQUOT, EIO, EROFS, EFBIG, ENOMEM, EMFILE, ENFILE].contains(number)
  }
}

/// The system calls the spool needs, typed. Interrupted calls (EINTR) are repeated here and nowhere else; close and
/// fsync are not repeated, as Linux has released the descriptor, or lost the error, by then.
package enum Syscalls {
  /// Repeats `body` while a signal interrupts it; throws what else goes wrong.
  @discardableResult
  package static func retry<Number: FixedWidthInteger & SignedInteger>(
    _ call: String, _ path: @autoclosure () -> String, _ body: () -> Number
  ) throws(SystemFault) -> Number {
    while true {
      let result = body()
      if result >= 0 { return result }
      let number = errno
      if number != EINTR { throw SystemFault(call, number, path()) }
    }
  }

  package static func openFolder(_ name: String, in parent: Int32, path: String) throws(SystemFault) -> Int32 {
    try retry("open", path) { openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
  }

  package static func status(_ descriptor: Int32, path: @autoclosure () -> String) throws(SystemFault) -> stat {
    var status = stat()
    try retry("fstat", path()) { fstat(descriptor, &status) }
    return status
  }

  /// Never follows a symbolic link.
  package static func status(of name: FileName, in folder: Int32) throws(SystemFault) -> stat {
    var status = stat()
    try retry("stat", name.display) { name.withPointer { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) } }
    return status
  }

  /// Opens a file to read it, following no link and waiting for nobody.
  package static func openToRead(
    _ name: FileName, in folder: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) -> Int32 {
    func open() throws(SystemFault) -> Int32 {
      try retry("open", path()) {
        name.withPointer { openat(folder, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
      }
    }
    do throws(SystemFault) { return try open() } catch {
      guard error.isRefusal else { throw error }
      // What root may read, it may copy for the owner.
      let result = Identity.asRoot { () -> Result<Int32, SystemFault> in
        do throws(SystemFault) { return .success(try open()) } catch { return .failure(error) }
      }
      return try result.get()
    }
  }

  /// Opens a file to write behind what is in it, which may be read, too; follows no link and waits for nobody.
  static func openToAppend(_ name: FileName, in folder: Int32, path: String) throws(SystemFault) -> Int32 {
    try retry("open", path) {
      name.withPointer { openat(folder, $0, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
    }
  }

  /// What has to go before a line that is written behind the file: a newline where its last line is torn.
  static func lineEnd(of descriptor: Int32, _ status: stat, path: String) throws(SystemFault) -> [UInt8] {
    var last: UInt8 = 0
    let read = try retry("read", path) { pread(descriptor, &last, 1, max(0, status.st_size - 1)) }
    return read == 1 && last != UInt8(ascii: "\n") ? [UInt8(ascii: "\n")] : []
  }

  /// A file's times, as the kernel takes them: of access and of change, both the same.
  static func times(_ date: Date) -> [timespec] {
    let seconds = date.timeIntervalSince1970.rounded(.down)
    let nanoseconds = ((date.timeIntervalSince1970 - seconds) * 1e9).rounded(.down)
    let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    return [time, time]
  }

  /// What is gone already is no trouble.
  package static func remove(_ name: FileName, in folder: Int32, path: @autoclosure () -> String) throws(SystemFault) {
    guard name.withPointer({ unlinkat(folder, $0, 0) }) == 0 || errno == ENOENT else {
      throw SystemFault("unlink", errno, path())
    }
  }

  /// Writes all of it, or throws; a short write is followed by another, whose error tells why it was short.
  package static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = try retry("write", path()) { write(descriptor, part.baseAddress, part.count) }
      rest = rest.dropFirst(count)
    }
  }

  package static func writeAll(
    _ bytes: [UInt8], to descriptor: Int32, path: @autoclosure () -> String
  ) throws(SystemFault) {
    // The closure's own errors would lose their type.
    try bytes.withUnsafeBytes { buffer -> Result<Void, SystemFault> in
      do throws(SystemFault) { return .success(try writeAll(buffer, to: descriptor, path: path())) } catch {
        return .failure(error)
      }
    }.get()
  }

  /// What of the file fits into `buffer`, from `offset`.
  package static func readAll(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, from offset: Int = 0,
    path: @autoclosure () -> String
  ) throws(SystemFault) -> Int {
    var count = 0
    while count < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      let got = try retry("read", path()) { pread(descriptor, rest.baseAddress, rest.count, off_t(offset + count)) }
      count += got
      // A regular file gives less than asked for only at its end.
      if got < rest.count { break }
    }
    return count
  }

  package static func sync(_ descriptor: Int32, path: @autoclosure () -> String) throws(SystemFault) {
    guard fsync(descriptor) == 0 else { throw SystemFault("fsync", errno, path()) }
  }
}

/// A file's name: any bytes but / and NUL. What is shown of it is escaped and can be read back.
package struct FileName: Sendable, Hashable, Comparable {
  /// With a NUL behind, ready for the kernel.
  private let terminated: [UInt8]

  package init(bytes: some Collection<UInt8>) {
    var terminated: [UInt8] = []
    terminated.reserveCapacity(bytes.count + 1)
    terminated.append(contentsOf: bytes)
    terminated.append(0)
    self.terminated = terminated
  }

  package init(_ name: String) {
    self.init(bytes: name.utf8)
  }

  /// A name as `display` wrote it, or as a person typed it.
  package init(display: String) { self.init(display: Array(display.utf8)) }

  /// The same of bytes: a person may have typed only some of them escaped.
  package init(display: [UInt8]) {
    var bytes: [UInt8] = []
    var rest = display[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3, rest.first == UInt8(ascii: "x"),
        rest.dropFirst().prefix(2).allSatisfy({ isxdigit(Int32($0)) != 0 }),
        let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    self.init(bytes: bytes)
  }

  package var bytes: ArraySlice<UInt8> { terminated.dropLast() }

  package func withPointer<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    terminated.withUnsafeBufferPointer { buffer in
      // Never empty: there is always the NUL. CChar and UInt8 share their layout.
      UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped).withMemoryRebound(
        to: CChar.self, capacity: buffer.count, body)
    }
  }

  /// As shown: control characters, backslashes and what is not UTF-8 as `\xHH`, so that no name can speak to a terminal.
  package var display: String {
    let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x5C }
    if isPlain { return String(decoding: bytes, as: UTF8.self) }
    return bytes.displayText
  }

  /// As a word of a shell's command line: `show`, `retry` and others take it.
  package var argument: String { (bytes.first == UInt8(ascii: "-") ? "./\(display)" : display).shellWord }

  /// The name with `~2`, `~3`... behind, for a folder in which it is taken.
  package func numbered(_ number: Int) -> FileName {
    number < 2 ? self : FileName(bytes: Array(bytes) + Array("~\(number)".utf8))
  }

  /// The most bytes that a name has, on nearly every file system.
  private static let longest = 255

  /// The name with something behind it; where there is no room, the name's end gives way.
  package func with(_ suffix: String) -> FileName {
    FileName(bytes: Array(bytes.prefix(FileName.longest - suffix.utf8.count)) + Array(suffix.utf8))
  }

  /// What is left of a long name where it gets a number (`Spool.move`).
  var cutForNumber: FileName { FileName(bytes: bytes.dropLast(8)) }
  /// Whether there may be no room for one.
  var mayBeCut: Bool { bytes.count + 8 > FileName.longest }

  /// A file for as long as it is under this name: its inode, which a rename keeps, and the name, since a deleted file's
  /// inode may be the next one's. Both by FNV-1a.
  package func identity(inode: UInt64) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for shift in stride(from: 0, to: 64, by: 8) {
      hash = (hash ^ (inode >> UInt64(shift) & 0xFF)) &* 0x0000_0100_0000_01B3
    }
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
  }

  /// Of a name with `~2` behind the one before it was numbered; nil of others.
  var withoutNumber: FileName? {
    let digits = bytes.reversed().prefix { $0 &- 0x30 < 10 }
    let rest = bytes.dropLast(digits.count)
    guard !digits.isEmpty, rest.count > 1, rest.last == UInt8(ascii: "~") else { return nil }
    return FileName(bytes: rest.dropLast())
  }

  package static func < (one: FileName, other: FileName) -> Bool {
    one.terminated.lexicographicallyPrecedes(other.terminated)
  }
}

extension Collection<UInt8> {
  /// Text in which control characters (C0, DEL, C1), backslashes and invalid UTF-8 are written `\xHH`.
  package var displayText: String {
    var text = ""
    var rest = Array(self)[...]
    while !rest.isEmpty {
      var decoder = UTF8()
      var iterator = rest.makeIterator()
      if case .scalarValue(let scalar) = decoder.decode(&iterator), isHarmless(scalar) {
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(UTF8.width(scalar))
      } else {
        let byte = rest.removeFirst()
        text += byte < 16 ? "\\x0" : "\\x"
        text += String(byte, radix: 16)
      }
    }
    return text
  }

  private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // Format characters include the direction overrides that make a name read backwards; the joiner only builds emoji.
    case .format where scalar == "\u{200D}": true
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
    default: scalar != "\\"
    }
  }
}
