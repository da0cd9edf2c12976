import Foundation

/// A spool, the sandbox it sends to, and the built program between them.
package struct Station: Sendable {
  /// A channel in the configuration: the least it needs, and more settings as JSON5.
  package enum Channel: Sendable {
    case wxpusher(String = "")
    case aliyun(String = "")
    case twilio(String = "")

    fileprivate func text(endpoint: String) -> String {
      let (own, more) =
        switch self {
        case .wxpusher(let more): (#"provider: "wxpusher", app_token: "AT_token-for-tests""#, more)
        case .aliyun(let more):
          (
            #"provider: "aliyun-sms", access_key_id: "LTAItests", access_key_secret: "secret-for-tests", "#
              + #"sign_name: "Tests", template: "SMS_1""#, more
          )
        case .twilio(let more):
          (
            #"provider: "twilio", account_sid: "AC00000000000000000000000000000000", "#
              + #"auth_token: "token-for-tests", from: "+15005550006""#, more
          )
        }
      // The limits of the day and the second are the business of tests that name them. What is named twice is refused.
      let rate = more.contains("rate:") ? "" : ", rate: 0"
      let endpoint = more.contains(/(^|[ ,])endpoint:/) ? "" : ", endpoint: \"\(endpoint)\""
      return "{ \(own)\(rate)\(endpoint)\(more.isEmpty ? "" : ", \(more)") }"
    }
  }

  /// What a request was, as the sandbox recorded it.
  package struct Call: Sendable {
    package var provider: String
    package var recipients: [String]
    package var content: Parsed
    package var status: Int
    package var outcome: String
    package var at: Date
  }

  package let program: String
  package let spool: TemporarySpool
  package let record: String
  package let address: String
  /// What the far side had recorded before this station's spool came to it.
  private let recordedBefore: UInt64
  /// A command line to run the program under, whatever it is asked to do.
  package var wrapper: [String] = []

  init(program: String, spool: TemporarySpool, record: String, address: String, recordedBefore: UInt64 = 0) {
    self.program = program
    self.spool = spool
    self.record = record
    self.address = address
    self.recordedBefore = recordedBefore
  }

  /// Another spool at the same far side, whose earlier calls are none of its business.
  package func moved(to spool: TemporarySpool) -> Station {
    let size = (try? FileManager.default.attributesOfItem(atPath: record)[.size] as? UInt64) ?? 0
    return Station(program: program, spool: spool, record: record, address: address, recordedBefore: size)
  }

  /// Writes the configuration, with more top-level settings as JSON5.
  package func configure(_ channels: [String: Channel], _ more: String = "") throws {
    let entries = channels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.text(endpoint: address))" }
    try configure(text: "{ \(more.isEmpty ? "" : "\(more), ")channels: { \(entries.joined(separator: ",\n")) } }")
  }

  package func configure(text: String) throws {
    let path = "\(spool.path)/config.json"
    try Data(text.utf8).write(to: URL(filePath: path))
    chmod(path, 0o600)
  }

  /// Runs the program on this spool.
  /// - Parameters:
  ///   - wrapper: a command line to run it under.
  ///   - more: variables of its environment.
  package func run(
    _ command: String, _ arguments: [String] = [], stdin: String = "", under wrapper: [String] = [],
    with more: [String: String] = [:], timeout: Duration = .seconds(120)
  ) async throws -> Ran {
    let line = self.wrapper + wrapper + [program, command, "--spool", spool.path] + arguments
    return try await TestSupport.run(
      line[0], Array(line[1...]), stdin: Data(stdin.utf8), env: Self.environment.merging(more) { $1 }, timeout: timeout)
  }

  private static let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MSGSPOOL") }

  /// A sweep to its end; its `--json` summary where it printed one.
  @discardableResult
  package func sweep(_ arguments: String..., under wrapper: [String] = []) async throws -> Swept {
    let ran = try await run("sweep", ["--json"] + arguments, under: wrapper)
    return Swept(ran: ran, summary: ran.stdout.isEmpty ? .null : try Parsed(ran.stdout))
  }

  package struct Swept: Sendable {
    package var ran: Ran
    package var summary: Parsed

    package var status: Int32 { ran.status }
    package var stderr: String { ran.stderr }
    package subscript(count: String) -> Int? { summary[count]?.int }
  }

  /// What reached the far side so far, questions about earlier messages left out.
  package func calls() throws -> [Call] { try requests().filter { $0.outcome != "lookup" } }

  package func requests() throws -> [Call] {
    guard let file = FileHandle(forReadingAtPath: record) else { return [] }
    defer { try? file.close() }
    try file.seek(toOffset: recordedBefore)
    return try (file.readToEnd() ?? Data()).split(separator: UInt8(ascii: "\n")).map { line in
      let value = try Parsed(line)
      return Call(
        provider: value["provider"]?.text ?? "", recipients: value["recipients"]?.array.compactMap(\.text) ?? [],
        content: value["content"] ?? .null, status: value["status"]?.int ?? -1, outcome: value["outcome"]?.text ?? "",
        at: value["at"]?.date ?? .distantPast)
    }
  }

  /// How often each recipient was accepted by the far side, in calls that were accepted whole.
  package func accepted() throws -> [String: Int] {
    try calls().filter { $0.outcome == "accepted" }
      .reduce(into: [:]) { counts, call in for recipient in call.recipients { counts[recipient, default: 0] += 1 } }
  }
}

/// Runs `body` with a spool and a sandbox that misbehaves as told (`msgspool sandbox --help` lists the faults).
/// - Parameter more: further options of the sandbox.
package func withStation<Result: Sendable>(
  faults: [String] = [], sandbox more: [String] = [], spool: TemporarySpool? = nil, timeout: Duration = .seconds(600),
  _ body: @Sendable (Station) async throws -> Result
) async throws -> Result {
  guard let program = builtProgram() else { throw RunError.notFound("msgspool (swift build makes it)") }
  await Gate.stations.enter()
  defer { Task { await Gate.stations.leave() } }
  let spool = try spool ?? TemporarySpool()
  let record = "\(spool.path)/sandbox.jsonl"
  let arguments = ["sandbox", "--record", record] + faults.flatMap { ["--fault", $0] } + more
  return try await whileRunning(program, arguments, timeout: timeout) { address in
    try await body(Station(program: program, spool: spool, record: record, address: address))
  }
}

/// Lets so many in at a time. Each running program holds threads that wait for it, and those are few.
private actor Gate {
  static let stations = Gate(places: 6)

  private var places: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(places: Int) { self.places = places }

  func enter() async {
    if places > 0 {
      places -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      places += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
