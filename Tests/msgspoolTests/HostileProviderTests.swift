import Foundation
import TestSupport
import Testing

/// A far end that does its worst, before the real program: every behaviour is a channel of one sweep.
@Suite("Whatever a far end does, each message ends in the class the contract names, in time and within bounds")
struct HostileProviderTests {
  struct Behaviour: Sendable {
    var name: String
    /// The state that the last line tells, or `new` for what a suspension put back.
    var states: Set<String>
    var kind: String?
    var code: String?
    var due: ClosedRange<Double>?
    var act: @Sendable (ScriptedServer.Connection) -> Void

    init(
      _ name: String, _ states: Set<String>, _ kind: String? = nil, _ code: String? = nil,
      due: ClosedRange<Double>? = nil, act: @escaping @Sendable (ScriptedServer.Connection) -> Void
    ) {
      (self.name, self.states, self.kind, self.code, self.due, self.act) = (name, states, kind, code, due, act)
    }

    /// An answer of this status and body.
    init(
      _ name: String, _ status: Int, _ body: String, _ states: Set<String>, _ kind: String? = nil,
      due: ClosedRange<Double>? = nil, headers: String = ""
    ) {
      self.init(name, states, kind, due: due) { peer in
        let head = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n"
        peer.write(head + body)
      }
    }
  }

  private static let success = #"{"code":1000,"data":[{"uid":"UID_a","code":1000,"sendRecordId":1}]}"#
  private static let timeout = 2.0

