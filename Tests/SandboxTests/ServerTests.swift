import Foundation
import Testing

@testable import Sandbox

@Suite struct ServerTests {
  private func temporaryFile() -> String {
    FileManager.default.temporaryDirectory.appending(path: "sandbox-\(UUID().uuidString).jsonl").path
  }

  private func lines(_ path: String) throws -> [WireJSON] {
    let data = try Data(contentsOf: URL(filePath: path))
    #expect(data.last == UInt8(ascii: "\n"))
    return try data.split(separator: UInt8(ascii: "\n")).map { try WireJSON(parsing: Array($0)) }
  }

  @Test func aRecordLineIsThereBeforeTheAnswerAndHoldsNoSecret() throws {
    let path = temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let server = try sandbox(record: path)
    _ = try server.pushWx(token: "AT_s3cret", uids: ["UID_a"], content: "line\none\u{1B}[31m")
    #expect(try lines(path).count == 1)
    _ = try server.response(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers("SKs3cret", "s3cret"), body: TwilioRequest.message())
    _ = try server.sms(.sms(["13800138000"]))
    let golden = try Golden.named("aliyun", "legacy_sendsms_chinese_param")
    _ = try golden.replay(to: server)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for secret in ["s3cret", "testAccessKeyId", "Pbuo5jar", "Signature", "\u{1B}"] {
      #expect(!text.contains(secret), "\(secret)")
    }
    let first = try #require(try lines(path).first)
    let expected: WireJSON = [
      "at": "2024-05-20T08:30:15.000Z", "provider": "wxpusher", "recipients": ["UID_a"],
      "content": ["content": "line\none\u{1B}[31m"], "status": 200, "outcome": "accepted",
    ]
    #expect(first == expected)
  }

  @Test func aRecordIsAppendedTo() throws {
    let path = temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    for _ in 0..<2 { _ = try sandbox(record: path).pushWx(uids: ["UID_a"]) }
    #expect(try lines(path).count == 2)
  }

  @Test func whatCannotBeRecordedOrListenedOnIsSaidAtTheStart() throws {
    let unwritable = SandboxServer(record: "/nowhere/at/all")
    #expect(throws: SandboxError.self) { try unwritable.start() }
    let server = try sandbox()
    let second = SandboxServer(port: server.port)
    let error = #expect(throws: SandboxError.self) { try second.start() }
    #expect(error?.description == "cannot listen on 127.0.0.1:\(server.port): Address already in use")
  }

  @Test func stoppingTwiceIsStoppingOnceAndThePortIsFreeAgain() throws {
    let server = try sandbox()
    let port = server.port
    server.stop()
    server.stop()
    #expect(throws: LoopbackError.self) { try Loopback(port: port) }
    let next = SandboxServer(port: port)
    try next.start()
    #expect(next.address == "http://127.0.0.1:\(port)")
  }

  @Test func aConnectionIsKeptForTheNextRequestWhoeverItIsFor() throws {
    let server = try sandbox()
    let connection = try Loopback(port: server.port)
    for number in 0..<3 {
      let push = try connection.send(
        "POST", "/api/send/message", headers: WxPusherRequest.json, body: WxPusherRequest.body(uids: ["UID_\(number)"]))
      guard case .whole(let first) = push else { throw LoopbackError(what: "\(push)") }
      #expect(first.json["data"]?.array?.first?["uid"]?.string == "UID_\(number)")
      let text = try connection.send(
        "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.message(body: "\(number)"))
      guard case .whole(let second) = text else { throw LoopbackError(what: "\(text)") }
      #expect(second.json["body"]?.string == "\(number)")
    }
    #expect(server.records.count == 6)
  }

  @Test func whatNoProviderServesIsNotFoundAndRecorded() throws {
    let server = try sandbox()
    #expect(try server.response("GET", "/").status == 404)
    #expect(try server.response("POST", "/api/other").status == 404)
    #expect(server.records.map(\.provider) == ["unknown", "unknown"])
    #expect(server.records[1].content == ["method": "POST", "path": "/api/other"])
  }

  @Test func bodiesMayHave16MiBAndNotAByteMore() throws {
    let server = try sandbox()
    let limit = 16 * 1024 * 1024
    // What surrounds the text in the smallest body with this content.
    let frame = WxPusherRequest.body(uids: ["UID_a"], content: "").count
    let largest = WxPusherRequest.body(uids: ["UID_a"], content: String(repeating: "a", count: limit - frame))
    #expect(largest.count == limit)
    #expect(try server.pushWx(largest).json["code"] == 1001)
    // The server answers without reading on, so the client may only see the connection end.
    let answer = try server.ask("POST", "/api/send/message", headers: WxPusherRequest.json, body: largest + [0x20])
    if case .whole(let response) = answer { #expect(response.status == 413) }
    #expect(server.records.last?.status == 413)
  }

  @Test func chunkedBodiesAreTaken() throws {
    let server = try sandbox()
    let body = WxPusherRequest.body(uids: ["UID_a"])
    let connection = try Loopback(port: server.port)
    let head =
      "POST /api/send/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    var wire = Array(head.utf8)
    for half in [body.prefix(20), body.dropFirst(20)] {
      wire += Array("\(String(half.count, radix: 16))\r\n".utf8) + half + [13, 10]
    }
    guard case .whole(let response) = try connection.raw(wire + Array("0\r\n\r\n".utf8)) else {
      throw LoopbackError(what: "no answer")
    }
    #expect(response.json["code"] == 1000)
  }

  @Test func memoryForgetsTheOldestAndOnlyThat() {
    var memory = Remembered<Int>(capacity: 3)
    for number in 0..<5 { memory.append(number, key: number % 2 == 0 ? "even" : "odd") }
    #expect(memory.serials(of: "even") == [2, 4])
    #expect(memory.serials(of: "odd") == [3])
    #expect(memory[1] == nil)
    #expect(memory[2] == 2)
    #expect(memory.oldest == 2)
  }

  @Test func recentRecordsAreBoundedByNumberAndByAddresses() {
    var recent = RecentRecords()
    func record(_ number: Int, addresses: Int) -> SandboxRecord {
      SandboxRecord(
        at: Date(timeIntervalSince1970: Double(number)), provider: "p",
        recipients: Array(repeating: "a", count: addresses), content: .null, status: 200, outcome: .accepted)
    }
    for number in 0..<25_000 { recent.append(record(number, addresses: 1)) }
    #expect(recent.all.count == 10_000)
    #expect(recent.all.first?.at.timeIntervalSince1970 == 15_000)
    for number in 0..<300 { recent.append(record(number, addresses: 2000)) }
    #expect(recent.all.count == 250)
    #expect(recent.all.last?.at.timeIntervalSince1970 == 299)
  }
}
