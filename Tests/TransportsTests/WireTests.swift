import Core
import TestSupport
import Testing
import Transports

@Suite struct WireTests {
  private func wire(_ request: HTTPRequest, _ server: ScriptedServer) async -> String {
    let (reply, seen) = await exchange(request, with: server)
    #expect(reply.verdict == "http 200")
    #expect(seen.count == 1)
    return seen.first?.text ?? ""
  }

  private func answering() throws -> ScriptedServer {
    try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer() }
    }
  }

  @Test func aPostGoesOutExactlyAsWritten() async throws {
    let server = try answering()
    let request = HTTPRequest(
      .post, server.url("/a/../b%2f?q=%c3%bc&x=a+b"),
      headers: [
        HTTPHeader("Content-Type", "application/json"), HTTPHeader("X-Title", "Grüße, 你好"), HTTPHeader("X-Empty", ""),
      ], body: Array("{\"a\":\u{0}1}".utf8))
    #expect(
      await wire(request, server) == """
        POST /a/../b%2f?q=%c3%bc&x=a+b HTTP/1.1\r
        Host: 127.0.0.1:\(server.port)\r
        User-Agent: msgspool\r
        Content-Type: application/json\r
        X-Title: Grüße, 你好\r
        X-Empty:\r
        Content-Length: 8\r
        \r
        {"a":\u{0}1}
        """)
  }

  @Test func aGetCarriesNothingThatWasNotAskedFor() async throws {
    let server = try answering()
    #expect(
      await wire(HTTPRequest(.get, server.url("/q")), server)
        == "GET /q HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nUser-Agent: msgspool\r\n\r\n")
  }

  @Test func anEmptyPostSaysThatItIsEmpty() async throws {
    let server = try answering()
    #expect(
      await wire(HTTPRequest(.post, server.url()), server)
        == "POST / HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nUser-Agent: msgspool\r\nContent-Length: 0\r\n\r\n")
  }

  @Test(arguments: [
    (HTTPRequest.Method.put, "PUT", "x"), (.put, "PUT", ""), (.delete, "DELETE", ""), (.delete, "DELETE", "x"),
    (.get, "GET", "x"),
  ])
  func theOtherMethodsKeepTheirNameAndBody(method: HTTPRequest.Method, name: String, body: String) async throws {
    let server = try answering()
    let text = await wire(HTTPRequest(method, server.url("/r"), body: Array(body.utf8)), server)
    #expect(text.hasPrefix("\(name) /r HTTP/1.1\r\n"))
    #expect(text.hasSuffix("\r\n\r\n\(body)"))
    #expect(!text.contains("Content-Type"))
  }

  @Test func aLargeBodyGoesOutAtOnceAndWhole() async throws {
    let server = try answering()
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: body), with: server)
    #expect(reply.verdict == "http 200")
    #expect(seen.map { Array($0.bytes.suffix(body.count)) == body } == [true])
    #expect(seen.first.map { String(decoding: $0.bytes.prefix(300), as: UTF8.self).contains("Expect") } == false)
  }

  @Test func anAnswerComesBackWhole() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write(
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
          + "HTTP/1.1 429 Too Many\r\nX-B: 2\r\nx-a:\t1 \r\nSET-COOKIE: a=b\r\nSet-Cookie: c=d\r\nX-Folded: a\r\n  b\r\n"
          + "X-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno\u{0}\r\n5\r\n, wai\r\n1\r\nt\r\n0\r\nX-Trailer: t\r\n\r\n"
      )
      peer.waitUntilClosed()
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server)
    let response = try #require(reply.response)
    #expect(response.status == 429)
    #expect(response.text == "no\u{0}, wait")
    #expect(
      response.headers == [
        HTTPHeader("x-b", "2"), HTTPHeader("x-a", "1"), HTTPHeader("set-cookie", "a=b"),
        HTTPHeader("set-cookie", "c=d"),
        HTTPHeader("x-folded", "a b"), HTTPHeader("x-empty", ""), HTTPHeader("transfer-encoding", "chunked"),
      ])
  }

  @Test func anAnswerMayEndWithTheConnection() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write("HTTP/1.0 200 OK\r\n\r\nuntil the end")
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server)
    #expect(reply.response?.text == "until the end")
  }

  @Test func anAnswerBeforeTheWholeRequestIsAnAnswer() async throws {
    let server = try ScriptedServer { peer in
      peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      peer.waitUntilClosed()
    }
    let body = [UInt8](repeating: 65, count: 10_000_000)
    let (reply, _) = await exchange(HTTPRequest(.post, server.url(), body: body), with: server)
    #expect(reply.verdict == "http 413")
  }

  @Test func aCompressedAnswerIsLeftAsItIs() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.readRequest()
      peer.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
      peer.waitUntilClosed()
    }
    let (reply, _) = await exchange(HTTPRequest(.get, server.url()), with: server)
    #expect(reply.response?.text == "nope")
  }

  @Test func aRedirectIsAnAnswerAndNotFollowed() async throws {
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil {
        peer.write("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let (reply, seen) = await exchange(HTTPRequest(.post, server.url(), body: [1]), with: server)
    #expect(reply.verdict == "http 307")
    #expect(reply.response?.header("location") == "/elsewhere")
    #expect(seen.count == 1)
  }

  @Test func wrongCredentialsInTheURLAreTriedOnce() async throws {
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil {
        peer.write("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let url = "http://me:secret@127.0.0.1:\(server.port)/"
    let (reply, seen) = await exchange(HTTPRequest(.post, url, body: [1]), with: server)
    #expect(reply.verdict == "http 401")
    #expect(seen.count == 1)
    #expect(seen.first?.text.contains("Authorization: Basic bWU6c2VjcmV0\r\n") == true)
  }

  @Test func cookiesAreNotKept() async throws {
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.write("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n") }
    }
    let transport = CurlTransport.local()
    _ = await transport.reply(to: HTTPRequest(.get, server.url()))
    let (_, seen) = await exchange(HTTPRequest(.get, server.url()), with: server, through: transport)
    #expect(seen.map { $0.text.contains("Cookie") } == [false, false])
  }

  @Test func aConnectionIsUsedAgainAndRequestsDoNotMix() async throws {
    let server = try answering()
    let transport = CurlTransport.local(maxInFlight: 1)
    let requests = [
      HTTPRequest(.put, server.url("/1"), headers: [HTTPHeader("X-A", "1")], body: Array("body".utf8)),
      HTTPRequest(.get, server.url("/2"), headers: [HTTPHeader("X-A", "caf\u{E9}")]),
      HTTPRequest(.get, server.url("/3"), headers: [HTTPHeader("X-A", "cafe\u{301}")]),
      HTTPRequest(.post, server.url("/4")),
    ]
    for request in requests { #expect(await transport.reply(to: request).verdict == "http 200") }
    transport.shutdown()
    let seen = server.finish()
    #expect(Set(seen.map(\.connection)) == [1])
    let host = "Host: 127.0.0.1:\(server.port)\r\nUser-Agent: msgspool\r\n"
    #expect(
      seen.map(\.bytes)
        == [
          "PUT /1 HTTP/1.1\r\n\(host)X-A: 1\r\nContent-Length: 4\r\n\r\nbody",
          "GET /2 HTTP/1.1\r\n\(host)X-A: caf\u{E9}\r\n\r\n", "GET /3 HTTP/1.1\r\n\(host)X-A: cafe\u{301}\r\n\r\n",
          "POST /4 HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n",
        ].map { Array($0.utf8) })
  }

  @Test func aThousandAtOnceEachGetTheirOwnAnswer() async throws {
    let server = try ScriptedServer { peer in
      while let request = peer.readRequest() {
        let path = String(decoding: request, as: UTF8.self).split(separator: " ")[1]
        peer.answer(String(path))
      }
    }
    let transport = CurlTransport.local()
    let results = await withTaskGroup(of: Bool.self) { group in
      let (stream, continuation) = AsyncStream.makeStream(of: Bool.self)
      transport.perform(
        (0..<1000).map { number in
          Errand(.http(HTTPRequest(.post, server.url("/\(number)"), body: [1])), within: 60) { reply in
            continuation.yield(reply.response?.text == "/\(number)")
          }
        })
      group.addTask {
        var right = 0
        for await isRight in stream.prefix(1000) where isRight { right += 1 }
        return right == 1000
      }
      return await group.next() ?? false
    }
    #expect(results)
    transport.shutdown()
    #expect(Set(server.finish().map(\.text)).count == 1000)
  }
}
