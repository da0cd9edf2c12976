import FoundationEssentials
import Glibc
import Synchronization

/// What the daemon's thread asks: the providers behind a lock, the record, and who sleeps. Apart from `SandboxServer`,
/// because the thread keeps it alive, and a server that was let go on its own thread could not wait for that to end.
final class SandboxService: Sendable {
  private let clock: @Sendable () -> Date
  private let callbacks: CallbackFolder?
  private let state: Mutex<State>

  private struct State {
    var core: SandboxCore
    var recent = RecentRecords()
    var recordDescriptor: Int32 = -1
    var recordFailed = false
    /// Connections whose answers are held back by a delay. None is added once `closing`.
    var suspended: Set<UInt> = []
    /// Connections whose requests have no answer yet. None is added once `closing`.
    var polls: [UInt: Poll] = [:]
    /// Those whose answers came meanwhile, until their connections fetch them.
    var answered: [UInt: SandboxCore.Served] = [:]
    var nextPoll = 0
    var closing = false
  }

  private struct Poll {
    var waiting: SandboxCore.Waiting
    /// Tells it from a later one on a connection at the same address.
    var number: Int
  }

  init(core: SandboxCore, callbacks: CallbackFolder? = nil, clock: @escaping @Sendable () -> Date) {
    self.callbacks = callbacks
    self.clock = clock
    state = Mutex(State(core: core))
  }

  deinit { endRecord() }

  var records: [SandboxRecord] { state.withLock { $0.recent.all } }

  /// Makes the answer and writes the record. Nil when there is none yet, or never will be since the server stops: then the
  /// connection sleeps until `answer(for:)` has it.
  func serve(_ request: SandboxRequest, on connection: UInt) -> SandboxCore.Served? {
    let now = clock()
    let served = state.withLock { state -> SandboxCore.Served? in
      switch state.core.serve(request, now: now) {
      case .served(let served):
        Self.record(served.record, in: &state)
        lookAtPolls(in: &state, now: now)
        return served
      case .waiting(let waiting):
        guard !state.closing else { return nil }
        SandboxDaemon.suspend(connection)
        state.nextPoll += 1
        // Of a client that was gone before it could be told.
        state.answered[connection] = nil
        state.polls[connection] = Poll(waiting: waiting, number: state.nextPoll)
        wake(connection, number: state.nextPoll, after: waiting.milliseconds)
        return nil
      }
    }
    callBack(served?.callbacks ?? [])
    return served
  }

  /// Those that are early before the answer leaves, the others after their time.
  private func callBack(_ drops: [CallbackFolder.Drop]) {
    guard let callbacks else { return }
    for drop in drops {
      if drop.seconds == 0 {
        callbacks.write(drop)
      } else {
        SandboxDaemon.after(milliseconds: Int(drop.seconds * 1000)) { callbacks.write(drop) }
      }
    }
  }

  /// The answer that a connection was woken for; nil when the server stops.
  func answer(for connection: UInt) -> SandboxCore.Served? {
    state.withLock { $0.answered.removeValue(forKey: connection) }
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

// MARK: - Long polls

extension SandboxService {
  /// What was just served may be what others wait for.
  private func lookAtPolls(in state: inout State, now: Date) {
    // In the order in which they came.
    for connection in state.polls.sorted(by: { $0.value.number < $1.value.number }).map(\.key) {
      _ = look(at: connection, in: &state, now: now)
    }
  }

  /// Answers a poll that can be answered, and wakes its connection; else the milliseconds after which to look again.
  private func look(at connection: UInt, in state: inout State, now: Date) -> Int? {
    guard let poll = state.polls[connection] else { return nil }
    switch state.core.look(at: poll.waiting, now: now) {
    case .waiting(let still): return still.milliseconds
    case .served(let served):
      state.polls[connection] = nil
      state.answered[connection] = served
      Self.record(served.record, in: &state)
      SandboxDaemon.resume(connection)
      return nil
    }
  }

  private func wake(_ connection: UInt, number: Int, after milliseconds: Int) {
    SandboxDaemon.after(milliseconds: milliseconds) { [weak self] in
      guard let self else { return }
      let now = clock()
      state.withLock { state in
        guard state.polls[connection]?.number == number,
          let milliseconds = look(at: connection, in: &state, now: now)
        else { return }
        wake(connection, number: number, after: milliseconds)
      }
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
      for connection in state.suspended.union(state.polls.keys) { SandboxDaemon.resume(connection) }
      state.suspended = []
      state.polls = [:]
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
