import Foundation
import TestSupport
import Testing

@Suite("What monitoring reads")
struct MetricsTests {
  private static let tool = ["/usr/bin/promtool", "/usr/local/bin/promtool"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  private func metrics(_ station: Station) async throws -> [String: Double] {
    let ran = try await station.run("status", ["--prometheus"])
    #expect(ran.status == 0)
    return ran.stdout.split(separator: "\n").filter { !$0.hasPrefix("#") }.reduce(into: [:]) { values, line in
      guard let space = line.lastIndex(of: " ") else { return }
      values[String(line[..<space])] = Double(line[line.index(after: space)...])
    }
  }

  private func sweepSome(_ station: Station) async throws {
    try station.configure(["push": .wxpusher("price: 0.5, budget: { daily: 100 }"), "text": .twilio()])
    for number in 0..<5 {
      try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
    }
    try station.spool.drop("bad", #"{"channel":"text","to":"nonsense","body":"hi"}"#)
    try station.spool.drop("odd", "[]")
    try station.spool.age("new/odd", seconds: 60)
    try station.spool.drop("later", #"{"channel":"push","to":"UID_a","body":"hi","send_at":4000000000}"#)
    _ = try await station.sweep()
  }

  @Test("Counts go on over sweeps, and what is now is told beside them")
  func counts() async throws {
    try await withStation { station in
      try await sweepSome(station)
      let now = try await metrics(station)
      #expect(now[#"msgspool_recipients_total{channel="push",state="accepted"}"#] == 5)
      #expect(now[#"msgspool_messages_total{channel="push",state="done"}"#] == 5)
      #expect(now[#"msgspool_messages_total{channel="text",state="failed"}"#] == 1)
      #expect(now[#"msgspool_messages_total{channel="",state="invalid"}"#] == 1)
      #expect(now[#"msgspool_calls_total{channel="push",outcome="accepted"}"#] == 1)
      #expect(now[#"msgspool_call_seconds_count{channel="push"}"#] == 1)
      #expect(now[#"msgspool_call_seconds_bucket{channel="push",le="+Inf"}"#] == 1)
      #expect(now[#"msgspool_settle_seconds_count{channel="push"}"#] == 5)
      #expect(now[#"msgspool_deferred{channel="push",kind="send_at"}"#] == 1)
      #expect(now[#"msgspool_spent{channel="push",window="day"}"#] == 2.5)
      let age = Date().timeIntervalSince1970 - (now["msgspool_last_sweep_timestamp_seconds"] ?? 0)
      #expect(age > -2 && age < 600)
      try station.spool.drop("more", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      _ = try await station.sweep()
      #expect(try await metrics(station)[#"msgspool_recipients_total{channel="push",state="accepted"}"#] == 6)
    }
  }

  @Test("A file is written whole, readable for its collector, and nothing is printed")
  func output() async throws {
    try await withStation { station in
      try await sweepSome(station)
      let file = "\(station.spool.path)/m.prom"
      let ran = try await station.run("status", ["--prometheus", "--output", file])
      #expect(ran.status == 0 && ran.stdout.isEmpty)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.contains("msgspool_calls_total") && text.hasSuffix("\n"))
      let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
      #expect(mode == 0o644)
      #expect(!station.spool.names(in: ".").contains { $0.hasPrefix("m.prom.") })
      let failed = try await station.run("status", ["--prometheus", "--output", "\(station.spool.path)/nowhere/m"])
      #expect(failed.status == 74 || failed.status == 73)
      #expect(try await station.run("status", ["--output", file]).status == 64)
    }
  }

  @Test("What is no plain file is written to where it stands, and a symbolic link stays one")
  func device() async throws {
    try await withStation { station in
      let path = station.spool.path
      func publish(_ name: String) async throws -> Int32 {
        try await station.run("status", ["--prometheus", "--output", "\(path)/\(name)"]).status
      }
      func isLink(_ name: String) -> Bool {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")) != nil
      }
      // As the test may be run by root, who could lose the device itself: through links.
      symlink("/dev/null", "\(path)/null")
      #expect(try await publish("null") == 0 && isLink("null"))
      symlink("/dev/full", "\(path)/full")
      let failed = try await publish("full")
      #expect((failed == 73 || failed == 74) && isLink("full"))

      mkfifo("\(path)/fifo", 0o600)
      let fifo = open("\(path)/fifo", O_RDWR | O_NONBLOCK | O_CLOEXEC)
      defer { close(fifo) }
      #expect(try await publish("fifo") == 0)
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = read(fifo, &bytes, bytes.count)
      #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).contains("msgspool_suspended"))

      try "old".write(toFile: "\(path)/real", atomically: false, encoding: .utf8)
      symlink("real", "\(path)/link")
      #expect(try await publish("link") == 0 && isLink("link"))
      #expect(try String(contentsOfFile: "\(path)/real", encoding: .utf8).contains("msgspool_suspended"))
      let page = try await station.run("report", ["--html", "\(path)/link"])
      #expect(page.status == 0 && isLink("link"))
      #expect(try String(contentsOfFile: "\(path)/real", encoding: .utf8).contains("<html"))
    }
  }

  @Test(
    "promtool finds nothing wrong with it, nor with the example rules",
    .enabled(if: MetricsTests.tool != nil, "needs promtool (apt-get install prometheus)"))
  func promtool() async throws {
    let promtool = try #require(Self.tool)
    try await withStation { station in
      try await sweepSome(station)
      let text = try await station.run("status", ["--prometheus"]).stdout
      let checked = try await run(promtool, ["check", "metrics"], stdin: Data(text.utf8))
      #expect(checked.status == 0, "\(checked.stderr)\(checked.stdout)")
      #expect(checked.stderr.isEmpty, "\(checked.stderr)")
    }
    let rules = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Extras/Monitoring/alerts.yml").standardized.path
    let checked = try await run(promtool, ["check", "rules", rules])
    #expect(checked.status == 0, "\(checked.stderr)\(checked.stdout)")
  }

  @Test("The example board is JSON, and asks for metrics that there are")
  func board() async throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Extras/Monitoring")
    let board = try String(contentsOf: folder.appending(path: "grafana.json").standardized, encoding: .utf8)
    _ = try JSONSerialization.jsonObject(with: Data(board.utf8))
    let rules = try String(contentsOf: folder.appending(path: "alerts.yml").standardized, encoding: .utf8)
    try await withStation { station in
      try await sweepSome(station)
      let text = try await station.run("status", ["--prometheus"]).stdout
      let known = Set(text.matches(of: #/# TYPE (\w+) /#).map { String($0.1) })
      for match in (board + rules).matches(of: #/msgspool_[a-z_]+/#) {
        let name = String(match.0).replacing(#/_bucket$/#, with: "")
        #expect(known.contains(name), "\(name)")
      }
    }
  }
}
