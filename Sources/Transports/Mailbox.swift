import CCurl
import Core
import Glibc
import Synchronization

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
      if let bell { curl_multi_wakeup(bell.multi) }
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
        state.thread = startThread(CurlLoop.run, with: self)
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

/// Starts a thread on which no signal is delivered but those of a crash: signals belong to the program's own threads,
/// and a write of TLS to a closed connection would otherwise end the process (SIGPIPE).
/// - Returns: nil when the system has no thread to give.
private func startThread(_ body: @escaping @Sendable (Mailbox) -> Void, with mailbox: Mailbox) -> pthread_t? {
  final class Start {
    let body: @Sendable (Mailbox) -> Void
    let mailbox: Mailbox

    init(_ body: @escaping @Sendable (Mailbox) -> Void, _ mailbox: Mailbox) {
      self.body = body
      self.mailbox = mailbox
    }
  }

  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  for crash in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGABRT] { sigdelset(&all, crash) }
  pthread_sigmask(SIG_SETMASK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

  let start = Unmanaged.passRetained(Start(body, mailbox))
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      start.body(start.mailbox)
      return nil
    }, start.toOpaque())
  if result == 0 { return thread }
  start.release()
  return nil
}
