import Foundation
import TestSupport
import Testing

@Suite("Running programs in tests")
struct RunProcessTests {
  @Test("what goes in comes out whole, on both streams, far beyond what a pipe holds")
  func streams() async throws {
    let much = Data(repeating: UInt8(ascii: "x"), count: 1 << 20)
    let ran = try await run("sh", ["-c", "tee /dev/fd/2; exit 7"], stdin: much)
    #expect(ran.status == 7)
    #expect(ran.standardOutput == much)
    #expect(ran.standardError == much)
  }

  @Test("arguments, environment and folder arrive as given")
  func surroundings() async throws {
    let ran = try await run(
      "/bin/sh", ["-c", #"printf '%s|' "$1" "$WORD" "$PWD""#, "sh", "a b\n\"c"], env: ["WORD": "中"], directory: "/usr")
    #expect(ran.stdout == "a b\n\"c|中|/usr|")
  }

  @Test("a program that outlives its time is killed, and the error has what it said so far")
  func timeout() async throws {
    let error = await #expect(throws: RunError.self) {
      try await run("sh", ["-c", "echo halfway; sleep 600 & wait"], timeout: .milliseconds(200))
    }
    #expect(error.map { "\($0)" }?.contains("halfway") == true)
  }

  @Test("a killed program has the status that a shell would show")
  func killed() async throws {
    #expect(try await run("sh", ["-c", "kill -KILL $$"]).status == 128 + 9)
  }

  @Test("a server runs while its first line is used, and is ended afterwards")
  func server() async throws {
    let pid = try await whileRunning("sh", ["-c", "echo $$; yes"]) { line in
      let pid = try #require(pid_t(line))
      #expect(kill(pid, 0) == 0)
      return pid
    }
    #expect(kill(pid, 0) != 0)
  }

  @Test("a server that ends without a line is an error with what it said")
  func stillborn() async throws {
    let error = await #expect(throws: RunError.self) {
      try await whileRunning("sh", ["-c", "echo no port >&2; exit 3"]) { _ in }
    }
    #expect(error.map { "\($0)" }?.contains("no port") == true)
  }
}
