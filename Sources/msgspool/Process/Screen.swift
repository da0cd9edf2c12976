import Glibc

/// The whole terminal, for a program that draws on it and hears single keys. What it was before comes back whenever the
/// process ends or stops: by a key, a signal, or a crash.
///
/// Unchecked: one thread makes it, draws and ends it; `saved` is written before the handlers that read it are installed.
final class Screen: @unchecked Sendable {
  enum Event: Sendable {
    case key(UInt8)
    /// A second has passed, or somebody woke it.
    case tick
    /// The window has another size now, or was covered.
    case redraw
    case end(signal: Int32?)
  }

  private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
  private static let leave: StaticString = "\u{1B}[?25h\u{1B}[?1049l"
  /// Of the terminal as it was. Handlers of crashes may touch nothing but memory that is there already.
  private static nonisolated(unsafe) var saved = termios()

  private let wakeReader: Int32
  private let wakeWriter: Int32

  /// - Returns: nil where standard input and output are not one terminal that obeys escapes.
  init?() {
    guard isatty(0) == 1, isatty(1) == 1, !Console.isDumb, tcgetattr(0, &Screen.saved) == 0 else { return nil }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    (wakeReader, wakeWriter) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // Handled on a thread of its own, where anything may be called; here they only become bytes.
    Signals.handle([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH]) { [wakeWriter] signal in
      var byte = UInt8(truncatingIfNeeded: signal)
      _ = write(wakeWriter, &byte, 1)
    }
    for crash in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGABRT] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in Screen.restore() }
      // Once: when the handler returns, the crash happens again, and ends the process as it always did.
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(crash, &action, nil)
    }
    take()
  }

  /// Safe in a signal's handler: two system calls on memory that is there.
  static func restore() {
    var rest = Int(leave.utf8CodeUnitCount)
    while rest > 0 {
      let count = write(1, leave.utf8Start + (leave.utf8CodeUnitCount - rest), rest)
      if count <= 0 { break }
      rest -= count
    }
    tcsetattr(0, TCSADRAIN, &saved)
  }

  private func take() {
    var raw = Screen.saved
    // Keys at once and unseen. Those of signals stay signals, and output keeps its line ends.
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL | IEXTEN)
    raw.c_iflag &= ~tcflag_t(ICRNL | INLCR | IXON)
    // A signal's key must not throw away what is on its way to the screen.
    raw.c_lflag |= tcflag_t(NOFLSH)
    withUnsafeMutableBytes(of: &raw.c_cc) { codes in
      codes[Int(VMIN)] = 0
      codes[Int(VTIME)] = 0
    }
    tcsetattr(0, TCSAFLUSH, &raw)
    Console.output(Screen.enter)
  }

  /// From any thread: ends a `wait`, or the next one, with a tick.
  func wake() {
    var byte: UInt8 = 0
    _ = write(wakeWriter, &byte, 1)
  }

  /// What happens next; a tick after so many milliseconds at the latest.
  func wait(milliseconds: Int32) -> Event {
    var polled = [0, wakeReader].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    _ = poll(&polled, nfds_t(polled.count), milliseconds)
    if polled[1].revents != 0 {
      var byte: UInt8 = 0
      guard read(wakeReader, &byte, 1) == 1 else { return .tick }
      return heard(Int32(byte))
    }
    guard polled[0].revents != 0 else { return .tick }
    var key: UInt8 = 0
    // Without waiting: what there was to read may be gone again, thrown away by the key of a signal.
    let count = read(0, &key, 1)
    if count == 1 { return .key(key) }
    let isGone = count < 0 && errno != EINTR || Int32(polled[0].revents) & (POLLHUP | POLLERR | POLLNVAL) != 0
    return isGone ? .end(signal: nil) : .tick
  }

  private func heard(_ signal: Int32) -> Event {
    switch signal {
    case 0: return .tick
    case SIGWINCH: return .redraw
    case SIGTSTP:
      Screen.restore()
      kill(getpid(), SIGSTOP)
      // Somebody said fg; another program may have changed the terminal meanwhile, and its settings are the ones to keep.
      tcgetattr(0, &Screen.saved)
      take()
      return .redraw
    default: return .end(signal: signal)
    }
  }

  /// Rows and columns, as they are now.
  static var size: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  /// Draws the lines, as many as there is room for, each cut to the width.
  func draw(_ lines: [String]) {
    let (rows, _) = Screen.size
    Console.output("\u{1B}[H" + lines.prefix(rows).map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
  }

  /// The terminal as it was.
  func end() { Screen.restore() }
}
