import Glibc

/// Starts a thread on which no signal is delivered but those of a crash: signals belong to the program's own threads,
/// and a write to a closed connection or pipe would otherwise end the process (SIGPIPE).
/// - Returns: nil when the system has no thread to give.
package func startQuietThread(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
  final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  for crash in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGABRT] { sigdelset(&all, crash) }
  pthread_sigmask(SIG_SETMASK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

  let start = Unmanaged.passRetained(Start(body))
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, start.toOpaque())
  if result == 0 { return thread }
  start.release()
  return nil
}
