import Core
import Foundation
import Synchronization
import TestSupport
import Transports

extension CurlTransport {
  /// For loopback: no proxy of the machine's environment.
  static func local(
    connectTimeout: Double = 10, maxResponseBytes: Int = 8 << 20, maxInFlight: Int = 256, caFile: String? = nil,
    openAttachment: @escaping AttachmentOpener = { openForTest($0) }
  ) -> CurlTransport {
    CurlTransport(
      Policy(
        connectTimeout: connectTimeout, maxResponseBytes: maxResponseBytes, maxInFlight: maxInFlight, caFile: caFile,
        usesEnvironmentProxy: false, openAttachment: openAttachment))
  }

  func reply(to request: HTTPRequest, within timeout: Double = 20) async -> Reply {
    await withCheckedContinuation { continuation in
      perform(.http(request), within: timeout) { continuation.resume(returning: $0) }
    }
  }
}

/// Opens as the spool would, without its precautions.
func openForTest(_ file: AttachmentFile) -> OpenedAttachment {
  let descriptor = open("\(file.directory)/\(file.path)", O_RDONLY | O_CLOEXEC)
  var status = stat()
  guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return .failed(String(cString: strerror(errno))) }
  return .file(descriptor: descriptor, size: Int(status.st_size))
}

/// A folder that is removed with it.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "msgspool-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> AttachmentFile {
    try Data(bytes).write(to: url.appending(path: name))
    return AttachmentFile(directory: url.path, path: name)
  }

  /// How many descriptors of this process lie in it.
  var openDescriptors: Int {
    let folder = "/proc/self/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.count {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)"))?.hasPrefix(url.path) == true
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
