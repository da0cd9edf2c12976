import CSystem
import Glibc
import Synchronization

/// Whose rights this process has. Run by root, msgspool takes the place of the spool's owner, so that whatever it makes or
/// claims is that user's: a ledger or a sweep's folder that belongs to root would shut the service out for ever.
package enum Identity {
  private static let wasRoot = Atomic(false)

  /// For good, apart from what `asRoot` reads. Programs that are started (`exec`) are the owner's through and through.
  package static func become(user: UInt32, group: UInt32) throws(SystemFault) {
    var groups = [gid_t(group)]
    // A user without a name (of a container, say) is in no other groups.
    let isNamed = getpwuid(user).map { initgroups($0.pointee.pw_name, group) == 0 } ?? false
    guard isNamed || setgroups(1, &groups) == 0 else { throw SystemFault("setgroups", errno, "") }
    guard setresgid(group, group, group) == 0 else { throw SystemFault("setresgid", errno, "") }
    guard setresuid(user, user, 0) == 0 else { throw SystemFault("setresuid", errno, "") }
    wasRoot.store(true, ordering: .relaxed)
  }

  /// What root may read, and the owner may not: a configuration and its secrets, another user's message that is to be
  /// copied. Of this thread only, and without effect unless root became that user.
  package static func asRoot<Result>(_ body: () -> Result) -> Result {
    guard wasRoot.load(ordering: .relaxed) else { return body() }
    let user = geteuid()
    _ = msgspool_use_files_as(0)
    defer { _ = msgspool_use_files_as(user) }
    return body()
  }
}
