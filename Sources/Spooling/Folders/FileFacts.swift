import Core
import FoundationEssentials
import Glibc

/// What the file system says about a file, as a value of our own. C's `stat` does not cross to the program reliably: it
/// links several C libraries whose headers define the type again, and then extensions of it are lost to the compiler.
package struct FileFacts: Sendable, Hashable {
  package var isRegular: Bool
  package var isFolder: Bool
  package var size: Int
  package var modified: Date
  /// When it was last renamed, written to or given another time, by the wall clock of then.
  package var changed: Date
  /// Permission bits.
  package var mode: UInt32
  package var owner: UInt32
  package var group: UInt32
  package var links: Int
  package var inode: UInt64
  package var device: UInt64

  init(_ status: stat) {
    isRegular = status.isRegularFile
    isFolder = status.st_mode & S_IFMT == S_IFDIR
    size = Int(status.st_size)
    modified = status.modified
    changed = Date(timeIntervalSince1970: Double(status.st_ctim.tv_sec) + Double(status.st_ctim.tv_nsec) / 1e9)
    mode = UInt32(status.st_mode) & 0o7777
    owner = UInt32(status.st_uid)
    group = UInt32(status.st_gid)
    links = Int(status.st_nlink)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
  }

  /// A plain file, as a test makes one up.
  package init(plainFileOf size: Int, modified: Date, changed: Date, inode: UInt64) {
    isRegular = true
    isFolder = false
    self.size = size
    self.modified = modified
    self.changed = changed
    mode = 0o644
    owner = 0
    group = 0
    links = 1
    self.inode = inode
    device = 0
  }

  package func isSameFile(as other: FileFacts) -> Bool { inode == other.inode && device == other.device }

  /// As sudo takes it, a word of a shell's command line: a name, or '#1000' for a user that the system does not know.
  package var ownerName: String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
      guard let words = buffer.baseAddress, getpwuid_r(owner, &entry, words, buffer.count, &found) == 0, found != nil,
        let name = entry.pw_name
      else { return "#\(owner)".shellWord }
      return String(cString: name)
    }
  }

  package init(_ descriptor: Int32, path: @autoclosure () -> String) throws(SystemFault) {
    self.init(try Syscalls.status(descriptor, path: path()))
  }

  /// Follows symbolic links.
  package init(ofWhatIsAt path: String) throws(SystemFault) {
    var status = stat()
    try Syscalls.retry("stat", path) { stat(path, &status) }
    self.init(status)
  }

  /// Never follows a symbolic link.
  package init(of name: FileName, in folder: Int32) throws(SystemFault) {
    self.init(try Syscalls.status(of: name, in: folder))
  }
}
