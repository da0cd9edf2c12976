import Glibc

/// What this user may do with a path of the machine's outside the spool, as far as an operator should know.
package enum HostPath {
  /// Anybody may write to what is there.
  package static func isWritableByAnybody(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & 0o002 != 0
  }

  package static func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }

  package static func isReadableFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && access(path, R_OK | X_OK) == 0
  }
}
