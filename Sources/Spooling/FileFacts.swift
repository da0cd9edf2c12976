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
  /// Permission bits.
  package var mode: UInt32
  package var owner: UInt32
  package var links: Int
  package var inode: UInt64
  package var device: UInt64

  init(_ status: stat) {
    isRegular = status.isRegularFile
    isFolder = status.st_mode & S_IFMT == S_IFDIR
    size = Int(status.st_size)
    modified = status.modified
    mode = UInt32(status.st_mode) & 0o7777
    owner = UInt32(status.st_uid)
    links = Int(status.st_nlink)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
  }

  package init(_ descriptor: Int32, path: @autoclosure () -> String) throws(SystemFault) {
    self.init(try Syscalls.status(descriptor, path: path()))
  }

  /// Never follows a symbolic link.
  package init(of name: FileName, in folder: Int32) throws(SystemFault) {
    self.init(try Syscalls.status(of: name, in: folder))
  }
}
