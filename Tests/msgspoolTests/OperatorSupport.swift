import Foundation
import TestSupport
import Testing

/// A spool with its configuration, driven through the built program alone.
final class Yard: Sendable {
  let root: String
  var spool: String { root + "/spool" }

  /// - Parameter endpoint: of a sandbox; without one nothing must be sent.
  init(endpoint: String = "http://127.0.0.1:9") throws {
    root =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "msgspool-operator-\(UUID().uuidString)").path
    for folder in ["tmp", "new", "cur", "deferred", "done", "failed"] {
      try FileManager.default.createDirectory(atPath: "\(spool)/\(folder)", withIntermediateDirectories: true)
      chmod("\(spool)/\(folder)", 0o750)
    }
    try configure(
      """
      { default_channel: "a", channels: {
          a: { provider: "wxpusher", app_token: "AT_a", endpoint: "\(endpoint)", rate: 0, daily_per_recipient: 0 },
          t: { provider: "twilio", account_sid: "AC00000000000000000000000000000000", auth_token: "t",
               from: "+15005550006", endpoint: "\(endpoint)" } } }
      """)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func configure(_ text: String) throws {
    try text.write(toFile: "\(spool)/config.json", atomically: false, encoding: .utf8)
    chmod("\(spool)/config.json", 0o600)
  }

  /// Runs a command on this spool.
  func msgspool(_ arguments: String..., stdin: String = "") async throws -> Ran {
    try await msgspool(arguments, stdin: stdin)
  }

  func msgspool(_ arguments: [String], stdin: String = "") async throws -> Ran {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    return try await run(
      program, arguments + ["--spool", spool], stdin: Data(stdin.utf8), env: ["PATH": "/usr/bin:/bin", "TZ": "UTC"],
      timeout: patience)
  }

  // MARK: Files

  func path(_ place: String) -> String { "\(spool)/\(place)" }

  /// Writes a file, as old as said.
  func put(_ place: String, _ text: String, age: Double = 60) throws {
    try text.write(toFile: path(place), atomically: false, encoding: .utf8)
    chmod(path(place), 0o640)
    try setAge(of: place, age)
  }

  func setAge(of place: String, _ age: Double) throws {
    try FileManager.default.setAttributes([.modificationDate: Date() - age], ofItemAtPath: path(place))
  }

  func age(of place: String) throws -> Double {
    let attributes = try FileManager.default.attributesOfItem(atPath: path(place))
    return try Date().timeIntervalSince(#require(attributes[.modificationDate] as? Date))
  }

  func text(of place: String) throws -> String { try String(contentsOfFile: path(place), encoding: .utf8) }

  func exists(_ place: String) -> Bool { FileManager.default.fileExists(atPath: path(place)) }

  func names(_ folder: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: path(folder)))
  }

  /// Everything in the spool, with what it holds.
  func snapshot() throws -> [String: Data] {
    var all: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: spool) ?? .init() {
      // Readers of a database in WAL mode make its companions.
      if name.hasPrefix("ledger.db-") { continue }
      all[name] = FileManager.default.contents(atPath: path(name)) ?? Data()
    }
    return all
  }
}

/// A message and its history, as a sweep leaves them.
func settled(
  _ state: String, channel: String = "a", provider: String = "wxpusher", kind: String? = nil, ago: Double = 60,
  message: String = #"{"to":"UID_1","body":"x"}"#, to: String = "UID_1"
) -> String {
  message + "\n" + line(state, channel: channel, provider: provider, kind: kind, ago: ago, to: to) + "\n"
}

func line(
  _ state: String, channel: String = "a", provider: String = "wxpusher", kind: String? = nil, ago: Double = 60,
  to: String = "UID_1"
) -> String {
  let at = (Date() - ago).formatted(.iso8601)
  let result =
    ["done": "accepted", "duplicate": "accepted", "failed": "rejected", "deferred": "deferred"][state] ?? "unconfirmed"
  let error = kind.map { #","error":{"kind":"\#($0)","code":"1001","message":"said no"}"# } ?? ""
  return #"{"msgspool":1,"at":"\#(at)","state":"\#(state)","channel":"\#(channel)","provider":"\#(provider)","#
    + #""attempt":1,"recipients":{},"calls":[],"results":[{"to":"\#(to)","state":"\#(result)"}]\#(error)}"#
}

extension Ran {
  /// Its output as JSON, a value a line.
  var rows: [[String: Any]] {
    get throws {
      try stdout.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
      }
    }
  }

  var lines: Set<String> { Set(stdout.split(separator: "\n").map(String.init)) }
}

/// Generous: the whole suite runs at once, on few cores.
let patience = Duration.seconds(300)

/// With a sandbox of its own, which records the requests it gets in the yard's `requests`.
func withSandbox<Result: Sendable>(
  _ faults: String..., body: @Sendable (Yard) async throws -> Result
) async throws -> Result {
  let program = try #require(builtProgram(), "swift build makes msgspool")
  let record = NSTemporaryDirectory() + "msgspool-requests-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: record) }
  let arguments = ["sandbox", "--record", record] + faults.flatMap { ["--fault", $0] }
  return try await whileRunning(program, arguments, timeout: patience) { address in
    let yard = try Yard(endpoint: address)
    symlink(record, yard.root + "/requests")
    return try await body(yard)
  }
}
