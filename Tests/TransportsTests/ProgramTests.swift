import Core
import Foundation
import TestSupport
import Testing
import Transports

@Suite struct ProgramTests {
  private func run(
    _ command: [String], _ input: [UInt8] = [], environment: [String: String] = [:], limit: Int = 1 << 20,
    within timeout: Double = 20
  ) async -> Reply {
    let transport = ProgramTransport()
    let request = ProgramRequest(command: command, input: input, environment: environment, outputLimit: limit)
    let reply = await transport.reply(to: .program(request), within: timeout)
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        transport.shutdown()
        continuation.resume()
      }
    }
    return reply
  }

  private func shell(
    _ script: String, _ input: [UInt8] = [], environment: [String: String] = [:], limit: Int = 1 << 20,
    within timeout: Double = 20
  ) async -> Reply {
    await run(["/bin/sh", "-c", script], input, environment: environment, limit: limit, within: timeout)
  }

  @Test func inputGoesInAndOutputComesOut() async {
    let reply = await run(["/bin/cat"], Array("a\nb\n".utf8))
    #expect(reply.program == ProgramResponse(status: 0, output: Array("a\nb\n".utf8), errors: ""))
    #expect(await shell("echo no >&2; exit 75").program == ProgramResponse(status: 75, output: [], errors: "no"))
    #expect(await shell("kill -9 $$").program == ProgramResponse(status: nil, output: [], errors: ""))
  }

  @Test func muchInputAndOutputAtOnceDoNotWaitForEachOther() async {
    let input = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0) }
    let reply = await run(["/bin/cat"], input, limit: 8 << 20)
    #expect(reply.program?.output == input)
    let both = await shell("cat >&2; head -c 300000 /dev/zero", input, limit: 8 << 20)
    #expect(
      both.program?.status == 0 && both.program?.output.count == 300_000 && both.program?.errors.utf8.count ?? 0 > 1000)
  }

  @Test func aProgramNeedNotReadItsInput() async {
    #expect(await shell("exec <&-; echo ok", [UInt8](repeating: 65, count: 1 << 20)).program?.status == 0)
    #expect(await run(["/bin/true"], [UInt8](repeating: 65, count: 1 << 20)).program?.status == 0)
  }

  @Test func noShellComesBetween() async {
    let words = ["$HOME", "a b", "`id`", ";", "*", "\n", "\"'", "-x"]
    let reply = await run(["/usr/bin/printf", "%s|"] + words)
    #expect(reply.program.map { String(decoding: $0.output, as: UTF8.self) } == words.map { $0 + "|" }.joined())
  }

  @Test func onlyTheNamedEnvironmentIsSeen() async {
    setenv("MSGSPOOL_TEST_SECRET", "hunter2", 1)
    let reply = await run(["/usr/bin/env"], environment: ["GIVEN": "a=b c"])
    let lines = Set((reply.program.map { String(decoding: $0.output, as: UTF8.self) } ?? "").split(separator: "\n"))
    let names = Set(lines.map { $0.prefix { $0 != "=" } })
    #expect(names.isSubset(of: ["PATH", "HOME", "LANG", "GIVEN"]) && names.isSuperset(of: ["PATH", "LANG"]))
    #expect(lines.contains("GIVEN=a=b c"))
  }

  @Test func nothingElseIsInherited() async throws {
    // A descriptor that is not closed on exec, and the signals that the transport's threads block.
    let folder = try TemporaryFolder()
    _ = try folder.file("open", [1])
    let open = Glibc.open(folder.url.appending(path: "open").path, O_RDONLY)
    defer { close(open) }
    let reply = await shell("ls -l /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status")
    let text = reply.program.map { String(decoding: $0.output, as: UTF8.self) } ?? ""
    #expect(!text.contains(folder.url.path))
    // glibc's posix_spawn ignores its own two (32 and 33) in every child.
    #expect(text.contains("SigBlk:\t0000000000000000"))
    #expect(text.contains(/SigIgn:\t00000001?[08]0000000/), "\(text)")
  }

  @Test func timeIsUpForTheWholeGroup() async throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "late").path
    let started = Date()
    let reply = await shell("(sleep 2; touch \(file)) & sleep 60", within: 0.3)
    #expect(reply.verdict == "lost: timeout")
    #expect(Date().timeIntervalSince(started) < 30)
    // One that ignores SIGTERM is killed.
    #expect(await shell("trap '' TERM; while :; do sleep 1; done", within: 0.3).verdict == "lost: timeout")
    try await Task.sleep(for: .seconds(2))
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test func whatWasSaidBeforeTheEndCounts() async {
    let late = await shell("echo one; sleep 60", within: 0.5).program
    #expect(late?.status == nil && late?.output == Array("one\n".utf8) && late?.errors.contains("ended after") == true)
    let loud = await shell("yes", limit: 10_000).program
    #expect(
      loud?.status == nil && loud?.output.count == 10_000 && loud?.errors.contains("more than 10000 bytes") == true)
  }

  @Test func aBackgroundChildHoldsNobodyUp() async {
    let started = Date()
    #expect(await shell("sleep 60 & echo done").program?.output == Array("done\n".utf8))
    #expect(await shell("exec >&- 2>&-; sleep 0.3; exit 3").program?.status == 3)
    #expect(Date().timeIntervalSince(started) < 50)
  }

  @Test func whatCannotBeStartedIsToldAsAShellTellsIt() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("plain", [65])
    #expect(await run(["/nonexistent/program"]).program?.status == 127)
    let refused = await run(["\(file.directory)/\(file.path)"]).program
    #expect(refused?.status == 126 && refused?.errors.contains("Permission denied") == true)
    #expect(await run(["true"]).verdict == "not sent: invalid")
    #expect(await run([]).verdict == "not sent: invalid")
    #expect(await run(["/bin/true", "a\0b"]).verdict == "not sent: invalid")
    #expect(await run(["/bin/true"], environment: ["A=B": "x"]).verdict == "not sent: invalid")
  }

  @Test func severalRunAtOnceAndAShutdownEndsThem() async {
    let transport = ProgramTransport(threads: 4)
    let replies = Replies()
    let request = ProgramRequest(command: ["/bin/sleep", "60"], input: [])
    let started = Date()
    transport.perform((0..<6).map { _ in Errand(.program(request), within: 60) { replies.take($0) } })
    try? await Task.sleep(for: .milliseconds(300))
    transport.shutdown(.abandon)
    let verdicts = await replies.wait(for: 6)
    #expect(verdicts.count { $0 == "lost: abandoned" } == 4 && verdicts.count { $0 == "not sent: abandoned" } == 2)
    #expect(Date().timeIntervalSince(started) < 50)
  }

  @Test func eachKindGoesItsWay() async throws {
    let mail = try MailServer()
    let http = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer() }
    }
    let transport = RoutedTransport(.init(usesEnvironmentProxy: false))
    #expect(await transport.reply(to: .http(HTTPRequest(.get, http.url()))).verdict == "http 200")
    #expect(await transport.reply(to: .mail(.to(mail.url))).verdict == "mail")
    #expect(await transport.reply(to: .program(ProgramRequest(command: ["/bin/true"], input: []))).verdict == "program")
    transport.shutdown()
    _ = (mail.transcript(), http.finish())
  }
}

extension Reply {
  var program: ProgramResponse? {
    if case .program(let response) = self { response } else { nil }
  }
}
