import CSystem
import Core
import Glibc

/// What the kernel tells of a spool while somebody watches it (inotify), and of the wall clock. Costs nothing while nothing
/// happens.
package final class Watcher: Sendable {
  package enum Sight: Sendable, Hashable {
    /// A file was renamed into new/, or its writer closed it there.
    case arrived(FileName)
    /// A file came into being in new/ without a rename: a link, or somebody writes there.
    case created(FileName)
    /// A file was renamed into deferred/, or got another time there.
    case deferred(FileName)
    /// Another sweep's folder appeared in cur/.
    case sweep(FileName)
    /// A folder of the spool was moved, removed, or put in another's place: what is open is no longer what its name says.
    case replaced
    /// More happened than the kernel could note.
    case overflow
    /// Somebody set the wall clock.
    case clockSet
  }

  private let notifications: Int32
  private let clock: Int32
  private let waking: WakePipe
  /// By watch descriptor.
  private let folders: [Int32: Folder]
  private let root: Int32
  private let spool: Spool

  package init(_ spool: Spool) throws(SystemFault) {
    waking = try WakePipe(spool.path)
    let notifications = try Notifications.open(for: spool.path)
    func watch(_ folder: Int32, _ path: String, _ events: Int32) throws(SystemFault) -> Int32 {
      try Notifications.watch(folder, path, for: events, in: notifications)
    }
    var folders: [Int32: Folder] = [:]
    do throws(SystemFault) {
      let events: [(Folder, Int32)] = [
        (.new, IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_MOVE_SELF | IN_DELETE_SELF),
        (.deferred, IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF),
        (.cur, IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_DELETE_SELF),
      ]
      for (folder, events) in events {
        folders[try watch(spool.descriptor(folder), spool.path(folder), events)] = folder
      }
      root = try watch(
        spool.rootDescriptor, spool.path,
        IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVE_SELF | IN_DELETE_SELF)
    } catch {
      close(notifications)
      throw error
    }
    self.folders = folders
    self.spool = spool
    self.notifications = notifications
    clock = msgspool_clock_watch()
    _ = msgspool_clock_watch_arm(clock)
  }

  deinit {
    for descriptor in [notifications, clock] where descriptor >= 0 { close(descriptor) }
  }

  /// Ends a `wait`, or the next one; from any thread.
  package func wake() { waking.wake() }

  /// Whether what is watched is still what its names lead to. To be asked when notifications were lost, or had not begun.
  package var isInPlace: Bool { spool.isInPlace }

  /// What happened since the last time; waits until something does. Nil when woken.
  package func wait() -> [Sight]? {
    var polled = [waking.reader, notifications, clock].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while poll(&polled, nfds_t(polled.count), -1) < 0, errno == EINTR {}
    if polled[0].revents != 0 {
      waking.drain()
      return nil
    }
    var sights: [Sight] = polled[1].revents != 0 ? happened() : []
    if polled[2].revents != 0 {
      var expirations: UInt64 = 0
      if read(clock, &expirations, 8) < 0, errno == ECANCELED { sights.append(.clockSet) }
      _ = msgspool_clock_watch_arm(clock)
    }
    return sights
  }

  private func happened() -> [Sight] {
    var sights: [Sight] = []
    Notifications.drain(notifications) { event, name in
      if let sight = sight(event, name) { sights.append(sight) }
    }
    return sights
  }

  private func sight(_ event: inotify_event, _ name: FileName) -> Sight? {
    let mask = Int32(bitPattern: event.mask)
    if mask & IN_Q_OVERFLOW != 0 { return .overflow }
    if mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT) != 0 { return .replaced }
    if mask & IN_IGNORED != 0 { return nil }
    if event.wd == root {
      return Folder.required.contains { FileName($0.rawValue) == name } ? .replaced : nil
    }
    switch folders[event.wd] {
    case .new: return mask & IN_CREATE != 0 ? .created(name) : .arrived(name)
    // The folder's own times change with every rename; only its files' count.
    case .deferred: return name.bytes.isEmpty ? nil : .deferred(name)
    case .cur: return .sweep(name)
    default: return nil
    }
  }
}
