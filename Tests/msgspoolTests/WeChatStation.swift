import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// A spool with one channel of personal WeChat, and the phone of its owner.
extension Station {
  static let bot = "wechat-ilink"

  /// - Parameter more: further settings of the channel, as JSON5.
  func configureBot(_ more: String = "", _ others: String = "") throws {
    try configure(
      text: """
        { attachment_directories: ["\(spool.path)/files"], channels: {
          me: { provider: "wechat-ilink", endpoint: "\(address)", rate: 0\(more.isEmpty ? "" : ", \(more)") }\(others)
        } }
        """)
    chmod("\(spool.path)/config.json", 0o600)
  }

  /// What the phone does; the answer of the sandbox.
  @discardableResult
  func phone(_ command: String, _ fields: [String: Any] = [:], of provider: String = bot) async throws -> Parsed {
    let url = try #require(URL(string: "\(address)/sandbox/\(provider)/\(command)"))
    var request = URLRequest(url: url)
    request.httpMethod = command == "received" ? "GET" : "POST"
    if command != "received" {
      request.httpBody = try JSONSerialization.data(withJSONObject: fields)
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    }
    let (data, _) = try await URLSession.shared.data(for: request)
    return try Parsed(data)
  }

  @discardableResult
  func say(_ text: String, _ more: [String: Any] = [:]) async throws -> String {
    let answer = try await phone("say", ["from": "owner", "text": text].merging(more) { $1 })
    return try #require(answer["id"]?.text)
  }

  /// Logs in, and has the owner begin an allowance.
  func logIn(saying word: String? = "hi") async throws {
    let ran = try await run("login", ["me", "--json"])
    #expect(ran.status == 0, "\(ran.stderr)")
    if let word { try await say(word) }
  }

  /// The texts that the owner got, in order.
  func textsOfOwner() async throws -> [String] {
    try await phone("received")["owner"]?.array.compactMap { $0["text"]?.text } ?? []
  }

  /// Messages in inbox/new.
  func inbox() throws -> [Parsed] {
    try spool.names(in: "inbox/new").map { try Parsed(try spool.bytes("inbox/new/\($0)")) }
  }

  /// Runs `body` while a watch runs on this spool. What it says is in the file LOG, its process's number in LOG.pid.
  func watching<Result: Sendable>(
    _ log: String = "watch.log", _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    let script = #"echo $$ > "$0.pid"; echo ready; exec "$@" 2> "$0""#
    let line = ["-c", script, "\(spool.path)/\(log)", program, "watch", "--spool", spool.path]
    return try await whileRunning("sh", line, env: ["PATH": "/usr/bin:/bin"], timeout: .seconds(120)) { _ in
      try await body()
    }
  }

  /// Kills a watch, and nobody else.
  func killWatch(_ log: String = "watch.log") throws {
    let number = String(decoding: try spool.bytes("\(log).pid"), as: UTF8.self).filter(\.isNumber)
    kill(try #require(pid_t(number)), SIGKILL)
  }

  /// What a watch has said.
  func said(_ log: String = "watch.log") -> String {
    String(decoding: (try? spool.bytes(log)) ?? [], as: UTF8.self)
  }

  /// Messages that have an end; one that was dropped twice is one.
  var settled: Int {
    let names = (spool.names(in: "done") + spool.names(in: "failed")).map { $0.prefix { $0 != "~" } }
    return ["new", "cur", "deferred"].allSatisfy { spool.names(in: $0).isEmpty } ? Set(names).count : -1
  }

  /// How a channel's login stands, as `status` shows it.
  func login(_ channel: String) async throws -> Parsed? {
    let status = try Parsed(try await run("status", ["--json"]).stdout)
    return status["sessions"]?.array.first { $0["channel"]?.text == channel }
  }
}

/// A channel of the web protocol.
extension Station {
  static let web = "wechat-web"

  /// - Parameter more: further settings of the channel, as JSON5.
  func configureWeb(_ more: String = "", _ others: String = "") throws {
    try configure(
      text: """
        { default_channel: "wx", attachment_directories: ["\(spool.path)/files"], channels: { wx: {
          provider: "wechat-web", accept_risk: true, endpoint: "\(address)", rate: 0\(more.isEmpty ? "" : ", \(more)")
        }\(others) } }
        """)
  }

  func logInToWeb() async throws {
    let ran = try await run("login", ["wx", "--json"])
    #expect(ran.status == 0, "\(ran.stderr)")
  }

  @discardableResult
  func hear(_ text: String, _ more: [String: Any] = [:]) async throws -> String {
    let answer = try await phone("say", ["text": text].merging(more) { $1 }, of: Self.web)
    return try #require(answer["id"]?.text)
  }

  /// What somebody got, in order.
  func received(_ name: String) async throws -> [Parsed] {
    try await phone("received", of: Self.web)[name]?.array ?? []
  }

  func texts(_ name: String) async throws -> [String] {
    try await received(name).compactMap { $0["text"]?.text }
  }

  /// Calls that sent, whatever became of them.
  func sends() throws -> [String] {
    try requests().compactMap { $0.content["call"]?.text }.filter { $0.hasPrefix("webwxsend") }
  }

  func attach(_ name: String, _ bytes: [UInt8]) throws -> String {
    let folder = "\(spool.path)/files"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    return "\(folder)/\(name)"
  }

  func phases(_ ran: Ran) throws -> [String] {
    try ran.stdout.split(separator: "\n").compactMap { try Parsed(String($0))["phase"]?.text }
  }
}
