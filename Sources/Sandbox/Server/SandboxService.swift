import FoundationEssentials
import Glibc
import Synchronization

/// What the daemon's thread asks: the providers behind a lock, the record, and who sleeps. Apart from `SandboxServer`,
/// because the thread keeps it alive, and a server that was let go on its own thread could not wait for that to end.
final class SandboxService: Sendable {
  private let clock: @Sendable () -> Date
  private let state: Mutex<State>

  private struct State {
    var core: SandboxCore
    var recent = RecentRecords()
    var recordDescriptor: Int32 = -1
    var recordFailed = false
    /// Connections whose answers are held back by a delay. None is added once `closing`.
    var suspended: Set<UInt> = []
    var closing = false
  }

  init(core: SandboxCore, clock: @escaping @Sendable () -> Date) {
    self.clock = clock
    state = Mutex(State(core: core))
  }

  deinit { endRecord() }

  var records: [SandboxRecord] { state.withLock { $0.recent.all } }

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
}

// MARK: - Delays

extension SandboxService {
  /// Puts a connection to sleep and wakes it later. False when the server is about to stop: then nothing may sleep.
  func suspend(_ connection: UInt, milliseconds: Int) -> Bool {
    let sleeps = state.withLock { state in
      guard !state.closing else { return false }
      SandboxDaemon.suspend(connection)
      state.suspended.insert(connection)
      return true
    }
    guard sleeps else { return false }
    SandboxDaemon.after(milliseconds: milliseconds) { [weak self] in
      self?.state.withLock { state in
        if state.suspended.remove(connection) != nil { SandboxDaemon.resume(connection) }
      }
    }
    return true
  }

  func wakeAll() {
    state.withLock { state in
      state.closing = true
      for connection in state.suspended { SandboxDaemon.resume(connection) }
      state.suspended = []
    }
  }
}

// MARK: - The record

extension SandboxService {
  /// Opens the record, if there is to be one, and allows delays again after a stop.
  func begin(record path: String?) throws(SandboxError) {
    endRecord()
    var descriptor: Int32 = -1
    if let path {
      descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw .cannotRecord(path: path, errno: errno) }
    }
    state.withLock { state in
      state.recordDescriptor = descriptor
      state.closing = false
    }
  }

  func endRecord() {
    state.withLock { state in
      if state.recordDescriptor >= 0 { close(state.recordDescriptor) }
      state.recordDescriptor = -1
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
