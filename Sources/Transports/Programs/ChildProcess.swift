import CSystem
import Core
import Glibc

struct SpawnFault: Error, Sendable {
  var number: Int32
}

/// A program that runs, the leader of a process group of its own, and our ends of its three streams.
final class ChildProcess {
  /// Its standard input, output and error; nil once closed.
  private(set) var pipes: [Int32?] = [nil, nil, nil]
  private var pid: pid_t = 0
  private var isReaped = false

  init(_ request: ProgramRequest) throws(SpawnFault) {
    var theirs: [Int32] = []
    defer { for end in theirs { Glibc.close(end) } }
    for stream in 0..<3 {
      var ends: [Int32] = [-1, -1]
      guard msgspool_pipe(&ends) == 0 else {
        let number = errno
        closeAll()
        throw SpawnFault(number: number)
      }
      let (mine, other) = stream == 0 ? (ends[1], ends[0]) : (ends[0], ends[1])
      pipes[stream] = mine
      theirs.append(other)
      // Only ours: the program need not expect it.
      _ = fcntl(mine, F_SETFL, O_NONBLOCK)
    }
    let number = start(request, theirs)
    guard number == 0 else {
      closeAll()
      throw SpawnFault(number: number)
    }
  }

  deinit {
    closeAll()
    if pid > 0, !isReaped { _ = reap() }
  }

  private func start(_ request: ProgramRequest, _ streams: [Int32]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, stream) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, stream, Int32(target))
    }
    // Whatever else is open here (the ledger, messages, connections) is none of its business.
    msgspool_spawn_closes_from(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Our threads block signals, and a blocked or ignored signal is inherited.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var arguments = request.command.map { strdup($0) } + [nil]
    var environment = ChildProcess.environment(request).map { strdup($0) } + [nil]
    defer { (arguments + environment).forEach { free($0) } }
    return posix_spawn(&pid, request.command[0], &actions, &attributes, &arguments, &environment)
  }

  private static func environment(_ request: ProgramRequest) -> [String] {
    var values = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]
    for name in ["PATH", "HOME", "LANG"] {
      if let value = getenv(name) { values[name] = String(cString: value) }
    }
    values.merge(request.environment) { $1 }
    return values.map { "\($0.key)=\($0.value)" }
  }

  func close(_ end: Int) {
    if let descriptor = pipes[end] { Glibc.close(descriptor) }
    pipes[end] = nil
  }

  private func closeAll() {
    for end in pipes.indices { close(end) }
  }

  /// To the whole group: a script's own programs, too. The leader is not reaped yet, so the group's id is still its own.
  func signal(_ number: Int32) {
    if !isReaped { kill(-pid, number) }
  }

  /// Whether it has ended; it stays a zombie, and its id taken.
  var hasExited: Bool {
    var information = siginfo_t()
    return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0
      && information._sifields._rt.si_pid != 0
  }

  /// Waits for its end. What it has left in its group is ended with it.
  /// - Returns: the exit status; nil when a signal ended it.
  func reap() -> Int32? {
    closeAll()
    signal(SIGKILL)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    isReaped = true
    return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
  }
}
