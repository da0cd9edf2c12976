import Glibc

@testable import Sandbox

/// What a request came to on the wire.
enum Answer: Equatable {
  case whole(Response)
  /// The connection ended before the announced body was there.
  case cut(Response)
  /// The connection was reset (ECONNRESET) before any answer.
  case reset
  /// The connection was closed in an orderly way before any answer.
  case closed
}

struct Response: Equatable {
  var status: Int
  var headers: [FormPair]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: WireJSON { (try? WireJSON(parsing: body)) ?? .null }
  func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
}

struct LoopbackError: Error {
  var what: String
}

/// A connection to the sandbox that says exactly what it is told to, header by header. Blocking.
final class Loopback {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var ended = false
  private var wasReset = false

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw LoopbackError(what: "connect: \(errno)") }
  }

  deinit { close(descriptor) }

  func send(
    _ method: String, _ target: String, headers: [FormPair] = [], body: [UInt8] = []
  ) throws -> Answer {
    post(method, target, headers: headers, body: body)
    return try receive()
  }

  /// Exactly these bytes.
  func raw(_ bytes: [UInt8]) throws -> Answer {
    write(bytes)
    return try receive()
  }

  /// Sends without waiting for the answer.
  func post(_ method: String, _ target: String, headers: [FormPair] = [], body: [UInt8] = []) {
    var text = "\(method) \(target) HTTP/1.1\r\n"
    if !headers.contains(where: { $0.name.lowercased() == "host" }) { text += "Host: 127.0.0.1\r\n" }
    for header in headers where header.name.lowercased() != "content-length" {
      text += "\(header.name): \(header.value)\r\n"
    }
    write(Array((text + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
  }

  /// The answer to what was posted.
  func answer() throws -> Answer { try receive() }

  private func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      // A server that resets early is what some tests want to see: read on.
      guard sent > 0 else { break }
      rest = rest.dropFirst(sent)
    }
  }

  private func more() {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 { buffer += piece[..<count] }
    if count < 0 { wasReset = errno == ECONNRESET }
    ended = count <= 0
  }

  private func receive() throws -> Answer {
    while true {
      if let end = headEnd() {
        var response = try head(Array(buffer[..<end]))
        buffer.removeFirst(end + 4)
        let length = Int(response.header("content-length") ?? "0") ?? 0
        while buffer.count < length, !ended { more() }
        response.body = Array(buffer.prefix(length))
        buffer.removeFirst(response.body.count)
        return response.body.count == length ? .whole(response) : .cut(response)
      }
      if ended { return wasReset ? .reset : .closed }
      more()
    }
  }

  private func headEnd() -> Int? {
    guard buffer.count >= 4 else { return nil }
    return (0...buffer.count - 4).first { buffer[$0...].starts(with: [13, 10, 13, 10]) }
  }

  private func head(_ bytes: [UInt8]) throws -> Response {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    guard let status else { throw LoopbackError(what: "no status line") }
    let headers = lines.dropFirst().map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      return FormPair(line[..<colon].lowercased(), String(line[colon...].dropFirst().drop { $0 == " " }))
    }
    return Response(status: status, headers: headers, body: [])
  }
}

extension SandboxServer {
  /// One request on a connection of its own.
  func ask(
    _ method: String, _ target: String, headers: [FormPair] = [], body: [UInt8] = []
  ) throws -> Answer {
    try Loopback(port: port).send(method, target, headers: headers, body: body)
  }

  /// The same, where a whole answer is expected.
  func response(
    _ method: String, _ target: String, headers: [FormPair] = [], body: [UInt8] = []
  ) throws -> Response {
    guard case .whole(let response) = try ask(method, target, headers: headers, body: body) else {
      throw LoopbackError(what: "no whole answer to \(method) \(target)")
    }
    return response
  }
}

/// A running sandbox; it ends with its last use.
func sandbox(
  credentials: [String: [[String: String]]] = [:], record: String? = nil, faults: [String] = [],
  clock: ManualClock = ManualClock()
) throws -> SandboxServer {
  let server = SandboxServer(
    credentials: credentials, record: record, faults: try faults.map { try Fault($0) }, clock: { clock.now })
  try server.start()
  return server
}
