import CSystem
import Core
import Glibc

/// Names, modes and the meaning of everything in a spool (contract, section 2). Other code asks this for verbs.
package enum Folder: String, Sendable, CaseIterable {
  case tmp, new, cur, deferred, done, failed
  /// What an operator has set aside.
  case hold

  /// What every spool has; the rest is made when it is first needed.
  package static let required: [Folder] = [.tmp, .new, .cur, .deferred, .done, .failed]

  /// One sentence for people.
  package var summary: String {
    switch self {
    case .tmp: "Producers write here, then rename into new/."
    case .new: "Messages that wait."
    case .cur: "What a running sweep has claimed, in a folder for each, locked while the sweep lives."
    case .deferred: "Due later; the file's modification time is when."
    case .done: "Every recipient was accepted by the provider."
    case .failed: "Given up, refused, unconfirmed, or no message at all; msgspool retry brings it back."
    case .hold: "Set aside by an operator; made when it is first needed."
    }
  }
}

package enum SpoolLayout {
  package static let ledger = "ledger.db"
  package static let configuration = "config.json"
  /// What messages' `use` names; its operator makes it.
  package static let templates = "templates"

  /// What else is in a spool, for people.
  package static let files: [(name: String, summary: String)] = [
    (ledger, "Calls and their outcomes, ids seen, counts, suspended channels (SQLite)."),
    ("\(templates)/", "Messages with places, NAME.json each, for those whose use names them; made by the operator."),
    (configuration, "The configuration, where it is kept in the spool."),
  ]

  /// Producers of other users need to write in tmp/ and new/ alone. Everything else is the sweeper's.
  package static let folderMode: mode_t = 0o755
  package static let privateFolderMode: mode_t = 0o750

  /// Names that a sweep does not look at: hidden ones, and what editors and careful producers use for unfinished files.
  package static func isIgnored(_ name: FileName) -> Bool {
    let bytes = name.bytes
    return isHidden(name) || bytes.last == UInt8(ascii: "~") || bytes.ends(with: ".tmp")
      || bytes.ends(with: ".part")
  }

  package static func isHidden(_ name: FileName) -> Bool { name.bytes.first == UInt8(ascii: ".") }

  /// What keeps a folder in Git: a hidden file with nothing in it. No producer forgot that.
  package static func keepsFolder(_ name: FileName, _ facts: FileFacts) -> Bool {
    facts.size == 0 && isHidden(name)
  }

  /// Where a message of that state belongs.
  package static func folder(of state: MessageState) -> Folder {
    switch state {
    case .done, .duplicate: .done
    case .deferred: .deferred
    case .failed, .invalid, .expired, .unconfirmed: .failed
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate func ends(with suffix: StaticString) -> Bool {
    self.suffix(suffix.utf8CodeUnitCount)
      .elementsEqual(UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount))
  }
}

/// The names in a folder, streamed: a folder of a million takes no more memory than one of ten.
/// Entries that are renamed away or added meanwhile may or may not show up, and none shows up twice unless it is.
package struct Listing: ~Copyable {
  package struct Entry: Sendable {
    package enum Kind: Sendable { case file, folder, unknown, other }

    package var name: FileName
    package var kind: Kind

    package init(name: FileName, kind: Kind) {
      self.name = name
      self.kind = kind
    }
  }

  private let descriptor: Int32
  private let path: String
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 8)
  private var position = 0
  private var end = 0

  /// - Parameter folder: an open folder; it is opened anew, so that several listings don't share one position. -1 is one
  ///   that is not there, and empty.
  package init(_ folder: Int32, path: String) throws(SystemFault) {
    self.path = path
    if folder == -1 {
      descriptor = -1
      return
    }
    descriptor = try Syscalls.openFolder(".", in: folder, path: path)
  }

  deinit {
    buffer.deallocate()
    if descriptor >= 0 { close(descriptor) }
  }

  /// The next name that isn't `.` or `..`.
  package mutating func next() throws(SystemFault) -> Entry? {
    if descriptor < 0 { return nil }
    while true {
      if position == end {
        end = try Syscalls.retry("getdents", path) {
          msgspool_getdents(descriptor, buffer.baseAddress, UInt(buffer.count))
        }
        position = 0
        if end == 0 { return nil }
      }
      // struct linux_dirent64: ino u64, off u64, reclen u16, type u8, name with NUL.
      let record = UnsafeRawBufferPointer(rebasing: buffer[position..<end])
      position += Int(record.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
      let name = record[19...].prefix { $0 != 0 }
      if name.first == UInt8(ascii: "."), name.count == 1 || (name.count == 2 && name.last == UInt8(ascii: ".")) {
        continue
      }
      return Entry(name: FileName(bytes: name), kind: Listing.kind(record[18]))
    }
  }

  private static func kind(_ type: UInt8) -> Entry.Kind {
    switch Int(type) {
    case Int(DT_REG): .file
    case Int(DT_DIR): .folder
    case Int(DT_UNKNOWN): .unknown
    default: .other
    }
  }
}
