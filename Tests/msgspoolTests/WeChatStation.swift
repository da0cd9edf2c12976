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

  /// Runs `body` while a watch runs on this spool.
  func watching<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
    let script = #"echo ready; exec "$@" 2> "$0""#
    let line = ["-c", script, "\(spool.path)/watch.log", program, "watch", "--spool", spool.path]
    return try await whileRunning("sh", line, env: ["PATH": "/usr/bin:/bin"], timeout: .seconds(120)) { _ in
      try await body()
    }
  }
}
