import CSystem
import Glibc

/// The process's memory holds secrets and messages; none of it belongs on a disk.
package enum CoreDumps {
  /// No core file, no collector of them, and neither memory nor environment for other processes of this user to read.
  package static func disable() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    // A collector that the kernel pipes dumps to does not ask for the limit.
    _ = msgspool_set_undumpable()
  }
}
