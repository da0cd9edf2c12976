import Core
import Glibc
import TestSupport
import Testing
import Transports

@Suite struct NotSentTests {
  /// A port of 127.0.0.1 on which nobody listens.
  private func freePort() throws -> UInt16 {
    let (descriptor, port) = try listenOnLoopback(backlog: 1)
    close(descriptor)
    return port
  }

  private func reply(to request: HTTPRequest, within timeout: Double = 20, connect: Double = 10) async -> Reply {
    let transport = CurlTransport.local(connectTimeout: connect)
    let reply = await transport.reply(to: request, within: timeout)
    transport.shutdown()
    return reply
  }

  @Test func aPortWithoutListenerRefuses() async throws {
    let port = try freePort()
    let reply = await reply(to: HTTPRequest(.post, "http://127.0.0.1:\(port)/", body: [65]))
    #expect(reply.verdict == "not sent: refused")
    #expect(reply.message == "There is no connection to 127.0.0.1:\(port): Connection refused.")
  }

  @Test func aNameThatDoesNotResolveIsNotSent() async {
    // A label of 64 characters is refused by the resolver itself, without a network.
    let name = String(repeating: "x", count: 64) + ".invalid"
    let reply = await reply(to: HTTPRequest(.get, "http://\(name)/"))
    #expect(reply.verdict == "not sent: resolve")
    #expect(reply.message == "The name in \(name) could not be resolved.")
  }

  @Test(arguments: [true, false])
  func connectingIsBoundedByBothTimeouts(byTotal: Bool) async throws {
    // With its queue of one place taken, the kernel leaves further connections unanswered.
    let (listener, port) = try listenOnLoopback(backlog: 0)
    let fillers = (0..<4).map { _ in connectWithoutWaiting(to: port) }
    let request = HTTPRequest(.post, "http://127.0.0.1:\(port)/", body: [65])
    let reply = await reply(to: request, within: byTotal ? 0.3 : 20, connect: byTotal ? 10 : 0.3)
    #expect(reply.verdict == "not sent: timeout")
    for descriptor in fillers + [listener] { close(descriptor) }
  }

  @Test func aServerThatNeverAgreesOnTLSHasBeenSentNothing() async throws {
    let server = try ScriptedServer { peer in
      while peer.readSome() {}
    }
    let reply = await reply(to: HTTPRequest(.post, "https://127.0.0.1:\(server.port)/", body: [65]), within: 0.3)
    #expect(reply.verdict == "not sent: timeout")
    _ = server.finish()
  }

  @Test func aServerThatDoesNotSpeakTLSHasBeenSentNothing() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readSome()
      peer.write("HTTP/1.1 400 Bad Request\r\n\r\n")
    }
    let reply = await reply(to: HTTPRequest(.post, "https://127.0.0.1:\(server.port)/", body: [65]))
    #expect(reply.verdict == "not sent: tls")
    _ = server.finish()
  }

  @Test(arguments: [
    HTTPHeader("X-A", "1\r\nX-B: 2"), HTTPHeader("X-A", "1\n"), HTTPHeader("X-A", "\u{0}"), HTTPHeader("X-A", "\u{7F}"),
    HTTPHeader("X-A", "a\tb"), HTTPHeader("", "a"), HTTPHeader("X A", "a"), HTTPHeader("X:A", "a"),
    HTTPHeader("X\r\n", "a"),
    HTTPHeader("Ü", "a"), HTTPHeader("content-LENGTH", "5"), HTTPHeader("Transfer-Encoding", "chunked"),
    HTTPHeader("Connection", "close"), HTTPHeader("Expect", "100-continue"),
  ])
  func aHeaderThatCouldSmuggleIsRefused(header: HTTPHeader) async throws {
    let server = try ScriptedServer { $0.waitUntilClosed() }
    let headers = [HTTPHeader("X-Good", "1"), header]
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), headers: headers), with: server)
    #expect(reply.verdict == "not sent: invalid")
    #expect(seen.isEmpty)
  }

  @Test(arguments: [
    "", "127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "http:///x", "http://?x", "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\u{0}", "http://127.0.0.1/é", "http://127.0.0.1/?key=a#b",
    "http://127.0.0.1:99999/", "http://",
  ])
  func aURLThatCannotGoOutAsItIsIsRefused(url: String) async {
    #expect(await reply(to: HTTPRequest(.post, url)).verdict == "not sent: invalid")
  }

  @Test(arguments: [Double.nan, -1, 0, 0.0001])
  func noTimeAtAllMeansATimeoutAndNotForEver(timeout: Double) async throws {
    let server = try ScriptedServer { $0.waitUntilClosed() }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server, within: timeout)
    #expect(["not sent: timeout", "lost: timeout"].contains(reply.verdict))
  }

  @Test func messagesTellNoSecretsOfTheURL() async throws {
    let port = try freePort()
    let server = try ScriptedServer { peer in
      _ = peer.readSome()
      peer.reset()
    }
    for (scheme, port) in [("http", port), ("https", server.port), ("http", server.port), ("ftp", port), ("http", 0)] {
      let reply = await reply(to: HTTPRequest(.get, "\(scheme)://user:hunter2@127.0.0.1:\(port)/hunter2?key=hunter2"))
      #expect(reply.response == nil)
      #expect(!reply.message.isEmpty && !reply.message.contains("hunter2"))
    }
    _ = server.finish()
  }

  private func connectWithoutWaiting(to port: UInt16) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var address = loopback(port: port)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return descriptor
  }
}
