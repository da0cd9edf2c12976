import Glibc
import Spooling

/// A file that others read while it is replaced: they see the old one or the new one, whole, also after a power cut.
enum OutputFile {
  /// Written beside it, flushed, renamed over it. Readable by everybody, as whoever collects it is another user.
  ///
  /// What is no plain file (a device, a pipe, /dev/stdout) is written to where it stands: with a file in its place nobody
  /// would have it any more.
  static func write(_ bytes: [UInt8], to path: String) throws(SystemFault) {
    var facts = stat()
    if stat(path, &facts) == 0, facts.st_mode & S_IFMT != S_IFREG || isOpenAlready(path) {
      return try append(bytes, to: path)
    }
    try WholeFile.replace(target(of: path), with: bytes, mode: 0o644)
  }

  /// Where a symbolic link leads, so that the link stays one.
  private static func target(of path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Such as /dev/stdout, which leads to a file that somebody holds open and goes on writing to.
  private static func isOpenAlready(_ path: String) -> Bool {
    path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
  }

  private static func append(_ bytes: [UInt8], to path: String) throws(SystemFault) {
    let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY)
    guard file >= 0 else { throw SystemFault("open", errno, path) }
    defer { close(file) }
    let fault = Diagnostics.write(bytes, to: file)
    guard fault == 0 else { throw SystemFault("write", fault, path) }
  }
}
