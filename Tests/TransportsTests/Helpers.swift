import Core
import Synchronization
import TestSupport
import Transports

extension CurlTransport {
  /// For loopback: no proxy of the machine's environment.
  static func local(
    connectTimeout: Double = 10, maxResponseBytes: Int = 8 << 20, maxInFlight: Int = 256, caFile: String? = nil
  ) -> CurlTransport {
    CurlTransport(
      Policy(
        connectTimeout: connectTimeout, maxResponseBytes: maxResponseBytes, maxInFlight: maxInFlight, caFile: caFile,
        usesEnvironmentProxy: false))
  }

  func reply(to request: HTTPRequest, within timeout: Double = 20) async -> Reply {
    await withCheckedContinuation { continuation in
      perform(.http(request), within: timeout) { continuation.resume(returning: $0) }
    }
  }
}

/// One exchange with a transport of its own, which is shut down before the server's count is taken.
func exchange(
  _ request: HTTPRequest, with server: ScriptedServer, within timeout: Double = 20,
  through transport: CurlTransport = .local()
) async -> (reply: Reply, seen: [ScriptedServer.Seen]) {
  let reply = await transport.reply(to: request, within: timeout)
  transport.shutdown()
  return (reply, server.finish())
}

extension Reply {
  /// `sent`, `not sent` or `lost` and the code, for short expectations.
  var verdict: String {
    switch self {
    case .http(let response): "http \(response.status)"
    case .mail: "mail"
    case .program: "program"
    case .notSent(let failure): "not sent: \(failure.code)"
    case .lost(let failure): "lost: \(failure.code)"
    }
  }

  var response: HTTPResponse? {
    if case .http(let response) = self { response } else { nil }
  }

  var message: String {
    switch self {
    case .http, .mail, .program: ""
    case .notSent(let failure), .lost(let failure): failure.message
    }
  }
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }
}

/// Replies from the transport's thread, for a test that waits for several.
final class Replies: Sendable {
  private let replies = Mutex<[String]>([])
  private let stream: AsyncStream<Void>
  private let ring: AsyncStream<Void>.Continuation

  init() {
    (stream, ring) = AsyncStream.makeStream()
  }

  func take(_ reply: Reply) {
    replies.withLock { $0.append(reply.verdict) }
    ring.yield()
  }

  var sofar: [String] { replies.withLock { $0 } }

  func wait(for count: Int) async -> [String] {
    var left = count
    for await _ in stream {
      left -= 1
      if left == 0 { break }
    }
    return sofar
  }
}
