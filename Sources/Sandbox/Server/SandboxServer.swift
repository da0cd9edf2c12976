import FoundationEssentials
import Glibc
import Synchronization

/// Why a sandbox can't run.
package enum SandboxError: Error, CustomStringConvertible {
  case cannotListen(port: UInt16, errno: Int32)
  case cannotRecord(path: String, errno: Int32)
  case cannotServe
  case noLibrary

  package var description: String {
    switch self {
    case .cannotListen(let port, let code): "cannot listen on 127.0.0.1:\(port): \(String(cString: strerror(code)))"
    case .cannotRecord(let path, let code): "cannot write to \(path): \(String(cString: strerror(code)))"
    case .cannotServe: "cannot start the HTTP server"
    case .noLibrary: "libmicrohttpd.so.12 cannot be opened"
    }
  }

  /// What to do.
  package var hint: String {
    switch self {
    case .cannotListen, .cannotRecord, .cannotServe: "choose another --port or --record"
    case .noLibrary: "on Debian: apt install libmicrohttpd12"
    }
  }
}

/// A stand-in for the providers' HTTP APIs on 127.0.0.1: every provider of `SandboxCatalogue` at the vendor's own
/// paths, on one port, with one thread. It serves from `start` until `stop` or until nothing refers to it any more.
///
/// Providers see requests one at a time, in the order in which they were complete, and each is written to the record
/// before its answer leaves: who has an answer finds the record.
package final class SandboxServer: Sendable {
  private let wantedPort: UInt16
  private let recordPath: String?
  private let service: SandboxService
  private let running = Mutex(Running())

  private struct Running {
    var port: UInt16 = 0
    /// The daemon's address, 0 when it does not run; an integer because pointers are not Sendable.
    var daemon: UInt = 0
  }

  /// - Parameters:
  ///   - port: 0 takes any free one.
  ///   - credentials: accounts by provider, each under the provider's own setting names. Empty: any that are not empty
  ///     are taken, and signatures are only checked for form.
  ///   - record: a file that gets a JSON line per request, appended.
  ///   - isPhoneAutomatic: codes to log in with are scanned after a second, and confirmed after two.
  ///   - callbacks: a folder such as a spool's receipts/, into which callbacks are dropped; nil drops none.
  ///   - clock: what time it is for the providers: time stamps, dates of messages.
  package init(
    port: UInt16 = 0, credentials: [String: [[String: String]]] = [:], record: String? = nil, faults: [Fault] = [],
    isPhoneAutomatic: Bool = true, callbacks: String? = nil, clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    wantedPort = port
    recordPath = record
    service = SandboxService(
      core: SandboxCore(credentials: credentials, faults: faults, isPhoneAutomatic: isPhoneAutomatic),
      callbacks: callbacks.map { CallbackFolder($0) }, clock: clock)
  }

  deinit { stop() }

  /// Where it serves, without a trailing slash. Only meaningful once started.
  package var address: String { "http://127.0.0.1:\(port)" }

  package var port: UInt16 { running.withLock { $0.port } }

  /// The newest requests, oldest first.
  package var records: [SandboxRecord] { service.records }

  /// Does nothing when it runs already.
  package func start() throws(SandboxError) {
    guard running.withLock({ $0.daemon == 0 }) else { return }
    guard SandboxDaemon.isThere else { throw .noLibrary }
    try service.begin(record: recordPath)
    let (listening, port) = try Self.listen(wantedPort)
    let daemon = SandboxDaemon.start(listening: listening, service: service)
    guard daemon != 0 else { throw .cannotServe }
    running.withLock { $0 = Running(port: port, daemon: daemon) }
  }

  /// Ends what is in flight and waits for the thread. May be called again.
  package func stop() {
    let daemon = running.withLock { running in
      defer { running.daemon = 0 }
      return running.daemon
    }
    guard daemon != 0 else { return }
    // A suspended connection would outlive the daemon.
    service.wakeAll()
    SandboxDaemon.stop(daemon, service: service)
    service.endRecord()
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
