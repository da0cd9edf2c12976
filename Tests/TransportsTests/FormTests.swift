import Core
import Foundation
import TestSupport
import Testing
import Transports

@Suite struct FormTests {
  private func form(_ parts: [FormPart], headers: [HTTPHeader] = [], to server: ScriptedServer) -> HTTPRequest {
    HTTPRequest(.post, server.url("/upload"), headers: headers, parts: parts)
  }

  @Test func fieldsBytesAndFilesArriveWhole() async throws {
    let folder = try TemporaryFolder()
    let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer() }
    }
    let parts = [
      FormPart("payload", type: "application/json", .bytes(Array(#"{"a":"ä"}"#.utf8))),
      FormPart("empty", .bytes([])),
      FormPart("file", fileName: "报告\"1\".bin", type: "application/octet-stream", .file(try folder.file("x", large))),
    ]
    let transport = CurlTransport.local()
    // The second is a plain request on the same handle, the third a form again.
    let requests = [
      form(parts, headers: [HTTPHeader("Authorization", "Bearer x")], to: server),
      HTTPRequest(.post, server.url("/plain"), headers: [HTTPHeader("Authorization", "Bearer x")], body: [65]),
      form([FormPart("a", .bytes([66]))], headers: [HTTPHeader("Authorization", "Bearer x")], to: server),
    ]
    for request in requests { #expect(await transport.reply(to: request).verdict == "http 200") }
    #expect(folder.openDescriptors == 0)
    transport.shutdown()
    let seen = server.finish()
    try #require(seen.count == 3)
    let head = String(decoding: seen[0].bytes.prefix(600), as: UTF8.self)
    let boundary = try #require(head.firstMatch(of: /Content-Type: multipart\/form-data; boundary=(\S+)\r\n/)?.1)
    #expect(!head.contains("Expect") && head.contains("Authorization: Bearer x"))
    let expected: [[UInt8]] = [
      Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"payload\"\r\n".utf8),
      Array("Content-Type: application/json\r\n\r\n{\"a\":\"ä\"}\r\n--\(boundary)\r\n".utf8),
      Array("name=\"empty\"\r\n\r\n\r\n--\(boundary)\r\n".utf8),
      Array("name=\"file\"; filename=\"报告%221%22.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n".utf8) + large
        + Array("\r\n--\(boundary)--\r\n".utf8),
    ]
    for piece in expected { #expect(seen[0].bytes.firstRange(of: piece) != nil) }
    #expect(seen[1].text.hasSuffix("\r\n\r\nA") && !seen[1].text.contains("multipart"))
    #expect(seen[2].text.contains("name=\"a\"\r\n\r\nB\r\n--"))
  }

  @Test func aFileThatCannotBeOpenedIsNotSentAndNamed() async throws {
    let folder = try TemporaryFolder()
    let server = try ScriptedServer { $0.waitUntilClosed() }
    let there = try folder.file("there", [1])
    let missing = AttachmentFile(directory: folder.url.path, path: "missing")
    let request = form(
      [FormPart("a", fileName: "there", .file(there)), FormPart("b", fileName: "report.pdf", .file(missing))],
      to: server)
    let (reply, seen) = await exchange(request, with: server)
    #expect(reply.verdict == "not sent: invalid")
    #expect(reply.message.contains("\"report.pdf\"") && reply.message.contains("No such file"))
    #expect(seen.isEmpty && folder.openDescriptors == 0)
  }

  @Test func aFileThatHasBecomeShorterBreaksTheRequestOff() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("short", [UInt8](repeating: 7, count: 100_000))
    let server = try ScriptedServer { $0.waitUntilClosed() }
    let transport = CurlTransport.local { file in
      guard case .file(let descriptor, let size) = openForTest(file) else { return .failed("gone") }
      return .file(descriptor: descriptor, size: size + 1)
    }
    let request = form([FormPart("a", fileName: "short.bin", .file(file))], to: server)
    let (reply, seen) = await exchange(request, with: server, through: transport)
    #expect(reply.verdict == "lost: invalid")
    #expect(reply.message.contains("\"short.bin\""))
    #expect(seen.allSatisfy { !$0.isWhole } && folder.openDescriptors == 0)
  }

  @Test func descriptorsAreClosedWhateverHappens() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("x", [UInt8](repeating: 7, count: 3_000_000))
    let server = try ScriptedServer { peer in
      _ = peer.readSome()
      if peer.number == 1 { peer.reset() } else { peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n") }
    }
    for expected in ["lost", "lost"] {
      let reply = await CurlTransport.local().reply(to: form([FormPart("a", .file(file))], to: server))
      #expect(reply.verdict.hasPrefix(expected) || reply.verdict == "http 413")
      #expect(folder.openDescriptors == 0)
    }
    let transport = CurlTransport.local()
    let waiting = Task { await transport.reply(to: form([FormPart("a", .file(file))], to: server)) }
    transport.shutdown(.abandon)
    _ = await waiting.value
    #expect(folder.openDescriptors == 0)
    _ = server.finish()
  }

  @Test(arguments: ["a\r\nX: y", "a\0b"])
  func aNameThatCouldSmuggleIsRefused(name: String) async throws {
    let server = try ScriptedServer { $0.waitUntilClosed() }
    for part in [
      FormPart(name, .bytes([])), FormPart("a", fileName: name, .bytes([])), FormPart("a", type: name, .bytes([])),
    ] {
      #expect(await CurlTransport.local().reply(to: form([part], to: server)).verdict == "not sent: invalid")
    }
    let own = form([FormPart("a", .bytes([]))], headers: [HTTPHeader("Content-Type", "text/plain")], to: server)
    #expect(await CurlTransport.local().reply(to: own).verdict == "not sent: invalid")
    #expect(server.finish().isEmpty)
  }
}