  private static func date(_ seconds: Double) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = .gmt
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return format.string(from: Date() + seconds)
  }

  private static let behaviours: [Behaviour] = [
    .init("ok", 200, success, ["done"]),
    .init("wrong-type", 200, success, ["done"], headers: "Content-Type: text/html\r\n"),
    .init("interim", ["done"]) {
      $0.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n")
      $0.answer(success)
    },
    // What was sent and has no whole answer is in doubt.
    .init("reset", ["unconfirmed"], "uncertain", "reset") { $0.reset() },
    .init("closed", ["unconfirmed"], "uncertain", "reset") { $0.close() },
    .init("silence", ["unconfirmed"], "uncertain", "timeout") { $0.waitUntilClosed() },
    .init("half-head", ["unconfirmed"], "uncertain", "truncated") { $0.write("HTTP/1.1 200 OK\r\nContent-Le") },
    .init("half-body", ["unconfirmed"], "uncertain", "truncated") {
      $0.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"code\":10")
    },
    .init("dribble", ["unconfirmed"], "uncertain", "timeout") { peer in
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      while peer.write(" "), !peer.isClosed(within: 0.05) {}
    },
    .init("100-megabytes", ["unconfirmed"], "uncertain", "too-large") { peer in
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
      let piece = [UInt8](repeating: 0x20, count: 1 << 20)
      for _ in 0..<100 where !peer.write(piece) { return }
    },
    .init("endless-head", ["unconfirmed"], "uncertain", "too-large") { peer in
      peer.write("HTTP/1.1 200 OK\r\n")
      while peer.write("X-A: \(String(repeating: "x", count: 1000))\r\n") {}
    },
    .init("endless-interim", ["unconfirmed"], "uncertain") { peer in
      while peer.write("HTTP/1.1 100 Continue\r\n\r\n") {}
    },
    .init("no-http", ["unconfirmed"], "uncertain") { $0.write("SSH-2.0-OpenSSH_9.9\r\n\r\n") },
    .init("status-line", ["unconfirmed", "deferred"]) { $0.write("HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n") },
    // A success that is none.
    .init("empty", 200, "", ["unconfirmed"], "uncertain"),
    .init("no-content", 204, "", ["unconfirmed"], "uncertain"),
    .init("torn-json", 200, #"{"code":1000,"data":[{"uid":"UID"#, ["unconfirmed"], "uncertain"),
    .init("other-json", 200, "[]", ["unconfirmed"], "uncertain"),
    .init("deep-json", 200, String(repeating: "[", count: 200_000), ["unconfirmed"], "uncertain"),
    .init("no-target", 200, #"{"code":1000,"data":[]}"#, ["unconfirmed"], "uncertain"),
    .init(
      "accents", 200, "{\"a\(String(repeating: "\u{301}\u{316}", count: 100_000))\":1,\"code\":1000}", ["unconfirmed"],
      "uncertain"),
    .init("elements", 200, "{\"code\":1000,\"data\":[\(String(repeating: "{},", count: 300_000)){}]}", ["unconfirmed"]),
    .init("page", 200, "<html>OK</html>", ["deferred"], "provider"),
    .init("zipped", 200, "\u{1F}\u{1F}\u{1F}", ["deferred", "unconfirmed"], headers: "Content-Encoding: gzip\r\n"),
    .init(
      "megabyte", 200, "{\"code\":1005,\"msg\":\"\(String(repeating: "x", count: 1 << 20))\"}", ["deferred"], "provider"
    ),
    // Statuses.
    .init("moved", 301, "", ["deferred"], "provider", headers: "Location: http://127.0.0.1:1/\r\n"),
    .init("temporary", 307, "", ["deferred"], "provider", headers: "Location: /elsewhere\r\n"),
    .init("bad-request", 400, "", ["deferred"], "provider"),
    .init("unauthorized", 401, "", ["new"]),
    .init("forbidden", 403, "<html>", ["new"]),
    .init("not-found", 404, "", ["new"]),
    .init("too-large", 413, "", ["failed"], "message"),
    .init("server-error", 500, "", ["deferred"], "provider"),
    .init("bad-gateway", 502, "<html>", ["deferred"], "provider"),
    .init("unavailable", 503, "", ["deferred"], "provider"),
    // Throttles. Backoff is a minute, give or take a tenth; a machine under load adds seconds between answer and line.
    .init("throttle", 429, "", ["deferred"], "throttled", due: 50...67),
    .init("throttle-seconds", 429, "", ["deferred"], "throttled", due: 195...200, headers: "Retry-After: 200\r\n"),
    .init("throttle-nonsense", 429, "", ["deferred"], "throttled", due: 50...67, headers: "Retry-After: soon\r\n"),
    .init("throttle-negative", 429, "", ["deferred"], "throttled", due: 50...67, headers: "Retry-After: -9\r\n"),
    .init(
      "throttle-year", 429, "", ["deferred"], "throttled", due: 86_300...86_400, headers: "Retry-After: 31536000\r\n"),
    .init("throttle-date", ["deferred"], "throttled", due: 280...301) {
      $0.write("HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: \(date(300))\r\n\r\n")
    },
    .init("throttle-date-year", ["deferred"], "throttled", due: 86_300...86_400) {
      $0.write("HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: \(date(365 * 86_400))\r\n\r\n")
    },
    // The far end's clock is an hour ahead, and an hour behind: five minutes are five minutes.
    .init("throttle-ahead", ["deferred"], "throttled", due: 280...301) {
      $0.write(
        "HTTP/1.1 429 X\r\nDate: \(date(3600))\r\nContent-Length: 0\r\nRetry-After: \(date(3900))\r\n\r\n")
    },
    .init("throttle-behind", ["deferred"], "throttled", due: 280...301) {
      $0.write(
        "HTTP/1.1 429 X\r\nDate: \(date(-3600))\r\nContent-Length: 0\r\nRetry-After: \(date(-3300))\r\n\r\n")
    },
  ]

  @Test(
    "Every behaviour, in one sweep that may have little memory",
    .disabled(if: isSanitized, "a sanitizer's shadow memory does not fit into what the sweep may have"))
  func behaviours() async throws {
    let acts = Dictionary(uniqueKeysWithValues: Self.behaviours.map { ($0.name, $0.act) })
    let server = try ScriptedServer { peer in
      guard let request = peer.readRequest() else { return }
      let path = String(decoding: request.prefix(200), as: UTF8.self).split(separator: " ").dropFirst().first ?? ""
      acts[String(path.split(separator: "/").first ?? "")]?(peer)
    }
    // One that resets whoever connects, before anything is read.
    let resetting = try ScriptedServer { $0.reset() }
    try await withStation { station in
      var channels = Dictionary(
        uniqueKeysWithValues: Self.behaviours.map {
          ("c-\($0.name)", server.url("/\($0.name)"))
        })
      channels["c-nobody"] = "http://127.0.0.1:1"
      channels["c-resetting"] = resetting.url("")
      let entries = channels.map {
        "\"\($0.key)\": { provider: \"wxpusher\", app_token: \"AT_token-for-tests\", rate: 0, timeout: \(Self.timeout), endpoint: \"\($0.value)\" }"
      }
      try station.configure(text: "{ channels: { \(entries.joined(separator: ",\n")) } }")
      for channel in channels.keys {
        try station.spool.drop(channel, #"{"channel":"\#(channel)","to":"UID_a","body":"hi"}"#)
      }
      // Kilobytes of data: heap and stacks. What is not bounded does not fit.
      let swept = try await station.run(
        "sweep", ["--json", "--log", "json"], under: ["sh", "-c", #"ulimit -d 800000; exec "$0" "$@""#])
      #expect(swept.status == 0, "\(swept.stderr.suffix(2000))")
      for behaviour in Self.behaviours { try check(behaviour, station.spool) }
      let refused = try station.spool.last("deferred/c-nobody")
      #expect(refused["error"]?["kind"] == "network" && refused["error"]?["code"] == "refused")
      #expect(station.spool.folders(of: "c-resetting") != ["done"])
      let calls = try swept.stderr.split(separator: "\n").map { try Parsed(String($0)) }.filter {
        $0["event"] == "call"
      }
      #expect(calls.count == channels.count)
      for call in calls {
        guard case .number(let seconds)? = call["seconds"] else { continue }
        #expect(seconds < Self.timeout + 8, "\(call)")
      }
    }
    _ = server.finish()
    _ = resetting.finish()
  }

  private func check(_ behaviour: Behaviour, _ spool: TemporarySpool) throws {
    let name = "c-\(behaviour.name)"
    let folders = spool.folders(of: name)
    guard folders.count == 1, let folder = folders.first else {
      Issue.record("\(name) is in \(folders)")
      return
    }
    let bytes = try spool.bytes("\(folder)/\(name)")
    #expect(bytes.count < 8000, "\(name): what was said is not recorded by the megabyte")
    if folder == "new" {
      #expect(behaviour.states.contains("new"), "\(name): went back")
      return
    }
    let line = try spool.last("\(folder)/\(name)")
    #expect(behaviour.states.contains(line["state"]?.text ?? ""), "\(name): \(line)")
    if let kind = behaviour.kind { #expect(line["error"]?["kind"]?.text == kind, "\(name): \(line)") }
    if let code = behaviour.code { #expect(line["error"]?["code"]?.text == code, "\(name): \(line)") }
    if let due = behaviour.due, let at = line["at"]?.date, let until = line["due"]?.date {
      #expect(due.contains(until.timeIntervalSince(at)), "\(name): \(until.timeIntervalSince(at))")
    }
  }

  @Test("A provider that always has another page does not keep the sweep for ever", .timeLimit(.minutes(5)))
  func endlessPages() async throws {
    let server = try ScriptedServer { peer in
      var page = 0
      while let request = peer.readRequest() {
        if request.starts(with: "POST".utf8) { return peer.reset() }
        page += 1
        peer.answer(#"{"messages":[],"next_page_uri":"/2010-04-01/x?n=\#(peer.number)-\#(page)"}"#)
      }
    }
    try await withStation { station in
      try station.configure(["text": .twilio("endpoint: \"\(server.url(""))\", reconcile_after: 0")])
      try station.spool.drop("a", #"{"channel":"text","to":"+12125550100","body":"hi"}"#)
      #expect(try await station.sweep()["deferred"] == 1)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["deferred"] == 1, "still in doubt")
    }
    #expect(server.finish().count <= 110)
  }

  @Test(
    "A certificate that has expired, or is another host's, sends nothing",
    .disabled(if: find(program: "openssl") == nil, "no openssl"), arguments: [("localhost", -1), ("elsewhere.test", 2)])
  func certificates(name: String, days: Int) async throws {
    try await withStation { station in
      let make = """
        cd "$0" && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out req.pem \
        -subj /CN=\(name) 2> /dev/null && echo subjectAltName=DNS:\(name) > ext && \
        openssl x509 -req -in req.pem -signkey key.pem -days \(days) -extfile ext -out cert.pem 2> /dev/null
        """
      #expect(try await run("sh", ["-c", make, station.spool.path]).status == 0)
      let serve = """
        cd "$0" && exec openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -www 2> /dev/null \
        | sed -nu 's/.*ACCEPT .*:\\([0-9]*\\)$/\\1/p'
        """
      try await whileRunning("sh", ["-c", serve, station.spool.path], timeout: .seconds(120)) { port in
        try station.configure([
          "push": .wxpusher("endpoint: \"https://localhost:\(port)\", ca_file: \"\(station.spool.path)/cert.pem\"")
        ])
        try station.spool.drop("a", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
        #expect(try await station.sweep()["deferred"] == 1)
        let line = try station.spool.last("deferred/a")
        #expect(line["error"]?["kind"] == "network" && line["error"]?["code"] == "tls", "\(line)")
      }
    }
  }
}
