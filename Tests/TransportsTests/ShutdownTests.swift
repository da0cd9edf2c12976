import Core
import Dispatch
import Synchronization
import TestSupport
import Testing
import Transports

@Suite struct ShutdownTests {
  /// Answers each request when the test opens the gate.
  private func gated() throws -> (server: ScriptedServer, gate: DispatchSemaphore) {
    let gate = DispatchSemaphore(value: 0)
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil {
        _ = gate.wait(timeout: .now() + 20)
        peer.answer()
      }
    }
    return (server, gate)
  }

  private func errands(_ count: Int, _ server: ScriptedServer, _ replies: Replies) -> [Errand] {
    (0..<count).map { _ in Errand(.http(HTTPRequest(.post, server.url(), body: [65])), within: 20, then: replies.take) }
  }

  @Test func aTransportThatWasNeverUsedShutsDownAtOnce() {
    CurlTransport.local().shutdown()
    CurlTransport.local().shutdown(.abandon)
  }

  @Test func drainingWaitsForWhatWasHandedOverAndTakesNoMore() async throws {
    let (server, gate) = try gated()
    let transport = CurlTransport.local(maxInFlight: 1)
    let replies = Replies()
    transport.perform(errands(3, server, replies))
    #expect(server.waitForRequest())
    for _ in 0..<3 { gate.signal() }
    transport.shutdown(.drain)
    #expect(replies.sofar == ["http 200", "http 200", "http 200"])
    transport.perform(errands(1, server, replies))
    #expect(replies.sofar.last == "not sent: closed")
    #expect(server.finish().count == 3)
  }

  @Test func abandoningSaysWhatWasSentAndWhatWasNot() async throws {
    let (server, gate) = try gated()
    let transport = CurlTransport.local(maxInFlight: 2)
    let replies = Replies()
    transport.perform(errands(4, server, replies))
    #expect(server.waitForRequest() && server.waitForRequest())
    transport.shutdown(.abandon)
    #expect(
      replies.sofar.sorted() == [
        "lost: abandoned", "lost: abandoned", "not sent: abandoned", "not sent: abandoned",
      ])
    gate.signal()
    gate.signal()
    #expect(server.finish().count == 2)
  }

  @Test func abandoningHastensADrainThatIsUnderWay() async throws {
    let (server, gate) = try gated()
    let transport = CurlTransport.local()
    let replies = Replies()
    transport.perform(errands(1, server, replies))
    #expect(server.waitForRequest())
    let drained = Task.detached { transport.shutdown(.drain) }
    transport.shutdown(.abandon)
    await drained.value
    #expect(replies.sofar == ["lost: abandoned"])
    gate.signal()
    _ = server.finish()
  }

  @Test func theTransportMayBeUsedAndShutDownFromADelivery() async throws {
    let (server, gate) = try gated()
    let transport = CurlTransport.local()
    let replies = Replies()
    for _ in 0..<2 { gate.signal() }
    transport.perform(
      errands(1, server, Replies()).map { errand in
        Errand(errand.exchange, within: 20) { reply in
          replies.take(reply)
          transport.perform(errand.exchange, within: 20, then: replies.take)
          transport.shutdown()
        }
      })
    #expect(await replies.wait(for: 2) == ["http 200", "http 200"])
    transport.shutdown()
    #expect(server.finish().count == 2)
  }

  @Test func everyErrandIsAnsweredOnceWhenTheTransportIsLetGo() async throws {
    let (server, gate) = try gated()
    let replies = Replies()
    CurlTransport.local(maxInFlight: 2).perform(errands(5, server, replies))
    for _ in 0..<5 { gate.signal() }
    #expect(await replies.wait(for: 5) == Array(repeating: "http 200", count: 5))
    #expect(server.finish().count == 5)
  }

  @Test func manyThreadsMayHandOverWhileItShutsDown() async throws {
    let server = try ScriptedServer { peer in
      while peer.readRequest() != nil { peer.answer() }
    }
    let transport = CurlTransport.local(maxInFlight: 4)
    let replies = Replies()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<50 { transport.perform(errands(2, server, replies)) }
        }
      }
      group.addTask {
        _ = server.waitForRequest()
        transport.shutdown()
      }
    }
    transport.shutdown()
    #expect(replies.sofar.count == 800)
    let sent = replies.sofar.count { $0 == "http 200" }
    #expect(replies.sofar.count { $0 == "not sent: closed" } == 800 - sent)
    #expect(server.finish().count == sent)
  }
}
