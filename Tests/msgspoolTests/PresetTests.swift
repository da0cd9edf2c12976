import Core
import Foundation
import Providers
import TestSupport
import Testing

/// What a vendor documents of one preset's service: a request, and answers with what is to become of the message.
private struct Documented: Sendable, CustomTestStringConvertible {
  var preset: Preset
  private var fixture: JSON

  var testDescription: String { preset.name }

  static let all: [Documented] = Presets.all.filter { $0.provider == "webhook" }.map { preset in
    let path = "Tests/Fixtures/presets/\(preset.name).json"
    guard let text = try? Repository.text(path), let fixture = try? JSONScanner.value(of: Array(text.utf8)) else {
      fatalError("\(path) is missing, or no JSON")
    }
    return Documented(preset: preset, fixture: fixture)
  }

  var message: JSON { fixture["message"] ?? .null }
  var request: JSON { fixture["request"] ?? .null }
  var answers: [JSON] { fixture["answers"]?.array ?? [] }

  /// The account's own, with the loopback server in the place of the vendor's.
  func environment(_ server: String) -> [String: String] {
    var variables: [String: String] = [:]
    for variable in fixture["environment"]?.members ?? [] {
      variables[variable.key] = variable.value.string?.replacing("{server}", with: server)
    }
    return variables
  }

  func configuration(_ text: String, _ server: String) -> String {
    (fixture["hosts"]?.array ?? []).compactMap(\.string).reduce(text) { $0.replacing($1, with: server) }
  }
}

/// A spool whose configuration `init --provider` has written, and the vendor's server on this machine.
private struct Bench: Sendable {
  let yard: Yard
  let server: ScriptedServer
  let environment: [String: String]

  /// - Parameter script: what the server does to each connection.
  init(_ documented: Documented, _ script: @escaping @Sendable (ScriptedServer.Connection) -> Void) async throws {
    server = try ScriptedServer(script)
    yard = try Yard()
    environment = documented.environment(server.url(""))
    try FileManager.default.removeItem(atPath: yard.path("config.json"))
    let made = try await msgspool("init", yard.spool, "--provider", documented.preset.name)
    #expect(made.status == 0, "\(made.stderr)")
    try yard.configure(documented.configuration(yard.text(of: "config.json"), server.url("")))
  }

  func msgspool(_ arguments: String..., stdin: String = "") async throws -> Ran {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    return try await run(
      program, arguments, stdin: Data(stdin.utf8),
      env: environment.merging(["PATH": "/usr/bin:/bin", "MSGSPOOL_DIR": yard.spool]) { $1 }, timeout: patience)
  }

  func send(_ message: JSON) async throws {
    let sent = try await msgspool("send", "--json", stdin: "\(message.text)\n")
    #expect(sent.status == 0, "\(sent.stderr)")
  }

  /// The history's last line.
  func last() throws -> Parsed {
    for folder in ["done", "deferred", "failed", "new"] {
      if let name = try yard.names(folder).first {
        return try Parsed(String(yard.text(of: "\(folder)/\(name)").split(separator: "\n").last ?? ""))
      }
    }
    throw CocoaError(.fileNoSuchFile)
  }
}

