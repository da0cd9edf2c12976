import Core
import Foundation
import TestSupport
import Testing
import Transports

/// The examples that are shipped, run as the provider exec runs them.
@Suite struct BridgeTests {
  private static let folder = Repository.file("Sources/Extras/Bridges").path

  private func run(
    _ python: String, _ arguments: [String], _ lines: [String], environment: [String: String] = [:]
  ) async throws -> (status: Int32?, lines: [[String: String]], errors: String) {
    let transport = ProgramTransport()
    let request = ProgramRequest(
      command: [python] + arguments, input: Array(lines.map { $0 + "\n" }.joined().utf8), environment: environment)
    let reply = await transport.reply(to: .program(request), within: 60)
    transport.shutdown()
    let response = try #require(reply.program)
    let answers = response.output.split(separator: 10).map { line -> [String: String] in
      (try? JSONDecoder().decode([String: String].self, from: Data(line))) ?? [:]
    }
    return (response.status, answers, response.errors)
  }

  @Test(
    .enabled(if: TestPython.with("apprise") != nil, TestPython.missing("apprise")))
  func apprise() async throws {
    let server = try ScriptedServer { peer in
      while let request = peer.readRequest() {
        let isRefused = String(decoding: request, as: UTF8.self).hasPrefix("POST /refused")
        peer.write("HTTP/1.1 \(isRefused ? "500 no" : "200 OK")\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let target = "json://127.0.0.1:\(server.port)"
    let ran = try await run(
      try #require(TestPython.with("apprise")), ["\(Self.folder)/apprise-bridge.py"],
      [
        #"{"to":"\#(target)/alice","call":"c","body":"磁盘 95%","title":"告警","format":"text","url":"https://a.example","options":{"type":"warning"}}"#,
        #"{"to":"\#(target)/refused","call":"c","body":"x","format":"text"}"#,
        #"{"to":"nonsense","call":"c","body":"x"}"#,
      ])
    #expect(ran.status == 0, "\(ran.errors)")
    #expect(ran.lines.map { $0["state"] } == ["accepted", "deferred", "rejected"])
    #expect(ran.lines.map { $0["to"] } == ["\(target)/alice", "\(target)/refused", "nonsense"])
    let seen = server.finish()
    #expect(seen.count == 2)
    struct Notification: Decodable { var title, message, type: String }
    let body = try #require(seen.first?.text.components(separatedBy: "\r\n\r\n").last)
    let notification = try JSONDecoder().decode(Notification.self, from: Data(body.utf8))
    #expect(notification.title == "告警" && notification.message == "磁盘 95%\n\nhttps://a.example")
    #expect(notification.type == "warning")
  }

  /// A stand-in for the package: there is no test account, and its service locks out who tries too much.
  private static let itchat = """
    friends = {"Alice": "@a1", "Twin": None}
    def load_login_status(path): return path.endswith("good")
    def search_friends(name=None, wechatAccount=None):
        if name == "Twin": return [{"UserName": "@t1"}, {"UserName": "@t2"}]
        return [{"UserName": "@a1"}] if name == "Alice" or wechatAccount == "alice_wx" else []
    def search_chatrooms(name=None): return [{"UserName": "@@r1"}] if name == "Ops" else []
    def send_msg(text, toUserName=None):
        print("noise on standard output")
        if "fail" in text: return {"BaseResponse": {"Ret": 1205, "ErrMsg": "too often"}}
        return {"BaseResponse": {"Ret": 0}, "MsgID": toUserName + "/" + text}
    """

  @Test(.enabled(if: find(program: "python3") != nil, "needs python3"))
  func itchat() async throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("itchat.py", Array(Self.itchat.utf8))
    let python = try #require(find(program: "python3"))
    let bridge = "\(Self.folder)/itchat-bridge.py"
    let environment = ["PYTHONPATH": folder.url.path]
    let ran = try await run(
      python, [bridge, "/session/good"],
      [
        #"{"to":"Alice","title":"t","body":"b"}"#, #"{"to":"alice_wx","body":"b"}"#,
        #"{"to":"room:Ops","body":"fail"}"#,
        #"{"to":"Twin","body":"b"}"#, #"{"to":"Nobody","body":"b"}"#,
      ], environment: environment)
    #expect(ran.status == 0, "\(ran.errors)")
    #expect(ran.lines.map { $0["state"] } == ["accepted", "accepted", "deferred", "rejected", "rejected"])
    #expect(ran.lines[0]["id"] == "@a1/t\nb" && ran.lines[2]["code"] == "1205")
    let ended = try await run(python, [bridge, "/session/bad"], [], environment: environment)
    #expect(ended.status == 77 && ended.errors.contains("--login"))
    let missing = try await run(
      python, ["-S", bridge, "/session/good"], [], environment: ["PYTHONPATH": "/nonexistent"])
    #expect(missing.status == 78)
  }
}
