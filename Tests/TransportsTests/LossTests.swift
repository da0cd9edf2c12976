import Core
import Dispatch
import Glibc
import Synchronization
import TestSupport
import Testing
import Transports

/// What became of a request that got no complete answer. The rule: never sent twice, and `notSent` only when nothing
/// can have gone out.
@Suite struct LossTests {
  static let kinds: [(HTTPRequest.Method, [UInt8])] = [(.post, Array("body".utf8)), (.post, []), (.get, [])]

  @Test(arguments: kinds, [true, false])
  func aFreshConnectionThatDiesAfterTheRequestLosesIt(
    kind: (HTTPRequest.Method, [UInt8]), byReset: Bool
  ) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      if byReset { peer.reset() }
    }
    let (reply, seen) = await exchange(HTTPRequest(kind.0, server.url(), body: kind.1), with: server)
    #expect(reply.verdict == "lost: reset")
    #expect(seen.count == 1)
  }

  /// libcurl on its own sends the request a second time here.
  @Test(arguments: kinds, [true, false])
  func aKeptConnectionThatDiesAfterTheRequestLosesItAndSendsItOnce(
    kind: (HTTPRequest.Method, [UInt8]), byReset: Bool
  ) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.answer()
      _ = peer.readRequest()
      if byReset { peer.reset() }
    }
    let transport = CurlTransport.local()
    let first = await transport.reply(to: HTTPRequest(.get, server.url("/first")))
    #expect(first.verdict == "http 200")
    let request = HTTPRequest(kind.0, server.url("/second"), body: kind.1)
    let (reply, seen) = await exchange(request, with: server, through: transport)
    #expect(reply.verdict == "lost: reset")
    #expect(seen.map(\.connection) == [1, 1])
    #expect(seen.filter { $0.text.contains("/second") }.count == 1)
  }

  @Test func aLargeBodyOnAKeptConnectionThatDiesHalfwayIsNotSentAgain() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.answer()
      // The first bytes of the second request, then RST with the rest unread.
      _ = peer.readSome()
      peer.reset()
    }
    let transport = CurlTransport.local()
    #expect(await transport.reply(to: HTTPRequest(.get, server.url("/first"))).verdict == "http 200")
    let request = HTTPRequest(.post, server.url("/second"), body: [UInt8](repeating: 65, count: 5_000_000))
    let (reply, seen) = await exchange(request, with: server, through: transport)
    #expect(reply.verdict == "lost: reset")
    #expect(seen.allSatisfy { $0.connection == 1 })
  }

  @Test func aRefusedReconnectDoesNotTurnALostRequestIntoOneNotSent() async throws {
    let (listener, port) = try listenOnLoopback(backlog: 8)
    let thread = DispatchQueue(label: "server")
    let accepted = Mutex(0)
    thread.async {
      let connection = accept(listener, nil, nil)
      close(listener)
      var chunk = [UInt8](repeating: 0, count: 4096)
      if recv(connection, &chunk, chunk.count, 0) > 0 {
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)
        _ = send(connection, answer, answer.count, 0)
        if recv(connection, &chunk, chunk.count, 0) > 0 { accepted.withLock { $0 += 1 } }
      }
      close(connection)
    }
    let transport = CurlTransport.local()
    let request = HTTPRequest(.post, "http://127.0.0.1:\(port)/", body: [65])
    #expect(await transport.reply(to: request).verdict == "http 200")
    #expect(await transport.reply(to: request).verdict == "lost: reset")
    transport.shutdown()
    #expect(thread.sync { accepted.withLock { $0 } } == 1)
  }

  @Test func aConnectionClosedWhileIdleIsReplacedAndNothingIsLost() async throws {
    let closed = DispatchSemaphore(value: 0)
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil {
        peer.answer()
        if peer.number == 1 { break }
      }
      peer.close()
      closed.signal()
    }
    let transport = CurlTransport.local()
    #expect(await transport.reply(to: HTTPRequest(.get, server.url())).verdict == "http 200")
    wait(for: closed)
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: [65]), with: server, through: transport)
    #expect(reply.verdict == "http 200")
    #expect(seen.map(\.connection) == [1, 2])
  }

  @Test func aResetBeforeReadingNeverCountsAsAnswered() async throws {
    let server = try ScriptedServer { $0.reset() }
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: [65]), with: server)
    // The kernel may have taken the request before the reset came, or not. Only libcurl knows whether it began.
    #expect(["lost: reset", "not sent: refused", "not sent: reset"].contains(reply.verdict))
    #expect(seen.isEmpty)
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "lost: truncated"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "lost: truncated"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n", "lost: truncated"),
    ("HTTP/1.1 200 OK\r\nContent-Le", "lost: truncated"), ("HTTP/1.1 200 OK\r\n", "lost: truncated"),
    ("HTTP/1.1 100 Continue\r\n\r\n", "lost: truncated"), ("SSH-2.0-OpenSSH_9.2\r\n", "lost: malformed"),
    ("HTTP/1.1 20", "lost: reset"),
  ])
  func aBrokenAnswerIsNoAnswer(answer: String, verdict: String) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write(answer)
    }
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: [65]), with: server)
    #expect(reply.verdict == verdict)
    #expect(seen.count == 1)
  }

  @Test func aBodyOverTheLimitIsLost() async throws {
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer(String(repeating: "x", count: peer.number == 1 ? 1000 : 1001)) }
    }
    let transport = CurlTransport.local(maxResponseBytes: 1000)
    #expect(await transport.reply(to: HTTPRequest(.get, server.url())).response?.body.count == 1000)
    let other = CurlTransport.local(maxResponseBytes: 1000)
    #expect(await other.reply(to: HTTPRequest(.get, server.url())).verdict == "lost: too-large")
    transport.shutdown()
    other.shutdown()
    _ = server.finish()
  }

  @Test func anEndlessAnswerIsBrokenOffSoon() async throws {
    let written = Mutex(0)
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
      let chunk = [UInt8](repeating: 65, count: 100_000)
      for _ in 0..<1000 where peer.write(chunk) { written.withLock { $0 += chunk.count } }
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server)
    #expect(reply.verdict == "lost: too-large")
    #expect(written.withLock { $0 } < 40_000_000)
  }

  @Test(arguments: ["HTTP/1.1 200 OK\r\n", ""])
  func anEndlessHeadIsBrokenOffSoon(start: String) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write(start)
      // Without a start these are interim answers, each of which is whole.
      let line = start.isEmpty ? "HTTP/1.1 102 Processing\r\n\r\n" : "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
      let lines = String(repeating: line, count: 1000)
      for _ in 0..<1000 where !peer.write(lines) { break }
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server)
    #expect(reply.verdict == "lost: too-large")
  }

  @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf"])
  func anAnswerThatDoesNotCompleteInTimeIsLost(start: String) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write(start)
      peer.waitUntilClosed()
    }
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: [65]), with: server, within: 1)
    #expect(reply.verdict == "lost: timeout")
    #expect(seen.count == 1)
  }

  @Test func aDribbleDoesNotPutOffTheTimeout() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      repeat { peer.write("x") } while !peer.isClosed(within: 0.02)
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server, within: 1)
    #expect(reply.verdict == "lost: timeout")
  }
}

/// Outside of the test, because blocking is refused in an asynchronous function.
func wait(for semaphore: DispatchSemaphore) {
  _ = semaphore.wait(timeout: .now() + 20)
}
