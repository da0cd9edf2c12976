import CCurl
import Core
import Glibc
import Synchronization
import Threading

/// Where callers leave errands and the transport's thread picks them up: all that the two sides share.
final class Mailbox: Sendable {
  struct Collected {
    var errands: [Errand]
    var closing: CurlTransport.Shutdown?
  }

  /// The handle that wakes the thread.
  // Safe to send: the only use away from its thread is curl_multi_wakeup, which libcurl allows from any thread, and
  // under the mailbox's lock, behind which the thread takes it back before it frees the handle.
  private struct Bell: @unchecked Sendable {
    let multi: UnsafeMutableRawPointer
  }

  private struct State {
    var errands: [Errand] = []
    var closing: CurlTransport.Shutdown?
    var thread: pthread_t?
    var isClaimed = false
    /// Set only while the thread waits, so that posting to a busy thread costs no system call.
    var bell: Bell?

    mutating func ring() {
      if let bell { msgspool_curl_multi_wakeup(bell.multi) }
      bell = nil
    }
  }

  let policy: CurlTransport.Policy
  private let state = Mutex(State())

  init(_ policy: CurlTransport.Policy) {
    self.policy = policy
  }

  // MARK: The callers' side

  /// False when the mailbox is closed: the errands are still the caller's.
  func post(_ errands: [Errand]) -> Bool {
    state.withLock { state in
      if state.closing != nil { return false }
      if state.thread == nil {
        state.thread = startQuietThread { [self] in CurlLoop.run(self) }
        if state.thread == nil { return false }
      }
      state.errands += errands
      state.ring()
      return true
    }
  }

  /// Abandoning overrules draining, never the other way round.
  func close(_ manner: CurlTransport.Shutdown) {
    state.withLock { state in
      if state.closing != .abandon { state.closing = manner }
      state.ring()
    }
  }

  var isOnThread: Bool {
    state.withLock { state in state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
  }

  /// The thread, for the first who asks: it can be joined or detached once.
  func claimThread() -> pthread_t? {
    state.withLock { state in
      if state.isClaimed { return nil }
      state.isClaimed = state.thread != nil
      return state.thread
    }
  }

  // MARK: The thread's side

  func collect() -> Collected {
    state.withLock { state in
      state.bell = nil
      let errands = state.errands
      state.errands = []
      return Collected(errands: errands, closing: state.closing)
    }
  }

  /// True when nothing has come since `collect`: whoever comes now rings.
  func mayWait(on multi: UnsafeMutableRawPointer, having closing: CurlTransport.Shutdown?) -> Bool {
    let bell = Bell(multi: multi)
    return state.withLock { state in
      guard state.errands.isEmpty, state.closing == closing else { return false }
      state.bell = bell
      return true
    }
  }
}
