import Foundation
import TestSupport
import Testing

@Suite("channels and top: what each channel is doing")
struct ChannelsTests {
  @Test("A row for each channel: what waits and comes later, its day, its pace, and why it is suspended")
  func rows() async throws {
    try await withSandbox("credentials:provider=twilio") { yard in
      let text = try yard.text(of: "config.json")
      try yard.configure(text.replacing("rate: 0, daily_per_recipient: 0", with: "rate: 0.5, daily: 3"))
      for number in 1...2 { try yard.put("new/a\(number)", #"{"to":"UID_\#(number)","body":"x"}"#) }
      try yard.put("new/t", #"{"channel":"t","to":"+12125550100","body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      try yard.put("new/later", #"{"to":"UID_3","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
      _ = try await yard.msgspool("sweep", "--channel", "a")
      try yard.put("new/w1", #"{"to":"UID_4","body":"x"}"#)
      try yard.put("new/w2", #"{"channel":"nobody","body":"x"}"#)
      try yard.put("new/w3", "{")
      let rows = Dictionary(
        uniqueKeysWithValues: try await yard.msgspool("channels", "--json").rows.map {
          ($0["channel"] as? String ?? "", $0)
        })
      let a = try #require(rows["a"])
      #expect(a["provider"] as? String == "wxpusher" && a["waiting"] as? Int == 1 && a["deferred"] as? Int == 1)
      #expect(a["used_today"] as? Int == 2 && a["daily"] as? Int == 3 && a["rate"] as? Double == 0.5)
      #expect(a["in_flight"] as? Int == 0 && a["suspended"] is NSNull && a["next_due"] is String)
      let t = try #require(rows["t"])
      #expect(t["waiting"] as? Int == 1 && (t["suspended"] as? [String: Any])?["kind"] as? String == "credentials")
      #expect(rows["nobody"]?["provider"] is NSNull && rows["nobody"]?["waiting"] as? Int == 1)

      let table = try await yard.msgspool("channels")
      #expect(table.status == 0 && table.lines.allSatisfy { $0.count <= 79 }, "\(table.stdout)")
      #expect(table.stdout.contains("2/3") && table.stdout.contains("0.5/s"), "\(table.stdout)")
      #expect(table.stdout.contains("  suspended for") && table.stdout.contains("1 file in new/"), "\(table.stdout)")
    }
  }

  @Test("What a channel with a price has spent stands in a column of its own, which others do without")
  func spent() async throws {
    try await withSandbox { yard in
      let text = try yard.text(of: "config.json")
      try yard.configure(
        text.replacing("daily_per_recipient: 0", with: "price: 0.045, budget: { daily: 50, monthly: 800 }"))
      let to = (1...3).map { "\"UID_\($0)\"" }.joined(separator: ",")
      try yard.put("new/m", #"{"to":[\#(to)],"body":"x"}"#)
      _ = try await yard.msgspool("sweep")
      let rows = try await yard.msgspool("channels", "--json").rows
      let spent = try #require(rows.first?["spent"] as? [String: Double])
      #expect(spent == ["day": 0.135, "month": 0.135, "daily_budget": 50, "monthly_budget": 800])
      #expect(rows.last?["channel"] as? String == "t" && rows.last?["spent"] is NSNull)
      let table = try await yard.msgspool("channels")
      #expect(table.lines.allSatisfy { $0.count <= 79 }, "\(table.stdout)")
      #expect(table.stdout.contains(" spent ") && table.stdout.contains(" 0.14/50 "), "\(table.stdout)")
      try yard.configure(text)
      #expect(try await !yard.msgspool("channels").stdout.contains("spent"))
    }
  }

  @Test("Nothing is changed by looking, and a spool without a ledger is looked at, too")
  func untouched() async throws {
    let yard = try Yard()
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    let before = try yard.snapshot()
    #expect(try await yard.msgspool("channels").status == 0)
    #expect(try yard.snapshot() == before)
  }

  // MARK: top

  @Test("Without a terminal top is a usage error that says so")
  func noTerminal() async throws {
    let yard = try Yard()
    let ran = try await yard.msgspool("top")
    #expect(ran.status == 64 && ran.stdout.isEmpty && ran.stderr.contains("terminal"), "\(ran.stderr)")
  }

  /// A terminal of 24 lines and 80 columns: sends what it is told when the screen shows what it waits for, and prints
  /// how the program ended, whether the terminal is as it was, and the screens.
  private static let terminal = #"""
    import fcntl, json, os, pty, re, select, signal, struct, sys, termios, time
    program, spool, script = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    pid, screen = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(0)
        child = os.fork()
        if child == 0:
            os.execv(program, [program, "top", "--spool", spool])
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGTERM))
        while True:
            try: _, status = os.waitpid(child, 0); break
            except InterruptedError: pass
        same = termios.tcgetattr(0)[:4] == before[:4]
        print("\nENDED", status, "same" if same else "changed", flush=True)
        os._exit(0)
    seen, end = b"", time.monotonic() + 240
    for wanted, answer in script:
        mark = len(seen) if answer != "TERM" else 0
        begin = 0
        while wanted.encode() not in seen[begin:]:
            if time.monotonic() > end: print("waited in vain for", wanted); break
            if select.select([screen], [], [], 1)[0]:
                try: seen += os.read(screen, 65536)
                except OSError: break
        if answer == "TERM": os.kill(pid, signal.SIGUSR1)
        elif answer: os.write(screen, answer.encode()); seen_before = len(seen)
    sys.stdout.buffer.write(seen)
    """#

  private func top(_ yard: Yard, _ script: [[String]]) async throws -> String {
    let program = try #require(builtProgram())
    let text = String(decoding: try JSONSerialization.data(withJSONObject: script), as: UTF8.self)
    let ran = try await run(
      "/usr/bin/python3", ["-c", Self.terminal, program, yard.spool, text],
      env: ["PATH": "/usr/bin:/bin", "TERM": "xterm", "TZ": "UTC"], timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    return ran.stdout
  }

  @Test(
    "On a terminal q ends it, p pauses, and the terminal is as it was, after a signal too",
    .disabled(if: find(program: "/usr/bin/python3") == nil, "needs python3 for a terminal"),
    arguments: [
      (["p", "PAUSED"], "q", "ENDED 0 same"), (["p", "PAUSED"], "TERM", "ENDED 15 same"),
      (["x", "wxpusher"], "\u{3}", "ENDED 2 same"),
    ] as [([String], String, String)])
  func keys(first: [String], last: String, ended: String) async throws {
    let yard = try Yard()
    try yard.put("new/m", #"{"to":"UID_1","body":"x"}"#)
    let seen = try await top(yard, [["wxpusher", first[0]], [first[1], last], ["ENDED", ""]])
    #expect(seen.contains(ended), "\(seen.debugDescription)")
    #expect(seen.contains("\u{1B}[?1049h") && seen.contains("\u{1B}[?25h\u{1B}[?1049l"))
    // Each screen fits: 24 lines at the most, of 80 columns.
    for screen in seen.components(separatedBy: "\u{1B}[H").dropFirst() {
      // A terminal adds a return of its own.
      let lines = screen.components(separatedBy: "\u{1B}[J")[0].utf8.filter { $0 != 0x0D }
        .split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
      #expect(lines.count <= 24)
      for line in lines {
        let plain = line.replacing(#/\u{1B}\[[0-9;?]*[A-Za-z]/#, with: "")
        #expect(plain.count <= 80, "\(plain)")
      }
    }
  }
}
