import Foundation
import Synchronization

/// What a program left behind.
package struct Ran: Sendable {
  /// The exit status; 128 + the signal when it was killed, as a shell counts it.
  package let status: Int32
  package let standardOutput: Data
  package let standardError: Data

  package var stdout: String { String(decoding: standardOutput, as: UTF8.self) }
  package var stderr: String { String(decoding: standardError, as: UTF8.self) }
}

package enum RunError: Error, CustomStringConvertible {
  case notFound(String)
  case failed(String, errno: Int32)
  case timedOut(String, Duration, stdout: String, stderr: String)
  case noFirstLine(String, Ran)

  package var description: String {
    switch self {
    case .notFound(let program): "no program \(program) in PATH"
    case .failed(let call, let code): "\(call): \(String(cString: strerror(code)))"
    case .timedOut(let program, let limit, let stdout, let stderr):
      "\(program) was still running after \(limit) and was killed; stdout: \(stdout); stderr: \(stderr)"
    case .noFirstLine(let program, let ran):
      "\(program) ended with \(ran.status) before its first line; stderr: \(ran.stderr)"
    }
  }
}

/// Where a program is: a path as it stands, a bare name looked up in PATH.
package func find(program: String) -> String? {
  if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
  return folders.lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
}

/// The program that `swift build` made: it lies next to the test bundle. `MSGSPOOL_BINARY` names another one.
package func builtProgram(_ name: String = "msgspool") -> String? {
  if let named = ProcessInfo.processInfo.environment["MSGSPOOL_BINARY"] { return find(program: named) }
  let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  let running = link ?? CommandLine.arguments[0]
  return find(program: URL(filePath: running).deletingLastPathComponent().appending(path: name).path)
}

/// Whether `Tests/sanitizers.sh` runs the tests, and the programs they start are built with a sanitizer.
package let isSanitized = ProcessInfo.processInfo.environment["MSGSPOOL_SANITIZED"] == "1"

/// Runs a program to its end and returns what it printed.
///
/// Its three streams are nameless files rather than pipes: there is nothing to drain, so neither side can wait for the
/// other, and a background child that keeps a stream open holds nobody up. Past `timeout` its process group is killed.
package func run(
  _ executable: String, _ arguments: [String] = [], stdin: Data = Data(), env: [String: String]? = nil,
  directory: String? = nil, timeout: Duration = .seconds(60)
) async throws -> Ran {
  try await offTheCooperativePool {
    let streams = try [stdin, Data(), Data()].map(NamelessFile.init)
    let child = try Child(executable, arguments, env: env, directory: directory, streams: streams.map(\.descriptor))
    let (status, timedOut) = child.wait(atMost: timeout)
    let ran = Ran(status: status, standardOutput: streams[1].contents, standardError: streams[2].contents)
    if timedOut { throw RunError.timedOut(executable, timeout, stdout: ran.stdout, stderr: ran.stderr) }
    return ran
  }
}

/// Runs `body` while a server runs, with the server's first line of output; ends the server with SIGTERM after it, and
/// with SIGKILL once `timeout` has passed since its start.
package func whileRunning<Result: Sendable>(
  _ executable: String, _ arguments: [String] = [], env: [String: String]? = nil, directory: String? = nil,
  timeout: Duration = .seconds(60), _ body: @Sendable (_ firstLine: String) async throws -> Result
) async throws -> Result {
  // Only this stream is a pipe: its first line has to be waited for.
  let (reading, writing) = try privatePipe()
  let input = try NamelessFile(Data())
  let errors = try NamelessFile(Data())
  let started = Swift.Result {
    try Child(
      executable, arguments, env: env, directory: directory, streams: [input.descriptor, writing, errors.descriptor])
  }
  // Ours has to go, or the end of the child's output would never show.
  close(writing)
  guard let child = try? started.get() else {
    close(reading)
    _ = try started.get()
    throw RunError.notFound(executable)
  }

  let (lines, line) = AsyncStream.makeStream(of: String.self)
  DispatchQueue.global().async { drain(reading, firstLine: line) }
  async let ended = offTheCooperativePool { child.wait(atMost: timeout) }
  var iterator = lines.makeAsyncIterator()
  guard let first = await iterator.next() else {
    child.signal(SIGTERM)
    let status = try await ended.status
    throw RunError.noFirstLine(
      executable, Ran(status: status, standardOutput: Data(), standardError: errors.contents))
  }
  do {
    let result = try await body(first)
    child.signal(SIGTERM)
    if try await ended.timedOut {
      let stderr = String(decoding: errors.contents, as: UTF8.self)
      throw RunError.timedOut(executable, timeout, stdout: first, stderr: stderr)
    }
    return result
  } catch {
    child.signal(SIGTERM)
    _ = try? await ended
    throw error
  }
}

