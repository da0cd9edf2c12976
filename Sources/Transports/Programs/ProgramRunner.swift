import Core
import Glibc

/// Runs one program after the other: input in, output and errors out, and an end to it in time.
final class ProgramRunner: Performer {
  /// Between SIGTERM and SIGKILL.
  static let grace = 2.0
  /// Of standard error, only the end is kept.
  private static let errorLimit = 4096

  private let queue: WorkQueue

  init(_ queue: WorkQueue) {
    self.queue = queue
  }

  func perform(_ exchange: Exchange, within seconds: Double) -> Reply {
    guard case .program(let request) = exchange else { return .notSent(.invalid("this transport runs programs only")) }
    if queue.isAbandoned { return .notSent(.abandoned) }
    if let problem = ProgramRunner.problem(with: request) { return .notSent(.invalid(problem)) }
    let child: ChildProcess
    do throws(SpawnFault) {
      child = try ChildProcess(request)
    } catch {
      return ProgramRunner.reply(to: error, request.command[0])
    }
    var talk = Talk(request, child)
    let deadline = monotonicSeconds() + seconds
    var cause: TransportFailure?
    while !talk.isOver {
      talk.step()
      if cause == nil {
        cause = reason(request, talk, isLate: monotonicSeconds() >= deadline, seconds)
        if cause != nil { talk.end(grace: ProgramRunner.grace) }
      }
    }
    let status = child.reap()
    let errors = talk.errors(atMost: ProgramRunner.errorLimit)
    // Lines that were said before the end are answers all the same; who is not among them stays in doubt.
    guard let cause else { return .program(ProgramResponse(status: status, output: talk.output, errors: errors)) }
    if talk.output.isEmpty { return .lost(cause) }
    let told = errors.isEmpty ? cause.message : "\(cause.message) \(errors)"
    return .program(ProgramResponse(status: nil, output: talk.output, errors: told))
  }

  /// Why the program is to be ended.
  private func reason(_ request: ProgramRequest, _ talk: Talk, isLate: Bool, _ seconds: Double) -> TransportFailure? {
    let name = request.command[0]
    if isLate { return TransportFailure(code: "timeout", message: "\(name) was ended after \(seconds) seconds.") }
    if queue.isAbandoned { return .abandoned }
    guard talk.isOutputTooLarge else { return nil }
    return TransportFailure(
      code: "too-large", message: "\(name) was ended: it wrote more than \(request.outputLimit) bytes.")
  }

  private static func problem(with request: ProgramRequest) -> String? {
    guard let program = request.command.first, program.hasPrefix("/") else {
      return "the command is no absolute path"
    }
    let words = request.command + request.environment.flatMap { [$0.key, $0.value] }
    if words.contains(where: { $0.utf8.contains(0) }) { return "the command or its environment has a NUL" }
    if request.environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) {
      return "a name in the environment is empty or has a ="
    }
    return nil
  }

  /// As a shell tells it: 127 for a program that is not there, 126 for one that cannot be run. Both are the
  /// operator's to mend, which the provider says; anything else may pass by itself.
  private static func reply(to fault: SpawnFault, _ name: String) -> Reply {
    let text = "\(name) cannot be started: \(String(cString: strerror(fault.number)))"
    switch fault.number {
    case ENOENT, ENOTDIR: return .program(ProgramResponse(status: 127, output: [], errors: text))
    case EACCES, EPERM, ENOEXEC, EISDIR, ELOOP, EINVAL, ETXTBSY, ELIBBAD:
      return .program(ProgramResponse(status: 126, output: [], errors: text))
    default: return .notSent(TransportFailure(code: "failed", message: text + "."))
    }
  }
}

/// What goes to and fro between us and a program, without either waiting for the other.
private struct Talk {
  private let child: ChildProcess
  private let input: [UInt8]
  private let limit: Int
  private var written = 0
  private(set) var output: [UInt8] = []
  private var tail: [UInt8] = []
  private(set) var isOutputTooLarge = false
  /// SIGKILL is due then.
  private var killAt: Double?
  private var hasExited = false
  /// How long it may take to notice an exit that closes no pipe, milliseconds.
  private var patience: Int32 = 1
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(_ request: ProgramRequest, _ child: ChildProcess) {
    self.child = child
    input = request.input
    limit = request.outputLimit
    if input.isEmpty { child.close(0) }
  }

  /// What it leaves running in the background may hold the pipes: nobody waits for that.
  var isOver: Bool { hasExited }

  mutating func step() {
    var waiting = (0..<3).map { end -> pollfd in
      pollfd(fd: child.pipes[end] ?? -1, events: Int16(end == 0 ? POLLOUT : POLLIN), revents: 0)
    }
    let isQuiet = waiting.allSatisfy { $0.fd < 0 }
    patience = min(patience * 2, 50)
    if poll(&waiting, 3, isQuiet ? min(patience, 10) : patience) > 0 { patience = 1 }
    if waiting[0].revents != 0 { write() }
    if waiting[1].revents != 0 { readOutput() }
    if waiting[2].revents != 0 { readErrors() }
    if let killAt, monotonicSeconds() >= killAt {
      child.signal(SIGKILL)
      self.killAt = nil
    }
    if child.hasExited {
      // What it had written is in the pipes.
      while readOutput() {}
      while readErrors() {}
      hasExited = true
    }
  }

  /// SIGTERM now, SIGKILL when that does not help.
  mutating func end(grace: Double) {
    child.signal(SIGTERM)
    killAt = monotonicSeconds() + grace
  }

  private mutating func write() {
    guard let descriptor = child.pipes[0] else { return }
    let count = input.withUnsafeBytes {
      Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, min(input.count - written, 65_536))
    }
    if count > 0 { written += count }
    // A program may end, or close its input, without having read everything.
    if (count < 0 && errno != EAGAIN && errno != EINTR) || written == input.count { child.close(0) }
  }

  /// True when there may be more.
  @discardableResult
  private mutating func readOutput() -> Bool {
    guard let count = read(1), count > 0 else { return false }
    let room = limit - output.count
    output += buffer[..<min(count, max(room, 0))]
    if count > room {
      isOutputTooLarge = true
      // Nobody reads on: a program that ignores SIGTERM must not fill our memory.
      child.close(1)
      return false
    }
    return true
  }

  @discardableResult
  private mutating func readErrors() -> Bool {
    guard let count = read(2), count > 0 else { return false }
    tail += buffer[..<count]
    if tail.count > 65_536 { tail.removeFirst(tail.count - 8192) }
    return true
  }

  /// Nil when there is nothing now; 0 at the end.
  private mutating func read(_ end: Int) -> Int? {
    guard let descriptor = child.pipes[end] else { return 0 }
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EAGAIN || errno == EINTR { return nil }
    if count <= 0 {
      child.close(end)
      return 0
    }
    return count
  }

  func errors(atMost limit: Int) -> String {
    let text = String(decoding: tail.suffix(limit), as: UTF8.self)
    return String(text.reversed().drop { $0.isWhitespace }.reversed())
  }
}
