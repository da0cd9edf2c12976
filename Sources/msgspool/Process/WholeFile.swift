import Glibc
import Spooling

/// A file that others read while it is replaced: they see the old one or the new one, whole, also after a power cut.
enum WholeFile {
  /// Written beside it, flushed, renamed over it. Readable by everybody, as whoever collects it is another user.
  static func write(_ bytes: [UInt8], to path: String) throws(SystemFault) {
    let aside = "\(path).\(getpid()).tmp"
    let file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw SystemFault("open", errno, aside) }
    var fault = Diagnostics.write(bytes, to: file)
    if fault == 0, fsync(file) != 0 { fault = errno }
    close(file)
    guard fault == 0 else {
      unlink(aside)
      throw SystemFault("write", fault, aside)
    }
    guard rename(aside, path) == 0 else {
      let number = errno
      unlink(aside)
      throw SystemFault("rename", number, path)
    }
  }
}