@Suite("Presets: each does what its vendor documents")
struct PresetTests {
  @Test(
    "The request that leaves is the documented one, and each answer is taken for what it says",
    arguments: Documented.all)
  fileprivate func documented(_ documented: Documented) async throws {
    #expect(documented.answers.count >= 5)
    for answer in documented.answers {
      let reply = Self.reply(answer)
      let bench = try await Bench(documented) { peer in
        while peer.readRequest() != nil { peer.write(reply) }
      }
      let checked = try await bench.msgspool("check")
      #expect(checked.status == 0, "\(checked.stdout)\(checked.stderr)")
      try await bench.send(documented.message)
      let swept = try await bench.msgspool("sweep")
      #expect(swept.status == 0, "\(swept.stderr)")
      try await Self.compare(bench, answer)
      let seen = bench.server.finish()
      #expect(seen.count == 1 && seen.allSatisfy(\.isWhole))
      try Self.compare(try #require(seen.first).text, documented.request)
    }
  }

  private static func reply(_ answer: JSON) -> String {
    let body = answer["body"]?.string ?? answer["body"]?.text ?? ""
    var head = "HTTP/1.1 \(answer["status"]?.integer ?? 0) X\r\nContent-Length: \(body.utf8.count)\r\n"
    for header in answer["headers"]?.members ?? [] {
      let soon = String(Int(Date().timeIntervalSince1970) + 40)
      head += "\(header.key): \((header.value.string ?? "").replacing("{now+40}", with: soon))\r\n"
    }
    return head + "\r\n" + body
  }

  private static func compare(_ text: String, _ expected: JSON) throws {
    let parts = text.components(separatedBy: "\r\n\r\n")
    let lines = parts[0].components(separatedBy: "\r\n")
    let line = lines[0].components(separatedBy: " ")
    #expect(line[0] == expected["method"]?.string)
    // The call's id is made up when it is made.
    let path = try #require(expected["path"]?.string).components(separatedBy: "{call}")
    #expect(line[1].hasPrefix(path[0]) && line[1].hasSuffix(path[path.count - 1]), "\(line[1])")
    #expect(path.count == 1 ? line[1] == path[0] : line[1].count > path[0].count + 10)
    let headers = Dictionary(
      lines.dropFirst().compactMap { line in
        line.firstIndex(of: ":").map { (line[..<$0].lowercased(), line[line.index($0, offsetBy: 2)...]) }
      }, uniquingKeysWith: { first, _ in first })
    for header in expected["headers"]?.members ?? [] {
      #expect(headers[header.key].map { String($0) } == header.value.string, "\(header.key)")
    }
    #expect(try Parsed(parts[1]) == Parsed(expected["body"]?.text ?? ""), "\(parts[1])")
  }

  private static func compare(_ bench: Bench, _ answer: JSON) async throws {
    let words = try #require(answer["end"]?.string).split(separator: " ").map(String.init)
    let (place, kind) = (words[0], words.count > 1 ? words[1] : nil)
    guard place != "suspended" else {
      let rows = try await bench.msgspool("channels", "--json").rows
      let suspended = rows.first?["suspended"] as? [String: Any]
      #expect(suspended?["kind"] as? String == kind && rows.first?["waiting"] as? Int == 1, "\(answer.text) \(rows)")
      return
    }
    let last = try bench.last()
    #expect(try bench.yard.names(place).count == 1, "\(answer.text) \(last)")
    #expect(last["error"]?["kind"]?.text == kind, "\(answer.text) \(last)")
    if let id = answer["id"]?.string { #expect(last["results"]?[0]["id"]?.text == id) }
    guard let wait = answer["wait"]?.number else { return }
    let (at, due) = (try #require(last["at"]?.date), try #require(last["due"]?.date))
    // A wait that is told is kept to, give or take what is rounded on the way.
    #expect((wait - 3...wait + 5).contains(due.timeIntervalSince(at)), "\(due.timeIntervalSince(at)) for \(wait)")
  }

  @Test("A lost answer of Matrix is no doubt: the same request goes again under its transaction id")
  func repeated() async throws {
    let matrix = try #require(Documented.all.first { $0.preset.name == "matrix" })
    let bench = try await Bench(matrix) { peer in
      guard peer.readRequest() != nil else { return }
      guard peer.number > 1 else { return peer.reset() }
      peer.answer(#"{"event_id":"$1"}"#)
    }
    try await bench.send(matrix.message)
    _ = try await bench.msgspool("sweep")
    let last = try bench.last()
    #expect(last["error"]?["kind"]?.text == "uncertain" && last["state"]?.text == "deferred", "\(last)")
    _ = try await bench.msgspool("flush")
    _ = try await bench.msgspool("sweep")
    let end = try bench.last()
    #expect(try bench.yard.names("done").count == 1, "\(end)")
    let requests = bench.server.finish().map(\.text)
    #expect(requests.count == 2 && requests.first == requests.last)
  }

  @Test("Rooms of Matrix: what is said of one stops nobody, of a second one it stops the channel")
  func rooms() async throws {
    let matrix = try #require(Documented.all.first { $0.preset.name == "matrix" })
    let bench = try await Bench(matrix) { peer in
      while let request = peer.readRequest() {
        let isForbidden = String(decoding: request, as: UTF8.self).contains("/%21bad")
        let body = isForbidden ? #"{"errcode":"M_FORBIDDEN"}"# : #"{"event_id":"$1"}"#
        peer.write("HTTP/1.1 \(isForbidden ? 403 : 200) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      }
    }
    try bench.yard.put("new/a", #"{"to":["!bad:x","!good:x",".."],"body":"x"}"#)
    try bench.yard.put("new/nobody", #"{"body":"x"}"#)
    _ = try await bench.msgspool("sweep")
    let results =
      try Parsed(String(bench.yard.text(of: "deferred/a").split(separator: "\n").last ?? ""))["results"]?.array ?? []
    let states = Dictionary(results.map { ($0["to"]?.text, $0["state"]?.text) }) { first, _ in first }
    #expect(states == ["!bad:x": "deferred", "!good:x": "accepted", "..": "rejected"], "\(results)")
    #expect(try bench.yard.text(of: "failed/nobody").contains("url has a place for it"))
    for room in ["bad1", "bad2", "bad3", "bad4"] {
      try bench.yard.put("new/\(room)", #"{"to":"!\#(room):x","body":"x"}"#)
    }
    _ = try await bench.msgspool("sweep")
    let suspended = try await bench.msgspool("channels", "--json").rows.first?["suspended"] as? [String: Any]
    #expect(suspended?["kind"] as? String == "credentials")
  }

  @Test(
    "A preset is shown with what to get where, in 80 columns, and listed; a channel that names it as provider is told")
  func shown() async throws {
    let yard = try Yard()
    let list = try await yard.msgspool("providers")
    for preset in Presets.all {
      #expect(list.stdout.contains("\n  \(preset.name) "))
      let shown = try await yard.msgspool("providers", preset.name)
      #expect(shown.status == 0 && shown.stdout.contains(preset.document))
      // The block itself is copied as it is; the rest is for reading.
      let block = preset.example.split(separator: "\n").map { "  \($0)\n" }.joined().dropLast() + ",\n"
      #expect(shown.stdout.contains(block), "\(shown.stdout)")
      for line in shown.stdout.replacing(block, with: "").split(separator: "\n") {
        // An address is whole, however long.
        #expect(line.count <= 80 || line.hasPrefix("https://"), "\(line)")
      }
      let rows = try await yard.msgspool("providers", preset.name, "--json").rows
      #expect(rows.count == 1 && rows.first?["example"] as? String == preset.example)
      #expect(Providers.Catalogue.named(preset.provider) != nil && Providers.Catalogue.named(preset.name) == nil)
    }
    #expect(try await yard.msgspool("providers", "vonage").status == 0)
    #expect(try await yard.msgspool("providers", "slak").stderr.contains("did you mean \"slack\""))
    try yard.configure(#"{ channels: { a: { provider: "slack" } } }"#)
    let ran = try await yard.msgspool("check")
    #expect(ran.status == 78 && ran.stdout.contains("msgspool providers slack"), "\(ran.stdout)\(ran.stderr)")
    let rehearsal = try await yard.msgspool("init", "--provider", "slack", "--sandbox")
    #expect(rehearsal.status == 64 && rehearsal.stderr.contains("init --provider webhook --sandbox"))
  }

  @Test("init writes a preset's channel, which check takes as soon as its secrets are there")
  func checked() async throws {
    for preset in Presets.all where preset.provider == "exec" {
      let yard = try Yard()
      try FileManager.default.removeItem(atPath: yard.path("config.json"))
      let made = try await yard.msgspool("init", "--provider", preset.name)
      #expect(made.status == 0 && made.stdout.contains("--to ADDRESS"), "\(made.stderr)")
      let ran = try await yard.msgspool("check")
      #expect(ran.status == 78 && ran.stdout.contains("is not set"), "\(ran.stdout)")
    }
  }
}