/// Held while a child starts and while a pipe is not yet private: a child that inherited another's pipe would keep it open.
private let starting = Mutex(())

private func privatePipe() throws -> (reading: Int32, writing: Int32) {
  try starting.withLock { _ in
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw RunError.failed("pipe", errno: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// Reads to the end, so that the writer never blocks on a full pipe, and hands on the first line when it is complete.
private func drain(_ descriptor: Int32, firstLine: AsyncStream<String>.Continuation) {
  var line: [UInt8] = []
  var complete = false
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { break }
    if complete { continue }
    line += buffer[..<count]
    if let end = line.firstIndex(of: UInt8(ascii: "\n")) {
      complete = true
      firstLine.yield(String(decoding: line[..<end], as: UTF8.self))
    }
  }
  firstLine.finish()
  close(descriptor)
}

/// Waiting for a child blocks its thread; Swift's few own threads are for the tests.
private func offTheCooperativePool<Result: Sendable>(
  _ work: @escaping @Sendable () throws -> Result
) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Swift.Result { try work() }) }
  }
}

private final class NamelessFile: Sendable {
  let descriptor: Int32

  init(_ contents: Data) throws {
    var path = Array((NSTemporaryDirectory() + "stream-XXXXXX").utf8CString)
    descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw RunError.failed("mkstemp", errno: errno) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(path)
    try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: contents)
    lseek(descriptor, 0, SEEK_SET)
  }

  var contents: Data {
    lseek(descriptor, 0, SEEK_SET)
    return (try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd()) ?? Data()
  }

  deinit { close(descriptor) }
}

/// A child process that leads a process group of its own, so that a kill reaches its children too.
private final class Child: Sendable {
  private let pid: pid_t
  /// The id is the kernel's to give away once the child is reaped: no signal after that.
  private let reaped = Mutex(false)

  init(
    _ executable: String, _ arguments: [String], env: [String: String]?, directory: String?, streams: [Int32]
  ) throws {
    guard let program = find(program: executable) else { throw RunError.notFound(executable) }
    var command = [program] + arguments
    if let directory { command = ["/bin/sh", "-c", #"cd -- "$0" && exec "$@""#, directory] + command }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, stream) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, stream, Int32(target))
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Dispatch's threads block signals, and a test process may ignore some: neither is the child's business.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let environment = env ?? ProcessInfo.processInfo.environment
    var argv = command.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    var started: pid_t = 0
    let code = starting.withLock { _ in
      keepFilesFromChildren()
      return posix_spawn(&started, command[0], &actions, &attributes, &argv, &envp)
    }
    guard code == 0 else { throw RunError.failed("posix_spawn \(command[0])", errno: code) }
    pid = started
  }

  func signal(_ signal: Int32) {
    reaped.withLock { if !$0 { kill(-pid, signal) } }
  }

  func wait(atMost limit: Duration) -> (status: Int32, timedOut: Bool) {
    let killed = Flag()
    let watchdog = DispatchWorkItem { [self] in
      killed.raise()
      signal(SIGKILL)
    }
    let seconds = Double(limit.components.seconds) + Double(limit.components.attoseconds) / 1e18
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: watchdog)
    defer { watchdog.cancel() }
    var information = siginfo_t()
    // WNOWAIT: the child stays a zombie, and its id taken, until the lock is held.
    while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
    var status: Int32 = 0
    reaped.withLock { reaped in
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      reaped = true
    }
    return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), killed.isRaised)
  }
}

/// Foundation leaves its files open across exec: what one test has open would be open for as long as another's child runs.
private func keepFilesFromChildren() {
  for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
    if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }
}

private final class Flag: Sendable {
  private let raised = Mutex(false)
  var isRaised: Bool { raised.withLock { $0 } }
  func raise() { raised.withLock { $0 = true } }
}
