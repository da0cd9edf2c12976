import Core
import Foundation
import TestSupport
import Testing
import Transports

@Suite("Whatever bytes come back, each exchange has one reply, in time and within bounds")
struct HostileWireTests {
  private static let answer =
    "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    + "Set-Cookie: a=b\r\nX-Folded: a\r\n b\r\nContent-Length: 13\r\n\r\n{\"code\":1000}"
  private static let chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    + "5;ext=1\r\n{\"cod\r\n8\r\ne\":1000}\r\n0\r\nX-Trailer: t\r\n\r\n"
  private static let words = [
    "\r\n", "\n", "\r", "\0", ": ", "HTTP/1.1 ", "HTTP/9.9 ", "HTTP/1.1 100 C\r\n\r\n", "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Transfer-Encoding: chunked\r\n",
    "ffffffffffffffffff\r\n", "Connection: close\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "\u{FF}", " ", "200",
    "999",
    "Location: http://127.0.0.1:1/\r\n", "Content-Encoding: br\r\n", "Upgrade: h2c\r\n", "Retry-After: ",
  ]

  private static func hostile(_ mutator: inout Mutator) -> [UInt8] {
    var bytes = Array(mutator.pick([answer, answer, chunked]).utf8)
    for _ in 0..<Int.random(in: 0...4, using: &mutator.random) {
      let at = Int.random(in: 0...bytes.count, using: &mutator.random)
      bytes.insert(contentsOf: Array(mutator.pick(words).utf8), at: at)
    }
    return mutator.damaged(bytes)
  }

  @Test("Answers from a seed, over the wire", .timeLimit(.minutes(60)), arguments: Fuzzing.seeds.prefix(2))
  func seeded(seed: UInt64) async throws {
    let count = Fuzzing.inputs(300, 20_000)
    let server = try ScriptedServer { peer in
      var mutator = Mutator(seed &* 1_000_003 &+ UInt64(peer.number))
      while peer.readRequest() != nil {
        peer.write(Self.hostile(&mutator))
        if mutator.chance(80) { return }
      }
    }
    let transport = CurlTransport.local(maxResponseBytes: 4096, maxInFlight: 32)
    let (stream, continuation) = AsyncStream.makeStream(of: Reply.self)
    transport.perform(
      (0..<count).map { _ in
        Errand(.http(HTTPRequest(.post, server.url(), body: [1])), within: 2) { continuation.yield($0) }
      })
    var kinds: [String: Int] = [:]
    var left = count
    for await reply in stream {
      kinds[reply.verdict.prefix { $0 != " " }.description, default: 0] += 1
      if let response = reply.response {
        #expect(response.status == 0 || (100...999).contains(response.status))
        #expect(response.body.count <= 4096 && response.headers.count < 10_000)
        #expect(!response.headers.contains { $0.value.utf8.contains(0x0A) })
      }
      left -= 1
      if left == 0 { break }
    }
    transport.shutdown()
    #expect(kinds.values.reduce(0, +) == count)
    #expect((kinds["http"] ?? 0) > 0 && (kinds["lost:"] ?? 0) > 0, "\(kinds)")
  }

  /// A decoder that trusts its input makes gigabytes of ten megabytes. Nothing is decoded, so nothing grows.
  @Test func aCompressedBombStaysWhatItIs() async throws {
    let server = try ScriptedServer { peer in
      guard let request = peer.readRequest() else { return }
      let asked = String(decoding: request, as: UTF8.self).lowercased().contains("accept-encoding")
      let bomb = [UInt8](repeating: 0x1F, count: 1000)
      peer.write("HTTP/1.1 200 OK\r\nX-Asked: \(asked)\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n")
      peer.write(bomb)
    }
    let (reply, _) = await exchange(HTTPRequest(.post, server.url(), body: [1]), with: server)
    #expect(reply.response?.header("x-asked") == "false", "compression is not asked for")
    #expect(reply.response?.body == [UInt8](repeating: 0x1F, count: 1000))
  }

  /// libcurl 7.88 took such a line for the end of the answer before, and wrote into memory that it had freed.
  @Test func aFoldedLineThatNothingGoesBeforeIsNoAnswer() async throws {
    let server = try ScriptedServer { peer in
      guard peer.readRequest() != nil else { return }
      peer.answer()
      guard peer.readRequest() != nil else { return }
      peer.write("HTTP/1.1 200 OK\r\n Folded: at once\r\nContent-Length: 2\r\n\r\nok")
    }
    let transport = CurlTransport.local(maxInFlight: 1)
    let replies = Replies()
    transport.perform(
      (0..<2).map { _ in
        Errand(.http(HTTPRequest(.post, server.url(), body: [65])), within: 20, then: replies.take)
      })
    transport.shutdown()
    #expect(replies.sofar == ["http 200", "lost: malformed"])
  }

  @Test(arguments: [301, 302, 303, 307, 308])
  func credentialsDoNotFollowARedirectToAnotherHost(status: Int) async throws {
    let other = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer() }
    }
    let elsewhere = other.url("/api")
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil {
        peer.write("HTTP/1.1 \(status) Moved\r\nLocation: \(elsewhere)\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let request = HTTPRequest(.post, server.url(), headers: [HTTPHeader("Authorization", "Basic c2VjcmV0")], body: [1])
    let (reply, seen) = await exchange(request, with: server)
    #expect(reply.verdict == "http \(status)")
    #expect(seen.count == 1 && other.finish().isEmpty)
  }
}
