import CMicrohttpd
import FoundationEssentials
import Glibc
import Synchronization

/// Why a sandbox can't run.
package enum SandboxError: Error, CustomStringConvertible {
  case cannotListen(port: UInt16, errno: Int32)
  case cannotRecord(path: String, errno: Int32)
  case cannotServe

  package var description: String {
    switch self {
    case .cannotListen(let port, let code): "cannot listen on 127.0.0.1:\(port): \(String(cString: strerror(code)))"
    case .cannotRecord(let path, let code): "cannot write to \(path): \(String(cString: strerror(code)))"
    case .cannotServe: "cannot start the HTTP server"
    }
  }
}

/// A stand-in for the providers' HTTP APIs on 127.0.0.1: every provider of `SandboxCatalogue` at the vendor's own
/// paths, on one port, with one thread.
///
/// Providers see requests one at a time, in the order in which they were complete, and each is written to the record
/// before its answer leaves: who has an answer finds the record.
package final class SandboxServer: Sendable {
  private let wantedPort: UInt16
  private let recordPath: String?
  private let clock: @Sendable () -> Date
  private let state: Mutex<State>

  private struct State {
    var core: SandboxCore
    var recent = RecentRecords()
    var recordDescriptor: Int32 = -1
    var recordFailed = false
    var port: UInt16 = 0
    /// The daemon's address, 0 when it does not run; an integer because pointers are not Sendable.
    var daemon: UInt = 0
    /// Connections whose answers are held back by a delay.
    var suspended: Set<UInt> = []
  }

  /// - Parameters:
  ///   - port: 0 takes any free one.
  ///   - credentials: accounts by provider, each under the provider's own setting names. Empty: any that are not empty
  ///     are taken, and signatures are only checked for form.
  ///   - record: a file that gets a JSON line per request, appended.
  ///   - clock: what time it is for the providers: time stamps, dates of messages.
  package init(
    port: UInt16 = 0, credentials: [String: [[String: String]]] = [:], record: String? = nil, faults: [Fault] = [],
    clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    wantedPort = port
    recordPath = record
    self.clock = clock
    state = Mutex(State(core: SandboxCore(credentials: credentials, faults: faults)))
  }

  deinit { stop() }

  /// Where it serves, without a trailing slash. Only meaningful once started.
  package var address: String { "http://127.0.0.1:\(port)" }

  package var port: UInt16 { state.withLock { $0.port } }

  /// The newest requests, oldest first.
  package var records: [SandboxRecord] { state.withLock { $0.recent.all } }

  package func start() throws(SandboxError) {
    let record = try Self.openRecord(recordPath)
    let (listening, port) = try Self.listen(wantedPort)
    // The daemon does not keep the server alive; `deinit` ends it before the pointer dangles.
    let daemon = SandboxDaemon.start(listening: listening, server: Unmanaged.passUnretained(self).toOpaque())
    guard daemon != 0 else { throw .cannotServe }
    state.withLock {
      $0.recordDescriptor = record
      $0.port = port
      $0.daemon = daemon
    }
  }

  /// Ends what is in flight and waits for the thread. May be called again.
  package func stop() {
    let daemon = state.withLock { state in
      defer { state.daemon = 0 }
      // A suspended connection would outlive the daemon.
      for connection in state.suspended { SandboxDaemon.resume(connection) }
      state.suspended = []
      return state.daemon
    }
    // Outside the lock: the thread that this waits for may be waiting for it.
    if daemon != 0 { SandboxDaemon.stop(daemon) }
    state.withLock { state in
      if state.recordDescriptor >= 0 { close(state.recordDescriptor) }
      state.recordDescriptor = -1
    }
  }

  private static func openRecord(_ path: String?) throws(SandboxError) -> Int32 {
    guard let path else { return -1 }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .cannotRecord(path: path, errno: errno) }
    return descriptor
  }

  private static func listen(_ port: UInt16) throws(SandboxError) -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .cannotListen(port: port, errno: errno) }
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && Glibc.listen(descriptor, SOMAXCONN) == 0
          && getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard bound else {
      let code = errno
      close(descriptor)
      throw .cannotListen(port: port, errno: code)
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }
}

// MARK: - What the daemon asks

extension SandboxServer {
  /// Makes the answer and writes the record.
  func serve(_ request: SandboxRequest) -> SandboxCore.Served {
    let now = clock()
    return state.withLock { state in
      let served = state.core.serve(request, now: now)
      Self.record(served.record, in: &state)
      return served
    }
  }

  /// The answer to a request whose body was not read.
  func refuseTooLarge(_ request: SandboxRequest) -> SandboxCore.Served {
    let now = clock()
    return state.withLock { state in
      let served = state.core.refuse(request, status: 413, "the body is larger than the sandbox takes", now: now)
      Self.record(served.record, in: &state)
      return served
    }
  }

  /// Notes that a connection sleeps, and wakes it later, unless `stop` has done so before.
  func suspend(_ connection: UInt, milliseconds: Int) {
    state.withLock { _ = $0.suspended.insert(connection) }
    SandboxDaemon.after(milliseconds: milliseconds) { [weak self] in
      self?.state.withLock { state in
        if state.suspended.remove(connection) != nil { SandboxDaemon.resume(connection) }
      }
    }
  }

  private static func record(_ record: SandboxRecord, in state: inout State) {
    state.recent.append(record)
    guard state.recordDescriptor >= 0 else { return }
    let line = record.line
    // One call, so that a line is whole whoever reads or appends besides.
    guard write(state.recordDescriptor, line, line.count) != line.count, !state.recordFailed else { return }
    state.recordFailed = true
    let warning = Array("sandbox: the record is incomplete: \(String(cString: strerror(errno)))\n".utf8)
    _ = write(STDERR_FILENO, warning, warning.count)
  }
}
