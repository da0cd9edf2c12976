import Foundation
import TestSupport
import Testing

/// What producers, providers and other users of the machine may try; Tests/PROOF.md has the threat model.
@Suite("Nobody who may drop messages, answer calls or look around gets more than that")
struct HostileSpoolTests {
  private static let push = #"{"channel":"push","to":"UID_a","body":"hi"}"#

  // MARK: Folders and files

  @Test("Folders that are swapped for links during a sweep lead nowhere, and the next sweep refuses them")
  func swappedFolders() async throws {
    let released = DispatchSemaphore(value: 0)
    let server = try ScriptedServer { peer in
      guard peer.readRequest() != nil else { return }
      _ = released.wait(timeout: .now() + 20)
      peer.answer(#"{"code":1000,"data":[{"uid":"UID_a","code":1000}]}"#)
    }
    try await withStation { station in
      try station.configure(["push": .wxpusher("endpoint: \"\(server.url(""))\"")])
      try station.spool.drop("a", Self.push)
      async let sweeping = station.sweep()
      // Not on one of the few threads that the sweep itself is waited for.
      let hasCome = await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: server.waitForRequest()) }
      }
      #expect(hasCome)
      let outside = station.spool["outside"]
      try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: false)
      for folder in ["new", "cur", "done", "failed", "deferred"] {
        try station.spool.move(folder, "was-\(folder)")
        try FileManager.default.createSymbolicLink(atPath: station.spool[folder], withDestinationPath: outside)
      }
      released.signal()
      #expect(try await sweeping.status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty, "nothing went through a link")
      #expect(station.spool.names(in: "was-done") == ["a"])
      #expect(try await station.run("sweep").status == 66)
      #expect(try await station.run("list", ["done"]).status == 66)
    }
    _ = server.finish()
  }

  @Test(
    "Files that turn into links, pipes and folders under the sweeper's hands are not followed", .timeLimit(.minutes(5)))
  func swappedFiles() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let new = station.spool["new"]
      let secret = "\(station.spool.path)/secret"
      try #"{"channel":"push","to":"UID_secret","body":"hi"}"#.write(toFile: secret, atomically: true, encoding: .utf8)
      let swapping = Task.detached {
        var number = 0
        while !Task.isCancelled {
          number += 1
          let path = "\(new)/x\(number % 5)"
          switch number % 4 {
          case 0: symlink(secret, path)
          case 1: mkfifo(path, 0o666)
          case 2: mkdir(path, 0o777)
          default: try? Self.push.write(toFile: path, atomically: false, encoding: .utf8)
          }
          usleep(200)
          unlink(path)
          rmdir(path)
        }
      }
      for _ in 0..<Torture.some(Array(0..<60), 8).count {
        let swept = try await station.sweep()
        #expect(swept.status == 0, "\(swept.stderr)")
      }
      swapping.cancel()
      await swapping.value
      #expect(try station.accepted()["UID_secret"] == nil)
      #expect(try String(contentsOfFile: secret, encoding: .utf8).count == 48, "nothing was appended to it")
    }
  }

  @Test("The largest file that the file system takes, all hole, is left alone and reported, and the others are sent")
  func largestFile() async throws {
    try await withStation { station in
      // No more of it than this is looked at.
      try station.configure(["push": .wxpusher()], "max_message_bytes: 65536")
      let path = "\(station.spool["new"])/hole"
      try Self.push.write(toFile: path, atomically: false, encoding: .utf8)
      // Half of all offsets, then less until the file system agrees.
      var (low, high) = (1 << 41, Int(Int64.max))
      while high - low > 1 {
        let middle = low + (high - low) / 2
        if truncate(path, off_t(middle)) == 0 { low = middle } else { high = middle }
      }
      try station.spool.age("new/hole", seconds: 60)
      try station.spool.drop("a", Self.push)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == 1 && swept["left"] == 1, "\(swept.stderr)")
      #expect(swept.stderr.contains("hole") && station.spool.names(in: "new") == ["hole"])
      for command in [["list", "new"], ["check"], ["status"], ["show", "hole"]] {
        #expect(try await station.run(command[0], Array(command.dropFirst())).status < 64)
      }
    }
  }

  @Test(
    "Times before the flood and after the sun end no command",
    arguments: [Int.min / 4, -1, 253_402_300_800, Int.max / 4])
  func times(seconds: Int) async throws {
    // A memory file system keeps any time.
    let isThere = FileManager.default.fileExists(atPath: "/dev/shm")
    try await withStation(spool: try TemporarySpool(in: isThere ? "/dev/shm" : nil)) { station in
      try station.configure(["push": .wxpusher()])
      let time = timespec(tv_sec: seconds, tv_nsec: 0)
      for (folder, text) in [("new", Self.push), ("new", "rubbish"), ("deferred", Self.push), ("tmp", "x")] {
        let path = "\(station.spool[folder])/\(folder)-\(text.count)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        utimensat(AT_FDCWD, path, [time, time], 0)
      }
      let commands = [
        ["list", "new"], ["list", "deferred"], ["show", "new-7"], ["status", "--json"], ["status", "--prometheus"],
        ["check"],
        ["sweep", "--dry-run"], ["sweep"], ["list", "failed"], ["retry", "--all"], ["sweep"],
        ["prune", "--older-than", "7d", "--failed"], ["check", "--repair"],
      ]
      for command in commands {
        let ran = try await station.run(command[0], Array(command.dropFirst()))
        #expect(ran.status < 64, "\(command): \(ran.status) \(ran.stderr)")
      }
    }
  }

  // MARK: Permissions

  @Test(
    "Whatever the umask, nothing is made that others may write, and nothing private that they may read",
    arguments: ["0", "077"])
  func permissions(umask: String) async throws {
    try await withStation { station in
      let root = "\(station.spool.path)/made"
      let script = """
        umask \(umask); "$0" init "$1" > /dev/null && cp "$2" "$1/config.json" && chmod 600 "$1/config.json" \
        && "$0" send --spool "$1" --channel push --to UID_a hi > /dev/null && "$0" send --spool "$1" --channel push --to x hi \
        > /dev/null && "$0" sweep --spool "$1" && "$0" retry --spool "$1" --all && "$0" check --repair --spool "$1"
        """
      try station.configure(["push": .wxpusher()])
      let ran = try await run(
        "sh", ["-c", script, station.program, root, "\(station.spool.path)/config.json"], timeout: .seconds(120))
      #expect(ran.status <= 1, "\(ran.stderr)")
      var seen = 0
      for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
        var status = stat()
        guard lstat("\(root)/\(name)", &status) == 0 else { continue }
        seen += 1
        let mode = status.st_mode & 0o777
        #expect(mode & 0o022 == 0, "\(name) has mode \(String(mode, radix: 8))")
        // What strangers drop into is open to be entered, and kept from others by its files' own modes.
        let isOpen = ["new", "tmp", "receipts", "receipts/new", "receipts/tmp"].contains(name)
        if !isOpen { #expect(mode & 0o007 == 0, "\(name) has mode \(String(mode, radix: 8))") }
      }
      #expect(seen >= 9)
    }
  }

  // MARK: Secrets

  @Test(
    "A crash leaves no core, and nobody but root may look into the process",
    .disabled(if: isSanitized, "a sanitizer makes a crash a report of its own"))
  func cores() async throws {
    let scratch = try TemporarySpool()
    let program = try #require(builtProgram())
    let script = """
      export SWIFT_BACKTRACE=enable=no
      cd "$1" && ulimit -c unlimited
      "$0" sandbox > address & pid=$!
      while [ ! -s address ]; do sleep 0.02; done
      grep 'Max core file size' /proc/$pid/limits
      stat -c 'owner %u' /proc/$pid/environ
      kill -SEGV $pid; wait $pid; echo "status $?"; ls
      """
    let words = ["-c", script, program, scratch.path]
    var ran = try await run("sh", words)
    #expect(ran.stdout.contains("status 139"))
    #expect(!ran.stdout.contains("core\n") && !ran.stdout.contains("core."), "\(ran.stdout)")
    #expect(ran.stdout.contains(/Max core file size +0 +0/), "\(ran.stdout)")
    guard geteuid() == 0, find(program: "setpriv") != nil else { return }
    // As somebody else: the files of a process that keeps its memory private are root's.
    let copy = "\(scratch.path)/program"
    // By a process of its own: a file that this one has open for writing may be so in another test's child, and is then
    // no program to run.
    #expect(try await run("cp", [program, copy]).status == 0)
    chown(scratch.path, 65534, 65534)
    unlink("\(scratch.path)/address")
    ran = try await run("setpriv", ["--reuid", "65534", "--clear-groups", "sh", "-c", script, copy, scratch.path])
    #expect(ran.stdout.contains("owner 0\n") && ran.stdout.contains("status 139"), "\(ran.stdout) \(ran.stderr)")
  }

  @Test("A secret that a provider throws back is in no file, ledger, output, log or list of processes")
  func secrets() async throws {
    let secret = "AT_token-for-tests"
    let server = try ScriptedServer { peer in
      guard let request = peer.readRequest() else { return }
      let text = String(decoding: request, as: UTF8.self)
      switch peer.number {
      case 1:
        peer.answer(
          #"{"code":1000,"data":[{"uid":"UID_a","code":1000,"sendRecordId":"\#(secret)","status":"\#(secret)"}]}"#)
      case 2: peer.answer(#"{"code":1005,"msg":"you said \#(secret)"}"#)
      case 3: peer.answer(#"{"code":1002,"msg":"wrong token \#(secret)"}"#)
      default: peer.write("HTTP/1.1 400 \(secret)\r\nX-A: \(secret)\r\nContent-Length: \(text.count)\r\n\r\n\(text)")
      }
    }
    try await withStation { station in
      try station.configure(["push": .wxpusher("endpoint: \"\(server.url(""))\", concurrency: 1")])
      var said = ""
      for number in 1...4 {
        try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_a","body":"\#(number)"}"#)
        // While it runs, its arguments are everybody's to read.
        let swept = try await station.run(
          "sweep", ["--verbose", "--log", number.isMultiple(of: 2) ? "json" : "text", "--log-addresses"],
          under: ["sh", "-c", #""$0" "$@" & tr '\0' ' ' < /proc/$!/cmdline; wait $!"#])
        said += swept.stdout + swept.stderr
      }
      for command in [
        ["list", "done"], ["list", "new"], ["list", "deferred", "--json"], ["show", "m1", "--verbose"],
        ["show", "m2", "--json"],
        ["status"], ["status", "--json"], ["status", "--prometheus"], ["check", "--json"],
        ["sweep", "--dry-run", "--json"],
      ] {
        let ran = try await station.run(command[0], Array(command.dropFirst()))
        said += ran.stdout + ran.stderr
      }
      #expect(!said.contains(secret), "\(said)")
      for case let name as String in FileManager.default.enumerator(atPath: station.spool.path) ?? .init()
      where name != "config.json" {
        let bytes = FileManager.default.contents(atPath: "\(station.spool.path)/\(name)") ?? Data()
        #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(name)")
      }
    }
    _ = server.finish()
  }

  // MARK: Terminals

  @Test("No name, message or answer speaks to the terminal of whoever looks at it")
  func terminals() async throws {
    let evil = "\u{1B}]0;owned\u{7}\u{1B}[2J\u{9B}31m\u{202E}\u{2066}\u{85}\r"
    let escaped = #"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u2066\u0085\r"#
    let server = try ScriptedServer { peer in
      while let request = peer.readRequest() {
        let isQuiet = request.firstRange(of: Array("credentials".utf8)) == nil
        peer.answer(#"{"code":\#(isQuiet ? 1008 : 1002),"msg":"\#(escaped)"}"#)
      }
    }
    try await withStation { station in
      try station.configure(["push": .wxpusher("endpoint: \"\(server.url(""))\", concurrency: 1")])
      let messages = [
        #"{"channel":"push","to":"UID_a","body":"\#(escaped)","title":"\#(escaped)","meta":{"\#(escaped)":"\#(escaped)"}}"#,
        #"{"channel":"\#(escaped)","to":"UID_a","body":"hi"}"#, #"{"\#(escaped)":1}"#, "\(evil)",
        #"{"channel":"push","to":"\#(escaped)","body":"hi"}"#,
        #"{"channel":"push","to":"UID_a","body":"hi","options":{"\#(escaped)":1}}"#,
        #"{"channel":"push","to":"UID_b","body":"credentials"}"#,
        #"{"channel":"push","to":"UID_a","body":"hi","format":"\#(escaped)"}"#,
      ]
      for (number, message) in messages.enumerated() {
        let name = Array("\(evil)\(number)".utf8).filter { $0 != 0x2F }
        try station.spool.drop(bytes: name, message)
      }
      symlink("nowhere", "\(station.spool["new"])/\(evil)link")
      var said = ""
      for command in [
        ["list", "new"], ["check"], ["sweep", "--dry-run"], ["sweep", "--verbose"], ["sweep", "--log", "json"],
        ["list", "new"],
        ["list", "failed"], ["list", "failed", "--json"], ["status"], ["status", "--json"], ["check", "--json"],
        ["retry", "--all", "--dry-run"], ["retry", "nothing\(evil)"], ["show", "nothing\(evil)"], ["list", evil],
        ["show", #"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xc2\x85\x0d0"#],
        ["show", #"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xc2\x85\x0d4"#, "--verbose"],
      ] {
        let ran = try await station.run(command[0], Array(command.dropFirst()))
        let all = ran.stdout + ran.stderr
        let spoken = all.unicodeScalars.filter {
          ($0.value < 0x20 && $0 != "\n") || (0x7F..<0xA0).contains($0.value)
        }
        #expect(spoken.isEmpty, "\(command): \(all.debugDescription.prefix(600))")
        // JSON is for programs, which know what a direction is.
        if !command.contains("--json"), !command.contains("json") {
          #expect(!all.unicodeScalars.contains { ["\u{202E}", "\u{2066}"].contains($0) }, "\(command)")
        }
        said += all
      }
      #expect(said.contains("\\x1b"), "the names are shown all the same")
    }
    _ = server.finish()
  }
}
