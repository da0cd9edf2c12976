import Foundation
import Testing

@testable import Sandbox

/// Polls on the wire: one that waits holds up nobody, and is answered when there is something.
@Suite struct LongPollTests {
  /// A poll for a code that nobody scans, which the server has.
  private func poll(_ server: SandboxServer) throws -> (connection: Loopback, code: String) {
    let page = "https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage"
    let answer = try server.response(
      "GET", "/jslogin?appid=wx782c26e4c19acffb&fun=new&redirect_uri=\(page)&lang=zh_CN",
      headers: [WeChatWebClient.browser])
    let uuid = try #require(answer.text.between("uuid = \"", "\""))
    let connection = try Loopback(port: server.port)
    connection.post("GET", "/cgi-bin/mmwebwx-bin/login?uuid=\(uuid)&tip=1&r=1&_=1")
    return (connection, uuid)
  }

  private func manual() throws -> SandboxServer {
    let server = SandboxServer(isPhoneAutomatic: false)
    try server.start()
    return server
  }

  @Test func othersAreAnsweredMeanwhileAndMayBeWhatItWaitsFor() throws {
    let server = try manual()
    let poll = try poll(server)
    #expect(try server.pushWx(uids: ["UID_a"]).json["code"] == 1000)
    #expect(!server.records.contains { $0.content["call"] == "login" })
    #expect(try server.response("POST", "/sandbox/wechat-web/scan").status == 200)
    guard case .whole(let answer) = try poll.connection.answer() else {
      Issue.record("no whole answer")
      return
    }
    #expect(answer.text.hasPrefix("window.code=201;"))
    #expect(server.records.contains { $0.content["call"] == "login" })
    // The connection is kept for the next poll.
    poll.connection.post("GET", "/cgi-bin/mmwebwx-bin/login?uuid=\(poll.code)&tip=1&r=1&_=1")
    #expect(try server.response("POST", "/sandbox/wechat-web/confirm").status == 200)
    guard case .whole(let page) = try poll.connection.answer() else {
      Issue.record("no whole answer")
      return
    }
    #expect(page.text.hasPrefix("window.code=200;"))
  }

  @Test func timeAloneAnswersToo() throws {
    let server = SandboxServer()
    try server.start()
    let poll = try poll(server)
    // The automatic phone scans, and nobody else asks anything.
    guard case .whole(let answer) = try poll.connection.answer() else {
      Issue.record("no whole answer")
      return
    }
    #expect(answer.text.hasPrefix("window.code=201;"))
  }

  @Test func stoppingWaitsForNoPoll() throws {
    let server = try manual()
    let poll = try poll(server)
    _ = try server.response("GET", "/elsewhere")
    let start = ContinuousClock.now
    server.stop()
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(try poll.connection.answer() == .closed)
  }

  @Test func aClientThatLeavesIsForgotten() throws {
    let server = try manual()
    do { _ = try poll(server) }
    #expect(try server.response("POST", "/sandbox/wechat-web/scan").status == 200)
    #expect(try server.response("POST", "/sandbox/wechat-web/confirm").status == 200)
    #expect(try server.pushWx(uids: ["UID_a"]).json["code"] == 1000)
  }

  @Test func noFaultEverHitsThePhone() throws {
    let server = try sandbox(faults: ["status:http=500"])
    #expect(try server.response("GET", "/sandbox/wechat-web/received").status == 200)
    #expect(try server.response("POST", "/sandbox/wechat-ilink/dance").status == 404)
    #expect(try server.response("GET", "/sandbox/wechat-ilink/scan").status == 405)
  }
}
