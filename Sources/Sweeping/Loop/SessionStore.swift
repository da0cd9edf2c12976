import Core
import Synchronization

/// The channels' sessions (access tokens), in memory only and shared by the passes of one process.
package final class SessionStore: Sendable {
  private let sessions = Mutex<[String: Session]>([:])

  package init() {}

  func session(of channel: String) -> Session { sessions.withLock { $0[channel] ?? Session() } }
  func store(_ session: Session, of channel: String) { sessions.withLock { $0[channel] = session } }

  /// The configuration was read again: what belonged to other credentials is forgotten.
  package func removeAll() { sessions.withLock { $0.removeAll() } }
}
