import Core
import Foundation
import TestSupport
import Testing
import Transports

/// The openssl command line makes the certificates and serves them.
private enum OpenSSL {
  static let path = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first(where: FileManager.default.isExecutableFile)

  static func process(_ arguments: [String], in folder: URL) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/openssl")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return process
  }

  static func run(_ arguments: [String], in folder: URL) throws {
    let process = process(arguments, in: folder)
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments)")
  }
}

@Suite(.enabled(if: OpenSSL.path != nil, "needs the openssl command line")) final class TLSTests {
  private let folder: URL
  private var server: Process?

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "msgspool-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    if let server {
      // Not SIGTERM: a program started from a thread of Dispatch inherits it blocked.
      kill(server.processIdentifier, SIGKILL)
      server.waitUntilExit()
    }
    try? FileManager.default.removeItem(at: folder)
  }

  private var certificate: String { folder.appending(path: "certificate.pem").path }

  /// - Returns: the port of a server that answers any GET, with a certificate that signs itself.
  private func serve(name: String, days: Int = 2, extra: [String] = []) throws -> Int {
    try OpenSSL.run(
      [
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem",
        "-out", "request.pem", "-subj", "/CN=\(name)",
      ], in: folder)
    try Data("subjectAltName=DNS:\(name)\n".utf8).write(to: folder.appending(path: "extensions"))
    try OpenSSL.run(
      [
        "x509", "-req", "-in", "request.pem", "-signkey", "key.pem", "-days", "\(days)", "-extfile", "extensions",
        "-out", "certificate.pem",
      ], in: folder)
    let output = Pipe()
    let process = OpenSSL.process(
      ["s_server", "-accept", "127.0.0.1:0", "-cert", "certificate.pem", "-key", "key.pem", "-www"] + extra, in: folder)
    process.standardOutput = output
    try process.run()
    server = process
    var text = ""
    while !text.contains(/ACCEPT .*:\d+\n/) {
      let data = output.fileHandleForReading.availableData
      try #require(!data.isEmpty, "openssl s_server ended: \(text)")
      text += String(decoding: data, as: UTF8.self)
    }
    // The rest of its output must not fill the pipe.
    output.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
    return try #require(text.firstMatch(of: /ACCEPT .*:(\d+)\n/).flatMap { Int($0.1) })
  }

  private func reply(from url: String, caFile: String? = nil) async -> Reply {
    let transport = CurlTransport.local(caFile: caFile)
    let reply = await transport.reply(to: HTTPRequest(.get, url))
    transport.shutdown()
    return reply
  }

  @Test func aCertificateIsAcceptedWhenTheOperatorNamesItsAuthority() async throws {
    let port = try serve(name: "localhost")
    #expect(await reply(from: "https://localhost:\(port)/", caFile: certificate).verdict == "http 200")
  }

  @Test func aCertificateOfAnUnknownAuthorityIsRefused() async throws {
    let port = try serve(name: "localhost")
    let reply = await reply(from: "https://localhost:\(port)/")
    #expect(reply.verdict == "not sent: tls")
    #expect(reply.message.contains("self-signed"))
  }

  @Test func anExpiredCertificateIsRefused() async throws {
    let port = try serve(name: "localhost", days: -1)
    let reply = await reply(from: "https://localhost:\(port)/", caFile: certificate)
    #expect(reply.verdict == "not sent: tls")
    #expect(reply.message.contains("expired"))
  }

  @Test func aCertificateOfAnotherHostIsRefused() async throws {
    let port = try serve(name: "elsewhere.example")
    #expect(await reply(from: "https://localhost:\(port)/", caFile: certificate).verdict == "not sent: tls")
  }

  @Test func aMissingAuthorityFileTrustsNobody() async throws {
    let port = try serve(name: "localhost")
    let missing = folder.appending(path: "missing.pem").path
    #expect(await reply(from: "https://localhost:\(port)/", caFile: missing).verdict == "not sent: tls")
  }

  /// In TLS 1.3 the refusal comes after the client has finished its part and sent the request.
  @Test func aRefusalThatComesAfterTheRequestIsNoProofThatNothingWasSent() async throws {
    let port = try serve(name: "localhost", extra: ["-Verify", "1", "-verify_return_error", "-tls1_3"])
    #expect(await reply(from: "https://localhost:\(port)/", caFile: certificate).verdict == "lost: reset")
  }
}
